"""Cue sheet to the text that goes into a film's end titles or under a video: who made the music, and on which terms."""

from __future__ import annotations

from soundtrack.export.clips import one_line
from soundtrack.export.timeline import Timeline
from soundtrack.timebase import clock
from soundtrack.types import SheetTrack


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
    details = [("licence", track.licence), ("ISRC", track.isrc)]
    return [f'"{name}"{by}', *(f"  {what}: {one_line(text)}" for what, text in details if text)]
