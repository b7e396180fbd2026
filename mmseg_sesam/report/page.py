"""Builds the report as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from plotly.offline import get_plotlyjs

from mmseg_sesam.io.atomic import replace_file
from mmseg_sesam.io.names import printable
from mmseg_sesam.io.templates import render
from mmseg_sesam.report import plots, tables
from mmseg_sesam.report.advice import advise
from mmseg_sesam.report.gallery import choose_images
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.layers import encode_images
from mmseg_sesam.report.measure import Measures, draw_sample, measure
from mmseg_sesam.report.predict import predict
from mmseg_sesam.report.run import Run, read_run
from mmseg_sesam.report.settings import list_settings
from mmseg_sesam.report.suggested import GROUP, find_suggestions
from mmseg_sesam.report.validation import show_validation
from mmseg_sesam.visualization.training_sample import describe_label


def build_report(
    work_dir: Path,
    out: Path,
    gt_dir: Path | None = None,
    suffixes: tuple[str, str] = ('', ''),
    with_predictions: bool = True,
    jobs: int = 1,
    suggestions: Path | None = None,
) -> None:
    """Writes the report of a training.

    Args:
        work_dir: folder of the training.
        out: path of the HTML file.
        gt_dir: folder of dense index PNGs of some or all training images.
        suffixes: ends of the names of images and of dense labels, without
            the file type; set them where they differ.
        with_predictions: whether to predict the shown images with the latest
            checkpoint.
        jobs: number of processes that measure labels and predict.
        suggestions: folder that tools/suggest.py wrote for this training;
            None for its default one in `work_dir`, if that is there.

    Raises:
        FileNotFoundError: there is no training, its images, pseudo-labels or
            suggestions are missing, or no image has a dense label in
            `gt_dir`.
        ValueError: labels are damaged or do not fit each other, or the
            suggestions are of another training.

    Example:
        >>> build_report(Path('nowhere'), Path('report.html'))
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere holds no logs of a training ...
    """
    run = read_run(work_dir)
    images = RunImages(run, gt_dir, suffixes)
    suggested = find_suggestions(suggestions, images)
    sample = draw_sample(images)
    measures = measure(images, sample, jobs)
    gallery, notes = _build_gallery(
        images, measures, sample, suggested.entries, with_predictions, jobs
    )
    context = _collect(run, images, measures, sample)
    context.update(
        gallery=gallery,
        gallery_notes=[*notes, suggested.said],
    )
    text = render(__package__, 'report.html', **context)
    replace_file(out, text)


def _build_gallery(
    images: RunImages,
    measures: Measures,
    sample: list[int],
    suggested: dict[int, dict[str, Any]],
    with_predictions: bool,
    jobs: int,
) -> tuple[dict[str, Any], list[str]]:
    """Returns the gallery, and sentences on the predictions in it."""
    groups = choose_images(sample, measures.scores)
    if suggested:
        groups[GROUP] = [*suggested]
    shown = list(dict.fromkeys(i for group in groups.values() for i in group))
    places = {
        name: [shown.index(index) for index in group]
        for name, group in groups.items()
    }
    encoded, failed = _encode(images, shown, measures, with_predictions, jobs)
    for index, entry in suggested.items():
        encoded[shown.index(index)]['suggestion'] = entry
    validation, note = show_validation(
        images.run, len(images.classes), with_predictions, jobs
    )
    if validation:
        start = len(shown)
        places['validation, worst'] = [*range(start, start + len(validation))]
    gallery = dict(
        groups=places,
        images=[*encoded, *validation],
        classes=images.classes,
        palette=images.palette,
    )
    return gallery, [_name_failed(failed), note]


def _encode(
    images: RunImages,
    shown: list[int],
    measures: Measures,
    with_predictions: bool,
    jobs: int,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the gallery's images with their layers and scores.

    Sentences say why images have no prediction.
    """
    predictions = [None] * len(shown)
    if with_predictions and images.run.checkpoint is not None:
        paths = [images.paths[index] for index in shown]
        predictions = predict(images.run, paths, jobs)
    encoded, failed = [], []
    for index, prediction in zip(shown, predictions):
        if isinstance(prediction, str):
            failed.append(printable(prediction))
            prediction = None
        labelled = images[index]
        entry = encode_images(labelled, prediction)
        entry['name'] = printable(images.keys[index])
        if labelled.kind is not None:
            entry['name'] += f' ({describe_label(labelled.kind)})'
        score = measures.scores.get(index)
        if score is not None and not np.isnan(score.value):
            entry['score'] = score.value
            entry['measure'] = 'IoU' if images.truths else 'inside masks'
            entry['changed'] = score.changed
        encoded.append(entry)
    return encoded, failed


def _name_failed(failed: list[str]) -> str:
    """Returns a sentence on images without a prediction, '' if none is."""
    if not failed:
        return ''
    return f'Training images without a prediction: {len(failed)}. {failed[0]}'


def _collect(
    run: Run, images: RunImages, measures: Measures, sample: list[int]
) -> dict[str, Any]:
    """Returns everything on the page except the gallery."""
    classes = tables.tabulate_classes(measures, images.classes)
    tables.add_validation(classes, run)
    rounds = tables.tabulate_rounds(run, measures)
    last = measures.rounds.get(max(run.rounds, default=None))
    confusion = mistakes = None
    if last is not None and last.confusion.any():
        confusion = plots.draw_confusion(last.confusion, images.classes)
        mistakes = tables.list_mistakes(last.confusion, images.classes)
    return dict(
        work_dir=printable(run.work_dir),
        title=printable(_name_of(run.work_dir.resolve())),
        iterations=run.done,
        max_iters=run.cfg.train_cfg.get('max_iters'),
        val=run.val[-1] if run.val else {},
        best=run.best,
        measure=run.measure,
        has_proxy=run.has_proxy,
        validations=len(run.val),
        best_checkpoint=run.best_checkpoint and run.best_checkpoint.name,
        no_validation='' if run.val else _explain_no_validation(run),
        checkpoint=run.checkpoint and run.checkpoint.name,
        images=len(images),
        measured=len(sample),
        has_truth=bool(images.truths),
        left_out=images.left_out,
        recoloured=images.recoloured,
        advice=advise(run, rounds, classes, len(sample), len(images)),
        rounds=rounds,
        kinds=tables.tabulate_kinds(run),
        classes=classes,
        palette=images.palette,
        mistakes=mistakes,
        curves=plots.draw_curves(run),
        class_iou=plots.draw_class_iou(run),
        confusion=confusion,
        settings=list_settings(run),
        config=run.cfg.pretty_text,
        plotly=get_plotlyjs(),
    )


def _name_of(work_dir: Path) -> str:
    """Returns the name of a run; tools/start.py calls its folder 'run'."""
    folder = work_dir.parent if work_dir.name == 'run' else work_dir
    return folder.name


def _explain_no_validation(run: Run) -> str:
    """Returns why a run has no validation, and what to change."""
    if run.cfg.get('val_dataloader') is None:
        return (
            'This run was not validated: its config has no val_dataloader. '
            'Set val_dataloader, val_evaluator and val_cfg to validate.'
        )
    interval = run.cfg.train_cfg.get('val_interval', 1)
    return (
        'This run was not validated yet: its log has no validation up to '
        f'iteration {run.done:,}, and validations are due every '
        f'{interval:,} (train_cfg.val_interval).'
    )
