"""Gathers images and labels, and converts the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg_sesam.annotations.base import AnnotationReader, Item
from mmseg_sesam.annotations.convert import convert
from mmseg_sesam.annotations.files import shortened
from mmseg_sesam.annotations.journal import (
    edited_since,
    label_classes,
    labelled_keys,
)
from mmseg_sesam.annotations.shapes import NamedReader
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_keyed_files
from mmseg_sesam.start.label_kind import guess_kind, spaced
from mmseg_sesam.start.readers import (
    Reading,
    Role,
    adapt,
    conversion_command,
    open_annotations,
)
from mmseg_sesam.start.sizes import drawing_scale, median_size

# Suffixes of one format, which need no conversion.
_SAME_FORMAT = {'.jpeg': '.jpg', '.jfif': '.jpg', '.tiff': '.tif'}


@dataclass(frozen=True)
class Material:
    """Images with labels as index PNGs, as training reads them.

    Attributes:
        images: folder of the images.
        suffix: how names of images end.
        labels: folder of the labels.
        labelled: names of images with a label, without suffix.
        unlabelled: names of the other images.
        size: median width and height of the images.
        classes: names of the classes in the order of their ids.
        palette: RGB of each class.
        kind: 'dense', 'coarse', 'scribble' or 'point'.
        command: the command that converts the labels.
        summary: the summary of the conversion.
        emptied: names of images whose annotation file has no shape, for
            formats with one file for each image. Other files also list
            images that nobody annotated.
        left_out: images without a label that end in another suffix.
        warning: a sentence about annotations that may be wrong, or ''.
        unchanged: names of images whose correction is as it was exported,
            and is left out.
    """

    images: Path
    suffix: str
    labels: Path
    labelled: list[str]
    unlabelled: list[str]
    size: tuple[int, int]
    classes: tuple[str, ...]
    palette: list[list[int]]
    kind: str
    command: str
    summary: dict
    emptied: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    left_out: tuple[Path, ...] = ()
    warning: str = ''

    @property
    def names(self) -> list[str]:
        """Names of all images, in ascending order."""
        return sorted([*self.labelled, *self.unlabelled])

    def path(self, name: str) -> Path:
        """Returns the path of an image."""
        return self.images / f'{name}{self.suffix}'

    @property
    def taken_away(self) -> list[Path]:
        """Label files that `command` writes and no training reads."""
        written = {*label_classes(self.labels), *self.unchanged}
        paths = (self.labels / f'{key}.png' for key in sorted(written))
        return [path for path in paths if not path.is_file()]


def gather(
    images: Path,
    annotations: Path,
    out: Path,
    reading: Reading,
    without: Sequence[Path] = (),
) -> Material:
    """Converts annotations, and returns what they label.

    Args:
        images: their folder.
        annotations: file or folder of the annotations.
        out: folder of the labels.
        reading: how annotations are read.
        without: folders that hold no images to be trained on. Those of
            annotations and labels are left out anyway.

    Raises:
        ValueError: annotations are damaged, or do not fit the options.
    """
    reader = open_annotations(images, annotations, reading)
    items, missing = reader.items()
    _check_keys(reader, items)
    corrected = reading.role == Role.CORRECTIONS
    unchanged = set()
    if corrected:
        # A person looked at none of them: nothing in them is an error.
        unchanged = {item.key for item in items if reader.is_unchanged(item)}
        lost = [item for item in missing if not reader.is_unchanged(item)]
        _check_placed(annotations, images, lost)
    suffix = _common_suffix(reader, items, reading.role)
    listed = list_keyed_files(
        images, IMAGE_SUFFIXES, (annotations, out, *without)
    )
    fitting = [key for key, path in listed if path.name.endswith(suffix)]
    _check_names({*fitting, *(item.key for item in items)}, images)
    size = median_size([image_size(item.image) for item in items])
    scale = drawing_scale(size)
    reader, warning = adapt(reader, items, scale, reading.role)
    summary = convert(
        reader,
        out,
        jobs=reading.jobs,
        renew=reading.renew,
        corrections=corrected,
        without=unchanged,
    )
    converted = [item for item in items if item.key not in unchanged]
    found, empty = _sort_labels(out, converted)
    remove_labels(out, [item.key for item in empty])
    emptied = [item.key for item in empty if not item.data]
    return Material(
        images=images,
        suffix=suffix,
        labels=out,
        labelled=sorted(found),
        unlabelled=[key for key in fitting if key not in found],
        size=size,
        classes=tuple(reader.names),
        palette=[[*colour] for colour in reader.palette[: len(reader.names)]],
        kind=_kind(out, found, size),
        command=conversion_command(reader, out),
        summary=summary,
        emptied=() if reader.label_images else tuple(emptied),
        unchanged=tuple(sorted(unchanged)),
        left_out=tuple(
            path for _, path in listed if not path.name.endswith(suffix)
        ),
        warning=warning,
    )


def _sort_labels(out: Path, items: list[Item]) -> tuple[set[str], list[Item]]:
    """Returns names of labelled images, and the items of the others."""
    found = labelled_keys(out)
    # An export may list images that nobody annotated.
    empty = [item for item in items if item.key not in found]
    # A person may paint the label of an image whose annotation is empty.
    painted = {*edited_since(out, [item.key for item in empty])}
    return found | painted, [i for i in empty if i.key not in painted]


def _kind(labels: Path, names: Iterable[str], size: tuple[int, int]) -> str:
    """Returns the kind of converted labels."""
    some = spaced(sorted(names))
    read = (read_label(labels / f'{name}.png') for name in some)
    return guess_kind(read, drawing_scale(size))


def remove_labels(out: Path, keys: Iterable[str]) -> None:
    """Removes label files of images that are to be unlabelled.

    Training knows an unlabelled image by its missing file.
    """
    for key in keys:
        (out / f'{key}.png').unlink(missing_ok=True)


def _check_keys(reader: AnnotationReader, items: list[Item]) -> None:
    """Raises if labels would get other names than their images."""
    other = [i for i in items if reader.image_key(i) != i.key]
    if other:
        raise ValueError(
            f'{other[0].source} belongs to the image '
            f'{reader.image_key(other[0])}, expected labels named like their '
            f'images; the format {reader.name} has configs of its own in '
            'configs/sesam.'
        )


def _check_names(names: Iterable[str], images: Path) -> None:
    """Raises if mmseg would not find images that a list names."""
    # It strips the lines of the list.
    lost = sorted(name for name in names if name != name.strip())
    if lost:
        raise ValueError(
            f'{images} has {shortened(map(repr, lost))} (number of such '
            f'names: {len(lost)}), which begins or ends with a space that '
            'lists of images lose; rename it, and its annotation.'
        )


def _check_placed(src: Path, images: Path, missing: list[Item]) -> None:
    """Raises if a file that corrects one image belongs to none."""
    lost = [item for item in missing if not item.data]
    if not lost:
        return
    item = lost[0]
    keys = [key for key, _ in list_keyed_files(images, IMAGE_SUFFIXES)]
    name = Path(item.key).name
    same = [key for key in keys if Path(key).name == name]
    remedy = 'give it the name of its image, or take it away'
    if same:
        # LabelMe writes all files of an --output side by side.
        remedy = f'move it to {src / same[0]}{item.source.suffix}'
    raise ValueError(
        f'{item.source} corrects no image of {images} (number of such files: '
        f'{len(lost)}), expected the relative path of an image; {remedy}.'
    )


def _common_suffix(
    reader: AnnotationReader, items: list[Item], role: Role
) -> str:
    """Returns the one suffix of labelled images; a data set takes only one.

    Images of other suffixes are left out if they have no label.
    """
    paths = drawn = [item.image for item in items]
    # Validation may take images without a shape for background.
    if len({path.suffix for path in paths}) > 1 and role != Role.VALIDATION:
        drawn = [item.image for item in items if _is_drawn(reader, item)]
    counts = Counter(path.suffix for path in drawn or paths)
    suffix, number = counts.most_common(1)[0]
    if rare := [path for path in drawn if path.suffix != suffix]:
        raise ValueError(
            f'{shortened(map(str, rare))}: {len(rare)} labelled images end '
            f'differently from {number} others, expected {suffix}; '
            f'{change_to(suffix, rare)}.'
        )
    return suffix


def _is_drawn(reader: AnnotationReader, item: Item) -> bool:
    """Returns whether an annotation has a shape of a class."""
    if not isinstance(reader, NamedReader):
        return True
    try:
        return not {*reader.names_of(item)} <= {*reader.unlabelled}
    except (ValueError, OSError):
        # The conversion names damaged files.
        return True


def change_to(suffix: str, paths: Iterable[Path]) -> str:
    """Returns what to do with images that do not end in a suffix."""
    same = _encoding(suffix)
    alike = all(_encoding(path.suffix) == same for path in paths)
    return f'{"rename" if alike else "convert"} them to {suffix}'


def _encoding(suffix: str) -> str:
    """Returns one name for the suffixes of an image format."""
    name = suffix.lower()
    return _SAME_FORMAT.get(name, name)
