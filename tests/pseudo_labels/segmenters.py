"""Small segmenters, as a user would write them."""

import numpy as np
from mmseg.registry import TASK_UTILS
from skimage.measure import label as label_regions

from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import BaseSegmenter, MaskCandidates


@TASK_UTILS.register_module()
class FlatColourSegmenter(BaseSegmenter):
    """Segments an image into connected regions of one colour.

    A prompt gets two masks: all regions that its points lie in, and the
    region of the first point alone.
    """

    def __init__(self, score=0.9):
        self.score = score

    @property
    def fingerprint(self):
        return dict(type='FlatColourSegmenter', score=self.score)

    def encode(self, images):
        return [self._find_regions(image.astype(int)) for image in images]

    def _find_regions(self, image):
        colours = image @ [1, 256, 256**2]
        return label_regions(colours, background=-1, connectivity=1)

    def decode(self, embedding, prompts):
        masks = [self._answer(embedding, prompt.points) for prompt in prompts]
        scores = np.full((len(prompts), 2), self.score)
        return MaskCandidates(np.array(masks), scores)

    def _answer(self, regions, points):
        x, y = points.astype(int).T
        touched = regions[y, x]
        return np.isin(regions, touched), regions == touched[0]


@TASK_UTILS.register_module()
class GuessingSegmenter(BaseSegmenter):
    """Its masks have little to do with the image or the prompts."""

    fingerprint = dict(type='GuessingSegmenter')

    def encode(self, images):
        return [image.shape[:2] for image in images]

    def decode(self, embedding, prompts):
        guesses = [self._guess(embedding, prompt.points) for prompt in prompts]
        return MaskCandidates(*map(np.array, zip(*guesses)))

    def _guess(self, shape, points):
        # A prompt that is decoded once more gets the same masks.
        rng = np.random.default_rng(points.astype(int).ravel())
        masks = rng.random((3, *shape)) < rng.random((3, 1, 1))
        return masks, rng.random(3)


@TASK_UTILS.register_module()
class BrighterSegmenter(BaseSegmenter):
    """Returns all pixels at least as bright as the prompt's first point.

    The mask of something dark holds all that is brighter, as a mask of a
    building holds the pole before it.
    """

    fingerprint = dict(type='BrighterSegmenter')

    def encode(self, images):
        return [image.sum(axis=2) for image in images]

    def decode(self, embedding, prompts):
        points = [prompt.points[0].astype(int) for prompt in prompts]
        masks = [[embedding >= embedding[y, x]] for x, y in points]
        return MaskCandidates(np.array(masks), np.ones((len(prompts), 1)))


class InexactCandidates(MaskCandidates):
    """Masks that hold other pixels than `contains` says."""

    def __init__(self, masks, claimed, scores):
        super().__init__(masks, scores)
        self._claimed = claimed

    def contains(self, rows, cols, prompts):
        return self._claimed[prompts][:, :, rows, cols]


@TASK_UTILS.register_module()
class InexactSegmenter(BaseSegmenter):
    """Returns the upper rows of the image for every prompt.

    `contains` counts other rows (`claimed`) than the masks hold (`drawn`),
    as happens with a segmenter of low resolution.
    """

    def __init__(self, claimed, drawn):
        self.claimed = claimed
        self.drawn = drawn

    @property
    def fingerprint(self):
        return dict(claimed=self.claimed, drawn=self.drawn)

    def encode(self, images):
        return [image.shape[:2] for image in images]

    def decode(self, embedding, prompts):
        masks, claimed = (
            np.zeros((len(prompts), len(self.drawn), *embedding), bool)
            for _ in range(2)
        )
        for index, rows in enumerate(self.drawn):
            masks[:, index, :rows] = True
        for index, rows in enumerate(self.claimed):
            claimed[:, index, :rows] = True
        scores = np.linspace(0.9, 0.8, len(self.drawn))
        return InexactCandidates(
            masks, claimed, np.tile(scores, (len(prompts), 1))
        )


def make_generator(segmenter='FlatColourSegmenter', **options):
    return PseudoLabelGenerator(segmenter=dict(type=segmenter), **options)
