"""Mood words of people, as states of emotion.

Goes in: a word such as ``tense``. Comes out: the class it belongs to and a prototype of its valence and arousal,
after the circumplex of affect (Russell 1980).
"""

from __future__ import annotations

import difflib

from soundtrack.errors import UsageError
from soundtrack.types import EMOTIONS, EmotionState

_PROTOTYPES: dict[str, tuple[float, float]] = {
    "Excited": (0.6, 0.7),
    "Fear": (-0.6, 0.5),
    "Neutral": (0.1, -0.05),
    "Relaxation": (0.5, -0.6),
    "Sad": (-0.5, -0.5),
    "Tension": (-0.3, 0.6),
}
"""Valence and arousal of a plain example of each class."""

WORDS: dict[str, str] = {
    "excited": "Excited", "happy": "Excited", "joyful": "Excited", "triumphant": "Excited", "energetic": "Excited",
    "action": "Excited", "upbeat": "Excited", "epic": "Excited", "fun": "Excited",
    "fear": "Fear", "scary": "Fear", "horror": "Fear", "eerie": "Fear", "dark": "Fear", "dread": "Fear",
    "neutral": "Neutral", "plain": "Neutral", "light": "Neutral", "everyday": "Neutral",
    "relaxation": "Relaxation", "relaxed": "Relaxation", "calm": "Relaxation", "peaceful": "Relaxation",
    "tender": "Relaxation", "gentle": "Relaxation", "dreamy": "Relaxation", "romantic": "Relaxation",
    "sad": "Sad", "melancholy": "Sad", "lonely": "Sad", "mourning": "Sad", "wistful": "Sad", "nostalgic": "Sad",
    "tension": "Tension", "tense": "Tension", "suspense": "Tension", "suspenseful": "Tension", "anxious": "Tension",
    "restless": "Tension", "angry": "Tension", "urgent": "Tension",
}  # fmt: skip
"""Class of each word that is understood."""


def mood(word: str) -> EmotionState:
    """What a mood word asks for.

    Parameters
    ----------
    word : str
        A class of `EMOTIONS` or a word of `WORDS`, in any case.

    Returns
    -------
    EmotionState
        Most of the probability on the word's class.

    Raises
    ------
    UsageError
        Nobody taught the tool this word.

    Examples
    --------
    >>> mood("tense").label
    'Tension'
    """
    name = WORDS.get(word.strip().lower())
    if name is None:
        near = difflib.get_close_matches(word.strip().lower(), WORDS, n=3)
        words = ", ".join(near or sorted(EMOTIONS))
        raise UsageError(f"{word!r} is no mood the tool knows", hint=f"try one of: {words}")
    valence, arousal = _PROTOTYPES[name]
    probabilities = tuple(0.8 if emotion == name else 0.04 for emotion in EMOTIONS)
    return EmotionState(probabilities=probabilities, valence=valence, arousal=arousal, confidence=1.0)
