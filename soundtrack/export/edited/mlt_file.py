"""Edited time lines in MLT XML, as Shotcut, Kdenlive and melt write them.

Goes in: the root of a document. Comes out: an `EditedLine`. Times are frames or a clock; out points are inclusive.
A volume filter is on a clip, and counts on the clock of its file, or on a track, and counts on the film's; it reaches
the gain of a keyframe at the end of its frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

import numpy as np

from soundtrack.export.edited.line import (
    EditClip,
    EditedLine,
    EditMarker,
    LevelKey,
    bounded,
    edited_line,
    level_at,
    named_cue,
    path_of,
)
from soundtrack.export.keyframes import FLOOR_DB
from soundtrack.timebase import round_half_up

_MOST_DEPTH = 12
_UNSEEN = ("color", "colour", "noise", "kdenlivetitle", "qtext")


@dataclass
class _Walk:
    """The document, and what was found in it."""

    ids: dict[str, Element]
    fps: Fraction
    folder: str
    clips: list[EditClip] = field(default_factory=list)
    pictures: list[EditClip] = field(default_factory=list)


def read_mlt(root: Element) -> EditedLine:
    """The main time line of a document: its last tractor."""
    profile = root.find("profile")
    if profile is None:
        raise ValueError("it has no profile with a frame rate")
    fps = Fraction(int(profile.get("frame_rate_num", "25")), int(profile.get("frame_rate_den", "1") or 1))
    if not 0 < fps < 1000:
        raise ValueError("its frame rate is out of range")
    tractors = root.findall("tractor")
    if not tractors:
        raise ValueError("it has no time line")
    walk = _Walk({e.get("id", ""): e for e in root if e.get("id")}, fps, root.get("root", ""))
    _tractor(walk, tractors[-1], at=0, heard=True, depth=0)
    return edited_line(fps, walk.clips, walk.pictures, list(_markers(tractors[-1], fps)))


def _tractor(walk: _Walk, tractor: Element, *, at: int, heard: bool, depth: int) -> None:
    """The tracks of a time line, one of which may be a time line itself."""
    if depth > _MOST_DEPTH:
        raise ValueError("its tracks contain each other")
    for track in tractor.iterfind("track"):
        inner = walk.ids.get(track.get("producer", ""))
        sounds = heard and track.get("hide") not in ("audio", "both")
        if inner is not None and inner.tag == "tractor":
            _tractor(walk, inner, at=at, heard=sounds, depth=depth + 1)
        elif inner is not None and inner.tag == "playlist":
            _playlist(walk, inner, at=at, heard=sounds, shown=track.get("hide") not in ("video", "both"), depth=depth)
        elif inner is not None and depth and _property(inner, "mlt_service") not in _UNSEEN:
            # Shotcut has a crossfade as a time line of its own, with a clip as each track.
            first, last = (_frame(track.get(end) or inner.get(end), walk.fps) for end in ("in", "out"))
            walk.clips.append(replace(_clip(walk, track, inner, at=at, first=first, last=last), is_heard=sounds))


def _playlist(walk: _Walk, playlist: Element, *, at: int, heard: bool, shown: bool, depth: int) -> None:
    """The clips of a track."""
    lane_keys = _levels(playlist, walk.fps)
    for item in playlist:
        if item.tag == "blank":
            at += _frame(item.get("length"), walk.fps)
        elif item.tag == "entry":
            producer = walk.ids.get(item.get("producer", ""))
            if producer is None:
                raise ValueError(f"clip of unknown file {item.get('producer', '')[:40]!r}")
            first = _frame(item.get("in") or producer.get("in"), walk.fps)
            last = _frame(item.get("out") or producer.get("out") or _property(producer, "out"), walk.fps)
            if producer.tag == "tractor":
                _tractor(
                    walk,
                    producer,
                    at=at - (first if _holds_playlists(walk, producer) else 0),
                    heard=heard,
                    depth=depth + 1,
                )
            elif _property(producer, "mlt_service") not in _UNSEEN:
                clip = _clip(walk, item, producer, at=at, first=first, last=last)
                if shown and _property(producer, "shotcut:audio") != "1" and not _is_audio(playlist):
                    walk.pictures.append(clip)
                else:
                    walk.clips.append(replace(clip, is_heard=heard, lane_keys=lane_keys))
            at += last - first + 1


def _holds_playlists(walk: _Walk, tractor: Element) -> bool:
    """Whether a time line has tracks of its own, of which an entry may show a part."""
    tags = [walk.ids[p].tag for t in tractor.iterfind("track") if (p := t.get("producer", "")) in walk.ids]
    return any(tag in ("playlist", "tractor") for tag in tags)


def _is_audio(playlist: Element) -> bool:
    """Whether a track is one of sound, as Shotcut and Kdenlive mark it."""
    return "1" in (_property(playlist, "shotcut:audio"), _property(playlist, "kdenlive:audio_track"))


def _clip(walk: _Walk, entry: Element, producer: Element, *, at: int, first: int, last: int) -> EditClip:
    """One clip."""
    fps = walk.fps
    speed = Fraction(_property(producer, "warp_speed") or "1")
    if not speed > 0:
        raise ValueError("a clip is played backwards or not at all")
    resource = _property(producer, "warp_resource") or _property(producer, "resource")
    note = _property(producer, "shotcut:comment") or _property(producer, "kdenlive:clip_comment")
    keys = [k for holder in (producer, entry) if (k := _levels(holder, fps))]
    return EditClip(
        file=path_of(resource.removeprefix("./")),
        name=_property(producer, "shotcut:caption") or _property(producer, "kdenlive:clipname"),
        start_s=Fraction(at) / fps,
        end_s=Fraction(at + last - first + 1) / fps,
        source_s=Fraction(first) / fps * speed,
        speed=speed,
        cue_id=named_cue(note),
        note=note,
        keys=tuple(replace(key, time_s=key.time_s - Fraction(first) / fps) for key in _sum(keys)),
    )


def _levels(holder: Element, fps: Fraction) -> tuple[LevelKey, ...]:
    """The level of all volume filters of a clip or a track."""
    found = []
    for volume in holder.iterfind("filter"):
        if _property(volume, "mlt_service") != "volume" or _property(volume, "disable") == "1":
            continue
        text, later = _property(volume, "level"), _frame(volume.get("in"), fps)
        keys = [_key(part, fps, later=later) for part in text.split(";") if part.strip()]
        if not keys and (gain := _property(volume, "gain")):
            factor = float(gain)
            level = 20 * math.log10(factor) if factor > 0 else FLOOR_DB
            keys = [LevelKey(Fraction(0), level)]
        if keys:
            found.append(keys)
    return tuple(_sum(found))


def _key(text: str, fps: Fraction, *, later: int) -> LevelKey:
    """A keyframe such as 12=-6 or 00:00:01.000~=-6; its level is reached a frame later."""
    time, _, value = text.rpartition("=")
    level = float(value)
    if not math.isfinite(level) or abs(level) > 1000:
        raise ValueError(f"invalid level {value!r}")
    frame = (
        _frame(time.strip().rstrip("~|!$-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), fps) if time else -1
    )
    return LevelKey(Fraction(frame + 1 + later) / fps, max(FLOOR_DB, level))


def _sum(levels: list[list[LevelKey]] | list[tuple[LevelKey, ...]]) -> list[LevelKey]:
    """Several levels as one: their sum in dB."""
    if len(levels) < 2:
        return list(levels[0]) if levels else []
    times = sorted({key.time_s for keys in levels for key in keys})
    total = sum(level_at(keys, np.array([float(t) for t in times])) for keys in levels)
    return [LevelKey(t, max(FLOOR_DB, float(db))) for t, db in zip(times, np.asarray(total), strict=True)]


def _markers(tractor: Element, fps: Fraction) -> Iterator[EditMarker]:
    """Markers as Shotcut keeps them."""
    for one in tractor.iterfind("properties[@name='shotcut:markers']/properties"):
        yield EditMarker(Fraction(_frame(_property(one, "start"), fps)) / fps, _property(one, "text"))


def _property(parent: Element, name: str) -> str:
    """A named text, empty without one."""
    return next((p.text or "" for p in parent.iterfind("property") if p.get("name") == name), "")


def _frame(text: str | None, fps: Fraction) -> int:
    """A frame from its number or a clock, 0 without one.

    Examples
    --------
    >>> _frame("12", Fraction(25)), _frame("00:00:01.040", Fraction(25)), _frame(None, Fraction(25))
    (12, 26, 0)
    """
    if not text:
        return 0
    if ":" not in text and "." not in text:
        return round_half_up(bounded(Fraction(int(text)) / fps) * fps)
    seconds = Fraction(0)
    for part in text.replace(",", ".").split(":"):
        seconds = seconds * 60 + Fraction(part)
    return round_half_up(bounded(seconds) * fps)
