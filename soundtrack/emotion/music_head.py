"""From what the music network hears in a stretch to its mood: standardise, one linear map, calibrated classes.

Goes in: features of a stretch, float32 ``(n, n_inputs)``. Comes out: `MusicMood`. Numpy only, so that heads can be
fitted and judged fold by fold without a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from soundtrack.emotion.head import Block, Head
from soundtrack.types import EMOTIONS, FloatArray

N_CLASSES = len(EMOTIONS)
LIMIT = 5.0
"""Standardised inputs are clipped here, so that one odd sound cannot decide a reading."""
FELT: tuple[str, ...] = (
    "amazement",
    "solemnity",
    "tenderness",
    "nostalgia",
    "calmness",
    "power",
    "joyful_activation",
    "tension",
    "sadness",
)
"""Emotions that listeners report (the nine of Emotify), in the order of `MusicMood.felt`."""


@dataclass(frozen=True, slots=True)
class MusicMood:
    """What the head says about n stretches."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    felt: FloatArray = field(repr=False, compare=False)
    """Share of listeners who would tick each of `FELT`, in [0, 1], shape (n, 9)."""


@dataclass(frozen=True, slots=True)
class MusicHead:
    """The linear map, with what it needs to be applied."""

    mean: FloatArray = field(repr=False, compare=False)
    """Subtracted from the inputs, shape (n_inputs,)."""
    scale: FloatArray = field(repr=False, compare=False)
    """The difference is divided by this, above 0, shape (n_inputs,)."""
    weight: FloatArray = field(repr=False, compare=False)
    """Rows: six classes, valence, arousal, nine of `FELT`; shape (17, n_inputs)."""
    bias: FloatArray = field(repr=False, compare=False)
    """Shape (17,)."""

    def __post_init__(self) -> None:
        n_outputs = N_CLASSES + 2 + len(FELT)
        n_inputs = self.mean.shape[0]
        if self.weight.shape != (n_outputs, n_inputs) or self.bias.shape != (n_outputs,):
            raise ValueError(f"weight and bias must have {n_outputs} rows, got {self.weight.shape}, {self.bias.shape}")
        if self.scale.shape != (n_inputs,) or not bool((self.scale > 0).all()):
            raise ValueError("scale must be above 0, one per input")

    def read(self, inputs: FloatArray) -> MusicMood:
        """Mood of each row.

        Parameters
        ----------
        inputs : ndarray, shape=(n, n_inputs), float32
            What was heard.

        Returns
        -------
        MusicMood
        """
        standard = np.clip((inputs - self.mean) / self.scale, -LIMIT, LIMIT)
        out = standard @ self.weight.T + self.bias  # (n, 17)
        logits = out[:, :N_CLASSES] - out[:, :N_CLASSES].max(axis=1, keepdims=True)
        powers = np.exp(logits)
        return MusicMood(
            probabilities=(powers / powers.sum(axis=1, keepdims=True)).astype(np.float32),
            valence=np.clip(out[:, N_CLASSES], -1, 1).astype(np.float32),
            arousal=np.clip(out[:, N_CLASSES + 1], -1, 1).astype(np.float32),
            felt=np.clip(out[:, N_CLASSES + 2 :], 0, 1).astype(np.float32),
        )

    def over(self, blocks: tuple[Block, ...]) -> Head:
        """The same map over named channels, whose columns are the inputs in this order."""
        return Head(blocks, mean=self.mean, scale=self.scale, weight=self.weight, bias=self.bias, limit=LIMIT)

    def tensors(self) -> dict[str, FloatArray]:
        """Arrays by name, as kept in the weights file."""
        return {"mean": self.mean, "scale": self.scale, "weight": self.weight, "bias": self.bias}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, FloatArray]) -> MusicHead:
        """The head that `tensors` came from."""
        return cls(**{name: np.asarray(tensors[name], np.float32) for name in ("mean", "scale", "weight", "bias")})

    @classmethod
    def untrained(cls, n_inputs: int, *, seed: int = 0) -> MusicHead:
        """A seeded head that knows nothing, for tests."""
        rng = np.random.default_rng(seed)
        rows = N_CLASSES + 2 + len(FELT)
        return cls(
            mean=np.zeros(n_inputs, np.float32),
            scale=np.ones(n_inputs, np.float32),
            weight=rng.normal(0, n_inputs**-0.5, (rows, n_inputs)).astype(np.float32),
            bias=np.zeros(rows, np.float32),
        )
