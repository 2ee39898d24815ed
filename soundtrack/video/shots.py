"""Shot detection: PySceneDetect's detectors on small frames, and a detector of dissolves.

Goes in: batches of frames with their times. Comes out: shots that tile the film. Three kinds of change of shot:

* hard cuts: PySceneDetect's AdaptiveDetector, a frame that changes much more than its neighbours;
* fades through black: PySceneDetect's ThresholdDetector, the cut in the middle of the black;
* dissolves: a picture in the middle of one is nearly the mean of the pictures before and after, although those differ
  much. Movement, pans and zooms are not like that: the mean of two positions is not the position between.

A second look (`second_look`) adds hard cuts among other movement and drops some that are none.

How many cuts of marked films are found is in docs/benchmarks.md. The times are those of the frames, whatever the frame
rate does.
"""

from __future__ import annotations

import dataclasses
import itertools
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.settings import ShotSettings
from soundtrack.types import ByteArray, FloatArray, FrameBatch, Shot, Span
from soundtrack.video.colours.shot_colours import ColourSampler
from soundtrack.video.second_look import N_PICTURES, is_missed, is_none

_NOMINAL_FPS = 25.0  # detectors count frames only; the times are ours
_TINY_PX = 28
_WINDOW_FRAMES = 2
_PLACE = -1 - _WINDOW_FRAMES
"""Where among the latest pictures the one is that a detector decides about."""
_SAME_CORRELATION = 0.9
_FLASH_SHARE = 0.4
_FADE_STEP = 0.35
_FADE_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Tiny:
    """A very small picture."""

    time_s: float
    pixels: npt.NDArray[np.float32]
    change: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Candidate:
    """A hard cut that is one unless the picture comes back."""

    cut_s: float
    before: npt.NDArray[np.float32]
    change: float


