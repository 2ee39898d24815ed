"""Frames that nothing refers to, left out where packets look calm and repaired where pictures do not: cuts and cost.

Usage: python benchmarks/gaps.py DATA WORK [--films N] [--encoders NAME ...]

Makes joined films (``tier_films.py``), decodes each in full, and tries on those frames what a decoder could leave out:
frames that no other refers to, that no clip samples, and about which no packet is larger than usual. A frame left out
is taken for the mean of its neighbours. Where two neighbours differ like two shots, all frames around are decoded
again, which takes a second decode from the key frame before. Printed for each way to choose: films with equal cuts, the
share of frames left out, and the share of frames that is decoded a second time.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter
from tier_films import ENCODERS, encoded, joined_films

from soundtrack.types import ByteArray, FrameBatch, TimeArray
from soundtrack.video.frames import squashed
from soundtrack.video.shots import ShotDetector

SIDE_PX, TINY_PX = 128, 28
RATE_HZ, STILL_S = 8.0, 4.0
"""What clips and stills sample."""
AROUND = 3
"""Frames on either side of a change that are decoded."""
_USUAL = 16
_FIRST = 10
_ALWAYS = 9.0
"""Used as the size of a packet of which it is not known yet what is usual."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Way:
    """How to choose what is left out, and what counts as two shots."""

    forward: float
    """Largest size of a packet that is shown after all before it, as a share of the usual one."""
    backward: float
    """The same of all others."""
    change: float = 8.0
    """Least mean 8-bit change of two pictures that may be of two shots."""
    correlation: float = 0.93
    """Largest correlation of two such pictures."""


WAYS = (Way(1.6, 2.0), Way(2.2, 2.5), Way(99.0, 99.0), Way(2.2, 2.5, 9.0, 0.75), Way(2.2, 2.5, 9.0, -2.0))
"""The last one decodes nothing again."""


