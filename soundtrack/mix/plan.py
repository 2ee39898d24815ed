"""A cue sheet in samples: sections of tracks, positions in the film, gains. Pure.

Goes in: a `CueSheet`. Comes out: a `MixPlan` at 48 kHz whose pieces the renderer only has to copy, fade and add. All
fades, seams and crossfades are of equal power: a quarter of a sine in, a quarter of a cosine out. A seam is centred
on the end of its section, a crossfade on the moment where two cues touch; both use what the tracks have to give on
either side and are shorter where a track begins or ends. Cues that overlap in the sheet keep their own fades.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundtrack.documents.cuesheet import TOUCHING_S, needed_samples, section_starts
from soundtrack.errors import InputError, Reason
from soundtrack.settings import MIX_RATE_HZ, REFERENCE_LUFS
from soundtrack.timebase import samples
from soundtrack.types import Cue, CueSheet, FloatArray, GainPoint, MixNotes, SheetTrack, Span

_TOUCHING = samples(TOUCHING_S, sample_rate_hz=MIX_RATE_HZ)
_ROUNDING_PER_SECTION = 2
_SHORTEST_CROSSFADE = samples(0.02, sample_rate_hz=MIX_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Piece:
    """An unbroken run of a track, laid at a place of the film."""

    track_start: int
    """First sample of the track."""
    film_start: int
    """Where that sample sounds."""
    n_samples: int
    """Length on the film, seams included, above 0."""
    rise: int = 0
    """Samples over which it comes in from the piece before, with equal power."""
    fall: int = 0
    """Samples over which it goes out into the piece after, with equal power."""
    speed: float = 1.0
    """Samples of the track for each sample of the film; the pitch stays."""

    @property
    def track_end(self) -> int:
        """First sample of the track after it."""
        return self.track_start + needed_samples(self.n_samples, speed=self.speed)

    @property
    def film_end(self) -> int:
        """First sample of the film after it."""
        return self.film_start + self.n_samples


@dataclass(frozen=True, slots=True)
class PlannedCue:
    """A cue in samples."""

    cue_id: str
    """Its name in the sheet."""
    track_id: str
    """Which track."""
    film_start: int
    """First sample, crossfade included."""
    film_end: int
    """First sample after it, crossfade included."""
    fade_in: int
    """Samples of equal-power fade at its start."""
    fade_out: int
    """Samples of equal-power fade at its end."""
    gain_db: float
    """Of the track, from the sheet."""
    reference_gain_db: float
    """What would bring the track to the common reference; levels are set by this, so that an edited gain is heard."""
    pieces: tuple[Piece, ...]
    """In order; neighbours overlap by their seams."""


@dataclass(frozen=True, slots=True)
class MixPlan:
    """Everything the renderer needs, in samples at `MIX_RATE_HZ`."""

    n_samples: int
    """Length of the film's sound."""
    cues: tuple[PlannedCue, ...]
    """In order."""
    ducking: tuple[GainPoint, ...]
    """Gain of the music over the film's clock."""
    speech: tuple[Span, ...]
    """Spans with speech."""
    notes: MixNotes
    """Target, ceiling, what happens to the original."""
    music_gain_db: float = 0.0
    """Constant gain of all music against the original sound."""
    master_gain_db: float = 0.0
    """Constant gain of the whole mix."""
    vocals: tuple[GainPoint, ...] = ()
    """Gain of the vocals of `sung` tracks over the film's clock, below that of the music."""
    sung: frozenset[str] = frozenset()
    """Tracks whose vocals lie in a file of their own, by track id."""


def vocals_of(track_id: str) -> str:
    """The key of a track's vocals where tracks are looked up by id."""
    return f"{track_id}/vocals"


