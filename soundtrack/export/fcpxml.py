"""Cue sheet to FCPXML 1.8, as Final Cut Pro and DaVinci Resolve read it.

The film lies in the spine, the music as connected clips in lanes below it, with its level as keyframes. All times are
fractions of a second that are whole frames of the film.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree

from soundtrack.export.clips import MusicClip, file_url, music_clips, one_line, shown_name
from soundtrack.export.levels import gain_keys
from soundtrack.timebase import frames, round_half_up
from soundtrack.types import CueSheet


def fcpxml_text(sheet: CueSheet) -> str:
    """The time line as an .fcpxml document."""
    film, clips = sheet.film, music_clips(sheet)
    n_frames = max([frames(film.duration_s, fps=film.fps), 1, *(c.record_out for c in clips)])
    name, length = one_line(film.name), _time(n_frames, film.fps)
    root = ElementTree.Element("fcpxml", version="1.8")
    resources = ElementTree.SubElement(root, "resources")
    ElementTree.SubElement(
        resources,
        "format",
        id="r1",
        frameDuration=_time(1, film.fps),
        width=str(film.width_px),
        height=str(film.height_px),
    )
    picture = {"id": "r2", "name": name, "src": file_url(film.name), "start": "0s", "duration": length}
    sound = {"hasAudio": "1", "audioSources": "1"} if film.has_audio else {}
    ElementTree.SubElement(resources, "asset", {**picture, "hasVideo": "1", "format": "r1", **sound})
    refs: dict[str, str] = {}
    for clip in clips:
        if clip.track.track_id in refs:
            continue
        refs[clip.track.track_id] = f"r{len(refs) + 3}"
        used = max(c.source_in + c.source_frames for c in clips if c.track.track_id == clip.track.track_id)
        available = max(frames(clip.track.duration_s, fps=film.fps), used)
        ElementTree.SubElement(
            resources,
            "asset",
            id=refs[clip.track.track_id],
            name=shown_name(clip.track),
            src=file_url(clip.track.path),
            start="0s",
            duration=_time(available, film.fps),
            hasAudio="1",
            audioSources="1",
        )
    event = ElementTree.SubElement(ElementTree.SubElement(root, "library"), "event", name=name)
    project = ElementTree.SubElement(event, "project", name=name)
    sequence = ElementTree.SubElement(
        project, "sequence", format="r1", duration=length, tcStart="0s", tcFormat="NDF", audioRate="48k"
    )
    main = ElementTree.SubElement(
        ElementTree.SubElement(sequence, "spine"),
        "asset-clip",
        ref="r2",
        name=name,
        offset="0s",
        start="0s",
        duration=length,
        format="r1",
    )
    if film.has_audio and not sheet.mix.keep_original:
        ElementTree.SubElement(main, "adjust-volume", amount="-96dB")
    for clip in clips:
        main.append(_connected(clip, refs[clip.track.track_id], sheet))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _connected(clip: MusicClip, ref: str, sheet: CueSheet) -> ElementTree.Element:
    """A clip of music below the film; its keyframes count on the clock of its own file, at its speed."""
    fps = sheet.film.fps
    item = ElementTree.Element(
        "asset-clip",
        ref=ref,
        lane=str(-1 - clip.lane),
        name=shown_name(clip.track),
        offset=_time(clip.record_in, fps),
        start=_time(clip.warped_in, fps),
        duration=_time(clip.n_frames, fps),
        audioRole="music",
    )
    keys = gain_keys(clip, sheet)
    ElementTree.SubElement(item, "note").text = f"cue {one_line(clip.cue.cue_id)}"
    if clip.cue.speed != 1.0:
        length = frames(clip.track.duration_s, fps=fps)
        warp = ElementTree.SubElement(item, "timeMap")
        for at, value in ((0, 0), (round_half_up(length / Fraction(clip.cue.speed)), length)):
            ElementTree.SubElement(warp, "timept", time=_time(at, fps), value=_time(value, fps), interp="linear")
    volume = ElementTree.SubElement(item, "adjust-volume", amount=f"{keys[0].gain_db:.2f}dB")
    if any(key.gain_db != keys[0].gain_db for key in keys):
        animation = ElementTree.SubElement(ElementTree.SubElement(volume, "param", name="amount"), "keyframeAnimation")
        for key in keys:
            at = clip.warped_in + key.frame - clip.record_in
            ElementTree.SubElement(
                animation, "keyframe", time=_time(at, fps), value=f"{key.gain_db:.2f}dB", curve="linear"
            )
    return item


def _time(n_frames: int, fps: Fraction) -> str:
    """Frames as seconds, in the way of the format: a fraction with an s."""
    return f"{n_frames * fps.denominator}/{fps.numerator}s" if n_frames else "0s"
