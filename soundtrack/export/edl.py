"""Cue sheet to a CMX 3600 edit decision list: audio channels A and A2, non-drop timecode, out points exclusive.

Music at another speed gets an M2 line, with its speed in frames a second to a hundredth.
"""

from __future__ import annotations

from soundtrack.export.clips import MusicClip, music_clips, one_line, shown_name
from soundtrack.timebase import frame_time_s, timecode
from soundtrack.types import CueSheet

_CHANNELS = ("A", "A2")


def edl_text(sheet: CueSheet) -> str:
    """The music as events; clip names, files and cue names stand in comments."""
    lines = [f"TITLE: {one_line(sheet.film.name)[:70]}", "FCM: NON-DROP FRAME", ""]
    for number, clip in enumerate(music_clips(sheet), start=1):
        lines += _event(number, clip, sheet)
    return "\n".join(lines) + "\n"


def _event(number: int, clip: MusicClip, sheet: CueSheet) -> list[str]:
    """One cut, and its comments."""
    marks = (clip.source_in, clip.source_in + clip.source_frames, clip.record_in, clip.record_out)
    fps = sheet.film.fps
    times = [timecode(frame_time_s(frame, fps=fps), fps=fps) for frame in marks]
    warp = (
        [f"M2   AX       {float(fps) * clip.cue.speed:06.2f}                {times[0]}"] if clip.cue.speed != 1 else []
    )
    return [
        f"{number:03d}  AX       {_CHANNELS[clip.lane]:<5} C        {' '.join(times)}",
        *warp,
        f"* FROM CLIP NAME: {shown_name(clip.track)}",
        f"* SOURCE FILE: {one_line(clip.track.path)}",
        f"* COMMENT: CUE {one_line(clip.cue.cue_id)} GAIN {clip.cue.gain_db:+.1f} DB",
    ]
