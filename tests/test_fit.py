"""Musical fit: exactly as long as wanted, joined at bar lines only, ending where the music ends."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import bars_of, track
from soundtrack.documents.cuesheet import length_in_samples, needed_samples
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.grid import SEAM_S, Fitted, Wanted, grid_of, long_enough
from soundtrack.spotting.fit.seams import CLEAN, FLOOR, Path, Ways, jump_qualities, likeness
from soundtrack.spotting.fit.sections import fit_track
from soundtrack.types import BarTable, Ending, Track

RATE = MIX_RATE_HZ


def fit(of: Track, bars: BarTable, seconds: float, **wishes: float | bool) -> Fitted:
    """A made-up track cut to a length."""
    wanted = Wanted(n_samples=round(seconds * RATE), **{"start_s": 0.0, **wishes})  # type: ignore[arg-type]  # floats and bools by name
    return fit_track(bars, of.analysis, duration_s=of.audio.duration_s, wanted=wanted)


def check_sections(fitted: Fitted, of: Track, bars: BarTable) -> None:
    """What holds for every cut: lengths add up, all inside the track, seams on bar lines and above the floor."""
    lengths = [length_in_samples(s.track) for s in fitted.sections]
    assert sum(lengths) == needed_samples(fitted.n_samples, speed=fitted.speed)
    assert all(n > 0 for n in lengths)
    for section in fitted.sections:
        assert section.track.start_s >= 0
        assert section.track.end_s <= of.audio.duration_s + 1e-6
    for before, after in zip(fitted.sections[:-1], fitted.sections[1:], strict=True):
        for time_s in (before.track.end_s, after.track.start_s):
            assert np.abs(bars.bar_starts_s - time_s).min() <= 0.010
        assert before.seam_quality is not None
        assert before.seam_quality >= FLOOR - 1e-4
        assert 0 <= before.seam_s <= SEAM_S
        assert before.track.end_s + before.seam_s / 2 <= of.audio.duration_s + 1e-6
        assert after.track.start_s - before.seam_s / 2 >= -1e-6
    assert fitted.sections[-1].seam_s == 0.0
    assert fitted.sections[-1].seam_quality is None


@settings(max_examples=200, deadline=None)
@given(
    n_segments=st.integers(1, 20),
    bpm=st.one_of(st.none(), st.floats(55, 190)),
    seconds=st.floats(0.05, 300),
    start=st.floats(0, 1),
    tail_s=st.floats(0, 2),
    ending=st.sampled_from(list(Ending)),
    end_with_track=st.booleans(),
    seed=st.integers(0, 50),
)
def test_any_track_is_cut_to_any_length_to_the_sample(
    n_segments: int, bpm: float | None, seconds: float, start: float, tail_s: float, ending: Ending,
    end_with_track: bool, seed: int,
) -> None:  # fmt: skip
    of = track("any", ["Sad"] * n_segments, bpm=bpm, tail_s=tail_s, ending=ending)
    bars = bars_of(of, seed=seed)
    fitted = fit(of, bars, seconds, start_s=start * n_segments * 10, end_with_track=end_with_track, max_lead_s=2.0)
    check_sections(fitted, of, bars)
    wanted = round(seconds * RATE)
    if not fitted.ends_with_track and fitted.n_samples < wanted:
        assert len(fitted.sections) == 1  # no seam is good enough to go on
        assert fitted.sections[0].track.end_s == pytest.approx(of.analysis.music_end_s, abs=1e-4)
        assert n_segments * 10 < seconds
    elif not fitted.ends_with_track:
        assert fitted.n_samples == wanted
        assert fitted.lead_samples == 0
    else:
        assert wanted - round(1.5 * RATE) <= fitted.n_samples + fitted.lead_samples <= wanted
        assert abs(fitted.sections[-1].track.end_s - of.analysis.music_end_s) <= 0.2501


@settings(max_examples=100, deadline=None)
@given(
    n_segments=st.integers(1, 20),
    bpm=st.one_of(st.none(), st.floats(55, 190)),
    seconds=st.floats(0.05, 300),
    start=st.floats(0, 1),
    tail_s=st.floats(0, 2),
    ending=st.sampled_from(list(Ending)),
    end_with_track=st.booleans(),
    most=st.sampled_from([0.001, 0.02, 0.1]),
)
def test_a_stretched_track_is_cut_to_the_sample_as_well_and_never_worse(
    n_segments: int, bpm: float | None, seconds: float, start: float, tail_s: float, ending: Ending,
    end_with_track: bool, most: float,
) -> None:  # fmt: skip
    of = track("any", ["Sad"] * n_segments, bpm=bpm, tail_s=tail_s, ending=ending)
    bars = bars_of(of)
    wishes = {"start_s": start * n_segments * 10, "end_with_track": end_with_track, "max_lead_s": 2.0}
    plain = fit(of, bars, seconds, **wishes)
    fitted = fit(of, bars, seconds, max_stretch=most, **wishes)
    check_sections(fitted, of, bars)
    assert abs(fitted.speed - 1) <= most + 1e-6
    assert fitted.speed == round(fitted.speed, 6)
    assert fitted.cost <= plain.cost
    if fitted.speed == 1.0:
        assert fitted == plain
        return
    assert fitted.n_samples + fitted.lead_samples <= round(seconds * RATE)
    assert len(fitted.sections) <= len(plain.sections) or fitted.ends_with_track or fitted.n_samples > plain.n_samples


def test_a_track_that_is_a_little_short_plays_a_little_slower() -> None:
    of = track("short", ["Sad"] * 6, bpm=120, ending=Ending.CUT)  # 60 s
    looped = fit(of, bars_of(of), 61.0)
    assert len(looped.sections) == 2
    fitted = fit(of, bars_of(of), 61.0, max_stretch=0.02)
    assert [(s.track.start_s, s.track.end_s) for s in fitted.sections] == [(0.0, pytest.approx(60.0, abs=1e-3))]
    assert fitted.n_samples == 61 * RATE
    assert fitted.speed == pytest.approx(60 / 61, abs=1e-5)
    assert fit(of, bars_of(of), 61.0, max_stretch=0.01) == looped


def test_the_ending_falls_on_the_end_without_waiting() -> None:
    of = track("song", ["Sad"] * 6, bpm=120, tail_s=1.0)
    waiting = fit(of, bars_of(of), 58.9, end_with_track=True)
    assert (len(waiting.sections), waiting.speed) == (1, 1.0)
    fitted = fit(of, bars_of(of), 58.9, end_with_track=True, max_stretch=0.03)
    assert fitted.ends_with_track
    assert (len(fitted.sections), fitted.lead_samples) == (1, 0)
    played_s = 60.0 - fitted.sections[0].track.start_s
    assert fitted.n_samples == round(58.9 * RATE)
    assert played_s <= fitted.speed * 58.9 <= played_s + 0.26


def test_what_fits_by_itself_is_left_alone() -> None:
    of = track("long", ["Sad"] * 12, bpm=120)
    for seconds, end in ((20.0, False), (60.0, True)):
        wishes = {"start_s": 60.0, "end_with_track": end}
        assert fit(of, bars_of(of), seconds, max_stretch=0.05, **wishes) == fit(of, bars_of(of), seconds, **wishes)


def test_the_music_enters_on_the_bar_line_nearest_to_the_wanted_start() -> None:
    of = track("plain", ["Sad"] * 12, bpm=120)
    fitted = fit(of, bars_of(of), 20.0, start_s=30.9)
    assert fitted.sections[0].track.start_s == 30.0
    assert len(fitted.sections) == 1


def test_music_that_would_run_out_starts_earlier_rather_than_looping() -> None:
    of = track("plain", ["Sad"] * 6, bpm=120)
    fitted = fit(of, bars_of(of), 41.0, start_s=40.0)
    assert len(fitted.sections) == 1
    assert fitted.sections[0].track.start_s == 18.0


def test_a_track_of_exactly_the_cue_s_length_is_taken_whole() -> None:
    of = track("plain", ["Sad"] * 6, bpm=None)
    for end_with_track in (False, True):
        fitted = fit(of, bars_of(of), 60.0, start_s=20.0, end_with_track=end_with_track)
        assert [(s.track.start_s, s.track.end_s) for s in fitted.sections] == [(0.0, 60.0)]
        assert fitted.ends_with_track is end_with_track


def test_a_film_shorter_than_a_bar_gets_the_start_of_one() -> None:
    of = track("plain", ["Sad"] * 6, bpm=60)
    fitted = fit(of, bars_of(of), 0.5, start_s=8.1, end_with_track=True)
    assert [(s.track.start_s, s.track.end_s) for s in fitted.sections] == [(8.0, 8.5)]


def test_a_short_track_is_looped_at_its_best_seam() -> None:
    of = track("loop", ["Sad"] * 4, bpm=120)  # 20 bars of 2 s, of which bars 8 apart sound alike
    fitted = fit(of, bars_of(of), 100.0)
    assert fitted.n_samples == 100 * RATE
    for before, after in zip(fitted.sections[:-1], fitted.sections[1:], strict=True):
        assert (before.track.end_s - after.track.start_s) % 16.0 == pytest.approx(0.0, abs=1e-6)
        assert before.seam_quality == pytest.approx(1.0, abs=1e-3)


def test_no_seam_is_made_under_the_floor() -> None:
    of = track("strange", ["Sad"] * 4, bpm=120)
    bars = bars_of(of)
    n = len(bars.features)
    rng = np.random.default_rng(1)
    strange = BarTable(bars.bar_starts_s, np.linalg.qr(rng.standard_normal((n + 8, n + 8)))[0][:n].astype(np.float32))
    fitted = fit(of, strange, 100.0)
    assert len(fitted.sections) == 1
    assert fitted.n_samples == 40 * RATE


def test_a_cue_ends_on_the_real_last_note_after_one_good_jump() -> None:
    of = track("song", ["Sad"] * 12, bpm=120, tail_s=1.0)  # bars of 2 s; music ends at 120 s
    fitted = fit(of, bars_of(of), 40.4, start_s=16.0, end_with_track=True)
    assert fitted.ends_with_track
    assert fitted.sections[0].track.start_s == 16.0
    assert 120.0 <= fitted.sections[-1].track.end_s <= 120.25
    assert len(fitted.sections) == 2
    assert fitted.sections[0].seam_quality == pytest.approx(1.0, abs=1e-3)
    assert round(39.99 * RATE) <= fitted.n_samples <= round(40.4 * RATE)


def test_a_fade_is_kept_where_the_track_stops_in_the_middle_of_things() -> None:
    of = track("cut", ["Sad"] * 12, bpm=120, ending=Ending.CUT)
    fitted = fit(of, bars_of(of), 40.4, start_s=16.0, end_with_track=True)
    assert not fitted.ends_with_track
    assert fitted.n_samples == round(40.4 * RATE)


def test_waiting_for_the_ending_is_allowed_only_where_nothing_sounded_before() -> None:
    of = track("slow", ["Sad"] * 12, bpm=60)  # bars of 4 s
    of = replace(of, analysis=replace(of.analysis, beats_s=of.analysis.downbeats_s))
    waiting = fit(of, bars_of(of), 41.9, start_s=16.0, end_with_track=True, max_lead_s=2.0)
    assert waiting.ends_with_track
    assert waiting.lead_samples == round(1.9 * RATE)
    touching = fit(of, bars_of(of), 41.9, start_s=16.0, end_with_track=True, max_trail_s=1.0)
    assert touching.lead_samples == 0
    assert not touching.ends_with_track


def test_jumps_between_bars_that_sound_alike_are_the_best() -> None:
    of = track("song", ["Sad"] * 12, bpm=120)
    quality = jump_qualities(bars_of(of), ending=Ending.HARD)
    assert np.all((quality >= 0) & (quality <= 1))
    assert quality[10, 18] == pytest.approx(1.0)
    assert quality[10, 19] < quality[10, 18]
    assert np.all(np.diag(quality) == 0)


def test_nothing_jumps_out_of_a_fade_nor_away_from_a_last_note_but_loops_go_round() -> None:
    of = track("song", ["Sad"] * 12, bpm=120)  # 60 bars of 2 s
    hard, fade, cut = (jump_qualities(bars_of(of), ending=e) for e in (Ending.HARD, Ending.FADE, Ending.CUT))
    assert not hard[60].any()
    assert not fade[55:].any()
    assert not fade[:, 55:].any()
    assert cut[60, 0] > FLOOR
    assert hard[50, 42] == fade[50, 42] == cut[50, 42] == pytest.approx(1.0)


def test_bars_without_any_difference_are_all_alike() -> None:
    assert np.array_equal(likeness(np.ones((3, 4), np.float32)), np.ones((3, 3)))


def test_the_way_through_the_bars_has_the_wanted_number_of_them() -> None:
    of = track("song", ["Sad"] * 12, bpm=120)
    quality = jump_qualities(bars_of(of), ending=Ending.HARD)
    for n_bars in (1, 7, 57, 65, 89, 153):
        path = Ways(quality).best(first=3, n_bars=n_bars, must_end=n_bars > 7)
        assert path is not None
        assert sum(last - first for first, last in path.runs) == n_bars
        assert path.runs[0][0] == 3
        assert n_bars <= 7 or path.runs[-1][1] == 60
        assert len(path.qualities) == len(path.runs) - 1


def test_two_clean_seams_are_made_before_one_that_is_heard() -> None:
    """Eight bars more by one jump that is heard, or four bars twice by jumps that are not."""
    quality = np.zeros((21, 21))
    quality[12, 4], quality[12, 8] = 0.7, 0.97
    path = Ways(quality).best(first=0, n_bars=28, must_end=True)
    assert path is not None
    assert min(path.qualities) >= CLEAN
    only = np.zeros((21, 21))
    only[12, 4] = 0.7
    alone = Ways(only).best(first=0, n_bars=28, must_end=True)
    assert alone is not None
    assert alone.qualities == (0.7,)


def test_a_cue_without_samples_is_our_own_mistake() -> None:
    of = track("plain", ["Sad"])
    with pytest.raises(ValueError, match="at least one sample"):
        fit(of, bars_of(of), 0.0)


@pytest.mark.parametrize("seconds", [50.0, 90.0, 200.0])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_short_bar_asks_for_no_more_music(seconds: float, backwards: bool) -> None:
    """Bars were counted by the shortest of the track, so that a way was planned for ten times the music."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(6, 8)).astype(np.float32)[rng.integers(0, 6, 24)]
    lines = np.append(np.arange(24) * 2.0, 46.2)  # the last bar has 0.2 s
    of = track("any", ["Sad"] * 5, bpm=120.0, ending=Ending.CUT)
    grid = grid_of(BarTable(bar_starts_s=lines, features=features), of.analysis, of.audio.duration_s)
    ways = Ways(np.ascontiguousarray(grid.quality.T[::-1, ::-1])) if backwards else grid.ways
    there = (grid.lines[-1] - grid.lines)[::-1] if backwards else grid.lines
    path = long_enough(grid, ways, 0, round(seconds * RATE), backwards=backwards)
    assert path is not None
    lasts_s = sum(int(there[b] - there[a]) for a, b in path.runs) / RATE
    assert seconds <= lasts_s < seconds + 6.0


def test_a_piece_under_a_long_film_repeated_ten_seconds_twenty_times() -> None:
    """The loop with the best seam was taken for ever, though the track has others."""
    quality = np.zeros((29, 29))
    quality[7, 1], quality[20, 14], quality[27, 4] = 0.96, 0.92, 0.7
    ways = Ways(quality)

    def most(path: Path | None) -> int:
        assert path is not None
        assert sum(b - a for a, b in path.runs) == 120
        lines = [(a[1], b[0]) for a, b in itertools.pairwise(path.runs)]
        assert path.qualities == tuple(quality[jump] for jump in lines)
        return max(lines.count(jump) for jump in lines)

    assert most(ways.best(first=0, n_bars=120, must_end=False)) >= 15
    assert most(ways.varied(first=0, n_bars=120)) <= 5
    once = ways.varied(first=0, n_bars=30)
    assert once == ways.best(first=0, n_bars=30, must_end=False), "nothing changes where no loop tires"
