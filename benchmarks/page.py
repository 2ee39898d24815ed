"""The page of results as Markdown: the bars first, then tables, from a `Book`."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from clock import Book, shown
from inputs import CODECS, HEIGHTS

HEAD = """# Benchmarks

Written by `python3 dev.py bench{quick}`. Every command is a process of its own, its start included; rounds are
interleaved, so that a noisy minute hits all alike; figures are medians with the range in brackets. **Read the ratios**:
each is against the floor of the same round, which is plain ffmpeg doing the unavoidable part.

Machine: {machine}.
"""

FILM = "1080p h264 with grain, 8 Mbit/s"


def machine() -> str:
    """Which machine this is, in a line."""
    from soundtrack.media.locate import ffmpeg_path

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    told = subprocess.run([ffmpeg_path(), "-version"], capture_output=True, text=True, check=True).stdout
    ffmpeg = re.sub(r"^ffmpeg version (\S+).*", r"\1", told.splitlines()[0])
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, no GPU used, {platform.system()}, "
        f"Python {platform.python_version()}, torch {metadata.version('torch')}, ffmpeg {ffmpeg}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]


def _row(book: Book, part: str, name: str, floor: str, told: str) -> list[str]:
    """One command of a part: wall, CPU, memory, ratios to the floor."""
    runs = book.runs(part, name)
    cells = [
        told,
        shown([r.wall_s for r in runs]),
        shown([r.cpu_s for r in runs]),
        shown([max(r.peak_mib for r in runs)], 0) if runs else "",
    ]
    if name == floor:
        return [*cells, "1", "1"]
    return [*cells, shown(book.ratio(part, name, floor), 2), shown(book.ratio(part, name, floor, cpu=True), 2)]


COLUMNS = ["", "wall, s", "CPU, s", "peak MiB", "wall / floor", "CPU / floor"]


def _parts(book: Book) -> list[str]:
    """Tables of everything that was measured."""
    lines: list[str] = []
    films = {
        "decode": "decode only (floor)",
        "picture": "shots and film numbers, without the network",
        "scenes": "`soundtrack scenes`: everything",
        "score": "`soundtrack score`: analysis, choice, mix, film written",
        "score again": "the same a second time, analysis kept from before",
        "scenedetect": "PySceneDetect's own command line: shots only",
        "i3d": "OpenCV and full-width I3D in plain PyTorch, every 64 frames: features only",
    }
    for part, minutes in (("minute", "1 minute"), ("ten", "10 minutes")):
        rows = [_row(book, part, name, "decode", told) for name, told in films.items() if book.runs(part, name)]
        if rows:
            lines += [f"## {minutes} of {FILM}", "", *_table(COLUMNS, rows)]
    rows = []
    for codec in CODECS:
        for size in HEIGHTS:
            part = f"codecs {codec} {size}"
            if book.runs(part, "scenes"):
                rows.append(_row(book, part, "scenes", "decode", f"{codec} {size}"))
    if rows:
        lines += ["## `soundtrack scenes` on a minute of other films", "", "The floor is decoding the same film.", ""]
        lines += _table(COLUMNS, rows)
    if book.runs("mux", "render"):
        named = {"copy and AAC": "copy the picture, encode one AAC track (floor)", "render": "`soundtrack render`"}
        rows = [_row(book, "mux", name, "copy and AAC", told) for name, told in named.items()]
        lines += ["## Mix and mux of 10 minutes", "", *_table(COLUMNS, rows)]
    if book.runs("batch", "batch"):
        named = {"a run for each": "`soundtrack score` for each clip (floor)", "batch": "`soundtrack score --batch`"}
        rows = [_row(book, "batch", name, "a run for each", told) for name, told in named.items()]
        n = int(book.numbers("batch", "clips")[0])
        lines += [f"## Score {n} clips of 20 s, 360p", "", *_table(COLUMNS, rows)]
    if book.runs("index", "index"):
        n, few = int(book.numbers("index", "tracks")[0]), int(book.numbers("index", "librosa tracks")[0])
        named = {
            "decode": f"decode {n} tracks (floor)",
            "index": "`soundtrack index`, a process for each core",
            "index, one process": "`soundtrack index --jobs 1`",
            "index again": "`soundtrack index` again, nothing changed",
            "librosa": f"librosa's load, mel, beat_track, chroma on {few} of them",
        }
        rows = [_row(book, "index", name, "decode", told) for name, told in named.items()]
        rows[-1][-2:] = ["", ""]  # other tracks, other floor
        lines += [f"## Index of {n} tracks of 3.5 minutes in mp3, flac, opus and m4a", "", *_table(COLUMNS, rows)]
    if book.runs("memory", "180 minutes"):
        rows = [_row(book, "memory", name, "10 minutes", name) for name in ("10 minutes", "180 minutes")]
        lines += ["## Memory of a long film, 360p", "", *_table(COLUMNS, rows)]
    rows = [
        [f"`{name}`", shown([r.wall_s for r in book.runs("start", name)], 3)]
        for name in ("soundtrack --help", "soundtrack --version")
        if book.runs("start", name)
    ]
    if rows:
        lines += ["## Start", "", *_table(["", "wall, s"], rows)]
    if book.numbers("search", "query_s"):
        query_ms = [1000 * value for value in book.numbers("search", "query_s")]
        rows = [
            ["open", f"{1000 * statistics.median(book.numbers('search', 'open_s')):.0f} ms"],
            [
                "64 nearest of a query, one thread",
                f"{statistics.median(query_ms):.1f} ms (at most {max(query_ms):.1f})",
            ],
            ["of the true 64 nearest, found", f"{statistics.median(book.numbers('search', 'recall')):.3f}"],
        ]
        n = int(book.numbers("search", "segments")[0])
        lines += [f"## A library of {n:,} segments", "", *_table(["", ""], rows)]
    return lines


def _bars(book: Book) -> list[str]:
    """What was promised and what was measured."""
    rows: list[list[str]] = []

    def bar(told: str, limit: float, values: Sequence[float], unit: str = "x", *, at_least: bool = False) -> None:
        if values:
            found = statistics.median(values)
            is_met = found >= limit if at_least else found <= limit
            sign = "at least" if at_least else "at most"
            rows.append([told, f"{sign} {limit:g} {unit}", f"{shown(values, 2)} {unit}", "yes" if is_met else "**no**"])

    part = "ten" if book.runs("ten", "scenes") else "minute"
    length = "10 minutes" if part == "ten" else "1 minute"
    bar(f"analysis of {length} of {FILM}, beside decoding it", 1.6, book.ratio(part, "scenes", "decode"))
    bar("the same without the network", 1.25, book.ratio(part, "picture", "decode"))
    bar("its peak memory", 1500, [r.peak_mib for r in book.runs(part, "scenes")], "MiB")
    bar("the memory of 3 hours beside that of 10 minutes", 1.1, _peaks(book))
    bar("index, processor time beside decoding alone", 3.0, book.ratio("index", "index", "decode", cpu=True))
    plain = "index per track, times faster than librosa's usual calls"
    bar(f"{plain}, on the clock", 5.0, _against_librosa(book), at_least=True)
    bar(f"{plain}, of the processor", 5.0, _against_librosa(book, cpu=True), at_least=True)
    bar("a second look at 20,000 unchanged files", 5.0, [r.wall_s for r in book.runs("files", "index again")], "s")
    bar("mix and mux of 10 minutes, beside copy and AAC", 2.0, book.ratio("mux", "render", "copy and AAC"))
    times = "clips of 20 s in a batch, times faster than a run for each"
    bar(f"{times}, on the clock", 3.0, book.ratio("batch", "a run for each", "batch"), at_least=True)
    bar(f"{times}, of the processor", 3.0, book.ratio("batch", "a run for each", "batch", cpu=True), at_least=True)
    bar("a query among 1,000,000 segments", 20.0, [1000 * v for v in book.numbers("search", "query_s")], "ms")
    bar("opening them", 1.0, book.numbers("search", "open_s"), "s")
    bar("of the true 64 nearest, found", 0.98, book.numbers("search", "recall"), "", at_least=True)
    bar("`soundtrack --help`", 0.15, [r.wall_s for r in book.runs("start", "soundtrack --help")], "s")
    return ["## What was promised", "", *_table(["", "bar", "measured", "met"], rows)] if rows else []


def _peaks(book: Book) -> list[float]:
    pairs = zip(book.runs("memory", "180 minutes"), book.runs("memory", "10 minutes"), strict=False)
    return [a.peak_mib / b.peak_mib for a, b in pairs]


def _against_librosa(book: Book, *, cpu: bool = False) -> list[float]:
    """Seconds a track of librosa, in one process, over those of the index, in one for each core; starts included."""
    ratios = book.ratio("index", "librosa", "index", cpu=cpu)
    return [ratio * book.numbers("index", "tracks")[0] / book.numbers("index", "librosa tracks")[0] for ratio in ratios]


def write_page(book: Book, *, quick: bool, note: str = "") -> str:
    """The page as Markdown; `note` tells of the conditions."""
    head = HEAD.format(quick=" --quick" if quick else "", machine=machine())
    return "\n".join([head, *([note, ""] if note else []), *_bars(book), *_parts(book)]).rstrip() + "\n"
