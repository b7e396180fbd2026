"""What a reader of annotations is, and which there are."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from mmseg_sesam.annotations.conventions import foreign
from mmseg_sesam.annotations.files import shown
from mmseg_sesam.annotations.found_labels import FoundLabels, shortened
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_files
from mmseg_sesam.io.names import check_unique

IGNORE_INDEX = 255
# Reason of a note.
NO_SHAPE = 'annotation without a shape'
# Of a part of a path: less than file systems allow, for suffixes.
_NAME_BYTES = 240
READERS: dict[str, type[AnnotationReader]] = {}


@dataclass(frozen=True)
class Item:
    """The annotation of one image, listed but not yet read.

    Attributes:
        key: path of the label to be written, relative and without suffix.
        source: file that holds the annotation.
        data: of a file that holds many images, what it says about this
            one: a dict with its 'name' there and whatever the reader needs.
        image: the image, where `images` is given.
        others: further files that the annotation is made from.
    """

    key: str
    source: Path
    data: dict[str, Any] | None = None
    image: Path | None = None
    others: tuple[Path, ...] = ()


@dataclass
class Annotation:
    """The weak label of one image.

    Attributes:
        label: (H, W) uint8 class ids, 255 = unlabelled.
        notes: what was left out or altered, as pairs of a reason, which
            many images may share, and the detail.
        values: that the file holds, for a reader that checks those of all
            files.
    """

    label: np.ndarray
    notes: list[tuple[str, str]] = field(default_factory=list)
    values: list[int] = field(default_factory=list)


def option(default: Any, text: str, **arguments: Any) -> Any:
    """A field of a reader that is an option of the command line.

    Args:
        default: value of the field.
        text: help.
        **arguments: of `ArgumentParser.add_argument`.
    """
    return field(default=default, metadata=dict(help=text, **arguments))


@dataclass
class AnnotationReader(ABC):
    """Reads one format. Fields are settings; all of them are recorded.

    Attributes:
        name: of the format, on the command line.
        example: of the words behind the name, on the command line.
        several: whether `src` may be several files.
        src: file or folder of the annotations; or files, if the reader
            takes several.
        images: folder of the images, at the same relative paths.
        names: names of the classes in the order of their ids; empty where
            the format does not name them.
        palette: RGB of each class, in the same order.
        remarks: sentences that the user should know.
        unannotated: relative paths of images without an annotation, without
            suffix; known after `items`, where `images` is given.
        fragile: a damaged file may end the process that reads it.
    """

    name: ClassVar[str]
    example: ClassVar[str] = ''
    several: ClassVar[bool] = False
    # Ends the sentence 'SRC ...' where no classes are given.
    without_classes: ClassVar[str] = 'does not hold the order of the classes'

    src: Path | Sequence[Path]
    images: Path | None = option(
        None,
        'folder of the images: their sizes are compared with the labels, '
        'and annotations without an image are left out',
        type=Path,
    )

    def __post_init__(self) -> None:
        self._check_sources()
        self.names: tuple[str, ...] = ()
        self.palette: list[list[int]] = []
        self.remarks: list[str] = []
        self.unannotated: list[str] = []
        self.fragile = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if 'name' in vars(cls):
            READERS[cls.name] = cls

    @abstractmethod
    def list_items(self) -> Iterable[Item]:
        """Lists the annotations, without reading more than it needs to.

        Raises:
            ValueError: a file is not of this format.
            OSError: a file cannot be read.
        """

    @abstractmethod
    def read(self, item: Item) -> Annotation:
        """Reads the annotation of one image; runs in any process.

        Raises:
            ValueError: the annotation is damaged or not of this format.
            OSError: a file cannot be read.
        """

    def found_labels(self, items: list[Item]) -> FoundLabels | None:
        """Names that shapes carry; None where classes are no names.

        Args:
            items: the annotations, as `items` lists them.
        """
        return None

    def contents(self) -> dict[str, Any]:
        """What the files named by settings say, to be recorded with them."""
        return {}

    def misfit(self, values: set[int]) -> str | None:
        """Says why settings do not fit the values of all files together."""
        return None

    def foreign(self) -> str | None:
        """Says which other convention the sources follow, if any does."""
        said = (foreign(source, self.name) for source in self.sources)
        return next(filter(None, said), None)

    def options(self, *names: str) -> str:
        """Lists those of some options that this format has."""
        own = {entry.name for entry in fields(self) if entry.metadata}
        return ', '.join(f'--{name}' for name in names if name in own)

    def lacking(self, found: set[int]) -> str:
        """Says what labels lack for training, and what to do.

        Args:
            found: ids of the classes that have pixels.

        Returns:
            Sentences; empty if the labels lack nothing.
        """
        names = dict(enumerate(self.names))
        absent = [name for i, name in names.items() if i not in found]
        said = []
        if absent:
            said.append(
                f'Classes without a pixel, {len(absent)} of {len(names)}: '
                f'{shortened(map(shown, absent))}; a network cannot learn '
                'them from these labels.'
            )
        if len(found) == 1:
            (index,) = found
            said.append(
                'All labelled pixels are of one class, '
                f'{shown(names.get(index, index))}: a network learns nothing '
                'from them; label pixels of other classes, too.'
            )
        return ' '.join(said)

    def image_key(self, item: Item) -> str:
        """Relative path of the image, without suffix."""
        return item.key

    @property
    def sources(self) -> tuple[Path, ...]:
        """All files or folders of the annotations."""
        return (self.src,) if isinstance(self.src, Path) else self.src

    def _check_sources(self) -> None:
        if isinstance(self.src, Path):
            return
        paths = tuple(self.src)
        if not paths or (len(paths) > 1 and not self.several):
            raise ValueError(
                f'The format {self.name} got {len(paths)} sources, expected '
                f'{"files" if self.several else "one file or folder"}.'
            )
        twice = [path for path in paths if paths.count(path) > 1]
        if twice:
            raise ValueError(f'{twice[0]} is given twice; give it once.')
        # One source is recorded as it always was.
        self.src = paths if len(paths) > 1 else paths[0]

    def items(self) -> tuple[list[Item], list[Item]]:
        """All annotations in the order of their keys.

        Returns:
            Those to be read, and those whose image is missing.

        Raises:
            ValueError: two annotations have one key, or no image is found.
            FileNotFoundError: there are no annotations.
        """
        for source in self.sources:
            if not source.exists():
                raise FileNotFoundError(
                    f'{source} does not exist; give the file or the folder '
                    'of the annotations.'
                )
        try:
            items = sorted(self.list_items(), key=lambda item: item.key)
        except ValueError as error:
            raise ValueError(self.foreign() or str(error)) from error
        if not items:
            raise FileNotFoundError(
                self.foreign()
                or f'{self.sources[0]} holds no annotation of the format '
                f'{self.name}; '
                'give another folder or another format.'
            )
        check_unique(
            ((item.key, _origin(item)) for item in items),
            'would both be written to {name}.png',
        )
        return self._with_images(items) if self.images else (items, [])

    def _with_images(self, items: list[Item]) -> tuple[list[Item], list[Item]]:
        images = find_images(self.images)
        found, missing = [], []
        for item in items:
            paths = images.get(self.image_key(item), [])
            check_unique(
                ((item.key, path) for path in paths),
                'both have the name of the annotation {name}',
            )
            (found if paths else missing).append((item, paths))
        if not found:
            raise ValueError(
                f'{self.images} holds no image for any of {len(items)} '
                f'annotations (looked for {self.image_key(items[0])}.*); '
                'give the folder in which images have the same relative '
                'paths.'
            )
        self.unannotated = sorted(
            {*images} - {self.image_key(item) for item, _ in found}
        )
        return (
            [replace(item, image=paths[0]) for item, paths in found],
            [item for item, _ in missing],
        )


def find_images(folder: Path) -> dict[str, list[Path]]:
    """Images of a folder, at any depth, by relative path without suffix.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder} is not a folder; give the folder of the images.'
        )
    images: dict[str, list[Path]] = {}
    for path in list_files(folder, IMAGE_SUFFIXES):
        key = path.relative_to(folder).with_suffix('').as_posix()
        images.setdefault(key, []).append(path)
    return images


