"""Timeline to OpenTimelineIO.

The picture and the film's own sound are on a track each, the music on one or two audio tracks. Fades are transitions
from and to nothing. OpenTimelineIO has no field for levels: gains, and level keyframes with fades and ducking, are
metadata under ``soundtrack``. A cue's speed is a time warp.
"""

from __future__ import annotations

from typing import Any

from soundtrack.documents.writing import plain
from soundtrack.export.clips import MusicClip, one_line, shown_name
from soundtrack.export.timeline import Sound, Timeline, file_url
from soundtrack.timebase import frames

_LINK = {"Resolve_OTIO": {"Link Group ID": 1}}
"""How DaVinci Resolve marks clips that belong together."""

_COLOURS = {"own": "CYAN", "hits": "RED", "scenes": "MAGENTA", "sections": "YELLOW", "bars": "GREEN", "beats": "BLUE"}


def otio_text(line: Timeline) -> str:
    """The time line as an .otio document."""
    import opentimelineio as otio

    sheet = line.sheet
    result = otio.schema.Timeline(
        one_line(sheet.film.name), global_start_time=otio.opentime.RationalTime(line.grid.start, float(line.fps))
    )
    result.tracks.append(_film(otio, line, name="Picture", kind=otio.schema.TrackKind.Video))
    if line.keeps_original:
        result.tracks.append(_film(otio, line, name="DX", kind=otio.schema.TrackKind.Audio))
    for lane in sorted({clip.lane for clip in line.clips}):
        result.tracks.append(_lane(otio, [clip for clip in line.clips if clip.lane == lane], lane, line))
    for marker in line.markers:
        result.tracks.markers.append(
            otio.schema.Marker(marker.text, _range(otio, marker.frame, 1, line), color=_COLOURS[marker.kind])
        )
    result.metadata["soundtrack"] = {
        "mix": plain(sheet.mix),
        "ducking": plain(sheet.ducking),
        "original_gain_db": round(line.original_gain_db, 6),
        "music_gain_db": round(line.music_gain_db, 6),
        "start_timecode": line.timecode(0),
    }
    return str(otio.adapters.write_to_string(result, "otio_json")) + "\n"


def _film(otio: Any, line: Timeline, *, name: str, kind: str) -> Any:
    """The picture of the film or its sound, as one clip."""
    whole = _range(otio, line.grid.start, line.n_frames, line)
    reference = otio.schema.ExternalReference(target_url=file_url(line.media.film), available_range=whole)
    clip = otio.schema.Clip(one_line(line.sheet.film.name), media_reference=reference, source_range=whole)
    if line.keeps_original:
        clip.metadata.update(_LINK)
    if kind == otio.schema.TrackKind.Audio:
        reference.metadata["soundtrack"] = _described(line.media.film_sound)
        clip.metadata["soundtrack"] = {"gain_db": round(line.original_gain_db, 6)}
    track = otio.schema.Track(name, kind=kind)
    track.append(clip)
    return track


def _lane(otio: Any, clips: list[MusicClip], lane: int, line: Timeline) -> Any:
    """One audio track with gaps where nothing sounds, and fades."""
    track = otio.schema.Track(f"MX {'AB'[lane]}", kind=otio.schema.TrackKind.Audio)
    at, fade_out = 0, 0
    for clip in clips:
        fade_in = _fade(clip, clip.cue.fade_in_s, line) if clip.is_first else 0
        if clip.record_in > at:
            _transition(otio, track, line, before=fade_out, after=0)
            track.append(otio.schema.Gap(source_range=_range(otio, 0, clip.record_in - at, line)))
            fade_out = 0
        _transition(otio, track, line, before=fade_out, after=fade_in)
        track.append(_clip(otio, clip, line))
        fade_out = _fade(clip, clip.cue.fade_out_s, line) if clip.is_last else 0
        at = clip.record_out
    _transition(otio, track, line, before=fade_out, after=0)
    return track


def _fade(clip: MusicClip, length_s: float, line: Timeline) -> int:
    """Length of a fade in frames, at most the clip's; 0 where it is too short to be one."""
    n_frames = min(frames(length_s, fps=line.fps), clip.n_frames)
    return n_frames if n_frames > 1 else 0


def _transition(otio: Any, track: Any, line: Timeline, *, before: int, after: int) -> None:
    """A fade of the clip before and of the clip after, if there is any."""
    if before or after:
        rate, time = float(line.fps), otio.opentime.RationalTime
        track.append(
            otio.schema.Transition(
                transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                in_offset=time(before, rate),
                out_offset=time(after, rate),
            )
        )


def _clip(otio: Any, clip: MusicClip, line: Timeline) -> Any:
    """A stretch of music."""
    reference = otio.schema.ExternalReference(
        target_url=file_url(line.track_path(clip.track)),
        available_range=_range(otio, 0, line.available(clip.track), line),
    )
    reference.metadata["soundtrack"] = _described(line.sound(clip.track))
    item = otio.schema.Clip(
        shown_name(clip.track),
        media_reference=reference,
        source_range=_range(otio, clip.source_in, clip.n_frames, line),
    )
    if clip.cue.speed != 1.0:
        item.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=clip.cue.speed))
    item.metadata["soundtrack"] = {
        "cue_id": clip.cue.cue_id,
        "gain_db": round(line.gain_db(clip), 6),
        "speed": clip.cue.speed,
        "fade_in_s": clip.cue.fade_in_s if clip.is_first else 0.0,
        "fade_out_s": clip.cue.fade_out_s if clip.is_last else 0.0,
        "level_keys": [{"frame": key.frame - clip.record_in, "gain_db": key.gain_db} for key in line.keys(clip)],
    }
    return item


def _described(sound: Sound) -> dict[str, int]:
    """Channels and rate as metadata."""
    return {"channels": sound.channels, "sample_rate_hz": sound.sample_rate_hz}


def _range(otio: Any, start: int, length: int, line: Timeline) -> Any:
    """A stretch of frames."""
    rate, time = float(line.fps), otio.opentime.RationalTime
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))
