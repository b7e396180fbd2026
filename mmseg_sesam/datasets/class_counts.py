"""The numbers of classes that parts of a config have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmseg_sesam.datasets.pipeline_configs import transform_names
from mmseg_sesam.type_names import type_name

REMEDY = 'make them all the number of classes, unlabelled not counted'


def heads_of(model: Mapping) -> dict[str, dict]:
    """Returns the decode head and all auxiliary heads, by name."""
    heads = {}
    for name in ('decode_head', 'auxiliary_head'):
        found = model.get(name) or []
        if isinstance(found, dict):
            heads[name] = found
        else:
            heads.update({f'{name}[{i}]': h for i, h in enumerate(found)})
    return heads


def head_counts(model: Mapping) -> dict[str, int]:
    """Returns `num_classes` of each head that has it."""
    return {
        f'num_classes of {name}': head['num_classes']
        for name, head in heads_of(model).items()
        if head.get('num_classes') is not None
    }


def differing_counts(
    heads: Mapping[str, int],
    classes: Sequence[str] | None,
    steps: Iterable[Mapping],
) -> str:
    """Describes the numbers of classes of a data set and the model.

    Args:
        heads: see `head_counts`.
        classes: of the data set, if they are known.
        steps: transforms of the data set.

    Returns:
        Each part with its number, '' if all agree.
    """
    counts = dict(heads)
    if classes:
        counts['classes of the data set'] = len(classes)
    for step in steps:
        # Transforms of a user's own may count other classes.
        if 'LoadWeakAnnotations' in transform_names(step):
            number = step.get('num_classes')
            counts[f'num_classes of {type_name(step)}'] = number
    counts = {k: count for k, count in counts.items() if count is not None}
    if len(set(counts.values())) < 2:
        return ''
    return ', '.join(f'{name}: {count}' for name, count in counts.items())
