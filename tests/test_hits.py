"""A climax of the track on a chosen moment of the film: to the sample where the track allows it, told where not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from made_up import MadeUpLibrary, library, sheet, track
from soundtrack.audio.music.structure import bar_levels_db
from soundtrack.cli.words import parse_hit
from soundtrack.documents import cuesheet
from soundtrack.documents.cuesheet import length_in_samples
from soundtrack.errors import UsageError
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.climax import climaxes, nearest_s
from soundtrack.spotting.fit.grid import Wanted, grid_of
from soundtrack.spotting.fit.landing import _before, land
from soundtrack.spotting.fit.seams import FLOOR
from soundtrack.spotting.merit.constraints import Constraints, require_inside
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import BarTable, Ending, Span, Track


def bars_with_levels(of: Track, levels_db: np.ndarray) -> BarTable:
    """Bars of the track's downbeats with 28 features each, of which only the level differs."""
    lines = np.array([*of.analysis.downbeats_s, of.analysis.music_end_s])
    n = len(lines) - 1
    features = np.zeros((n, 28))
    features[:, 0] = features[:, 12] = 0.6
    turn = np.clip((levels_db[:n] - np.median(levels_db[:n])) / 20, -1, 1) * np.pi / 2
    features[:, 24], features[:, 25] = np.sqrt(0.12) * np.cos(turn), np.sqrt(0.12) * np.sin(turn)
    features[:, 26] = np.sqrt(0.08)
    return BarTable(lines, features.astype(np.float32))


def with_climax(
    n_segments: int, at_bar: int, *, bpm: float = 120.0, ending: Ending = Ending.CUT
) -> tuple[Track, BarTable]:
    """A track that is calm but for four loud bars."""
    of = track("climb", ["Sad"] * n_segments, bpm=bpm, ending=ending)
    levels = np.full(len(of.analysis.downbeats_s), -24.0)
    levels[at_bar : at_bar + 4] = -14.0
    return of, bars_with_levels(of, levels)


def test_levels_come_back_out_of_the_features() -> None:
    of, bars = with_climax(6, 12)
    levels = bar_levels_db(bars.features)
    assert levels[11] == pytest.approx(0.0, abs=1e-3)
    assert levels[12] == pytest.approx(10.0, abs=1e-3)
    assert not bar_levels_db(bars.features[:, :12]).any()
    assert of.analysis.downbeats_s[12] == 24.0


def test_the_bar_line_where_it_becomes_loud_is_the_climax() -> None:
    of, bars = with_climax(6, 12)
    assert [c.time_s for c in climaxes(bars, of.segments)] == [24.0]
    flat = bars_with_levels(of, np.full(30, -20.0))
    assert climaxes(flat, of.segments) == ()


def test_excitement_alone_can_make_a_climax() -> None:
    of = track("calm then not", ["Relaxation"] * 4 + ["Excited"] * 4, bpm=120)
    found = climaxes(bars_with_levels(of, np.full(40, -20.0)), of.segments)
    assert found[0].time_s == 40.0


@pytest.mark.parametrize(("more_s", "sections"), [(0.5, [(3.5, 40.0)]), (1.5, [(38.5, 40.0), (4.0, 40.0)])])
def test_a_cue_with_a_hit_point_began_with_half_a_second_before_a_join(
    more_s: float, sections: list[tuple[float, float]]
) -> None:
    """It played a beat and jumped to the first bar line of the track, where it could have entered a beat before it."""
    of, bars = with_climax(6, 20)
    grid = grid_of(BarTable(bars.bar_starts_s[2:], bars.features[2:]), of.analysis, of.audio.duration_s)
    quality = np.zeros_like(grid.quality)
    quality[18, 0] = 0.9  # from 40 s to the first line, at 4 s
    n = round((36.0 + 6.0 + more_s) * MIX_RATE_HZ)
    before = _before(replace(grid, quality=quality), 3, n, 0.0)
    assert before is not None
    assert [(a / MIX_RATE_HZ, b / MIX_RATE_HZ) for a, b in before.spans] == [*sections, (4.0, 10.0)]
    assert len(before.qualities) == len(sections)


