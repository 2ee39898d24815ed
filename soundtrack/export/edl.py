"""Timeline to a CMX 3600 edit decision list: the music on audio channels A and A2, out points exclusive.

The record timecode starts with the film's, in drop-frame if the film's is. Music at another speed gets an M2 line, with
its speed in frames a second to a hundredth. An edit list has no levels: gains and fades travel as comments.
"""

from __future__ import annotations

from soundtrack.export.clips import MusicClip, one_line, shown_name
from soundtrack.export.markers import Marker
from soundtrack.export.timeline import Timeline

_CHANNELS = ("A", "A2")
_COLOURS = {"own": "CYAN", "hits": "RED", "scenes": "MAGENTA", "sections": "YELLOW", "bars": "GREEN", "beats": "BLUE"}


def edl_text(line: Timeline) -> str:
    """The music as events; clip names, files, cue names, gains and fades are comments."""
    count = "DROP FRAME" if line.grid.is_drop else "NON-DROP FRAME"
    lines = [f"TITLE: {one_line(line.sheet.film.name)[:70]}", f"FCM: {count}", ""]
    left = list(line.markers)
    for number, clip in enumerate(line.clips, start=1):
        lines += _event(number, clip, line)
        later = line.clips[number].record_in if number < len(line.clips) else line.n_frames
        lines += [_locator(marker, line) for marker in left if marker.frame < later]
        left = [marker for marker in left if marker.frame >= later]
    return "\n".join(lines) + "\n"


def _locator(marker: Marker, line: Timeline) -> str:
    """A marker as Avid and Resolve read it, below the event that it falls in."""
    return f"* LOC: {line.timecode(marker.frame)} {_COLOURS[marker.kind]:<7} {marker.text}"


def _event(number: int, clip: MusicClip, line: Timeline) -> list[str]:
    """One cut, and its comments."""
    sources = [line.source_timecode(frame) for frame in (clip.source_in, clip.source_in + clip.source_frames)]
    records = [line.timecode(frame) for frame in (clip.record_in, clip.record_out)]
    speed = clip.cue.speed
    warp = [f"M2   AX       {float(line.fps) * speed:06.2f}                {sources[0]}"] if speed != 1 else []
    fades = [
        ("IN", clip.cue.fade_in_s if clip.is_first else 0.0),
        ("OUT", clip.cue.fade_out_s if clip.is_last else 0.0),
    ]
    comment = f"* COMMENT: CUE {one_line(clip.cue.cue_id)} GAIN {line.gain_db(clip):+.1f} DB"
    return [
        f"{number:03d}  AX       {_CHANNELS[clip.lane]:<5} C        {' '.join([*sources, *records])}",
        *warp,
        f"* FROM CLIP NAME: {shown_name(clip.track)}",
        f"* SOURCE FILE: {one_line(line.track_path(clip.track))}",
        comment + "".join(f" FADE {name} {length_s:.2f} S" for name, length_s in fades if length_s > 0),
    ]
