"""Two real processes weigh every labelled pixel alike."""

from __future__ import annotations

from warm_processes import run_warm

CODE = """
from dataclasses import replace

import torch
from mmengine import dist
from mmseg.models.decode_heads import FCNHead
from torch import distributed

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import source_losses
from mmseg_sesam.structures import SOURCES


def gradient(parts, sources):
    # Of a 3-channel bias, by the loss on some of two images.
    bias = torch.zeros(3, requires_grad=True)
    logits = images[parts] + bias[:, None, None]
    labels = dict(weak=weak[parts], pseudo=pseudo[parts],
                  confident=free[parts])
    maps = LabelMaps(labels, free[parts] == 255)
    terms = source_losses(logits, maps, head, sources, 1000)
    sum(v for k, v in terms.items() if 'loss' in k).backward()
    return bias.grad


torch.manual_seed(0)
head = FCNHead(in_channels=4, channels=4, num_classes=3, num_convs=0,
               concat_input=False)
images = torch.randn(2, 3, 8, 8)
free = torch.full((2, 8, 8), 255, dtype=torch.uint8)
weak, pseudo = free.clone(), free.clone()
weak[0, 0, 0] = 1                       # one pixel on one rank,
weak[1, :4] = 2                         # half an image on the other;
pseudo[0, 5:] = 0                       # and no pseudo-label there
remaining = [replace(source, normalizer='remaining') for source in SOURCES]
kinds = SOURCES, remaining
whole = [gradient([0, 1], sources) for sources in kinds]

distributed.init_process_group('gloo')
for sources, expected in zip(kinds, whole):
    own = gradient([dist.get_rank()], sources)
    dist.all_reduce(own, 'mean')
    torch.testing.assert_close(own, expected)
    print('agrees')
distributed.destroy_process_group()
"""


def test_source_losses_on_ranks_have_the_gradient_of_one_batch(
    tmp_path,
) -> None:
    (tmp_path / 'loss.py').write_text('import mmseg_sesam\n' + CODE)
    done = run_warm(tmp_path / 'loss.py', ranks=2)
    assert done.returncode == 0, done.stdout
    # Each of two ranks, by labelled and by remaining pixels.
    assert done.stdout.count('agrees') == 4
