"""An export format for soundtrack: the music of a film as chapters, for the description of a video."""

from soundtrack.export import Exporter
from soundtrack.types import CueSheet


def write(sheet: CueSheet) -> str:
    """Return one line per cue: start, artist and title."""
    names = {track.track_id: f"{track.artist or 'unknown'} - {track.title or track.path}" for track in sheet.tracks}
    lines = ["Music:"]
    for cue in sheet.cues:
        minutes, seconds = divmod(int(cue.span.start_s), 60)
        lines.append(f"{minutes}:{seconds:02} {names[cue.track_id]}")
    return "\n".join(lines) + "\n"


chapters = Exporter("music credits as chapters, for video descriptions", b"Music:\n", write)
