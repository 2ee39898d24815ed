"""Key of a track: tonic and mode from the strength of each pitch class.

Goes in: chroma of shape (frames, 12). Comes out: `Key`. The method is the key-finding algorithm of Krumhansl and
Schmuckler (Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, chapter 4): the correlation of the pitch
classes with how well listeners find that each fits a key (Krumhansl and Kessler 1982), over all 24 keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

PITCH_CLASSES: tuple[str, ...] = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""Names from C upwards, sharps only."""
NO_KEY_UNDER = 0.1
"""Confidence under which there is said to be no key."""
_FLAT = 0.22
"""Spread over mean of the pitch classes under which it is noise: white noise has 0.20, the flattest music seen 0.23."""
# Ratings of the probe tones, Krumhansl and Kessler (1982), table 1, from the tonic upwards.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True, slots=True)
class Key:
    """The key that fits best."""

    name: str | None
    """Such as ``A minor``; None where nothing fits."""
    confidence: float
    """How well it fits and how far ahead it is of keys that share few notes with it, in [0, 1]."""


def key_fits(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Correlation of pitch-class weights with all keys, in [-1, 1].

    Parameters
    ----------
    weights : ndarray, shape=(12,), float64
        At least 0, from C.

    Returns
    -------
    ndarray, shape=(24,), float64
        C major to B major, then C minor to B minor.
    """
    profiles = np.array([np.roll(mode, tonic) for mode in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    centred = weights - weights.mean()
    norms = np.linalg.norm(profiles, axis=1) * np.linalg.norm(centred)
    return np.asarray(profiles @ centred / np.maximum(norms, 1e-12))


def find_key(chroma: FloatArray) -> Key:
    """The key of a track.

    Parameters
    ----------
    chroma : ndarray, shape=(frames, 12), float32
        Strength of the pitch classes from C, at least 0; loud frames count more, but not in proportion.

    Examples
    --------
    >>> find_key(np.eye(12, dtype=np.float32)[[0, 4, 7, 0, 5, 9, 7, 11, 2, 0, 4, 7]]).name
    'C major'
    """
    strength = chroma.sum(axis=1, keepdims=True)
    if not len(chroma) or float(strength.max()) < 1e-6:
        return Key(None, 0.0)
    weights = (chroma / np.sqrt(np.maximum(strength, 0.01 * strength.max()))).sum(axis=0).astype(np.float64)
    if float(weights.std()) < _FLAT * float(weights.mean()):
        return Key(None, 0.0)
    fits = key_fits(weights)
    best = int(fits.argmax())
    mode, tonic = divmod(best, 12)
    # Neighbours on the circle of fifths and the relative key share all notes but one: they are no contradiction.
    relative = (tonic + (9 if mode == 0 else 3)) % 12
    kin = {(mode, tonic), (mode, (tonic + 7) % 12), (mode, (tonic + 5) % 12), (1 - mode, relative)}
    others = [fits[i] for i in range(24) if divmod(i, 12) not in kin]
    confidence = float(np.clip(fits[best], 0, 1) * np.clip((fits[best] - max(others)) / 0.35, 0, 1))
    if confidence < NO_KEY_UNDER:
        return Key(None, confidence)
    return Key(f"{PITCH_CLASSES[tonic]} {('major', 'minor')[mode]}", confidence)
