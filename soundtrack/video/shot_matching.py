"""Which part of a film is where in another cut of it.

Goes in: two films. Comes out: `Match`es, stretches of the old film that the new one has, each with how much later it is
there. Every frame becomes a row of 64 numbers: brightness in 8 x 8 fields, without its mean and of unit length, so that
another size, encoding or grading changes little. A shot of the old film is looked for at every frame of the new one;
frames of probe decide where, then every frame of the shot is compared there. A picture that moves little fits in
several places, but only in its own to the last digits. Still shots fit in several: then the one beside the shot before
is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from soundtrack.progress import Progress, no_progress
from soundtrack.settings import ShotSettings
from soundtrack.types import ByteArray, FloatArray, Span, VideoInfo
from soundtrack.types.basics import BoolArray

SIDE_PX = 112
"""Side of the frames that are compared; that of the shot detector."""
_FIELDS = 8
_PROBES = 24
_ALIKE = 0.9
"""Correlation of two frames that show the same."""
_LEAST_S = 0.4
"""Shorter stretches are taken for chance."""
_LEAST_CONTRAST = 2.0
"""Frames whose fields vary by less, of 255, are one colour and match nothing."""
_RATHER_ALIKE = 0.7
"""Correlation at which a stretch beside one that was found belongs to it: fast, dark or graded pictures."""
_AS_GOOD = 0.02
_AS_COMPLETE = 1.5
"""Frames of probe that a place may have less than another, if its frames are plainly more alike."""
_AS_EXACT = 1e-4
"""Differences from a correlation of 1 that say nothing: still shots, encoding."""


@dataclass(frozen=True, slots=True)
class FilmPrint:
    """What the frames of a film look like."""

    step_s: Fraction
    """Time from one row to the next."""
    rows: FloatArray
    """One row for each step: of the frame shown then, shape (n, 64); zeros where it is one colour."""
    shots: tuple[Span, ...]
    """Shots, tiling the film."""
    duration_s: float
    """Length of the picture."""


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of the old film that the new one has."""

    old: Span
    """On the old film's clock."""
    later_s: float
    """How much later it is in the new film; negative if earlier."""


def film_print(
    info: VideoInfo, *, step_s: Fraction | None = None, decoder: str = "auto", progress: Progress = no_progress
) -> FilmPrint:
    """What the frames of a film look like, from one decode.

    Parameters
    ----------
    info : VideoInfo
        The film.
    step_s : Fraction, optional
        Time from one row to the next; a frame of the film by default.
    """
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.frames import DecodeReport
    from soundtrack.video.shots import ShotDetector

    step_s = step_s or 1 / info.fps
    report, detector = DecodeReport(), ShotDetector(ShotSettings())
    times: list[float] = []
    rows: list[FloatArray] = []
    for batch in iter_frames(info, side_px=SIDE_PX, decoder=decoder, report=report):
        detector.push(batch)
        times += batch.times_s.tolist()
        rows.append(_rows(batch.frames))
        progress("comparing", min(int(info.duration_s), int(times[-1])), int(info.duration_s))
    shots = tuple(shot.span for shot in detector.finish(report.duration_s))
    n = max(1, int(report.duration_s / step_s + Fraction(1, 2)))
    middles = (np.arange(n) + 0.5) * float(step_s)
    shown = np.maximum(0, np.searchsorted(np.array(times), middles, side="right") - 1)
    return FilmPrint(step_s, np.concatenate(rows)[shown], shots, report.duration_s)


def _rows(frames: ByteArray) -> FloatArray:
    """Rows of some frames, shape (n, 64)."""
    n, side = len(frames), SIDE_PX // _FIELDS
    luma = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    fields = luma.reshape(n, _FIELDS, side, _FIELDS, side).mean(axis=(2, 4)).reshape(n, -1)  # (n, 64)
    fields -= fields.mean(axis=1, keepdims=True)
    length = np.linalg.norm(fields, axis=1, keepdims=True)
    plain = length < _LEAST_CONTRAST * _FIELDS
    return np.where(plain, 0.0, fields / np.maximum(length, 1e-6)).astype(np.float32)


