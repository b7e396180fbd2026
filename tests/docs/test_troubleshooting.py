"""Errors in docs/troubleshooting.md are quoted as they are raised."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Callable

import mmcv
import mmseg
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.engine.trial import try_single_image

from .pages import DOCS

PAGE = (DOCS / 'troubleshooting.md').read_text()
# The page quotes what is said with mmsegmentation 1.2 and mmcv-lite.
LITE = mmseg.__version__.startswith('1.2.') and (
    find_spec(f'{mmcv.__name__}._ext').loader is None
)


@pytest.mark.skipif(not LITE, reason='mmcv-lite is not installed')
@pytest.mark.slow
def test_troubleshooting_quotes_mmseg_alone_on_mmcv_lite() -> None:
    done = subprocess.run(
        [sys.executable, '-c', 'import mmseg.apis'],
        stderr=subprocess.PIPE,
        text=True,
    )
    said = done.stderr.splitlines()[-1]
    assert f'### `{said}`' in PAGE


@pytest.mark.skipif(not LITE, reason='mmcv-lite is not installed')
def test_troubleshooting_quotes_a_missing_op() -> None:
    with pytest.raises(RuntimeError) as error:
        sys.modules['mmcv._ext'].nms()
    said = str(error.value).replace("'nms'", "'...'")
    assert f'RuntimeError: {said}' in PAGE


def test_troubleshooting_quotes_a_component_without_import() -> None:
    with pytest.raises(KeyError) as error:
        MODELS.build(dict(type='SeSAM'))
    said = str(error.value).replace('SeSAM', 'SeSAMEncoderDecoder')
    quoted = PAGE.split('### `KeyError: ')[1].split(' ...')[0]
    assert quoted in said.replace('"', "'")


def test_troubleshooting_quotes_a_config_without_the_hook(
    make_config: Callable[..., Config],
) -> None:
    cfg = make_config()
    del cfg.default_hooks['pseudo_labels']
    with pytest.raises(ValueError) as error:
        check_config(cfg)
    quoted = PAGE.split('### `...: The training')[1].split(' ...`')[0]
    assert quoted in str(error.value)


def test_troubleshooting_quotes_batch_norm_of_a_single_image(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    cfg = make_config(train_dataloader__batch_size=1)
    head = cfg.model.decode_head
    del head['num_convs']
    head.update(type='PSPHead', pool_scales=(1, 2))
    with pytest.raises(ValueError) as error:
        try_single_image(Runner.from_cfg(cfg))
    quoted = PAGE.split('### `BatchNorm ')[1].split(' ...`')[0]
    assert quoted in str(error.value)
