"""Times a training step: plain mmseg, SeSAM online and SeSAM by rounds.

    python -m benchmarks.train_step --json train_step.json
    python -m benchmarks.train_step --device cuda --size 512 --batch 4

The same network, optimizer and random batch; medians of interleaved repeats.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Callable

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam  # noqa: F401

# isort: split
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from prettytable import PrettyTable

from .timing import compare

BASES = Path(__file__).parents[1] / 'configs' / '_base_' / 'models'
NETWORKS = ('deeplabv3_r50', 'segformer_b0')
# Goals for both, as multiples of the plain step.
GOALS = {'online': 1.35, 'round': 1.03}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.train_step',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--networks', nargs='+', choices=NETWORKS, default=NETWORKS
    )
    parser.add_argument('--size', type=int, default=128, help='pixels a side')
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--json', type=Path, metavar='FILE')
    return parser


def make_batch(batch: int, size: int, classes: int, device: str) -> dict:
    """A random batch, as the dataloader gives it to a SeSAM model."""
    generator = torch.Generator().manual_seed(0)
    shape = 3, size, size

    def image() -> torch.Tensor:
        return torch.randint(
            0, 256, shape, generator=generator, dtype=torch.uint8
        )

    def sample() -> SegDataSample:
        dense = torch.randint(0, classes, (1, size, size), generator=generator)
        where = torch.rand(dense.shape, generator=generator)
        found = SegDataSample(
            metainfo=dict(
                img_shape=(size, size),
                ori_shape=(size, size),
                pad_shape=(size, size),
            )
        )
        for field, low, high in (
            ('gt_sem_seg', 0, 0.05),
            ('pseudo_sem_seg', 0, 0.8),
            ('confident_sem_seg', 0.5, 1),
        ):
            inside = (where >= low) & (where < high)
            data = torch.where(inside, dense, 255).to(torch.uint8)
            found.set_data({field: PixelData(data=data)})
        return found.to(device)

    return dict(
        inputs=[image() for _ in range(batch)],
        data_samples=[sample() for _ in range(batch)],
    )


def _as_mmseg_packs(batch: dict) -> dict:
    """The batch with its weak labels alone, as 64-bit numbers."""
    batch = copy.deepcopy(batch)
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data.long()
        del sample.pseudo_sem_seg, sample.confident_sem_seg
    return batch


def make_step(
    model_cfg: dict, batch: dict, device: str, size: int
) -> Callable[[], None]:
    """A function that makes one training step."""
    torch.manual_seed(0)
    model_cfg['data_preprocessor']['size'] = (size, size)
    model = revert_sync_batchnorm(MODELS.build(model_cfg)).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)

    def step() -> None:
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        losses = model(**data, mode='loss')
        total, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return step


def time_network(name: str, args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of a step, by kind."""
    sesam = Config.fromfile(BASES / f'{name}.py').model
    # Random weights do as well, and need no download.
    sesam['pretrained'] = None
    sesam['backbone'].pop('init_cfg', None)
    plain = copy.deepcopy(sesam)
    plain.pop('teacher')
    plain['type'] = 'EncoderDecoder'
    plain['data_preprocessor']['type'] = 'SegDataPreProcessor'
    kinds = dict(
        plain=plain,
        online=dict(sesam, teacher='online'),
        round=dict(sesam, teacher='round'),
    )
    classes = sesam['decode_head']['num_classes']
    batch = make_batch(args.batch, args.size, classes, args.device)
    batches = dict(plain=_as_mmseg_packs(batch), online=batch, round=batch)
    steps = {
        kind: make_step(
            copy.deepcopy(cfg), batches[kind], args.device, args.size
        )
        for kind, cfg in kinds.items()
    }
    times = compare(steps, args.repeats, args.device != 'cpu')
    return {kind: round(time.median, 1) for kind, time in times.items()}


def main() -> None:
    args = make_parser().parse_args()
    init_default_scope('mmseg')
    table = PrettyTable(['network', 'step', 'ms', 'of plain', 'goal'])
    results = {}
    for name in args.networks:
        results[name] = times = time_network(name, args)
        for kind, ms in times.items():
            share = ms / times['plain']
            goal = GOALS.get(kind, '')
            table.add_row([name, kind, ms, f'{share:.2f}', goal])
    print(table)
    if args.json:
        settings = dict(size=args.size, batch=args.batch, device=args.device)
        record = dict(settings, milliseconds=results)
        args.json.write_text(json.dumps(record, indent=1) + '\n')


if __name__ == '__main__':
    main()
