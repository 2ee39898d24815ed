"""Text of lyrics and subtitles: language, mood by rated words, explicit words.

Goes in: a text, such as the lyrics of a song. Comes out: a `TextMood`. Valence and arousal are means over the words
that the table knows (`soundtrack.naming.norms`), each as often as it occurs and by how far it is from neutral, since
most words of any text are. A word just after a negation has half its valence, reversed, and sentences that end with an
exclamation mark raise the arousal; both were chosen on rated text (``benchmarks/words.py``). The table is English: of a
text in another language only the words of the user's own list count, and without one only the language is known.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from soundtrack.naming.mood_words import mood_at
from soundtrack.naming.norms import norm_of, own_norm_of
from soundtrack.types import EmotionState

MOST_CHARACTERS = 200_000
"""What is longer is read up to here."""

_LEAST_WORDS = 5
"""Fewer words have no language and no mood."""
_SURE_WORDS = 20.0
"""Number of rated words at which the confidence of a text is half its limit."""
_NEGATIONS = frozenset({"not", "no", "never", "nothing", "none", "neither", "nor", "cannot", "without", "hardly"})
_REACH_OF_NO = 3
"""Words after a negation in which it holds, within a sentence."""
_REVERSED = -0.5
"""Factor of the valence of a word that is denied."""
_OF_EXCLAMATIONS = 0.6
"""Arousal of a text all of whose sentences end with an exclamation mark, above that of its words."""
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[.!?;\n]")
_SENTENCE_END = re.compile(r"[.!?…]+")
_RUDE = re.compile(
    r"\b((mother)?fuck\w*|fuckin|(bull)?shit(s|ty|ting|head)?|bitch(es|ing|y)?|cunts?|cocksucker\w*|dickhead\w*|pussy|pussies|whores?"
    r"|assholes?|niggas?|niggers?|faggots?|sluts?|blowjobs?)\b"
)


@dataclass(frozen=True, slots=True)
class TextMood:
    """What a text is like."""

    language: str | None
    """ISO 639-1 code; None where there are too few words."""
    n_words: int
    """Of the text."""
    n_rated: int
    """Of them, how many the table knows."""
    n_rude: int
    """Rude words."""
    emotion: EmotionState | None
    """Mood; None where hardly any word is rated."""

    @property
    def coverage(self) -> float:
        """Share of the words that the table knows, in [0, 1]."""
        return self.n_rated / self.n_words if self.n_words else 0.0


def language_of(text: str) -> str | None:
    """The language of a text as an ISO 639-1 code; None for fewer than five words."""
    if len(text.split()) < _LEAST_WORDS:
        return None
    import py3langid

    return str(py3langid.classify(text[:5_000])[0])


def text_mood(text: str, *, language: str | None = None) -> TextMood:
    """What a text is like.

    Parameters
    ----------
    text : str
        Of any length; read up to `MOST_CHARACTERS`.
    language : str, optional
        ISO 639-1 code where it is known; else it is guessed.

    Examples
    --------
    >>> text_mood("sorrow and tears and sorrow, lonely cold dark rain", language="en").emotion.label
    'Sad'
    """
    low = text[:MOST_CHARACTERS].lower()
    language = language or language_of(low)
    n_words, places = _places(low, english=language == "en")
    ends = _SENTENCE_END.findall(low)
    cried = sum("!" in end for end in ends) / len(ends) if ends else 0.0
    return TextMood(language, n_words, len(places), len(_RUDE.findall(low)), _mood(places, cried))


def _places(low: str, *, english: bool) -> tuple[int, list[tuple[float, float]]]:
    """How many words a text has, and the places of those that are rated, after negations reversed."""
    rate = norm_of if english else own_norm_of
    places: list[tuple[float, float]] = []
    n_words, denied_until = 0, 0
    for token in _TOKEN.findall(low):
        if token in ".!?;\n":
            denied_until = 0
            continue
        n_words += 1
        if english and (token in _NEGATIONS or token.endswith(("n't", "n’t"))):
            denied_until = n_words + _REACH_OF_NO
        elif (place := rate(token)) is not None:
            places.append((_REVERSED * place[0], place[1]) if n_words <= denied_until else place)
    return n_words, places


def _mood(places: list[tuple[float, float]], cried: float) -> EmotionState | None:
    """Mean of places by how far they are from neutral; classes by how near they are.

    ``cried`` is the share of sentences with an exclamation mark, in [0, 1].
    """
    if len(places) < _LEAST_WORDS:
        return None
    weights = np.array([math.hypot(*place) for place in places]) + 1e-3
    valence, arousal = (float(x) for x in weights @ np.array(places) / weights.sum())
    arousal = min(1.0, arousal + _OF_EXCLAMATIONS * cried)
    return mood_at(valence, arousal, confidence=len(places) / (len(places) + _SURE_WORDS))
