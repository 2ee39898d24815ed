"""Timeline to FCPXML 1.8, as Final Cut Pro and DaVinci Resolve read it.

The film is in the spine, the music in connected clips in lanes below it, with its level as keyframes. All times are
fractions of a second that are whole frames of the time line. The film and the sequence start at the film's timecode;
what hangs on the film counts on the film's own clock.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree

from soundtrack.export.clips import MusicClip, one_line, shown_name
from soundtrack.export.timeline import Sound, Timeline, file_url
from soundtrack.files.kinds import MARK
from soundtrack.timebase import frames, round_half_up

_MUTED_DB = "-96dB"


def fcpxml_text(line: Timeline) -> str:
    """The time line as an .fcpxml document."""
    film = line.sheet.film
    name, start, length = one_line(film.name), _time(line.grid.start, line.fps), _time(line.n_frames, line.fps)
    tc_format = "DF" if line.grid.is_drop else "NDF"
    root = ElementTree.Element("fcpxml", version="1.8")
    resources = ElementTree.SubElement(root, "resources")
    ElementTree.SubElement(
        resources,
        "format",
        id="r1",
        frameDuration=_time(1, line.fps),
        width=str(film.width_px),
        height=str(film.height_px),
    )
    picture = {"id": "r2", "name": name, "src": file_url(line.media.film), "start": start, "duration": length}
    sound = _sound(line.media.film_sound) if film.has_audio else {}
    ElementTree.SubElement(resources, "asset", {**picture, "hasVideo": "1", "format": "r1", **sound})
    tracks = {clip.track.track_id: clip.track for clip in line.clips}
    refs = {track_id: f"r{i}" for i, track_id in enumerate(tracks, start=3)}
    for track_id, track in tracks.items():
        source = {"src": file_url(line.track_path(track)), "start": "0s"}
        source["duration"] = _time(line.available(track), line.fps)
        named = {"id": refs[track_id], "name": shown_name(track), **source}
        ElementTree.SubElement(resources, "asset", {**named, **_sound(line.sound(track))})
    event = ElementTree.SubElement(ElementTree.SubElement(root, "library"), "event", name=name)
    project = ElementTree.SubElement(event, "project", name=name)
    sequence = ElementTree.SubElement(
        project,
        "sequence",
        format="r1",
        duration=length,
        tcStart=start,
        tcFormat=tc_format,
        audioLayout="stereo",
        audioRate="48k",
    )
    place = {"ref": "r2", "name": name, "offset": start, "start": start, "duration": length, "format": "r1"}
    spine = ElementTree.SubElement(sequence, "spine")
    main = ElementTree.SubElement(spine, "asset-clip", {**place, "tcFormat": tc_format, "audioRole": "dialogue"})
    if film.has_audio and not line.keeps_original:
        ElementTree.SubElement(main, "adjust-volume", amount=_MUTED_DB)
    elif film.has_audio and line.original_gain_db:
        ElementTree.SubElement(main, "adjust-volume", amount=f"{line.original_gain_db:.2f}dB")
    for clip in line.clips:
        main.append(_connected(clip, refs[clip.track.track_id], line))
    for marker in line.markers:
        at = {"start": _time(line.grid.start + marker.frame, line.fps), "duration": _time(1, line.fps)}
        ElementTree.SubElement(main, "marker", {**at, "value": marker.text})
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<!-- {MARK} -->\n{body}\n'


def _sound(sound: Sound) -> dict[str, str]:
    """What an asset says of its sound."""
    return {
        "hasAudio": "1",
        "audioSources": "1",
        "audioChannels": str(sound.channels),
        "audioRate": str(sound.sample_rate_hz),
    }


def _connected(clip: MusicClip, ref: str, line: Timeline) -> ElementTree.Element:
    """A clip of music below the film; its keyframes count on the clock of its own file, at its speed."""
    fps = line.fps
    item = ElementTree.Element(
        "asset-clip",
        ref=ref,
        lane=str(-1 - clip.lane),
        name=shown_name(clip.track),
        offset=_time(line.grid.start + clip.record_in, fps),
        start=_time(clip.warped_in, fps),
        duration=_time(clip.n_frames, fps),
        audioRole="music",
    )
    keys = line.keys(clip)
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
