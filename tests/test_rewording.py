"""Requests as people say them: double negations, numbers in words, limits behind their numbers, keys by other names."""

from __future__ import annotations

import pytest

from soundtrack.errors import UsageError
from soundtrack.queries.resolve import understand
from test_queries import HAPPY, KNOWN, SAD

SOFTLY_SAD, VERY_SAD = "sad (valence -0.30, arousal -0.22)", "very sad (valence -0.74, arousal -0.54)"
READ: dict[str, list[str]] = {
    # what "not" takes back
    "no music without drums": ["drums"],
    "not without piano": ["piano"],
    "never without strings, sad": ["strings", SAD],
    "not just sad": [SAD],
    "neither sad nor happy": [f"not {SAD}", f"not {HAPPY}"],
    "neither drums nor vocals": ["no drums", "no vocals"],
    "nothing sad": [f"not {SAD}"],
    "nothing with drums": ["no drums"],
    "everything but sad": [f"not {SAD}"],
    "anything except jazz": ["no 'jazz'"],
    "I don't like drums": ["no drums"],
    "i do not want vocals": ["no vocals"],
    "without words": ["no vocals"],
    "slow but not sad": ["tempo at most 85 bpm", f"not {SAD}"],
    "not loud at all": ["loudness below -13 LUFS"],
    # degrees
    "not that sad": [f"less {SAD}"],
    "pretty sad": [SOFTLY_SAD],
    "kinda sad": [SOFTLY_SAD],
    "a tiny bit sad": [SOFTLY_SAD],
    "incredibly sad": [VERY_SAD],
    "barely any drums": ["less drums"],
    "almost no drums": ["less drums"],
    "sadder": ["more sad (valence -0.74, arousal -0.54)"],
    "unlike song.mp3, slow": ["unlike song.mp3", "tempo at most 85 bpm"],
    "calmer, less dark": ["more calm (valence +0.68, arousal -0.68)", "less dark (valence -0.55, arousal +0.00)"],
    "way faster": ["tempo at least 141 bpm"],
    # numbers
    "100 BPM or more": ["tempo at least 100 bpm"],
    "90 bpm or less": ["tempo at most 90 bpm"],
    "90 bpm and less drums": ["86 to 94 bpm", "less drums"],
    "-23 LUFS or quieter": ["loudness at most -23 LUFS"],
    "louder than -20": ["loudness at least -20 LUFS"],
    "faster than 120": ["tempo at least 120 bpm"],
    "tempo 90": ["86 to 94 bpm"],
    "bpm: 90": ["86 to 94 bpm"],
    "120-ish bpm": ["110 to 130 bpm"],
    "three minutes": ["2:42.0 to 3:18.0"],
    "between two and three minutes": ["2:00.0 to 3:00.0"],
    "under a minute": ["length at most 1:00.0"],
    "half a minute": ["0:27.0 to 0:33.0"],
    "two and a half minutes": ["2:15.0 to 2:45.0"],
    "2m30s": ["2:15.0 to 2:45.0"],
    "1 min 30 s": ["1:21.0 to 1:39.0"],
    "the nineties": ["1990 to 1999"],
    "released after 2010": ["year at least 2011"],
    "older than 1980": ["year at most 1979"],
    "2010 or later": ["year at least 2010"],
    "year 1999": ["1999"],
    "adagio": ["55 to 80 bpm"],
    # keys
    "in a minor key": ["in minor"],
    "in a minor": ["in A minor"],
    "Cm": ["in C minor"],
    "F#m, sad": ["in F# minor", SAD],
    "key of C": ["in C"],
    "h-Moll": ["in B minor"],
    "b-Moll": ["in Bb minor"],
    "Es-Dur": ["in Eb major"],
    "cis moll": ["in C# minor"],
    # ways of writing
    "mood: sad, tempo: slow": [SAD, "tempo at most 85 bpm"],
    "sad/slow": [SAD, "tempo at most 85 bpm"],
    "lo-fi": ["lofi (valence +0.50, arousal -0.50)"],
    "mid-tempo": ["90 to 120 bpm"],
    # names stay as they are
    "like pretty sad nineties in a minor key.mp3, no drums": [
        "like pretty sad nineties in a minor key.mp3",
        "no drums",
    ],
    'like "I don\'t want 2 or more.mp3"': ["like I don't want 2 or more.mp3"],
}


@pytest.mark.parametrize("text", READ)
def test_a_request_is_read_as_a_person_means_it(text: str) -> None:
    assert understand(text, KNOWN).understood() == READ[text]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("other", "other"),
        ("piano, no other instruments", "other"),
        ("live music", "live"),
        ("new songs", "new"),
        ("best music", "best"),
        ("traurig", "traurig"),
        ("triste, sans batterie", "batterie"),
        ("computer", "computer"),
    ],
)
def test_words_that_say_no_mood_of_music_are_said_aloud_and_not_guessed(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=f"unknown word.*{word}"):
        understand(text, KNOWN)


def test_foreign_words_are_answered_with_what_can_be_done() -> None:
    with pytest.raises(UsageError) as error:
        understand("fröhlich, ohne Schlagzeug", KNOWN)
    assert "English" in error.value.hint and "--lexicon" in error.value.hint


@pytest.mark.parametrize(
    "text", ["no instruments except piano", "no vocals, nothing other than choir", "nothing but piano"]
)
def test_an_exception_from_a_denial_is_never_read_as_another_denial(text: str) -> None:
    with pytest.raises(UsageError):
        understand(text, KNOWN)
