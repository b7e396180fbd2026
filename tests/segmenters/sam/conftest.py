"""A segmenter with a small Segment Anything, shared by a module's tests."""

import pytest

from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

from .tiny_sam import build_tiny_sam, make_image, save


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return save(build_tiny_sam(), tmp_path_factory.mktemp('sam') / 'sam.pth')


@pytest.fixture(scope='module')
def segmenter(weights):
    return SAMSegmenter(**weights, builder=build_tiny_sam)


@pytest.fixture(scope='module')
def embedding(segmenter):
    return segmenter.encode([make_image((90, 150))])[0]
