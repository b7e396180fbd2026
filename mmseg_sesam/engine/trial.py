"""A trial of the first training step."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from mmseg_sesam.engine.models import unwrap


def try_sample(runner: Runner) -> None:
    """Sends a training image through the pipeline and the network.

    A transform or network that does not fit the image is found here, and not
    after round 0 is made. Model and random generators stay as they are.

    Args:
        runner: before its first step.

    Raises:
        ValueError: the image cannot be trained on.
    """
    model = unwrap(runner.model)
    dataset = runner.train_dataloader.dataset
    training = model.training
    model.eval()
    try:
        with _same_randomness(model), torch.no_grad():
            batch = pseudo_collate([dataset[0]])
            batch = model.data_preprocessor(batch, training=True)
            views = batch['inputs']
            if isinstance(views, dict):
                views = views['student']
            features = model.extract_feat(views)
            for _, head in model.heads():
                head(features)
    # The file system is at fault, not the image.
    except OSError:
        raise
    # Transforms and networks raise errors of any type.
    except Exception as error:  # noqa: BLE001
        raise ValueError(
            'The first training image cannot be trained on '
            f'({type(error).__name__}: {error}); unless memory ran out, '
            'correct the training pipeline, the data preprocessor, or '
            'in_channels and in_index of the backbone and heads.'
        ) from error
    finally:
        model.train(training)


@contextmanager
def _same_randomness(model: torch.nn.Module) -> Iterator[None]:
    """Restores the generators of python, numpy and torch afterwards."""
    states = random.getstate(), np.random.get_state()
    device = next(model.parameters()).device
    devices = [device] if device.type == 'cuda' else []
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
