"""Tests a checkpoint of a segmentor and prints the config's metrics."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config

from mmseg_sesam.cli import arguments
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.type_names import metrics_of, type_name

if TYPE_CHECKING:
    from torch.utils.data import Dataset

# Parts of a config without which nothing is tested.
NEEDED = ('model', 'test_dataloader', 'test_evaluator', 'test_cfg')


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    arguments.add_arguments(parser)
    parser.add_argument(
        'checkpoint', type=arguments.checkpoint, help='checkpoint file'
    )
    parser.add_argument(
        '--out',
        type=arguments.new_folder,
        help='write the predicted class ids as PNG files into this folder',
    )
    parser.add_argument(
        '--show-dir',
        help='write the predictions, painted over the images, into '
        'vis_data/vis_image of this folder',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='test-time augmentation: average the predictions of 6 scales, '
        'flipped and not, or those of tta_pipeline of the config',
    )
    return parser


def write_predictions(
    cfg: Config, folder: Path, parser: argparse.ArgumentParser
) -> None:
    """Makes the metric write its predictions into a folder."""
    metrics = metrics_of(cfg.test_evaluator)
    writers = [one for one in metrics if type_name(one) == 'IoUMetric']
    if not writers:
        parser.error(
            '--out: IoUMetric writes predictions, and test_evaluator of '
            f'{cfg.filename} has none; add dict(type="IoUMetric")'
        )
    # The metric makes it only on the first rank, and others may be faster.
    folder.mkdir(parents=True, exist_ok=True)
    for writer in writers:
        writer.output_dir = str(folder)


def refuse_equal_names(
    dataset: Dataset, parser: argparse.ArgumentParser
) -> None:
    """Ends the program if two images would share one prediction file."""
    indices = range(len(dataset))
    paths = [dataset.get_data_info(index)['img_path'] for index in indices]
    try:
        check_unique(
            ((Path(path).stem, path) for path in paths),
            'would have one file',
            'test them apart, or give them names of their own',
        )
    except ValueError as error:
        parser.error(f'--out: {error}')


def paint_predictions(cfg: Config, folder: str) -> None:
    """Makes the visualizer write painted predictions into a folder."""
    cfg.default_hooks = cfg.get('default_hooks') or {}
    painter = cfg.default_hooks.get('visualization') or dict(
        type='SegVisualizationHook'
    )
    # By default the hook paints one image of 50.
    painter = dict(painter, draw=True, interval=1)
    cfg.default_hooks.visualization = painter
    visualizer = cfg.get('visualizer') or dict(type='SegLocalVisualizer')
    backends = list(visualizer.get('vis_backends') or ())
    if 'LocalVisBackend' not in map(type_name, backends):
        backends.append(dict(type='LocalVisBackend'))
    cfg.visualizer = dict(visualizer, vis_backends=backends, save_dir=folder)


def augment(cfg: Config) -> None:
    """Switches test-time augmentation on."""
    from mmseg_sesam.datasets.pipeline_configs import iterate_pipelines
    from mmseg_sesam.datasets.tta_pipeline import tta_pipeline

    for pipeline in iterate_pipelines(cfg.test_dataloader.dataset):
        pipeline[:] = cfg.get('tta_pipeline') or tta_pipeline(pipeline)
    wrapper = cfg.get('tta_model') or dict(type='SegTTAModel')
    cfg.model = dict(wrapper, module=cfg.model)


def test(
    cfg: Config, args: argparse.Namespace, parser: argparse.ArgumentParser
) -> None:
    from mmseg_sesam.engine.terminal_runner import (
        Refusal,
        TerminalTestRunner,
    )

    # The runner holds the connection of the processes, and must be deleted
    # before they disconnect: it is local to this function.
    try:
        runner = TerminalTestRunner.from_cfg(cfg)
        if args.out:
            refuse_equal_names(runner.test_loop.dataloader.dataset, parser)
        runner.test()
    except Refusal as error:
        parser.error(str(error))
    runner.logger.info(f'The log and the metrics are in {runner.log_dir}.')


def main() -> None:
    parser = make_parser()
    args = arguments.parse_args(parser)
    from mmseg_sesam.cli import launch

    try:
        cfg = launch.load_config(args, *NEEDED)
        from mmseg_sesam.datasets.validation import check_lists
        from mmseg_sesam.engine.downloads import drop_downloads

        check_lists(cfg, ('test',))
    except ValueError as error:
        parser.error(str(error))
    cfg.load_from, cfg.resume = args.checkpoint, False
    launch.drop_hook(cfg)
    drop_downloads(cfg)
    if args.out:
        write_predictions(cfg, args.out, parser)
    if args.show_dir:
        paint_predictions(cfg, args.show_dir)
    if args.tta:
        augment(cfg)
    test(cfg, args, parser)
    launch.disconnect_processes()


if __name__ == '__main__':
    main()
