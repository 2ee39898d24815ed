"""Channel of stills: one larger picture every few seconds through EfficientNet-Lite2.

Goes in: the stills that come with the clips. Comes out: 1280 pooled numbers for the stretch around each. The picture
network is good at movement and colour, this one at what there is to see. It is made only for heads that read it; the
network is loaded at the first still. No torch before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.channels import aligned, digest
from soundtrack.emotion.picture_head import STILLS
from soundtrack.types import (
    ByteArray,
    Channel,
    ChannelSetup,
    Clip,
    Evidence,
    FloatArray,
    Medium,
    Span,
    Still,
    StillFormat,
)

if TYPE_CHECKING:
    from soundtrack.networks.runs.choice import StillRun

FORMAT = StillFormat(every_s=4.0, side_px=260)
"""Which stills it looks at."""
VERSION = "1"
"""Of the channel; changes whenever the numbers of the same film would differ."""
N_FEATURES = 1280
"""Numbers for each still."""
_CLIPS_AT_ONCE = 8
NETWORK = "efficientnet-lite2-9656183e"
"""Its name, with the hash of its weights."""


def stills_for(channels: Iterable[str]) -> StillFormat | None:
    """The stills that a head of some channels needs: none unless it reads this one."""
    return FORMAT if STILLS in channels else None


def stills_channel(setup: ChannelSetup) -> StillsChannel | None:
    """The channel ``stills``; None where no stills are taken, since no head reads them."""
    return None if setup.stills is None else StillsChannel(setup.stills)


class StillsChannel:
    """Looks at the stills of one film.

    Parameters
    ----------
    stills : StillFormat
        Of what it will be given; as large as the network wants them.
    """

    def __init__(self, stills: StillFormat) -> None:
        self.channel = Channel(
            STILLS, VERSION, Medium.PICTURE, dim=N_FEATURES, sha256=digest(NETWORK, stills.every_s, stills.side_px)
        )
        self._every_s = stills.every_s
        self._times_s: list[float] = []
        self._rows: list[FloatArray] = []
        self._end_s = 0.0

    def push(self, clips: Sequence[Clip]) -> None:
        """Look at the stills of the next clips, each once."""
        last_s = self._times_s[-1] if self._times_s else -1.0
        fresh = {still.time_s: still.pixels for clip in clips for still in clip.stills if still.time_s > last_s}
        self._end_s = max(self._end_s, *(clip.span.end_s for clip in clips), 0.0)
        if not fresh:
            return
        self._times_s += fresh
        self._rows += list(_network().features(np.stack(list(fresh.values()))))

    def finish(self) -> Evidence:
        """A row for each still: from the start of its stretch to that of the next, the first from the film's start."""
        rows = np.stack(self._rows) if self._rows else np.zeros((0, N_FEATURES), np.float32)
        return Evidence(self.channel, spans_of(self._times_s, every_s=self._every_s, end_s=self._end_s), rows)


@cache
def _network() -> StillRun:
    """The network, once for all films."""
    from soundtrack.networks.runs.choice import still_run

    return still_run()


def spans_of(times_s: Sequence[float], *, every_s: float, end_s: float) -> tuple[Span, ...]:
    """The stretches that stills represent, touching, from 0 to the end of the film.

    Examples
    --------
    >>> spans_of([2.0, 6.0, 18.0], every_s=4.0, end_s=20.0)
    (Span(start_s=0.0, end_s=4.0), Span(start_s=4.0, end_s=16.0), Span(start_s=16.0, end_s=20.0))
    """
    starts = [0.0, *(time_s // every_s * every_s for time_s in times_s[1:])] if times_s else []
    return tuple(Span(start, end) for start, end in pairwise([*starts, max(end_s, *times_s, 0.0)])) if starts else ()


def rows_of_clips(clips: Sequence[Clip], stills: StillFormat) -> dict[str, FloatArray]:
    """What a film's stills show during each of its clips, by channel: as the analysis finds it."""
    watching = StillsChannel(stills)
    for start in range(0, len(clips), _CLIPS_AT_ONCE):
        watching.push(clips[start : start + _CLIPS_AT_ONCE])
    return {STILLS: aligned(watching.finish(), [clip.span for clip in clips])}


def rows_of_still(picture: ByteArray) -> dict[str, FloatArray]:
    """The same of one picture, squashed to a square of the side that `FORMAT` has."""
    watching = StillsChannel(FORMAT)
    watching.push([Clip(Span(0.0, FORMAT.every_s), picture[None], (Still(0.0, picture),))])
    return {STILLS: watching.finish().features}
