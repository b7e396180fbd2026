"""The data sets of the comparison, and the schedule of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mmseg_sesam.annotations import READERS, convert
from mmseg_sesam.annotations.mixes import RATE_OF_KIND

# Pattern of the part of a file name that names the volume of a slice.
ACDC_VOLUME = r'patient\d+_frame\d+'


class DataSet(NamedTuple):
    """A data set and its schedule. Crops and scales are those of its configs.

    Attributes:
        title: its name on the page.
        about: its images and weak labels, for the page.
        classes: those that the score is the mean of, for the page.
        config: start of the names of its configs.
        kinds: kinds of weak labels, as its configs name them.
        steps: of training, with 8 crops each.
        dense: folder of the training images' dense labels, below the folder
            of the data.
        root: folder that the configs take as SESAM_DATA, below the folder of
            the data.
        clicks: files of What's the Point below the folder of the data, which
            are converted before a run.
        weight_power: of the class weights.
        size: factor of the sides of all images and crops.
        volume: pattern of the volume's name in the name of a slice, for Dice.
        rates: name of the time for an image by kind of label, of `RATES`;
            none where no time is known.
        changes: of its configs, as `Config.merge_from_dict` takes them.
    """

    title: str
    about: str
    classes: str
    config: str
    kinds: tuple[str, ...]
    steps: int
    dense: str
    root: str = ''
    clicks: tuple[str, ...] = ()
    weight_power: float = 1.0
    size: float = 1.0
    volume: str | None = None
    rates: dict[str, str] = {}
    changes: dict[str, Any] = {}


SETS = {
    'camvid': DataSet(
        'CamVid',
        'street scenes, 367 for training and 101 for validation; simulated '
        'coarse masks, scribbles and points',
        '11',
        'deeplabv3_camvid',
        ('coarse', 'scribble', 'point'),
        800,
        'camvid/annotations/train',
        rates=RATE_OF_KIND,
    ),
    'voc': DataSet(
        'VOC 2012',
        'photos, 600 and 200, of which most show animals; clicks of people '
        "on objects and background (What's the Point)",
        '7 of 21',
        'deeplabv3-lite0_voc',
        ('point',),
        800,
        'voc/VOCdevkit/VOC2012/SegmentationClassAug',
        root='voc',
        clicks=(
            'points/voc_whats_the_point.json',
            'points/voc_whats_the_point_bg_from_scribbles.json',
        ),
        rates=dict(
            dense='voc-full', scribble='voc-scribble', point='voc-point'
        ),
        # Images of SBD are in this folder alone.
        changes={
            'val_dataloader.dataset.data_prefix.seg_map_path': (
                'SegmentationClassAug'
            )
        },
    ),
    'acdc': DataSet(
        'ACDC',
        'slices of heart MRI, 768 of 40 patients and 168 of 10 others; '
        'scribbles of people',
        '4',
        'deeplabv3_acdc',
        ('scribble',),
        800,
        'acdc/annotations/train',
        # 96% are background: the weights of the other sets would count the
        # small classes 23 times as much, and without weights 200 steps learn
        # one of them.
        weight_power=0.5,
        volume=ACDC_VOLUME,
    ),
    'coral': DataSet(
        'EilatMixx',
        'the seabed from above, 91 and 32; simulated points',
        '6 of 10',
        'deeplabv3_coral',
        ('point',),
        800,
        'coral/annotations/train',
    ),
}
# Mixes of kinds of labels take many rows. At half the size a step has a
# quarter of the pixels.
HALVES = {
    f'half-{name}': SETS[name]._replace(
        title=f'{SETS[name].title} at half the size', size=0.5
    )
    for name in ('camvid', 'voc')
}
ALL_SETS = SETS | HALVES


def convert_clicks(data_set: DataSet, data: Path, out: Path) -> Path:
    """Converts the clicks of VOC's images, unless that was done.

    Args:
        data_set: one with `clicks`.
        data: folder of the data.
        out: folder to be written.

    Returns:
        `out`, which holds a label for each image.
    """
    reader = READERS['whats-the-point'](
        [data / name for name in data_set.clicks],
        images=(data / data_set.dense).parent / 'JPEGImages',
    )
    convert(reader, out)
    return out
