"""Predicts images of any size in bounded memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmseg.apis import init_model
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmseg_sesam.datasets.pipeline_configs import (
    inference_pipeline,
    transform_names,
    view_of,
    view_steps,
)
from mmseg_sesam.datasets.rgb_view import load_view
from mmseg_sesam.engine.downloads import drop_downloads
from mmseg_sesam.io.images import read_image
from mmseg_sesam.models.checkpoint_file import (
    TEACHER,
    TRAINING,
    read_checkpoint,
    select_weights,
)
from mmseg_sesam.models.sliding import check_windows, score_bands

# Side of the tiles of an image that is too large to be predicted as a whole
# (our choice).
TILE = 2048


class Prediction(NamedTuple):
    """What a network predicts for an image.

    Attributes:
        label: (H, W) uint8 class ids.
        confidence: (H, W) uint8, 255 times the probability of the class.
    """

    label: np.ndarray
    confidence: np.ndarray


class Predictor:
    """Predicts images as the test of a config does, in bands of rows.

    With mode='slide' of the config's test_cfg, windows are predicted and
    averaged as mmseg does. With mode='whole' an image with a side above
    `tile` is predicted in tiles that overlap by a third, and others as a
    whole. Class scores exist for a band of rows at a time, so that memory
    does not grow with the height of an image.

    Args:
        cfg: config of the model, of this package or of plain mmseg.
        checkpoint: path of its weights.
        device: device that predicts.
        tile: largest side that is predicted as a whole. Lower it if the
            memory does not suffice.
        with_teacher: load the weights of a teacher too. Set it where
            `bands` gets the teacher.

    Raises:
        ValueError: the checkpoint cannot be read or lacks weights of the
            model, the model predicts no windows, or they leave pixels out.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str,
        device: str = 'cpu',
        tile: int = TILE,
        with_teacher: bool = False,
    ) -> None:
        cfg = copy.deepcopy(cfg)
        drop_downloads(cfg)
        self.tile = tile
        self.model = init_model(cfg, device='cpu')
        if not hasattr(self.model, 'encode_decode'):
            raise ValueError(
                f'{cfg.filename} has a {type(self.model).__name__}, expected '
                'an EncoderDecoder or a class derived from it.'
            )
        check_windows(self.model.test_cfg)
        unneeded = TRAINING if with_teacher else (TEACHER, *TRAINING)
        content = read_checkpoint(checkpoint)
        weights = select_weights(self.model, content, checkpoint, unneeded)
        self.model.load_state_dict(weights, strict=False)
        meta = (content.get('meta') or {}).get('dataset_meta') or {}
        self.model.to(device)
        self.classes: list[str] | None = meta.get('classes')
        self.palette: list[list[int]] | None = meta.get('palette')
        self.pipeline = Compose(_test_pipeline(cfg))
        self._view = _view_of(cfg)

    @property
    def num_classes(self) -> int:
        """Number of classes that the network tells apart."""
        return self.model.num_classes

    def check_confidence(self) -> None:
        """Raises ValueError if class scores give no probabilities.

        Heads that classify masks, as those of Mask2Former, MaskFormer and
        SAN, add up probabilities of masks.
        """
        kind = type(self._head)
        method = getattr(kind, 'predict_by_feat', None)
        if method is not BaseDecodeHead.predict_by_feat:
            raise ValueError(
                f'The class scores of {kind.__name__} are no logits, so that '
                'they give no probabilities; leave --confidence out.'
            )

    @torch.no_grad()
    def __call__(self, path: str | Path) -> Prediction:
        """Predicts the image of a file.

        Raises:
            torch.cuda.OutOfMemoryError: the memory of the GPU is too small.
            ValueError: the file cannot be loaded, or the network fails.
        """
        try:
            data = self.pipeline(dict(img_path=str(path)))
        # Pipelines raise anything when a file is damaged.
        except Exception as error:
            raise ValueError(
                f'{path} cannot be loaded by the test pipeline ({error}); '
                'remove it, or write it again.'
            ) from error
        try:
            shape = tuple(data['data_samples'].ori_shape[:2])
            bands = self.bands(pseudo_collate([data]))
            return self._decide(bands, shape)
        except torch.cuda.OutOfMemoryError:
            raise
        # Networks raise anything for sizes and bands that they do not take.
        except Exception as error:
            said = str(error).partition('\n')[0]
            raise ValueError(
                f'{path} cannot be predicted by the network ({said}); remove '
                'it, or write it in the size and with the bands of the '
                'training images.'
            ) from error

    def bands(
        self, batch: dict[str, Any], model: nn.Module | None = None
    ) -> Iterator[tuple[slice, Tensor]]:
        """Returns what `score_bands` yields.

        Args:
            batch: of one image.
            model: segmentor that predicts in the place of the student, with
                the same classes.
        """
        return score_bands(
            model or self.model,
            self.model.data_preprocessor,
            batch,
            self.tile,
        )

    def show(self, path: str | Path) -> np.ndarray:
        """Returns the image of a file as training shows it.

        That is the view of `LoadRGBView`, else what `read_image` returns.

        Returns:
            (H, W, 3) uint8 in RGB.

        Raises:
            ValueError: the file has no such colours.
        """
        if self._view:
            return load_view(str(path), self._view)
        remedy = (
            'put LoadRGBView into the test pipeline after the step that loads '
            'the image, or leave the overlays out with --no-overlays'
        )
        return read_image(path, remedy)

    @property
    def _head(self) -> nn.Module:
        """The head that predicts."""
        head = self.model.decode_head
        # A cascade has several heads, and the last one predicts.
        return head[-1] if isinstance(head, nn.ModuleList) else head

    def _decide(
        self, bands: Iterator[tuple[slice, Tensor]], shape: tuple[int, int]
    ) -> Prediction:
        """Returns the classes and probabilities of bands of class scores."""
        label, confidence = np.empty((2, *shape), np.uint8)
        for rows, scores in bands:
            if len(scores) == 1:
                first = scores[0].sigmoid()
                ids = first > self._head.threshold
                chances = torch.where(ids, first, 1 - first)
            else:
                chances, ids = scores.softmax(0).max(0)
                # Probabilities round to equal numbers before scores do.
                ids = scores.argmax(0)
            label[rows] = ids.byte().cpu().numpy()
            confidence[rows] = (255 * chances).byte().cpu().numpy()
        return Prediction(label, confidence)


def try_to_predict(predictor: Predictor, path: str | Path) -> Prediction | str:
    """Returns the prediction of an image, or a sentence that says why not.

    Use it where one image of many must not end the work.
    """
    try:
        return predictor(path)
    except torch.cuda.OutOfMemoryError:
        return (
            f'{path} does not fit the memory of the GPU; predict it by '
            'tools/predict.py with a smaller --tile, or with a smaller '
            'crop_size if the config slides a window.'
        )
    except ValueError as error:
        return str(error)


def _test_pipeline(cfg: Config) -> list[dict]:
    """Returns the pipeline that a config tests with, without labels.

    A config of a model alone has none, and gets whole images of 8 bits.
    """
    loaders = 'test_dataloader', 'val_dataloader'
    steps = inference_pipeline(cfg, loaders) or [
        dict(type='LoadImageFromFile'),
        dict(type='PackSegInputs'),
    ]
    return [s for s in steps if 'LoadAnnotations' not in transform_names(s)]


def _view_of(cfg: Config) -> list[dict]:
    """Returns the steps that show an image, see `view_steps`.

    A config without the data of training may have them in its test pipeline.
    """
    return view_of(cfg) or view_steps(dict(pipeline=_test_pipeline(cfg)))
