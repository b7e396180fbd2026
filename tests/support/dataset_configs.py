"""Builds configs of data sets with pipelines, and wraps them."""

from __future__ import annotations

LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=3),
]
SOURCE = dict(type='LoadPseudoLabel')
AUGMENT = [
    dict(type='RandomCrop', crop_size=(8, 8)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSeSAMInputs'),
]


def dataset(*pipeline: dict, **options) -> dict:
    return dict(type='BaseSegDataset', pipeline=list(pipeline), **options)


def sesam(**options) -> dict:
    return dataset(*LOAD, SOURCE, *AUGMENT, **options)


def repeated(part: dict) -> dict:
    return dict(type='RepeatDataset', times=3, dataset=part)


def joined(*parts: dict) -> dict:
    return dict(type='ConcatDataset', datasets=list(parts))


def mixed(part: dict, *pipeline: dict) -> dict:
    return dict(
        type='MultiImageMixDataset', dataset=part, pipeline=list(pipeline)
    )


WRAPPED = {
    'plain': sesam(),
    'repeated': repeated(sesam()),
    'joined': joined(sesam(ann_file='a'), sesam(ann_file='b')),
    'mixed': mixed(sesam(), dict(type='PhotoMetricDistortion')),
    'all': repeated(joined(sesam(), mixed(repeated(sesam()), *AUGMENT))),
}
