"""Vocabulary of requests: instruments and voices, styles, tempos, levels, moods.

Words of mood are those of `soundtrack.naming.mood_words`, and beyond them those whose mean rating by people
(`soundtrack.naming.norms`) is far from neutral. Which instruments and styles are known depends on the networks, and
which other words are depends on the tags of the library; both are handed in as `Known`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from soundtrack.naming.mood_words import ASKED, place_of
from soundtrack.naming.norms import norm_of
from soundtrack.queries.query import Quantity

_ALL_SOUNDS = {
    "drums": "drum drumming percussion drumkit beat beats",
    "guitar": "guitars,acoustic guitar,electric guitar",
    "piano": "pianos keyboard,grand piano,solo piano",
    "strings": "string,string section,string quartet,string orchestra,orchestral strings,bowed strings",
    "violin": "violins fiddle fiddles",
    "cello": "cellos violoncello",
    "flute": "flutes recorder",
    "harp": "harps",
    "harpsichord": "harpsichords cembalo",
    "synth": "synths synthesizer synthesizers synthesiser synthesisers",
    "sitar": "sitars",
    "choir": "choirs choral choruses",
    "organ": "organs,church organ,pipe organ",
    "brass": "horns,brass section,french horn",
    "trumpet": "trumpets",
    "saxophone": "sax saxophones saxes",
    "clarinet": "clarinets",
    "accordion": "accordions",
    "bells": "bell chimes glockenspiel",
    "bass": "basses,bass guitar,double bass",
    "orchestra": "orchestral orchestras symphonic",
    "vocals": "vocal voice voices singing singer singers sung vocalist sings lyrics words song-text,lead vocals",
    "female vocals": "soprano,female vocal,female voice,female voices,female singer,woman singing,women singing",
    "male vocals": "tenor baritone,male vocal,male voice,male voices,male singer,man singing,men singing",
}


def _spelled(table: dict[str, str]) -> dict[str, str]:
    """Every way of writing, with the name that it represents."""
    result = {}
    for name, text in table.items():
        first, *phrases = text.split(",")
        words = first.split() if " " in first or "," in text else [first]
        result.update(dict.fromkeys([name, *words, *phrases], name))
    return result


SOUNDS = _spelled(_ALL_SOUNDS)
"""Instruments and voices: every way of writing, with the name of the tag."""

UNSUNG = frozenset({"instrumental", "instrumentals", "unsung"})
"""Words for music without voices."""
SUNG_FROM = 0.08
"""Share of a track with a voice from which on it is sung, where no network says otherwise."""

STYLES = _spelled(
    {
        "techno": "tekno",
        "electronic": "electronica electro,electronic music",
        "rock": "rock,rock and roll,rock & roll,rock'n'roll",
        "ambient": "ambient",
        "classical": "classic,classical music",
        "opera": "operatic",
        "indian": "raga",
        "pop": "pop",
        "metal": "heavy-metal,heavy metal",
        "country": "country",
        "new age": "new-age,new age",
        "dance": "edm",
        "jazz": "jazzy",
        "blues": "blues",
        "folk": "folk",
        "reggae": "reggae",
        "hip hop": "hiphop hip-hop rap",
        "funk": "funky",
        "soul": "soul",
        "world": "world,world music",
        "soundtrack": "soundtrack,film score,film music",
    }
)
"""Styles: every way of writing, with the name of the tag."""

PACES: dict[str, tuple[Quantity, float, float]] = {
    "slow": (Quantity.TEMPO, -math.inf, 85.0),
    "slower": (Quantity.TEMPO, -math.inf, 85.0),
    "downtempo": (Quantity.TEMPO, -math.inf, 95.0),
    "medium": (Quantity.TEMPO, 90.0, 120.0),
    "largo": (Quantity.TEMPO, -math.inf, 60.0),
    "lento": (Quantity.TEMPO, -math.inf, 66.0),
    "adagio": (Quantity.TEMPO, 55.0, 80.0),
    "andante": (Quantity.TEMPO, 72.0, 108.0),
    "moderato": (Quantity.TEMPO, 90.0, 120.0),
    "allegretto": (Quantity.TEMPO, 100.0, 128.0),
    "allegro": (Quantity.TEMPO, 112.0, 168.0),
    "presto": (Quantity.TEMPO, 160.0, math.inf),
    "midtempo": (Quantity.TEMPO, 90.0, 120.0),
    "moderate": (Quantity.TEMPO, 90.0, 120.0),
    "uptempo": (Quantity.TEMPO, 120.0, math.inf),
    "fast": (Quantity.TEMPO, 120.0, math.inf),
    "faster": (Quantity.TEMPO, 120.0, math.inf),
    "quick": (Quantity.TEMPO, 120.0, math.inf),
    "loud": (Quantity.LOUDNESS, -13.0, math.inf),
    "louder": (Quantity.LOUDNESS, -13.0, math.inf),
    "quiet": (Quantity.LOUDNESS, -math.inf, -19.0),
    "quieter": (Quantity.LOUDNESS, -math.inf, -19.0),
    "short": (Quantity.LENGTH, -math.inf, 120.0),
    "shorter": (Quantity.LENGTH, -math.inf, 120.0),
    "long": (Quantity.LENGTH, 240.0, math.inf),
    "longer": (Quantity.LENGTH, 240.0, math.inf),
}
"""Words for numbers: of what, at least, at most."""

COMPARISONS = frozenset(["slower", "faster", "louder", "quieter", "shorter", "longer"])
"""Those of them that compare with another track, where one is named."""
VERY_SHIFT = {Quantity.TEMPO: 0.85, Quantity.LENGTH: 0.6, Quantity.LOUDNESS: 3.0}
"""What "very" does to such a limit: a factor, or LU."""

_FILLERS = """
    a an the and or of in at to for by is be it that this which some any only just please i want need give me nor
    music song songs track tracks piece pieces tune tunes something sound sounds sounding sort kind mood moods
    feel feeling feels vibe vibes instrument instruments instrumentation key tempo pace style genre one ones
    playing played & made from as
