"""The three disjoint label maps that the mixed loss is made of."""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor


class LabelMaps(NamedTuple):
    """Labels of a batch by source; no pixel is labelled by two of them.

    Attributes:
        weak: (N, H, W) uint8, drawn by a person.
        pseudo: (N, H, W) uint8, SAM's pseudo-label elsewhere.
        confident: (N, H, W) uint8, the teacher's confident predictions on
            what remains.
        ignore_index: the value of unlabelled pixels in all of them.
    """

    weak: Tensor
    pseudo: Tensor
    confident: Tensor
    ignore_index: int

    @classmethod
    def disjoint(
        cls, weak: Tensor, pseudo: Tensor, confident: Tensor, ignore_index: int
    ) -> LabelMaps:
        """Takes from each map what an earlier one labels.

        Args:
            weak: (N, H, W) uint8.
            pseudo: (N, H, W) uint8.
            confident: (N, H, W) uint8.
            ignore_index: the value of unlabelled pixels.
        """
        free = weak == ignore_index
        pseudo = pseudo.masked_fill(~free, ignore_index)
        free = free & (pseudo == ignore_index)
        confident = confident.masked_fill(~free, ignore_index)
        return cls(weak, pseudo, confident, ignore_index)

    def labelled(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where each map labels, three (N, H, W) bool."""
        return tuple(m != self.ignore_index for m in self[:3])

    def shares(self) -> dict[str, Tensor]:
        """Share of pixels behind each map, as scalars."""
        names = ('share_weak', 'share_pseudo', 'share_confident')
        return {
            name: labelled.float().mean()
            for name, labelled in zip(names, self.labelled())
        }


def stack_labels(
    samples: list[SegDataSample], field: str, default: Tensor | None = None
) -> Tensor:
    """Stacks a label map of all samples of a batch.

    Args:
        samples: N data samples.
        field: of the samples.
        default: what to return if the samples lack the field; without it
            that is an error.

    Returns:
        (N, H, W) uint8.

    Raises:
        ValueError: the samples lack the field and there is no default.
    """
    if field in samples[0]:
        return torch.cat([sample.get(field).data for sample in samples])
    if default is None:
        raise ValueError(
            f'The data samples have no {field}; the training pipeline must '
            "load the labels (for teacher='round' with LoadPseudoLabel's "
            'with_confident=True) and end with PackSeSAMInputs.'
        )
    return default


def refuse_unmade_labels(samples: list[SegDataSample]) -> None:
    """Refuses samples whose pseudo-label was loaded before a round was made.

    `SAMPseudoLabelHook` makes a round before the first step: without one,
    the hook is missing, and every pseudo-label would be empty.

    Args:
        samples: N data samples.

    Raises:
        ValueError: the first sample's pseudo-label is of no round.
    """
    if samples[0].get('pseudo_label_round') == -1:
        raise ValueError(
            'LoadPseudoLabel found no round of pseudo-labels, which '
            'SAMPseudoLabelHook makes before the first step; add the hook to '
            'custom_hooks, or take LoadPseudoLabel out of the training '
            'pipeline.'
        )


def rule_out_absent(logits: Tensor, samples: list[SegDataSample]) -> Tensor:
    """Rules out classes that an image's weak label does not hold.

    Args:
        logits: (N, C, H, W) float.
        samples: N data samples, with weak_classes of the whole image.

    Returns:
        (N, C, H, W) float, -inf for classes that are ruled out; images
        without any label keep all.

    Raises:
        ValueError: the samples lack weak_classes.
    """
    absent = torch.zeros(logits.shape[:2], dtype=torch.bool)
    for row, sample in zip(absent, samples):
        if 'weak_classes' not in sample:
            raise ValueError(
                'The data samples have no weak_classes, which '
                'only_weak_classes=True needs; load the weak labels with '
                'LoadWeakAnnotations and pack them with PackSeSAMInputs.'
            )
        if sample.weak_classes:
            row[:] = True
            row[list(sample.weak_classes)] = False
    absent = absent.to(logits.device, non_blocking=True)
    return logits.masked_fill(absent[..., None, None], float('-inf'))


def inside_images(samples: list[SegDataSample], like: Tensor) -> Tensor:
    """Tells the images' pixels from those that padding added.

    Args:
        samples: N data samples, after the data preprocessor.
        like: (N, H, W) labels.

    Returns:
        (N, H, W) bool.
    """
    inside = torch.zeros_like(like, dtype=torch.bool)
    for index, sample in enumerate(samples):
        height, width = sample.img_shape
        inside[index, :height, :width] = True
    return inside
