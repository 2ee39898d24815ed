"""The words that name music are evidence: what they say, and that the choice hears them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import library, sheet, track
from soundtrack import resources
from soundtrack.library.store.store import open_store
from soundtrack.merit_table import MeritTable
from soundtrack.naming.mood_words import TITLE_WORDS, place_of, title_mood, words_in
from soundtrack.pipeline.track_opinions import with_opinions
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.view import placed_by_class
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CLASS_VALENCE_AROUSAL, Track


def named(title: str, *, path: str = "/srv/audio/01.mp3", genre: str | None = None) -> Track:
    """A track of no particular mood with a name."""
    plain = track("x", ["Neutral"] * 12)
    return replace(plain, path=Path(path), tags=replace(plain.tags, title=title, genre=genre, album=None))


@pytest.mark.parametrize(
    ("title", "label", "low", "high"),
    [
        ("Battle Theme A", "Tension", 0.6, 1.0),
        ("sad piano", "Sad", -0.7, -0.3),
        ("Horror Ambience", "Fear", 0.3, 0.7),
        ("lofi beats to chill to", "Relaxation", -0.8, -0.4),
        ("Lo-Fi 17", "Relaxation", -0.8, -0.4),
        ("EPIC", "Excited", 0.6, 1.0),
        ("BossFight", "Tension", 0.5, 1.0),
        ("Calmed Cube", "Relaxation", -0.8, -0.4),
    ],
)
def test_a_title_says_its_mood(title: str, label: str, low: float, high: float) -> None:
    said = title_mood(named(title))
    assert said is not None
    assert said.emotion.label == label
    assert low <= said.emotion.arousal <= high


def test_file_folder_and_genre_count_less_than_a_title_and_plain_names_say_nothing() -> None:
    assert title_mood(named("Opus 12", path="/srv/audio/jrpg_battle.ogg")).emotion.arousal > 0.6  # type: ignore[union-attr]
    folder = title_mood(named("Opus 12", path="/srv/audio/horror/01.ogg"))
    genre = title_mood(named("Opus 12", genre="Horror"))
    title = title_mood(named("Horror"))
    assert folder is not None and genre is not None and title is not None
    assert folder.emotion == genre.emotion
    assert folder.emotion.confidence < title.emotion.confidence
    for plain in ("Opus 12", "Symphony in G", "Track 01", "untitled", "Home Run"):
        assert title_mood(named(plain)) is None, plain


def test_an_instrument_says_less_than_a_feeling() -> None:
    alone, beside = title_mood(named("Piano")), title_mood(named("Epic Piano"))
    assert alone is not None and beside is not None
    assert alone.emotion.confidence < 0.6
    assert beside.emotion.arousal > 0.4


def test_every_word_has_a_place_on_the_plane() -> None:
    for word in words_in("happy sad tense calm scary battle chill doom sunny slow"):
        valence, arousal = place_of(word) or (9.0, 9.0)
        assert -1.0 <= valence <= 1.0 and -1.0 <= arousal <= 1.0
    assert set(CLASS_VALENCE_AROUSAL) == {"Excited", "Fear", "Neutral", "Relaxation", "Sad", "Tension"}


def test_the_fight_gets_the_battle_theme_where_the_networks_hear_no_difference() -> None:
    music = library([named("Battle Theme", path="/srv/a.ogg"), replace(named("Sad Piano"), track_id="b" * 64)])
    film = sheet([("Tension", 60.0), ("Sad", 60.0)])
    found = spot_cues(film, music)
    titles = {t.track_id: t.title for t in found.tracks}
    assert [titles[cue.track_id] for cue in found.cues] == ["Battle Theme", "Sad Piano"]
    assert all(any(term.name == "names" and term.value > 0 for term in cue.why) for cue in found.cues)
    silent = SpottingSettings(merit=MeritTable().adjusted({"names": 0}))
    assert not any(term.name == "names" for cue in spot_cues(film, music, settings=silent).cues for term in cue.why)


def test_calm_picture_and_calm_music_meet_at_one_arousal_whatever_their_networks_say() -> None:
    calm = np.zeros((2, 6), np.float32)
    calm[:, 3] = 1.0
    seen, heard = placed_by_class(np.array([0.1, -0.4]), calm, axis=1)
    assert seen < 0.0
    assert abs(seen - heard) < 0.5


def test_the_opinion_of_the_title_is_shown_beside_what_the_networks_say(tmp_path: Path) -> None:
    folder = shutil.copytree(resources.example_index_dir(), tmp_path / "index")
    with open_store(folder) as store:
        found = next(iter(store.tracks().values()))
        titled = with_opinions(store, replace(found, tags=replace(found.tags, title="Haunted")))
    last = titled.segments[0].opinions[-1]
    assert (last.channel, last.weight) == (TITLE_WORDS, 0.0)
    assert last.emotion is not None and last.emotion.label == "Fear"
