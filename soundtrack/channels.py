"""Building blocks of channels: one row per clip, alignment to other spans, a hash of the parameters.

Goes in: a function that measures some clips. Comes out: a channel, as `soundtrack.types.PictureChannel` wants it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from soundtrack.types import Channel, Clip, Evidence, FloatArray, Span


class ClipByClip:
    """A picture channel that gives one row for each clip; a still that goes on is measured once.

    Parameters
    ----------
    channel : Channel
        Its name, version and hash.
    measure : callable
        From n >= 1 clips to their features, shape (n, dim).

    Examples
    --------
    >>> from soundtrack.types import Medium
    >>> light = Channel("light", "1", Medium.PICTURE, dim=1, sha256=digest("mean of all pixels"), names=("light",))
    >>> watching = ClipByClip(light, lambda clips: np.array([[clip.frames.mean()] for clip in clips]))
    >>> watching.push([Clip(Span(0, 2), np.full((16, 8, 8, 3), 7, np.uint8))])
    >>> watching.finish().features
    array([[7.]], dtype=float32)
    """

    def __init__(self, channel: Channel, measure: Callable[[Sequence[Clip]], FloatArray]) -> None:
        self.channel = channel
        self._measure = measure
        self._spans: list[Span] = []
        self._rows: list[FloatArray] = []
        self._last: Clip | None = None

    def push(self, clips: Sequence[Clip]) -> None:
        """Measure the next clips; those that share the array of the clip before them are known already."""
        before = [self._last, *clips]
        fresh = [clip for last, clip in zip(before, clips, strict=False) if not _is_same(last, clip)]
        measured = iter(self._measured(fresh))
        for last, clip in zip(before, clips, strict=False):
            self._rows.append(self._rows[-1] if _is_same(last, clip) else next(measured))
            self._spans.append(clip.span)
            self._last = clip

    def finish(self) -> Evidence:
        """A row for each clip."""
        rows = np.stack(self._rows) if self._rows else np.zeros((0, self.channel.dim), np.float32)
        return Evidence(self.channel, tuple(self._spans), rows)

    def _measured(self, clips: list[Clip]) -> FloatArray:
        """Features of some clips, checked."""
        if not clips:
            return np.zeros((0, self.channel.dim), np.float32)
        rows = np.asarray(self._measure(clips), np.float32)
        if rows.shape != (len(clips), self.channel.dim):
            raise ValueError(
                f"{self.channel.name} must give {(len(clips), self.channel.dim)} numbers for {len(clips)} clips, "
                f"got {rows.shape}"
            )
        return rows


def _is_same(before: Clip | None, clip: Clip) -> bool:
    """Whether a clip shows the very frames of the one before it."""
    return before is not None and clip.frames is before.frames


def aligned(evidence: Evidence, spans: Sequence[Span]) -> FloatArray:
    """Features on other spans: means weighed by the seconds shared, NaN where none is; shape (n, dim).

    Examples
    --------
    >>> from soundtrack.types import Medium
    >>> cold = Channel("cold", "1", Medium.PICTURE, dim=1, sha256="0" * 64)
    >>> found = Evidence(cold, (Span(0, 2), Span(2, 4)), np.array([[1.0], [5.0]], np.float32))
    >>> aligned(found, [Span(1, 3), Span(2, 3), Span(8, 9)])
    array([[ 3.],
           [ 5.],
           [nan]], dtype=float32)
    """
    if tuple(spans) == evidence.spans:
        return evidence.features
    starts = np.array([span.start_s for span in evidence.spans])
    ends = np.array([span.end_s for span in evidence.spans])
    rows = np.full((len(spans), evidence.channel.dim), np.nan, np.float32)
    for row, span in zip(rows, spans, strict=True):
        shared = np.maximum(np.minimum(ends, span.end_s) - np.maximum(starts, span.start_s), 0.0)
        used = np.flatnonzero(shared)
        if len(used):
            row[:] = shared[used] @ evidence.features[used] / shared[used].sum()
    return rows


def digest(*parts: object) -> str:
    """Hash of what made some features, distinguished by ``repr``: for `Channel.sha256`."""
    return hashlib.sha256("\n".join(repr(part) for part in parts).encode()).hexdigest()
