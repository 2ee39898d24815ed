"""Cue sheet to MLT XML, as Shotcut, Kdenlive and melt read it.

The film is one track, the music one or two below it. The level of each music track (gain of the cues, fades, ducking)
is one volume filter with keyframes at frames of the film. Out points are inclusive, as MLT has them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePosixPath
from xml.etree import ElementTree

from soundtrack.export.clips import MusicClip, music_clips, one_line, shown_name
from soundtrack.export.levels import GainKey, gain_keys
from soundtrack.timebase import frames, round_half_up
from soundtrack.types import CueSheet


def mlt_text(sheet: CueSheet) -> str:
    """The time line as an .mlt document."""
    film, clips = sheet.film, music_clips(sheet)
    n_frames = max([frames(film.duration_s, fps=film.fps), 1, *(c.record_out for c in clips)])
    root = ElementTree.Element("mlt", LC_NUMERIC="C", version="7.0.0", producer="timeline")
    ElementTree.SubElement(
        root,
        "profile",
        description="film",
        width=str(film.width_px),
        height=str(film.height_px),
        progressive="1",
        sample_aspect_num="1",
        sample_aspect_den="1",
        display_aspect_num=str(film.width_px),
        display_aspect_den=str(film.height_px),
        frame_rate_num=str(film.fps.numerator),
        frame_rate_den=str(film.fps.denominator),
        colorspace="709",
    )
    _producer(root, "film", film.name, n_frames, title=one_line(film.name))
    ids = {source: f"music{i}" for i, source in enumerate(dict.fromkeys(_source(c) for c in clips))}
    for source, name in ids.items():
        own, speed = [c for c in clips if _source(c) == source], source[1]
        length = round_half_up(frames(own[0].track.duration_s, fps=film.fps) / Fraction(speed))
        available = max(length, *(c.warped_in + c.n_frames for c in own), 1)
        _producer(root, name, own[0].track.path, available, title=shown_name(own[0].track), speed=speed)
    picture = _playlist(root, "picture", "Picture")
    _entry(picture, "film", 0, n_frames)
    lanes = sorted({clip.lane for clip in clips})
    for lane in lanes:
        _music(root, [c for c in clips if c.lane == lane], ids, sheet)
    tractor = ElementTree.SubElement(root, "tractor", {"id": "timeline", "in": "0", "out": str(n_frames - 1)})
    _property(tractor, "shotcut", "1")
    hidden = {"hide": "audio"} if not sheet.mix.keep_original else {}
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
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _lane_id(lane: int) -> str:
    """Name of a music track inside the document."""
    return f"mx{'ab'[lane]}"


def _music(
    root: ElementTree.Element, clips: list[MusicClip], ids: dict[tuple[str, float], str], sheet: CueSheet
) -> None:
    """One music track, with gaps and its level."""
    playlist = _playlist(root, _lane_id(clips[0].lane), f"MX {'AB'[clips[0].lane]}", audio=True)
    at = 0
    keys: list[GainKey] = []
    for clip in clips:
        if clip.record_in > at:
            ElementTree.SubElement(playlist, "blank", length=str(clip.record_in - at))
        _entry(playlist, ids[_source(clip)], clip.warped_in, clip.n_frames)
        keys += gain_keys(clip, sheet)
        at = clip.record_out
    volume = ElementTree.SubElement(playlist, "filter", {"id": f"level_{_lane_id(clips[0].lane)}", "out": str(at - 1)})
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
    """A path in which nothing is left that XML cannot hold."""
    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c >= " " and c not in "\x7f\ufffe\uffff" else "\ufffd" for c in shown)
