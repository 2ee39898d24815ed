"""Loops: the end of the music goes on into its beginning, sample by sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from made_up import library, sheet, track
from soundtrack.errors import NothingFitsError, UsageError
from soundtrack.mix.audition import music_between
from soundtrack.mix.plan import plan_mix
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.fit.grid import Wanted
from soundtrack.spotting.fit.loop import fit_loop
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import samples
from soundtrack.types import BarTable, Ending, Span

LOOP = SpottingSettings(loop=True, stretch=0.06)


def song(n_bars: int = 24, *, period: int = 4) -> BarTable:
    """Bars of two seconds in which the same `period` bars come again and again."""
    bars = np.eye(period, dtype=np.float32)[np.arange(n_bars) % period] + 0.01
    return BarTable(2.0 * np.arange(n_bars + 1), bars)


@pytest.mark.parametrize("length_s", [15.0, 16.0, 23.7, 70.0])
def test_the_last_section_stops_where_the_first_begins(length_s: float) -> None:
    made = track("song", ["Sad"] * 5)
    n = samples(length_s, sample_rate_hz=48_000)
    fitted = fit_loop(song(), made.analysis, duration_s=50.0, wanted=Wanted(n, 0.0, max_stretch=0.07))
    assert fitted is not None and fitted.n_samples == n and fitted.lead_samples == 0
    first, last = fitted.sections[0], fitted.sections[-1]
    assert last.track.end_s == pytest.approx(first.track.start_s, abs=2e-4)
    assert abs(fitted.speed - 1) <= 0.07
    played = sum(section.track.duration_s for section in fitted.sections)
    assert played == pytest.approx(length_s * fitted.speed, abs=1e-4)
    assert all(section.seam_quality is not None and section.seam_quality >= 0.85 for section in fitted.sections[:-1])
    assert fitted.sections[-1].seam_quality is None
    for before, after in zip(fitted.sections, fitted.sections[1:], strict=False):
        assert (before.track.end_s - after.track.start_s) % 8.0 == pytest.approx(0.0, abs=1e-6)


def test_without_a_change_of_tempo_only_whole_bars_fit() -> None:
    made = track("song", ["Sad"] * 5)
    for length_s, fits in ((16.0, True), (15.0, False)):
        n = samples(length_s, sample_rate_hz=48_000)
        fitted = fit_loop(song(), made.analysis, duration_s=50.0, wanted=Wanted(n, 0.0))
        assert (fitted is not None) == fits


def test_a_film_in_a_loop_gets_one_cue_without_fades() -> None:
    made = library([track("calm", ["Sad"] * 12, ending=Ending.CUT), track("loud", ["Excited"] * 12)])
    cues = spot_cues(sheet([("Sad", 20.0), ("Sad", 11.0)]), made, settings=LOOP)
    assert [cue.span for cue in cues.cues] == [Span(0.0, 31.0)]
    cue = cues.cues[0]
    assert cue.fade_in_s == cue.fade_out_s == (0.0 if cue.speed == 1.0 else 0.005)
    assert {t.track_id: t.title for t in cues.tracks}[cue.track_id] == "calm"
    assert cue.sections[-1].track.end_s == pytest.approx(cue.sections[0].track.start_s, abs=2e-4)


@pytest.mark.parametrize(("length_s", "apart"), [(32.0, 1e-4), (31.0, 0.02)])
def test_the_rendered_end_goes_on_into_the_beginning(tmp_path: Path, length_s: float, apart: float) -> None:
    """A tone of 100 Hz has the same phase on every bar line; a jump in it is a step of up to 0.2."""
    rate = 48_000
    tone = 0.1 * np.sin(2 * np.pi * 100 * np.arange(120 * rate) / rate)
    wavfile.write(tmp_path / "tone.wav", rate, np.stack([tone, tone], axis=1).astype(np.float32))
    song = track("tone", ["Sad"] * 12, ending=Ending.CUT, lufs=-20.0)
    cues = spot_cues(sheet([("Sad", length_s)]), library([song]), settings=LOOP)
    assert (cues.cues[0].speed == 1.0) == (length_s == 32.0)
    n = samples(length_s, sample_rate_hz=rate)
    sound = music_between(plan_mix(cues), 0, n, track_paths={song.track_id: tmp_path / "tone.wav"})[0]
    at = samples(cues.cues[0].sections[0].track.start_s, sample_rate_hz=rate)
    around = np.concatenate([sound[-480:], sound[:480]])
    assert np.abs(np.diff(around)).max() < 0.0015  # of the tone itself: 0.0013
    if length_s == 32.0:
        np.testing.assert_allclose(around, tone[at - 480 : at + 480], atol=apart)
    else:
        assert np.abs(around[480 - 10 : 480 + 10]).max() < apart  # two short fades meet


def test_what_a_loop_cannot_do_is_refused() -> None:
    made = library([track("calm", ["Sad"] * 12)])
    short = sheet([("Sad", 30.0)])
    with pytest.raises(UsageError, match="music throughout"):
        spot_cues(short, made, settings=LOOP, constraints=Constraints(silences=(Span(5.0, 9.0),)))
    with pytest.raises(UsageError, match="--loop cannot be used with"):
        spot_cues(short, made, settings=LOOP, constraints=Constraints(hits=(5.0,)))
    for names, said in (
        (["calm"], "the track has no loop of 2.1 s"),
        (["calm", "slow"], "no track has a loop of 2.1 s"),
    ):
        with pytest.raises(NothingFitsError, match=said):
            spot_cues(sheet([("Sad", 2.1)]), library([track(n, ["Sad"] * 12) for n in names]), settings=LOOP)
