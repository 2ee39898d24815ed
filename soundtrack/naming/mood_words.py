"""Words of mood, and the lexicon for words in titles: the channel "title words".

Goes in: a word such as ``tense``, or a track with its title, file name, folders, genre and album. Comes out: the class
of the word and its place on the plane of valence and arousal, after the circumplex of affect (Russell 1980); for a
track the mean place of all its words, or None where it says nothing.

The places are our own, set by hand for words as they name music: a battle is a rousing piece here, where the Glasgow
norms (Scott et al. 2019, CC BY) rate the event. Where a word means the feeling itself, the norms were looked at.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, EmotionState, Track

TITLE_WORDS = "title words"
"""Name of the channel, as `why` prints it."""

ASKED: dict[str, str] = {
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
"""Class of each word that a person may ask for music by."""

_PLACES: dict[str, tuple[float, float]] = {
    "joyful": (0.75, 0.6), "triumphant": (0.6, 0.75), "epic": (0.35, 0.8), "action": (0.2, 0.85), "fun": (0.75, 0.6),
    "cheerful": (0.75, 0.4), "hopeful": (0.6, 0.2), "playful": (0.65, 0.4), "heroic": (0.45, 0.75),
    "party": (0.65, 0.85), "scary": (-0.65, 0.6), "horror": (-0.75, 0.5), "terrifying": (-0.75, 0.8),
    "eerie": (-0.55, 0.0), "spooky": (-0.4, 0.1), "creepy": (-0.6, 0.1), "dark": (-0.55, 0.0),
    "sinister": (-0.65, 0.3), "dread": (-0.7, 0.1), "light": (0.45, 0.0), "tender": (0.55, -0.4),
    "romantic": (0.65, -0.2), "warm": (0.6, -0.3), "dreamy": (0.4, -0.6), "mourning": (-0.6, -0.6),
    "wistful": (-0.2, -0.4), "nostalgic": (-0.1, -0.4), "melancholy": (-0.4, -0.5), "tragic": (-0.75, -0.2),
    "angry": (-0.6, 0.85), "urgent": (-0.1, 0.75), "dramatic": (-0.2, 0.65), "mysterious": (-0.3, 0.0),
    "suspense": (-0.4, 0.4), "suspenseful": (-0.4, 0.4),
    "battle": (-0.1, 0.8), "boss": (-0.2, 0.8), "war": (-0.4, 0.7), "chase": (-0.1, 0.8), "pursuit": (-0.1, 0.75),
    "rock": (0.2, 0.65), "adventure": (0.5, 0.55), "march": (0.4, 0.5), "dance": (0.6, 0.55), "evil": (-0.65, 0.4),
    "ghost": (-0.5, 0.0), "ghosts": (-0.5, 0.0), "haunted": (-0.55, 0.1), "crypt": (-0.5, -0.1),
    "ambient": (0.2, -0.6), "sleep": (0.4, -0.8), "lullaby": (0.55, -0.7), "meditation": (0.45, -0.75),
    "farewell": (-0.3, -0.4), "loneliness": (-0.5, -0.5), "devil": (-0.5, 0.6),
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
"""Further words of titles, genres and folders with a class; too vague to be asked for by."""

_ONLY_PLACES: dict[str, tuple[float, float]] = {
    "joyous": (0.75, 0.6), "glad": (0.7, 0.3), "merry": (0.75, 0.5), "jolly": (0.75, 0.5), "bouncy": (0.65, 0.6),
    "bright": (0.6, 0.35), "sunny": (0.7, 0.35), "sunshine": (0.7, 0.35), "uplifting": (0.65, 0.4),
    "inspiring": (0.6, 0.4), "optimistic": (0.65, 0.35), "carefree": (0.65, 0.1), "humorous": (0.6, 0.4),
    "comedy": (0.6, 0.45), "comic": (0.55, 0.4), "quirky": (0.45, 0.35), "circus": (0.4, 0.5), "carnival": (0.6, 0.6),
    "festive": (0.7, 0.6), "festival": (0.65, 0.6), "birthday": (0.7, 0.45), "wedding": (0.65, 0.1),
    "summer": (0.6, 0.25), "holiday": (0.6, 0.35), "beach": (0.6, 0.0), "groove": (0.55, 0.5), "grooving": (0.55, 0.5),
    "groovy": (0.55, 0.5), "funk": (0.6, 0.6), "funky": (0.6, 0.6), "disco": (0.65, 0.75), "polka": (0.6, 0.6),
    "samba": (0.65, 0.6), "salsa": (0.65, 0.65), "swing": (0.6, 0.5), "club": (0.5, 0.75), "edm": (0.5, 0.8),
    "techno": (0.2, 0.75), "trance": (0.3, 0.65), "dubstep": (-0.1, 0.85),
    "power": (0.3, 0.75), "powerful": (0.35, 0.75), "majestic": (0.45, 0.5), "victorious": (0.65, 0.75),
    "driving": (0.15, 0.65), "fast": (0.2, 0.65), "intense": (-0.15, 0.75), "extreme": (-0.1, 0.85),
    "race": (0.25, 0.75), "racing": (0.25, 0.75), "escape": (-0.2, 0.65), "combat": (-0.2, 0.8),
    "fighting": (-0.2, 0.8), "seafight": (-0.1, 0.75), "invasion": (-0.4, 0.7), "aggressive": (-0.4, 0.8),
    "rage": (-0.6, 0.85), "fury": (-0.5, 0.85), "anger": (-0.6, 0.7), "metal": (-0.25, 0.85), "punk": (0.0, 0.8),
    "hardcore": (-0.3, 0.9), "trailer": (0.0, 0.65), "explosion": (-0.2, 0.8), "panic": (-0.6, 0.75),
    "alarm": (-0.5, 0.7), "crisis": (-0.5, 0.6), "thunder": (-0.2, 0.6), "storm": (-0.3, 0.5),
    "mystery": (-0.25, 0.05), "mystical": (0.0, -0.15), "mystic": (0.0, -0.15), "magic": (0.3, 0.1),
    "magical": (0.35, 0.1), "fairy": (0.45, 0.0), "enchanted": (0.35, -0.1), "secret": (-0.2, 0.0),
    "stealth": (-0.3, 0.2), "sneaky": (-0.1, 0.2), "creeping": (-0.5, 0.15), "ominous": (-0.55, 0.25),
    "menacing": (-0.6, 0.4), "unnerving": (-0.55, 0.3), "uneasy": (-0.45, 0.25), "disturbing": (-0.65, 0.35),
    "doom": (-0.65, 0.2), "dungeon": (-0.45, 0.1), "cave": (-0.3, -0.1), "caves": (-0.3, -0.1),
    "sewers": (-0.45, -0.05), "graveyard": (-0.55, -0.15), "halloween": (-0.35, 0.25), "ghostly": (-0.5, 0.0),
    "haunting": (-0.45, -0.05), "vampire": (-0.5, 0.2), "blood": (-0.55, 0.4), "death": (-0.65, 0.0),
    "hell": (-0.65, 0.5), "demon": (-0.6, 0.5), "killer": (-0.6, 0.5), "murder": (-0.65, 0.4), "villain": (-0.5, 0.4),
    "traitor": (-0.5, 0.2), "watchful": (-0.3, 0.3), "showdown": (-0.2, 0.7),
    "depressing": (-0.7, -0.4), "depressed": (-0.7, -0.5), "somber": (-0.5, -0.4), "sombre": (-0.5, -0.4),
    "mournful": (-0.6, -0.5), "melancholic": (-0.4, -0.5), "sorrowful": (-0.6, -0.5), "heartbreak": (-0.6, -0.2),
    "heartbroken": (-0.65, -0.3), "broken": (-0.45, -0.2), "goodbye": (-0.35, -0.35), "alone": (-0.45, -0.45),
    "lost": (-0.4, -0.2), "loss": (-0.55, -0.4), "cry": (-0.5, -0.1), "crying": (-0.55, -0.2), "regret": (-0.5, -0.4),
    "desolate": (-0.55, -0.4), "solemn": (-0.25, -0.45), "elegiac": (-0.45, -0.5), "bittersweet": (-0.05, -0.3),
    "blue": (-0.2, -0.3), "blues": (-0.1, 0.0), "rainy": (-0.15, -0.45), "icy": (-0.3, -0.3), "cold": (-0.35, -0.25),
    "calmed": (0.5, -0.6), "calming": (0.5, -0.6), "soothing": (0.55, -0.6), "soft": (0.4, -0.5),
    "quiet": (0.3, -0.6), "slow": (0.0, -0.55), "mellow": (0.45, -0.45), "relax": (0.5, -0.6),
    "chillout": (0.45, -0.55), "chillhop": (0.45, -0.4), "lounge": (0.45, -0.3), "downtempo": (0.3, -0.45),
    "spa": (0.5, -0.75), "zen": (0.45, -0.7), "yoga": (0.45, -0.7), "drone": (-0.1, -0.6), "tranquil": (0.5, -0.65),
    "tranquility": (0.5, -0.65), "serenity": (0.55, -0.6), "idyllic": (0.6, -0.4), "pastoral": (0.5, -0.4),
    "meadow": (0.5, -0.4), "garden": (0.45, -0.3), "shrine": (0.15, -0.45), "temple": (0.1, -0.4),
    "prayer": (0.2, -0.5), "sacred": (0.2, -0.4), "heaven": (0.5, -0.3), "dream": (0.4, -0.5), "dreams": (0.4, -0.5),
    "dreaming": (0.4, -0.5), "floating": (0.35, -0.6), "love": (0.65, -0.1), "romance": (0.65, -0.2),
    "princess": (0.5, -0.25), "sweet": (0.6, -0.25), "lovely": (0.6, -0.2), "innocent": (0.5, -0.3),
    "beautiful": (0.5, -0.25), "emotional": (-0.05, -0.1), "sentimental": (0.1, -0.35), "nostalgia": (-0.1, -0.4),
    "hope": (0.55, 0.1), "village": (0.4, -0.05), "town": (0.4, 0.1),
    "waltz": (0.4, 0.0), "acoustic": (0.35, -0.2), "corporate": (0.4, 0.2), "documentary": (0.1, -0.1),
    "piano": (0.2, -0.35), "ballad": (0.1, -0.35), "nocturne": (0.0, -0.5),
    "jazz": (0.35, 0.0), "jazzy": (0.4, 0.1), "folk": (0.4, 0.1), "country": (0.4, 0.2), "reggae": (0.5, 0.1),
}  # fmt: skip
"""Further words that only have a place; far too many ways to ask."""

_FAINT = frozenset(
    {"piano", "ballad", "jazz", "jazzy", "folk", "country", "reggae", "acoustic", "waltz", "rock", "light", "blue"}
    | {"blues", "cold", "town", "village", "documentary", "corporate", "trailer", "beautiful", "emotional", "shrine"}
    | {"temple", "cave", "caves", "sewers", "dungeon", "princess", "garden", "meadow", "graveyard", "crypt", "secret"}
)
"""Words that say little beside others: instruments, styles, places, and words with further senses."""
_FAINT_WEIGHT, _FAR_WEIGHT = 0.35, 0.5
"""What a faint word counts, and one that is not in the title or the name of the file."""
_N_FOLDERS = 2
"""Folders above a track whose names count; those further up are about collections, not moods."""
_WIDTH = 0.35
"""How far from the prototype of a class, on the plane, its words lie."""


@dataclass(frozen=True, slots=True)
class TitleMood:
    """What the names of a track say of its mood."""

    words: tuple[str, ...]
    """The words that say it."""
    emotion: EmotionState
    """Mean of their places and classes, by nearness where a word has no class; confidence grows with weight."""


def place_of(word: str) -> tuple[float, float] | None:
    """Valence and arousal of a word in lower case, or None.

    Examples
    --------
    >>> place_of("epic"), place_of("tension"), place_of("table")
    ((0.35, 0.8), (-0.4, 0.5), None)
    """
    own = _PLACES.get(word) or _ONLY_PLACES.get(word)
    name = ASKED.get(word) or _IN_NAMES.get(word)
    return own or (CLASS_VALENCE_AROUSAL[name] if name else None)


@lru_cache(maxsize=16_384)
def words_in(text: str) -> tuple[str, ...]:
    """The words of mood in a text, in its order, each once; what is written in two words or with a hyphen is one.

    Examples
    --------
    >>> words_in("02 Battle_Theme (sad piano), Lo-Fi")
    ('battle', 'sad', 'piano', 'lofi')
    """
    plain = re.sub(r"\b([Ll])o[\s-][Ff]i\b", r"\1ofi", unicodedata.normalize("NFC", text))
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    words = re.findall(r"[^\W\d_]+", apart.lower())
    return tuple(dict.fromkeys(word for word in words if place_of(word) is not None))


def _names(track: Track) -> tuple[list[str], list[str]]:
    """What names a track itself, and what names its surroundings."""
    near = [track.tags.title, track.path.stem]
    far = [track.tags.genre, track.tags.album, *(parent.name for parent in list(track.path.parents)[:_N_FOLDERS])]
    return [name for name in near if name], [name for name in far if name]


def title_mood(track: Track) -> TitleMood | None:
    """What the names of a track say of its mood; None where they say nothing.

    Examples
    --------
    >>> from pathlib import PurePath
    >>> from types import SimpleNamespace
    >>> tags = SimpleNamespace(title="Sad Piano", genre=None, album=None)
    >>> said = title_mood(SimpleNamespace(tags=tags, path=PurePath("/music/01.mp3")))
    >>> said.words, said.emotion.label
    (('sad', 'piano'), 'Sad')
    """
    near, far = _names(track)
    weights: dict[str, float] = {}
    for names, weight in ((near, 1.0), (far, _FAR_WEIGHT)):
        for word in (word for name in names for word in words_in(name)):
            weights.setdefault(word, weight * (_FAINT_WEIGHT if word in _FAINT else 1.0))
    if not weights:
        return None
    return TitleMood(tuple(weights), _mixed(tuple(weights.items())))


def mood_at(valence: float, arousal: float, *, confidence: float = 1.0) -> EmotionState:
    """A mood by its place on the plane: classes by how near they are.

    Examples
    --------
    >>> mood_at(-0.6, -0.4).label
    'Sad'
    """
    near = _nearness(np.array([[valence, arousal]]))[0] + 1e-6
    return EmotionState(tuple(float(x) for x in near / near.sum()), valence, arousal, confidence=confidence)


def _nearness(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How near places on the plane are to each class, shape (n, 6), in (0, 1]."""
    classes = np.array([CLASS_VALENCE_AROUSAL[name] for name in EMOTIONS])
    return np.asarray(np.exp(-np.square(places[:, None] - classes[None]).sum(axis=2) / (2 * _WIDTH**2)))


@lru_cache(maxsize=16_384)
def _mixed(weighed: tuple[tuple[str, float], ...]) -> EmotionState:
    """Weighted mean of the places and classes of some words, as a state of emotion."""
    places = np.array([place_of(word) for word, _ in weighed], np.float64)
    weights = np.array([weight for _, weight in weighed])
    valence, arousal = (float(x) for x in weights @ places / weights.sum())
    near = _nearness(places)
    near /= near.sum(axis=1, keepdims=True)
    for row, (word, _) in enumerate(weighed):
        name = ASKED.get(word) or _IN_NAMES.get(word)
        if name is not None:
            near[row] = [0.8 if other == name else 0.04 for other in EMOTIONS]
    total = float(weights.sum())
    return EmotionState(
        probabilities=tuple(float(p) for p in weights @ near / total),
        valence=valence,
        arousal=arousal,
        confidence=total / (total + _FAINT_WEIGHT),
    )
