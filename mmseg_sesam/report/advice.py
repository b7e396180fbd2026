"""How a run went and what to do next, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan, nan
from typing import Any, NamedTuple

from mmseg_sesam.io.names import name_all
from mmseg_sesam.report.run import Run

# Limits of the rules, in percent or points of percent (our choice).
_FALL, _RISE, _GAIN = 0.5, 0.5, 1.0
_RIGHT, _SURE, _LABELLED, _FELL_BACK = 85, 95, 60, 40


class Sentence(NamedTuple):
    """A sentence of the report, and the rule by which it stands there.

    Attributes:
        text: with the numbers that the rule is about.
        rule: when the sentence is written.
    """

    text: str
    rule: str


def advise(
    run: Run,
    rounds: Sequence[dict[str, Any]],
    classes: Sequence[dict],
    measured: int,
    images: int,
) -> list[Sentence]:
    """Returns the first paragraph of the report.

    Args:
        run: the training.
        rounds: rows of `tabulate_rounds`.
        classes: rows of `tabulate_classes`, with validation if there is any.
        measured: number of training images over which these rows are.
        images: number of all training images.
    """
    return [
        *_on_validation(run),
        *_on_absent_classes(classes, measured, images),
        *_on_classes(classes),
        *_on_refreshing(rounds),
        *_on_pseudo_labels(rounds),
    ]


def _on_validation(run: Run) -> Iterator[Sentence]:
    planned = run.cfg.train_cfg.get('max_iters')
    far = f'{run.done:,}' + (f' of {planned:,}' if planned else '')
    values, name = run.validated, run.measure
    if not values:
        yield Sentence(
            f'After {far} iterations no validation says how good the network '
            'is; give it some images with dense labels.',
            'The log holds no validation with an mIoU.',
        )
        return
    last, best = values[-1], run.best
    value, top = last[name], best[name]
    if run.has_proxy:
        yield Sentence(
            f'After {far} iterations the VAL PROXY is {value:.1f}%: that '
            'share of held-back weak pixels is right (mean of the classes), '
            'and nothing is known of edges and of all other pixels.',
            'The proxy is named where no validation has an mIoU.',
        )
    else:
        yield Sentence(
            f'After {far} iterations the val mIoU is {value:.1f}%.',
            'The mIoU is that of the last validation.',
        )
    if top - value >= _FALL:
        yield Sentence(
            f'It was {top:.1f}% after {int(best["step"]):,}: take '
            'the checkpoint of that step.',
            'An earlier validation is named if it was better by at least '
            f'{_FALL} points.',
        )
    elif len(values) > 1 and value - values[-2][name] >= _RISE:
        rise = value - values[-2][name]
        yield Sentence(
            f'It rose by {rise:.1f} points since the validation before: a '
            'longer training may give more (train_cfg.max_iters).',
            'A longer training is named if the last validation is better '
            f'than the one before by at least {_RISE} points.',
        )


def _on_absent_classes(
    classes: Sequence[dict], measured: int, images: int
) -> Iterator[Sentence]:
    absent = [row['name'] for row in classes if not row['weak'] > 0]
    if not absent:
        return
    names = name_all(absent)
    text = f'None of the {images:,} training images has a weak label of '
    text += f'{names}, which the network cannot learn.'
    if measured < images:
        text = f'The {measured:,} measured of {images:,} training images have '
        text += f'no weak label of {names}.'
    yield Sentence(
        text, 'A class is named if no measured image has a weak label of it.'
    )


def _on_classes(classes: Sequence[dict]) -> Iterator[Sentence]:
    labelled = [row for row in classes if row['weak'] > 0]
    key = 'val iou' if 'val iou' in classes[0] else 'iou'
    known = [row for row in labelled if not isnan(row.get(key, nan))]
    if len(known) > 1:
        mean = sum(row[key] for row in known) / len(known)
        worst = min(known, key=lambda row: row[key])
        source = 'val IoU' if key == 'val iou' else 'pseudo-label IoU'
        if worst[key] < mean / 2:
            yield Sentence(
                f'The class {worst["name"]} has the lowest {source}, '
                f'{worst[key]:.1f}%, and {_share(worst["weak"])} of the '
                'pixels are labelled as it: label more of it next.',
                f'The class of the lowest {source} is named if that is below '
                'half of the mean.',
            )
    elif len(labelled) > 1:
        yield _scarcest(labelled)


def _scarcest(labelled: Sequence[dict]) -> Sentence:
    """Returns the sentence on the class of the fewest weak labels."""
    key = 'components' if 'components' in labelled[0] else 'weak'
    least = min(labelled, key=lambda row: row[key])
    count = f'{_share(least["weak"])} of the pixels'
    if key == 'components':
        count = f'{least["components"]:,} components'
    return Sentence(
        f'The class {least["name"]} has the fewest weak labels, {count}: '
        'label more of it next.',
        'Without dense labels the class of the fewest components is named, '
        'or of the fewest pixels where there are no rounds.',
    )


def _on_refreshing(rounds: Sequence[dict[str, Any]]) -> Iterator[Sentence]:
    if len(rounds) < 2:
        return
    first, last = rounds[0], rounds[-1]
    if 'iou' not in last:
        yield Sentence(
            f'Refreshing changed the labelled pixels from '
            f'{first["labelled"]:.1f} to {last["labelled"]:.1f}%.',
            'Without dense labels nobody knows whether refreshing helped.',
        )
        return
    gain = last['iou'] - first['iou']
    verdict = 'hardly changed them'
    if abs(gain) >= _GAIN:
        verdict = 'helped' if gain > 0 else 'made them worse'
    advice = ''
    if gain <= -_GAIN:
        advice = ' (raise enrich_threshold of the hook, or set max_rounds=0)'
    yield Sentence(
        f'Refreshing the pseudo-labels {verdict}: their IoU went from '
        f'{first["iou"]:.1f} to {last["iou"]:.1f}%{advice}.',
        f'Refreshing helped if the IoU rose by at least {_GAIN} points '
        'since the first round, and harmed if it fell by as much.',
    )


def _on_pseudo_labels(
    rounds: Sequence[dict[str, Any]],
) -> Iterator[Sentence]:
    if not rounds:
        return
    last = rounds[-1]
    labelled = last['labelled of weak']
    right = last.get('right of weak', nan)
    if right < _RIGHT:
        yield Sentence(
            f'Only {right:.1f}% of the labelled pixels of images with a weak '
            'label are right: raise min_reliability of the selector.',
            f'Pseudo-labels are too wrong if fewer than {_RIGHT}% of the '
            'labelled pixels of images with a weak label are right.',
        )
    elif labelled < _LABELLED and not right < _SURE:
        sure = '' if isnan(right) else f', and {right:.1f}% of them are right'
        yield Sentence(
            f'Only {labelled:.1f}% of the pixels of images with a weak label '
            f'are labelled{sure}: lower min_reliability of the selector, or '
            'label more.',
            f'Pseudo-labels are too few if fewer than {_LABELLED}% of the '
            'pixels of images with a weak label have one and, where that is '
            f'known, at least {_SURE}% of them are right.',
        )
    if last['fell back'] > _FELL_BACK:
        yield Sentence(
            f'{last["fell back"]:.1f}% of the components fell back to their '
            'weak pixels: see why with tools/explain_image.py.',
            'Fallbacks are named if they are more than '
            f'{_FELL_BACK}% of the components.',
        )


def _share(percent: float) -> str:
    """Returns a share as text, without an exponent."""
    if percent < 0.001:
        return 'less than 0.001%'
    if percent >= 0.9995:
        return f'{percent:.1f}%'
    return f'{percent:.3f}'.rstrip('0') + '%'
