"""Evidence for a component, compared with what a person labelled."""

import numpy as np
import pytest

from .cases import evidence_of, row_case


def odds_of_two_masks(*favoured):
    """Log-odds of a component's own pixels and of pixels like class 1.

    Evidence takes class 0 for class 1 but at the pixels `favoured`.
    """
    probabilities = np.full((1, 45, 2), (0.02, 0.98))
    probabilities[:, :20] = 0.2, 0.8
    for pixel in favoured:
        probabilities[:, pixel] = 0.9, 0.1
    evidence = evidence_of(probabilities)
    case = row_case([[(0, 18)], [(20, 25)]], evidence=evidence)
    return case.measure()[0].log_odds


def test_evidence_that_does_not_know_a_class_is_compared_with_its_pixels():
    alike, other = odds_of_two_masks()
    assert alike == pytest.approx(0, abs=1e-5)
    assert other == pytest.approx(np.log(0.03 / 0.99) - np.log(0.21 / 0.81))


def test_evidence_that_knows_a_class_judges_the_pixels_of_a_person():
    alike, _ = odds_of_two_masks(22)
    assert alike == pytest.approx(np.log(0.21 / 0.81))


def test_evidence_is_not_compared_with_pixels_of_predictions():
    probabilities = np.full((1, 45, 2), (0.2, 0.8))
    case = row_case([[(0, 18)]], evidence=evidence_of(probabilities))
    case.from_person = np.zeros(case.label.shape, bool)
    assert case.measure()[0].log_odds[0] == pytest.approx(np.log(0.21 / 0.81))
