"""Two real processes agree on the constants of class shares."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mmengine.config import Config
from warm_processes import run_warm

CODE = """
import sys

import torch
from mmengine import dist
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import distributed

from mmseg_sesam.models.class_prior import TeacherPrior
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.rounds.weak_shares import count_weak_labels

init_default_scope('mmseg')
torch.manual_seed(0)
probability = torch.randn(2, 3, 8, 8).softmax(1)
inside = torch.ones(2, 8, 8, dtype=torch.bool)
# Ranks have different numbers of pixels.
inside[1, 3:] = False
shares = torch.tensor([0.7, 0.2, 0.1])
dataset = Config.fromfile(sys.argv[1]).train_dataloader.dataset


def follow(parts):
    prior = TeacherPrior(shares)
    for _ in range(3):
        prior.follow(probability[parts], inside[parts])
    return prior.constants


def count():
    return count_weak_labels(TrainingImages(dataset, 0), 3).tolist()


whole = follow([0, 1])
assert count() == [3 * 24] * 3
distributed.init_process_group('gloo')
torch.testing.assert_close(follow([dist.get_rank()]), whole)
assert count() == [3 * 24] * 3
print('agrees')
distributed.destroy_process_group()
"""


def test_class_shares_on_ranks_are_those_of_one_process(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    make_config().dump(tmp_path / 'config.py')
    script = tmp_path / 'shares.py'
    script.write_text('import mmseg_sesam\n' + CODE)
    done = run_warm(script, tmp_path / 'config.py', ranks=2)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('agrees') == 2
