"""The music steps aside for speech: never louder, early enough, slowly back, no pumping."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundtrack.mix.ducking import (
    MAX_ATTACK_DB_PER_S,
    MAX_RELEASE_DB_PER_S,
    MIN_CLEAR_S,
    MusicLevel,
    duck,
    gain_db_at,
    moving,
)
from soundtrack.settings import MixSettings
from soundtrack.types import GainPoint, Span

MIX = MixSettings()
FILM_S = 120.0
WHOLE_FILM = (MusicLevel(Span(0.0, FILM_S), -20.0),)

spans = st.lists(
    st.tuples(st.floats(0, FILM_S - 0.2), st.floats(0.1, 20)).map(lambda p: Span(p[0], min(p[0] + p[1], FILM_S))),
    max_size=12,
)
levels = st.lists(
    st.tuples(st.floats(0, FILM_S - 5), st.floats(1, 60), st.floats(-45, -5)).map(
        lambda p: MusicLevel(Span(p[0], min(p[0] + p[1], FILM_S)), p[2])
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(speech=spans, music=levels)
def test_never_boosts_never_jumps_and_stays_in_the_film(speech: list[Span], music: list[MusicLevel]) -> None:
    points = duck(speech, music, duration_s=FILM_S, settings=MIX)
    times = [p.time_s for p in points]
    assert times == sorted(set(times))
    assert all(0 <= t <= FILM_S for t in times)
    assert all(p.gain_db <= 0 for p in points)
    for a, b in itertools.pairwise(points):
        slope = (b.gain_db - a.gain_db) / (b.time_s - a.time_s)
        assert -MAX_ATTACK_DB_PER_S * 1.01 <= slope <= MAX_RELEASE_DB_PER_S * 1.01
    dense = gain_db_at(points, np.linspace(-1, FILM_S + 1, 5000))
    assert np.all(dense <= 0)


@settings(max_examples=100, deadline=None)
@given(speech=spans)
def test_the_music_is_down_before_each_word_and_until_its_end(speech: list[Span]) -> None:
    points = duck(speech, WHOLE_FILM, duration_s=FILM_S, settings=MIX)
    for span in speech:
        heard = np.array([max(0.0, span.start_s - MIX.attack_s), span.start_s, span.end_s])
        np.testing.assert_allclose(gain_db_at(points, heard), -9.0, atol=0.01)


@settings(max_examples=100, deadline=None)
@given(speech=spans)
def test_music_that_comes_back_stays_a_moment(speech: list[Span]) -> None:
    points = duck(speech, WHOLE_FILM, duration_s=FILM_S, settings=MIX)
    for i in range(1, len(points) - 1):
        if points[i].gain_db == 0 and points[i - 1].gain_db < 0:
            assert points[i + 1].time_s - points[i].time_s >= MIN_CLEAR_S - 0.01


@pytest.mark.parametrize(("level_lufs", "depth_db"), [(-20.0, 9.0), (-15.0, 14.0), (-25.0, 4.0), (-40.0, 0.0)])
def test_loud_music_goes_further_down_than_quiet_music(level_lufs: float, depth_db: float) -> None:
    music = (MusicLevel(Span(0.0, FILM_S), level_lufs),)
    points = duck((Span(30.0, 40.0),), music, duration_s=FILM_S, settings=MIX)
    assert gain_db_at(points, np.array([35.0]))[0] == pytest.approx(-depth_db, abs=0.01)


def test_a_larger_wanted_distance_makes_a_deeper_dip() -> None:
    deep = duck((Span(30.0, 40.0),), WHOLE_FILM, duration_s=FILM_S, settings=MixSettings(speech_over_music_lu=15.0))
    assert min(p.gain_db for p in deep) == pytest.approx(-12.0)


def test_speech_without_music_moves_nothing() -> None:
    music = (MusicLevel(Span(60.0, 80.0), -20.0),)
    assert duck((Span(10.0, 20.0),), music, duration_s=FILM_S, settings=MIX) == ()
    assert duck((), WHOLE_FILM, duration_s=FILM_S, settings=MIX) == ()


def test_breaths_do_not_lift_the_music() -> None:
    talk = [Span(10.0 + 3 * i, 12.0 + 3 * i) for i in range(10)]
    points = duck(talk, WHOLE_FILM, duration_s=FILM_S, settings=MIX)
    assert len(points) == 4
    assert np.ptp(gain_db_at(points, np.linspace(10, 39, 1000))) == 0


def test_envelope_is_straight_in_db_between_corners() -> None:
    points = (GainPoint(1.0, 0.0), GainPoint(2.0, -10.0))
    np.testing.assert_allclose(gain_db_at(points, np.array([0.0, 1.25, 1.5, 9.0])), [0.0, -2.5, -5.0, -10.0])


DIPS = tuple(
    GainPoint(time_s, gain_db)
    for time_s, gain_db in ((1.0, 0.0), (1.3, -6.0), (2.0, -6.0), (2.4, 0.0), (5.0, 0.0), (5.2, -3.0), (5.9, 0.0))
)


@pytest.mark.parametrize(
    "points", [DIPS, DIPS[2:], DIPS[:3], DIPS[1:2], ()], ids=["whole", "down first", "down last", "one", "none"]
)
def test_outside_the_moving_stretches_the_envelope_does_nothing(points: tuple[GainPoint, ...]) -> None:
    for start, stop in ((0, 480_000), (60_000, 70_000), (48_000, 96_001), (100_000, 480_000), (-96_000, 30_000)):
        expected = gain_db_at(points, np.arange(start, stop) / 48_000)
        stretches = moving(points, start=start, stop=stop)
        assert stretches == sorted(stretches)
        seen = np.zeros(stop - start, int)
        for first, last in stretches:
            assert start <= first < last <= stop
            seen[first - start : last - start] += 1
        assert seen.max(initial=0) <= 1
        assert not expected[seen == 0].any()
        if stretches and expected.any():
            assert np.count_nonzero(seen) <= np.count_nonzero(expected) + 8 * len(points)
