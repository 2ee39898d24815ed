"""Mood words, as states of emotion and as evidence in the names of music.

Goes in: a word such as ``tense``, or a track with its title and folder. Comes out: the class of the word with its own
place on the valence-arousal plane, after the circumplex of affect (Russell 1980); and how well the names of the track
agree with a class.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from soundtrack.errors import UsageError
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, EmotionState, FloatArray, Track

WORDS: dict[str, str] = {
    "excited": "Excited", "happy": "Excited", "joyful": "Excited", "triumphant": "Excited", "energetic": "Excited",
    "action": "Excited", "upbeat": "Excited", "epic": "Excited", "fun": "Excited", "cheerful": "Excited",
    "heroic": "Excited", "hopeful": "Excited", "playful": "Excited", "funny": "Excited", "lively": "Excited",
    "party": "Excited",
    "fear": "Fear", "scary": "Fear", "horror": "Fear", "eerie": "Fear", "dark": "Fear", "dread": "Fear",
    "creepy": "Fear", "spooky": "Fear", "terrifying": "Fear", "sinister": "Fear",
    "neutral": "Neutral", "plain": "Neutral", "light": "Neutral", "everyday": "Neutral",
    "relaxation": "Relaxation", "relaxed": "Relaxation", "calm": "Relaxation", "peaceful": "Relaxation",
    "tender": "Relaxation", "gentle": "Relaxation", "dreamy": "Relaxation", "romantic": "Relaxation",
    "serene": "Relaxation", "warm": "Relaxation",
    "sad": "Sad", "melancholy": "Sad", "lonely": "Sad", "mourning": "Sad", "wistful": "Sad", "nostalgic": "Sad",
    "gloomy": "Sad", "tragic": "Sad", "bleak": "Sad",
    "tension": "Tension", "tense": "Tension", "suspense": "Tension", "suspenseful": "Tension", "anxious": "Tension",
    "restless": "Tension", "angry": "Tension", "urgent": "Tension", "dramatic": "Tension", "mysterious": "Tension",
}  # fmt: skip
"""Class of each word that is understood."""

_OWN: dict[str, tuple[float, float]] = {
    "joyful": (0.75, 0.6), "triumphant": (0.6, 0.75), "epic": (0.35, 0.8), "action": (0.2, 0.85), "fun": (0.75, 0.6),
    "cheerful": (0.75, 0.4), "hopeful": (0.6, 0.2), "playful": (0.65, 0.4), "heroic": (0.45, 0.75),
    "party": (0.65, 0.85), "scary": (-0.65, 0.6), "horror": (-0.75, 0.5), "terrifying": (-0.75, 0.8),
    "eerie": (-0.55, 0.0), "spooky": (-0.4, 0.1), "creepy": (-0.6, 0.1), "dark": (-0.55, 0.0),
    "sinister": (-0.65, 0.3), "dread": (-0.7, 0.1), "light": (0.45, 0.0), "tender": (0.55, -0.4),
    "romantic": (0.65, -0.2), "warm": (0.6, -0.3), "dreamy": (0.4, -0.6), "mourning": (-0.6, -0.6),
    "wistful": (-0.2, -0.4), "nostalgic": (-0.1, -0.4), "melancholy": (-0.4, -0.5), "tragic": (-0.75, -0.2),
    "angry": (-0.6, 0.85), "urgent": (-0.1, 0.75), "dramatic": (-0.2, 0.65), "mysterious": (-0.3, 0.0),
    "suspense": (-0.4, 0.4), "suspenseful": (-0.4, 0.4),
}  # fmt: skip
"""Valence and arousal of words whose place differs from that of their class."""

_IN_NAMES: dict[str, str] = {
    "happiness": "Excited", "joy": "Excited", "victory": "Excited", "triumph": "Excited", "celebration": "Excited",
    "dance": "Excited", "adventure": "Excited", "march": "Excited", "hero": "Excited", "rock": "Excited",
    "fearful": "Fear", "haunted": "Fear", "ghost": "Fear", "ghosts": "Fear", "nightmare": "Fear", "evil": "Fear",
    "terror": "Fear", "scream": "Fear", "monster": "Fear", "devil": "Fear", "crypt": "Fear", "zombie": "Fear",
    "chill": "Relaxation", "ambient": "Relaxation", "lullaby": "Relaxation", "meditation": "Relaxation",
    "sleep": "Relaxation", "peace": "Relaxation", "lofi": "Relaxation", "relaxing": "Relaxation",
    "sadness": "Sad", "sorrow": "Sad", "lament": "Sad", "elegy": "Sad", "funeral": "Sad", "requiem": "Sad",
    "grief": "Sad", "tears": "Sad", "farewell": "Sad", "loneliness": "Sad",
    "battle": "Tension", "boss": "Tension", "danger": "Tension", "chase": "Tension", "fight": "Tension",
    "war": "Tension", "pursuit": "Tension", "thriller": "Tension", "attack": "Tension",
}  # fmt: skip
"""Further words of titles, genres and folders; too vague to be asked for by."""

_N_FOLDERS = 2
"""Folders above a track whose names count; those further up are about collections, not moods."""


def mood(word: str) -> EmotionState:
    """What a mood word asks for.

    Parameters
    ----------
    word : str
        A class of `EMOTIONS` or a word of `WORDS`, in any case.

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
    name = WORDS.get(low)
    if name is None:
        near = difflib.get_close_matches(low, WORDS, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"use one of: {', '.join(sorted(EMOTIONS))}"
        raise UsageError(f"unknown mood {word!r}", hint=hint)
    valence, arousal = _OWN.get(low, CLASS_VALENCE_AROUSAL[name])
    probabilities = tuple(0.8 if emotion == name else 0.04 for emotion in EMOTIONS)
    return EmotionState(probabilities=probabilities, valence=valence, arousal=arousal, confidence=1.0)


@lru_cache(maxsize=4096)
def _classes_in(text: str) -> frozenset[str]:
    """Classes that the words of a text speak of."""
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower())
    return frozenset(found for word in words if (found := WORDS.get(word) or _IN_NAMES.get(word)))


