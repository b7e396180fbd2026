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
        memory: GiB needed at most, with the weights.
        embedding: MiB of a packed embedding.
    """

    encode: Times
    decode: Times
    memory: float
    embedding: float

    def to_json(self) -> dict[str, Any]:
        """The numbers, rounded."""
        return dict(
            encode=self.encode.to_json(),
            decode=self.decode.to_json(),
            memory=round(self.memory, 2),
            embedding=round(self.embedding, 2),
        )


def measure_family(name: str, repeats: int, size: Size = VOC) -> Row:
    """Measures a segmenter with random weights on a CPU, in fp32."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (size.width, size.height), (PROMPTS, 1, 2))
    prompts = [PointPrompt(p.astype('float32')) for p in points]
    image = make_image(size)
    results: dict[str, Any] = {}

    def encode() -> None:
        results['embeddings'] = segmenter.encode([image])

    def decode() -> None:
        segmenter.decode(results['embeddings'][0], prompts)

    with TemporaryDirectory() as folder:
        build = prepare(name, Path(folder))
        before = _resident()
        segmenter = build()
        # Resets the peak of the process.
        Path('/proc/self/clear_refs').write_text('5')
        times = compare(dict(encode=encode, decode=decode), repeats)
        memory = _status('VmHWM') - before
    packed = segmenter.pack(results['embeddings'][0])
    embedding = sum(tensor.nbytes for tensor in packed.values())
    return Row(
        times['encode'], times['decode'], memory / GIB, embedding / 2**20
    )


def prepare(name: str, folder: Path) -> Callable[[], BaseSegmenter]:
    """Writes random weights; returns a function that loads them."""
    if name in REAL_MODELS:
        return partial(TransformersSegmenter, str(save_real(name, folder)))
    weights = save_weights('vit_b', folder)
    return partial(
        SAMSegmenter,
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