@settings(max_examples=150, deadline=None)
@given(
    n_segments=st.integers(3, 18),
    place=st.floats(0.05, 0.9),
    bpm=st.floats(60, 180),
    seconds=st.floats(3, 200),
    hit=st.floats(0.02, 0.98),
    start=st.floats(0, 150),
    ending=st.sampled_from(list(Ending)),
    end_with_track=st.booleans(),
)
def test_the_climax_falls_on_the_moment_and_the_length_is_kept(
    n_segments: int, place: float, bpm: float, seconds: float, hit: float, start: float, ending: Ending,
    end_with_track: bool,
) -> None:  # fmt: skip
    n_bars = int(n_segments * 10 * bpm / 240)
    at_bar = max(1, int(place * n_bars))
    assume(at_bar + 5 < n_bars)
    of, bars = with_climax(n_segments, at_bar, bpm=bpm, ending=ending)
    found = climaxes(bars, of.segments)
    assert found[0].time_s == pytest.approx(bars.bar_starts_s[at_bar])
    n, at = round(seconds * MIX_RATE_HZ), round(hit * seconds * MIX_RATE_HZ)
    wanted = Wanted(n, start_s=start, end_with_track=end_with_track)
    fitted = land(bars, of.analysis, duration_s=of.audio.duration_s, wanted=wanted, found=found, hits=[at])
    if fitted is None:
        assert hit * seconds > bars.bar_starts_s[at_bar] - 1e-3  # the track is too short before its climax
        return
    off_s = nearest_s([c.time_s for c in found], fitted.sections, at / MIX_RATE_HZ)
    if off_s is None or abs(off_s) > 0.010:  # as above, and a bar line is there instead
        assert hit * seconds > bars.bar_starts_s[at_bar] - 1e-3
        off_s = nearest_s(list(bars.bar_starts_s), fitted.sections, at / MIX_RATE_HZ)
    assert off_s is not None
    assert abs(off_s) <= 0.010
    lengths = [length_in_samples(s.track) for s in fitted.sections]
    assert all(length > 0 for length in lengths)
    assert sum(lengths) == fitted.n_samples <= n
    if not fitted.ends_with_track and fitted.n_samples < n:
        assert fitted.sections[-1].track.end_s == pytest.approx(of.analysis.music_end_s, abs=1e-3)
    for before, after in zip(fitted.sections[:-1], fitted.sections[1:], strict=True):
        assert before.seam_quality is not None
        assert before.seam_quality >= FLOOR - 1e-4
        for time_s in (before.track.end_s, after.track.start_s):
            assert np.abs(bars.bar_starts_s - time_s).min() <= 0.010
    assert all(0 <= s.track.start_s <= s.track.end_s <= of.audio.duration_s + 1e-6 for s in fitted.sections)


class _OneTrack(MadeUpLibrary):
    """A library of one track with bars of its own."""

    def bars(self, track_id: str) -> BarTable:
        """The same for all."""
        del track_id
        return with_climax(12, 20)[1]


def one_track_library() -> MadeUpLibrary:
    """The calm track with a climax at 40 s."""
    made = library([with_climax(12, 20)[0]])
    return _OneTrack(made.all_tracks, made.embeddings)


@pytest.mark.parametrize("hit_s", [3.0, 17.37, 33.333, 44.0, 58.9])
def test_a_sheet_lands_the_climax_or_warns(hit_s: float) -> None:
    film = sheet([("Sad", 30.0), ("Sad", 30.0)])
    plain = spot_cues(film, one_track_library())
    found = spot_cues(film, one_track_library(), constraints=Constraints(hits=(hit_s,)))
    assert list(cuesheet.faults(found)) == []
    cue = next(c for c in found.cues if c.span.start_s <= hit_s < c.span.end_s)
    of, bars = with_climax(12, 20)
    off_s = nearest_s([c.time_s for c in climaxes(bars, of.segments)], cue.sections, hit_s - cue.span.start_s)
    warned = [w for w in found.warnings if "climax" in w]
    assert bool(warned) is (off_s is None or abs(off_s) > 0.010)
    assert not warned
    assert [t.value for t in cue.why if t.name == "hit"] == [0.1]
    assert cue.merit == pytest.approx(sum(t.value for t in cue.why), abs=1e-4)
    assert [c.span.start_s for c in found.cues] == [c.span.start_s for c in plain.cues]


def test_what_cannot_be_hit_is_told() -> None:
    film = sheet([("Sad", 30.0), ("Sad", 30.0)])
    flat = replace(with_climax(12, 20)[0], track_id="f" * 64)
    warnings = spot_cues(film, library([flat]), constraints=Constraints(hits=(12.0,))).warnings
    assert any("no clear climax" in w for w in warnings)
    made = spot_cues(film, library([flat]), constraints=Constraints(hits=(12.3,)))
    (mark,) = made.cues[0].landings
    assert mark.on == "downbeat" and abs(mark.late_ms or 0.0) < 1.0, "a bar line at least, wherever in a bar it enters"
    quiet = Constraints(hits=(12.0,), silences=(Span(0.0, 20.0),))
    assert any("no music at hit point" in w for w in spot_cues(film, one_track_library(), constraints=quiet).warnings)
    with pytest.raises(UsageError, match="past the end of the film"):
        spot_cues(film, one_track_library(), constraints=Constraints(hits=(61.0,)))
    with pytest.raises(UsageError, match="invalid time"):
        parse_hit("soon")
    assert parse_hit("1:23.4") == pytest.approx(83.4)


def test_a_hit_point_at_the_end_of_the_film_was_said_to_be_past_the_same_time() -> None:
    film = sheet([("Sad", 30.0), ("Sad", 30.0)])
    with pytest.raises(UsageError, match=r"^--hit 1:00\.0 is the end of the film$"):
        spot_cues(film, one_track_library(), constraints=Constraints(hits=(60.0,)))
    for time_s, slack_s, said in (
        (60.04, 0.0, "60.04 s is past the end of the film (60 s)"),
        (61.0, 0.5, "1:01.0 is past the end of the film (1:00.0)"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            require_inside(Constraints(hits=(time_s,)), length_s=60.0, slack_s=slack_s)
