"""Cue sheet to lists of its tracks: an extended M3U playlist (UTF-8), and credits for end titles or a description.

Both name each track once, in the order of their first cue.
"""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.export.clips import one_line, shown_name
from soundtrack.export.timeline import Timeline
from soundtrack.files.kinds import MARK
from soundtrack.timebase import clock, round_half_up
from soundtrack.types import SheetTrack, Track

_NO_LICENCE = "none stated in the file; a platform may claim this sound"


def m3u_text(line: Timeline) -> str:
    """The tracks that cues use, once each."""
    tracks = {t.track_id: t for t in line.sheet.tracks}
    lines = ["#EXTM3U", f"# {MARK}"]
    for track_id in dict.fromkeys(cue.track_id for cue in line.sheet.cues):
        track = tracks[track_id]
        lines += [f"#EXTINF:{round_half_up(track.duration_s)},{shown_name(track)}", _path(line.track_path(track))]
    return "\n".join(lines) + "\n"


def playlist_text(tracks: Sequence[Track]) -> str:
    """Tracks of a library as an extended M3U playlist, with absolute paths.

    Parameters
    ----------
    tracks : sequence of Track
        In their order.
    """
    lines = ["#EXTM3U", f"# {MARK}"]
    for track in tracks:
        title = one_line(track.tags.title or track.path.name)
        name = f"{one_line(track.tags.artist)} - {title}" if track.tags.artist else title
        lines += [f"#EXTINF:{round_half_up(track.audio.duration_s)},{name}", _path(str(track.path.absolute()))]
    return "\n".join(lines) + "\n"


def _path(path: str) -> str:
    """A path that is one line and no comment; what cannot stand in a line is percent-encoded."""
    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
    line = "".join(c if c.isprintable() else "".join(f"%{b:02X}" for b in c.encode()) for c in shown)
    return f"./{line}" if line.startswith("#") else line


def credits_text(line: Timeline) -> str:
    """The tracks that cues use, once each, with artist, licence, ISRC and where they are heard."""
    sheet = line.sheet
    tracks = {t.track_id: t for t in sheet.tracks}
    lines = [f"Music in {one_line(sheet.film.name)}", ""]
    for track_id in dict.fromkeys(cue.track_id for cue in sheet.cues):
        track = tracks[track_id]
        spans = [f"{clock(c.span.start_s)}-{clock(c.span.end_s)}" for c in sheet.cues if c.track_id == track_id]
        lines += [*_credit(track), f"  at {', '.join(spans)}", ""]
    return "\n".join(lines[:-1] if lines[-1] == "" else lines) + "\n"


def _credit(track: SheetTrack) -> list[str]:
    """Title and artist, then what else the tags say."""
    name = one_line(track.title or track.path.replace("\\", "/").rsplit("/", 1)[-1])
    by = f" by {one_line(track.artist)}" if track.artist else ""
    details = [("licence", track.licence or _NO_LICENCE), ("ISRC", track.isrc)]
    return [f'"{name}"{by}', *(f"  {what}: {one_line(text)}" for what, text in details if text)]
