"""What holds for every sheet: lengths to the sample, seams on bar lines, locked music that stays."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import sheet, small_library
from soundtrack import resources
from soundtrack.documents import cuesheet
from soundtrack.documents.cuesheet import length_in_samples, needed_samples
from soundtrack.errors import InputError
from soundtrack.library.search.library_view import LibraryView, open_library
from soundtrack.mix.plan import plan_mix
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.fit.climax import climaxes
from soundtrack.spotting.fit.grid import Wanted
from soundtrack.spotting.fit.landing import land
from soundtrack.spotting.fit.seams import FLOOR
from soundtrack.spotting.fit.sections import fit_track
from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import SceneSheet, Section, Span

N_PAIRS = 200


@pytest.fixture(scope="module")
def demo() -> LibraryView:
    """The library that comes with the repository; its files may be elsewhere."""
    return open_library(resources.example_index_dir(), include_missing=True)


@pytest.mark.parametrize("stretch", [0.0, 0.02])
@pytest.mark.parametrize("n_hits", [0, 1, 3])
def test_demo_tracks_fit_any_length_to_the_sample(demo: LibraryView, stretch: float, n_hits: int) -> None:
    rng = np.random.default_rng(4 + n_hits)
    tracks = demo.tracks()
    n_stretched = 0
    for _ in range(N_PAIRS if n_hits == 0 else N_PAIRS // 10):
        track = tracks[demo.track_ids[int(rng.integers(len(demo.track_ids)))]]
        bars, length_s = demo.bars(track.track_id), track.audio.duration_s
        n = int(rng.integers(MIX_RATE_HZ, 240 * MIX_RATE_HZ))
        wanted = Wanted(
            n,
            float(rng.uniform(0, length_s)),
            end_with_track=bool(rng.integers(2)),
            max_lead_s=2.0,
            max_stretch=stretch,
        )
        fitted = None
        if n_hits:
            hits = sorted(int(x) for x in rng.integers(1, n, n_hits))
            found = climaxes(bars, track.segments)
            fitted = land(bars, track.analysis, duration_s=length_s, wanted=wanted, found=found, hits=hits)
        fitted = fitted or fit_track(bars, track.analysis, duration_s=length_s, wanted=wanted)
        played = sum(length_in_samples(section.track) for section in fitted.sections)
        assert played == needed_samples(fitted.n_samples, speed=fitted.speed)
        assert fitted.n_samples + fitted.lead_samples <= n
        if not fitted.ends_with_track and fitted.n_samples + fitted.lead_samples < n:
            assert fitted.sections[-1].track.end_s == pytest.approx(track.analysis.music_end_s, abs=1e-3)
        assert abs(fitted.speed - 1) <= stretch + 1e-6
        n_stretched += fitted.speed != 1.0
        for before, after in itertools.pairwise(fitted.sections):
            for time_s in (before.track.end_s, after.track.start_s):
                assert np.abs(bars.bar_starts_s - time_s).min() <= 0.010
            assert before.seam_quality is not None
            assert before.seam_quality >= FLOOR - 1e-4
    assert (n_stretched > 0) is (stretch > 0)


FILM = [("Sad", 30.0), ("Tension", 26.0), ("Relaxation", 34.0), ("Sad", 21.0)]


def film() -> SceneSheet:
    """Four scenes."""
    return sheet(FILM)


@settings(max_examples=8, deadline=None)
@given(
    stretch=st.sampled_from([0.0, 0.02, 0.1]),
    hits=st.lists(st.floats(0.5, 110.0), max_size=4),
    explore=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 50),
    max_cues=st.sampled_from([None, 2]),
    data=st.data(),
)
def test_locked_and_kept_cues_never_move(
    stretch: float, hits: list[float], explore: float, seed: int, max_cues: int | None, data: st.DataObject
) -> None:
    made = small_library()
    wishes = Constraints(hits=tuple(hits), explore=explore, max_cues=max_cues)
    chosen = SpottingSettings(stretch=stretch, seed=seed)
    before = spot_cues(film(), made, settings=chosen, constraints=wishes)
    assert list(cuesheet.faults(before)) == []
    kept = data.draw(st.sampled_from(before.cues))
    after = spot_cues(film(), made, settings=chosen, constraints=replace(wishes, kept=(kept,), max_cues=None))
    assert list(cuesheet.faults(after)) == []
    assert replace(kept, locked=True) in after.cues
    at, of = data.draw(st.floats(1.0, 110.0)), data.draw(st.sampled_from(made.all_tracks))
    locked = spot_cues(film(), made, settings=chosen, constraints=replace(wishes, locks=(Lock(at, of.track_id),)))
    under = [cue for cue in locked.cues if cue.span.start_s <= at < cue.span.end_s]
    assert of.track_id in {cue.track_id for cue in under if cue.locked}


@settings(max_examples=8, deadline=None)
@given(stretch=st.sampled_from([0.0, 0.02, 0.1]), hits=st.lists(st.floats(0.5, 110.0), max_size=3))
def test_a_sheet_read_again_is_mixed_from_the_same_samples(stretch: float, hits: list[float]) -> None:
    made = spot_cues(
        film(), small_library(), settings=SpottingSettings(stretch=stretch), constraints=Constraints(hits=tuple(hits))
    )
    text = cuesheet.dumps(made)
    again = cuesheet.loads(text)
    assert cuesheet.dumps(again) == text
    assert plan_mix(again) == plan_mix(made)
    for cue, planned in zip(made.cues, plan_mix(made).cues, strict=True):
        assert {piece.speed for piece in planned.pieces} == {cue.speed}


def test_sheets_from_before_there_was_a_speed_are_read() -> None:
    made = spot_cues(film(), small_library())
    data = json.loads(cuesheet.dumps(made))
    for cue in data["cues"]:
        del cue["speed"], cue["landings"]
    assert cuesheet.loads(json.dumps(data)) == made


@pytest.mark.parametrize("speed", [0.89, 1.2, 0.0, -1.0])
def test_a_speed_out_of_bounds_is_refused_with_its_place(speed: float) -> None:
    data = json.loads(cuesheet.dumps(spot_cues(film(), small_library())))
    data["cues"][0]["speed"] = speed
    with pytest.raises(InputError, match=r"cues\[0\]\.speed: must be in \[0\.9, 1\.1\]"):
        cuesheet.loads(json.dumps(data))


def test_a_changed_speed_needs_other_lengths() -> None:
    made = spot_cues(film(), small_library())
    faster = replace(made, cues=(replace(made.cues[0], speed=1.02), *made.cues[1:]))
    (fault,) = list(cuesheet.faults(faster))
    assert "which at speed 1.02 needs" in fault


def test_a_stretch_that_is_too_long_for_memory_is_a_fault() -> None:
    made = spot_cues(film(), small_library())
    part = Section(Span(0.0, 301.0))
    slower = replace(made, cues=(replace(made.cues[0], speed=0.98, sections=(part,)), *made.cues[1:]))
    assert any("at most 300 s" in fault for fault in cuesheet.faults(slower))
    at_its_own = replace(made, cues=(replace(made.cues[0], sections=(part,)), *made.cues[1:]))
    assert not any("at most 300 s" in fault for fault in cuesheet.faults(at_its_own))
