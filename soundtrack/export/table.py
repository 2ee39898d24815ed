"""Tables as CSV (RFC 4180): cues for spreadsheets and rights societies, moods of tracks for players."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from soundtrack.export.clips import one_line
from soundtrack.export.timeline import Timeline
from soundtrack.timebase import frames
from soundtrack.types import Track

COLUMNS = (
    "cue", "usage", "start", "end", "start_s", "end_s", "duration_s", "title", "artist", "isrc", "licence",
    "file", "track_in_s", "track_out_s", "seams", "gain_db", "fade_in_s", "fade_out_s", "merit", "speed",
)  # fmt: skip
"""Head of the table."""

MOOD_COLUMNS = (
    "file", "title", "artist", "mood", "confidence", "valence", "arousal", "tempo_bpm", "key", "loudness_lufs",
    "vocal_share",
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
            cell(cue.cue_id),
            cell(cue.usage),
            *(line.timecode(frames(t, fps=line.fps)) for t in (cue.span.start_s, cue.span.end_s)),
            *(f"{t:.6f}" for t in (cue.span.start_s, cue.span.end_s, cue.span.duration_s)),
            *(cell(word) for word in words),
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


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line


def moods_csv(tracks: Iterable[tuple[Track, str]]) -> str:
    """Return one row per track.

    Parameters
    ----------
    tracks : iterable of (Track, str)
        Tracks with their files as text.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(MOOD_COLUMNS)
    for track, file in tracks:
        tempo, vocals = track.analysis.tempo_bpm, track.analysis.vocal_share
        row = [
            *(cell(text) for text in (file, track.tags.title or "", track.tags.artist or "", track.emotion.label)),
            f"{track.emotion.confidence:.3f}",
            f"{track.emotion.valence:.3f}",
            f"{track.emotion.arousal:.3f}",
            "" if tempo is None else f"{tempo:.1f}",
            track.analysis.key or "",
            f"{track.loudness.integrated_lufs:.1f}",
            "" if vocals is None else f"{vocals:.3f}",
        ]
        writer.writerow(row)
    return out.getvalue()
