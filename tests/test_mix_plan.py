"""A cue sheet becomes samples: nothing is lost to rounding, seams and crossfades keep the power."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from soundtrack.errors import InputError
from soundtrack.mix.plan import MixPlan, equal_power_rise, plan_mix
from soundtrack.timebase import seconds
from soundtrack.types import Cue, CueSheet, FilmRef, MixNotes, ModelRef, Section, SheetTrack, Span

RATE = 48_000


def make_cue(cue_id: str, start_s: float, sections: list[Section], **changes: object) -> Cue:
    length_s = sum(section.track.duration_s for section in sections)
    fields: dict[str, object] = {
        "cue_id": cue_id,
        "span": Span(start_s, start_s + length_s),
        "track_id": "t1",
        "sections": tuple(sections),
        "fade_in_s": 0.05,
        "fade_out_s": 2.0,
        "gain_db": 0.0,
        "scenes": (0,),
    }
    return Cue(**(fields | changes))  # type: ignore[arg-type] # the fields are mixed on purpose


def make_sheet(cues: list[Cue], *, film_s: float = 60.0, track_s: float = 100.0, crossfade_s: float = 1.0) -> CueSheet:
    film = FilmRef("film.mp4", film_s, Fraction(25), 320, 180, has_audio=False, fingerprint="sha256:0")
    mix = MixNotes(-16.0, -1.0, keep_original=True, speech_over_music_lu=10.0, crossfade_s=crossfade_s)
    track = SheetTrack("t1", "a.wav", None, None, None, None, track_s, -18.0, None, None)
    return CueSheet(film, ModelRef("m", "1", "0", 8), "lib", 0, mix, (), (track,), tuple(cues))


def coverage(plan: MixPlan, *, cue: int) -> np.ndarray:
    """Power of a cue's pieces over the film, seams as the renderer fades them, without the cue's own fades."""
    total = np.zeros(plan.n_samples)
    for piece in plan.cues[cue].pieces:
        gain = equal_power_rise(piece.rise, start=0, stop=piece.n_samples).astype(np.float64)
        gain = gain * equal_power_rise(piece.fall, start=0, stop=piece.n_samples)[::-1]
        total[piece.film_start : piece.film_end] += gain**2
    return total


section_lists = st.lists(
    st.tuples(st.integers(0, 60 * RATE), st.integers(RATE // 2, 8 * RATE), st.floats(0, 1.5)), min_size=1, max_size=5
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(sections=section_lists, start=st.integers(0, 10 * RATE))
def test_pieces_tile_the_cue_to_the_sample_with_constant_power(
    sections: list[tuple[int, int, float]], start: int
) -> None:
    made = [
        Section(
            Span(seconds(a, sample_rate_hz=RATE), seconds(a + n, sample_rate_hz=RATE)),
            seam_s=seam_s if i + 1 < len(sections) else 0.0,
        )
        for i, (a, n, seam_s) in enumerate(sections)
    ]
    n_samples = sum(n for _, n, _ in sections)
    span = Span(seconds(start, sample_rate_hz=RATE), seconds(start + n_samples, sample_rate_hz=RATE))
    plan = plan_mix(make_sheet([make_cue("1m01", 0.0, made, span=span)]))
    planned = plan.cues[0]
    assert (planned.film_start, planned.film_end) == (start, start + n_samples)
    power = coverage(plan, cue=0)
    np.testing.assert_allclose(power[start : start + n_samples], 1.0, atol=1e-5)
    assert power[:start].sum() == 0
    assert power[start + n_samples :].sum() == 0
    assert all(p.track_start >= 0 and p.track_start + p.n_samples <= 100 * RATE for p in planned.pieces)


def test_a_seam_is_centred_on_the_end_of_its_section() -> None:
    sections = [Section(Span(10.0, 15.0), seam_s=0.5), Section(Span(40.0, 45.0))]
    first, second = plan_mix(make_sheet([make_cue("1m01", 2.0, sections)])).cues[0].pieces
    assert first.film_end - second.film_start == RATE // 2
    assert (first.film_end + second.film_start) / 2 == 7.0 * RATE
    assert second.track_start == 39.75 * RATE


def test_touching_cues_are_crossfaded_around_the_join() -> None:
    cues = [make_cue("1m01", 0.0, [Section(Span(0.0, 20.0))]), make_cue("1m02", 20.0, [Section(Span(30.0, 60.0))])]
    left, right = plan_mix(make_sheet(cues)).cues
    assert left.film_end == 20.5 * RATE
    assert right.film_start == 19.5 * RATE
    assert left.fade_out == right.fade_in == RATE
    assert right.pieces[0].track_start == 29.5 * RATE
    rise = equal_power_rise(RATE, start=0, stop=RATE)
    np.testing.assert_allclose(rise**2 + rise[::-1] ** 2, 1.0, atol=1e-6)


def test_a_crossfade_uses_only_what_the_tracks_have() -> None:
    cues = [make_cue("1m01", 0.0, [Section(Span(0.0, 20.0))]), make_cue("1m02", 20.0, [Section(Span(0.2, 30.0))])]
    left, right = plan_mix(make_sheet(cues)).cues
    assert left.fade_out == right.fade_in == pytest.approx(0.4 * RATE, abs=2)
    assert right.pieces[0].track_start == 0
    at_track_end = [make_cue("1m01", 0.0, [Section(Span(80.0, 100.0))], fade_out_s=0.0), cues[1]]
    left, right = plan_mix(make_sheet(at_track_end)).cues
    assert (left.film_end, left.fade_out) == (20 * RATE, 0)
    assert right.film_start == 20 * RATE


def test_cues_apart_and_overlapping_cues_keep_their_own_fades() -> None:
    apart = [make_cue("1m01", 0.0, [Section(Span(0.0, 20.0))]), make_cue("1m02", 21.0, [Section(Span(5.0, 30.0))])]
    overlapping = [apart[0], make_cue("1m02", 18.0, [Section(Span(5.0, 30.0))], fade_in_s=2.0)]
    assert [c.fade_out for c in plan_mix(make_sheet(apart)).cues] == [2 * RATE, 2 * RATE]
    assert [c.fade_in for c in plan_mix(make_sheet(overlapping)).cues] == [RATE // 20, 2 * RATE]


@pytest.mark.parametrize(
    ("cue", "what"),
    [
        (make_cue("1m01", 0.0, [Section(Span(0.0, 20.0))], span=Span(0.0, 20.5)), "duration of the sections 20.000 s"),
        (make_cue("1m01", 50.0, [Section(Span(0.0, 20.0))]), "outside the film"),
        (make_cue("1m01", 0.0, [Section(Span(0.0, 20.0))], track_id="nobody"), "not among the tracks"),
        (make_cue("1m01", 0.0, [Section(Span(3.0, 3.0)), Section(Span(3.0, 4.0))]), "is empty"),
    ],
)
def test_an_impossible_sheet_is_refused_by_the_name_of_the_cue(cue: Cue, what: str) -> None:
    with pytest.raises(InputError, match=f"1m01: .*{what}"):
        plan_mix(make_sheet([cue]))