"""
FILLERS = frozenset(_FILLERS.split())
"""Words that say nothing here."""

_NOT_MOODS = """
    other live new low free good better best great bad worse worst wrong special favorite last whole beginning climax
    building barely singer song music melody rhythm harmony film theatre
"""
NOT_MOODS = frozenset(_NOT_MOODS.split())
"""Rated words that say something else of music, or nothing."""

_FAR = 0.45
"""How far from neutral the rating of a word must be for it to be a mood."""


def mood_place(word: str) -> tuple[float, float] | None:
    """Valence and arousal of a word of mood in lower case; None for any other.

    Examples
    --------
    >>> mood_place("tense"), mood_place("table")
    ((-0.4, 0.5), None)
    """
    place = place_of(word)
    if place is not None:
        return place
    rated = None if word in NOT_MOODS else norm_of(word)
    return rated if rated is not None and math.hypot(*rated) >= _FAR else None


@dataclass(frozen=True, slots=True)
class Known:
    """What a library knows beside its moods and numbers."""

    sounds: frozenset[str] = frozenset()
    """Tags that its networks can tell: instruments, voices and styles."""
    words: frozenset[str] = field(default=frozenset(), repr=False)
    """Words of its genres, folders, titles, albums and artists, in lower case."""

    def suggestions(self) -> list[str]:
        """Words that are understood, for hints."""
        sounds = [word for word, tag in SOUNDS.items() if tag in self.sounds]
        styles = [word for word, tag in STYLES.items() if tag in self.sounds]
        return sorted({*ASKED, *PACES, *sounds, *styles, *self.words, "instrumental", "major", "minor"})


def is_request(text: str) -> bool:
    """Whether a text is more than one word of mood: a phrase, or a word for a sound, a style, a tempo or a level.

    Examples
    --------
    >>> is_request("tense"), is_request("no drums"), is_request("strings"), is_request("hapy")
    (False, True, True, False)
    """
    low = text.strip().lower()
    phrase = any(c in low for c in " ,;") or low in SOUNDS or low in STYLES or low in PACES or low in UNSUNG
    return phrase and low not in ASKED
