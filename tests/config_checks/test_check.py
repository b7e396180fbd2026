"""Parts of a config that would have no effect are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.models import EncoderDecoder, SegDataPreProcessor

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.engine import SAMPseudoLabelHook
from mmseg_sesam.models import SeSAMDataPreProcessor, SeSAMEncoderDecoder
from mmseg_sesam.store.store import PseudoLabelStore
from mmseg_sesam.structures import SOURCES

MakeConfig = Callable[..., Config]
Spoil = Callable[[Config], None]
CONFIGS = sorted((Path(__file__).parents[2] / 'configs').glob('*/*.py'))
TRAINED = [path for path in CONFIGS if path.parent.name in ('demo', 'sesam')]


def steps(cfg: Config) -> list:
    return cfg.train_dataloader.dataset.pipeline


def source(cfg: Config) -> ConfigDict:
    return steps(cfg)[2]


def head(cfg: Config) -> ConfigDict:
    return cfg.model.decode_head


def set_weights(cfg: Config, **weights: float) -> None:
    cfg.model.sources = [
        dict(
            type='LabelSource',
            name=source.name,
            field=source.field,
            loss_weight=weights.get(source.name, source.loss_weight),
        )
        for source in SOURCES
    ]


def drop_source(cfg: Config) -> None:
    del steps(cfg)[2]


def weak_only(cfg: Config) -> None:
    drop_source(cfg)
    del cfg.default_hooks['pseudo_labels']


def validate(cfg: Config) -> None:
    cfg.val_dataloader = dict(dataset=dict(cfg.train_dataloader.dataset))


def replace_hooks(cfg: Config) -> None:
    del cfg.default_hooks['pseudo_labels']


def stock_pack(cfg: Config) -> None:
    steps(cfg)[-1] = dict(type='PackSegInputs')


def stock_pack_of_weak_labels(cfg: Config) -> None:
    weak_only(cfg)
    stock_pack(cfg)


def stock_model(cfg: Config) -> None:
    cfg.model.pop('teacher')
    cfg.model.type = 'EncoderDecoder'


def stock_model_offline(cfg: Config) -> None:
    stock_model(cfg)
    cfg.default_hooks.pseudo_labels.max_rounds = 0


def stock_model_by_class(cfg: Config) -> None:
    stock_model(cfg)
    cfg.model.type = EncoderDecoder


def stock_model_of_views(cfg: Config) -> None:
    weak_only(cfg)
    stock_model(cfg)


def stock_preprocessor(cfg: Config) -> None:
    cfg.model.data_preprocessor.type = 'mmseg.SegDataPreProcessor'


def stock_preprocessor_by_class(cfg: Config) -> None:
    cfg.model.data_preprocessor.type = SegDataPreProcessor


def two_hooks(cfg: Config) -> None:
    cfg.custom_hooks = [cfg.default_hooks.pseudo_labels]


def no_round_in_meta(cfg: Config) -> None:
    steps(cfg)[-1].meta_keys = ('img_path', 'img_shape')


def round_without_source(cfg: Config) -> None:
    weak_only(cfg)
    cfg.model.teacher = 'round'


def round_unweighed(cfg: Config) -> None:
    cfg.model.teacher = 'round'
    source(cfg).with_confident = True
    set_weights(cfg, confident=0)


def teacher_of_nothing(cfg: Config) -> None:
    weak_only(cfg)
    set_weights(cfg, confident=0)


def teacher_of_no_agreement(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.max_rounds = 0
    cfg.model.agreement = 0.0
    set_weights(cfg, confident=0)


def weak_classes_of_nobody(cfg: Config) -> None:
    weak_only(cfg)
    cfg.model.update(teacher=None, only_weak_classes=True)


def weak_classes_of_dense_labels(cfg: Config) -> None:
    cfg.model.only_weak_classes = True
    weak_only(cfg)
    steps(cfg)[1] = dict(type='LoadAnnotations')


def weak_classes_not_in_meta(cfg: Config) -> None:
    cfg.model.only_weak_classes = True
    steps(cfg)[-1].meta_keys = ('img_shape', 'pseudo_label_round')


def no_loss(cfg: Config) -> None:
    set_weights(cfg, weak=0, pseudo=0, confident=0)


def source_in_validation(cfg: Config) -> None:
    validate(cfg)


def view_in_validation(cfg: Config) -> None:
    weak_only(cfg)
    validate(cfg)


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
    no_round_in_meta: "without 'pseudo_label_round', which LoadPseudoLabel",
    round_without_source: "teacher='round', .* has no LoadPseudoLabel; add",
    round_unweighed: "teacher='round' and loss_weight=0 for conf",
    teacher_of_nothing: "teacher='online' and loss_weight=0 for conf",
    teacher_of_no_agreement: "teacher='online' and loss_weight=0 for conf",
    weak_classes_of_nobody: 'only_weak_classes=True, .* teacher=None without',
    weak_classes_of_dense_labels: 'load it with LoadWeakAnnotations and end',
    weak_classes_not_in_meta: "without 'weak_classes', which only_weak",
    no_loss: 'Every loss of the model has the weight 0',
    source_in_validation: 'pipeline of val_dataloader has LoadPseudoLabel',
    view_in_validation: 'pipeline of val_dataloader has KeepTeacherView',
}


@pytest.mark.parametrize(
    ('spoil', 'found'),
    NO_EFFECT.items(),
    ids=[spoil.__name__ for spoil in NO_EFFECT],
)
def test_a_part_without_effect(
    make_config: MakeConfig, spoil: Spoil, found: str
) -> None:
    cfg = make_config()
    spoil(cfg)
    with pytest.raises(ValueError, match=f'tiny.py: .*{found}'):
        check_config(cfg)


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
        lambda cfg: None,
        derived_classes,
        custom_hook,
        no_pseudo_labels,
        no_teacher,
        refreshing_teacher,
        weak_only_with_weights,
    ],
)
def test_parts_that_act_are_accepted(
    make_config: MakeConfig, change: Spoil
) -> None:
    cfg = make_config()
    change(cfg)
    check_config(cfg)


@pytest.mark.parametrize('path', TRAINED, ids=lambda path: path.stem)
def test_the_configs_are_accepted(path: Path) -> None:
    check_config(Config.fromfile(path))


def test_a_config_of_stock_parts_is_left_to_mmseg(
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
            dict(default_hooks__pseudo_labels__begin=5),
            'and training ends after 6 .*: 1 re',
        ),
        (
            dict(
                model__sources=[
                    dict(type='LabelSource', name='weak', field='gt_sem_seg')
                ]
            ),
            'loss_weight=0 for pseudo_sem_seg: pseudo-labels are made, and',
        ),
    ],
)
def test_what_has_little_effect_is_said(
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


def of_three(value: list[float]) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.default_hooks.pseudo_labels.enrich_threshold = value

    return spoil


def add(step: dict) -> Spoil:
    def spoil(cfg: Config) -> None:
        steps(cfg).insert(3, step)

    return spoil


def auxiliary(**options) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.model.auxiliary_head = [
            dict(head(cfg), in_channels=32, in_index=2, **options)
        ]

    return spoil


def set_option(place: str, value: object) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.merge_from_dict({place: value})

    return spoil


PIPELINE = 'train_dataloader.dataset.pipeline'
SIMULATE = dict(type='SimulateWeakLabel', kind='point', data_root='.')
DIFFERENT = {
    'loader': (set_option(f'{PIPELINE}.1.ignore_index', 200), '200 as .*Weak'),
    'source': (set_option(f'{PIPELINE}.2.ignore_index', 200), '200 as .*Load'),
    'generator': (
        set_option('default_hooks.pseudo_labels.generator.ignore_index', 200),
        '200 as ignore_index of the generator',
    ),
    'head': (
        set_option('model.decode_head.ignore_index', 0),
        '255 as ignore_index of LoadPseudoLabel.*0 as .* of decode_head',
    ),
    'auxiliary': (auxiliary(ignore_index=1), '1 as .* of auxiliary_head'),
    'padding': (
        set_option('model.data_preprocessor.seg_pad_val', 0),
        '0 as seg_pad_val of data_preprocessor',
    ),
    'rotation': (
        add(dict(type='RandomRotate', prob=0.5, degree=9, seg_pad_val=0)),
        '0 as seg_pad_val of RandomRotate',
    ),
    'nested': (
        add(
            dict(
                type='RandomApply',
                transforms=dict(
                    type='RandomCutOut',
                    prob=1,
                    n_holes=1,
                    cutout_shape=(4, 4),
                    seg_fill_in=0,
                ),
            )
        ),
        '0 as seg_fill_in of RandomCutOut',
    ),
    'crop': (
        add(
            dict(
                type='RandomCrop',
                crop_size=(8, 8),
                cat_max_ratio=0.75,
                ignore_index=0,
            )
        ),
        '0 as ignore_index of RandomCrop',
    ),
    'simulation': (
        lambda cfg: steps(cfg).insert(2, dict(SIMULATE, ignore_index=254)),
        '254 as ignore_index of SimulateWeakLabel',
    ),
    'classes of the loader': (
        set_option(f'{PIPELINE}.1.num_classes', 4),
        'LoadWeakAnnotations has num_classes=4 and .* num_classes=3',
    ),
    'classes of the auxiliary head': (
        auxiliary(num_classes=2),
        r'auxiliary_head\[0\] has num_classes=2 and .* num_classes=3',
    ),
    'classes of the data set': (
        set_option('train_dataloader.dataset.metainfo.classes', ('a', 'b')),
        'training data set has 2 classes and .* num_classes=3',
    ),
    'classes by the class of the data set': (
        set_option(
            'val_dataloader',
            dict(dataset=dict(type='PascalVOCDataset', pipeline=[])),
        ),
        'validation data set has 21 classes and .* num_classes=3',
    ),
    'enrich_threshold': (
        of_three([0.9, 0.8]),
        'enrich_threshold for 2 classes',
    ),
    'root of the simulation': (
        lambda cfg: steps(cfg).insert(2, dict(SIMULATE, data_root='/else')),
        "lies outside of data_root='/else' of SimulateWeakLabel",
    ),
    'zero label': (
        set_option(f'{PIPELINE}.1.reduce_zero_label', True),
        'reduce_zero_label=True and its data set .*=False; set it in the da',
    ),
}


@pytest.mark.parametrize(
    ('spoil', 'found'), DIFFERENT.values(), ids=DIFFERENT.keys()
)
def test_values_that_differ(
    make_config: MakeConfig, spoil: Spoil, found: str
) -> None:
    cfg = make_config()
    spoil(cfg)
    with pytest.raises(ValueError, match=f'tiny.py: .*{found}'):
        check_config(cfg)


def test_another_value_of_unlabelled_pixels_everywhere(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    for place in (steps(cfg)[1], steps(cfg)[2], head(cfg)):
        place.ignore_index = 200
    cfg.default_hooks.pseudo_labels.generator.ignore_index = 200
    cfg.model.data_preprocessor.seg_pad_val = 200
    check_config(cfg)


def test_data_sets_may_have_roots_of_their_own(
    make_config: MakeConfig, scribbles: Path
) -> None:
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    parts = [
        dict(dataset, data_root=str(scribbles / part)) for part in ('a', 'b')
    ]
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=parts)
    check_config(cfg)


class TestWithoutTheTool:
    """mmseg's own tool builds a Runner and calls nothing of this package."""

    @pytest.mark.parametrize('published', [False, True])
    @pytest.mark.parametrize('stock', [False, True])
    def test_a_missing_hook(
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
    def test_a_part_without_effect(
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
            dict(type='FocalLoss'),
            dict(type='LovaszLoss', loss_type='binary', reduction='none'),
        ],
        ids=lambda loss: loss['type'],
    )
    def test_a_loss_that_fails(
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

    def test_a_hook_that_a_runner_is_given(
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
