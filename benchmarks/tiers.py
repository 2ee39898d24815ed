"""What cheaper looks at a film are worth: cuts, readings and processor time beside a full decode.

Usage: python benchmarks/tiers.py draft DATA WORK [--development]
       python benchmarks/tiers.py cost FILM [--rounds N]

``draft`` makes joined films (``tier_films.py``) and counts the cuts that ``soundtrack scenes --draft`` finds, within
0.2 s. *All* are those that a full decode finds; *joins* are known exactly. ``cost`` runs plain ffmpeg and the draft of
one film in turn and prints processor seconds, children included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from clock import timed
from tier_films import ENCODERS, encoded, joined_films

from soundtrack.media.reading.probe import probe
from soundtrack.types import Shot, StillFormat
from soundtrack.video.decode import iter_frames
from soundtrack.video.draft.decode import PacketTable, iter_key_frames
from soundtrack.video.draft.shots import DraftShots
from soundtrack.video.frames import DecodeReport
from soundtrack.video.shots import ShotDetector

SIDE_PX = 112
WITHIN_S = 0.2


def cuts_of(shots: Sequence[Shot]) -> list[float]:
    """Where shots begin, but the first."""
    return [shot.span.start_s for shot in shots[1:]]


def full_cuts(path: Path) -> list[float]:
    """The cuts of a full decode."""
    detector, report = ShotDetector(), DecodeReport()
    for batch in iter_frames(probe(path), side_px=SIDE_PX, report=report):
        detector.push(batch)
    return cuts_of(detector.finish(report.duration_s))


def draft_cuts(path: Path) -> tuple[list[float], str]:
    """The cuts of a draft, and how the key frames lie."""
    info = probe(path)
    detector = DraftShots(info.streams[info.video_stream].codec)
    for item in iter_key_frames(info, side_px=SIDE_PX, stills=StillFormat(1e6, SIDE_PX)):
        if isinstance(item, PacketTable):
            return cuts_of(detector.finish(item)), str(detector.kind)
        detector.push(item)
    raise AssertionError("no table came")


def matched(found: Sequence[float], truth: Sequence[float]) -> int:
    """How many of the true cuts have a found one near, each found one used once."""
    free, n = sorted(found), 0
    for cut_s in truth:
        near = [other_s for other_s in free if abs(other_s - cut_s) <= WITHIN_S]
        if near:
            free.remove(min(near, key=lambda other_s: abs(other_s - cut_s)))
            n += 1
    return n


def draft(data: Path, work: Path, *, development: bool) -> None:
    """Print recall and precision of drafts by encoder and by how the key frames lie."""
    films = joined_films(data, work, apart=not development, n=4, seconds=25)
    truths = {film.name: full_cuts(film.path) for film in films}
    totals: dict[str, list[int]] = {}
    for encoder in ENCODERS:
        for film in films:
            found, kind = draft_cuts(encoded(film, encoder))
            truth = truths[film.name]
            row = [matched(found, truth), len(truth), len(found), matched(found, film.joins_s), len(film.joins_s)]
            for name in (encoder, f"*{kind}*"):
                totals[name] = [a + b for a, b in zip(totals.get(name, [0] * 5), row, strict=True)]
    print("| films | cuts | found | precision | joins | found |\n| --- | --- | --- | --- | --- | --- |")
    for name, (hit, true, found_n, joined, joins) in totals.items():
        print(f"| {name} | {true} | {hit / true:.2f} | {hit / max(1, found_n):.2f} | {joins} | {joined / joins:.2f} |")


def cost(film: Path, *, rounds: int) -> None:
    """Print the processor time of plain ffmpeg and of a draft."""
    decoding, drafting = [], []
    for _ in range(rounds):
        decoding.append(timed(["ffmpeg", "-v", "error", "-i", film, "-map", "0:v:0", "-f", "null", "-"]).cpu_s)
        with tempfile.TemporaryDirectory() as folder:
            words = ["-m", "soundtrack", "scenes", film, "--draft", "--no-cache", "-q", "-o", f"{folder}/draft.json"]
            drafting.append(timed([sys.executable, *words]).cpu_s)
    ratios = [b / a for a, b in zip(decoding, drafting, strict=True)]
    for name, values in (("full decode, s", decoding), ("draft, s", drafting), ("draft / full decode", ratios)):
        print(f"{name}: {statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})")


def main() -> None:
    """Run one part."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = asked.add_subparsers(dest="part", required=True)
    one = parts.add_parser("draft")
    one.add_argument("data", type=Path)
    one.add_argument("work", type=Path)
    one.add_argument("--development", action="store_true")
    two = parts.add_parser("cost")
    two.add_argument("film", type=Path)
    two.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    if given.part == "draft":
        draft(given.data, given.work, development=given.development)
    else:
        cost(given.film, rounds=given.rounds)


if __name__ == "__main__":
    main()