def list_keyed_files(
    src: Path, ending: str | tuple[str, ...]
) -> list[tuple[str, Path]]:
    """Files of a folder at any depth, or the one file, with their keys.

    Args:
        src: the folder, or a file.
        ending: see `list_files`.

    Returns:
        Relative path without suffix, and path, of each file.
    """
    if src.is_file():
        return [(src.stem, src)]
    return [
        (path.relative_to(src).with_suffix('').as_posix(), path)
        for path in list_files(src, ending)
    ]


def safe_key(name: Any, source: Path) -> str:
    """Turns the name of an image, as a file gives it, into a key.

    Args:
        name: the name, with or without the suffix of an image.
        source: the file, for the error.

    Returns:
        Relative path without suffix, which does not leave its folder.

    Raises:
        ValueError: the name is no relative path within a folder.
    """
    parts: tuple[str, ...] = ()
    if isinstance(name, str) and name.isprintable():
        path = PurePosixPath(name.replace('\\', '/'))
        parts = path.parts
    if (
        not parts
        or path.is_absolute()
        or '..' in parts
        or ':' in parts[0]
        or max(map(len, map(os.fsencode, parts))) > _NAME_BYTES
    ):
        raise ValueError(
            f'{source} names an image {shown(name)}, expected a relative path '
            'without "..", such as folder/image.jpg, of parts up to '
            f'{_NAME_BYTES} bytes; correct that name.'
        )
    if path.suffix.lower() in IMAGE_SUFFIXES:
        path = path.with_suffix('')
    return path.as_posix()


def _origin(item: Item) -> str:
    """The file of an item, and its name there if the file holds many."""
    if item.data:
        return f'{item.data["name"]} of {item.source}'
    return str(item.source)
