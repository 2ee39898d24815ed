"""Several moments in one cue: the best edit is found, and the sheet says how near each came."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import MadeUpLibrary, library, sheet, track
from soundtrack.documents import cuesheet
from soundtrack.documents.cuesheet import length_in_samples, needed_samples
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.fit.chain import TOLERANCE_S, chains, misfit
from soundtrack.spotting.fit.climax import climaxes
from soundtrack.spotting.fit.grid import Fitted, Grid, Wanted
from soundtrack.spotting.fit.hit_points import landings
from soundtrack.spotting.fit.landing import land
from soundtrack.spotting.fit.seams import FLOOR, Ways
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import BarTable, Ending, Landing, Track
from test_hits import bars_with_levels

RATE = MIX_RATE_HZ


def with_climaxes(
    n_segments: int, at_bars: tuple[int, ...], *, bpm: float = 120.0, ending: Ending = Ending.CUT
) -> tuple[Track, BarTable]:
    """A calm track with a few loud bars; bars are 2 s long at 120 beats a minute."""
    of = track("climb", ["Sad"] * n_segments, bpm=bpm, ending=ending)
    levels = np.full(len(of.analysis.downbeats_s), -24.0)
    for at in at_bars:
        levels[at : at + 3] = -14.0
    return of, bars_with_levels(of, levels)


def landed(of: Track, bars: BarTable, hits_s: list[float], *, seconds: float = 90.0, **wishes: float) -> Fitted | None:
    """A cue of the track with climaxes wanted at some times of it."""
    wanted = Wanted(round(seconds * RATE), start_s=0.0, **wishes)  # type: ignore[arg-type]  # floats by name
    hits = [round(t * RATE) for t in hits_s]
    found = climaxes(bars, of.segments)
    return land(bars, of.analysis, duration_s=of.audio.duration_s, wanted=wanted, found=found, hits=hits)


def told(fitted: Fitted, of: Track, bars: BarTable, hits_s: list[float]) -> tuple[Landing, ...]:
    """What falls on the moments."""
    found = climaxes(bars, of.segments)
    return landings(fitted.sections, bars, found, start_s=0.0, speed=fitted.speed, hits=hits_s)


def test_climaxes_as_far_apart_as_the_moments_are_played_straight() -> None:
    of, bars = with_climaxes(12, (10, 22))
    fitted = landed(of, bars, [15.3, 39.3])
    assert fitted is not None
    assert [(s.track.start_s, s.track.end_s) for s in fitted.sections] == [(4.7, 94.7)]
    assert [(hit.on, hit.late_ms) for hit in told(fitted, of, bars, [15.3, 39.3])] == [("climax", 0.0)] * 2


def test_the_same_moment_asked_for_twice_is_one_moment() -> None:
    of, bars = with_climaxes(12, (10, 22))
    once, twice = (landed(of, bars, hits_s, max_stretch=0.03) for hits_s in ([15.3], [15.3, 15.3]))
    assert once is not None
    assert twice == once


def test_bars_are_left_out_where_the_moments_are_nearer() -> None:
    of, bars = with_climaxes(12, (10, 22, 40))
    hits = [12.0, 32.0, 64.0]  # 10 and 16 bars apart; the music has 12 and 18
    fitted = landed(of, bars, hits)
    assert fitted is not None
    assert [(hit.on, abs(hit.late_ms or 0.0) < 0.1) for hit in told(fitted, of, bars, hits)] == [("climax", True)] * 3
    assert len(fitted.sections) >= 2


def test_half_a_bar_too_much_is_told_and_a_little_stretch_mends_it() -> None:
    of, bars = with_climaxes(12, (10, 22))
    hits = [10.0, 33.0]
    fitted = landed(of, bars, hits)
    assert fitted is not None
    first, second = told(fitted, of, bars, hits)
    assert (first.on, first.late_ms) == ("climax", 0.0)
    assert second.on == "downbeat"
    assert second.late_ms is not None
    assert abs(second.late_ms) == pytest.approx(1000.0)
    stretched = landed(of, bars, hits, max_stretch=0.1)
    assert stretched is not None
    assert stretched.speed == pytest.approx(24 / 23, abs=1e-5)
    assert [(hit.on, abs(hit.late_ms or 0.0) <= 0.1) for hit in told(stretched, of, bars, hits)] == [
        ("climax", True)
    ] * 2


def test_being_a_little_early_brings_all_within_the_tolerance() -> None:
    of, bars = with_climaxes(12, (10, 22))
    hits = [20.0, 44.12]
    fitted = landed(of, bars, hits)
    assert fitted is not None
    late = [hit.late_ms or 0.0 for hit in told(fitted, of, bars, hits)]
    assert late == pytest.approx([60.0, -60.0], abs=0.1)


def small_grid(quality: np.ndarray, *, bar: int = RATE) -> Grid:
    """A grid of even bars with given jumps."""
    lines = np.arange(len(quality)) * bar
    return Grid(lines, lines, quality, Ways(quality), -1, int(lines[-1]) + 1, int(lines[-1]) + 1)


def tried_out(grid: Grid, moments: list[int], weakness: np.ndarray, entry: np.ndarray) -> float:
    """Cost of the best chain, by trying every way through the bars."""
    n = len(grid.lines) - 1
    wanted = [m - moments[0] for m in moments]
    best = np.inf

    def on(line: int, place: int, cost: float) -> None:
        nonlocal best
        if place > wanted[-1]:
            best = min(best, cost)
            return
        near = any(abs(place - m) < RATE / 2 for m in wanted)
        for bar in range(n):
            jump = 0.0 if bar == line else -float(grid.ways.gain[line, bar])
            if not np.isfinite(jump) or (bar != line and near) or bar >= n:
                continue
            more = jump
            for m in wanted[1:]:
                if place <= m < place + RATE:
                    early = m - place <= place + RATE - m
                    off = place - m if early else place + RATE - m
                    more += float(misfit(off, RATE / 2)) + weakness[bar if early else bar + 1]
            if cost + more < best:
                on(bar + 1, place + RATE, cost + more)

    for line in range(n + 1):
        if np.isfinite(weakness[line] + entry[line]):
            on(line, 0, float(weakness[line] + entry[line]))
    return best


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 6),
    gaps=st.lists(st.integers(RATE // 2, 3 * RATE), min_size=1, max_size=2),
)
def test_the_best_chain_is_found(seed: int, n: int, gaps: list[int]) -> None:
    rng = np.random.default_rng(seed)
    quality = np.round(rng.uniform(0.3, 1.0, (n + 1, n + 1)), 3)
    np.fill_diagonal(quality, 0.0)
    quality[:, n] = 0.0
    grid = small_grid(quality)
    weakness = np.round(rng.uniform(0, 1.2, n + 1), 3)
    weakness[rng.random(n + 1) < 0.3] = np.inf
    entry = np.round(rng.uniform(0, 1.0, n + 1), 3)
    moments = [RATE, *(RATE + int(x) for x in np.cumsum(gaps))]
    found = chains(grid, moments, weakness=weakness, entry=entry)
    best = tried_out(grid, moments, weakness, entry)
    if not np.isfinite(best):
        assert found == []
        return
    shifted = [c for c in found if c.start != moments[0]]
    unshifted = [c.cost for c in found if c.start == moments[0]]
    assert min(unshifted + [c.cost for c in shifted]) <= best + 1e-6
    if not shifted:
        assert min(unshifted) == pytest.approx(best, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    n_segments=st.integers(4, 16),
    places=st.lists(st.floats(0.1, 0.9), min_size=1, max_size=3),
    bpm=st.floats(60, 170),
    seconds=st.floats(10, 150),
    shares=st.lists(st.floats(0.02, 0.98), min_size=2, max_size=4, unique=True),
    ending=st.sampled_from(list(Ending)),
    end_with_track=st.booleans(),
    most=st.sampled_from([0.0, 0.03]),
)
def test_lengths_and_seams_hold_whatever_is_asked_for(
    n_segments: int, places: list[float], bpm: float, seconds: float, shares: list[float], ending: Ending,
    end_with_track: bool, most: float,
) -> None:  # fmt: skip
    n_bars = int(n_segments * 10 * bpm / 240)
    of, bars = with_climaxes(n_segments, tuple(int(p * n_bars) for p in places), bpm=bpm, ending=ending)
    hits = sorted(share * seconds for share in shares)
    fitted = landed(of, bars, hits, seconds=seconds, end_with_track=end_with_track, max_stretch=most)
    if fitted is None:
        return
    n = round(seconds * RATE)
    lengths = [length_in_samples(s.track) for s in fitted.sections]
    assert all(length > 0 for length in lengths)
    assert sum(lengths) == needed_samples(fitted.n_samples, speed=fitted.speed)
    assert fitted.n_samples <= n
    assert abs(fitted.speed - 1) <= most + 1e-6
    if not fitted.ends_with_track and fitted.n_samples < n:
        assert fitted.sections[-1].track.end_s == pytest.approx(of.analysis.music_end_s, abs=1e-2)
    for before, after in itertools.pairwise(fitted.sections):
        assert before.seam_quality is not None
        assert before.seam_quality >= FLOOR - 1e-4
        for time_s in (before.track.end_s, after.track.start_s):
            assert np.abs(bars.bar_starts_s - time_s).min() <= 0.010
    assert all(0 <= s.track.start_s <= s.track.end_s <= of.audio.duration_s + 1e-6 for s in fitted.sections)
    inside = [t for t in hits if 0 < round(t * RATE) < n]
    notes = told(fitted, of, bars, inside)
    first = notes[0].late_ms
    assert first is not None
    assert abs(first) <= 1000 * TOLERANCE_S + 0.1


class _OneTrack(MadeUpLibrary):
    """A library of one track with bars of its own."""

    def bars(self, track_id: str) -> BarTable:
        """The same for all."""
        del track_id
        return with_climaxes(12, (10, 22))[1]


@pytest.mark.parametrize(("hits", "stretch"), [((12.0, 36.0), 0.0), ((12.0, 35.5), 0.0), ((12.0, 35.5), 0.03)])
def test_the_sheet_says_how_far_each_landed(hits: tuple[float, ...], stretch: float) -> None:
    made = library([with_climaxes(12, (10, 22))[0]])
    one = _OneTrack(made.all_tracks, made.embeddings)
    found = spot_cues(
        sheet([("Sad", 50.0)]), one, constraints=Constraints(hits=hits), settings=SpottingSettings(stretch=stretch)
    )
    assert list(cuesheet.faults(found)) == []
    (cue,) = found.cues
    assert [hit.time_s for hit in cue.landings] == list(hits)
    assert cue.landings[0].late_ms == pytest.approx(0.0, abs=0.1)
    good = [h.on == "climax" and h.late_ms is not None and abs(h.late_ms) <= 1000 * TOLERANCE_S for h in cue.landings]
    warned = [w for w in found.warnings if "climax" in w]
    assert good == [True, hits[1] == 36.0 or stretch > 0]
    assert len(warned) == good.count(False)
    (term,) = [t.value for t in cue.why if t.name == "hit"]
    assert 0.05 <= term <= 0.1
