"""Eight numbers about a track, as music services give them: from its analysis alone, without decoding anything.

Goes in: a `Track` as the index has it. Comes out: `Descriptors`. Tempo, key, mode, loudness and the share without a
voice are measured. Speech, danceability and liveness are approximations from what the index keeps, made for sorting and
not compared with ratings by people.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from soundtrack.types import Track

_DANCE_BPM, _DANCE_OCTAVES = 118.0, 0.35
"""Tempo at which people dance most readily, and the standard deviation around it."""
_STEADY = 0.03
"""Spread of the beats' lengths, as a share, at which half of the steadiness is gone."""
_LIVE = re.compile(r"\b(live|unplugged|in concert|en concert|concert|session|sessions|bootleg)\b", re.IGNORECASE)
_FEWEST_BEATS = 8


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Eight numbers about a track; None where the analysis does not say."""

    tempo_bpm: float | None
    """Beats per minute."""
    tonic: str | None
    """Tonic of the key, such as ``A#``."""
    mode: str | None
    """``major`` or ``minor``."""
    loudness_lufs: float
    """Integrated loudness."""
    instrumental_share: float | None
    """Share of the track without a voice, in [0, 1]."""
    speech_share: float | None
    """Share with speech: that of voices where the index calls the file spoken word, else 0; in [0, 1]."""
    danceability: float | None
    """In [0, 1]: a clear and steady beat near 118 beats a minute, or half or double of it."""
    liveness: float
    """In [0, 1]: title or album name a concert, or the beat drifts as that of players does."""

    def as_dict(self) -> dict[str, object]:
        """As JSON, rounded."""
        return {
            "tempo_bpm": None if self.tempo_bpm is None else round(self.tempo_bpm, 1),
            "tonic": self.tonic,
            "mode": self.mode,
            "loudness_lufs": round(self.loudness_lufs, 1),
            **{
                name: None if value is None else round(value, 3)
                for name, value in (
                    ("instrumental_share", self.instrumental_share),
                    ("speech_share", self.speech_share),
                    ("danceability", self.danceability),
                    ("liveness", self.liveness),
                )
            },
        }


def describe(track: Track, *, spoken: bool = False) -> Descriptors:
    """The eight numbers of a track.

    Parameters
    ----------
    track : Track
        Of the index.
    spoken : bool
        Whether the index calls the file spoken word.
    """
    its = track.analysis
    tonic, _, mode = (its.key or "").partition(" ")
    drift = _drift(its.beats_s)
    steady = 0.0 if drift is None else 1 / (1 + (drift / _STEADY) ** 2)
    danceability: float | None = None
    if its.tempo_bpm:
        octaves = math.log2(its.tempo_bpm / _DANCE_BPM)
        octaves -= round(octaves) * 0.8  # half and double the tempo are nearly as good
        near = math.exp(-(octaves**2) / (2 * _DANCE_OCTAVES**2))
        danceability = its.tempo_confidence ** (1 / 3) * steady ** (1 / 3) * near ** (1 / 3)
    named = any(text and _LIVE.search(text) for text in (track.tags.title, track.tags.album))
    loose = 0.0 if drift is None else min(1.0, drift / (4 * _STEADY))
    voice = its.vocal_share
    return Descriptors(
        tempo_bpm=its.tempo_bpm,
        tonic=tonic or None,
        mode=mode or None,
        loudness_lufs=track.loudness.integrated_lufs,
        instrumental_share=None if voice is None else 1 - voice,
        speech_share=None if voice is None else voice if spoken else 0.0,
        danceability=danceability,
        liveness=0.8 + 0.2 * loose if named else 0.5 * loose,
    )


def _drift(beats_s: tuple[float, ...]) -> float | None:
    """Spread of the lengths of beats around their course, as a share; None with too few beats."""
    lengths = np.diff(np.array(beats_s, np.float64))
    if len(lengths) < _FEWEST_BEATS:
        return None
    middle = float(np.median(lengths))
    return float(np.median(np.abs(lengths - middle))) * 1.4826 / max(middle, 1e-9)
