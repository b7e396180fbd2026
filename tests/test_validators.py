"""Options of components: what is wrong is named when it is built."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mmengine.registry import Registry
from mmseg.registry import HOOKS, MODELS, TASK_UTILS, TRANSFORMS

from mmseg_sesam.validators import (
    FLAG,
    PATH,
    SHARE,
    check_option,
    count,
    number,
    one_of,
)

SUPERPIXELS = dict(type='SuperpixelSegmenter')
GENERATOR = dict(type='PseudoLabelGenerator', segmenter=SUPERPIXELS)
# Each with the least it needs.
COMPONENTS = [
    (MODELS, dict(type='LabelSource', name='a', field='a_sem_seg')),
    (HOOKS, dict(type='SAMPseudoLabelHook', generator=GENERATOR)),
    (HOOKS, dict(type='SeSAMVisualizationHook')),
    (TRANSFORMS, dict(type='LoadWeakAnnotations', num_classes=3)),
    (
        TRANSFORMS,
        dict(type='LoadPseudoLabel'),
    ),
    (
        TRANSFORMS,
        dict(type='SimulateWeakLabel', kind='coarse', data_root='a'),
    ),
    (TASK_UTILS, dict(type='CachedSegmenter', segmenter=SUPERPIXELS)),
    (TASK_UTILS, SUPERPIXELS),
    (TASK_UTILS, GENERATOR),
    (TASK_UTILS, dict(type='SkeletonPrompter')),
    (TASK_UTILS, dict(type='CoverageMaskSelector')),
]
WRONG = ('wrong', '', -1, 0.5, math.nan, math.inf, None, [], {}, True, 1e9)


def suits(value: Any, kind: str) -> bool:
    """Whether a value's type is that of an option, as it is annotated."""
    if value is None:
        return 'None' in kind
    if type(value) in (int, float) and 'float' in kind:
        return math.isfinite(value) and 0 <= value <= 1
    return type(value).__name__ in kind.split(' | ') and value not in ('', -1)


def wrong_options() -> Iterator[Any]:
    for registry, cfg in COMPONENTS:
        signature = inspect.signature(registry.get(cfg['type']).__init__)
        for name, parameter in signature.parameters.items():
            several = parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD
            if name == 'self' or parameter.kind in several:
                continue
            for value in WRONG:
                kind = parameter.annotation
                # What is large is not wrong, and text may be a file's name.
                large = value == 1e9 and 'float' in kind
                default = value is None and parameter.default is None
                if not large and not default and not suits(value, kind):
                    yield pytest.param(
                        registry,
                        dict(cfg, **{name: value}),
                        name,
                        id=f'{cfg["type"]}-{name}-{value}',
                    )


@pytest.mark.parametrize(('registry', 'cfg', 'name'), wrong_options())
def test_build_names_the_wrong_option(
    registry: Registry, cfg: dict, name: str
) -> None:
    with pytest.raises(ValueError, match=rf'got {name}=.* expected'):
        registry.build(cfg)


@pytest.mark.parametrize(('registry', 'cfg'), COMPONENTS)
def test_build_accepts_the_defaults(registry: Registry, cfg: dict) -> None:
    assert type(registry.build(cfg)).__name__ == cfg['type']


@pytest.mark.parametrize(
    ('rule', 'right', 'wrong'),
    [
        (number(at_least=0), [0, 0.5, np.float32(3)], [-1e-9, '1', 1j]),
        (number(above=0, below=1), [0.5], [0, 1]),
        (count(1, 3), [1, 3, np.int64(2)], [0, 4, 1.0, True]),
        (count().or_none(), [None, 0], [-1]),
        (SHARE.or_several(), [0, 1, [0.1, 0.2], (1,)], ['1', [2], [], [[1]]]),
        (one_of(('a', None)), ['a', None], ['b', ['a'], 0]),
        (FLAG, [True, False], [0, 'False']),
        (PATH, ['a'], ['', None, 3]),
    ],
)
def test_check_option_of_each_rule(rule, right: list, wrong: list) -> None:
    for value in right:
        check_option('Component', 'option', value, rule)
    for value in wrong:
        with pytest.raises(ValueError, match=r'^Component got option=.*\.$'):
            check_option('Component', 'option', value, rule)
