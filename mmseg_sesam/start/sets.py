"""Divides images with labels into training and validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmseg_sesam.annotations.files import shortened
from mmseg_sesam.annotations.journal import label_classes
from mmseg_sesam.start.detect import has_photos, prefer_format
from mmseg_sesam.start.label_kind import THIN
from mmseg_sesam.start.material import (
    Material,
    change_to,
    gather,
    remove_labels,
)
from mmseg_sesam.start.readers import Reading, Role
from mmseg_sesam.start.split import sole_images, split_blocks
from mmseg_sesam.structures import DENSE

# Share of the labelled images that is held back unless the user says another
# one, and how many images there must be (our choice).
DEFAULT_SHARE, _LEAST = 0.15, 10
_REMEDY = 'Give dense labels of some other images with --val'


@dataclass(frozen=True)
class DataSets:
    """The images of a training and of its validation.

    Attributes:
        train: images of the training, and labels that people drew.
        corrected: images with corrected labels, by folder of corrections.
        unused: folders of corrections of which no label is left.
        val: images and labels of the validation, None without any.
        measured: a sentence: what the validation measures, or what nothing
            measures.
        proxy: whether the validation knows weakly labelled pixels only.
        emptied: training images whose labels a correction removed.
        unchanged: images whose correction is as it was exported.
        kept: images that are trained on, as no other training image shows a
            class of theirs, with these classes; the split would hold them
            back.
    """

    train: Material
    corrected: tuple[Material, ...] = ()
    unused: tuple[Material, ...] = ()
    val: Material | None = None
    measured: str = ''
    proxy: bool = False
    emptied: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of all training images."""
        corrected = (n for part in self.corrected for n in part.labelled)
        return sorted([*self.train.names, *corrected])

    @property
    def labelled(self) -> Counter[str]:
        """Number of labelled training images by kind of label."""
        numbers = Counter()
        for part in [self.train, *self.corrected]:
            numbers[part.kind] += len(part.labelled)
        return +numbers

    @property
    def kind(self) -> str:
        """Kind of most labels of the training."""
        numbers = self.labelled
        return max(numbers, key=numbers.get, default=self.train.kind)


def hold_back(material: Material, share: float | None) -> DataSets:
    """Holds labelled images back for the validation.

    Images that alone show a class are trained on.

    Args:
        material: images and labels.
        share: share of the labelled images; 0 for none, None for
            `DEFAULT_SHARE` if there are enough images.

    Raises:
        ValueError: the share leaves one part without an image.
    """
    found = len(material.labelled)
    if share is None and found >= _LEAST:
        share = DEFAULT_SHARE
    if not share:
        why = f', as fewer than {_LEAST} images have a label ({found})'
        said = (
            f'nothing; no image is held back{why if share is None else ""}, '
            f'so that nobody knows how right the network is. {_REMEDY}'
        )
        return DataSets(material, measured=said)
    _, held = split_blocks(material.labelled, share)
    sole = sole_images(held, label_classes(material.labels))
    kept = _with_classes(sole, material.classes)
    held = [name for name in held if name not in sole]
    if not held:
        said = (
            'nothing; no image is held back, as each chosen image shows a '
            f'class that no other training image shows: {shortened(kept)}. '
            f'{_REMEDY}, or label these classes in more images'
        )
        return DataSets(material, measured=said)
    # Unlabelled images between held ones show nearly the same.
    near = _between(material.names, {*held}, {*material.labelled})
    val = replace(material, labelled=held, unlabelled=[])
    train = without(material, {*held, *near})
    sets = _with_val(train, val, 'held-back images', material.kind != DENSE)
    return replace(sets, kept=kept)


def _with_classes(
    images: Mapping[str, set[int]], names: Sequence[str]
) -> tuple[str, ...]:
    """Returns each image with the names of its classes, for a message."""
    return tuple(
        f'{image} ({shortened(names[index] for index in sorted(ids))})'
        for image, ids in images.items()
    )


def take_val(
    material: Material, images: Path, folder: Path, out: Path, reading: Reading
) -> DataSets:
    """Takes labels of a folder for the validation.

    Args:
        material: images and labels of the training.
        images: folder of the images.
        folder: file or folder of dense annotations, which lie beside their
            images or belong to some of `images`.
        out: folder of the label files.
        reading: how annotations are read.

    Raises:
        ValueError: no labelled image is left for training.
    """
    reading = _prefer(reading, folder)
    photos = folder if folder.is_dir() else folder.parent
    beside = has_photos(reading.format, folder, photos)
    reading = reading._replace(classes=material.classes, role=Role.VALIDATION)
    val = gather(photos if beside else images, folder, out, reading)
    val = replace(val, unlabelled=[])
    material = without(material, _shared(material, val))
    if not material.labelled:
        raise ValueError(
            f'--val {folder} labels all labelled images of {images}, '
            'expected other images than those of training; give a folder '
            'with labels of a part.'
        )
    return _with_val(material, val, f'images of {folder}', val.kind in THIN)


