"""Similarity of tracks: the same piece, and transitions that go well together.

Goes in: tracks. Comes out: a group number per track (album, live and "best of" versions share one), an artist number,
and what a change from one track to another costs or gains.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from soundtrack.naming.names import SEPARATOR, folded, names_in
from soundtrack.spotting.merit.view import IntArray
from soundtrack.types import FloatArray, Track

_VERSION = re.compile(r"\s*[\(\[].*?[\)\]]|\s+-\s+(live|remaster(ed)?|.* (version|mix|edit))\b.*$", re.IGNORECASE)
_SAME_COSINE = 0.998
_SAME_LENGTH = 0.02
_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def song_name(track: Track) -> tuple[str, str] | None:
    """Artist and title without what names a version, or None where the tags don't say."""
    if not track.tags.title or not track.tags.artist:
        return None
    title = _VERSION.sub("", track.tags.title).strip() or track.tags.title
    return _first_artist(track.tags.artist), folded(title)


def _first_artist(artist: str) -> str:
    """Who is named first, in a form in which equal names are equal."""
    return names_in(artist.partition(SEPARATOR)[0])[0] if artist.strip() else ""


def groups(tracks: Sequence[Track], means: FloatArray) -> IntArray:
    """A number per track, the same for tracks that are one piece of music.

    Parameters
    ----------
    tracks : sequence of Track
        Not too many: each is compared with each.
    means : ndarray, shape=(n_tracks, D), float32
        Unit mean vector of each track.

    Returns
    -------
    ndarray, shape=(n_tracks,), int64
        The position of the first track of the group.
    """
    result = np.arange(len(tracks), dtype=np.int64)
    cosines = means @ means.T
    lengths = np.array([t.audio.duration_s for t in tracks])
    names: dict[tuple[str, str], int] = {}
    for i, track in enumerate(tracks):
        name = song_name(track)
        same = (cosines[i, :i] > _SAME_COSINE) & (np.abs(lengths[:i] - lengths[i]) <= _SAME_LENGTH * lengths[i])
        if np.any(same):
            result[i] = result[int(np.argmax(same))]
        elif name is not None and name in names:
            result[i] = names[name]
        if name is not None:
            names.setdefault(name, int(result[i]))
    return result


def artists(tracks: Sequence[Track]) -> IntArray:
    """A number per track, the same for tracks of one artist; a track without an artist has its own.

    Parameters
    ----------
    tracks : sequence of Track

    Returns
    -------
    ndarray, shape=(n_tracks,), int64
    """
    numbers: dict[str, int] = {}
    result = [numbers.setdefault(_first_artist(t.tags.artist or f"\0{i}"), len(numbers)) for i, t in enumerate(tracks)]
    return np.array(result, np.int64)


def fifths(key: str | None) -> int | None:
    """Place of a key on the circle of fifths, that of its relative major; None for no key.

    Examples
    --------
    >>> fifths("C major"), fifths("A minor"), fifths("G major"), fifths("F# minor")
    (0, 0, 1, 3)
    """
    if not key:
        return None
    tonic, _, mode = key.partition(" ")
    letter, sign = tonic[:1].upper(), tonic[1:]
    if letter not in _TONICS:
        return None
    pitch = _TONICS[letter] + sign.count("#") + sign.count("♯") - sign.count("b") - sign.count("♭")
    if mode.lower().startswith("min"):
        pitch += 3
    return (pitch * 7) % 12


def joins(tracks: Sequence[Track]) -> FloatArray:
    """What changing directly from one track to another costs, by key and tempo.

    Parameters
    ----------
    tracks : sequence of Track

    Returns
    -------
    ndarray, shape=(n_tracks, n_tracks), float32
        From row to column, in [0, 1]: 0 for near keys and equal tempo, 0.5 where nothing is known.
    """
    places = [fifths(t.analysis.key) for t in tracks]
    known = np.array([p is not None for p in places])
    place = np.array([p or 0 for p in places])
    around = np.abs(place[:, None] - place[None, :])
    around = np.minimum(around, 12 - around) / 6
    both = known[:, None] & known[None, :]
    sure = np.array([t.analysis.key_confidence for t in tracks])
    key_cost = np.where(both, 0.5 + (around - 0.5) * np.minimum(sure[:, None], sure[None, :]), 0.5)
    tempo = np.array([t.analysis.tempo_bpm or np.nan for t in tracks])
    apart = np.abs(np.log2(tempo[:, None] / tempo[None, :])) % 1.0
    apart = np.minimum(apart, 1 - apart) * 2
    tempo_cost = np.where(np.isnan(apart), 0.5, apart)
    return (0.6 * key_cost + 0.4 * tempo_cost).astype(np.float32)
