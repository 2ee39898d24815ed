"""Beats and bar lines by a small network: a temporal convolutional network over the spectra that tempo needs anyway.

Goes in: `Frames`. Comes out: how likely a beat and a bar line are, many times a second. The kind of network is that of
Davies and Böck (2019, "Temporal convolutional networks for musical audio beat tracking"): dilated convolutions that see
44 s, here with 24 channels and 40,000 weights, in NumPy. docs/models.md says what it learned from.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from soundtrack.audio.music.spectrum import N_BANDS, Frames
from soundtrack.types import FloatArray

STEP_S = 512 / 24_000
"""Seconds from one answer to the next."""
N_BLOCKS = 9
"""Dilated convolutions, each with twice the reach of the one before."""
_CLASS_WEIGHTS = (4.0, 8.0)
"""How much more a beat and a bar line counted than none while it learned; taken off again here."""
_LOUD = 1000.0
"""Sizes of bands are compressed as the onsets are: the logarithm of this factor times them, plus one."""


WEIGHTS = Path(__file__).with_name("beats.safetensors")
"""What the network learned, read at its first use; ``benchmarks/bars.py`` puts others in its place."""


@lru_cache(maxsize=1)
def _weights(path: Path) -> dict[str, FloatArray]:
    """The network's weights by name, float32."""
    from safetensors.numpy import load_file

    found = load_file(path)
    return {name: value.astype(np.float32) for name, value in found.items()}


def _resampled(values: FloatArray, hop_s: float, step_s: float, n: int) -> FloatArray:
    """Rows at other times, by straight lines between neighbours, shape (n, F)."""
    at = np.minimum(np.arange(n) * (step_s / hop_s), len(values) - 1)
    low = np.minimum(at.astype(np.int64), max(0, len(values) - 2))
    part = (at - low).astype(np.float32)[:, None]
    return np.asarray(values[low] * (1 - part) + values[np.minimum(low + 1, len(values) - 1)] * part, np.float32)


def features(frames: Frames) -> FloatArray:
    """What the network hears: bands, their rise, and pitch classes.

    Parameters
    ----------
    frames : Frames
        Of any hop.

    Returns
    -------
    ndarray, shape=(n, 92), float32
        Row ``t`` belongs to the time ``t * STEP_S`` in seconds.
    """
    half_s = STEP_S / 2
    n = int(frames.n * frames.hop_s / STEP_S)
    bands = frames.bands
    if abs(frames.hop_s / half_s - 1) > 1e-6:
        bands = _resampled(bands, frames.hop_s, half_s, 2 * n)
    loud = np.log10(1 + _LOUD * 10 ** (bands[: 2 * n] / 20))
    rise = np.zeros_like(loud)
    rise[2:] = np.maximum(loud[2:] - loud[:-2], 0)
    tones = _resampled(frames.chroma, frames.tone_hop_s, STEP_S, n) if len(frames.chroma) else np.zeros((n, 12))
    tones = tones / np.maximum(np.linalg.norm(tones, axis=1, keepdims=True), 1e-3)
    pairs = [loud.reshape(n, 2, N_BANDS).mean(axis=1), rise.reshape(n, 2, N_BANDS).max(axis=1), tones]
    return np.concatenate(pairs, axis=1).astype(np.float32)


def _convolved(x: FloatArray, weight: FloatArray, bias: FloatArray, *, spread: int = 1) -> FloatArray:
    """A convolution, with silence before and after, shape (n, outputs); the weight is (taps, inputs, outputs)."""
    taps, n = len(weight), len(x)
    reach = spread * (taps // 2)
    padded = np.concatenate([np.zeros((reach, x.shape[1]), np.float32), x, np.zeros((reach, x.shape[1]), np.float32)])
    seen = np.concatenate([padded[spread * tap : spread * tap + n] for tap in range(taps)], axis=1)
    return np.asarray(seen @ weight.reshape(-1, weight.shape[2]) + bias, np.float32)


def _elu(x: FloatArray) -> FloatArray:
    """The exponential linear unit."""
    return np.asarray(np.where(x > 0, x, np.expm1(np.minimum(x, 0))), np.float32)


def beat_chances(frames: Frames) -> FloatArray:
    """How likely a beat and a bar line start at each moment.

    Parameters
    ----------
    frames : Frames
        From `take_frames`.

    Returns
    -------
    ndarray, shape=(n, 2), float32
        In [0, 1]; row ``t`` belongs to the time ``t * STEP_S`` in seconds. First column beats, second bar lines.
    """
    held = _weights(WEIGHTS)
    x = (features(frames) - held["mean"]) / held["spread"]
    for name in ("enter.0", "enter.1"):
        x = _elu(_convolved(x, held[f"{name}.weight"], held[f"{name}.bias"]))
    for i in range(N_BLOCKS):
        inner = _elu(_convolved(x, held[f"block.{i}.weight"], held[f"block.{i}.bias"], spread=2**i))
        x = x + _convolved(inner, held[f"block.{i}.mix.weight"], held[f"block.{i}.mix.bias"])
    odds = _convolved(_elu(x), held["leave.weight"], held["leave.bias"]) - np.log(np.array(_CLASS_WEIGHTS, np.float32))
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)