def named_moods(track: Track) -> frozenset[str]:
    """Classes of emotion that a track's title, genre, album, file name and nearest folders speak of.

    Examples
    --------
    >>> sorted(_classes_in("02 Haunted House (sad piano)"))
    ['Fear', 'Sad']
    """
    names = [track.tags.title, track.tags.genre, track.tags.album, track.path.stem]
    names += [parent.name for parent in list(track.path.parents)[:_N_FOLDERS]]
    return frozenset().union(*(_classes_in(name) for name in names if name))


def nearness(label: str, classes: Iterable[str]) -> float:
    """How well the classes that a name speaks of agree with a wanted one, in [-1, 1]; 0 where it speaks of none.

    Examples
    --------
    >>> nearness("Fear", ["Fear"]), nearness("Fear", []), nearness("Fear", ["Excited"]) < -0.4
    (1.0, 0.0, True)
    """
    wanted = np.array(CLASS_VALENCE_AROUSAL[label])
    near = [1.0 - float(np.linalg.norm(wanted - CLASS_VALENCE_AROUSAL[c])) / 0.8 for c in classes]
    return float(np.clip(max(near), -1.0, 1.0)) if near else 0.0


def name_term(asked: Sequence[str | None], tracks: Sequence[Track], *, weight: float) -> FloatArray:
    """Merit that the words in a track's names earn it where a person asked for a mood.

    Parameters
    ----------
    asked : sequence of str or None
        The class asked for in each of n stretches; None where the picture decides.
    tracks : sequence of Track
        T tracks.
    weight : float
        Merit of full agreement.

    Returns
    -------
    ndarray, shape=(n, T), float32
    """
    result = np.zeros((len(asked), len(tracks)), np.float32)
    for label in {label for label in asked if label is not None}:
        row = [weight * nearness(label, named_moods(track)) for track in tracks]
        result[[i for i, other in enumerate(asked) if other == label]] = row
    return result
