"""An image's and its prompts' way through SAM, on a GPU that is not there."""

import numpy as np
import pytest
from fake_gpu import PRECISIONS, assert_on_the_gpu
from segment_anything.modeling import MaskDecoder

from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

from .tiny_sam import build_tiny_sam, make_image, save


class OtherDecoder(MaskDecoder):
    """Another class, so that the decoder's own forward is taken."""


def build_other_sam():
    return build_tiny_sam(OtherDecoder)


@pytest.mark.parametrize('precision', PRECISIONS)
@pytest.mark.parametrize('build', [build_tiny_sam, build_other_sam])
def test_sam_segmenter_stays_on_the_gpu(tmp_path, build, precision):
    weights = save(build(), tmp_path / 'sam.pth')
    segmenter = SAMSegmenter(**weights, builder=build)
    image = np.asarray(make_image((90, 150)))
    assert_on_the_gpu(segmenter, image, precision)
