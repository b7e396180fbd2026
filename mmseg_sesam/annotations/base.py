"""The base of all readers of annotations."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.annotations.conventions import find_format, foreign
from mmseg_sesam.annotations.entries import join_entries
from mmseg_sesam.annotations.files import shortened, shown
from mmseg_sesam.annotations.options import (
    CLASS_OPTIONS,
    option,
    spell_alike,
)
from mmseg_sesam.io.listing import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    list_keyed_files,
)
from mmseg_sesam.io.names import check_unique, nfc
from mmseg_sesam.validators import PATH, check_option

# Reason of a note about an image without labelled pixels.
NO_SHAPE = 'annotation without a shape'
NO_ANNOTATION = 'image without an annotation'
# File systems allow 255 bytes in a part of a path; the rest is for suffixes.
_NAME_BYTES = 240
READERS: dict[str, type[AnnotationReader]] = {}


@dataclass(frozen=True)
class Item:
    """The annotation of one image, listed and not yet read.

    Attributes:
        key: path of the label in the output folder, without suffix.
        source: file that contains the annotation.
        data: entry of the image in a file of many images: a dict with the
            'name' of the image and whatever the reader needs.
        image: path of the image, if `images` is given.
        others: further files that the annotation is made from.
    """

    key: str
    source: Path
    data: dict[str, Any] | None = None
    image: Path | None = None
    others: tuple[Path, ...] = ()

    @property
    def where(self) -> str:
        """The file, and the image in a file of many, for messages."""
        name = f': {self.data["name"]}' if self.data else ''
        return f'{self.source}{name}'


@dataclass
class Annotation:
    """The weak label of one image.

    Attributes:
        label: (H, W) uint8 class ids, 255 = unlabelled.
        notes: pairs of a reason, which many images may share, and a detail,
            for each thing that was left out or altered.
        values: values in the file, for a reader that checks the values of
            all files together.
        line_ids: class ids of lines and dots.
        area_ids: class ids of other shapes; a reader of label images leaves
            both empty.
    """

    label: np.ndarray
    notes: list[tuple[str, str]] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    line_ids: set[int] = field(default_factory=set)
    area_ids: set[int] = field(default_factory=set)


@dataclass
class AnnotationReader(ABC):
    """Reads one format. A subclass with a `name` is registered under it.

    The fields of the dataclass are settings, which `convert` records. The
    docs page "Add a format" has a complete example.

    Attributes:
        name: name of the format on the command line.
        example: example of the arguments after the name.
        several: whether `src` may be several files.
        endings: endings of the names of files, for a format with a file for
            each image.
        classes: names of the classes or of a data set that mmseg knows; a
            field in formats where the user gives them.
        without_classes: end of the message 'SRC ...' if no classes are given.
        fragile: whether a damaged file may end the process that reads it.
        label_images: whether annotations are image files, so that images
            beside them are not their photos.
        src: file or folder of the annotations, or several files.
        images: folder of the images, at the same relative paths.
        names: names of the classes in the order of their ids; empty if the
            format does not name them.
        palette: RGB of each class.
        remarks: sentences for the end of the conversion.
        unannotated: keys of images without an annotation; set by `items`.
    """

    name: ClassVar[str]
    example: ClassVar[str] = ''
    several: ClassVar[bool] = False
    endings: ClassVar[str | tuple[str, ...]] = LABEL_SUFFIXES
    without_classes: ClassVar[str] = 'does not hold the order of the classes'
    fragile: ClassVar[bool] = False
    label_images: ClassVar[bool] = False

    src: Path | Sequence[Path]
    images: Path | None = option(
        None,
        'folder of the images: their sizes are compared with the labels, '
        'and annotations without an image are left out',
        PATH.or_none(),
        type=Path,
    )
    classes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for given in fields(self):
            if not given.metadata:
                continue
            value = getattr(self, given.name)
            check_option(
                owner=f'The format {self.name}',
                name=f'--{given.name}',
                value=value,
                rule=given.metadata['rule'],
            )
            if given.name in CLASS_OPTIONS:
                setattr(self, given.name, spell_alike(value))
        self._check_sources()
        self.names, self.palette = resolve_classes(self.classes)
        self.remarks: list[str] = []
        self.unannotated: list[str] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if 'name' in vars(cls):
            READERS[cls.name] = cls

    @classmethod
    def recognises(cls, src: Path) -> bool:
        """Returns whether a file or folder looks like this format.

        By default the first annotation files decide, by the table of
        conventions.
        """
        return find_format(src) == cls.name

    def list_items(self) -> Iterable[Item]:
        """Lists the annotations; by default each file is the one of an image.

        Raises:
            ValueError: a file does not have this format.
            OSError: a file cannot be read.
        """
        return [Item(*f) for f in list_keyed_files(self.src, self.endings)]

    @abstractmethod
    def read(self, item: Item) -> Annotation:
        """Reads the annotation of one image; runs in any process.

        Raises:
            ValueError: the annotation is damaged or has another format.
            OSError: a file cannot be read.
        """

    def check(self, items: list[Item]) -> None:  # noqa: B027
        """Raises a ValueError if settings and annotations contradict."""

    def contents(self) -> dict[str, Any]:
        """Returns the contents of files that settings name, for the record."""
        return {}

    def misfit(self, values: set[int]) -> str | None:
        """Returns a sentence if settings do not fit the files' values."""
        return None

    def lacking(self, found: set[int]) -> str:
        """Returns what labels of the class ids `found` lack for training."""
        names = dict(enumerate(self.names))
        said = []
        if absent := [shown(names[i]) for i in names if i not in found]:
            said.append(
                f'Classes without a pixel, {len(absent)} of {len(names)}: '
                f'{shortened(absent)}; a network cannot learn them from '
                'these labels.'
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
        """Returns the relative path of an item's image, without suffix."""
        return item.key

    def is_unchanged(self, item: Item) -> bool:
        """Returns whether a file is as an export wrote it, uncorrected.

        By default False: most formats do not say it.

        Raises:
            ValueError: the file is damaged.
        """
        return False

    def foreign(self) -> str | None:
        """Returns a sentence if the sources follow another convention."""
        said = (foreign(source, self.name) for source in self.sources)
        return next(filter(None, said), None)

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
        # A single source has one record, given alone or in a list.
        self.src = paths if len(paths) > 1 else paths[0]

    def items(self) -> tuple[list[Item], list[Item]]:
        """Lists all annotations in the order of their keys.

        Entries of one image in a file become one, with the shapes of all.

        Returns:
            Annotations to be read, and annotations whose image is missing.

        Raises:
            ValueError: two annotations have one key, or no image is found.
            FileNotFoundError: there are no annotations.
        """
        absent = [source for source in self.sources if not source.exists()]
        if absent:
            raise FileNotFoundError(
                f'{absent[0]} does not exist; give the file or the folder of '
                'the annotations.'
            )
        try:
            items, twice = join_entries(self.list_items())
        except ValueError as error:
            raise ValueError(self.foreign() or str(error)) from error
        if not items:
            raise FileNotFoundError(
                self.foreign()
                or f'{self.sources[0]} holds no annotation of the format '
                f'{self.name}; give another folder or another format.'
            )
        if twice:
            self.remarks.append(
                'Images with several entries, whose shapes are joined: '
                f'{shortened(twice)}.'
            )
        images = self._list_images()
        items = self._spell_like(items, [key for key, _ in images])
        check_unique(
            ((item.key, item.where) for item in items),
            'would both be written to {name}.png',
        )
        return self._with_images(items, images) if self.images else (items, [])

    def _list_images(self) -> list[tuple[str, Path]]:
        """Returns key and path of all images; none if no folder is given."""
        if self.images is None:
            return []
        if not self.images.is_dir():
            raise FileNotFoundError(
                f'{self.images} is not a folder; give the folder of the '
                'images.'
            )
        return list_keyed_files(self.images, IMAGE_SUFFIXES)

    def _spell_like(self, items: list[Item], keys: list[str]) -> list[Item]:
        """Returns items with the keys of their images, sorted by them."""
        known = {*keys}
        spelled = {nfc(key): key for key in keys}
        named = []
        for item in items:
            if item.key not in known and self.image_key(item) == item.key:
                key = spelled.get(nfc(item.key), item.key)
                item = replace(item, key=key)
            named.append(item)
        return sorted(named, key=lambda item: item.key)

    def _with_images(
        self, items: list[Item], images: list[tuple[str, Path]]
    ) -> tuple[list[Item], list[Item]]:
        wanted = {self.image_key(item) for item in items}
        check_unique(
            (pair for pair in images if pair[0] in wanted),
            'both have the name of the annotation {name}',
        )
        paths = dict(images)
        self.unannotated = sorted({*paths} - wanted)
        items = [
            replace(item, image=paths.get(self.image_key(item)))
            for item in items
        ]
        found = [item for item in items if item.image]
        if not found:
            raise ValueError(
                f'{self.images} holds no image for any of {len(items)} '
                f'annotations (looked for {self.image_key(items[0])} with '
                f'{", ".join(IMAGE_SUFFIXES[:-1])} or {IMAGE_SUFFIXES[-1]}, '
                f'found {images[0][1] if images else "no image"}); give the '
                'folder in which images have the same relative paths.'
            )
        return found, [item for item in items if not item.image]


# Where --images would tell which image a name means.
IMAGES_REMEDY = (
    'give the folder of the images with --images, or correct that name'
)


def safe_key(
    name: Any, source: Path, remedy: str = 'correct that name'
) -> str:
    """Returns the key of an image from its name in the file `source`.

    The key is a relative path without suffix, which does not leave its
    folder. `remedy` ends the error.

    Raises:
        ValueError: the name is no relative path within a folder.

    Example:
        >>> safe_key('town/0001.jpg', Path('instances.json'))
        'town/0001'
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
            f'{_NAME_BYTES} bytes; {remedy}.'
        )
    if path.suffix.lower() in IMAGE_SUFFIXES:
        path = path.with_suffix('')
    return path.as_posix()
