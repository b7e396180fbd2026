"""Buffers of three real processes, and layers that sync_bn converts."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn
from warm_processes import run_warm

from mmseg_sesam.engine.models import refuse_sync_bn

CODE = """
import torch
from mmengine import dist
from torch import distributed, nn

from mmseg_sesam.engine.models import share_buffers
from mmseg_sesam.models import SeSAMDataPreProcessor
from mmseg_sesam.models.class_prior import TeacherPrior

distributed.init_process_group('gloo')
model = nn.ModuleDict(dict(
    # The mean of three equal values of these is another value.
    normalization=SeSAMDataPreProcessor([123.675] * 3, [58.395] * 3),
    prior=TeacherPrior(torch.tensor([0.7, 0.2, 0.1])),
    batch=nn.BatchNorm2d(2),
    instance=nn.InstanceNorm2d(2, track_running_stats=True),
))
expected = {name: b.clone() for name, b in model.named_buffers()}
for norm in (model.batch, model.instance):
    # As after batches of other images.
    norm.running_mean += dist.get_rank()
    norm.num_batches_tracked += dist.get_rank()
share_buffers(model)
for name, buffer in model.named_buffers():
    assert torch.equal(buffer, expected[name]), name
print('agrees')
distributed.destroy_process_group()
"""


def test_share_buffers_gives_all_ranks_the_values_of_the_main_one(
    tmp_path: Path,
) -> None:
    (tmp_path / 'buffers.py').write_text('import mmseg_sesam\n' + CODE)
    done = run_warm(tmp_path / 'buffers.py', ranks=3)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('agrees') == 3


def test_refuse_sync_bn_names_a_layer_with_an_activation() -> None:
    layers = pytest.importorskip('timm.layers')
    model = nn.Sequential(nn.BatchNorm2d(2), nn.SyncBatchNorm(2))
    refuse_sync_bn(model)
    model.append(nn.Sequential(layers.BatchNormAct2d(2)))
    with pytest.raises(ValueError, match='replace 2.0, of class BatchNormAct'):
        refuse_sync_bn(model)
