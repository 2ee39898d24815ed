"""From a picture network's vector and the film numbers to classes, valence and arousal: one linear layer each.

Goes in: rows of pooled features and of film numbers. Comes out: calibrated probabilities, valence, arousal and a
confidence per row. Both kinds of evidence are standardised and laid side by side (late fusion); the film numbers count
with a gain, since a hundred of them would otherwise be drowned by five hundred features. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.emotion.head import log_odds, softmax
from soundtrack.types import EMOTIONS, FloatArray

CLASS_VALENCE_AROUSAL: dict[str, tuple[float, float]] = {
    "Excited": (0.6, 0.7),
    "Fear": (-0.6, 0.6),
    "Neutral": (0.05, -0.1),
    "Relaxation": (0.5, -0.5),
    "Sad": (-0.55, -0.4),
    "Tension": (-0.4, 0.5),
}
"""Where each class lies on the plane, in [-1, 1]; after the layout of affect words by J. Russell 1980."""


@dataclass(frozen=True, slots=True)
class HeadReading:
    """What a head says about n stretches; rows belong together."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: FloatArray = field(repr=False, compare=False)
    """Calibrated chance that the leading class is right, in [0, 1], shape (n,)."""


@dataclass(frozen=True, slots=True)
class PictureHead:
    """Both linear layers and their calibration; F features and N film numbers."""

    mean: FloatArray = field(repr=False, compare=False)
    """Of the evidence, shape (F + N,)."""
    deviation: FloatArray = field(repr=False, compare=False)
    """Of the evidence divided by the gain of its kind, above 0, shape (F + N,)."""
    class_weight: FloatArray = field(repr=False, compare=False)
    """Shape (6, F + N)."""
    class_bias: FloatArray = field(repr=False, compare=False)
    """Shape (6,)."""
    plane_weight: FloatArray = field(repr=False, compare=False)
    """Valence and arousal, shape (2, F + N)."""
    plane_bias: FloatArray = field(repr=False, compare=False)
    """Shape (2,)."""
    temperature: float = 1.0
    """Logits are divided by it, above 0."""
    confidence_slope: float = 1.0
    """Of the confidence's log-odds over those of the leading probability, at least 0."""
    confidence_offset: float = 0.0
    """Added to the confidence's log-odds."""

    def read(self, features: FloatArray, film: FloatArray) -> HeadReading:
        """What it says about each row.

        Parameters
        ----------
        features : ndarray, shape=(n, F), float32
            Pooled vectors, at least 0.
        film : ndarray, shape=(n, N), float32
            Film numbers.
        """
        x = (evidence(features, film) - self.mean) / self.deviation
        probabilities = softmax((x @ self.class_weight.T + self.class_bias) / self.temperature)
        plane = np.clip(x @ self.plane_weight.T + self.plane_bias, -1.0, 1.0)
        odds = log_odds(probabilities.max(axis=1))
        confidence = 1.0 / (1.0 + np.exp(-(self.confidence_slope * odds + self.confidence_offset)))
        return HeadReading(
            probabilities=probabilities.astype(np.float32),
            valence=plane[:, 0].astype(np.float32),
            arousal=plane[:, 1].astype(np.float32),
            confidence=confidence.astype(np.float32),
        )


def evidence(features: FloatArray, film: FloatArray) -> FloatArray:
    """Square roots of the features (their tails are long) and film numbers side by side, shape (n, F + N)."""
    if features.ndim != 2 or film.ndim != 2 or len(features) != len(film):
        raise ValueError(f"need (n, F) features and (n, N) film numbers, got {features.shape} and {film.shape}")
    return np.concatenate([np.sqrt(np.maximum(features, 0.0)), film], axis=1).astype(np.float32)


def untrained_head(n_features: int, n_film: int, *, seed: int) -> PictureHead:
    """A seeded head of the right shape that has learned nothing."""
    rng = np.random.default_rng(seed)
    n = n_features + n_film
    return PictureHead(
        mean=np.zeros(n, np.float32),
        deviation=np.ones(n, np.float32),
        class_weight=rng.normal(0, 1, (len(EMOTIONS), n)).astype(np.float32),
        class_bias=np.zeros(len(EMOTIONS), np.float32),
        plane_weight=rng.normal(0, 0.4 / np.sqrt(n), (2, n)).astype(np.float32),
        plane_bias=np.zeros(2, np.float32),
    )
