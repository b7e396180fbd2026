"""Checks that kinds of labels reach the loss and the sampler."""

from __future__ import annotations

from mmseg.registry import DATA_SAMPLERS

from mmseg_sesam.config_checks.training import Training, model_names
from mmseg_sesam.datasets.label_kinds import (
    UNSAID,
    allows_unlabelled,
    kind_of_steps,
)
from mmseg_sesam.datasets.samplers import check_ratio
from mmseg_sesam.models.regularizers import GatedCRFLoss
from mmseg_sesam.structures import DENSE, HUMAN_FIELD, LABEL_KINDS, NO_LABEL
from mmseg_sesam.type_names import type_names


def check_kinds(training: Training) -> None:
    """Raises if a kind of label, or an option for kinds, has no effect."""
    kinds = {kind_of_steps(steps) or UNSAID for _, steps in training.leaves}
    if kinds == {NO_LABEL}:
        raise ValueError(
            "All training data sets have kind='none' of LoadWeakAnnotations, "
            'so that there is no label to learn from; set the kind of those '
            'that have labels.'
        )
    sources = _human_kinds(training)
    if training.is_sesam:
        _check_sources(sources, kinds)
        _check_learns_without_labels(training, kinds)
        _check_crf(training, kinds)
    # Files decide whether there are images without labels.
    allows = _any_allows(training)
    if allows or len(kinds) > 1:
        _check_mosaic(training)
    if (ratio := _ratio(training)) is not None:
        if allows:
            kinds |= {NO_LABEL} & set(ratio)
        check_ratio(ratio, kinds)
        _check_loop(training)


def _human_kinds(training: Training) -> dict[str, list[str] | None]:
    """Returns `kinds` of each source of human labels, by its name."""
    return {
        source.get('name'): source.get('kinds')
        for source in training.model_option('sources') or ()
        if source.get('field') == HUMAN_FIELD
    }


def _check_sources(
    sources: dict[str, list[str] | None], kinds: set[str]
) -> None:
    """Raises if sources and data sets do not name the same kinds."""
    named = {kind for own in sources.values() for kind in own or ()}
    for name, own in sources.items():
        if own and not kinds & set(own):
            raise ValueError(
                f'The source {name!r} of the model has kinds={list(own)}, '
                f'and the training data sets have {sorted(kinds)}; set kind '
                'of LoadWeakAnnotations, or take the source out.'
            )
    lost = kinds - named - {NO_LABEL}
    if not sources or not all(sources.values()):
        return
    if UNSAID in lost:
        raise ValueError(
            'A training data set names no kind of its labels, and '
            f'model.sources takes only {sorted(named)} from {HUMAN_FIELD}, so '
            'that its labels are lost; set kind of LoadWeakAnnotations, or '
            'end the sources with one without kinds.'
        )
    if lost:
        raise ValueError(
            f'A training data set has labels of the kind {min(lost)!r}, and '
            f'model.sources takes only {sorted(named)} from {HUMAN_FIELD}, so '
            'that its labels are lost; add the kind to a source, or end them '
            'with one without kinds.'
        )


def _check_learns_without_labels(training: Training, kinds: set[str]) -> None:
    """Raises if nothing is learned from images without labels."""
    # GatedCRFLoss leaves images without labels out.
    if (
        training.model_option('teacher') is not None
        or training.refreshes
        or not all(map(_is_crf, _regularizers(training)))
    ):
        return
    found, steps = "kind='none'", ['take the data set out']
    if NO_LABEL not in kinds:
        found = "unlabelled='allow'"
        steps = [
            "set unlabelled='refuse'",
            'list the labelled images in ann_file',
        ]
        if not _any_allows(training):
            return
    if NO_LABEL in (_ratio(training) or ()):
        steps.append(f'take {NO_LABEL!r} out of ratio of LabelKindSampler')
    raise ValueError(
        f'A training data set has {found} of LoadWeakAnnotations, and the '
        'model has teacher=None, no refreshes and no regularizer but '
        'GatedCRFLoss, which leaves them out, so that images without labels '
        f"teach nothing; set teacher='online', or {' and '.join(steps)} (see "
        'Compare with baselines in docs/add_to_your_config.md).'
    )


def _check_crf(training: Training, kinds: set[str]) -> None:
    """Raises if GatedCRFLoss would leave all images out."""
    if not kinds <= {DENSE, NO_LABEL} or not any(
        map(_is_crf, _regularizers(training))
    ):
        return
    raise ValueError(
        'model.regularizers holds GatedCRFLoss, which is for labels of a part '
        'of an image, and the training data sets have the kinds '
        f'{sorted(kinds)}; take it out.'
    )


def _regularizers(training: Training) -> list[dict]:
    return training.model_option('regularizers') or []


def _is_crf(regularizer: dict) -> bool:
    """Returns whether a regularizer leaves dense and unlabelled images out."""
    return GatedCRFLoss.__name__ in model_names(regularizer)


def _any_allows(training: Training) -> bool:
    """Returns whether a data set may hold images without a label file."""
    return any(allows_unlabelled(steps) for _, steps in training.leaves)


def _check_mosaic(training: Training) -> None:
    """Raises if images of several kinds become one."""
    if training.find('RandomMosaic'):
        raise ValueError(
            'The training pipeline holds RandomMosaic, which joins images of '
            'several kinds of labels, or with and without one, and keeps the '
            'kind of the first; take it out.'
        )


def _check_loop(training: Training) -> None:
    """Raises if the training counts epochs, which the sampler never ends."""
    if training.counts_epochs:
        raise ValueError(
            'LabelKindSampler draws images without end, and train_cfg counts '
            "epochs; set train_cfg to type='IterBasedTrainLoop' with "
            'max_iters.'
        )


def _ratio(training: Training) -> dict[str, float] | None:
    """Returns `ratio` of the LabelKindSampler, None without one."""
    loader = training.cfg.get('train_dataloader') or {}
    sampler = loader.get('sampler') or {}
    if 'LabelKindSampler' not in type_names(sampler, DATA_SAMPLERS):
        return None
    ratio = sampler.get('ratio') or {}
    return ratio if set(ratio) <= set(LABEL_KINDS) else None