def add_corrections(
    sets: DataSets,
    images: Path,
    folders: Sequence[Path],
    out: Path,
    reading: Reading,
) -> DataSets:
    """Puts corrected labels into the place of those of the training.

    An image whose shapes a correction removed becomes unlabelled. A file
    as `tools/suggest.py` wrote it is left out: it has labels of a network.

    Args:
        sets: training and validation.
        images: folder of the images.
        folders: folders of corrected annotations; a later one counts.
        out: folder of the label files.
        reading: how annotations are read.

    Raises:
        ValueError: a corrected image belongs to the validation, or has
            another ending than the others, or a file belongs to no image.
    """
    train, found = sets.train, []
    seen, taken, unchanged = set(), set(), set()
    for number in reversed(range(len(folders))):
        target = out / f'corrected_{number + 1}'
        folder = folders[number]
        fitting = _prefer(reading, folder)._replace(
            classes=train.classes, role=Role.CORRECTIONS
        )
        part = gather(images, folder, target, fitting)
        part = replace(part, unlabelled=[*part.emptied])
        _check_part(part, sets, folder)
        fresh = [name for name in part.labelled if name not in seen]
        # The checks would name labels that no list uses.
        remove_labels(target, {*part.labelled} - {*fresh})
        taken.update(fresh)
        seen.update(part.names)
        unchanged.update(part.unchanged)
        found.append(replace(part, labelled=fresh, unlabelled=[]))
    train = without(train, taken)
    emptied = [name for name in train.labelled if name in seen]
    remove_labels(train.labels, [*taken, *emptied])
    unlabelled = sorted([*train.unlabelled, *emptied])
    train = replace(without(train, emptied), unlabelled=unlabelled)
    found.reverse()
    return replace(
        sets,
        train=train,
        corrected=tuple(part for part in found if part.labelled),
        unused=tuple(part for part in found if not part.labelled),
        emptied=tuple(emptied),
        unchanged=tuple(sorted(unchanged - seen)),
    )


def without(material: Material, names: Sequence[str] | set[str]) -> Material:
    """Returns a material without some of its images."""
    gone = {*names}
    return replace(
        material,
        labelled=[n for n in material.labelled if n not in gone],
        unlabelled=[n for n in material.unlabelled if n not in gone],
    )


def _prefer(reading: Reading, src: Path) -> Reading:
    """Returns how `src` is read: as the training, in a format that fits."""
    return reading._replace(format=prefer_format(src, reading.format))


def _check_part(part: Material, sets: DataSets, src: Path) -> None:
    """Raises if corrected images cannot join the training."""
    if part.suffix != sets.train.suffix:
        paths = map(part.path, part.names)
        remedy = change_to(sets.train.suffix, paths)
        raise ValueError(
            f'--corrected {src} labels images *{part.suffix}, expected '
            f'*{sets.train.suffix} as the others; {remedy}.'
        )
    both = sets.val and _shared(part, sets.val)
    if both:
        raise ValueError(
            f'--corrected {src} labels {len(both)} images of the validation, '
            f'such as {both[0]}, expected images of the training; take them '
            'out, or give other images for validation with --val.'
        )


def _shared(material: Material, val: Material) -> list[str]:
    """Returns names of images whose files the validation labels, too."""
    taken = {val.path(name).resolve() for name in val.labelled}
    return [n for n in material.names if material.path(n).resolve() in taken]


def _with_val(
    train: Material, val: Material, where: str, proxy: bool
) -> DataSets:
    """Returns the sets with what their validation measures."""
    number = f'{len(val.labelled)} {where}'
    if proxy:
        said = (
            f'VAL PROXY, the accuracy on weakly labelled pixels of {number}; '
            'it says nothing of edges and of pixels that nobody labelled. '
            f'{_REMEDY} to measure the mIoU'
        )
    else:
        said = f'mIoU on {number}'
        if val.kind != DENSE:
            said += ', on their labelled pixels only'
    return DataSets(train, val=val, measured=said, proxy=proxy)


def _between(names: list[str], held: set[str], labelled: set[str]) -> set[str]:
    """Returns unlabelled names next to held ones, up to labelled others."""
    near, run, touches = set(), [], False
    for name in [*names, None]:
        if name in held:
            near.update(run)
            run, touches = [], True
        elif name is None or name in labelled:
            if touches:
                near.update(run)
            run, touches = [], False
        else:
            run.append(name)
    return near