class Film:
    """A film in full, and what its packets and a decoder say of its frames."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            packets = [(p.pts, p.size, p.is_keyframe) for p in container.demux(stream) if p.size]
        stamps, self.frames, self.times_s = _decoded(path)
        self.unused = ~np.isin(stamps, _decoded(path, skip_frame="NONREF", look=False)[0])
        self.tiny = [cv2.resize(f, (TINY_PX, TINY_PX), interpolation=cv2.INTER_AREA).astype(int) for f in self.frames]
        n = len(stamps)
        self.forward, self.is_key, self.size = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n)
        usual: dict[bool, deque[int]] = {True: deque(maxlen=_USUAL), False: deque(maxlen=_USUAL)}
        latest = None
        for stamp, size, is_key in packets:
            i = int(np.searchsorted(stamps, stamp))
            ahead = latest is None or stamp > latest
            latest = stamp if ahead else latest
            known = usual[ahead]
            self.size[i] = size / statistics.median(known) if len(known) >= AROUND else _ALWAYS
            self.forward[i], self.is_key[i] = ahead, is_key
            if not is_key:
                known.append(size)
        self.cuts = cuts_of(self.times_s, self.frames)

    def needed(self) -> Flags:
        """The frames that clips and stills show."""
        end_s = self.times_s[-1] + 0.04
        wanted_s = np.concatenate([np.arange(0, end_s, 1 / RATE_HZ), np.arange(STILL_S / 2, end_s, STILL_S)])
        found = np.zeros(len(self.times_s), bool)
        found[np.searchsorted(self.times_s, wanted_s + 1e-6, side="right") - 1] = True
        return found

    def calm(self, way: Way) -> Flags:
        """The frames that may be left out, as far as packets tell."""
        large = self.is_key | (self.size > np.where(self.forward, way.forward, way.backward))
        ahead = np.flatnonzero(self.forward)
        result = self.unused & ~self.needed() & ~self.forward
        for i in np.flatnonzero(result):
            after = int(np.searchsorted(ahead, i))
            near = slice(max(0, i - AROUND), i + AROUND + 1)
            is_end = i < _FIRST or after >= len(ahead) - 1
            result[i] = not (is_end or large[ahead[after - 1] : ahead[after] + 1].any() or large[near].any())
        return result

    def again(self, out: Flags, way: Way) -> Flags:
        """The frames around what may be a cut."""
        found = np.zeros(len(out), bool)
        kept = np.flatnonzero(~out).tolist()
        for a, b in itertools.pairwise(kept):
            before, after = self.tiny[a], self.tiny[b]
            if np.abs(after - before).mean() >= way.change:
                with np.errstate(invalid="ignore"):  # a black picture is like nothing
                    likeness = np.corrcoef(before.ravel(), after.ravel())[0, 1]
                if not likeness > way.correlation:
                    found[max(0, a - AROUND) : b + AROUND + 1] = True
        return found

    def without(self, out: Flags) -> list[float]:
        """The cuts where frames are taken for the mean of their neighbours."""
        frames, kept = self.frames.copy(), np.flatnonzero(~out).tolist()
        for a, b in itertools.pairwise(kept):
            for i in range(a + 1, b):
                share = (i - a) / (b - a)
                frames[i] = np.round((1 - share) * self.frames[a] + share * self.frames[b])
        return cuts_of(self.times_s, frames)

    def decoded_again(self, mended: Flags) -> float:
        """Share of the film from key frames to the last frame of their group that is repaired."""
        keys = np.flatnonzero(self.is_key)
        groups = np.searchsorted(keys, np.flatnonzero(mended), side="right") - 1
        lasts = {int(group): int(i) for group, i in zip(groups, np.flatnonzero(mended), strict=True)}
        return sum(last - int(keys[group]) + 1 for group, last in lasts.items()) / len(mended)


def cuts_of(times_s: TimeArray, frames: ByteArray) -> list[float]:
    """Where shots begin."""
    detector = ShotDetector()
    detector.push(FrameBatch(times_s=times_s, frames=frames))
    return [shot.span.start_s for shot in detector.finish(float(times_s[-1]) + 0.04)]


def _decoded(
    path: Path, *, skip_frame: str = "DEFAULT", look: bool = True
) -> tuple[npt.NDArray[np.int64], ByteArray, TimeArray]:
    """Stamps, pictures and times of what a decoder gives."""
    scaler, stamps, frames, times_s = VideoReformatter(), [], [], []
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.skip_frame = skip_frame
        for frame in container.decode(video=0):
            stamps.append(frame.pts)
            times_s.append(frame.time)
            if look:
                frames.append(squashed(scaler, frame, SIDE_PX).copy())
    return np.array(stamps), np.array(frames), np.array(times_s)


def main() -> None:
    """Try all ways on all films."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--films", type=int, default=3)
    asked.add_argument("--encoders", nargs="*", default=[name for name in ENCODERS if name not in ("av1", "vp9")])
    given = asked.parse_args()
    found: dict[Way, list[tuple[bool, float, float]]] = {way: [] for way in WAYS}
    for apart in (True, False):
        for joined in joined_films(given.data, given.work, apart=apart, n=given.films, seconds=25):
            for encoder in given.encoders:
                film = Film(encoded(joined, encoder))
                for way, results in found.items():
                    out = film.calm(way)
                    mended = out & film.again(out, way)
                    is_equal = film.without(out & ~mended) == film.cuts
                    results.append((is_equal, float(out.mean()), film.decoded_again(mended)))
    print("| way | films | cuts equal | left out | decoded again |\n| --- | --- | --- | --- | --- |")
    for way, results in found.items():
        equal, out_share, again = (statistics.fmean(column) for column in zip(*results, strict=True))
        print(f"| {way} | {len(results)} | {equal * len(results):.0f} | {out_share:.3f} | {again:.3f} |")


if __name__ == "__main__":
    main()
