"""Stacks of frames at fixed times, independent of the film's frame rate.

Goes in: batches of frames with their times. Comes out: clips of `n_frames` frames, `frame_rate_hz` apart, one every
`stride_s`. The frame of a moment is the one that a viewer sees then: the last one shown at or before it. So a slow film
repeats frames, a fast one skips some, and a variable rate needs no care. The last clip is filled up with its last
frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from soundtrack.types import ByteArray, Clip, FrameBatch, Span, Still

_EPSILON_S = 1e-6


@dataclass(slots=True)
class _OpenClip:
    """A clip that still waits for frames."""

    start_s: float
    frames: ByteArray
    n_filled: int = 0


class ClipSampler:
    """Cuts the stream of frames into clips; holds no more than the clips that are under way.

    Parameters
    ----------
    n_frames : int > 0
        Frames of a clip.
    frame_rate_hz : float > 0
        Frames a second inside a clip.
    stride_s : float > 0
        Seconds from the start of a clip to the start of the next.
    side_px : int > 0
        Side of the frames, in pixels.

    Examples
    --------
    >>> sampler = ClipSampler(n_frames=2, frame_rate_hz=1.0, stride_s=2.0, side_px=8)
    >>> sampler.push(FrameBatch(times_s=np.array([0.0, 1.0]), frames=np.zeros((2, 8, 8, 3), np.uint8)))
    []
    >>> [clip.span for clip in sampler.finish(2.0)]
    [Span(start_s=0.0, end_s=2.0)]
    """

    def __init__(self, *, n_frames: int, frame_rate_hz: float, stride_s: float, side_px: int) -> None:
        if min(n_frames, frame_rate_hz, stride_s, side_px) <= 0:
            raise ValueError(f"must be above 0: {n_frames=}, {frame_rate_hz=}, {stride_s=}, {side_px=}")
        self._n_frames, self._rate_hz, self._stride_s, self._side_px = n_frames, frame_rate_hz, stride_s, side_px
        self._open: list[_OpenClip] = []
        self._n_opened = 0
        self._shown: ByteArray | None = None
        self._stills: list[Still] = []

    def push(self, batch: FrameBatch) -> list[Clip]:
        """Look at the next frames; returns the clips that are complete with them."""
        if batch.frames.shape[1:] != (self._side_px, self._side_px, 3):
            raise ValueError(f"frames must be (n, {self._side_px}, {self._side_px}, 3), got {batch.frames.shape}")
        done: list[Clip] = []
        self._stills += batch.stills
        for time_s, frame in zip(batch.times_s.tolist(), batch.frames, strict=True):
            done += self._show_until(time_s)
            self._shown = frame
        if self._shown is not None:
            self._shown = self._shown.copy()  # the batch may go
        return done

    def finish(self, duration_s: float) -> list[Clip]:
        """The last clips of a film that ends at `duration_s`, the unfinished one filled up with its last frame."""
        done = self._show_until(duration_s)
        for clip in self._open:
            if clip.n_filled < self._n_frames:
                clip.frames[clip.n_filled :] = clip.frames[clip.n_filled - 1]
            done.append(self._close(clip, end_s=duration_s))
        self._open = []
        return done

    def _show_until(self, time_s: float) -> list[Clip]:
        """The frame shown now stays until `time_s`: it goes into every clip that wants a frame before that."""
        if self._shown is None:
            return []
        while self._n_opened * self._stride_s < time_s - _EPSILON_S:
            self._open.append(self._opened(self._n_opened * self._stride_s, time_s))
            self._n_opened += 1
        done = []
        for clip in self._open:
            while clip.n_filled < self._n_frames and clip.start_s + clip.n_filled / self._rate_hz < time_s - _EPSILON_S:
                clip.frames[clip.n_filled] = self._shown
                clip.n_filled += 1
            if clip.n_filled == self._n_frames and self._end_s(clip) <= time_s + _EPSILON_S:
                done.append(self._close(clip, end_s=self._end_s(clip)))
        self._open = [
            clip for clip in self._open if clip.n_filled < self._n_frames or self._end_s(clip) > time_s + _EPSILON_S
        ]
        return done

    def _opened(self, start_s: float, time_s: float) -> _OpenClip:
        """The next clip, empty; or full of the frame shown now if that stays for all of it.

        Frames shown for hours would fill the memory with copies, so a still clip is one repeated frame.
        """
        shape = (self._n_frames, self._side_px, self._side_px, 3)
        if self._shown is None or start_s + (self._n_frames - 1) / self._rate_hz >= time_s - _EPSILON_S:
            return _OpenClip(start_s, np.empty(shape, np.uint8))
        return _OpenClip(start_s, np.broadcast_to(self._shown, shape), n_filled=self._n_frames)

    def _end_s(self, clip: _OpenClip) -> float:
        """Where a full clip ends."""
        return clip.start_s + self._n_frames / self._rate_hz

    def _close(self, clip: _OpenClip, *, end_s: float) -> Clip:
        """The finished clip; stills that no later one can hold are let go."""
        span = Span(clip.start_s, max(clip.start_s, end_s))
        inside = tuple(still for still in self._stills if span.start_s <= still.time_s < span.end_s)
        self._stills = [still for still in self._stills if still.time_s >= span.start_s + self._stride_s]
        return Clip(span=span, frames=clip.frames, stills=inside)
