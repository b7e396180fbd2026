"""Suggestions of `tools/suggest.py` in a report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from mmseg_sesam.io.names import printable
from mmseg_sesam.io.suggestions import SUGGESTIONS, SUGGESTIONS_FOLDER
from mmseg_sesam.report.gallery import GROUP_SIZE
from mmseg_sesam.report.images import RunImages

# Group of the suggestions in the gallery.
GROUP = 'label next'


class Suggested(NamedTuple):
    """The first suggestions.

    Attributes:
        entries: reason and regions by index of the image, the best first.
        said: a sentence on where they come from, or why none are shown; empty
            where there are none.
    """

    entries: dict[int, dict[str, Any]]
    said: str


def find_suggestions(folder: Path | None, images: RunImages) -> Suggested:
    """Returns the suggestions of a folder, or those in the run's work dir.

    The work dir may hold those of an earlier training with other images: a
    sentence then says why none are shown.

    Args:
        folder: folder that tools/suggest.py wrote; None for its default one.
        images: the training images of the run.

    Raises:
        FileNotFoundError: the given folder has no list.
        ValueError: the list in it names an image that is not of this
            training.
    """
    if folder is not None:
        return read_suggestions(folder, images)
    folder = images.run.work_dir / SUGGESTIONS_FOLDER
    if not (folder / SUGGESTIONS).is_file():
        return Suggested({}, '')
    try:
        return read_suggestions(folder, images)
    except ValueError as error:
        said = f'The suggestions in {folder} are not shown: {error}'
        return Suggested({}, printable(said))


def read_suggestions(folder: Path, images: RunImages) -> Suggested:
    """Returns the suggestions that a report shows.

    Args:
        folder: folder that tools/suggest.py wrote.
        images: the training images of the run.

    Raises:
        FileNotFoundError: the folder has no list.
        ValueError: the list names an image that is not of this training.
    """
    path = folder / SUGGESTIONS
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; give a folder that tools/suggest.py '
            'wrote.'
        )
    content = json.loads(path.read_text(encoding='utf-8'))
    places = {os.path.abspath(p): i for i, p in enumerate(images.paths)}
    entries = {}
    found = content['suggestions']
    for one in found[:GROUP_SIZE]:
        place = places.get(os.path.abspath(one['image']))
        if place is None:
            raise ValueError(
                f'{path} names {one["image"]}, which is no training image of '
                f'{images.run.work_dir}; give the suggestions of this run.'
            )
        reason = one['reason']
        entries[place] = dict(
            reason=f'{one["rank"]}. {reason[:1].upper()}{reason[1:]}',
            regions=[
                dict(box=region['box'], reason=region['reason'])
                for region in one['regions']
            ],
        )
    said = (
        f'To label next: the first {len(entries)} of {len(found)} '
        f'suggestions in {printable(folder)}, by {content["checkpoint"]}; '
        'framed are the regions to look at first.'
    )
    return Suggested(entries, said)
