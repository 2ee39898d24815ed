"""Edited time lines in OpenTimelineIO, Final Cut Pro 7 XML and CMX 3600, read by OpenTimelineIO and its adapters.

Goes in: the text of a document. Comes out: an `EditedLine`. Fades are transitions in OpenTimelineIO and comments in an
edit list; levels are metadata, a filter with keyframes, and a comment.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from soundtrack.export.edited.line import (
    EditClip,
    EditedLine,
    EditMarker,
    LevelKey,
    bounded,
    edited_line,
    exact_rate,
    named_cue,
    path_of,
)
from soundtrack.export.keyframes import FLOOR_DB

_GAIN = re.compile(r"\bGAIN ([+-]?\d+(?:\.\d+)?) DB", re.IGNORECASE)
_FADE = re.compile(r"\bFADE (IN|OUT) (\d+(?:\.\d+)?) S", re.IGNORECASE)
_FILE = re.compile(r"SOURCE FILE: (.*)", re.IGNORECASE)
_FACT = re.compile(
    r"^\W*(?:(?:FROM|TO) CLIP.*|SOURCE FILE:.*|(?:FROM|TO) FILE:.*|KEY CLIP.*|LOC:.*|M2 .*|(?:COMMENT|NOTE):\s*"
    r"(?:CUE \S+ GAIN [+-]?\d+(?:\.\d+)? DB(?: FADE (?:IN|OUT) \d+(?:\.\d+)? S)*)?)",
    re.IGNORECASE,
)
_NOTES = frozenset({"comment", "comments", "note", "notes"})
_SPEED = re.compile(r"^M2 .*$", re.MULTILINE)
_LOCATOR = re.compile(r"^\* LOC: (\d\d[:;.]\d\d[:;.]\d\d[:;.]\d\d)\s+\S+\s*(.*)$", re.MULTILINE)


def read_otio(text: str) -> EditedLine:
    """The time line of an .otio document."""
    import opentimelineio as otio

    json.loads(text)  # refuses what is nested too deeply for any reader
    found = otio.adapters.read_from_string(text, "otio_json")
    timeline = timeline_in(found)
    return _line(timeline, _rate_of(timeline))


def read_fcp7(text: str) -> EditedLine:
    """The time line of an xmeml document, which is known to be safe XML."""
    import opentimelineio as otio

    timeline = timeline_in(otio.adapters.read_from_string(text, "fcp_xml"))
    return _line(timeline, _rate_of(timeline))


def read_edl(text: str, *, fps: Fraction, start: int) -> EditedLine:
    """The events of an edit list.

    Parameters
    ----------
    text : str
    fps : Fraction
        The rate that its timecode counts at: an edit list does not say.
    start : int
        Frame of the film's first picture in record timecode.
    """
    import opentimelineio as otio

    plain = _SPEED.sub(lambda found: found.group(0).replace(";", ":"), text)  # the reader knows no drop-frame there
    timeline = timeline_in(otio.adapters.read_from_string(plain, "cmx_3600", rate=float(fps)))
    line = _line(timeline, fps, start_s=Fraction(start) / fps)
    markers = []
    for timecode, name in _LOCATOR.findall(text):
        frame = otio.opentime.from_timecode(timecode.replace(".", ":"), float(fps)).to_frames()
        markers.append(EditMarker(Fraction(frame - start) / fps, name.strip()))
    return EditedLine(fps, line.clips, (), tuple(markers))


def timeline_in(found: Any) -> Any:
    """The time line of what a reader found: of several the first."""
    import opentimelineio as otio

    if isinstance(found, otio.schema.Timeline):
        return found
    try:
        lines = found.find_children(descended_from_type=otio.schema.Timeline) if hasattr(found, "find_children") else []
    except Exception:  # any error of a reader
        lines = []
    if not lines:
        raise ValueError("it has no time line")
    return lines[0]


def _rate_of(timeline: Any) -> Fraction:
    """The frame rate of a time line: that of its start, else of its first picture, else of anything."""
    if timeline.global_start_time is not None:
        return exact_rate(timeline.global_start_time.rate)
    for track in (*timeline.video_tracks(), *timeline.audio_tracks()):
        for clip in track.find_clips():
            return exact_rate(track.range_of_child(clip).duration.rate)
    return Fraction(24)


def _line(timeline: Any, fps: Fraction, *, start_s: Fraction | None = None) -> EditedLine:
    """The clips of all tracks.

    An edit list counts from a timecode `start_s`; every other time line from 0.
    """
    clips: list[EditClip] = []
    pictures: list[EditClip] = []
    on_clips: list[EditMarker] = []
    for track in timeline.tracks:
        later_s = Fraction(0)
        if start_s is not None:
            # The reader leaves out the gap before a track's first clip and gives the track's start instead.
            later_s = (-_seconds(track.source_range.start_time) if track.source_range else Fraction(0)) - start_s
        heard = track.enabled and _switched_on(track.metadata)
        for clip in track.find_clips():
            read = _clip(clip, track, timeline, later_s=later_s, heard=heard)
            in_s = _seconds(clip.trimmed_range().start_time)
            on_clips += [
                EditMarker(read.start_s + _seconds(m.marked_range.start_time) - in_s, m.name) for m in clip.markers
            ]
            (pictures if track.kind == "Video" else clips).append(read)
    markers = [
        EditMarker(_seconds(m.marked_range.start_time), m.name)
        for holder in (timeline.tracks, *timeline.tracks)
        for m in holder.markers
    ]
    return edited_line(fps, clips, pictures, [*markers, *on_clips])


def _clip(clip: Any, track: Any, timeline: Any, *, later_s: Fraction, heard: bool) -> EditClip:
    """One clip."""
    import opentimelineio as otio

    of_track = clip.parent() is track
    place = (
        track.range_of_child(clip) if of_track else clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
    )
    start_s, length_s = _seconds(place.start_time) + later_s, _seconds(place.duration)
    source, reference = clip.trimmed_range(), clip.media_reference
    source_s = _seconds(source.start_time)
    if reference is not None and reference.available_range is not None:
        source_s -= _seconds(reference.available_range.start_time)
    speed = Fraction(1)
    for effect in clip.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= Fraction(effect.time_scalar).limit_denominator(1_000_000)
    own: Mapping[str, Any] = clip.metadata.get("soundtrack", {})
    final_cut: Mapping[str, Any] = clip.metadata.get("fcp_xml", {})
    comments = [str(line) for line in clip.metadata.get("cmx_3600", {}).get("comments", ())]
    said = " ".join([*comments, *_texts(final_cut.get("comments", {}))])
    file = path_of(str(getattr(reference, "target_url", "") or ""))
    if not file and (named := _FILE.search("\n".join(comments))):
        file = named.group(1).strip()
    keys = tuple(_own_keys(own, _rate(source))) or _gain_comment(said)
    if final_cut:
        in_s = _seconds(source.start_time)
        faster, keys = _fcp7_filters(final_cut, in_s=in_s, fps=_rate(source))
        speed *= faster
        source_s *= faster  # in and out points count frames that are played at this speed
    if not speed > 0:
        raise ValueError(f"clip {clip.name!r} is played backwards or not at all")
    fades = _fades(clip, track) if of_track and not final_cut else (None, None)
    if _GAIN.search(said):
        fades = _fade_comments(said)
    return EditClip(
        file=file,
        name=str(clip.name),
        start_s=start_s,
        end_s=start_s + length_s,
        source_s=source_s,
        speed=speed,
        cue_id=str(own["cue_id"]) if "cue_id" in own else named_cue(said),
        is_heard=heard and clip.enabled and _switched_on(clip.metadata),
        note=" ".join(_notes(clip.metadata)),
        keys=keys,
        fade_in_s=fades[0],
        fade_out_s=fades[1],
    )


def _switched_on(metadata: Mapping[str, Any]) -> bool:
    """What Final Cut Pro 7 says of a clip or a track."""
    return str(metadata.get("fcp_xml", {}).get("enabled", "TRUE")).upper() != "FALSE"


def _notes(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Comments on a clip: of an edit list what is no fact of the cut, else what a program calls a comment or a note."""
    for line in metadata.get("cmx_3600", {}).get("comments", ()):
        if text := _FACT.sub("", str(line)).strip():
            yield text
    yield from _texts(metadata.get("fcp_xml", {}).get("comments", {}))
    for key, value in metadata.items():
        if key.lower() in _NOTES:
            yield from _texts(value)
        elif isinstance(value, Mapping) and key not in ("soundtrack", "fcp_xml", "cmx_3600"):
            yield from _notes(value)