class ShotDetector:
    """Watches the frames of a film and says afterwards where its shots are.

    Memory: eight bytes a frame. Hard cuts inside a flash of `flash_s` are not cuts.

    Parameters
    ----------
    settings : ShotSettings, optional
        Thresholds and the shortest shot.

    Examples
    --------
    >>> detector = ShotDetector()
    >>> detector.push(FrameBatch(times_s=np.array([0.0]), frames=np.zeros((1, 112, 112, 3), np.uint8)))
    >>> detector.finish(0.04)
    [Shot(index=0, span=Span(start_s=0.0, end_s=0.04))]
    """

    def __init__(self, settings: ShotSettings | None = None) -> None:
        import cv2
        from scenedetect import FrameTimecode
        from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

        self._settings = settings or ShotSettings()
        self._cv2, self._timecode = cv2, FrameTimecode
        self._hard: Any = AdaptiveDetector(
            adaptive_threshold=self._settings.adaptive_threshold,
            min_content_val=self._settings.min_content,
            window_width=_WINDOW_FRAMES,
            min_scene_len=1,
        )
        self._fade: Any = ThresholdDetector(threshold=self._settings.fade_threshold, min_scene_len=1)
        self._dissolve = DissolveCue(self._settings)
        self._times_s = array("d")
        self._hard_cuts_s: list[float] = []
        self._soft_cuts_s: list[float] = []
        self._levels: deque[tuple[float, float]] = deque()
        self._faded_out = False
        self._pending: list[_Candidate] = []
        self._recent: deque[_Tiny] = deque()
        self._colours = ColourSampler()

    def push(self, batch: FrameBatch) -> None:
        """Look at the next frames; where the cuts are known there is nothing to look for."""
        if self._settings.cuts_s is not None:
            return
        for time_s, frame in zip(batch.times_s.tolist(), batch.frames, strict=True):
            self._look(time_s, frame)

    def _look(self, time_s: float, frame: ByteArray) -> None:
        """Look at one frame with all detectors."""
        timecode = self._timecode(len(self._times_s), _NOMINAL_FPS)
        tiny = self._cv2.resize(frame, (_TINY_PX, _TINY_PX), interpolation=self._cv2.INTER_AREA)
        self._times_s.append(time_s)
        self._colours.push(time_s, tiny)
        pixels = tiny.astype(np.float32)
        change = float(np.abs(pixels - self._recent[-1].pixels).mean()) if self._recent else 0.0
        now = _Tiny(time_s, pixels, change)
        self._remember(now)
        bgr = self._cv2.cvtColor(frame, self._cv2.COLOR_RGB2BGR)
        found = self._hard.process_frame(timecode, bgr)
        for cut in found:
            self._consider(self._time_of(cut), place=cut.frame_num - len(self._times_s))
        if not found and self._is_missed():
            self._consider(self._recent[_PLACE].time_s, place=_PLACE)
        self._settle(now)
        self._watch_black(time_s, float(tiny.mean()))
        for cut in self._fade.process_frame(timecode, tiny):
            if self._faded_out:
                self._soft_cuts_s.append(self._time_of(cut))
        self._soft_cuts_s += self._dissolve.push(time_s, tiny)

    def _is_missed(self) -> bool:
        """Whether a second look finds a cut at the frame that the detector has just passed over."""
        if len(self._recent) < N_PICTURES or self._recent[_PLACE].change < self._settings.min_change:
            return False
        around = list(itertools.islice(self._recent, len(self._recent) - N_PICTURES, None))
        return is_missed([p.pixels for p in around], [p.change for p in around])

    def _watch_black(self, time_s: float, level: float) -> None:
        """Note whether the picture goes to black bit by bit; a lamp that goes out does not fade."""
        black = self._settings.fade_threshold
        if self._levels and level < black <= self._levels[-1][1]:
            peak = max(earlier for _, earlier in self._levels)
            self._faded_out = self._levels[-1][1] - level <= _FADE_STEP * peak
        self._levels.append((time_s, level))
        while time_s - self._levels[0][0] > _FADE_S:
            self._levels.popleft()

    def _remember(self, now: _Tiny) -> None:
        """Keep the pictures of the last moment, and at least as many as the detector looks back."""
        self._recent.append(now)
        while (
            len(self._recent) > _WINDOW_FRAMES + 2 and now.time_s - self._recent[0].time_s > 2 * self._settings.flash_s
        ):
            self._recent.popleft()

    def _consider(self, cut_s: float, *, place: int) -> None:
        """Note a hard cut unless the picture shows the same as before it, or something shown a moment earlier.

        Parameters
        ----------
        cut_s : float
            Time of the first frame after the cut.
        place : int
            Of that frame in `_recent`, counted from the end.
        """
        before, after = self._recent[place - 1].pixels, self._recent[place].pixels
        change = float(np.abs(after - before).mean())
        if change < self._settings.min_change or _same_but_for_light(before, after):
            return
        around = [p.pixels for p in itertools.islice(self._recent, max(0, len(self._recent) - N_PICTURES), None)]
        if place == _PLACE and len(around) == N_PICTURES and is_none(around):
            return
        for earlier in itertools.islice(self._recent, len(self._recent) + place):
            if cut_s - earlier.time_s <= self._settings.flash_s and _is_close(earlier.pixels, after, change):
                return
        self._pending.append(_Candidate(cut_s, before, change))

    def _settle(self, now: _Tiny) -> None:
        """Drop the candidates whose picture comes back now; those that have waited long enough are cuts."""
        waiting = []
        for candidate in self._pending:
            if now.time_s - candidate.cut_s > self._settings.flash_s:
                self._hard_cuts_s.append(candidate.cut_s)
            elif not _is_close(candidate.before, now.pixels, candidate.change):
                waiting.append(candidate)
        self._pending = waiting

    def _time_of(self, cut: Any) -> float:
        """True time of the frame that a detector names."""
        return self._times_s[int(cut.frame_num)]

    def finish(self, duration_s: float) -> list[Shot]:
        """Shots that tile [0, `duration_s`).

        Parameters
        ----------
        duration_s : float > 0
            End of the last frame, in seconds.
        """
        if not duration_s > 0:
            raise ValueError(f"duration_s must be above 0, got {duration_s}")
        if self._settings.cuts_s is not None:
            known_s = [time_s for time_s in self._settings.cuts_s if 0 < time_s < duration_s]
            return [Shot(i, Span(a, b)) for i, (a, b) in enumerate(itertools.pairwise([0.0, *known_s, duration_s]))]
        self._hard_cuts_s += [candidate.cut_s for candidate in self._pending]
        self._pending = []
        soft = self._soft_cuts_s + self._dissolve.finish()
        cuts_s = merge_cuts(self._hard_cuts_s, soft, duration_s=duration_s, min_shot_s=self._settings.min_shot_s)
        edges_s = [0.0, *cuts_s, duration_s]
        return [Shot(i, Span(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges_s))]

    def colours(self, shots: Sequence[Shot]) -> FloatArray | None:
        """Colours of the shots, as `ColourSampler.of` returns them; None where the cuts were known."""
        return self._colours.of(shots) if self._settings.cuts_s is None else None


