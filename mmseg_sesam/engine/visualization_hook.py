"""Hook that shows what the network is trained on, and what it predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models import EncoderDecoder
from mmseg.registry import DATASETS, HOOKS

from mmseg_sesam.datasets.loading import copy_store
from mmseg_sesam.datasets.pipeline_configs import loading_dataset
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.engine.models import refuse_sharded, unwrap
from mmseg_sesam.io.names import printable
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.validators import check_options, count
from mmseg_sesam.visualization import sheet
from mmseg_sesam.visualization.training_sample import describe_label

# Pixels of the longer side of each picture; bounds the size of a run (our
# choice).
_SIDE = 320


@HOOKS.register_module()
class SeSAMVisualizationHook(Hook):
    """Draws the labels of a few training images while the model trains.

    The runner's visualizer, and so all of its `vis_backends`, gets a strip of
    each image: the image, its weak label, the published pseudo-label, the
    teacher's confident predictions and the student's prediction, each with
    the share of pixels that it labels. Strips are drawn before the first
    step, every `interval` iterations and after the last one, on the main
    process. The images are spread evenly over the data set, shown whole and
    predicted with the transforms of validation, as refreshes predict them.
    Weights and random numbers of the training stay the same.

    Args:
        interval: iterations between strips (our choice).
        num_images: number of images; a smaller data set is shown whole.

    Raises:
        ValueError: an argument is less than 1, or the model is sharded.

    Example:
        >>> SeSAMVisualizationHook(interval=500).num_images
        4
    """

    # After the hook that makes rounds, so that strips show the new round.
    priority = 'LOWEST'

    def __init__(self, interval: int = 1000, num_images: int = 4) -> None:
        self.interval = interval
        self.num_images = num_images
        check_options(self, interval=count(1), num_images=count(1))

    def before_train(self, runner: Runner) -> None:
        """Chooses the images and draws them before the first step."""
        refuse_sharded(runner.model)
        self._prepare(runner)
        self._show(runner, runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Draws the images every `interval` iterations and after the last."""
        done = runner.iter + 1
        if done % self.interval == 0 or done == runner.max_iters:
            self._show(runner, done)

    @master_only
    def _prepare(self, runner: Runner) -> None:
        dataset = runner.cfg.train_dataloader.dataset
        self.images = DATASETS.build(
            loading_dataset(dataset, with_pseudo_labels=True)
        )
        copy_store(runner.train_dataloader.dataset, self.images)
        self.prepare = ValidationTransforms.of_config(runner.cfg)
        count = min(self.num_images, len(self.images))
        places = np.linspace(0, len(self.images) - 1, count)
        self.shown = places.round().astype(int).tolist()

    @master_only
    def _show(self, runner: Runner, step: int) -> None:
        """Hands a strip of each image to the visualizer."""
        model = unwrap(runner.model)
        palette = sheet.choose_palette(
            self.images.metainfo.get('palette'), model.num_classes
        )
        was_training = model.training
        model.eval()
        for place, index in enumerate(self.shown):
            packed = self.images[index]
            layers = label_layers(model, packed, self.prepare)
            strip = draw_strip(packed, layers, palette)
            # OpenCV writes only names in UTF-8.
            stem = printable(Path(packed['data_samples'].img_path).stem)
            runner.visualizer.add_image(f'train_{place}_{stem}', strip, step)
        model.train(was_training)


@torch.no_grad()
def label_layers(
    model: EncoderDecoder,
    packed: dict[str, Any],
    prepare: ValidationTransforms,
) -> dict[str, np.ndarray]:
    """Returns the labels of an image, (H, W) uint8 class ids by title.

    255 where nothing is labelled. The model is in evaluation mode, the image
    a sample of a `loading_dataset`.
    """
    batch = prepare(pseudo_collate([packed]))
    data = model.data_preprocessor(batch, False)
    sample = data['data_samples'][0]
    name = describe_label(sample.get('label_kind'))
    layers = {name: sample.gt_sem_seg.data[0]}
    if 'pseudo_sem_seg' in sample:
        layers['pseudo-label'] = sample.pseudo_sem_seg.data[0]
    if 'confident_sem_seg' in sample:
        layers['confident'] = sample.confident_sem_seg.data[0]
    elif isinstance(model, SeSAMEncoderDecoder) and model.teacher is not None:
        probability = model.predict_probability(**data)[None]
        layers['confident'] = model.confident_labels(probability)[0]
    predicted = model.predict(**data)[0]
    layers['prediction'] = predicted.pred_sem_seg.data[0]
    return {
        name: layer.cpu().numpy().astype(np.uint8)
        for name, layer in layers.items()
    }


def draw_strip(
    packed: dict[str, Any],
    layers: dict[str, np.ndarray],
    palette: list[list[int]],
) -> np.ndarray:
    """Returns an image beside its labels, (h, w, 3) uint8 in RGB."""
    image = rgb_view(packed['inputs'], packed['data_samples'])
    titled = {
        f'{name}, {np.mean(layer != UNLABELLED):.1%}': layer
        for name, layer in layers.items()
    }
    return sheet.join_strip(sheet.paint_labels(image, titled, palette, _SIDE))
