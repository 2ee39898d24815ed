"""Timeline to MLT XML, as Shotcut, Kdenlive and melt read it.

The film is one track, the music one or two below it. The level of each track (gains, fades, ducking) is one volume
filter with keyframes at frames of the film. MLT reaches the gain of a keyframe at the end of its frame, and has out
points inclusive. It has no start timecode: frames count from the film's first picture.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePosixPath
from xml.etree import ElementTree

from soundtrack.export.clips import MusicClip, one_line, shown_name
from soundtrack.export.keyframes import GainKey
from soundtrack.export.timeline import Timeline
from soundtrack.files.kinds import MARK
from soundtrack.timebase import frames, round_half_up

_COLOURS = {
    "own": "#008b8b",
    "hits": "#cc0000",
    "scenes": "#990099",
    "sections": "#ccaa00",
    "bars": "#008000",
    "beats": "#0044cc",
}


def mlt_text(line: Timeline) -> str:
    """The time line as an .mlt document."""
    film, clips, n_frames = line.sheet.film, line.clips, line.n_frames
    root = ElementTree.Element("mlt", LC_NUMERIC="C", version="7.0.0", producer="timeline")
    ElementTree.SubElement(
        root,
        "profile",
        description="film",
        width=str(_even(film.width_px)),
        height=str(_even(film.height_px)),
        progressive="1",
        sample_aspect_num="1",
        sample_aspect_den="1",
        display_aspect_num=str(film.width_px),
        display_aspect_den=str(film.height_px),
        frame_rate_num=str(line.fps.numerator),
        frame_rate_den=str(line.fps.denominator),
        colorspace="709",
    )
    _producer(root, "film", line.media.film, n_frames, title=one_line(film.name))
    ids = {source: f"music{i}" for i, source in enumerate(dict.fromkeys(_source(c) for c in clips))}
    for source, name in ids.items():
        own, speed = [c for c in clips if _source(c) == source], source[1]
        length = round_half_up(frames(own[0].track.duration_s, fps=line.fps) / Fraction(speed))
        available = max(length, *(c.warped_in + c.n_frames for c in own), 1)
        title = shown_name(own[0].track)
        _producer(root, name, line.track_path(own[0].track), available, title=title, speed=speed)
    picture = _playlist(root, "picture", "Picture")
    _entry(picture, "film", 0, n_frames)
    if line.keeps_original and line.original_gain_db:
        _volume(picture, "picture", [GainKey(0, line.original_gain_db)], n_frames=n_frames)
    lanes = sorted({clip.lane for clip in clips})
    for lane in lanes:
        _music(root, [c for c in clips if c.lane == lane], ids, line)
    tractor = ElementTree.SubElement(root, "tractor", {"id": "timeline", "in": "0", "out": str(n_frames - 1)})
    _property(tractor, "shotcut", "1")
    _markers(tractor, line)
    hidden = {} if line.keeps_original else {"hide": "audio"}
    ElementTree.SubElement(tractor, "track", {"producer": "picture", **hidden})
    for lane in lanes:
        ElementTree.SubElement(tractor, "track", producer=_lane_id(lane), hide="video")
    for i in range(len(lanes)):
        mix = ElementTree.SubElement(tractor, "transition", id=f"mix{i}")
        for name, value in (("mlt_service", "mix"), ("a_track", "0"), ("b_track", str(i + 1))):
            _property(mix, name, value)
        _property(mix, "always_active", "1")
        _property(mix, "sum", "1")
    ElementTree.indent(root)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<!-- {MARK} -->\n{ElementTree.tostring(root, encoding="unicode")}\n'
    )


def _even(pixels: int) -> int:
    """The nearest size that H.264 can have: a project with an odd side cannot be written as mp4.

    Examples
    --------
    >>> [_even(pixels) for pixels in (853, 480, 1)]
    [854, 480, 2]
    """
    return pixels + pixels % 2


def _markers(tractor: ElementTree.Element, line: Timeline) -> None:
    """Markers as Shotcut keeps them; other programs pass over them."""
    if line.markers:
        group = ElementTree.SubElement(tractor, "properties", name="shotcut:markers")
        for number, marker in enumerate(line.markers):
            one = ElementTree.SubElement(group, "properties", name=str(number))
            at = _clock(marker.frame, line.fps)
            for name, value in (("text", marker.text), ("start", at), ("end", at), ("color", _COLOURS[marker.kind])):
                _property(one, name, value)


def _clock(frame: int, fps: Fraction) -> str:
    """A frame as hours, minutes, seconds and milliseconds.

    Examples
    --------
    >>> _clock(36_061, Fraction(25))
    '00:24:02.440'
    """
    total = round_half_up(Fraction(1000 * frame) / fps)
    return f"{total // 3_600_000:02d}:{total // 60_000 % 60:02d}:{total // 1000 % 60:02d}.{total % 1000:03d}"


def _lane_id(lane: int) -> str:
    """Name of a music track inside the document."""
    return f"mx{'ab'[lane]}"


def _music(
    root: ElementTree.Element, clips: list[MusicClip], ids: dict[tuple[str, float], str], line: Timeline
) -> None:
    """One music track, with gaps and its level."""
    lane = clips[0].lane
    playlist = _playlist(root, _lane_id(lane), f"MX {'AB'[lane]}", audio=True)
    at = 0
    keys: list[GainKey] = []
    for clip in clips:
        if clip.record_in > at:
            ElementTree.SubElement(playlist, "blank", length=str(clip.record_in - at))
            keys.append(GainKey(clip.record_in - 1, line.keys(clip)[0].gain_db))  # what the first frame starts with
        _entry(playlist, ids[_source(clip)], clip.warped_in, clip.n_frames)
        keys += line.keys(clip, later=1)
        at = clip.record_out
    _volume(playlist, _lane_id(lane), keys, n_frames=at)


def _volume(playlist: ElementTree.Element, name: str, keys: list[GainKey], *, n_frames: int) -> None:
    """The level of a track."""
    volume = ElementTree.SubElement(playlist, "filter", {"id": f"level_{name}", "out": str(n_frames - 1)})
    _property(volume, "mlt_service", "volume")
    _property(volume, "level", ";".join(f"{key.frame}={key.gain_db:.2f}" for key in keys))


def _source(clip: MusicClip) -> tuple[str, float]:
    """What a producer is made for: a track at a speed."""
    return clip.track.track_id, clip.cue.speed


def _producer(
    root: ElementTree.Element, name: str, path: str, n_frames: int, *, title: str, speed: float = 1.0
) -> None:
    """A file that the time line points at; at another speed its frames are counted as they are played."""
    item = ElementTree.SubElement(root, "producer", {"id": name, "in": "0", "out": str(n_frames - 1)})
    resource = path if PurePosixPath(path).is_absolute() else f"./{path}"
    plain = (("resource", _written(resource)), ("mlt_service", "avformat"))
    warped = (
        ("resource", f"{speed:g}:{_written(resource)}"),
        ("mlt_service", "timewarp"),
        ("warp_speed", f"{speed:.6f}"),
        ("warp_resource", _written(resource)),
        ("warp_pitch", "1"),
    )
    for key, value in (
        ("length", str(n_frames)),
        *(plain if speed == 1.0 else warped),
        ("seekable", "1"),
        ("shotcut:caption", title),
    ):
        _property(item, key, value)


def _playlist(root: ElementTree.Element, name: str, title: str, *, audio: bool = False) -> ElementTree.Element:
    """An empty track."""
    item = ElementTree.SubElement(root, "playlist", id=name)
    _property(item, "shotcut:audio" if audio else "shotcut:video", "1")
    _property(item, "shotcut:name", title)
    return item


def _entry(playlist: ElementTree.Element, producer: str, first: int, n_frames: int) -> None:
    """A stretch of a file."""
    ElementTree.SubElement(
        playlist, "entry", {"producer": producer, "in": str(first), "out": str(first + n_frames - 1)}
    )


def _property(parent: ElementTree.Element, name: str, value: str) -> None:
    """A named text."""
    ElementTree.SubElement(parent, "property", name=name).text = value


def _written(path: str) -> str:
    """A path in which nothing is left that XML cannot hold; line breaks and tabs in a name stay."""
    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if (c >= " " and c not in "\x7f\ufffe\uffff") or c in "\n\t" else "\ufffd" for c in shown)
