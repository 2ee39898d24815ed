"""Candidates: the named terms say what they claim, hubs are held back, versions of one song are one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import DIM, library, sheet, small_library, track
from soundtrack.cli.words import parse_lock, parse_mood, parse_span
from soundtrack.errors import UsageError
from soundtrack.merit_table import MeritTable, PlanTable
from soundtrack.naming.mood_words import ASKED
from soundtrack.naming.track_names import find_one_track, find_tracks
from soundtrack.pipeline.sheets.wishes import LockWish
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.eligibility import TERM_NAMES, Pool, choose_pool
from soundtrack.spotting.merit.hubs import closeness, references
from soundtrack.spotting.merit.intervals import Film, divide
from soundtrack.spotting.merit.likeness import artists, fifths, groups, joins, song_name
from soundtrack.spotting.merit.moods import mood, name_term
from soundtrack.spotting.merit.terms import wanted_tempo
from soundtrack.spotting.merit.view import against_the_rest, segment_table
from soundtrack.spotting.plan.worth import sounding_terms, weigh
from soundtrack.types import EMOTIONS, Span


def film_and_pool(*, n_tracks: int = 50) -> tuple[Film, Pool]:
    """A small film and all the tracks of a small library."""
    made = small_library()
    film = divide(sheet([("Sad", 20.0), ("Excited", 31.0), ("Fear", 15.5)]), Constraints(), keep_original=True)
    table = segment_table(made.all_tracks, made.embeddings)
    pool = choose_pool(
        film,
        made.all_tracks,
        table,
        merit=MeritTable(),
        constraints=Constraints(),
        allow_vocals=False,
        seed=0,
        n_tracks=n_tracks,
    )
    return film, pool


def test_the_best_segments_have_the_mood_of_the_scene_and_terms_that_add_up() -> None:
    _, pool = film_and_pool()
    track_of = np.repeat(np.arange(len(pool.tracks)), np.diff(pool.table.first_row))
    for stretch, wanted in enumerate(("sad", "excited", "fear")):
        merits = pool.merits(stretch)
        for row in np.argsort(-merits)[:5]:
            place = int(track_of[row])
            assert (pool.tracks[place].tags.title or "").startswith(wanted)
            terms = pool.terms(stretch, track=place)[:, row - pool.table.first_row[place]]
            assert len(terms) == len(TERM_NAMES)
            assert merits[row] == pytest.approx(terms.sum(), abs=1e-4)


def test_the_value_of_a_cue_is_what_sounds_second_by_second() -> None:
    film, pool = film_and_pool()
    section = PlanTable().section.weight
    worth = weigh(film, pool, PlanTable(), max_cue_s=240.0)
    for first in range(len(film)):
        for run in range(int(worth.n_stretches[first])):
            seconds = float(film.edges_s[first + run + 1] - film.edges_s[first])
            for place in range(len(pool.tracks)):
                cell = int(worth.cell[first][run, place])
                parts = sounding_terms(
                    film,
                    pool,
                    PlanTable(),
                    track=place,
                    cell=cell,
                    first=first,
                    last=first + run + 1,
                    cell_s=worth.cell_s,
                )
                entry = float(worth.value[first][run, place]) - float(parts.sum()) * seconds
                assert min(abs(entry), abs(entry - section)) < 1e-3


def test_a_small_pool_holds_the_best_of_every_scene() -> None:
    _, pool = film_and_pool(n_tracks=3)
    assert {t.tags.title.split()[0] for t in pool.tracks if t.tags.title} == {"sad", "excited", "fear"}


def test_a_hub_is_near_everything_and_loses_for_it() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, DIM)) + 0.5
    vectors[0] = 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = closeness(vectors.astype(np.float32), neighbours=references(vectors.astype(np.float32)))
    assert near[0] > np.percentile(near[1:], 90)
    assert np.all(np.abs(near) <= 1.0 + 1e-6)
    queries = rng.standard_normal((100, DIM)) + 0.5
    cosines = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ vectors.T
    plain, corrected = cosines.argmax(axis=1), (cosines - near / 2).argmax(axis=1)
    assert np.bincount(corrected, minlength=200).max() < np.bincount(plain, minlength=200).max()


def test_without_neighbours_nothing_is_near() -> None:
    assert closeness(np.eye(3, dtype=np.float32), neighbours=np.zeros((0, 3), np.float32)).tolist() == [0, 0, 0]


def test_versions_of_one_song_are_one() -> None:
    made = [
        track("a", ["Sad"] * 6, artist="Ann", title="Dawn"),
        track("b", ["Fear"] * 9, artist="Ann", title="Dawn (Live)"),
        track("c", ["Fear"] * 9, artist="Ann", title="Dawn - Remastered"),
        track("d", ["Sad"] * 6, artist="Bob", title="Dawn"),
        track("e", ["Sad"] * 6),
    ]
    means = np.eye(5, DIM, dtype=np.float32)
    assert groups(made, means).tolist() == [0, 0, 0, 3, 4]
    means[4] = means[0]
    assert groups(made, means).tolist() == [0, 0, 0, 3, 0]
    assert artists(made).tolist() == [0, 0, 0, 1, 2]
    assert song_name(made[1]) == ("ann", "dawn")
    assert song_name(track("x", ["Sad"], artist="Ann", title="(Live)")) == ("ann", "(live)")


def test_near_keys_and_equal_tempi_join_well() -> None:
    made = [
        track("c", ["Sad"], key="C major", bpm=100),
        track("a", ["Sad"], key="A minor", bpm=200),
        track("f#", ["Sad"], key="F# major", bpm=141),
        track("?", ["Sad"], key=None, bpm=None),
    ]
    cost = joins(made)
    assert np.all((cost >= 0) & (cost <= 1))
    assert cost[0, 1] < cost[0, 3] < cost[0, 2]
    assert np.allclose(cost, cost.T)
    assert fifths("Bb major") == 10
    assert fifths("nonsense") is None


def test_fast_cutting_and_excitement_want_fast_music() -> None:
    rates = wanted_tempo(np.array([0.0, 10.0, 60.0]), np.array([0.0, 0.0, 0.0]))
    assert np.all(np.diff(rates) > 0)
    assert wanted_tempo(np.array([5.0]), np.array([0.8]))[0] > wanted_tempo(np.array([5.0]), np.array([-0.8]))[0]


def test_every_mood_word_leads_to_its_class() -> None:
    for word, name in ASKED.items():
        assert mood(word.upper()).label == name
    assert {mood(e).label for e in EMOTIONS} == set(EMOTIONS)
    with pytest.raises(UsageError, match="unknown mood") as error:
        mood("tens")
    assert "tense" in error.value.hint


def test_tracks_are_found_by_the_names_people_use() -> None:
    made = [
        replace(t, tags=replace(t.tags, genre="Ambient", album="Night"))
        for t in (track("Battle One", ["Fear"], artist="Ann"), track("calm", ["Sad"], artist="Ann"))
    ]
    one = [made[0]]
    assert find_tracks("music/Battle One.flac", tracks=made) == one
    assert find_tracks("battle one", tracks=made) == one
    assert find_tracks("Battle One.flac", tracks=made) == one
    assert find_tracks(made[0].track_id[:10], tracks=made) == one
    assert find_tracks("ambient", tracks=made) == made
    assert find_tracks("music", tracks=made) == made
    assert find_tracks("ANN", tracks=made) == made
    assert find_tracks(f"ann - {made[0].tags.title}", tracks=made) == one
    with pytest.raises(UsageError, match="unknown track 'Carl'"):
        find_tracks("Carl", tracks=made)
    with pytest.raises(UsageError, match="matches 2 tracks"):
        find_one_track("ann", tracks=made)


def test_two_files_that_differ_in_case_could_not_be_named_apart() -> None:
    made = [track("Song", ["Fear"]), track("song", ["Sad"])]
    for name, wanted in (("Song.flac", made[:1]), ("song.flac", made[1:]), ("song", made[1:]), ("SONG", made)):
        assert find_tracks(name, tracks=made) == wanted


@pytest.mark.parametrize("text", ["", "1:00", "1:00-", "2:00-1:00", "1:00-1:00", "a-b", "-5-3"])
def test_what_is_no_stretch_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_span(text)
    with pytest.raises(UsageError):
        parse_mood(f"{text}=tense")


def test_a_reversed_span_was_said_to_be_no_span() -> None:
    with pytest.raises(UsageError, match="END is not after START") as refused:
        parse_span("0:50-0:10")
    assert "earlier time first" in refused.value.hint


def test_wishes_are_read() -> None:
    assert parse_span("90-1:40.5") == Span(90.0, 100.5)
    assert parse_mood("0-10=calm").emotion.label == "Relaxation"
    assert parse_mood("0-10=calm").text == "calm"
    with pytest.raises(UsageError, match="has no mood"):
        parse_mood("0-10")
    with pytest.raises(UsageError, match="has no track"):
        parse_lock("0:10")
    with pytest.raises(UsageError, match="does not start with a time"):
        parse_lock("x=y")


def test_a_vector_too_few_is_our_own_mistake() -> None:
    made = library([track("a", ["Sad"] * 3)])
    with pytest.raises(ValueError, match="one vector per segment"):
        segment_table(made.all_tracks, made.embeddings[:-1])


def test_what_is_common_in_the_library_counts_less() -> None:
    sad = [0.02, 0.01, 0.05, 0.12, 0.78, 0.02]
    tense = [0.02, 0.04, 0.05, 0.12, 0.60, 0.17]
    rows = np.array([sad] * 9 + [tense], np.float32)
    corrected = against_the_rest(rows, np.arange(11))
    np.testing.assert_allclose(corrected.sum(axis=1), 1.0, atol=1e-6)
    assert corrected[9, 5] > 1.7 * rows[9, 5]
    assert corrected[9, 5] / corrected[0, 5] > 3
    assert (np.argsort(corrected[:, 4]) == np.argsort(rows[:, 4])).all()


def test_a_library_of_all_moods_stays_as_it_is() -> None:
    rows = np.full((6, 6), 0.04, np.float32) + 0.76 * np.eye(6, dtype=np.float32)
    np.testing.assert_allclose(against_the_rest(rows, np.arange(7)), rows, atol=1e-6)


def test_a_long_track_weighs_no_more_than_a_short_one() -> None:
    sad, glad = [0.02, 0.02, 0.02, 0.02, 0.9, 0.02], [0.9, 0.02, 0.02, 0.02, 0.02, 0.02]
    long_sad = against_the_rest(np.array([sad] * 30 + [glad], np.float32), np.array([0, 30, 31]))
    short_sad = against_the_rest(np.array([sad, glad], np.float32), np.array([0, 1, 2]))
    np.testing.assert_allclose(long_sad[-1], short_sad[-1], atol=1e-6)


def test_a_scary_scene_does_not_get_advertising_rock_where_a_track_calls_itself_a_nightmare() -> None:
    plain = [
        replace(t, path=Path("/music/01.mp3"), tags=replace(t.tags, title="Opus", album=None))
        for t in small_library().all_tracks[:3]
    ]
    rock, dark, *rest = plain
    rock = replace(rock, tags=replace(rock.tags, title="Happy Rock for Advertising", genre="Rock"))
    dark = replace(dark, tags=replace(dark.tags, title="Nightmare in the Crypt"))
    scary = mood("scary")
    wanted = name_term(np.array([scary.valence]), np.array([scary.arousal]), [rock, dark, *rest], weight=0.5)
    assert wanted[0, 1] > 0.15
    assert wanted[0, 0] < -0.1
    assert not wanted[0, 2:].any()


def test_a_mood_word_has_its_own_place_within_its_class() -> None:
    eerie, horror, epic = mood("eerie"), mood("horror"), mood("epic")
    assert eerie.label == horror.label == "Fear"
    assert eerie.arousal < horror.arousal < epic.arousal
    with pytest.raises(UsageError) as caught:
        mood("hapy")
    assert "did you mean happy" in caught.value.hint


def test_a_lock_takes_a_track_as_why_prints_it_and_a_near_miss_is_named() -> None:
    """ "Artist - Title" was not understood, and a typo got no suggestion."""
    made = small_library().all_tracks[0]
    made = replace(made, path=Path("/m/07 take.flac"), tags=replace(made.tags, artist="Bryan Teoh", title="Diablo"))
    assert parse_lock("0:05=Bryan Teoh - Diablo") == LockWish(5.0, "Bryan Teoh - Diablo")
    assert find_one_track("Bryan Teoh - Diablo", tracks=[made]) is made
    with pytest.raises(UsageError) as caught:
        find_tracks("Diabolo", tracks=[made])
    assert "did you mean 'Diablo'" in caught.value.hint
