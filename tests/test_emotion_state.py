"""What a reading is called, and when it is not called anything."""

from __future__ import annotations

import pytest

from soundtrack.types import EMOTIONS, EmotionState
from soundtrack.types.emotion import UNSURE_UNDER


@pytest.mark.parametrize(
    ("confidence", "label"),
    [(UNSURE_UNDER, "Fear"), (UNSURE_UNDER - 1e-6, "Neutral"), (0.0, "Neutral"), (1.0, "Fear")],
)
def test_a_reading_that_is_too_unsure_counts_as_neutral(confidence: float, label: str) -> None:
    probabilities = tuple(0.3 if name == "Fear" else 0.14 for name in EMOTIONS)
    assert EmotionState(probabilities, valence=-0.1, arousal=0.2, confidence=confidence).label == label
