"""Cue sheet to CSV (RFC 4180): one row per cue, for spreadsheets and rights societies."""

from __future__ import annotations

import csv
import io

from soundtrack.export.clips import one_line
from soundtrack.export.timeline import Timeline
from soundtrack.timebase import frames

COLUMNS = (
    "cue", "usage", "start", "end", "start_s", "end_s", "duration_s", "title", "artist", "isrc", "licence",
    "file", "track_in_s", "track_out_s", "seams", "gain_db", "fade_in_s", "fade_out_s", "merit", "speed",
)  # fmt: skip
"""Head of the table."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(line: Timeline) -> str:
    """The cues as a table; times as timecode, with the film's start, and as seconds of the film."""
    sheet = line.sheet
    tracks = {t.track_id: t for t in sheet.tracks}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for cue in sheet.cues:
        track = tracks[cue.track_id]
        words = (track.title or "", track.artist or "", track.isrc or "", track.licence or "", line.track_path(track))
        row = [
            _cell(cue.cue_id),
            _cell(cue.usage),
            *(line.timecode(frames(t, fps=line.fps)) for t in (cue.span.start_s, cue.span.end_s)),
            *(f"{t:.6f}" for t in (cue.span.start_s, cue.span.end_s, cue.span.duration_s)),
            *(_cell(word) for word in words),
            f"{cue.sections[0].track.start_s:.6f}",
            f"{cue.sections[-1].track.end_s:.6f}",
            len(cue.sections) - 1,
            f"{cue.gain_db:.2f}",
            f"{cue.fade_in_s:.3f}",
            f"{cue.fade_out_s:.3f}",
            f"{cue.merit:.4f}",
            f"{cue.speed:.6f}",
        ]
        writer.writerow(row)
    return out.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
