"""Time and memory of a segmenter of each family, on an image of VOC's size."""

from __future__ import annotations

import ctypes
import gc
import hashlib
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, NamedTuple

import numpy as np

from benchmarks.timing import Times, compare
from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters import (
    BaseSegmenter,
    SAMSegmenter,
    TransformersSegmenter,
)
from mmseg_sesam.segmenters.embedding_cache import GIB

from .data import VOC, Size, make_image
from .pipelines import MODELS, save_weights
from .real_models import REAL_MODELS, save_real

PROMPTS = 64
# SAM ViT-B in segment-anything, then the models in transformers.
FAMILIES = ('segment_anything_vit_b', *REAL_MODELS)


class Row(NamedTuple):
    """Measurements of one segmenter.

    Attributes:
        encode: times of an image.
        decode: times of `PROMPTS` prompts of one point.
        weights: GiB of the segmenter.
        encode_peak: further GiB while it encodes.
        decode_peak: further GiB while it decodes.
        embedding: MiB of a packed embedding.
    """

    encode: Times
    decode: Times
    weights: float
    encode_peak: float
    decode_peak: float
    embedding: float

    def to_json(self) -> dict[str, Any]:
        """The numbers, rounded."""
        times = dict(
            encode=self.encode.to_json(), decode=self.decode.to_json()
        )
        return dict(times, **{n: round(v, 2) for n, v in self.memory.items()})

    @property
    def memory(self) -> dict[str, float]:
        """All that is no time."""
        names = ('weights', 'encode_peak', 'decode_peak', 'embedding')
        return {name: getattr(self, name) for name in names}


def measure_family(name: str, repeats: int, size: Size = VOC) -> Row:
    """Measures a segmenter with random weights on a CPU, in fp32."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (size.width, size.height), (PROMPTS, 1, 2))
    ones = np.ones(1, np.int8)
    prompts = [PointPrompt(p.astype('float32'), ones) for p in points]
    image = make_image(size)
    before = _resident()
    with TemporaryDirectory() as folder:
        segmenter = _build(name, Path(folder))
    weights = _resident() - before
    results: dict[str, Any] = {}
    peaks = dict(encode=0, decode=0)

    def measure(name: str, work: Callable[[], Any]) -> None:
        before = _resident()
        # Resets the peak of the process.
        Path('/proc/self/clear_refs').write_text('5')
        results[name] = work()
        peaks[name] = max(peaks[name], _status('VmHWM') - before)

    def encode() -> list[Any]:
        return segmenter.encode([image])

    def decode() -> Candidates:
        return segmenter.decode(results['encode'][0], prompts)

    ways = {
        'encode': partial(measure, 'encode', encode),
        'decode': partial(measure, 'decode', decode),
    }
    times = compare(ways, repeats)
    packed = segmenter.pack(results['encode'][0])
    return Row(
        times['encode'],
        times['decode'],
        weights / GIB,
        peaks['encode'] / GIB,
        peaks['decode'] / GIB,
        sum(tensor.nbytes for tensor in packed.values()) / 2**20,
    )


def _build(name: str, folder: Path) -> BaseSegmenter:
    if name in REAL_MODELS:
        return TransformersSegmenter(str(save_real(name, folder)))
    weights = save_weights('vit_b', folder)
    return SAMSegmenter(
        str(weights),
        builder=MODELS['vit_b'],
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )


def _resident() -> int:
    """Returns the memory of the process in bytes (Linux)."""
    gc.collect()
    # Without it, memory that was freed would still count.
    ctypes.CDLL(None).malloc_trim(0)
    return _status('VmRSS')


def _status(field: str) -> int:
    """Returns a field of the process's status, in bytes."""
    text = Path('/proc/self/status').read_text()
    return int(text.split(f'{field}:')[1].split()[0]) * 1024
