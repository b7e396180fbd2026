"""Files of a model -> the model and its image processor."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, Callable, NamedTuple

import torch
from torch import nn

from mmseg_sesam.extras import install_command
from mmseg_sesam.segmenters.transformers_sam.families import Family
from mmseg_sesam.segmenters.transformers_sam.model_files import (
    ModelFiles,
    find_files,
)


class LoadedModel(NamedTuple):
    """A model, and what it was loaded from.

    Attributes:
        model: the model on the CPU, in fp32.
        processor: image processor of the model.
        family: family of the model.
        digests: sha256 of the files by name.
    """

    model: nn.Module
    processor: Callable[..., dict[str, Any]]
    family: Family
    digests: dict[str, str]


def load_model(
    model: str,
    revision: str | None = None,
    sha256: str | None = None,
    download: bool = False,
) -> LoadedModel:
    """Loads a model and its image processor.

    Args:
        model: folder, or name on the hub.
        revision: commit of a model on the hub.
        sha256: sha256 of the weights; needed for pickled ones.
        download: whether to download files that the cache of the hub lacks.

    Raises:
        ImportError: transformers is missing, or has no such model.
        ValueError: the sha256 differs, or the weights do not fit the config;
            see also `find_files` for this and other errors.
    """
    # Before files are fetched with huggingface_hub, which it installs.
    transformers = _import_transformers()
    files = find_files(model, revision, download, bool(sha256))
    model_class, processor_class = (
        _find_class(transformers, name)
        for name in (files.family.model, files.family.processor)
    )
    digests = files.digests()
    if sha256 and digests['weights'] != sha256.lower():
        raise ValueError(
            f'The weights in {files.folder} have the sha256 '
            f'{digests["weights"]}, expected {sha256}; they are damaged or '
            'others, so replace them or correct sha256=.'
        )
    network = _load_weights(model_class, files)
    processor = _load_processor(processor_class, files)
    _check_size(processor, network, files)
    return LoadedModel(network, processor, files.family, digests)


def _import_transformers() -> ModuleType:
    """Returns transformers, whose import takes seconds."""
    try:
        return import_module('transformers')
    except ImportError as error:
        raise ImportError(
            'TransformersSegmenter needs the package transformers '
            f'({error}); run {install_command("transformers")}.'
        ) from error


def _find_class(transformers: ModuleType, name: str) -> Any:
    if not hasattr(transformers, name):
        raise ImportError(
            f'transformers {transformers.__version__} has no {name}; install '
            'a newer one with `pip install -U transformers`.'
        )
    return getattr(transformers, name)


def _load_weights(model_class: Any, files: ModelFiles) -> nn.Module:
    try:
        network, report = model_class.from_pretrained(
            files.folder,
            local_files_only=True,
            use_safetensors=not files.is_pickle,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # noqa: BLE001, damaged files raise anything
        raise ValueError(
            f'The weights in {files.folder} do not fit config.json '
            f'({error}); download both once more.'
        ) from error
    # transformers gives weights that are missing random values.
    if report['missing_keys']:
        missing = sorted(report['missing_keys'])
        raise ValueError(
            f'The weights in {files.folder} lack {len(missing)} of '
            f'{files.family.model}, such as {missing[0]}; they are damaged '
            'or of another model, so download them once more.'
        )
    return network


def _load_processor(processor_class: Any, files: ModelFiles) -> Any:
    try:
        processor = processor_class.from_pretrained(
            files.folder, local_files_only=True
        )
    except Exception as error:  # noqa: BLE001, damaged files raise anything
        raise ValueError(
            f'The config of the processor in {files.folder} is not one of '
            f'{files.family.processor} ({error}); download it once more.'
        ) from error
    return processor.image_processor


def _check_size(processor: Any, network: nn.Module, files: ModelFiles) -> None:
    """Raises ValueError if the processor makes images of another size."""
    size = dict(processor.size)
    found = {value for value in size.values() if value is not None}
    side = network.prompt_encoder.input_image_size
    if found != {side}:
        raise ValueError(
            f'The processor in {files.folder} resizes images to {size}, '
            f'expected {side}, the image size in config.json; take both '
            'files from one model.'
        )
