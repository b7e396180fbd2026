"""What mmengine builds of a written config."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import outlines, write_photo
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_sesam.start.machine import Machine


def test_prepare_for_a_cpu_writes_the_measured_recipe(plan_photos) -> None:
    cfg = Config.fromfile(plan_photos().config)
    cfg.model.backbone.pretrained = False
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)

    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer

    rates = {
        weight: group['lr']
        for group in optimizer.param_groups
        for weight in group['params']
    }
    for name, weight in model.named_parameters():
        if name.startswith('teacher.'):
            assert weight not in rates
        else:
            expected = 3e-4 if name.startswith('backbone.') else 1e-3
            assert rates[weight] == pytest.approx(expected), name


def test_prepare_for_a_cpu_warms_up(plan_photos) -> None:
    cfg = Config.fromfile(plan_photos().config)
    wrapper = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(one, optimizer=wrapper))
        for one in cfg.param_scheduler
    ]
    rates = []
    for _ in range(cfg.train_cfg.max_iters):
        rates.append(wrapper.get_lr()['lr'][0])
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()

    assert rates[0] == pytest.approx(1e-5)
    # The 20th step is the last one of 5%.
    assert rates.index(max(rates)) == 19
    assert rates[-1] < 1e-5


def test_config_of_less_than_20_steps_has_a_warm_up(plan_photos) -> None:
    path = plan_photos().config
    text = path.read_text()
    path.write_text(re.sub(r'\nmax_iters = \d+', '\nmax_iters = 10', text))

    warm_up, poly = Config.fromfile(path).param_scheduler

    # mmengine takes no schedule without a step.
    assert (warm_up.end, poly.begin, poly.end) == (1, 1, 10)


def test_prepare_for_a_gpu_fits_the_learning_rate_to_the_batch(
    plan_photos,
) -> None:
    cfg = Config.fromfile(plan_photos(Machine(8, 24)).config)

    optimizer = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)

    assert optimizer.get_lr()['lr'] == [pytest.approx(0.01 / 4)]
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert cfg.train_dataloader.batch_size == 4


def unexplained(text: str) -> list[str]:
    """Returns lines that have a number and no comment.

    The comment is above the line, or above the innermost block around it.
    """
    lines = text.splitlines()
    said = {i for i, line in enumerate(lines, 1) if line.lstrip()[:1] == '#'}
    found = []

    def visit(node: ast.AST, starts: list[int]) -> None:
        if getattr(node, 'arg', '') in ('classes', 'palette'):
            return
        line = getattr(node, 'lineno', 0)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            block = max(start for start in starts if start < line)
            if not {line - 1, block - 1} & said:
                found.append(lines[line - 1])
        for child in ast.iter_child_nodes(node):
            visit(child, [*starts, line])

    visit(ast.parse(text), [])
    return found


@pytest.mark.parametrize('machine', [Machine(1, 0), Machine(8, 24)])
def test_config_has_a_reason_behind_each_number(
    plan_photos, machine: Machine
) -> None:
    assert unexplained('a = dict(\n    # Why.\n    b=1,\n    c=2,\n)') == [
        '    c=2,'
    ]
    rng = np.random.default_rng(0)
    write_photo(Path('val/5.jpg'), rng, outlines)
    write_photo(Path('first/1.jpg'), rng, outlines)
    Path('first/1.jpg').unlink()
    for name in '234':
        Path(f'photos/{name}.json').unlink()

    start = plan_photos(machine, corrected=(Path('first'),), val=Path('val'))

    text = start.config.read_text()
    assert 'LabelKindSampler' in text and 'train_pipeline[2:]' in text
    assert not unexplained(text)