def _texts(value: Any) -> Iterator[str]:
    """All texts inside a piece of metadata."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif hasattr(value, "__iter__"):
        for part in value:
            yield from _texts(part)


def _own_keys(own: Mapping[str, Any], fps: Fraction) -> Iterator[LevelKey]:
    """Level keyframes as our own metadata have them."""
    for key in own.get("level_keys", ()):
        yield LevelKey(Fraction(int(key["frame"])) / fps, _level(float(key["gain_db"])))


def _gain_comment(said: str) -> tuple[LevelKey, ...]:
    """The constant level of a comment."""
    found = _GAIN.search(said)
    return (LevelKey(Fraction(0), _level(float(found.group(1)))),) if found else ()


def _fade_comments(said: str) -> tuple[Fraction, Fraction]:
    """The fades of a comment."""
    found = {end.upper(): Fraction(length) for end, length in _FADE.findall(said)}
    return found.get("IN", Fraction(0)), found.get("OUT", Fraction(0))


def _fades(clip: Any, track: Any) -> tuple[Fraction, Fraction]:
    """Lengths of the transitions on both sides."""
    before, after = track.neighbors_of(clip)
    fade_in = _seconds(before.out_offset) if hasattr(before, "out_offset") else Fraction(0)
    fade_out = _seconds(after.in_offset) if hasattr(after, "in_offset") else Fraction(0)
    return fade_in, fade_out


def _fcp7_filters(
    final_cut: Mapping[str, Any], *, in_s: Fraction, fps: Fraction
) -> tuple[Fraction, tuple[LevelKey, ...]]:
    """Speed and level of a clip's filters; keyframes count on the clock of its file."""
    speed = Fraction(1)
    keys: tuple[LevelKey, ...] = ()
    for effect in _effects(final_cut):
        parameters = effect.get("parameter", ())
        named = {
            str(p.get("parameterid")): p for p in ([parameters] if isinstance(parameters, Mapping) else parameters)
        }
        if effect.get("effectid") == "timeremap" and "speed" in named:
            speed = Fraction(str(named["speed"].get("value"))) / 100
        elif effect.get("effectid") == "audiolevels" and "level" in named:
            keys = tuple(_fcp7_keys(named["level"], in_s=in_s, fps=fps))
    return speed, keys


