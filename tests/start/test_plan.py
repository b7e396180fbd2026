from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.material import Material
from mmseg_sesam.start.plan import Choice, Plan, make_plan, schedule, steps_in
from mmseg_sesam.start.sets import DataSets


def plan_of(images: int = 8, gpu: float = 0, **changes: object) -> Plan:
    options = dict(size=(480, 640), kind='scribble')
    options.update(changes)
    material = Material(
        images=Path('images'),
        suffix='.jpg',
        labels=Path('labels'),
        labelled=[str(number) for number in range(images)],
        unlabelled=[],
        classes=('a', 'b'),
        palette=[[0, 0, 0], [9, 9, 9]],
        command='',
        summary={},
        **options,
    )
    segmenter = Choice('superpixel', 'no weights')
    return make_plan(DataSets(material), Machine(2, gpu), segmenter)


@pytest.mark.parametrize(
    'images, steps', [(8, 400), (367, 800), (10_582, 20_000)]
)
def test_make_plan_follows_the_number_of_images(
    images: int, steps: int
) -> None:
    plan = plan_of(images)
    assert plan.max_iters.value == steps
    last = plan.begin.value + plan.interval.value
    assert last < steps


@pytest.mark.parametrize('steps, momentum', [(2400, 0.99), (8000, 0.999)])
def test_schedule_follows_the_number_of_steps(
    steps: int, momentum: float
) -> None:
    values = {
        name: choice.value for name, choice in schedule(steps, 'why').items()
    }
    assert values == dict(
        max_iters=steps,
        begin=3 * steps / 8,
        interval=steps / 4,
        val_interval=steps / 4,
        ema_momentum=momentum,
    )


def test_make_plan_gives_each_value_a_reason() -> None:
    assert all(choice.reason for choice in vars(plan_of()).values())


def test_make_plan_scales_large_photos_and_not_small_ones() -> None:
    assert plan_of(size=(4000, 3000)).scale.value == (1024, 768)
    assert plan_of(size=(96, 72)).scale.value == (96, 72)
    assert plan_of(size=(96, 72)).crop.value == (96, 96)


@pytest.mark.parametrize(
    'gpu, network, batch',
    [
        (0, 'deeplabv3_lite0', 4),
        # What GPUs of 2, 4, 6 and 8 GiB report.
        (1.9, 'deeplabv3_lite0', 4),
        (3.8, 'deeplabv3_lite0', 4),
        (5.8, 'deeplabv3_r50', 2),
        (7.7, 'deeplabv3_r50', 4),
    ],
)
def test_make_plan_takes_a_network_that_fits_the_machine(
    gpu: float, network: str, batch: int
) -> None:
    plan = plan_of(gpu=gpu)
    assert (plan.model.value, plan.batch_size.value) == (network, batch)
    rate = 0.01 * batch / 16 if network == 'deeplabv3_r50' else 1e-3
    assert plan.learning_rate.value == pytest.approx(rate)


def test_make_plan_counts_the_memory_of_the_crops_that_it_chose() -> None:
    plan = plan_of(size=(320, 240), gpu=3.8)
    assert (plan.model.value, plan.batch_size.value) == ('deeplabv3_r50', 4)
    assert '4 crops of 256 x 256 take 2.1 GiB' in plan.batch_size.reason


def test_make_plan_uses_the_crf_loss_for_strokes_and_masks() -> None:
    weights = {
        kind: plan_of(kind=kind).crf.value
        for kind in ('scribble', 'point', 'coarse', 'dense')
    }
    assert weights == dict(scribble=0.1, coarse=0.1, point=0, dense=0)


def test_steps_in_fits_the_time() -> None:
    steps = steps_in(60, 1.0)
    assert 1000 <= steps.value < 3600
    assert schedule(*steps)['max_iters'] == steps


def test_steps_in_refuses_a_time_that_is_too_short() -> None:
    with pytest.raises(ValueError, match='give 9 or more'):
        steps_in(1, 3.0)
