"""Segmentor that learns from weak labels, pseudo-labels and a teacher."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmseg_sesam import structures
from mmseg_sesam.models import label_maps
from mmseg_sesam.models.class_prior import TeacherPrior
from mmseg_sesam.models.colours import colours_of
from mmseg_sesam.models.ema_teacher import EMATeacher
from mmseg_sesam.models.head_checks import (
    check_head,
    check_loss_names,
    check_sources,
)
from mmseg_sesam.models.label_maps import LabelMaps, stack_labels
from mmseg_sesam.models.sliding import check_windows
from mmseg_sesam.models.source_losses import source_losses
from mmseg_sesam.models.teacher_state import TeacherState
from mmseg_sesam.structures import (
    CONFIDENT_FIELD,
    HUMAN_FIELD,
    PSEUDO_FIELD,
    TEACHERS,
    UNLABELLED,
)
from mmseg_sesam.validators import (
    CONFIGS,
    FLAG,
    SHARE,
    check_option,
    number,
    one_of,
)

MODELS.register_module(module=structures.LabelSource)


@MODELS.register_module()
class SeSAMEncoderDecoder(TeacherState, EncoderDecoder):
    """Trains any stock `EncoderDecoder` from weak labels.

    The student has the stock modules under their stock names: its
    checkpoint loads into the plain mmseg config. The teacher's keys are
    extra. Source: SeSAM; every default is our choice.

    Args:
        sources: configs of `LabelSource`, one for each loss term. A pixel
            belongs to the first source that labels it, so that sources of
            gt_sem_seg stand before those of pseudo_sem_seg and
            confident_sem_seg. None: 'weak', 'pseudo' (loss_weight=1.0) and
            'confident' (loss_weight=0.5, ramp=1000, normalizer='remaining').
        regularizers: configs of modules that return a loss from the decode
            head's logits, the images and the `LabelMaps`; it is logged as
            `loss_<name>`, by the module's `name`. None: no such loss.
        teacher: source of confident predictions: 'online', a forward of the
            EMA teacher in each step, left out where no confident labels, no
            `agreement` and no class shares need it; 'round', predictions
            that the last refresh stored, which makes a step as fast as plain
            training; or None, no teacher, and refreshes predict with the
            student.
        ema_momentum: share of its weights that the teacher keeps in an
            iteration, also where gradients are accumulated. In the first
            1 / (1 - ema_momentum) iterations the teacher is the plain mean
            of the student's weights. Lower it for trainings of few thousand
            iterations, in which that mean would lag behind.
        confident_threshold: least probability of a confident prediction.
        agreement: a pixel's pseudo-label is dropped where the teacher gives
            its class less than this share of the probability of the class
            that it prefers; 0 keeps all. With teacher='online' labels are
            dropped in each step; early in training probabilities are flat,
            so few are. With 'round' a refresh drops them from the
            pseudo-labels that it stores.
        only_weak_classes: the teacher predicts only classes that the weak
            label of the whole image has. Set it where weak labels mark every
            class that an image shows.
        **kwargs: of `EncoderDecoder`, by name.

    Raises:
        ValueError: an option is out of range, windows of test_cfg leave
            pixels out, two losses have one name, or a head overrides the
            loss of `BaseDecodeHead`.
    """

    def __init__(
        self,
        sources: Sequence[dict] | None = None,
        regularizers: Sequence[dict] | None = None,
        teacher: str | None = 'online',
        ema_momentum: float = 0.999,
        confident_threshold: float = 0.9,
        agreement: float = 0.5,
        only_weak_classes: bool = False,
        **kwargs,
    ) -> None:
        options = dict(
            sources=(sources, CONFIGS.or_none()),
            regularizers=(regularizers, CONFIGS.or_none()),
            teacher=(teacher, one_of(TEACHERS)),
            ema_momentum=(ema_momentum, number(at_least=0, below=1)),
            confident_threshold=(confident_threshold, SHARE),
            agreement=(agreement, SHARE),
            only_weak_classes=(only_weak_classes, FLAG),
        )
        for name, (value, rule) in options.items():
            check_option('SeSAMEncoderDecoder', name, value, rule)
        if not isinstance(kwargs.get('decode_head'), dict):
            raise ValueError(
                'SeSAMEncoderDecoder serves one decode_head; begin from the '
                'base of a network without a cascade, such as '
                'mmseg::_base_/models/fcn_hr18.py in place of ocrnet_hr18.py.'
            )
        check_windows(kwargs.get('test_cfg'))
        # Building may change a config, and the teacher is built from it too.
        stock = {
            name: copy.deepcopy(kwargs.get(name))
            for name in ('backbone', 'neck', 'decode_head', 'test_cfg')
        }
        super().__init__(**kwargs)
        for name, head in self.heads():
            check_head(name, head)
        self.sources = (
            structures.SOURCES
            if sources is None
            else [MODELS.build(source) for source in sources]
        )
        self.regularizers = nn.ModuleList(
            map(MODELS.build, regularizers or ())
        )
        check_sources(self.sources, self.regularizers)
        check_loss_names(self.heads(), self.sources, self.regularizers)
        self.teacher_mode = teacher
        self.confident_threshold = confident_threshold
        self.agreement = agreement
        self.only_weak_classes = only_weak_classes
        self.teacher = teacher and EMATeacher(ema_momentum, **stock)
        # `ClassSharesHook` sets it.
        self.teacher_prior: TeacherPrior | None = None

    def heads(self) -> Iterator[tuple[str, BaseDecodeHead]]:
        """Yields the decode head and all auxiliary heads with log names."""
        yield 'decode', self.decode_head
        if isinstance(getattr(self, 'auxiliary_head', None), nn.ModuleList):
            for index, head in enumerate(self.auxiliary_head):
                yield f'aux_{index}', head
        elif self.with_auxiliary_head:
            yield 'aux', self.auxiliary_head

    def loss(
        self, inputs: Tensor | dict, data_samples: list[SegDataSample]
    ) -> dict[str, Tensor]:
        """Computes the losses of a step.

        Args:
            inputs: (N, C, H, W) float images, or a dict of their 'student'
                and 'teacher' views.
            data_samples: N samples with gt_sem_seg (weak labels), and the
                other fields of `sources`.

        Returns:
            The losses of `loss_by_sources` and `loss_by_regularizers`;
            `share_<name>`, the share of the images' pixels of each source,
            padding not counted; and round, the mean round of the
            pseudo-labels, -1 for none.

        Raises:
            ValueError: the samples were loaded before any round was made.
        """
        if not isinstance(inputs, dict):
            inputs = dict(student=inputs, teacher=inputs)
        self.update_teacher()
        maps = self.label_maps(inputs['teacher'], data_samples)
        logits = self.head_logits(inputs['student'], maps.inside.shape[1:])
        rounds = [s.get('pseudo_label_round', -1) for s in data_samples]
        losses = maps.shares()
        losses['round'] = maps.inside.new_tensor(
            rounds, dtype=torch.float32
        ).mean()
        losses.update(self.loss_by_sources(logits, maps))
        images = colours_of(
            inputs['teacher'], data_samples, self.data_preprocessor
        )
        losses.update(self.loss_by_regularizers(logits, images, maps))
        self.iteration += 1
        return losses

    @torch.no_grad()
    def label_maps(
        self, teacher_view: Tensor, samples: list[SegDataSample]
    ) -> LabelMaps:
        """Returns the disjoint label maps of a batch.

        Args:
            teacher_view: (N, C, H, W) float images.
            samples: N data samples.
        """
        label_maps.refuse_unmade_labels(samples)
        inside = label_maps.inside_images(
            samples, stack_labels(samples, HUMAN_FIELD)
        )
        nothing = inside.new_full(inside.shape, UNLABELLED, dtype=torch.uint8)
        # A baseline loads no pseudo-labels, and only rounds store confident
        # labels.
        absent = {
            PSEUDO_FIELD: PSEUDO_FIELD not in samples[0],
            CONFIDENT_FIELD: self.teacher_mode != 'round',
        }
        labels = {}
        for field in (source.field for source in self.sources):
            labels[field] = (
                nothing if absent.get(field) else stack_labels(samples, field)
            )
        if self.teacher_mode == 'online' and self._uses_predictions(samples):
            logits = self.teacher.logits(teacher_view)
            logits = _enlarge(logits, inside.shape[1:], self.decode_head)
            probability = self.to_probability(logits, samples)
            if self.teacher_prior is not None and self.training:
                self.teacher_prior.follow(probability, inside)
            if CONFIDENT_FIELD in labels:
                labels[CONFIDENT_FIELD] = torch.where(
                    inside, self.confident_labels(probability), nothing
                )
            if PSEUDO_FIELD in labels:
                labels[PSEUDO_FIELD] = self.agreeing_labels(
                    labels[PSEUDO_FIELD], probability
                )
        named = label_maps.labels_by_source(labels, self.sources, samples)
        kinds = label_maps.kinds_of(samples)
        return LabelMaps.disjoint(named, inside, kinds)

    def _uses_predictions(self, samples: list[SegDataSample]) -> bool:
        """Returns whether a step depends on what the teacher predicts."""
        # The constants of class shares follow all predictions.
        if self.teacher_prior is not None:
            return True
        fields = [source.field for source in self.sources]
        has_pseudo = PSEUDO_FIELD in fields and PSEUDO_FIELD in samples[0]
        if has_pseudo and self.agreement > 0:
            return True
        if CONFIDENT_FIELD not in fields:
            return False
        # Without a weight confident labels still keep later sources off their
        # pixels, and regularizers get them.
        rest = self.sources[fields.index(CONFIDENT_FIELD) :]
        weights = [source.loss_weight for source in rest]
        return any(weights) or len(self.regularizers) > 0

    def head_logits(
        self, images: Tensor, size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Returns (N, C, *size) logits of each head of the student."""
        features = self.extract_feat(images)
        return {
            name: _enlarge(head(features), size, head)
            for name, head in self.heads()
        }

    def loss_by_sources(
        self, logits: dict[str, Tensor], maps: LabelMaps
    ) -> dict[str, Tensor]:
        """Computes the loss terms of all heads, and their accuracies."""
        losses = {}
        for name, head in self.heads():
            terms = source_losses(
                logits[name],
                maps,
                head,
                self.sources,
                self.iteration,
            )
            losses.update(add_prefix(terms, name))
        return losses

    def loss_by_regularizers(
        self, logits: dict[str, Tensor], images: Tensor, maps: LabelMaps
    ) -> dict[str, Tensor]:
        """Returns `decode.loss_<name>` of each regularizer.

        They get the decode head's logits, and the (N, C, H, W) images of
        `colours_of`.
        """
        return {
            f'decode.loss_{module.name}': module(
                logits['decode'], images, maps
            )
            for module in self.regularizers
        }

    def confident_labels(self, probability: Tensor) -> Tensor:
        """Returns the teacher's confident predictions, (N, H, W) uint8.

        Unlabelled where the (N, C, H, W) probabilities are below
        `confident_threshold` or undefined.
        """
        best, prediction = probability.max(dim=1)
        return prediction.to(torch.uint8).masked_fill(
            ~(best >= self.confident_threshold), UNLABELLED
        )

    def agreeing_labels(self, labels: Tensor, probability: Tensor) -> Tensor:
        """Returns labels without those that the teacher contradicts.

        Labels are (N, H, W) uint8, probabilities (N, C, H, W); see
        `agreement`.
        """
        index = labels.long().clamp_max(probability.shape[1] - 1)
        given = probability.gather(1, index[:, None])[:, 0]
        return labels.masked_fill(
            ~(given >= self.least_agreeing(probability)), UNLABELLED
        )

    def least_agreeing(self, probability: Tensor) -> Tensor:
        """Returns the least probability of labels that the teacher keeps.

        It is (N, H, W) for (N, C, H, W) probabilities; see `agreement`.
        """
        return self.agreement * probability.amax(dim=1)

    @torch.no_grad()
    def predict_probability(
        self, inputs: Tensor, data_samples: list[SegDataSample]
    ) -> Tensor:
        """Predicts with the teacher, or with the student if there is none.

        Args:
            inputs: (1, 3, H, W) float image, as the preprocessor gives it.
            data_samples: its data sample.

        Returns:
            (C, h, w) float at the size of the image file.
        """
        (sample,) = self.predictor.predict(inputs, data_samples)
        logits = sample.seg_logits.data[None]
        return self.to_probability(logits, data_samples)[0]

    @property
    def predictor(self) -> EncoderDecoder:
        """The teacher, or the student if there is none."""
        return self if self.teacher is None else self.teacher

    def to_probability(
        self, logits: Tensor, samples: list[SegDataSample]
    ) -> Tensor:
        """Returns (N, C, H, W) float32 probabilities of the teacher."""
        if self.only_weak_classes:
            logits = label_maps.rule_out_absent(logits, samples)
        logits = logits.float()
        if self.teacher_prior is not None:
            logits = self.teacher_prior(logits)
        return logits.softmax(dim=1)


def _enlarge(
    logits: Tensor, size: tuple[int, int], head: BaseDecodeHead
) -> Tensor:
    """Resizes a head's logits to the size of the labels."""
    return resize(
        logits, size=size, mode='bilinear', align_corners=head.align_corners
    )