def plan_mix(sheet: CueSheet) -> MixPlan:
    """The cue sheet in samples.

    Raises
    ------
    InputError
        A cue's sections don't add up to its length, it reaches past the film, or it names a track that is not listed.
    """
    n_samples = samples(sheet.film.duration_s, sample_rate_hz=MIX_RATE_HZ)
    tracks = {track.track_id: track for track in sheet.tracks}
    planned = [_plan_cue(cue, tracks, n_samples=n_samples) for cue in sheet.cues]
    for i in range(len(planned) - 1):
        planned[i], planned[i + 1] = _crossfade(
            planned[i], planned[i + 1], tracks, wanted=samples(sheet.mix.crossfade_s, sample_rate_hz=MIX_RATE_HZ)
        )
    vocals = sheet.vocals
    return MixPlan(
        n_samples=n_samples,
        cues=tuple(planned),
        ducking=sheet.ducking,
        speech=sheet.speech,
        notes=sheet.mix,
        vocals=() if vocals is None else vocals.ducking,
        sung=frozenset() if vocals is None else frozenset(stem.track_id for stem in vocals.stems),
    )


def equal_power_rise(n_samples: int, *, start: int, stop: int) -> FloatArray:
    """Samples `start` to `stop` of an equal-power fade-in that is `n_samples` long.

    The fade-out is the same read backwards; the squares of the two add up to 1 at every sample.

    Returns
    -------
    ndarray, shape=(stop - start,), float32
        0 before the fade, rising to 1, 1 after it.

    Examples
    --------
    >>> [round(float(x), 3) for x in equal_power_rise(2, start=-1, stop=4)]
    [0.0, 0.383, 0.924, 1.0, 1.0]
    """
    rise = np.ones(stop - start, np.float32)
    low, high = max(start, 0), min(stop, n_samples)
    rise[: max(0, min(low, stop) - start)] = 0.0
    if low < high:
        place = (np.arange(low, high, dtype=np.float64) + 0.5) / n_samples
        rise[low - start : high - start] = np.sin(place * (np.pi / 2))
    return rise


def _bad_sheet(cue: Cue, what: str) -> InputError:
    """An edited sheet that cannot be rendered."""
    return InputError(
        f"cue sheet, cue {cue.cue_id}: {what}",
        hint="run `soundtrack cues check CUES` after editing a cue sheet",
        reason=Reason.BAD_FORMAT,
    )


def _plan_cue(cue: Cue, tracks: dict[str, SheetTrack], *, n_samples: int) -> PlannedCue:
    """One cue in samples, before crossfades."""
    track = tracks.get(cue.track_id)
    if track is None:
        raise _bad_sheet(cue, f"track {cue.track_id[:12]} is not among the tracks")
    film_start = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ)
    film_end = samples(cue.span.end_s, sample_rate_hz=MIX_RATE_HZ)
    if film_end > n_samples + _TOUCHING or film_start >= film_end:
        raise _bad_sheet(cue, f"{cue.span.start_s:g} s to {cue.span.end_s:g} s is outside the film")
    film_end = min(film_end, n_samples)
    pieces = _pieces(cue, track, film_start=film_start, film_end=film_end)
    length = film_end - film_start
    fade_in = min(samples(cue.fade_in_s, sample_rate_hz=MIX_RATE_HZ), length)
    return PlannedCue(
        cue_id=cue.cue_id,
        track_id=cue.track_id,
        film_start=film_start,
        film_end=film_end,
        fade_in=fade_in,
        fade_out=min(samples(cue.fade_out_s, sample_rate_hz=MIX_RATE_HZ), length),
        gain_db=cue.gain_db,
        reference_gain_db=REFERENCE_LUFS - max(track.loudness_lufs, -50.0),
        pieces=pieces,
    )


