"""Data set whose label files have a class list of their own."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_sesam.io.names import nfc
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.validators import Rule, check_options, one_of

_NAMES = Rule(
    lambda value: (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and 0 < len(value) <= UNLABELLED
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    ),
    f'a list of 1 to {UNLABELLED} different names of classes',
)


@DATASETS.register_module()
class MappedSegDataset(BaseSegDataset):
    """Reads label files whose ids have another list of classes.

    Ids are mapped by the names of the classes, so that data sets of other
    origin can be joined by `ConcatDataset`: give all of them the same
    `metainfo`, and this one the names of its own ids. Set
    `ignore_keys=['label_map']` of `ConcatDataset`, which compares how data
    sets read ids.

    Args:
        file_classes: 1 to 255 names, of the ids in the files from id 0 on.
            Other ids than these and 255 are refused by `LoadWeakAnnotations`,
            and unlabelled for the stock `LoadAnnotations`, which looks for
            each of 255 ids: `LoadWeakAnnotations` is faster in validation,
            too.
        other_classes: for names that `metainfo.classes` lacks: 'refuse'
            raises, 'unlabelled' leaves their pixels unlabelled.
        **kwargs: of `BaseSegDataset`, with classes in `metainfo`.

    Raises:
        ValueError: no class has its name in `file_classes`, or
            `metainfo.classes` lacks some of them.

    Example:
        >>> dataset = MappedSegDataset(
        ...     file_classes=['road', 'car', 'sky'],
        ...     other_classes='unlabelled',
        ...     metainfo=dict(classes=['sky', 'road']),
        ...     lazy_init=True,
        ... )
        >>> dataset.label_map[0], dataset.label_map[3]
        (1, 255)
    """

    def __init__(
        self,
        file_classes: Sequence[str],
        other_classes: str = 'refuse',
        **kwargs,
    ) -> None:
        self.file_classes = file_classes
        self.other_classes = other_classes
        check_options(
            self,
            file_classes=_NAMES,
            other_classes=one_of(('refuse', 'unlabelled')),
        )
        super().__init__(**kwargs)

    def get_label_map(
        self, new_classes: Sequence[str] | None = None
    ) -> dict[int, int]:
        """Returns the class id of each id that a file may hold."""
        # Nobody sees a difference in the spelling of accents.
        classes = [*map(nfc, new_classes or ())]
        files = [*map(nfc, self.file_classes)]
        others = [name for name in files if name not in classes]
        if len(others) == len(self.file_classes):
            raise ValueError(
                f'MappedSegDataset got file_classes={self.file_classes}, and '
                f'metainfo.classes has {classes}, expected common names; '
                'spell classes alike in both.'
            )
        if others and self.other_classes == 'refuse':
            raise ValueError(
                f'MappedSegDataset got the file_classes {others}, which '
                'metainfo.classes lacks; spell them as there, or set '
                "other_classes='unlabelled' to leave their pixels unlabelled."
            )
        ids = {name: index for index, name in enumerate(classes)}
        # The stock LoadAnnotations keeps ids that a map lacks.
        label_map = dict.fromkeys(range(UNLABELLED), UNLABELLED)
        for index, name in enumerate(files):
            label_map[index] = ids.get(name, UNLABELLED)
        return label_map

    def get_data_info(self, idx: int) -> dict:
        """Adds the names of the files' ids to what is known of an image."""
        info = super().get_data_info(idx)
        return dict(info, file_classes=self.file_classes)
