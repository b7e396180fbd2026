"""The base of all writers of annotations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, TextIO

from mmseg_sesam.annotations.outlines import Outline
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.structures import UNLABELLED

# Label of outlines of unlabelled pixels; readers know it as --unlabelled.
IGNORED = '__ignore__'
# Colours of that label by preference; a class may have one of them.
_GREYS = [f'#{3 * f"{grey:02x}"}' for grey in (128, 192, 64, *range(256))]
WRITERS: dict[str, type[AnnotationWriter]] = {}


@dataclass(frozen=True)
class Drawing:
    """The outlines of one image.

    Attributes:
        name: path of the image below the folder of all images.
        path: path of the image.
        size: width and height in pixels.
        outlines: outlines in the order of drawing.
    """

    name: str
    path: Path
    size: tuple[int, int]
    outlines: list[Outline]

    @property
    def key(self) -> str:
        """The name without suffix."""
        return key_of(self.name)


@dataclass
class AnnotationWriter(ABC):
    """Writes one format. A subclass with a `name` is registered under it.

    Attributes:
        name: name of the format, as that of its reader.
        ordered: whether later outlines lie over earlier ones.
        out: folder to be written.
        classes: names of the classes in the order of their ids.
        palette: RGB of each class.
        prefix: beginning of the images' addresses.
    """

    name: ClassVar[str]
    ordered: ClassVar[bool] = True

    out: Path
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    prefix: str = ''

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if 'name' in vars(cls):
            WRITERS[cls.name] = cls

    @abstractmethod
    def files(self, names: Sequence[str]) -> list[Path]:
        """Returns the files that `write` makes for images of these names."""

    @abstractmethod
    def write(self, drawings: Iterable[Drawing]) -> None:
        """Writes the outlines of all images."""

    def label(self, outline: Outline) -> str:
        """Returns the name of an outline's class."""
        if outline.class_id == UNLABELLED:
            return IGNORED
        return self.classes[outline.class_id]

    @property
    def labels(self) -> dict[str, str]:
        """Colours such as '#ff0000' by the names of all labels."""
        colours = [
            f'#{red:02x}{green:02x}{blue:02x}'
            for red, green, blue in self.palette
        ]
        grey = next(grey for grey in _GREYS if grey not in colours)
        return {**dict(zip(self.classes, colours)), IGNORED: grey}


def key_of(name: str) -> str:
    """Returns the path of an image without its suffix."""
    return PurePosixPath(name).with_suffix('').as_posix()


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """Yields a text file that gets its name when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open('w', encoding='utf-8') as file:
        yield file