def _pieces(cue: Cue, track: SheetTrack, *, film_start: int, film_end: int) -> tuple[Piece, ...]:
    """The sections of a cue as pieces with their seams; the last one takes up the rounding."""
    starts = section_starts(cue)
    pieces: list[Piece] = []
    for section, first, last in zip(cue.sections, starts[:-1], starts[1:], strict=True):
        if last <= first:
            raise _bad_sheet(cue, f"the section at {section.track.start_s:g} s of the track is empty")
        track_start = samples(section.track.start_s, sample_rate_hz=MIX_RATE_HZ)
        pieces.append(Piece(track_start, film_start + first, last - first, speed=cue.speed))
    if not pieces or abs(film_start + starts[-1] - film_end) > max(_TOUCHING, _ROUNDING_PER_SECTION * len(pieces)):
        raise _bad_sheet(
            cue, f"duration of the sections {starts[-1] / MIX_RATE_HZ:.3f} s and the cue {cue.span.duration_s:.3f} s"
        )
    pieces[-1] = replace(pieces[-1], n_samples=film_end - pieces[-1].film_start)
    halves = [
        _seam_half(pieces[i], pieces[i + 1], track, samples(cue.sections[i].seam_s, sample_rate_hz=MIX_RATE_HZ))
        for i in range(len(pieces) - 1)
    ]
    return tuple(
        replace(
            _extended(piece, before=halves[i - 1] if i else 0, after=halves[i] if i < len(halves) else 0),
            rise=2 * halves[i - 1] if i else 0,
            fall=2 * halves[i] if i < len(halves) else 0,
        )
        for i, piece in enumerate(pieces)
    )


def _track_samples(track: SheetTrack) -> int:
    """Length of a track."""
    return samples(track.duration_s, sample_rate_hz=MIX_RATE_HZ)


def _lead(piece: Piece) -> int:
    """Samples of the film by which a piece could start earlier, as far as its track goes."""
    return math.floor(piece.track_start / Fraction(piece.speed))


def _beyond(piece: Piece, track: SheetTrack) -> int:
    """Samples of the film by which a piece could end later, as far as its track goes."""
    return math.floor((_track_samples(track) - piece.track_end) / Fraction(piece.speed))


def _seam_half(left: Piece, right: Piece, track: SheetTrack, wanted: int) -> int:
    """Half of the seam between two pieces: at most half a piece, and only what the track has around it."""
    return max(0, min(wanted // 2, left.n_samples // 2, right.n_samples // 2, _lead(right), _beyond(left, track)))


def _extended(piece: Piece, *, before: int = 0, after: int = 0) -> Piece:
    """The piece with more of its track at either side."""
    return replace(
        piece,
        track_start=max(0, piece.track_start - needed_samples(before, speed=piece.speed)),
        film_start=piece.film_start - before,
        n_samples=piece.n_samples + before + after,
    )


def _crossfade(
    left: PlannedCue, right: PlannedCue, tracks: dict[str, SheetTrack], *, wanted: int
) -> tuple[PlannedCue, PlannedCue]:
    """Two neighbouring cues, crossfaded where they touch."""
    if abs(right.film_start - left.film_end) > _TOUCHING:
        return left, right
    last, first = left.pieces[-1], right.pieces[0]
    gap = right.film_start - left.film_end
    lengths = (left.film_end - left.film_start, right.film_end - right.film_start)
    half = min(wanted // 2, _beyond(last, tracks[left.track_id]), _lead(first) - gap, min(lengths) // 2)
    if 2 * half < _SHORTEST_CROSSFADE:
        return left, right
    earlier = half + gap
    head, tail = _extended(first, before=earlier), _extended(last, after=half)
    return (
        replace(left, film_end=left.film_end + half, fade_out=2 * half, pieces=(*left.pieces[:-1], tail)),
        replace(right, film_start=right.film_start - earlier, fade_in=2 * half, pieces=(head, *right.pieces[1:])),
    )


def active_cues(cues: Sequence[PlannedCue], *, start: int, stop: int) -> list[PlannedCue]:
    """Cues that sound between two samples of the film."""
    return [cue for cue in cues if cue.film_start < stop and cue.film_end > start]
