"""Label Studio: the JSON export of a project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.addresses import AddressedImages, path_of
from mmseg_sesam.annotations.base import Annotation, Item
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import shown, take
from mmseg_sesam.annotations.label_studio_regions import (
    bitmask,
    brush_mask,
    ellipse_outline,
    rectangle_corners,
    take_point,
    to_pixels,
    vector_paths,
)
from mmseg_sesam.annotations.options import choice, option
from mmseg_sesam.annotations.shapes import AllShapes, NamedReader
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_keyed_files
from mmseg_sesam.validators import NAME

# Results that describe an image, and no region of it.
_OF_IMAGES = (
    *('choices', 'datetime', 'number', 'pairwise', 'ranker', 'rating'),
    *('relation', 'taxonomy', 'textarea'),
)
# Reason of a note.
_MORE = 'further annotation of a task, left out'
_BEYOND = 'region of an image (item_index) that the field lacks, left out'


@dataclass
class LabelStudioReader(NamedReader, AllShapes):
    """Reads the regions of images in an export of the type JSON.

    Later regions lie over earlier ones, as the editor shows them. If a task
    has several annotations, the ground truth counts, else the last one with a
    region. A field may be a list of images.
    Sources: https://labelstud.io/guide/export and the pages of its tags.
    """

    name = 'label-studio'
    example = 'project.json out --classes cat dog'

    predictions: str = choice(
        'skip',
        ('read', 'skip'),
        'predictions of tasks that nobody has annotated are left out, or read',
    )
    field: str | None = option(
        None,
        "field of a task's data that holds the image, or a list of images "
        '(default: the only one that ends like an image)',
        NAME.or_none(),
    )

    def list_items(self) -> Iterable[Item]:
        tasks = files.read_json(self.src)
        tasks = tasks if isinstance(tasks, list) else [tasks]
        listed = []
        if self.images and self.images.is_dir():
            listed = list_keyed_files(self.images, IMAGE_SUFFIXES)
        addressed = AddressedImages(self.src, [key for key, _ in listed])
        entries: list[tuple[dict, str, dict]] = []
        rest = 0
        for index, task in enumerate(tasks):
            field, names = self._images_of(task, f'{self.src}, task {index}')
            found = self._results(task, f'{self.src}: {names[0]}')
            if found is None:
                rest += 1
                continue
            results, more = found
            pages = _by_image(names, results)
            pages[0]['notes'] += [_MORE] * more
            entries += [(task['data'], field, page) for page in pages]
        if rest:
            self.remarks.append(
                f'Tasks without an annotation, left out: {rest}.'
            )
        self._leave_out_others(entries)
        return [
            Item(addressed.key(data['name']), self.src, data)
            for *_, data in entries
        ]

    def labels_of(self, item: Item) -> list[str]:
        regions = _regions(item.data['results'], item.where)
        return [label for label, _, _ in regions if label is not None]

    def read(self, item: Item) -> Annotation:
        results = item.data['results']
        size = _size(results, item)
        canvas = self.canvas(item, size, outside=self.outside, centres=True)
        canvas.notes += [(note, item.where) for note in item.data['notes']]
        for label, kind, value in _regions(results, item.where):
            if label is None:
                canvas.skip(f'{kind} without a label')
            else:
                self._draw(
                    canvas, kind, value, self.class_id(label, item.where)
                )
        return canvas.annotation()

    def _draw(
        self, canvas: Canvas, kind: str, value: dict, class_id: int
    ) -> None:
        if kind == 'polygon':
            points = take(value, 'points', list, canvas.name)
            canvas.polygon(to_pixels(canvas, points), class_id)
        elif kind == 'keypoint':
            canvas.dots(take_point(canvas, value), class_id, self.radius)
        elif kind == 'vector':
            self._draw_vector(canvas, value, class_id)
        elif kind == 'brush' and 'rle' in value:
            canvas.mask(brush_mask(canvas, value['rle']), (0, 0), class_id)
        elif kind == 'bitmask' and value.get('imageDataURL'):
            url = take(value, 'imageDataURL', str, canvas.name)
            canvas.mask(bitmask(canvas, url), (0, 0), class_id)
        elif kind in ('rectangle', 'ellipse'):
            is_box = kind == 'rectangle'
            outline = rectangle_corners if is_box else ellipse_outline
            corners = outline(canvas, value)
            if self.keeps_box(canvas, kind, corners):
                canvas.polygon(corners, class_id)
        else:
            canvas.skip(f'{shown(kind)}, which is no known region')

    def _draw_vector(self, canvas: Canvas, value: dict, class_id: int) -> None:
        vertices = take(value, 'vertices', list, canvas.name)
        # A stroke without a vertex gets the note on unfinished shapes.
        paths = vector_paths(canvas, vertices) or [[]]
        if any(vertex.get('isBezier') for vertex in vertices):
            canvas.skip('vector with Bezier curves', class_id=class_id)
        elif value.get('closed') and len(paths) > 1:
            canvas.skip('closed vector with branches', class_id=class_id)
        elif value.get('closed'):
            canvas.polygon(to_pixels(canvas, paths[0]), class_id)
        else:
            for path in paths:
                points = to_pixels(canvas, path)
                if len(points) == 1:
                    canvas.dots(points, class_id, self.radius)
                else:
                    canvas.line(points, class_id, self.width)

    def _images_of(self, task: Any, where: str) -> tuple[str, list[str]]:
        """Returns the field of a task's data that holds the image or images.

        The second value is their addresses, one unless the field is a list.
        """
        data = take(task, 'data', dict, where)
        if self.field is not None:
            value = take(data, self.field, (str, list), where)
            names = [value] if isinstance(value, str) else value
            if not names or not all(isinstance(name, str) for name in names):
                raise ValueError(
                    f'{where} has {self.field}={shown(value)}, expected '
                    'addresses of images; name another field with --field.'
                )
            return self.field, names
        single = {k: [v] for k, v in data.items() if _ends_like_image(v)}
        found = single or {
            key: value
            for key, value in data.items()
            if isinstance(value, list)
            and value
            and all(map(_ends_like_image, value))
        }
        if len(found) != 1:
            raise ValueError(
                f'{where} has the data {files.shortened(map(shown, data))}, '
                f'of which {len(found)} end like an image, expected one; name '
                'the field of the image with --field.'
            )
        return next(iter(found.items()))

    def _leave_out_others(self, entries: list[tuple[dict, str, dict]]) -> None:
        """Leaves out regions of other images than that of the field.

        A region names the tag of its image (`to_name`). Which field a tag
        shows is written in the labeling interface, not in an export: tags
        usually have the names of their fields.

        Args:
            entries: the data of each task, the field of its image, and the
                data of the item.

        Raises:
            ValueError: the tag of a field is not known.
        """
        tags = {_tag(r) for *_, data in entries for r in data['results']}
        tags.discard(None)
        changed = 0
        for fields, field, data in entries:
            if field in tags:
                results = data['results']
                data['results'] = [
                    result
                    for result in results
                    if _tag(result, field) == field
                ]
                changed += len(data['results']) < len(results)
            elif len(tags) > 1 or tags & fields.keys():
                raise ValueError(
                    f'{self.src} has regions of the images '
                    f'{files.shortened(map(shown, sorted(tags)))} (to_name), '
                    'and does not say which of them the field '
                    f'{shown(field)} holds; replace the to_name of this image '
                    "by the field's name, or name another field with --field."
                )
        if changed:
            self.remarks.append(
                'Tasks with regions of another image than that of the field, '
                f'which are left out: {changed}.'
            )

    def _results(self, task: dict, where: str) -> tuple[list, int] | None:
        """Returns the results of the annotation that counts; None if none.

        The second value is the number of other annotations.
        """
        done = [
            entry
            for entry in take(task, 'annotations', list, where)
            if not (isinstance(entry, dict) and entry.get('was_cancelled'))
        ]
        if not done and self.predictions == 'read':
            done = task.get('predictions', [])
            done = take(dict(predictions=done), 'predictions', list, where)
            _check_whole(done, where)
        if not done:
            return None
        truths = [e for e in done if isinstance(e, dict) and _is_truth(e)]
        # Somebody may submit a task without labelling it.
        drawn = [entry for entry in done if _has_region(entry)]
        chosen = (truths or drawn or done)[-1]
        return take(chosen, 'result', list, where), len(done) - 1


def _check_whole(predictions: list, where: str) -> None:
    """Raises ValueError if an export names predictions by ids alone."""
    if any(isinstance(entry, int) for entry in predictions):
        raise ValueError(
            f'{where} has predictions={shown(predictions)}, which are ids '
            'alone, expected predictions with their regions; export a '
            'snapshot of the project with predictions.only_id false, read '
            'tasks.json (without corrections), or leave --predictions out.'
        )


def _is_truth(entry: dict) -> bool:
    return entry.get('ground_truth') is True


def _has_region(entry: Any) -> bool:
    results = entry.get('result') if isinstance(entry, dict) else None
    return isinstance(results, list) and any(map(_is_region, results))


def _is_region(result: Any) -> bool:
    return isinstance(result, dict) and result.get('type') not in _OF_IMAGES


def _ends_like_image(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return path_of(value).lower().endswith(IMAGE_SUFFIXES)


def _by_image(names: list[str], results: list) -> list[dict[str, Any]]:
    """Returns the data of the item of each image of a task."""
    pages = [dict(name=name, results=[], notes=[]) for name in names]
    for result in results:
        index = isinstance(result, dict) and result.get('item_index') or 0
        if isinstance(index, int) and 0 <= index < len(pages):
            pages[index]['results'].append(result)
        elif _is_region(result):
            pages[0]['notes'].append(_BEYOND)
    return pages


def _tag(result: Any, default: str | None = None) -> str | None:
    """Returns the tag of the image of a region; the default without one."""
    # A region of a text has no such entry.
    if isinstance(result, dict) and 'original_width' in result:
        tag = result.get('to_name')
        return tag if isinstance(tag, str) else default
    return default


def _regions(
    results: list, where: str
) -> list[tuple[str | None, str, dict[str, Any]]]:
    """Returns label, kind and value of each region; None without a label.

    With the tags Labels and, for example, Brush, a region has two results of
    one id: its shape, and its shape with the labels.
    """
    labelled = {
        result.get('id')
        for result in results
        if isinstance(result, dict) and result.get('type') == 'labels'
    }
    regions = []
    for result in results:
        kind = take(result, 'type', str, where)
        if kind in _OF_IMAGES:
            continue
        bare = not kind.endswith('labels')
        if bare and result.get('id') in labelled:
            continue
        value = take(result, 'value', dict, where)
        labels = [] if bare else value.get(kind) or []
        if not isinstance(labels, list) or len(labels) > 1:
            raise ValueError(
                f'{where} has a region with the labels {shown(labels)}, '
                'expected one; correct it.'
            )
        label = None
        if labels:
            label = take(dict(label=labels[0]), 'label', str, where)
        kind = kind.removesuffix('labels')
        regions.append((label, kind or _kind(value), value))
    return regions


def _kind(value: dict) -> str:
    """Returns the kind of a region of the tag Labels by its fields."""
    for kind, name in (
        *(('polygon', 'points'), ('brush', 'rle'), ('ellipse', 'radiusX')),
        *(('rectangle', 'height'), ('keypoint', 'x')),
        *(('bitmask', 'imageDataURL'), ('vector', 'vertices')),
    ):
        if name in value:
            return kind
    return 'region'


def _size(results: list, item: Item) -> tuple[int, int]:
    """Returns width and height of the image."""
    sizes = {}
    for result in results:
        if not isinstance(result, dict) or 'original_width' not in result:
            continue
        sides = result['original_width'], result.get('original_height')
        sizes.setdefault(files.checked_size(*sides, item.where))
        if result.get('image_rotation'):
            raise ValueError(
                f'{item.where} has image_rotation='
                f'{shown(result["image_rotation"])}, expected 0; turn the '
                'image back in Label Studio, and export again.'
            )
    if len(sizes) > 1:
        raise ValueError(
            f'{item.where} has regions of images of the sizes '
            f'{shown([*sizes])}, expected one; export it again.'
        )
    if sizes:
        return next(iter(sizes))
    if item.image:
        return image_size(item.image)
    raise ValueError(
        f'{item.where} has no region with original_width and '
        'original_height; give the folder of the images with --images.'
    )
