"""Packs predictions into archives for evaluation servers."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Callable, NamedTuple

import numpy as np

from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_files
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.io.palettes import voc_colours


class Server(NamedTuple):
    """The format of archives that a server accepts.

    Attributes:
        ids: the server's value of each class.
        folder: folder of the PNGs in the archive.
        name: regular expression of a PNG's name, without '.png'.
        example: example of such a name.
        images: number of test images; None if it is not certain.
        suffix: suffix of the archive.
        palette: RGB of the values, for indexed PNGs; None for grey ones.
    """

    ids: tuple[int, ...]
    folder: str
    name: str
    example: str
    images: int | None
    suffix: str
    palette: tuple[tuple[int, int, int], ...] | None = None


# Sources: the VOC 2012 development kit, section 5.3; cityscapesScripts'
# evalPixelLevelSemanticLabeling.py; the readme of CSAILVision/sceneparsing.
SERVERS = {
    'voc': Server(
        ids=tuple(range(21)),
        folder='results/VOC2012/Segmentation/comp6_test_cls',
        name=r'\d{4}_\d{6}',
        example='2008_000006',
        images=1456,
        suffix='.tar.gz',
        palette=tuple(map(tuple, voc_colours()[:21])),
    ),
    'cityscapes': Server(
        # Label id of each train id, from cityscapesScripts' labels.py.
        ids=(7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33),
        folder='',
        name=r'[a-z-]+_\d{6}_\d{6}\w*',
        example='berlin_000000_000019_leftImg8bit',
        images=1525,
        suffix='.zip',
    ),
    'ade20k': Server(
        ids=tuple(range(1, 151)),
        folder='',
        name=r'ADE_test_\d{8}',
        example='ADE_test_00000001',
        images=None,
        suffix='.zip',
    ),
}


def read_predictions(
    folder: Path, first_id: int = 0
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields predictions as tools/test.py --out writes them.

    Args:
        folder: folder of index PNGs.
        first_id: value of the first class in the files: 1 if the data set
            has `reduce_zero_label`, as ADE20K does.

    Yields:
        Name without suffix, and (H, W) integers from 0.

    Raises:
        FileNotFoundError: there are no PNGs.
        ValueError: a file is no index PNG or holds values below `first_id`.
    """
    paths = list_files(folder, '.png')
    if not paths:
        raise FileNotFoundError(
            f'{folder} holds no PNG files; give the folder that '
            'tools/test.py --out wrote.'
        )
    for path in paths:
        label = read_label(path)
        if label.min() < first_id:
            raise ValueError(
                f'{path} holds {label.min()}, expected ids from {first_id}, '
                'as tools/test.py --out writes them; for others state the '
                'first one (--first-id).'
            )
        yield path.stem, label.astype(int) - first_id


def write_archive(
    predictions: Iterable[tuple[str, np.ndarray]],
    server: Server,
    out: Path,
    images: Sequence[Path] = (),
) -> tuple[int, list[str]]:
    """Packs predictions for a server, and compares them with its test set.

    Args:
        predictions: name without suffix and (H, W) integers from 0 to
            C - 1.
        server: server whose format the archive has.
        out: the archive.
        images: test images from `find_images`, whose names and sizes the
            predictions must have; without them only the number of
            predictions is compared.

    Returns:
        The number of predictions, and a sentence each if some are missing
        and if the server expects another number.

    Raises:
        ValueError: a name, a class id or a size does not belong to the data
            set, or a name occurs twice. No file is left behind.
        OSError: a file cannot be read or written.
    """
    paths = {path.stem: path for path in images}
    seen: set[str] = set()
    with replacing(out) as part, _writing(part, server.suffix) as add:
        for name, label in predictions:
            _check_prediction(name, label, server, seen)
            if paths:
                _check_size(name, label, paths)
            path = PurePosixPath(server.folder, f'{name}.png')
            png = io.BytesIO()
            ids = np.array(server.ids, np.uint8)[label]
            write_label(png, ids, server.palette)
            add(str(path), png.getvalue())
    problems = []
    if missing := sorted({*paths} - seen):
        problems.append(
            f'{len(missing)} test images have no prediction, for example '
            f'{missing[0]}.'
        )
    if server.images not in (None, len(seen)):
        problems.append(
            f'The server expects {server.images} images, the archive holds '
            f'{len(seen)}.'
        )
    return len(seen), problems


@contextmanager
def _writing(
    path: Path, suffix: str
) -> Iterator[Callable[[str, bytes], None]]:
    """Yields a function that adds a file to an archive."""
    if suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as archive:
            yield archive.writestr
        return

    def add(name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))

    with tarfile.open(path, 'w:gz') as archive:
        yield add


def find_images(folder: Path, names: Path | None = None) -> list[Path]:
    """Lists the test images of a folder.

    Args:
        folder: folder of images, at any depth.
        names: file with the name of a test image in each line, such as VOC's
            ImageSets/Segmentation/test.txt; None takes all images.

    Returns:
        Paths in ascending order, at least one.

    Raises:
        FileNotFoundError: there are no images, or an image of the list is
            missing.
        ValueError: two images have one name, or the list is empty.
    """
    images, missing = list_files(folder, IMAGE_SUFFIXES), []
    if names is not None:
        # Windows editors write a byte order mark.
        wanted = {*names.read_text('utf-8-sig', 'surrogateescape').split()}
        if not wanted:
            raise ValueError(
                f'{names} lists no image, expected a name in each line; give '
                'the list of the test images.'
            )
        images = [path for path in images if path.stem in wanted]
        missing = sorted(wanted - {path.stem for path in images})
    check_unique(
        ((path.stem, path) for path in images),
        remedy='give a folder that holds each test image once',
    )
    if missing or not images:
        what = f'{missing[0]}, which {names} lists' if missing else 'at all'
        raise FileNotFoundError(
            f'{folder} holds no image {what}; give the folder of the test '
            'images.'
        )
    return images


def _check_prediction(
    name: str, label: np.ndarray, server: Server, seen: set[str]
) -> None:
    if not re.fullmatch(server.name, name):
        raise ValueError(
            f'The prediction {name}.png is of no test image of this server, '
            f'whose names are like {server.example}; give predictions of '
            'its test set.'
        )
    if name in seen:
        raise ValueError(
            f'There are two predictions named {name}.png; remove one.'
        )
    seen.add(name)
    if label.min() < 0 or label.max() >= len(server.ids):
        raise ValueError(
            f'The prediction {name}.png holds ids from {label.min()} to '
            f'{label.max()}, expected 0 to {len(server.ids) - 1}; give '
            'predictions of a network for this data set, with the right '
            'first id.'
        )


def _check_size(name: str, label: np.ndarray, paths: dict[str, Path]) -> None:
    if name not in paths:
        raise ValueError(
            f'The prediction {name}.png is of none of {len(paths)} test '
            'images; remove it, or give the folder and the list of all test '
            'images.'
        )
    size = image_size(paths[name])
    if label.shape[::-1] != size:
        raise ValueError(
            f'The prediction {name}.png has {label.shape[1]} x '
            f'{label.shape[0]} pixels, expected {size[0]} x {size[1]} as '
            f'{paths[name]}; give predictions in the size of the images.'
        )
