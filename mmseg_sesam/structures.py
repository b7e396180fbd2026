"""Unlabelled pixels, and the sources of labels with their loss terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmseg_sesam import validators
from mmseg_sesam.validators import Rule, option, required

# Value of pixels without a label, and of void in dense labels.
UNLABELLED = 255
# Field of the labels that a person gave.
HUMAN_FIELD = 'gt_sem_seg'
PSEUDO_FIELD = 'pseudo_sem_seg'
CONFIDENT_FIELD = 'confident_sem_seg'
# Kinds of labels that a person gives an image. Images of the first and the
# last one need no segmenter.
LABEL_KINDS = ('dense', 'coarse', 'scribble', 'point', 'none')
DENSE, NO_LABEL = LABEL_KINDS[0], LABEL_KINDS[-1]
# Modes of the teacher of `SeSAMEncoderDecoder`.
TEACHERS = ('online', 'round', None)
# Ends of a label map's key in the pipeline, and of its field in a sample.
MAP_SUFFIX, LABEL_SUFFIX = '_seg_map', '_sem_seg'
_NORMALIZER = validators.one_of(('labelled', 'remaining'))
# mmengine adds all logged values with 'loss' in their name to the loss; the
# share of a source's pixels is none.
_NAME = Rule(
    lambda value: (
        isinstance(value, str) and value.isidentifier() and 'loss' not in value
    ),
    "a name of letters, digits and underscores without 'loss'",
)
_LABEL_FIELD = Rule(
    lambda value: isinstance(value, str) and value.endswith(LABEL_SUFFIX),
    f'a name that ends with {LABEL_SUFFIX}',
)
_KINDS = Rule(
    lambda value: (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and set(value) <= set(LABEL_KINDS[:-1])
    ),
    f'a list of kinds of labels, some of {LABEL_KINDS[:-1]}',
)


@dataclass(frozen=True)
class LabelSource:
    """One source of labels, and the weight of its loss term.

    `SeSAMEncoderDecoder` has a list of sources. A pixel that several sources
    label belongs to the first of them in the list.

    Args:
        name: the term is logged as `loss_<name>`, the share of labelled
            pixels as `share_<name>`; it must not contain 'loss'.
        field: field of the data sample with the label map. A transform adds
            the map to the pipeline's results and to `seg_fields`, with
            `_seg_map` in place of `_sem_seg`. The online teacher fills
            `confident_sem_seg`.
        loss_weight: weight of the term after its ramp; 0 switches the term
            off, and the source still keeps later sources off its pixels.
        ramp: iterations in which the weight grows from near 0 to
            `loss_weight`; raise it for labels that are poor at first.
        normalizer: 'labelled' divides the sum over the source's pixels by
            their number; 'remaining' divides it by all pixels of the images
            that earlier sources leave, so that few labelled pixels weigh
            little. Padding is not counted, void of a dense label is.
        kinds: kinds of labels, see `LoadWeakAnnotations`, that the source
            takes from `gt_sem_seg`; None: all that earlier sources leave.
            Set it to give kinds terms of their own, so that one dense image
            does not outweigh many scribbled ones.

    Raises:
        ValueError: an option has a value that it cannot have.

    Example:
        >>> source = LabelSource('dense', 'dense_sem_seg', loss_weight=2.0)
        >>> source.normalizer
        'labelled'
    """

    name: str = required(_NAME)
    field: str = required(_LABEL_FIELD)
    loss_weight: float = option(1.0, validators.number(at_least=0))
    ramp: int = option(0, validators.count())
    normalizer: str = option('labelled', _NORMALIZER)
    kinds: Sequence[str] | None = option(None, _KINDS.or_none())

    def __post_init__(self) -> None:
        validators.check_fields(self)
        if self.kinds is not None and not self.is_human:
            raise ValueError(
                f'LabelSource {self.name!r} has kinds={self.kinds!r} and '
                f'field={self.field!r}, expected kinds only with field='
                f'{HUMAN_FIELD!r}, the labels of people; leave kinds out.'
            )

    @property
    def is_human(self) -> bool:
        """Whether a person gave the labels."""
        return self.field == HUMAN_FIELD


# SeSAM's three terms; the weights and the ramp are our choice.
SOURCES = (
    LabelSource('weak', HUMAN_FIELD),
    LabelSource('pseudo', PSEUDO_FIELD),
    LabelSource(
        'confident',
        CONFIDENT_FIELD,
        loss_weight=0.5,
        ramp=1000,
        normalizer='remaining',
    ),
)