def merge_cuts(hard_s: list[float], soft_s: list[float], *, duration_s: float, min_shot_s: float) -> list[float]:
    """Cuts in order, none nearer than `min_shot_s` to another or to an end; a hard cut wins over a soft one.

    Examples
    --------
    >>> merge_cuts([2.0, 2.1, 9.9], [1.8, 5.0], duration_s=10.0, min_shot_s=0.4)
    [2.0, 5.0]
    """
    kept: list[float] = []
    for cut_s in [*sorted(hard_s), *sorted(soft_s)]:
        nearest_s = min((abs(cut_s - other_s) for other_s in (0.0, duration_s, *kept)), default=np.inf)
        if nearest_s >= min_shot_s and 0 < cut_s < duration_s:
            kept.append(cut_s)
    return sorted(kept)


class DissolveCue:
    """Finds dissolves: for a picture and those `half_s` before and after it, the mean of the two is close to the first.

    Parameters
    ----------
    settings : ShotSettings
        `dissolve_half_s`, `dissolve_change`, `dissolve_residual` and the level of black: fades from and to black are
        mixtures too, but belong to the other detector.
    """

    def __init__(self, settings: ShotSettings) -> None:
        self._settings = settings
        self._recent: deque[_Tiny] = deque()
        self._run_s: list[float] = []
        self._level, self._from_black, self._rise_end_s = 0.0, False, -np.inf

    def push(self, time_s: float, tiny: ByteArray) -> list[float]:
        """Look at the next picture; returns the middle of a dissolve when one has just ended."""
        half_s = self._settings.dissolve_half_s
        newest = _Tiny(time_s, tiny.astype(np.float32))
        self._recent.append(newest)
        self._watch_rise(time_s, float(newest.pixels.mean()))
        while len(self._recent) > 2 and self._recent[1].time_s <= time_s - 2 * half_s:
            self._recent.popleft()
        oldest = self._recent[0]
        if time_s - oldest.time_s < 2 * half_s * 0.95:
            return []
        middle = min(self._recent, key=lambda picture: abs(picture.time_s - (time_s - half_s)))
        if self._is_mixture(oldest, middle, newest):
            self._run_s.append(middle.time_s)
            return []
        return self.finish()

    def _watch_rise(self, time_s: float, level: float) -> None:
        """Note until when the picture gets lighter and lighter from black, which is a fade and no dissolve."""
        self._from_black = level < self._settings.fade_threshold or (self._from_black and level > self._level)
        if self._from_black:
            self._rise_end_s = time_s
        self._level = level

    def finish(self) -> list[float]:
        """The middle of the dissolve that is under way, if there is one."""
        run_s, self._run_s = self._run_s, []
        return [0.5 * (run_s[0] + run_s[-1])] if len(run_s) > 1 else []

    def _is_mixture(self, before: _Tiny, middle: _Tiny, after: _Tiny) -> bool:
        """Whether the one in the middle is the mean of two quite different pictures."""
        settings = self._settings
        if not 0.8 * settings.dissolve_half_s <= middle.time_s - before.time_s <= 1.2 * settings.dissolve_half_s:
            return False
        change = float(np.abs(after.pixels - before.pixels).mean())
        if change < settings.dissolve_change:
            return False
        if before.time_s < self._rise_end_s:
            return False
        if min(float(before.pixels.mean()), float(after.pixels.mean())) < 2 * settings.fade_threshold:
            return False
        residual = float(np.abs(middle.pixels - 0.5 * (before.pixels + after.pixels)).mean())
        return residual <= settings.dissolve_residual * change and not _same_but_for_light(before.pixels, after.pixels)


def _is_close(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], change: float) -> bool:
    """Whether two pictures differ by much less than a cut did."""
    return float(np.abs(a - b).mean()) < _FLASH_SHARE * change


def _same_but_for_light(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> bool:
    """Whether two pictures show the same at another brightness, as in a fade."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum()) > _SAME_CORRELATION * float(np.sqrt((a * a).sum() * (b * b).sum()))
