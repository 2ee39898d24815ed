"""Cue sheet to OpenTimelineIO, and through its adapter to Final Cut Pro 7 XML.

The film lies on its own video track, the music on one or two audio tracks beside it; levels, fades and the ducking
envelope travel as metadata under ``soundtrack``, in Final Cut Pro 7 XML as keyframes. A cue's speed is a time warp in
OpenTimelineIO; the adapter has no word for it in Final Cut Pro 7 XML. Needs the package opentimelineio
(extra ``interchange``).
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from soundtrack.documents import plain
from soundtrack.errors import DependencyError
from soundtrack.export.clips import MusicClip, file_url, music_clips, one_line, shown_name
from soundtrack.export.levels import gain_keys
from soundtrack.timebase import frames
from soundtrack.types import CueSheet

_AUDIO_LEVELS = (
    ("name", "Audio Levels"),
    ("effectid", "audiolevels"),
    ("effectcategory", "audiolevels"),
    ("effecttype", "audiolevels"),
    ("mediatype", "audio"),
)
_MOST_LEVEL = "3.98107"
_HINT = "run pip install 'soundtrack[interchange]'"


def otio_text(sheet: CueSheet) -> str:
    """The time line as an .otio document."""
    otio = _opentimelineio()
    return str(otio.adapters.write_to_string(timeline(sheet), "otio_json")) + "\n"


def fcp7_text(sheet: CueSheet) -> str:
    """The time line as Final Cut Pro 7 XML (xmeml), as Premiere and Resolve read it."""
    otio = _opentimelineio()
    if "fcp_xml" not in otio.adapters.available_adapter_names():
        raise DependencyError("Final Cut Pro 7 XML needs the package otio-fcp-adapter", hint=_HINT)
    return _with_levels(str(otio.adapters.write_to_string(timeline(sheet), "fcp_xml")), sheet)


def _with_levels(text: str, sheet: CueSheet) -> str:
    """The same xmeml with an Audio Levels filter in each clip of music, for which the adapter has no word."""
    root = ElementTree.fromstring(text)
    clips = sorted(music_clips(sheet), key=lambda clip: clip.lane)
    for item, clip in zip(root.iterfind(".//audio/track/clipitem"), clips, strict=True):
        effect = ElementTree.SubElement(ElementTree.SubElement(item, "filter"), "effect")
        for name, value in _AUDIO_LEVELS:
            ElementTree.SubElement(effect, name).text = value
        level = ElementTree.SubElement(effect, "parameter")
        keys = gain_keys(clip, sheet)
        ends = (("valuemin", "0"), ("valuemax", _MOST_LEVEL), ("value", _factor(keys[0].gain_db)))
        for name, value in (("parameterid", "level"), ("name", "Level"), *ends):
            ElementTree.SubElement(level, name).text = value
        for key in keys:
            corner = ElementTree.SubElement(level, "keyframe")
            ElementTree.SubElement(corner, "when").text = str(clip.source_in + key.frame - clip.record_in)
            ElementTree.SubElement(corner, "value").text = _factor(key.gain_db)
    ElementTree.indent(root)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n{ElementTree.tostring(root, encoding="unicode")}\n'
    )


def _factor(gain_db: float) -> str:
    """A gain as xmeml has it: a factor, at most that of 12 dB."""
    return f"{min(10 ** (gain_db / 20), float(_MOST_LEVEL)):.5f}"


def timeline(sheet: CueSheet) -> Any:
    """The sheet as an opentimelineio Timeline."""
    otio = _opentimelineio()
    result = otio.schema.Timeline(one_line(sheet.film.name))
    n_frames = frames(sheet.film.duration_s, fps=sheet.film.fps)
    picture = otio.schema.Track("Picture", kind=otio.schema.TrackKind.Video)
    picture.append(
        otio.schema.Clip(
            one_line(sheet.film.name),
            media_reference=_reference(otio, sheet.film.name, n_frames, sheet),
            source_range=_range(otio, 0, n_frames, sheet),
        )
    )
    result.tracks.append(picture)
    clips = music_clips(sheet)
    for lane in sorted({clip.lane for clip in clips}):
        result.tracks.append(_lane(otio, [clip for clip in clips if clip.lane == lane], lane, sheet))
    result.metadata["soundtrack"] = {"mix": plain(sheet.mix), "ducking": plain(sheet.ducking)}
    return result


def _lane(otio: Any, clips: list[MusicClip], lane: int, sheet: CueSheet) -> Any:
    """One audio track with gaps where nothing sounds."""
    track = otio.schema.Track(f"MX {'AB'[lane]}", kind=otio.schema.TrackKind.Audio)
    at = 0
    for clip in clips:
        if clip.record_in > at:
            track.append(otio.schema.Gap(source_range=_range(otio, 0, clip.record_in - at, sheet)))
        available = max(frames(clip.track.duration_s, fps=sheet.film.fps), clip.source_in + clip.source_frames)
        item = otio.schema.Clip(
            shown_name(clip.track),
            media_reference=_reference(otio, clip.track.path, available, sheet),
            source_range=_range(otio, clip.source_in, clip.n_frames, sheet),
        )
        if clip.cue.speed != 1.0:
            item.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=clip.cue.speed))
        item.metadata["soundtrack"] = {
            "cue_id": clip.cue.cue_id,
            "gain_db": clip.cue.gain_db,
            "speed": clip.cue.speed,
            "fade_in_s": clip.cue.fade_in_s if clip.is_first else 0.0,
            "fade_out_s": clip.cue.fade_out_s if clip.is_last else 0.0,
        }
        track.append(item)
        at = clip.record_out
    return track


def _range(otio: Any, start: int, length: int, sheet: CueSheet) -> Any:
    """A stretch of frames."""
    rate = float(sheet.film.fps)
    time = otio.opentime.RationalTime
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def _reference(otio: Any, path: str, n_frames: int, sheet: CueSheet) -> Any:
    """A file that the time line points at."""
    return otio.schema.ExternalReference(target_url=file_url(path), available_range=_range(otio, 0, n_frames, sheet))


def _opentimelineio() -> Any:
    """The package, or an error that says how to get it."""
    try:
        import opentimelineio
    except ImportError as error:
        raise DependencyError("this format needs the package opentimelineio", hint=_HINT) from error
    return opentimelineio
