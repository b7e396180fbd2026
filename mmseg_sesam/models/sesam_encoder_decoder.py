"""Segmentor trained from weak labels, pseudo-labels and a teacher."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator

import torch
from mmengine.logging import MessageHub, print_log
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmseg_sesam.models.ema_teacher import EMATeacher
from mmseg_sesam.models.head_checks import check_head
from mmseg_sesam.models.label_maps import (
    LabelMaps,
    inside_images,
    refuse_unmade_labels,
    rule_out_absent,
    stack_labels,
)
from mmseg_sesam.models.regularizers.gated_crf import gated_crf
from mmseg_sesam.validators import (
    CONFIG,
    FLAG,
    SHARE,
    check_option,
    number,
    one_of,
)

TEACHERS = ('online', 'round', None)


@MODELS.register_module()
class SeSAMEncoderDecoder(EncoderDecoder):
    """Trains any stock `EncoderDecoder` from weak labels.

    The student has the stock modules under their stock names: its
    checkpoint loads into the plain mmseg config. The teacher's keys are
    extra. Source: SeSAM; every default is our choice.

    Args:
        teacher: where confident predictions come from: 'online', a forward
            of the EMA teacher in each step; 'round', its predictions as
            the last refresh stored them, at the price of plain training; or
            None, no teacher, and refreshes ask the student.
        ema_momentum: share of itself that the teacher keeps in an
            iteration, also where gradients add up over several of them.
        confident_threshold: least probability of a confident prediction.
        agreement: SAM's label of a pixel is dropped where the teacher
            gives it less than this share of the probability of the class
            that it prefers; 0 keeps all. A teacher that knows little yet
            prefers no class much, and drops little.
        only_weak_classes: the teacher names no class that the weak label of
            the whole image does not hold (our choice). For weak labels
            that mark every class that an image shows.
        crf_weight: of the gated CRF loss, by which the decode head pays for
            edges of its prediction where the image has none: weak labels
            say little of edges. Its paper's is 0.1.
        mixed_loss: config of the `MixedLoss`.
        **kwargs: of `EncoderDecoder`, by name.

    Raises:
        ValueError: an option is out of range, or a head computes its loss
            in a way of its own.
    """

    def __init__(
        self,
        teacher: str | None = 'online',
        ema_momentum: float = 0.999,
        confident_threshold: float = 0.9,
        agreement: float = 0.5,
        only_weak_classes: bool = False,
        crf_weight: float = 0.0,
        mixed_loss: dict | None = None,
        **kwargs,
    ) -> None:
        options = dict(
            teacher=(teacher, one_of(TEACHERS)),
            ema_momentum=(ema_momentum, number(at_least=0, below=1)),
            confident_threshold=(confident_threshold, SHARE),
            agreement=(agreement, SHARE),
            only_weak_classes=(only_weak_classes, FLAG),
            crf_weight=(crf_weight, number(at_least=0)),
            mixed_loss=(mixed_loss, CONFIG.or_none()),
        )
        for name, (value, rule) in options.items():
            check_option('SeSAMEncoderDecoder', name, value, rule)
        if not isinstance(kwargs.get('decode_head'), dict):
            raise ValueError(
                'SeSAMEncoderDecoder serves one decode_head; take the '
                'EncoderDecoder variant of the model instead of a cascade.'
            )
        # Building may change a config, and the teacher is built from it too.
        stock = {
            name: copy.deepcopy(kwargs.get(name))
            for name in ('backbone', 'neck', 'decode_head', 'test_cfg')
        }
        super().__init__(**kwargs)
        self._check_unlabelled()
        for name, head in self.heads():
            check_head(name, head)
        self.teacher_mode = teacher
        self.confident_threshold = confident_threshold
        self.agreement = agreement
        self.only_weak_classes = only_weak_classes
        self.crf_weight = crf_weight
        self.mixed_loss = MODELS.build(mixed_loss or dict(type='MixedLoss'))
        self.teacher = teacher and EMATeacher(ema_momentum, **stock)
        self.iteration = 0

    def _check_unlabelled(self) -> None:
        """Refuses parts that have another value of unlabelled pixels."""
        ignore_index = self.decode_head.ignore_index
        found = {
            f'ignore_index of the {name} head': head.ignore_index
            for name, head in self.heads()
        }
        padding = getattr(self.data_preprocessor, 'seg_pad_val', ignore_index)
        found['seg_pad_val of the data_preprocessor'] = padding
        for name, value in found.items():
            if value != ignore_index:
                raise ValueError(
                    f'SeSAMEncoderDecoder got {value} as {name} and '
                    f'ignore_index={ignore_index} of the decode head; set '
                    'both to the value of unlabelled pixels.'
                )

    def heads(self) -> Iterator[tuple[str, BaseDecodeHead]]:
        """The decode head and all auxiliary heads, with their log names."""
        yield 'decode', self.decode_head
        if isinstance(getattr(self, 'auxiliary_head', None), nn.ModuleList):
            for index, head in enumerate(self.auxiliary_head):
                yield f'aux_{index}', head
        elif self.with_auxiliary_head:
            yield 'aux', self.auxiliary_head

    def loss(
        self, inputs: Tensor | dict, data_samples: list[SegDataSample]
    ) -> dict[str, Tensor]:
        """Computes the mixed loss of all heads.

        Args:
            inputs: (N, 3, H, W) float images, or a dict of the 'student'
                and the 'teacher' view of them.
            data_samples: N samples with gt_sem_seg (weak labels), and
                pseudo_sem_seg and confident_sem_seg if there are any.

        Returns:
            Per head its loss terms and accuracy; decode.loss_crf if it is
            wished; share_weak, share_pseudo and
            share_confident, the shares of pixels behind each term; and
            round, the mean round of the pseudo-labels.

        Raises:
            ValueError: the samples were loaded before any round was made.
        """
        refuse_unmade_labels(data_samples)
        views = inputs if isinstance(inputs, dict) else {}
        student_view = views.get('student', inputs)
        self._count_from_the_start()
        if self.teacher is not None:
            # Done here, and not after the optimizer's step, since wrappers
            # such as DDP call nothing of the model but its forward.
            self.teacher.follow(self, self.iteration)
        teacher_view = views.get('teacher', inputs)
        maps = self.label_maps(teacher_view, data_samples)
        features = self.extract_feat(student_view)
        losses = maps.shares()
        losses['round'] = maps.weak.new_tensor(
            [sample.get('pseudo_label_round', -1) for sample in data_samples],
            dtype=torch.float32,
        ).mean()
        for name, head in self.heads():
            logits = resize(
                head(features),
                size=maps.weak.shape[1:],
                mode='bilinear',
                align_corners=head.align_corners,
            )
            terms = self.mixed_loss(logits, maps, head, self.iteration)
            if self.crf_weight and head is self.decode_head:
                inside = inside_images(data_samples, maps.weak)
                terms['loss_crf'] = self.crf_weight * gated_crf(
                    logits.softmax(dim=1), self._colours(teacher_view), inside
                )
            losses.update(add_prefix(terms, name))
        self.iteration += 1
        return losses

    def _colours(self, inputs: Tensor) -> Tensor:
        """Images from black to white in a range of 1, wherever it begins."""
        colours = inputs * getattr(self.data_preprocessor, 'std', 1) / 255
        # Grey values differ in all three colours, as segmenters see them.
        grey = colours.shape[1] == 1
        return colours.expand(-1, 3, -1, -1) if grey else colours

    @torch.no_grad()
    def label_maps(
        self, teacher_view: Tensor, samples: list[SegDataSample]
    ) -> LabelMaps:
        """Makes the three disjoint label maps of a batch.

        Args:
            teacher_view: (N, 3, H, W) float images.
            samples: N data samples.

        Returns:
            The label maps.
        """
        ignore_index = self.decode_head.ignore_index
        weak = stack_labels(samples, 'gt_sem_seg')
        confident = torch.full_like(weak, ignore_index)
        pseudo = stack_labels(samples, 'pseudo_sem_seg', default=confident)
        if self.teacher_mode == 'round':
            confident = stack_labels(samples, 'confident_sem_seg')
        elif self.teacher_mode == 'online':
            logits = resize(
                self.teacher.logits(teacher_view),
                size=weak.shape[1:],
                mode='bilinear',
                align_corners=self.align_corners,
            )
            probability = self._probability(logits, samples)
            confident, pseudo = self.judge(probability, pseudo)
            inside = inside_images(samples, weak)
            confident = confident.masked_fill(~inside, ignore_index)
        return LabelMaps.disjoint(weak, pseudo, confident, ignore_index)

    def judge(
        self, probability: Tensor, pseudo: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Takes what a teacher is sure of, and drops what it doubts.

        A teacher of undefined probabilities is sure of nothing.

        Args:
            probability: (N, C, H, W) of each class.
            pseudo: (N, H, W) uint8, SAM's pseudo-label.

        Returns:
            Confident predictions and SAM's remaining labels, both
            (N, H, W) uint8.
        """
        ignore_index = self.decode_head.ignore_index
        best, prediction = probability.max(dim=1)
        confident = prediction.to(torch.uint8).masked_fill(
            ~(best >= self.confident_threshold), ignore_index
        )
        index = pseudo.long().clamp_max(probability.shape[1] - 1)
        given = probability.gather(1, index[:, None])[:, 0]
        agreed = pseudo.masked_fill(
            ~(given >= self.agreement * best), ignore_index
        )
        return confident, agreed

    @torch.no_grad()
    def predict_probability(
        self, inputs: Tensor, data_samples: list[SegDataSample]
    ) -> Tensor:
        """Predicts with the teacher, or the student where there is none.

        Args:
            inputs: (1, 3, H, W) float image, as the preprocessor gives it.
            data_samples: its data sample.

        Returns:
            (C, h, w) float at the size of the image file.
        """
        segmentor = self if self.teacher is None else self.teacher
        sample = segmentor.predict(inputs, data_samples)[0]
        logits = sample.seg_logits.data[None]
        return self._probability(logits, data_samples)[0]

    def _probability(
        self, logits: Tensor, samples: list[SegDataSample]
    ) -> Tensor:
        """(N, C, H, W) float32 probabilities of a teacher's logits."""
        if self.only_weak_classes:
            logits = rule_out_absent(logits, samples)
        return logits.float().softmax(dim=1)

    def get_extra_state(self) -> Tensor:
        """The iteration, which the ramps and the teacher depend on."""
        return torch.tensor(self.iteration)

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the iteration."""
        self.iteration = int(state)

    def _count_from_the_start(self) -> None:
        """Sets the iteration to 0 in the first step of a training.

        Weights that `load_from` loads bring along the iteration of another
        training; only a resumed training continues it. With iteration 0 the
        teacher starts as a copy of the student, and ramps of the loss start.
        """
        hub = MessageHub.get_current_instance()
        if self.iteration and hub.get_info('iter') == 0:
            print_log(
                f'The loaded weights were trained for {self.iteration} '
                'iterations. This training starts at iteration 0: the teacher '
                'starts as a copy of the loaded student, and the ramps of the '
                'loss start. To continue the other training, use --resume.',
                logger='current',
            )
            self.iteration = 0

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args
    ) -> None:
        """Begins anew with a checkpoint that lacks weights of the teacher.

        Late in a training the teacher follows too slowly to ever leave a
        random start behind; in the first step it copies the student.
        """
        super()._load_from_state_dict(state_dict, prefix, *args)
        teachers = {} if self.teacher is None else self.teacher.state_dict()
        lacking = [
            name
            for name, own in teachers.items()
            if (loaded := state_dict.get(f'{prefix}teacher.{name}')) is None
            or loaded.shape != own.shape
        ]
        if lacking and self.iteration:
            print_log(
                f'The checkpoint lacks {len(lacking)} weights of the teacher, '
                f'such as {lacking[0]}: it begins as a copy of the student, '
                'and ramps of the loss begin anew.',
                logger='current',
                level=logging.WARNING,
            )
            self.iteration = 0
