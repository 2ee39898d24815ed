"""Edited time lines in FCPXML.

Goes in: the root of a document. Comes out: an `EditedLine`. Times of what is connected to a clip count on the
clock of that clip; levels are keyframes on the same clock. What a clip is made of may be the whole file, of which
the clip shows its own stretch. Compound clips and auditions are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

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

_PLACED = ("asset-clip", "clip", "video", "audio", "gap", "sync-clip", "title")
_MADE_OF = ("clip", "sync-clip")
_Stretch = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file."""

    file: str
    start_s: Fraction
    is_film: bool


@dataclass
class _Found:
    """What a walk through the document gathers."""

    assets: dict[str, _Asset]
    clips: list[EditClip]
    pictures: list[EditClip]
    markers: list[EditMarker]


def read_fcpxml(root: Element) -> EditedLine:
    """The first project of a document."""
    sequence = next((s for s in (root.find(".//project/sequence"), root.find(".//sequence")) if s is not None), None)
    if sequence is None:
        raise ValueError("it has no project with a sequence")
    assets = {
        asset.get("id", ""): _Asset(path_of(_source(asset)), _time(asset.get("start")), asset.get("hasVideo") == "1")
        for asset in root.iterfind("resources/asset")
    }
    durations = {f.get("id"): _time(f.get("frameDuration")) for f in root.iterfind("resources/format")}
    frame_s = durations.get(sequence.get("format")) or next((d for d in durations.values() if d), Fraction(1, 24))
    found = _Found(assets, [], [], [])
    start_s = _time(sequence.get("tcStart"))
    for spine in sequence.iterfind("spine"):
        _story(spine, found, at_s=Fraction(0), clock_s=start_s, heard=True)
    return edited_line(exact_rate(float(1 / frame_s)), found.clips, found.pictures, found.markers)


def _source(asset: Element) -> str:
    """Where the file of an asset is."""
    media = asset.find("media-rep")
    return str(asset.get("src") or ("" if media is None else media.get("src", "")))


def _story(
    parent: Element,
    found: _Found,
    *,
    at_s: Fraction,
    clock_s: Fraction,
    heard: bool,
    shown_s: _Stretch | None = None,
    around_s: _Stretch | None = None,
) -> None:
    """What hangs in a story line or on a clip.

    Parameters
    ----------
    at_s : Fraction
        Where the parent is on the film.
    clock_s : Fraction
        What its clock shows there.
    shown_s, around_s : (Fraction, Fraction), optional
        The stretch of the film in which items without and with a lane are shown; without end by default.
    """
    next_s = at_s
    for item in parent:
        if item.tag == "spine":
            lane_s = at_s + _time(item.get("offset"), clock_s) - clock_s
            within_s = shown_s if item.get("lane") is None else around_s
            _story(item, found, at_s=lane_s, clock_s=Fraction(0), heard=heard, shown_s=within_s, around_s=within_s)
        elif item.tag == "marker":
            found.markers.append(EditMarker(at_s + _time(item.get("start")) - clock_s, item.get("value", "")))
        elif item.tag in _PLACED:
            offset = item.get("offset")
            place_s = next_s if offset is None else at_s + _time(offset) - clock_s
            within_s = shown_s if item.get("lane") is None else around_s
            _placed(item, found, at_s=place_s, heard=heard, within_s=within_s)
            if item.get("lane") is None:
                next_s = place_s + _time(item.get("duration"))


def _placed(item: Element, found: _Found, *, at_s: Fraction, heard: bool, within_s: _Stretch | None) -> None:
    """A clip, as far as it is shown, and what hangs on it."""
    asset = found.assets.get(item.get("ref", ""))
    start_s = _time(item.get("start"), asset.start_s if asset else Fraction(0))
    heard = heard and item.get("enabled", "1") != "0"
    end_s = at_s + _time(item.get("duration"))
    first_s, last_s = (at_s, end_s) if within_s is None else (max(at_s, within_s[0]), min(end_s, within_s[1]))
    if asset is not None and first_s < last_s:
        speed = _speed(item)
        note = (item.findtext("note") or "").strip()
        clip = EditClip(
            file=asset.file,
            name=item.get("name", ""),
            start_s=first_s,
            end_s=last_s,
            source_s=(start_s + first_s - at_s - asset.start_s) * speed,
            speed=speed,
            cue_id=named_cue(note),
            is_heard=heard,
            note=note,
            keys=tuple(_keys(item, start_s + first_s - at_s)),
        )
        (found.pictures if asset.is_film and item.get("lane") is None else found.clips).append(clip)
    made_of_s = (first_s, last_s) if item.tag in _MADE_OF and item.get("duration") else within_s
    _story(item, found, at_s=at_s, clock_s=start_s, heard=heard, shown_s=made_of_s, around_s=within_s)


def _speed(item: Element) -> Fraction:
    """Speed of a clip, from the first and last point of its time map."""
    points = item.findall("timeMap/timept")
    if len(points) < 2:
        return Fraction(1)
    values, times = ([_time(p.get(name)) for p in (points[0], points[-1])] for name in ("value", "time"))
    if times[1] <= times[0] or values[1] <= values[0]:
        raise ValueError(f"clip {item.get('name', '')!r} is played backwards or not at all")
    return (values[1] - values[0]) / (times[1] - times[0])


def _keys(item: Element, start_s: Fraction) -> Iterator[LevelKey]:
    """Level of a clip."""
    volume = item.find("adjust-volume")
    if volume is None:
        return
    keyframes = volume.findall("param[@name='amount']/keyframeAnimation/keyframe")
    for key in sorted(keyframes, key=lambda k: _time(k.get("time"))):
        yield LevelKey(_time(key.get("time")) - start_s, _level(key.get("value", "")))
    if not keyframes:
        yield LevelKey(Fraction(0), _level(volume.get("amount", "0dB")))


def _level(text: str) -> float:
    """A level such as -6.02dB; one that is minus infinity is the floor."""
    level = float(text.strip().removesuffix("dB"))
    if not level < 1000:
        raise ValueError(f"invalid level {text!r}")
    return max(FLOOR_DB, level)


def _time(text: str | None, default: Fraction = Fraction(0)) -> Fraction:
    """A time such as 1001/24000s."""
    if text is None:
        return default
    number = text.strip().removesuffix("s")
    if len(number) > 60:
        raise ValueError("a time is too long")
    try:
        return bounded(Fraction(number))
    except ZeroDivisionError as error:
        raise ValueError(f"invalid time {text!r}") from error
