"""Cue sheet to an extended M3U playlist (UTF-8): the tracks in the order of their first cue."""

from __future__ import annotations

from soundtrack.export.clips import shown_name
from soundtrack.timebase import round_half_up
from soundtrack.types import CueSheet


def m3u_text(sheet: CueSheet) -> str:
    """The tracks that cues use, once each."""
    tracks = {t.track_id: t for t in sheet.tracks}
    lines = ["#EXTM3U"]
    for track_id in dict.fromkeys(cue.track_id for cue in sheet.cues):
        track = tracks[track_id]
        lines += [f"#EXTINF:{round_half_up(track.duration_s)},{shown_name(track)}", _path(track.path)]
    return "\n".join(lines) + "\n"


def _path(path: str) -> str:
    """A path that is one line and no comment; what cannot stand in a line is percent-encoded."""
    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
    line = "".join(c if c.isprintable() else "".join(f"%{b:02X}" for b in c.encode()) for c in shown)
    return f"./{line}" if line.startswith("#") else line
