"""The text of a plan."""

from __future__ import annotations

from pathlib import Path

from mmseg_sesam.start.show import plan_text


def test_plan_text_names_labels_that_are_left_out(plan_photos) -> None:
    Path('photos/1.jpg').rename('photos/renamed.jpg')
    boxed = Path('photos/2.json')
    boxed.write_text(boxed.read_text().replace('linestrip', 'rectangle'))

    text = plan_text(plan_photos())

    assert f'Notes on {Path("photos").resolve()} ' in text
    assert '  1 x annotation without an image, left out, such as 1' in text
    assert '  3 x rectangle, which is no outline (see --boxes), ' in text
    assert '  1 x label without a labelled pixel, such as 2' in text
    assert 'image without an annotation' not in text


def test_plan_text_counts_images_of_classes(plan_photos) -> None:
    path = Path('photos/1.json')
    path.write_text(path.read_text().replace('"dog"', '" Dog"'))

    text = plan_text(plan_photos())

    assert 'images: background 5,  Dog 1, cat 5, dog 4\n' in text
    assert "Warning: ' Dog', 'dog' differ in spaces" in text


def test_plan_text_names_photos_of_another_ending(plan_photos) -> None:
    for number in (3, 4):
        Path(f'photos/{number}.json').unlink()
        Path(f'photos/{number}.jpg').rename(f'photos/{number}.JPG')

    text = plan_text(plan_photos())

    assert 'Training images: 3 with a label, 0 without' in text
    assert 'end in .jpg: 3.JPG, 4.JPG (2); rename them to .jpg' in text


def test_plan_text_notes_only_what_is_left_out(plan_photos) -> None:
    assert 'Notes on' not in plan_text(plan_photos())
