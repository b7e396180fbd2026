"""Finds the files of a model, in a folder or in the cache of the hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from mmseg_sesam.io.digests import files_digest
from mmseg_sesam.segmenters.transformers_sam.families import FAMILIES, Family
from mmseg_sesam.segmenters.transformers_sam.hub import fetch

_CONFIG = 'config.json'
# The config of the processor has one of these names.
_PROCESSORS = ('processor_config.json', 'preprocessor_config.json')
_WEIGHTS = 'model.safetensors'
# Names the files of weights if there are several.
_INDEX = 'model.safetensors.index.json'
_PARTS = 'model-*.safetensors'
_PICKLE = 'pytorch_model.bin'
_SAFE_FILES = (_CONFIG, *_PROCESSORS, _WEIGHTS, _INDEX, _PARTS)


class ModelFiles(NamedTuple):
    """The files of a model.

    Attributes:
        folder: folder that holds them.
        family: family of the model.
        weights: files of the weights, in the order of their names.
    """

    folder: Path
    family: Family
    weights: list[Path]

    @property
    def is_pickle(self) -> bool:
        """Whether the weights are pickled."""
        return self.weights[0].name == _PICKLE

    def digests(self) -> dict[str, str]:
        """Returns the sha256 of the weights, and of the configs by name."""
        configs = [self.folder / name for name in (_CONFIG, *_PROCESSORS)]
        found = {
            path.name: _sha256([path]) for path in configs if path.is_file()
        }
        return dict(found, weights=_sha256(self.weights))


def find_files(
    model: str, revision: str | None, download: bool, pickled: bool
) -> ModelFiles:
    """Returns the files of a model, all of which exist.

    Args:
        model: folder, or name on the hub.
        revision: commit of a model on the hub.
        download: whether to download files that the cache of the hub lacks.
        pickled: whether to take pickled weights where there are no others.

    Raises:
        ValueError: an option does nothing, the model is of another kind, or
            its weights are pickled.
        FileNotFoundError: there is no such folder, model or file.
        PermissionError: the model is gated.
        ConnectionError: files could not be downloaded.
    """
    folder = Path(model)
    if not folder.is_dir():
        folder = fetch(str(model), revision, download, _SAFE_FILES)
        if pickled and not _safe_weights(folder):
            fetch(str(model), revision, download, [_PICKLE])
    elif revision or download:
        raise ValueError(
            f'TransformersSegmenter got model={model!r}, which is a folder, '
            f'with revision={revision!r} and download={download}, which are '
            'for models on the hub; remove both options.'
        )
    family = _find_family(folder)
    if not any((folder / name).is_file() for name in _PROCESSORS):
        raise FileNotFoundError(
            f'{folder} has neither {_PROCESSORS[0]} nor {_PROCESSORS[1]}, '
            'which say how to prepare images; add the one of the model.'
        )
    return ModelFiles(folder, family, _find_weights(folder, pickled))


def _find_family(folder: Path) -> Family:
    path = folder / _CONFIG
    config = _read_json(path)
    kind = str(config.get('model_type'))
    if kind not in FAMILIES:
        raise ValueError(
            f'{path} is of a model of the type {kind!r}, expected one of '
            f'{", ".join(FAMILIES)}; set model= to a SAM of transformers.'
        )
    return FAMILIES[kind]


def _find_weights(folder: Path, pickled: bool) -> list[Path]:
    weights = _safe_weights(folder)
    pickle = folder / _PICKLE
    if not weights and pickle.is_file():
        if not pickled:
            raise ValueError(
                f'{folder} has weights in {_PICKLE} alone, expected '
                f'{_WEIGHTS}, because loading a pickle can run code; take '
                'the safetensors of the model or, if you trust its source, '
                f"set sha256='{_sha256([pickle])}'."
            )
        return [pickle]
    missing = [path.name for path in weights if not path.is_file()]
    if missing or not weights:
        raise FileNotFoundError(
            f'{folder} lacks {", ".join(missing) or _WEIGHTS}; download the '
            'weights of the model once more.'
        )
    return weights


def _safe_weights(folder: Path) -> list[Path]:
    """Returns the files that should hold the weights, [] if none does."""
    index = folder / _INDEX
    if (folder / _WEIGHTS).is_file() or not index.is_file():
        return [path for path in [folder / _WEIGHTS] if path.is_file()]
    names = _read_json(index).get('weight_map')
    # An index may name no file elsewhere, which would not be checked.
    if not isinstance(names, dict) or any(
        Path(str(name)).name != name for name in names.values()
    ):
        raise ValueError(
            f'{index} does not name files of its folder in its weight_map; '
            'download it once more.'
        )
    return [folder / name for name in sorted(set(names.values()))]


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f'{path.parent} has no {path.name}, expected the files of a SAM '
            'of transformers; set model= to a folder that holds them.'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(
            f'{path} is no JSON ({error}); download it once more.'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{path} holds a {type(content).__name__}, expected an object; '
            'download it once more.'
        )
    return content


def _sha256(paths: Sequence[Path]) -> str:
    """Returns the sha256 of files one after another."""
    with ExitStack() as stack:
        files = [stack.enter_context(path.open('rb')) for path in paths]
        return files_digest(files)