def match_shots(old: FilmPrint, new: FilmPrint) -> list[Match]:
    """The stretches of the old film that the new one has, in the order of the old film.

    Parameters
    ----------
    old, new : FilmPrint
        With the same step.
    """
    step = float(old.step_s)
    found: list[tuple[int, int, int]] = []
    lag = 0
    for shot in old.shots:
        first, last = (min(len(old.rows), int(t / step + 0.5)) for t in (shot.start_s, shot.end_s))
        if last - first < 1:
            continue
        best = _lag(old.rows[first:last], new.rows, at=first, before=lag)
        if best is None:
            continue
        runs = _runs(old.rows[first:last], new.rows, first + best, least=max(1, round(_LEAST_S / step)))
        found += [(first + a, first + b, best) for a, b in runs]
        lag = best if runs else lag
    return [Match(Span(a * step, b * step), lag * step) for a, b, lag in _grown(_joined(found), old, new)]


def _lag(shot: FloatArray, new: FloatArray, *, at: int, before: int) -> int | None:
    """How many rows later a shot is in the new film; None if it is nowhere."""
    probes = np.unique(np.linspace(0, len(shot) - 1, min(_PROBES, len(shot))).astype(int))
    alike = shot[probes] @ new.T  # (probes, n)
    starts = np.arange(-len(shot) + 1, len(new))  # where the shot's first row may be, partly outside
    score, hits = np.zeros((2, len(starts)), np.float32)
    for place, row in zip(probes.tolist(), alike, strict=True):
        inside = (starts + place >= 0) & (starts + place < len(new))
        values = row[starts[inside] + place]
        score[inside] += np.where(values >= _ALIKE, values, 0.0)
        hits[inside] += values >= _ALIKE
    if score.max() < _ALIKE:
        return None
    as_good = _AS_GOOD * len(probes)
    apart = 1 - score / np.maximum(hits, 1)
    exact = score >= score.max() - max(as_good, _AS_COMPLETE)
    exact &= apart <= 2 * apart[exact].min() + _AS_EXACT
    complete = exact & (score >= score.max() - as_good)
    good = np.flatnonzero(complete if complete.any() else exact)
    nearest = good[np.argmin(np.abs(starts[good] - (at + before)) - 1e-3 * score[good])]
    within = good[np.abs(starts[good] - starts[nearest]) <= 2]  # moving pictures fit best at one frame
    best = within[np.argmax(score[within] - 1e-4 * np.abs(starts[within] - (at + before)))]
    return int(starts[best]) - at


def _runs(shot: FloatArray, new: FloatArray, start: int, *, least: int) -> list[tuple[int, int]]:
    """The stretches of a shot that the new film has from a row on, first and end."""
    places = np.arange(len(shot)) + start
    inside = (places >= 0) & (places < len(new))
    alike = np.zeros(len(shot), bool)
    alike[inside] = np.sum(shot[inside] * new[places[inside]], axis=1) >= _ALIKE
    plain = ~shot.any(axis=1) & inside
    plain[inside] &= ~new[places[inside]].any(axis=1)
    alike |= plain  # black beside what matches belongs to it
    edges = np.flatnonzero(np.diff(np.concatenate([[False], alike, [False]]).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return [(a, b) for a, b in runs if b - a >= min(least, len(shot)) and shot[a:b].any()]


def _grown(found: Sequence[tuple[int, int, int]], old: FilmPrint, new: FilmPrint) -> list[tuple[int, int, int]]:
    """The stretches, each with what is beside it in both films and rather alike, up to the next stretch."""
    result: list[tuple[int, int, int]] = []
    free = np.ones(len(new.rows), bool)
    for first, last, lag in found:
        free[max(0, first + lag) : last + lag] = False
    for k, (first, last, lag) in enumerate(found):
        low = result[-1][1] if result else 0
        high = found[k + 1][0] if k + 1 < len(found) else len(old.rows)
        grown_first, grown_last = first, last
        while grown_first > low and _is_rather_alike(old, new, free, grown_first - 1, lag):
            grown_first -= 1
        while grown_last < high and _is_rather_alike(old, new, free, grown_last, lag):
            grown_last += 1
        free[grown_first + lag : grown_last + lag] = False
        result.append((grown_first, grown_last, lag))
    return _joined(result)


def _is_rather_alike(old: FilmPrint, new: FilmPrint, free: BoolArray, row: int, lag: int) -> bool:
    """Whether a frame of the old film may be the one that is so far later in the new film."""
    if not 0 <= row + lag < len(free) or not free[row + lag]:
        return False
    return float(old.rows[row] @ new.rows[row + lag]) >= _RATHER_ALIKE


def _joined(found: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Neighbours that moved alike as one."""
    result: list[tuple[int, int, int]] = []
    for first, last, lag in found:
        if result and result[-1][1] >= first - 1 and result[-1][2] == lag:
            result[-1] = (result[-1][0], last, lag)
        else:
            result.append((first, last, lag))
    return result
