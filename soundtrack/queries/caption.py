"""Captions: a picture's mood as a short request in words, such as ``slow, wistful``.

Goes in: a reading of a scene, and the tempo that suits it. Comes out: a text that `soundtrack.queries` understands, so
that what the picture says can be asked for in words, and both answers compared.
"""

from __future__ import annotations

import math

from soundtrack.naming.mood_words import ASKED, place_of
from soundtrack.types import CLASS_VALENCE_AROUSAL, EmotionState

_ADJECTIVES = """
    excited happy joyful triumphant energetic upbeat epic cheerful heroic hopeful playful lively scary eerie dark creepy
    spooky terrifying sinister plain light relaxed calm peaceful tender gentle dreamy romantic serene warm sad
    melancholy lonely wistful nostalgic gloomy tragic bleak tense suspenseful anxious restless angry urgent dramatic
    mysterious
"""
WORDS = tuple(word for word in _ADJECTIVES.split() if word in ASKED)
"""Words of mood that a caption may have."""
SLOW_BELOW_BPM, FAST_FROM_BPM = 78.0, 118.0
"""Tempi from which on a caption says so."""
SPOKEN_FROM = 0.35
"""Share of speech from which on a caption asks for music without singing."""


def caption(emotion: EmotionState, *, tempo_bpm: float | None = None, speech_share: float = 0.0) -> str:
    """A reading as a request in words.

    Parameters
    ----------
    emotion : EmotionState
        Of the scene.
    tempo_bpm : float, optional
        That suits it, in beats per minute.
    speech_share : float
        Share of the scene with speech, in [0, 1].

    Examples
    --------
    >>> from soundtrack.types import EMOTIONS
    >>> sad = EmotionState(tuple(0.75 if name == "Sad" else 0.05 for name in EMOTIONS), -0.5, -0.6, 0.8)
    >>> caption(sad, tempo_bpm=67)
    'slow, melancholy'
    """
    words = [word for word in WORDS if ASKED[word] == emotion.label] or list(WORDS)

    def off(word: str) -> float:
        """Distance of a word from the reading on the plane."""
        valence, arousal = place_of(word) or CLASS_VALENCE_AROUSAL[ASKED[word]]
        return round(math.hypot(valence - emotion.valence, arousal - emotion.arousal), 6)

    parts = [min(words, key=lambda word: (off(word), words.index(word)))]
    if tempo_bpm is not None and tempo_bpm < SLOW_BELOW_BPM:
        parts.insert(0, "slow")
    elif tempo_bpm is not None and tempo_bpm >= FAST_FROM_BPM:
        parts.insert(0, "fast")
    if speech_share >= SPOKEN_FROM:
        parts.append("instrumental")
    return ", ".join(parts)
