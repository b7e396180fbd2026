"""The families of SAM in transformers, and how their classes differ."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from torch import Tensor


class Family(NamedTuple):
    """Classes of a family, and the form of its embeddings.

    Attributes:
        model: class of the model in transformers.
        processor: class of its processor.
        padded: see `Geometry`.
        split: output of the model's `get_image_embeddings` -> feature maps,
            each (1, ...).
        join: feature maps -> arguments of the model's forward.
    """

    model: str
    processor: str
    padded: bool
    split: Callable[[Any], list[Tensor]]
    join: Callable[[list[Tensor]], dict[str, Any]]


def _split_hq(output: tuple[Tensor, list[Tensor]]) -> list[Tensor]:
    """Returns the features, and of the early features what is decoded."""
    features, early = output
    return [features, early[0]]


def _join_hq(levels: list[Tensor]) -> dict[str, Any]:
    features, early = levels
    return dict(image_embeddings=features, intermediate_embeddings=[early])


_SAM = Family(
    model='SamModel',
    processor='SamProcessor',
    padded=True,
    split=lambda output: [output],
    join=lambda levels: dict(image_embeddings=levels[0]),
)
_SAM_HQ = Family(
    model='SamHQModel',
    processor='SamHQProcessor',
    padded=True,
    split=_split_hq,
    join=_join_hq,
)
# Three levels; the first two are details for the mask decoder.
_SAM_2 = Family(
    model='Sam2Model',
    processor='Sam2Processor',
    padded=False,
    split=list,
    join=lambda levels: dict(image_embeddings=levels),
)
_SAM_3 = _SAM_2._replace(
    model='Sam3TrackerModel', processor='Sam3TrackerProcessor'
)

# By the model_type in config.json. The official files of SAM 2 and 3 are
# those of the video models, which contain the image model.
FAMILIES = dict(
    sam=_SAM,
    sam_hq=_SAM_HQ,
    sam2=_SAM_2,
    sam2_video=_SAM_2,
    sam3_tracker=_SAM_3,
    sam3_tracker_video=_SAM_3,
    sam3_video=_SAM_3,
)
