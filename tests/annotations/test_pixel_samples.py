"""Random pixels of images, and the page to classify them on."""

from __future__ import annotations

import base64
import csv
import json
import locale
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.annotations.pixel_samples import (
    Pixel,
    draw_pixels,
    write_page,
    write_table,
)
from mmseg_sesam.io.class_shares import read_shares

CLASSES = ('sky', 'a "wide" road', '</script><b>')


def save(path: Path, height: int, width: int, **options) -> np.ndarray:
    """Saves an image whose red is the row and whose green is the column."""
    row, col = np.mgrid[:height, :width]
    image = np.stack([row, col, 0 * row], axis=2).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return image


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A large, a small and a tiny image."""
    save(tmp_path / 'images/a.png', 60, 100)
    save(tmp_path / 'images/deep/b.png', 40, 50)
    save(tmp_path / 'images/c.png', 1, 1)
    return tmp_path / 'images'


def content_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding='utf-8')
    return json.loads(re.search(r'const content = (.*);\n', text)[1])


def test_draw_pixels_gives_images_pixels_by_their_size(images: Path) -> None:
    pixels = draw_pixels(images, 80)
    names = [pixel.image for pixel in pixels]
    assert names == sorted(names)
    # 6000, 1 and 2000 pixels, in the order a, c, deep/b.
    assert 59 <= names.count('a.png') <= 61
    assert 19 <= names.count('deep/b.png') <= 21


def test_draw_pixels_lie_inside_and_everywhere(images: Path) -> None:
    pixels = draw_pixels(images, 2000)
    places = np.array([p[1:] for p in pixels if p.image == 'a.png'])
    assert (places >= 0).all()
    assert (places < [100, 60]).all()
    means = places.mean(axis=0) / [99, 59]
    np.testing.assert_allclose(means, 0.5, atol=0.03)


def test_draw_pixels_can_draw_all(images: Path) -> None:
    assert len(set(draw_pixels(images, 8001))) == 8001


def test_draw_pixels_is_fixed_by_its_seed(images: Path) -> None:
    assert draw_pixels(images, 20, 3) == draw_pixels(images, 20, 3)
    assert draw_pixels(images, 20, 3) != draw_pixels(images, 20, 4)


def test_draw_pixels_refuses_too_few_pixels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='holds 0 images of 0 pixels'):
        draw_pixels(tmp_path, 1)
    save(tmp_path / 'a.png', 2, 3)
    with pytest.raises(ValueError, match='holds 1 images of 6 pixels'):
        draw_pixels(tmp_path, 7)


def test_draw_pixels_refuses_damaged_images(images: Path) -> None:
    (images / 'd.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='d.png cannot be read'):
        draw_pixels(images, 1)


def test_write_table_leaves_the_class_open(tmp_path: Path) -> None:
    path = tmp_path / 'pixels.csv'
    write_table(path, [Pixel('a,b.png', 3, 4)])
    assert path.read_text().splitlines() == [
        'image,x,y,class',
        '"a,b.png",3,4,',
    ]
    with pytest.raises(ValueError, match='1 of 1 pixels without a class'):
        read_shares(path, CLASSES)


def test_write_table_does_not_depend_on_the_locale(tmp_path: Path) -> None:
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, 'C')
    try:
        write_table(tmp_path / 'pixels.csv', [Pixel('caf\u00e9.png', 3, 4)])
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    text = (tmp_path / 'pixels.csv').read_text(encoding='utf-8')
    assert text.splitlines()[1] == 'caf\u00e9.png,3,4,'


def test_write_page_shows_each_pixel_in_the_middle(
    images: Path, tmp_path: Path
) -> None:
    pixels = [Pixel('a.png', 70, 30), Pixel('deep/b.png', 25, 20)]
    write_page(tmp_path / 'page.html', images, pixels, CLASSES)
    content = content_of(tmp_path / 'page.html')
    assert [image['name'] for image in content['images']] == [
        'a.png',
        'deep/b.png',
    ]
    for entry, pixel in zip(content['pixels'], pixels):
        view = base64.b64decode(entry['view'].split(',')[1])
        shown = np.array(Image.open(BytesIO(view))).astype(int)
        assert shown.shape == (161, 161, 3)
        # JPEG may change values a little.
        np.testing.assert_allclose(
            shown[80, 80], [pixel.y, pixel.x, 0], atol=25
        )
    assert content['pixels'][0]['left'] == 0.705


def test_write_page_turns_images_as_mmcv_does(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / 'images/a.jpg', 20, 30, exif=exif, quality=95)
    pixels = draw_pixels(tmp_path / 'images', 300)
    assert max(pixel.y for pixel in pixels) > 20
    corner = Pixel('a.jpg', 19, 0)
    write_page(tmp_path / 'page.html', tmp_path / 'images', [corner], ['a'])
    entry = content_of(tmp_path / 'page.html')['pixels'][0]
    assert (entry['left'], entry['top']) == (0.975, 0.5 / 30)


def test_write_page_of_16_bits_keeps_the_contrast(tmp_path: Path) -> None:
    values = np.full((9, 9), 40000, np.uint16)
    values[:, :4] = 0
    (tmp_path / 'images').mkdir()
    Image.fromarray(values).save(tmp_path / 'images/a.png')
    write_page(
        tmp_path / 'page.html',
        tmp_path / 'images',
        [Pixel('a.png', 6, 4)],
        'a',
    )
    view = content_of(tmp_path / 'page.html')['images'][0]['view']
    shown = np.array(Image.open(BytesIO(base64.b64decode(view.split(',')[1]))))
    assert shown[4, 8, 0] == pytest.approx(40000 / 256, abs=12)
    assert shown[4, 0, 0] < 25


def test_write_page_works_in_a_browser(
    images: Path, tmp_path: Path, browser: Any
) -> None:
    pixels = draw_pixels(images, 4)
    write_page(tmp_path / 'page.html', images, pixels, CLASSES)
    browser.execute_cdp_cmd(
        'Browser.setDownloadBehavior',
        dict(behavior='allow', downloadPath=str(tmp_path)),
    )
    browser.get((tmp_path / 'page.html').as_uri())
    body = browser.find_element('tag name', 'body')
    save_button = browser.find_element('id', 'save')
    buttons = browser.find_elements('css selector', '#answers button')
    assert [b.text.split(maxsplit=1)[1] for b in buttons] == [
        *CLASSES,
        '(none)',
    ]
    # A key that is held answers once.
    browser.execute_script(
        'const held = {key: "1", repeat: true};'
        'document.dispatchEvent(new KeyboardEvent("keydown", held));'
    )
    assert browser.find_element('id', 'count').text == '1 of 4'
    body.send_keys('1')
    buttons[1].click()
    # Another class for the second pixel.
    browser.find_element('id', 'back').click()
    body.send_keys('3')
    body.send_keys('0')
    assert not save_button.is_enabled()
    # The page keeps its answers.
    browser.refresh()
    assert browser.find_element('id', 'count').text == '4 of 4'
    browser.find_element('tag name', 'body').send_keys('1')
    browser.find_element('id', 'save').click()
    table = tmp_path / 'pixels.csv'
    wait_for_file(table)
    with table.open(newline='') as file:
        rows = list(csv.DictReader(file))
    found = [(row['image'], int(row['x']), int(row['y'])) for row in rows]
    assert found == [tuple(pixel) for pixel in pixels]
    np.testing.assert_allclose(
        read_shares(table, CLASSES).values, [2 / 3, 0, 1 / 3]
    )
    assert browser.get_log('browser') == []


def wait_for_file(path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(None, 20).until(lambda _: path.exists())
