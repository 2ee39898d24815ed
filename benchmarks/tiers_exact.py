"""Whole analyses from a cheaper decode beside those from a full one: cuts, readings and processor time.

Usage: python benchmarks/tiers_exact.py DATA WORK [--films N] [--encoders NAME ...] [--tiers NAME ...]

Makes joined films (``tier_films.py``), decodes each in one thread in several ways, and analyses what comes out: in
full, without the loop filter (everywhere, or only in frames that no other refers to), and without the loop filter and
the frames that no other refers to. A film's cuts are equal if all are at the same times. Cosine is that of the vectors
of clips; decoding is processor time, scaling included, beside the full decode of the same film in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from tier_films import ENCODERS, encoded, joined_films

from soundtrack.media.reading.probe import probe
from soundtrack.pipeline.film.analyse import Watcher
from soundtrack.pipeline.film.watch import CLIPS_AT_ONCE, Heard, Sight
from soundtrack.timebase import round_s
from soundtrack.types import FrameBatch, SceneSheet, Still
from soundtrack.video.clips import ClipSampler
from soundtrack.video.frames import squashed
from soundtrack.video.shots import ShotDetector

TIERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "loop filter of unused frames": {"skip_loop_filter": "noref"},
    "loop filter": {"skip_loop_filter": "all"},
    "loop filter and unused frames": {"skip_loop_filter": "all", "skip_frame": "noref"},
}
"""What the decoder leaves out, by name."""


@dataclass
class Seen:
    """One analysis."""

    sheet: SceneSheet
    decode_s: float
    """Processor seconds of decoding and scaling."""


@dataclass
class Row:
    """Films of one encoder and size in one tier."""

    equal: list[bool] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    """Films whose cuts differ, and how."""


class Timed:
    """Frames of a film, decoded in one thread with some options; counts its own processor time."""

    def __init__(self, path: Path, options: dict[str, str], *, side_px: int, still_px: int, every_s: float) -> None:
        self.path, self.options, self.side_px, self.still_px, self.every_s = path, options, side_px, still_px, every_s
        self.cpu_s, self.end_s = 0.0, 0.0

    def __iter__(self) -> Iterator[FrameBatch]:
        began_s = time.process_time()
        small, large = VideoReformatter(), VideoReformatter()
        due_s = self.every_s / 2
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = self.options
            start = stream.start_time or 0
            for frame in container.decode(stream):
                time_s = round_s(float((frame.pts - start) * frame.time_base))
                self.end_s = time_s + float(frame.duration * frame.time_base)
                stills = ()
                if self.end_s > due_s:
                    stills = (Still(max(time_s, due_s), squashed(large, frame, self.still_px).copy()),)
                    due_s += self.every_s
                pixels = squashed(small, frame, self.side_px)[None]
                self.cpu_s += time.process_time() - began_s
                yield FrameBatch(times_s=np.array([time_s]), frames=pixels, stills=stills)
                began_s = time.process_time()


def analysed(watcher: Watcher, path: Path, options: dict[str, str]) -> Seen:
    """The analysis of a film's picture."""
    setup = watcher.setup
    clips = setup.clips
    assert setup.stills is not None
    frames = Timed(path, options, side_px=clips.side_px, still_px=setup.stills.side_px, every_s=setup.stills.every_s)
    detector = ShotDetector()
    sampler = ClipSampler(
        n_frames=clips.n_frames, frame_rate_hz=clips.frame_rate_hz, stride_s=clips.stride_s, side_px=clips.side_px
    )
    found = []
    for batch in frames:
        detector.push(batch)
        found += sampler.push(batch)
    found += sampler.finish(frames.end_s)
    channels = watcher.picture_channels(setup)
    for first in range(0, len(found), CLIPS_AT_ONCE):
        for channel in channels:
            channel.push(found[first : first + CLIPS_AT_ONCE])
    sight = Sight(
        tuple(detector.finish(frames.end_s)),
        tuple(clip.span for clip in found),
        frames.end_s,
        evidence=tuple(channel.finish() for channel in channels),
    )
    return Seen(watcher.sheet(probe(path), sight, Heard(), "sha256:" + "0" * 64), frames.cpu_s)


def compare(row: Row, name: str, full: Seen, cheap: Seen) -> None:
    """Add a film to a row."""
    cuts = [{shot.span.start_s for shot in seen.sheet.shots} for seen in (full, cheap)]
    row.equal.append(cuts[0] == cuts[1])
    row.costs.append(cheap.decode_s / full.decode_s)
    pairs = zip(full.sheet.readings, cheap.sheet.readings, strict=False)
    row.cosines += [
        float(a.embedding @ b.embedding / np.linalg.norm(a.embedding) / np.linalg.norm(b.embedding)) for a, b in pairs
    ]
    if cuts[0] != cuts[1]:
        row.apart.append(f"{name}: only full {sorted(cuts[0] - cuts[1])}, only cheap {sorted(cuts[1] - cuts[0])}")


def main() -> None:
    """Analyse all films in all tiers and print the table."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--films", type=int, default=4)
    asked.add_argument("--encoders", nargs="*", default=list(ENCODERS))
    asked.add_argument("--tiers", nargs="*", choices=list(TIERS)[1:], default=list(TIERS)[1:])
    given = asked.parse_args()
    watcher = Watcher(faces=False)
    films = [
        f
        for apart in (True, False)
        for f in joined_films(given.data, given.work, apart=apart, n=given.films, seconds=25)
    ]
    rows: dict[tuple[str, str], Row] = {}
    for film in films:
        for encoder in given.encoders:
            path = encoded(film, encoder)
            full = analysed(watcher, path, TIERS["nothing"])
            for tier in given.tiers:
                row = rows.setdefault((encoder, tier), Row())
                compare(row, path.name, full, analysed(watcher, path, TIERS[tier]))
        report(rows)


def report(rows: dict[tuple[str, str], Row]) -> None:
    """Print the table and what differs."""
    print("| encoder | left out | films | cuts equal | cosine, least | cosine, median | decode / full |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (encoder, tier), row in rows.items():
        least, middle = min(row.cosines), statistics.median(row.cosines)
        cost = f"{statistics.median(row.costs):.2f} ({min(row.costs):.2f}-{max(row.costs):.2f})"
        print(f"| {encoder} | {tier} | {len(row.equal)} | {sum(row.equal)} | {least:.4f} | {middle:.4f} | {cost} |")
    for (_, tier), row in rows.items():
        for line in row.apart:
            print(f"{tier}: {line}")
    print(flush=True)


if __name__ == "__main__":
    main()