def _effects(final_cut: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The effects of a clip as the reader hands them on."""
    filters = final_cut.get("filter", ())
    for one in [filters] if isinstance(filters, Mapping) else filters:
        if isinstance(one.get("effect"), Mapping):
            yield one["effect"]


def _fcp7_keys(level: Mapping[str, Any], *, in_s: Fraction, fps: Fraction) -> Iterator[LevelKey]:
    """Levels from factors."""
    keyframes = level.get("keyframe", ())
    keyframes = [keyframes] if isinstance(keyframes, Mapping) else list(keyframes)
    for key in sorted(keyframes, key=lambda k: int(k["when"])):
        yield LevelKey(Fraction(int(key["when"])) / fps - in_s, _from_factor(float(key["value"])))
    if not keyframes and "value" in level:
        yield LevelKey(Fraction(0), _from_factor(float(level["value"])))


def _from_factor(factor: float) -> float:
    """A factor in dB."""
    return _level(20 * math.log10(factor)) if factor > 0 else FLOOR_DB


def _level(gain_db: float) -> float:
    """A level that is a number."""
    if not math.isfinite(gain_db) or abs(gain_db) > 1000:
        raise ValueError(f"invalid level {gain_db:g} dB")
    return max(FLOOR_DB, gain_db)


def _rate(span: Any) -> Fraction:
    """Frames a second of a range."""
    return exact_rate(span.start_time.rate)


def _seconds(time: Any) -> Fraction:
    """A time of OpenTimelineIO, exactly: frames of a standard rate are what they mean."""
    if not math.isfinite(time.value):
        raise ValueError("a time is not a number")
    return bounded(Fraction(time.value).limit_denominator(1_000_000) / exact_rate(time.rate))
