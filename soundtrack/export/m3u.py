"""Cue sheet to an extended M3U playlist (UTF-8): the tracks in the order of their first cue."""

from __future__ import annotations

from soundtrack.export.clips import shown_name
from soundtrack.export.timeline import Timeline
from soundtrack.timebase import round_half_up


def m3u_text(line: Timeline) -> str:
    """The tracks that cues use, once each."""
    tracks = {t.track_id: t for t in line.sheet.tracks}
    lines = ["#EXTM3U"]
    for track_id in dict.fromkeys(cue.track_id for cue in line.sheet.cues):
        track = tracks[track_id]
        lines += [f"#EXTINF:{round_half_up(track.duration_s)},{shown_name(track)}", _path(line.track_path(track))]
    return "\n".join(lines) + "\n"


def _path(path: str) -> str:
    """A path that is one line and no comment; what cannot stand in a line is percent-encoded."""
    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
    line = "".join(c if c.isprintable() else "".join(f"%{b:02X}" for b in c.encode()) for c in shown)
    return f"./{line}" if line.startswith("#") else line
