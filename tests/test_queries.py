"""Requests in words: how they are read, what they rank first, and what is said of words that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from soundtrack.errors import UsageError
from soundtrack.queries.match import Facts, answer
from soundtrack.queries.resolve import understand
from soundtrack.queries.vocabulary import Known

SOUNDS = frozenset(
    {"drums", "guitar", "piano", "strings", "violin", "flute", "choir", "vocals", "female vocals", "ambient", "techno"}
)
KNOWN = Known(SOUNDS, frozenset({"jazz", "battle", "theme", "village", "drum and bass", "lofi", "mozart"}))
SAD, TENSE = "sad (valence -0.55, arousal -0.40)", "tense (valence -0.40, arousal +0.50)"
HAPPY = "happy (valence +0.60, arousal +0.70)"

READ: dict[str, list[str]] = {
    # negation and degree
    "no drums": ["no drums"],
    "without drums": ["no drums"],
    "Without Drums!": ["no drums"],
    "not sad": [f"not {SAD}"],
    "never sad": [f"not {SAD}"],
    "no drums or vocals": ["no drums", "no vocals"],
    "no drums and no vocals": ["no drums", "no vocals"],
    "no drums, piano": ["no drums", "piano"],
    "no drums but piano": ["no drums", "piano"],
    "no drums with piano": ["no drums", "piano"],
    "piano no drums": ["piano", "no drums"],
    "piano without any drums": ["piano", "no drums"],
    "no sad piano": [f"not {SAD}", "no piano"],
    "except piano": ["no piano"],
    "less drums": ["less drums"],
    "fewer guitars": ["less guitar"],
    "hardly any drums": ["less drums"],
    "more strings": ["more strings"],
    "lots of strings": ["more strings"],
    "very sad": ["very sad (valence -0.74, arousal -0.54)"],
    "a little sad": ["sad (valence -0.30, arousal -0.22)"],
    "not very sad": [f"less {SAD}"],
    "not too sad": [f"less {SAD}"],
    "very sad piano": ["very sad (valence -0.74, arousal -0.54)", "piano"],
    "instrumental": ["no vocals"],
    "not instrumental": ["vocals"],
    "no singing": ["no vocals"],
    "no jazz": ["no 'jazz'"],
    "not minor": ["not in minor"],
    "not 90 bpm": ["not 86 to 94 bpm"],
    "not fast": ["tempo below 120 bpm"],
    "too fast": ["tempo below 120 bpm"],
    "not over 3 min": ["length below 3:00.0"],
    "no more than 4 min": ["length below 4:00.0"],
    # numbers with units
    "90 bpm": ["86 to 94 bpm"],
    "90bpm": ["86 to 94 bpm"],
    "90.5 BPM": ["87 to 94 bpm"],
    "about 90 bpm": ["83 to 97 bpm"],
    "80-100 bpm": ["80 to 100 bpm"],
    "80 to 100 bpm": ["80 to 100 bpm"],
    "between 80 and 100 bpm": ["80 to 100 bpm"],
    "100 beats per minute": ["96 to 104 bpm"],
    "under 100 bpm": ["tempo at most 100 bpm"],
    "<100 bpm": ["tempo at most 100 bpm"],
    "at least 100 bpm": ["tempo at least 100 bpm"],
    "slower than 100 bpm": ["tempo at most 100 bpm"],
    "faster than 100 bpm": ["tempo at least 100 bpm"],
    "slow": ["tempo at most 85 bpm"],
    "very slow": ["tempo at most 72 bpm"],
    "fast": ["tempo at least 120 bpm"],
    "very fast": ["tempo at least 141 bpm"],
    "under 3 minutes": ["length at most 3:00.0"],
    "longer than 2 min": ["length at least 2:00.0"],
    "2-4 min": ["2:00.0 to 4:00.0"],
    "2:30": ["2:15.0 to 2:45.0"],
    "2:30-3:10": ["2:30.0 to 3:10.0"],
    "90 seconds": ["1:21.0 to 1:39.0"],
    "under 30s": ["length at most 0:30.0"],
    "short": ["length at most 2:00.0"],
    "-14 lufs": ["-15 to -13 LUFS"],
    "-20 to -14 LUFS": ["-20 to -14 LUFS"],
    "quieter than -20 lufs": ["loudness at most -20 LUFS"],
    "louder than -12 lufs": ["loudness at least -12 LUFS"],
    "quiet": ["loudness at most -19 LUFS"],
    "1985": ["1985"],
    "the 80s": ["1980 to 1989"],
    "1990s": ["1990 to 1999"],
    "before 1970": ["year at most 1969"],
    "since 2010": ["year at least 2010"],
    "from 1960 to 1970": ["1960 to 1970"],
    "in C minor": ["in C minor"],
    "Bb major": ["in Bb major"],
    "F# minor": ["in F# minor"],
    "a minor": ["in A minor"],
    "e flat major": ["in Eb major"],
    "major key": ["in major"],
    # words
    "strings": ["strings"],
    "violins": ["violin"],
    "acoustic guitar": ["guitar"],
    "female voice": ["female vocals"],
    "a choral piece": ["choir"],
    "percussion": ["drums"],
    "jazz": ["'jazz'"],
    "drum and bass": ["'drum and bass'"],
    "ambient": ["'ambient'"],
    "tense": [TENSE],
    "happy music please": [HAPPY],
    "sad, tense": [SAD, TENSE],
    "jubilant": ["jubilant (valence +0.65, arousal +0.45)"],
    # references
    "like intro.mp3": ["like intro.mp3"],
    "intro.mp3": ["like intro.mp3"],
    "not like credits.mp3": ["unlike credits.mp3"],
    'like "a, b.mp3", no drums': ["like a, b.mp3", "no drums"],
    "similar to My Song.mp3": ["like My Song.mp3"],
    "hopeful, no drums, 90 bpm, strings, like intro.mp3, not like credits.mp3": [
        "hopeful (valence +0.60, arousal +0.20)",
        "no drums",
        "86 to 94 bpm",
        "strings",
        "like intro.mp3",
        "unlike credits.mp3",
    ],
}


@pytest.mark.parametrize("text", READ)
def test_a_request_is_read_as_it_is_meant(text: str) -> None:
    assert understand(text, KNOWN).understood() == READ[text]


@dataclass(frozen=True)
class Made:
    """Facts of one made-up track."""

    bpm: float
    length_s: float
    lufs: float
    year: float
    key: str
    tags: dict[str, float]
    words: frozenset[str]


def a_library() -> tuple[list[Made], Facts]:
    """Sixty tracks from a seed."""
    rng = np.random.default_rng(7)
    keys = ("C major", "A minor", "F# minor", "Bb major")
    made = [
        Made(
            float(rng.uniform(50, 180)),
            float(rng.uniform(40, 400)),
            float(rng.uniform(-26, -8)),
            float(rng.integers(1955, 2024)),
            keys[i % 4],
            {tag: float(rng.uniform(0, 1)) for tag in sorted(SOUNDS)},
            frozenset({"jazz"} if i % 5 == 0 else {"mozart"} if i % 5 == 1 else set()),
        )
        for i in range(60)
    ]
    place = rng.uniform(-0.9, 0.9, (2, 60)).astype(np.float32)
    likeness = {name: rng.uniform(-0.2, 0.99, 60).astype(np.float32) for name in ("intro.mp3", "credits.mp3")}
    facts = Facts(
        tempo_bpm=np.array([m.bpm for m in made], np.float32),
        length_s=np.array([m.length_s for m in made], np.float32),
        loudness_lufs=np.array([m.lufs for m in made], np.float32),
        year=np.array([m.year for m in made], np.float32),
        keys=[m.key for m in made],
        valence=place[0],
        arousal=place[1],
        tags={tag: np.array([m.tags[tag] for m in made], np.float32) for tag in SOUNDS},
        words=[m.words for m in made],
        likeness=likeness,
    )
    return made, facts


MADE, FACTS = a_library()
Rule = Callable[[Made], bool]


def one_octave(low: float, high: float) -> Rule:
    """A tempo in the range, or half or twice one."""
    return lambda m: any(low <= m.bpm * factor <= high for factor in (0.5, 1, 2))


RULES: dict[str, Rule] = {
    "no drums": lambda m: m.tags["drums"] < 0.5,
    "without vocals or drums": lambda m: m.tags["drums"] < 0.5 and m.tags["vocals"] < 0.5,
    "instrumental": lambda m: m.tags["vocals"] < 0.5,
    "no piano, strings": lambda m: m.tags["piano"] < 0.5,
    "sad, no choir": lambda m: m.tags["choir"] < 0.5,
    "no jazz": lambda m: "jazz" not in m.words,
    "no techno": lambda m: m.tags["techno"] < 0.5,
    "not mozart, happy": lambda m: "mozart" not in m.words,
    "90 bpm": one_octave(86.4, 93.6),
    "80-100 bpm": one_octave(80, 100),
    "about 140 bpm": one_octave(128.8, 151.2),
    "between 60 and 70 bpm": one_octave(60, 70),
    "under 100 bpm": lambda m: m.bpm <= 100,
    "at least 120 bpm": lambda m: m.bpm >= 120,
    "not fast": lambda m: m.bpm < 120,
    "not 80-100 bpm": lambda m: not 80 <= m.bpm <= 100,
    "under 2 min": lambda m: m.length_s <= 120,
    "2-3 min": lambda m: 120 <= m.length_s <= 180,
    "longer than 300 seconds": lambda m: m.length_s >= 300,
    "not over 3 min": lambda m: m.length_s < 180,
    "no more than 4 min, no drums": lambda m: m.length_s < 240 and m.tags["drums"] < 0.5,
    "-14 LUFS": lambda m: -15 <= m.lufs <= -13,
    "-20 to -16 LUFS": lambda m: -20 <= m.lufs <= -16,
    "quieter than -20 lufs": lambda m: m.lufs <= -20,
    "loud": lambda m: m.lufs >= -13,
    "the 80s": lambda m: 1980 <= m.year <= 1989,
    "before 1970": lambda m: m.year < 1970,
    "since 2010": lambda m: m.year >= 2010,
    "from 1960 to 1975": lambda m: 1960 <= m.year <= 1975,
    "not the 1990s": lambda m: not 1990 <= m.year <= 1999,
    "in A minor": lambda m: m.key == "A minor",
    "in A# major": lambda m: m.key == "Bb major",
    "minor": lambda m: m.key.endswith("minor"),
    "not minor": lambda m: m.key.endswith("major"),
    "slow, minor, no guitar": lambda m: m.bpm <= 85 and m.key.endswith("minor") and m.tags["guitar"] < 0.5,
}


@pytest.mark.parametrize("text", RULES)
def test_tracks_that_keep_every_number_and_every_no_come_before_all_others(text: str) -> None:
    order = answer(understand(text, KNOWN), FACTS).order()
    kept = [RULES[text](MADE[i]) for i in order]
    assert any(kept) and not all(kept)
    assert kept == sorted(kept, reverse=True)


@pytest.mark.parametrize("tag", sorted(SOUNDS - {"ambient", "techno"}))
def test_a_wanted_instrument_ranks_by_how_sure_the_networks_are(tag: str) -> None:
    found = answer(understand(tag, KNOWN), FACTS)
    heard = [MADE[i].tags[tag] for i in found.order()]
    assert heard == sorted(heard, reverse=True)


def test_a_reference_draws_and_another_repels() -> None:
    found = answer(understand("like intro.mp3, not like credits.mp3", KNOWN), FACTS)
    near, far = FACTS.likeness["intro.mp3"], FACTS.likeness["credits.mp3"]
    first, last = found.order()[0], found.order()[-1]
    assert near[first] - far[first] > 0.5 > near[last] - far[last]


def test_what_is_not_known_of_a_track_neither_pleases_nor_breaks() -> None:
    unknown = Facts(
        *(np.full(2, np.nan, np.float32) for _ in range(4)),
        keys=[None, None],
        valence=np.zeros(2, np.float32),
        arousal=np.zeros(2, np.float32),
        tags={"drums": np.full(2, np.nan, np.float32)},
        words=[frozenset(), frozenset()],
        likeness={},
    )
    found = answer(understand("no drums, 90 bpm, in C major, 1985, drums, 2 min, -14 LUFS", KNOWN), unknown)
    assert not found.values.any() and not found.broken.any()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("hopefull", "unknown word 'hopefull'", "'hopeful'"),
        ("drumms, pianno", "unknown words 'drumms', 'pianno'", "for 'pianno'"),
        ("oboe", "unknown word 'oboe'", "like FILE"),
        ("trumpet", "without evidence", "soundtrack index"),
        ("table", "unknown word 'table'", ""),
        ("90", "number without a unit", "bpm"),
        ("5000 bpm", "out of range", "10 to 500"),
        ("no", "not understood", "no drums"),
        (",", "asks for nothing", "no drums"),
        ("the music", "asks for nothing", "no drums"),
        ("x" * 3000, "3000 characters", "fewer"),
    ],
)
def test_a_word_that_nobody_knows_is_said_and_never_guessed(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        understand(text, KNOWN)
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_an_instrument_that_no_network_tells_is_a_word_of_the_tags_or_unknown_and_never_a_mood() -> None:
    deaf = Known(frozenset(), frozenset({"piano"}))
    assert understand("no piano", deaf).understood() == ["no 'piano'"]
    with pytest.raises(UsageError, match="instrument without evidence"):
        understand("no drums", deaf)


def test_the_suite_asks_at_least_a_hundred_and_twenty_questions() -> None:
    assert len(READ) + len(RULES) >= 120
