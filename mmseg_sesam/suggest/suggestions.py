"""From a run to the images that should be labelled next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.device import get_device

from mmseg_sesam.annotations.cost import RATES, Rate
from mmseg_sesam.annotations.export import WRITERS
from mmseg_sesam.datasets.label_kinds import image_kinds
from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.run import Run, read_run
from mmseg_sesam.suggest.budget import affordable_images, rate_of_run
from mmseg_sesam.suggest.choose import Choice, choose
from mmseg_sesam.suggest.look import Looker
from mmseg_sesam.suggest.predictor import RunPredictor
from mmseg_sesam.suggest.ranking import Ranking, rank_images
from mmseg_sesam.suggest.reasons import reason_of
from mmseg_sesam.suggest.score import MEASURES
from mmseg_sesam.suggest.write import write_annotations, write_suggestions
from mmseg_sesam.validators import check_option, count, number, one_of


def suggest(
    work_dir: Path,
    out: Path,
    minutes: float,
    *,
    kind: str | None = None,
    seconds: float | None = None,
    formats: Sequence[str] = ('labelme', 'cvat', 'label-studio'),
    tolerance: float = 1.0,
    candidates: int | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """Writes which training images to label next, and returns the list.

    Args:
        work_dir: folder of a training with a checkpoint.
        out: folder to be written: suggestions.json, suggestions.html,
            pictures, and a folder of annotations for each format.
        minutes: time for labelling; images are chosen until it is spent.
        kind: name of the time for one image, one of `RATES`; None for that
            of most weak labels of the run.
        seconds: your own time for one image, in place of `kind`.
        formats: formats of annotations, of `WRITERS`, with the current labels.
        tolerance: see `export`.
        candidates: number of training images among which to choose, drawn at
            random. Set it where predicting all of them takes too long.
        jobs: processes that predict on a CPU.

    Raises:
        FileNotFoundError: the run, its images or its checkpoint are missing.
        ValueError: an option is wrong, `out` is not empty, or all images are
            complete.
    """
    check_option('suggest', 'kind', kind, one_of([*RATES]).or_none())
    check_option('suggest', 'seconds', seconds, number(above=0).or_none())
    if kind is not None and seconds is not None:
        raise ValueError(
            f'suggest got kind={kind!r} and seconds={seconds}, which both '
            'say how long an image takes; give one of them.'
        )
    _check_output(out, formats, tolerance)
    check_option('suggest', 'candidates', candidates, count(1).or_none())
    run = _read_trained(work_dir)
    images = RunImages(run)
    rate_name, rate = _find_rate(images, kind, seconds)
    wanted = affordable_images(rate, minutes)
    looker = _make_looker(run, images)
    ranking = rank_images(looker, candidates, jobs)
    choices = _choose(images.keys, ranking, wanted)
    content = dict(
        work_dir=str(work_dir),
        checkpoint=run.checkpoint.name,
        minutes=minutes,
        formats=[*formats],
        rate=dict(kind=rate_name, seconds=rate.seconds, source=rate.source),
        considered=len(ranking.looks),
        suggestions=_describe(looker, ranking, choices, rate),
    )
    chosen = [ranking.indices[choice.index] for choice in choices]
    write_annotations(out, looker, chosen, formats, tolerance)
    write_suggestions(out, looker, chosen, content)
    return content


def _read_trained(work_dir: Path) -> Run:
    """Returns a run that has a checkpoint."""
    run = read_run(work_dir)
    if run.checkpoint is None:
        raise FileNotFoundError(
            f'{work_dir} has no checkpoint, which predicts the images; wait '
            'until the training has saved one.'
        )
    return run


def _check_output(out: Path, formats: Sequence[str], tolerance: float) -> None:
    for name in formats:
        check_option('suggest', 'formats', name, one_of([*WRITERS]))
    check_option('suggest', 'tolerance', tolerance, number(at_least=0))
    if not is_empty_or_absent(out):
        raise ValueError(
            f'{out} is there and not an empty folder, and nothing in it '
            'shall be overwritten; give a new one.'
        )


def _find_rate(
    images: RunImages, kind: str | None, seconds: float | None
) -> tuple[str, Rate]:
    """Returns the time for one image, and the name of the kind."""
    if seconds is not None:
        return 'your own time', Rate(seconds, 'yours')
    name = kind or rate_of_run(image_kinds(images.dataset))
    return name, RATES[name]


def _make_looker(run: Run, images: RunImages) -> Looker:
    predictor = RunPredictor(run.cfg, str(run.checkpoint), get_device())
    round_index = None if run.store is None else run.store.current
    return Looker(images, predictor, round_index)


def _choose(
    keys: Sequence[str], ranking: Ranking, wanted: int
) -> list[Choice]:
    return choose(
        [keys[index] for index in ranking.indices],
        ranking.scores.totals,
        ranking.points,
        wanted,
        ranking.nearest,
    )


def _describe(
    looker: Looker, ranking: Ranking, choices: Sequence[Choice], rate: Rate
) -> list[dict[str, Any]]:
    """Returns the suggestions as JSON values, the best one first."""
    images, scores = looker.images, ranking.scores
    found = []
    for position, choice in enumerate(choices, 1):
        place = choice.index
        look = ranking.looks[place]
        values = scores.values[place].round(4).tolist()
        found.append(
            dict(
                rank=position,
                image=str(images.paths[ranking.indices[place]]),
                reason=reason_of(
                    place, look, scores, images.classes, looker.givers
                ),
                minutes=round(position * rate.seconds / 60, 2),
                score=round(float(scores.totals[place]), 4),
                distance=round(choice.distance, 4),
                measures=dict(zip(MEASURES, values)),
                regions=[region._asdict() for region in look.regions],
                picture=f'pictures/{position:04d}.png',
            )
        )
    return found
