"""Trials of losses, training images and predictions, before a training."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from mmengine import dist
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.engine.models import unwrap
from mmseg_sesam.io.names import printable
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import loss_list, source_losses
from mmseg_sesam.rounds.provenance import as_json
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.structures import DENSE, UNLABELLED
from mmseg_sesam.type_names import type_name


def try_losses(model: SeSAMEncoderDecoder) -> None:
    """Raises ValueError if a loss fails on human labels of two classes."""
    device = next(model.parameters()).device
    label = torch.full((1, 8, 8), UNLABELLED, dtype=torch.uint8, device=device)
    empty = label.clone()
    label[:, :4], label[:, 4:6] = 0, model.num_classes - 1
    labels = {
        source.name: label if source.is_human else empty
        for source in model.sources
    }
    inside = torch.ones_like(label, dtype=torch.bool)
    maps = LabelMaps.disjoint(labels, inside)
    for name, head in model.heads():
        # The trial must not change the state of a loss.
        head = copy.deepcopy(head)
        logits = torch.zeros(1, head.out_channels, 8, 8, device=device)
        try:
            source_losses(
                logits,
                maps,
                head,
                model.sources,
                model.iteration,
            )
        # Losses of mmseg raise errors of any type.
        except Exception as error:  # noqa: BLE001
            kinds = [type(loss).__name__ for loss in loss_list(head)]
            raise ValueError(
                f'The losses of the {name} head ({", ".join(kinds)}) cannot '
                f'be computed on {device} ({type(error).__name__}: {error}); '
                'take CrossEntropyLoss, DiceLoss, LovaszLoss or TverskyLoss, '
                'and see its options.'
            ) from error


def try_sample(runner: Runner) -> None:
    """Raises ValueError if the first training image cannot be trained on.

    Model and random generators stay as they are.
    """
    model = unwrap(runner.model)
    training = model.training
    model.eval()
    try:
        with _same_randomness(model), torch.no_grad():
            _forward(model, _first_image(runner))
    # The file system is at fault, not the image.
    except OSError:
        raise
    # Transforms and networks raise errors of any type.
    except Exception as error:  # noqa: BLE001
        raise ValueError(
            'The first training image cannot be trained on '
            f'({type(error).__name__}: {error}); unless memory ran out, '
            'correct the training pipeline, mean and std of the data '
            'preprocessor, which need a number for each channel of the '
            'images, or in_channels and in_index of the backbone and heads.'
        ) from error
    finally:
        model.train(training)


def try_single_image(runner: Runner) -> None:
    """Raises ValueError if BatchNorm fails in a step with a single image.

    Call it after `try_sample`, which evaluates and so needs no statistics of
    a batch. Model and random generators stay as they are: buffers are
    restored, since a copy of the model would take its memory again.
    """
    loader = runner.train_dataloader
    if not _has_single_image(loader):
        return
    model = unwrap(runner.model)
    training = model.training
    buffers = {n: buffer.clone() for n, buffer in model.named_buffers()}
    model.train()
    if dist.get_world_size() > 1:
        _stop_waiting(model)
    try:
        with _same_randomness(model), torch.no_grad():
            _forward(model, _first_image(runner))
    except ValueError as error:
        if 'more than 1 value per channel' not in str(error):
            raise
        if loader.batch_size == 1:
            found = (
                'train_dataloader.batch_size is 1; set it to 2 or more, or '
                "with several GPUs type='SyncBN' in norm_cfg"
            )
        else:
            found = (
                'the last batch of each epoch has one; set drop_last=True '
                'in train_dataloader, or another batch_size'
            )
        raise ValueError(
            f'BatchNorm cannot be trained on a single image ({error}), and '
            f'{found}.'
        ) from error
    finally:
        for name, buffer in model.named_buffers():
            # Constants may be views that cannot be written to.
            if not torch.equal(buffer, buffers[name]):
                buffer.copy_(buffers[name])
        model.train(training)


def try_batch(runner: Runner, places: Sequence[int]) -> None:
    """Raises ValueError if training images cannot be joined in a batch.

    Args:
        runner: of the training.
        places: of two training images of different sizes, or of the first
            one if all images have one size.
    """
    loader, model = runner.train_dataloader, unwrap(runner.model)
    # Transforms may change the sizes of images that have one size.
    places = [*places, 1][:2]
    # A wrapper may show a part of the images.
    places = [place for place in places if place < len(loader.dataset)]
    # A batch sampler of the user's own may join only images of one size.
    if loader.batch_size in (1, None) or len(places) < 2:
        return
    with _same_randomness(model), torch.no_grad():
        batch = pseudo_collate([loader.dataset[place] for place in places])
        try:
            model.data_preprocessor(batch, training=True)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise ValueError(
                'Training images have different sizes after the training '
                f'pipeline and cannot be joined in a batch ({error}); put '
                'RandomCrop into the training pipeline, with the crop_size '
                'that model.data_preprocessor has as size.'
            ) from error


def try_transforms(images: Dataset, prepare: ValidationTransforms) -> None:
    """Raises ValueError if a refresh cannot use transforms of validation.

    `images` packs whole training images, see `loading_dataset`.
    """
    if not prepare.steps:
        return
    # A refresh stores them.
    for step in prepare.steps:
        as_json(f'{type_name(step)} of the validation pipeline', step)
    batch = pseudo_collate([images[0]])
    try:
        prepare(batch)
    # Transforms raise errors of any type.
    except Exception as error:  # noqa: BLE001
        names = ', '.join(map(type_name, prepare.steps))
        raise ValueError(
            f'The transforms of validation ({names}) fail on a training '
            f'image without a label ({type(error).__name__}: {error}), as '
            'refreshes apply them; begin the names of those that change only '
            'labels with Load, or correct them.'
        ) from error


def try_predictions(images: TrainingImages, teacher: TeacherPredictor) -> None:
    """Raises ValueError if a refresh cannot predict whole training images.

    It predicts two images of different sizes if there are, as some networks
    take only multiples of a number, or the size of the crops. Model and
    random generators stay as they are.
    """
    model = teacher.model
    training = model.training
    model.eval()
    try:
        with _same_randomness(model):
            # Dense labels are their own pseudo-labels.
            for place in images.two_sizes(leave_out={DENSE}):
                _predict(images, place, teacher)
    finally:
        model.train(training)


def _has_single_image(loader: DataLoader) -> bool:
    """Returns whether a batch of a loader holds one image alone."""
    size = loader.batch_size
    # InfiniteSampler fills all batches.
    ends = isinstance(loader.sampler, DefaultSampler) and not loader.drop_last
    return size == 1 or (ends and len(loader.sampler) % size == 1)


def _first_image(runner: Runner) -> Tensor:
    """Returns the first training image as the student sees it."""
    batch = pseudo_collate([runner.train_dataloader.dataset[0]])
    preprocess = unwrap(runner.model).data_preprocessor
    views = preprocess(batch, training=True)['inputs']
    return views['student'] if isinstance(views, dict) else views


def _predict(
    images: TrainingImages, place: int, teacher: TeacherPredictor
) -> None:
    """Predicts the image at a place, see `try_predictions`."""
    batch = pseudo_collate([images.dataset[place]])
    try:
        for _ in teacher.bands(batch):
            pass
    # Networks raise errors of any type.
    except Exception as error:  # noqa: BLE001
        fact = images.facts[place]
        width, height = fact.size
        raise ValueError(
            f'The training image {printable(fact.path)} of {width} x {height} '
            'pixels cannot be predicted in a refresh '
            f"({type(error).__name__}: {error}); set mode='slide' with "
            'crop_size and stride in model.test_cfg, size or size_divisor, '
            'such as 32, in model.data_preprocessor.test_cfg, or Resize in '
            'the validation pipeline.'
        ) from error


def _forward(model: SeSAMEncoderDecoder, images: Tensor) -> None:
    """Runs the student and all of its heads."""
    features = model.extract_feat(images)
    for _, head in model.heads():
        head(features)


def _stop_waiting(model: torch.nn.Module) -> None:
    """Evaluates SyncBatchNorm, which has the images of all ranks.

    It would wait for ranks, of which some may have failed.
    """
    for module in model.modules():
        # That of mmcv is no class of torch.
        if 'SyncBatchNorm' in {kind.__name__ for kind in type(module).__mro__}:
            module.eval()


@contextmanager
def _same_randomness(model: torch.nn.Module) -> Iterator[None]:
    """Restores the generators of python, numpy and torch afterwards."""
    states = random.getstate(), np.random.get_state()
    device = next(model.parameters()).device
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
