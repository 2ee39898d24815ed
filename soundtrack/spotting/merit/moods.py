"""Mood words, as states of emotion and as evidence in the names of music.

Goes in: a word such as ``tense``, or a track with its title and folder. Comes out: the class of the word with its own
place on the valence-arousal plane; and what merit the names of tracks earn them. The words are those of
`soundtrack.naming.mood_words`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

from soundtrack.errors import UsageError
from soundtrack.naming.mood_words import ASKED, place_of, title_mood
from soundtrack.spotting.merit.view import BY_CLASS
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, EmotionState, FloatArray, Track

_REACH = 0.8
"""So far from the wanted place on the plane, the words of a name say nothing."""


def mood(word: str) -> EmotionState:
    """What a mood word asks for.

    Parameters
    ----------
    word : str
        A class of `EMOTIONS` or a word of `ASKED`, in any case.

    Returns
    -------
    EmotionState
        Most of the probability on the word's class, valence and arousal of the word itself.

    Raises
    ------
    UsageError
        The word is unknown.

    Examples
    --------
    >>> mood("tense").label, mood("eerie").arousal
    ('Tension', 0.0)
    """
    low = word.strip().lower()
    name = ASKED.get(low)
    if name is None:
        near = difflib.get_close_matches(low, ASKED, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"use one of: {', '.join(sorted(EMOTIONS))}"
        raise UsageError(f"unknown mood {word!r}", hint=hint)
    valence, arousal = place_of(low) or CLASS_VALENCE_AROUSAL[name]
    probabilities = tuple(0.8 if emotion == name else 0.04 for emotion in EMOTIONS)
    return EmotionState(probabilities=probabilities, valence=valence, arousal=arousal, confidence=1.0)


def name_term(
    valence: FloatArray,
    arousal: FloatArray,
    tracks: Sequence[Track],
    *,
    weight: float,
    probabilities: FloatArray | None = None,
) -> FloatArray:
    """Merit that the words in a track's names earn it under each stretch.

    Full agreement is where the mean place of the words is the one that is wanted; `_REACH` away they say nothing, and
    beyond they speak against the track. Words that say little by themselves count for less. Where the classes are
    given, most of the agreement is its expectation over them: a picture that is sad or else tense wants words for one
    of the two, and not for what lies between.

    Parameters
    ----------
    valence, arousal : ndarray, shape=(n,), float32
        What is wanted, in [-1, 1].
    tracks : sequence of Track
        T tracks.
    weight : float
        Merit of full agreement.
    probabilities : ndarray, shape=(n, 6), float32, optional
        Of the wanted classes; rows of zeros where the place was named by a person.

    Returns
    -------
    ndarray, shape=(n, T), float32
        0 for tracks whose names say nothing.
    """
    said = [None if its is None else its.emotion for its in map(title_mood, tracks)]
    return _agreement(valence, arousal, said, weight=weight, probabilities=probabilities)


def lyrics_term(
    valence: FloatArray,
    arousal: FloatArray,
    tracks: Sequence[Track],
    sung: Mapping[str, EmotionState],
    *,
    weight: float,
) -> FloatArray:
    """Merit that the mood of its lyrics earns each track under each stretch, as `name_term` does for names.

    Parameters
    ----------
    valence, arousal : ndarray, shape=(n,), float32
        What is wanted, in [-1, 1].
    tracks : sequence of Track
        T tracks.
    sung : mapping of str to EmotionState
        Mood of the lyrics by track id.
    weight : float
        Merit of full agreement.

    Returns
    -------
    ndarray, shape=(n, T), float32
        0 for tracks without lyrics.
    """
    return _agreement(valence, arousal, [sung.get(track.track_id) for track in tracks], weight=weight)


def _agreement(
    valence: FloatArray,
    arousal: FloatArray,
    said: Sequence[EmotionState | None],
    *,
    weight: float,
    probabilities: FloatArray | None = None,
) -> FloatArray:
    """How near words are to what is wanted, by how sure they are, shape (n, T); 0 where there are none."""
    there = [i for i, state in enumerate(said) if state is not None]
    result = np.zeros((len(valence), len(said)), np.float32)
    states = [state for state in said if state is not None]
    if states and weight:
        places = np.array([(state.valence, state.arousal) for state in states])
        apart = np.hypot(valence[:, None] - places[:, 0], arousal[:, None] - places[:, 1])
        sure = np.array([state.confidence for state in states])
        agreement = np.clip(1 - apart / _REACH, -1.0, 1.0)
        if probabilities is not None:
            classes = np.array([CLASS_VALENCE_AROUSAL[name] for name in EMOTIONS])
            apart = np.hypot(*(classes[:, None, axis] - places[None, :, axis] for axis in (0, 1)))
            share = BY_CLASS * probabilities.sum(axis=1, keepdims=True)
            expected = BY_CLASS * probabilities @ np.clip(1 - apart / _REACH, -1.0, 1.0)
            agreement = (1 - share) * agreement + expected
        result[:, there] = weight * sure * agreement
    return result
