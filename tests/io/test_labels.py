"""Index PNGs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mmseg_sesam.io.labels import read_label, read_palette, write_label
from mmseg_sesam.io.palettes import voc_colours

LABEL = np.array([[0, 1, 2], [255, 19, 0]], np.uint8)


@pytest.mark.parametrize(
    'palette',
    [None, [[1, 2, 3]], voc_colours()],
    ids=['no palette', 'one colour', 'voc'],
)
def test_read_label_returns_what_write_label_wrote(
    tmp_path: Path, palette: list | None
) -> None:
    path = tmp_path / 'a.png'
    write_label(path, LABEL, palette)
    np.testing.assert_array_equal(read_label(path), LABEL)
    np.testing.assert_array_equal(
        read_label(BytesIO(path.read_bytes())), LABEL
    )
    colours = read_palette(path)
    assert colours is None if palette is None else colours[0] == palette[0]


@pytest.mark.parametrize(
    'array',
    [LABEL.astype(np.uint16), LABEL > 0, np.stack([LABEL] * 3, -1)],
    ids=['16 bits', '1 bit', 'three channels'],
)
def test_read_label_rejects_other_images(
    tmp_path: Path, array: np.ndarray
) -> None:
    path = tmp_path / 'a.png'
    Image.fromarray(array).save(path)
    with pytest.raises(ValueError, match='a.png is .* expected one channel'):
        read_label(path)


@pytest.mark.parametrize('keep', [0, 20, 45])
def test_read_label_names_a_damaged_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / 'a.png'
    write_label(path, LABEL)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError) as error:
        read_label(path, 'The label', 'make it again')
    assert str(error.value).startswith('The label cannot be read as an image')
    assert str(error.value).endswith('; make it again.')


def test_read_label_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_label(tmp_path / 'gone.png')


@settings(max_examples=50)
@given(
    arrays(
        np.uint8,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.sampled_from([0, 1, 3, 15, 16, 200, 254, 255]),
    ),
    st.one_of(
        st.none(), st.sampled_from([0, 1, 2, 4, 5, 16, 17, 21, 150, 256])
    ),
)
def test_write_label_keeps_ids_with_any_palette(
    tmp_path_factory: pytest.TempPathFactory,
    ids: np.ndarray,
    colours: int | None,
) -> None:
    path = tmp_path_factory.getbasetemp() / 'label.png'
    palette = None
    if colours is not None:
        palette = [[index, 255 - index, 7] for index in range(colours)]
    write_label(path, ids, palette)

    with Image.open(path) as image:
        again = np.array(image)
        assert image.mode == ('P' if palette else 'L')
        assert (image.getpalette() or [])[: 3 * (colours or 0)] == sum(
            palette or [], []
        )
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, ids)


def test_write_label_of_a_view(tmp_path: Path) -> None:
    ids = np.arange(24, dtype=np.uint8).reshape(4, 6)[::-1, ::2]
    write_label(tmp_path / 'a.png', ids)
    np.testing.assert_array_equal(
        np.array(Image.open(tmp_path / 'a.png')), ids
    )
