"""Options of the model that have an effect only with other parts."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from mmseg.registry import MODELS

from mmseg_sesam.config_checks.pipelines import check_moves_labels
from mmseg_sesam.config_checks.training import Training
from mmseg_sesam.datasets.pipeline_configs import transform_names
from mmseg_sesam.structures import (
    CONFIDENT_FIELD,
    DENSE,
    HUMAN_FIELD,
    PSEUDO_FIELD,
    TEACHERS,
    LabelSource,
)
from mmseg_sesam.type_names import lineage, type_name
from mmseg_sesam.validators import (
    CONFIGS,
    check_config_fields,
    check_option,
    one_of,
)

_WEAK_LOADERS = {'LoadWeakAnnotations', 'SimulateWeakLabel'}
# Transforms whose added pixels look like those of an image, and the remedy.
_ADDING = dict(
    Pad='take it out, and let the data preprocessor pad',
    RandomMosaic='take it out',
)


def check_model(training: Training) -> None:
    """Raises if a label source that is switched on has no effect.

    `teacher` and `LoadPseudoLabel` switch sources on. The weight and the
    threshold of a source that is off have no effect, so that a baseline can
    keep the values of its base config.
    """
    if not training.is_sesam:
        return
    _check_options(training)
    teacher = training.model_option('teacher')
    _check_round_teacher(training, teacher)
    if teacher == 'online':
        _check_online_teacher(training)
    if training.model_option('only_weak_classes'):
        _check_only_weak_classes(training, teacher)
    loads = bool(training.find('LoadPseudoLabel'))
    off = {PSEUDO_FIELD: not loads, CONFIDENT_FIELD: teacher is None}
    _check_order(training, off)
    _check_padding(training, teacher, off)
    weights = training.weights()
    # Maps that a user's transform loads, also without rounds.
    if weights.keys() - {HUMAN_FIELD, PSEUDO_FIELD, CONFIDENT_FIELD}:
        check_moves_labels(training.transforms)
    acting = [w for field, w in weights.items() if not off.get(field)]
    if not (any(acting) or training.model_option('regularizers')):
        raise ValueError(
            'Every loss of the model has the weight 0, so that nothing is '
            'learned; set loss_weight of a source in model.sources above 0.'
        )
    # Rounds also store the predictions of teacher='round'.
    if loads and PSEUDO_FIELD not in weights and teacher != 'round':
        raise ValueError(
            'The training pipeline has LoadPseudoLabel, and model.sources has '
            f'no source with field={PSEUDO_FIELD!r}, so that pseudo-labels '
            'are made and nothing learns from them; add the source, or set '
            'default_hooks.pseudo_labels.enabled=False.'
        )
    if loads and weights.get(PSEUDO_FIELD) == 0:
        print_log(
            f'model.sources has loss_weight=0 for {PSEUDO_FIELD}: '
            'pseudo-labels are made, and only keep confident predictions off '
            'their pixels. Set default_hooks.pseudo_labels.enabled=False to '
            'save their time.',
            logger='current',
            level=logging.WARNING,
        )


def _check_options(training: Training) -> None:
    """Raises if an option that other checks read has an impossible value."""
    rules = dict(
        teacher=one_of(TEACHERS),
        sources=CONFIGS.or_none(),
        regularizers=CONFIGS.or_none(),
    )
    for name, rule in rules.items():
        value = training.model_option(name)
        check_option('SeSAMEncoderDecoder', name, value, rule)
    for source in training.model_option('sources') or ():
        for kind in lineage(source, MODELS)[:1]:
            if issubclass(kind, LabelSource):
                check_config_fields(source, kind)


def _check_round_teacher(training: Training, teacher: str | None) -> None:
    """Raises if teacher='round' has no reader, no refresh or no weight."""
    if teacher != 'round':
        return
    if not training.find('LoadPseudoLabel'):
        raise ValueError(
            "The model has teacher='round', whose predictions are stored "
            'with pseudo-labels, and the training pipeline has no '
            'LoadPseudoLabel; add LoadPseudoLabel and SAMPseudoLabelHook, or '
            "set teacher='online'."
        )
    if training.hooks and not training.refreshes:
        raise ValueError(
            "The model has teacher='round', whose predictions refreshes "
            'store, and SAMPseudoLabelHook max_rounds=0; set max_rounds to 1 '
            "or more, or teacher='online'."
        )
    if not training.weight(CONFIDENT_FIELD):
        raise ValueError(
            f"The model has teacher='round' and loss_weight=0 for "
            f'{CONFIDENT_FIELD} in its sources, so that the stored '
            'predictions have no effect; set loss_weight above 0, or '
            'teacher=None.'
        )


def _check_online_teacher(training: Training) -> None:
    """Raises if nothing uses the predictions of the online teacher."""
    drops = training.find('LoadPseudoLabel') and training.model_option(
        'agreement'
    )
    if not (training.weight(CONFIDENT_FIELD) or drops or training.refreshes):
        raise ValueError(
            f"The model has teacher='online' and loss_weight=0 for "
            f'{CONFIDENT_FIELD} in its sources, and the teacher neither '
            'drops pseudo-labels nor makes rounds, so that it has no effect; '
            'set loss_weight above 0, or teacher=None.'
        )


def _check_order(training: Training, off: dict[str, bool]) -> None:
    """Raises if made labels would replace those of a person.

    A pseudo-label keeps all weakly labelled pixels, and a teacher predicts
    any pixel. Sources of other fields may stand first.

    Args:
        training: parts of the config.
        off: whether sources of a field are switched off.
    """
    made = None
    for source in training.sources():
        field, kinds = source.get('field'), source.get('kinds')
        if field in (PSEUDO_FIELD, CONFIDENT_FIELD) and not off[field]:
            made = made or source
        # A dense image has no labels but a person's.
        elif made and field == HUMAN_FIELD and set(kinds or ()) != {DENSE}:
            raise ValueError(
                f'The source {made["name"]!r} in model.sources stands before '
                f'{source["name"]!r} and takes pixels that a person labelled; '
                f'place {source["name"]!r} before it.'
            )


def _check_padding(
    training: Training, teacher: str | None, off: dict[str, bool]
) -> None:
    """Raises if pixels that a transform adds would be labelled or counted.

    mmcv's `Pad` sets img_shape to the padded size, and mmseg's `RandomMosaic`
    to that of the mosaic, whose four images leave a part of it black. So
    these pixels look like those of an image; pixels that the data
    preprocessor adds do not.

    Args:
        training: parts of the config.
        teacher: mode of the teacher.
        off: whether sources of a field are switched off.
    """
    counting = [
        source.get('name')
        for source in training.sources()
        if source.get('normalizer') == 'remaining'
        and source.get('loss_weight', 1.0)
        and not off.get(source.get('field'))
    ]
    if teacher == 'online':
        effect = "teacher='online' would label"
    elif counting:
        effect = f"normalizer='remaining' of {counting[0]!r} would count"
    else:
        return
    for name, remedy in _ADDING.items():
        for step in training.find(name):
            raise ValueError(
                f'The training pipeline holds {type_name(step)}, and {effect} '
                f'the pixels that it adds; {remedy}.'
            )


def _check_only_weak_classes(training: Training, teacher: str | None) -> None:
    """Raises if only_weak_classes lacks a teacher or the weak classes."""
    if teacher != 'online' and not training.refreshes:
        raise ValueError(
            'The model has only_weak_classes=True, which limits what a '
            f'teacher predicts, and teacher={teacher!r} without refreshes; '
            "set only_weak_classes=False, or teacher='online'."
        )
    for _, steps in training.leaves:
        names = set().union(*map(transform_names, steps))
        if 'PackSeSAMInputs' not in names or not names & _WEAK_LOADERS:
            raise ValueError(
                'The model has only_weak_classes=True, and the training '
                'pipeline does not hand the classes of the weak label on; '
                'load it with LoadWeakAnnotations and end the pipeline with '
                'PackSeSAMInputs.'
            )
