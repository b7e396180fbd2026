"""Parts without effect, in configs and in Runners."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.engine import SAMPseudoLabelHook
from mmseg_sesam.models import SeSAMDataPreProcessor, SeSAMEncoderDecoder
from mmseg_sesam.store.store import PseudoLabelStore

from .changes import (
    MakeConfig,
    Spoil,
    assert_refused,
    change_source,
    colours_of_one_data_set,
    data_in_a_bucket,
    drop_source,
    find,
    head,
    images_elsewhere,
    images_in_a_bucket,
    labels_elsewhere,
    misspelt_teacher,
    no_beginning,
    no_loss,
    no_source_of_pseudo_labels,
    one_regularizer,
    replace_hooks,
    rotation_that_changes_ids,
    round_never_refreshed,
    round_unweighed,
    round_without_source,
    rounds_in_words,
    second_hook_disabled,
    set_weights,
    source_in_validation,
    source_without_field,
    sources_by_name,
    sources_without_type,
    stock_model,
    stock_model_by_class,
    stock_model_of_views,
    stock_model_offline,
    stock_pack,
    stock_pack_of_weak_labels,
    stock_preprocessor,
    stock_preprocessor_by_class,
    teacher_of_no_agreement,
    teacher_of_nothing,
    two_hooks,
    view_before_a_flip,
    view_before_a_flip_of_weak_labels,
    view_in_validation,
    view_of_one_data_set,
    weak_classes_of_dense_labels,
    weak_classes_of_nobody,
    weak_only,
)

CONFIGS = sorted((Path(__file__).parents[2] / 'configs').glob('*/*.py'))
TRAINED = [path for path in CONFIGS if path.parent.name in ('demo', 'sesam')]


NO_EFFECT = {
    replace_hooks: 'has LoadPseudoLabel, and neither .*; add the hook as',
    drop_source: 'needs LoadPseudoLabel after the weak labels',
    stock_pack: 'LoadPseudoLabel and ends with PackSegInputs, which',
    stock_pack_of_weak_labels: 'KeepTeacherView and ends with PackSegInputs',
    stock_model: 'is EncoderDecoder, which does not read what it loads; set',
    stock_model_offline: 'is EncoderDecoder, which does not read',
    stock_model_by_class: 'is EncoderDecoder, which does not read',
    stock_model_of_views: 'has KeepTeacherView, and the model is EncoderDeco',
    stock_preprocessor: 'is SegDataPreProcessor, which does not pad what',
    stock_preprocessor_by_class: 'is SegDataPreProcessor, which does not pad',
    two_hooks: 'SAMPseudoLabelHook stands 2 times',
    second_hook_disabled: 'SAMPseudoLabelHook stands 2 times',
    labels_elsewhere: 'WeakAnnotations has backend_args, and SAMPseudoLabelHo',
    images_elsewhere: 'LoadImageFromFile has backend_args, and SAMPseudoLabel',
    images_in_a_bucket: 'folder s3://bucket/images, and SAM.*; copy them to',
    data_in_a_bucket: 'folder s3://bucket/data, and SAMPseudoLabelHook reads',
    no_beginning: 'got begin=0, expected a whole number at',
    rounds_in_words: "got max_rounds='two', expected a whole number at",
    round_without_source: "teacher='round', .* has no LoadPseudoLabel; add",
    round_never_refreshed: "teacher='round', .* max_rounds=0; set",
    round_unweighed: "teacher='round' and loss_weight=0 for conf",
    teacher_of_nothing: "teacher='online' and loss_weight=0 for conf",
    teacher_of_no_agreement: "teacher='online' and loss_weight=0 for conf",
    weak_classes_of_nobody: 'only_weak_classes=True, .* teacher=None without',
    weak_classes_of_dense_labels: 'load it with LoadWeakAnnotations and end',
    misspelt_teacher: "got teacher='onlin', expected one of",
    sources_by_name: 'got sources=.*, expected a list of configs',
    sources_without_type: 'got sources=.*, expected a list of configs',
    source_without_field: 'LabelSource has no field, expected a name that',
    change_source(
        loss_weight=None
    ): 'LabelSource got loss_weight=None, expected a finite number',
    change_source(
        kinds='scribble'
    ): "LabelSource got kinds='scribble', expected a list of kinds",
    one_regularizer: 'got regularizers=.*, expected a list of configs',
    view_before_a_flip: 'holds RandomFlip after KeepTeacherView',
    view_before_a_flip_of_weak_labels: 'holds RandomFlip after Keep',
    rotation_that_changes_ids: 'RandomRotFlip, which interpolates class ids',
    view_of_one_data_set: 'number 0 has KeepTeacherView and number 1 has non',
    colours_of_one_data_set: 'number 0 has none, .*regularizers see the vie',
    no_loss: 'Every loss of the model has the weight 0',
    no_source_of_pseudo_labels: 'are made and nothing learns from them; add',
    source_in_validation: 'pipeline of val_dataloader has LoadPseudoLabel',
    view_in_validation: 'pipeline of val_dataloader has KeepTeacherView',
}


@pytest.mark.parametrize(
    ('spoil', 'found'),
    NO_EFFECT.items(),
    ids=[spoil.__name__ for spoil in NO_EFFECT],
)
def test_check_config_rejects_parts_without_effect(
    make_config: MakeConfig, spoil: Spoil, found: str
) -> None:
    assert_refused(make_config, spoil, found)


def derived(kind: type) -> type:
    return type(f'My{kind.__name__}', (kind,), {})


def derived_classes(cfg: Config) -> None:
    cfg.model.type = derived(SeSAMEncoderDecoder)
    cfg.model.data_preprocessor.type = derived(SeSAMDataPreProcessor)
    cfg.default_hooks.pseudo_labels.type = derived(SAMPseudoLabelHook)


def custom_hook(cfg: Config) -> None:
    cfg.custom_hooks = [cfg.default_hooks.pop('pseudo_labels')]


def no_pseudo_labels(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.enabled = False


def labels_elsewhere_without_rounds(cfg: Config) -> None:
    weak_only(cfg)
    labels_elsewhere(cfg)


def labels_on_disk(cfg: Config) -> None:
    loader = find(cfg, 'LoadWeakAnnotations')
    loader.backend_args = dict(backend='local')


def no_regularizers(cfg: Config) -> None:
    cfg.model.regularizers = None


def no_teacher(cfg: Config) -> None:
    cfg.model.update(teacher=None, agreement=0.2)


def refreshing_teacher(cfg: Config) -> None:
    set_weights(cfg, confident=0)
    cfg.model.agreement = 0.0


def weak_only_with_weights(cfg: Config) -> None:
    weak_only(cfg)
    set_weights(cfg, pseudo=0.5)
    cfg.model.update(teacher=None, agreement=0.2)


@pytest.mark.parametrize(
    'change',
    [
        pytest.param(lambda cfg: None, id='unchanged'),
        derived_classes,
        custom_hook,
        no_pseudo_labels,
        labels_elsewhere_without_rounds,
        labels_on_disk,
        no_regularizers,
        no_teacher,
        refreshing_teacher,
        weak_only_with_weights,
    ],
)
def test_check_config_accepts_parts_that_act(
    make_config: MakeConfig, change: Spoil
) -> None:
    cfg = make_config()
    change(cfg)
    check_config(cfg)


@pytest.mark.parametrize('path', TRAINED, ids=lambda path: path.stem)
def test_check_config_accepts_our_configs(path: Path) -> None:
    check_config(Config.fromfile(path))


def test_check_config_leaves_stock_parts_to_mmseg(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    stock_model(cfg)
    del cfg.default_hooks['pseudo_labels']
    cfg.train_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    head(cfg).ignore_index = 200
    check_config(cfg)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (
            dict(default_hooks__checkpoint__by_epoch=True),
            'by_epoch=True and interval=3, and train_cfg counts iter',
        ),
        (
            dict(
                model__sources=[
                    dict(type='LabelSource', name='weak', field='gt_sem_seg'),
                    dict(
                        type='LabelSource',
                        name='pseudo',
                        field='pseudo_sem_seg',
                        loss_weight=0,
                    ),
                ]
            ),
            'loss_weight=0 for pseudo_sem_seg: pseudo-labels are made, and',
        ),
    ],
)
def test_check_config_warns_of_little_effect(
    make_config: MakeConfig,
    capsys: pytest.CaptureFixture,
    change: dict,
    said: str,
) -> None:
    MMLogger.get_instance('checks')
    check_config(make_config())
    assert 'WARNING' not in capsys.readouterr().out

    cfg = make_config()
    cfg.merge_from_dict({k.replace('__', '.'): v for k, v in change.items()})
    check_config(cfg)

    out = capsys.readouterr().out
    assert re.search(said, out), out


def test_check_config_passes_checkpoints_by_epoch_of_epochs(
    make_config: MakeConfig, capsys: pytest.CaptureFixture
) -> None:
    MMLogger.get_instance('checks')
    cfg = make_config()
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2)
    del cfg.default_hooks.checkpoint['by_epoch']
    check_config(cfg)
    assert 'by_epoch' not in capsys.readouterr().out


class TestWithoutTheTool:
    """mmseg's own tool builds a Runner and calls nothing of this package."""

    @pytest.mark.parametrize('published', [False, True])
    @pytest.mark.parametrize('stock', [False, True])
    def test_runner_rejects_a_missing_hook(
        self,
        make_config: MakeConfig,
        tmp_path: Path,
        published: bool,
        stock: bool,
    ) -> None:
        if published:
            # Another run's rounds, of which nothing is known here.
            store = tmp_path / 'work/pseudo_labels'
            store.mkdir(parents=True)
            (store / 'CURRENT').write_text('3')
        cfg = make_config()
        replace_hooks(cfg)
        if stock:
            stock_model(cfg)
            stock_preprocessor(cfg)
            stock_pack(cfg)
        runner = Runner.from_cfg(cfg)
        with pytest.raises(ValueError, match='no SAMPseudoLabelHook of this'):
            runner.train()
        assert runner.iter == 0

    @pytest.mark.parametrize(
        'spoil', [stock_pack, stock_model_offline, stock_preprocessor]
    )
    def test_runner_rejects_parts_without_effect(
        self, make_config: MakeConfig, tmp_path: Path, spoil: Spoil
    ) -> None:
        cfg = make_config()
        spoil(cfg)
        runner = Runner.from_cfg(cfg)
        with pytest.raises(ValueError, match='The training pipeline has Load'):
            runner.train()
        assert (
            PseudoLabelStore(tmp_path / 'work/pseudo_labels').current is None
        )

    @pytest.mark.parametrize(
        'loss',
        [
            # Its CPU code in mmseg 1.2.2 fails for any label.
            dict(type='FocalLoss', reduction='sum'),
            dict(type='LovaszLoss', loss_type='binary', reduction='none'),
        ],
        ids=lambda loss: loss['type'],
    )
    def test_runner_rejects_a_loss_that_fails(
        self, make_config: MakeConfig, tmp_path: Path, loss: dict
    ) -> None:
        cfg = make_config()
        head(cfg).loss_decode = loss
        runner = Runner.from_cfg(cfg)
        found = f'decode head .{loss["type"]}. cannot be computed on cpu'
        with pytest.raises(ValueError, match=found):
            runner.train()
        assert (
            PseudoLabelStore(tmp_path / 'work/pseudo_labels').current is None
        )

    def test_runner_trains_with_a_registered_hook(
        self, make_config: MakeConfig, tmp_path: Path
    ) -> None:
        cfg = make_config(train_cfg__max_iters=1)
        hook = cfg.default_hooks.pop('pseudo_labels')
        options = {k: v for k, v in hook.items() if k != 'type'}
        # Before there is a Runner, and without a default scope.
        hook = SAMPseudoLabelHook(**options)
        runner = Runner.from_cfg(cfg)
        runner.register_hook(hook)
        runner.train()
        assert PseudoLabelStore(tmp_path / 'work/pseudo_labels').current == 0
