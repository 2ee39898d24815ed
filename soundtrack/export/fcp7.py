"""Timeline to Final Cut Pro 7 XML (xmeml 5), as Premiere and Resolve read it.

The film's picture and sound are linked clips, the music is on further audio tracks, with its level as keyframes of an
Audio Levels filter, and its speed, where it is not its own, as a Time Remap filter. As the format has it, every audio
track is one channel: a stereo sound is two linked clips on neighbouring tracks. Frames of a clip count from the start
of its file as it is played, faster or slower; keyframes likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from soundtrack.export.clips import MusicClip, one_line, shown_name
from soundtrack.export.keyframes import GainKey
from soundtrack.export.timeline import Sound, Timeline, file_url
from soundtrack.files.kinds import MARK
from soundtrack.timebase import round_half_up

_MOST_LEVEL = "3.98107"
_AUDIO_LEVELS = (
    ("name", "Audio Levels"),
    ("effectid", "audiolevels"),
    ("effectcategory", "audiolevels"),
    ("effecttype", "audiolevels"),
    ("mediatype", "audio"),
)
_TIME_REMAP = (
    ("name", "Time Remap"),
    ("effectid", "timeremap"),
    ("effectcategory", "motion"),
    ("effecttype", "motion"),
    ("mediatype", "audio"),
)


def fcp7_text(line: Timeline) -> str:
    """The time line as an xmeml document."""
    film = line.sheet.film
    root = Element("xmeml", version="5")
    sequence = SubElement(root, "sequence", id="sequence-1")
    _texts(sequence, name=one_line(film.name), duration=line.n_frames)
    _rate(sequence, line.fps)
    _timecode(sequence, line, frame=line.grid.start)
    media = SubElement(sequence, "media")
    _video(SubElement(media, "video"), line)
    audio = SubElement(media, "audio")
    film_channels = line.media.film_sound.channels
    _texts(audio, numOutputChannels=max(2, film_channels if line.keeps_original else 0))
    _texts(SubElement(SubElement(audio, "format"), "samplecharacteristics"), depth=16, samplerate=48_000)
    known = {line.media.film}
    if line.keeps_original:
        for channel in range(max(2, film_channels)):
            _film_sound(_track(audio, channel), line, channel=channel)
    for lane in sorted({clip.lane for clip in line.clips}):
        for channel in range(2):
            track = _track(audio, channel)
            for number, clip in enumerate(line.clips):
                if clip.lane == lane:
                    _music(track, clip, line, number=number, channel=channel, known=known)
    for marker in line.markers:
        _texts(SubElement(sequence, "marker"), name=marker.text, comment="", **{"in": marker.frame}, out=-1)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<!-- {MARK} -->\n{body}\n'


# --- the film ----


def _video(video: Element, line: Timeline) -> None:
    """The picture on a track of its own, and the size of the sequence."""
    film = line.sheet.film
    _picture_format(SubElement(video, "format"), line)
    item = _clip_item(SubElement(video, "track"), line, name=one_line(film.name), clip_id="film-picture")
    _texts(item, start=0, end=line.n_frames, **{"in": 0}, out=line.n_frames)
    file = SubElement(item, "file", id="file-film")
    _texts(file, name=one_line(film.name), pathurl=file_url(line.media.film, host="localhost"))
    _rate(file, line.fps)
    _texts(file, duration=line.n_frames)
    _timecode(file, line, frame=line.grid.start)
    media = SubElement(file, "media")
    _picture_format(SubElement(media, "video"), line)
    if film.has_audio:
        _sound_format(SubElement(media, "audio"), line.media.film_sound)
    _film_links(item, line)


def _film_sound(track: Element, line: Timeline, *, channel: int) -> None:
    """A channel of the film's own sound."""
    item = _clip_item(track, line, name=one_line(line.sheet.film.name), clip_id=f"film-sound-{channel + 1}")
    _texts(item, start=0, end=line.n_frames, **{"in": 0}, out=line.n_frames)
    SubElement(item, "file", id="file-film")
    _source_channel(item, min(channel, line.media.film_sound.channels - 1))
    if line.original_gain_db:
        _levels(item, [GainKey(0, line.original_gain_db)], at=0)
    _film_links(item, line)


def _film_links(item: Element, line: Timeline) -> None:
    """Which clips belong to the film."""
    _link(item, "film-picture", kind="video", track=1, clip=1)
    if line.keeps_original:
        for channel in range(max(2, line.media.film_sound.channels)):
            _link(item, f"film-sound-{channel + 1}", kind="audio", track=channel + 1, clip=1)


# --- the music ----


def _music(track: Element, clip: MusicClip, line: Timeline, *, number: int, channel: int, known: set[str]) -> None:
    """A channel of a clip of music."""
    name, ids = shown_name(clip.track), [f"music-{number + 1}-{i + 1}" for i in range(2)]
    item = _clip_item(track, line, name=name, clip_id=ids[channel])
    ends = {"in": clip.warped_in, "out": clip.warped_in + clip.n_frames}
    _texts(item, start=clip.record_in, end=clip.record_out, **ends)
    sound = line.sound(clip.track)
    tracks = list(dict.fromkeys(c.track.track_id for c in line.clips))
    file_id = f"file-music-{tracks.index(clip.track.track_id) + 1}"
    file = SubElement(item, "file", id=file_id)
    if file_id not in known:
        known.add(file_id)
        _texts(file, name=name, pathurl=file_url(line.track_path(clip.track), host="localhost"))
        _rate(file, line.fps)
        _texts(file, duration=line.available(clip.track))
        _sound_format(SubElement(SubElement(file, "media"), "audio"), sound)
    _source_channel(item, min(channel, sound.channels - 1))
    if clip.cue.speed != 1.0:
        _speed(item, clip.cue.speed)
    _levels(item, line.keys(clip), at=clip.warped_in - clip.record_in)
    film_tracks = max(2, line.media.film_sound.channels) if line.keeps_original else 0
    lanes = sorted({c.lane for c in line.clips})
    before = film_tracks + 2 * lanes.index(clip.lane)
    place = 1 + sum(c.lane == clip.lane for c in line.clips[:number])
    for i, clip_id in enumerate(ids):
        _link(item, clip_id, kind="audio", track=before + i + 1, clip=place)
    _texts(item, comments={"mastercomment1": f"cue {one_line(clip.cue.cue_id)}"})


def _levels(item: Element, keys: Sequence[GainKey], *, at: int) -> None:
    """The level of a clip; keyframes count on the clock of its file, `at` frames after the time line's."""
    effect = SubElement(SubElement(item, "filter"), "effect")
    for name, value in _AUDIO_LEVELS:
        SubElement(effect, name).text = value
    level = SubElement(effect, "parameter")
    _texts(level, parameterid="level", name="Level", valuemin="0", valuemax=_MOST_LEVEL, value=_factor(keys[0].gain_db))
    for key in keys if len(keys) > 1 else ():
        _texts(level, keyframe={"when": key.frame + at, "value": _factor(key.gain_db)})


def _speed(item: Element, speed: float) -> None:
    """The speed of a clip, in percent; its in and out points count frames that are played at this speed."""
    effect = SubElement(SubElement(item, "filter"), "effect")
    for name, value in _TIME_REMAP:
        SubElement(effect, name).text = value
    for name, value in (("variablespeed", "0"), ("speed", f"{speed * 100:.4f}"), ("reverse", "FALSE")):
        _texts(SubElement(effect, "parameter"), parameterid=name, name=name, value=value)


def _factor(gain_db: float) -> str:
    """A gain as xmeml has it: a factor, at most that of 12 dB."""
    return f"{min(10 ** (gain_db / 20), float(_MOST_LEVEL)):.5f}"


# --- parts that picture and sound share ----


def _track(audio: Element, channel: int) -> Element:
    """An audio track that plays to a channel of the sequence."""
    track = SubElement(audio, "track")
    _texts(track, outputchannelindex=channel + 1)
    return track


def _clip_item(track: Element, line: Timeline, *, name: str, clip_id: str) -> Element:
    """A clip without its times."""
    item = SubElement(track, "clipitem", id=clip_id)
    _texts(item, name=name, enabled="TRUE", duration=line.n_frames)
    _rate(item, line.fps)
    return item


def _link(item: Element, clip_id: str, *, kind: str, track: int, clip: int) -> None:
    """A clip that is selected and moved with this one."""
    _texts(item, link={"linkclipref": clip_id, "mediatype": kind, "trackindex": track, "clipindex": clip})


def _source_channel(item: Element, channel: int) -> None:
    """Which channel of the file a clip plays."""
    _texts(item, sourcetrack={"mediatype": "audio", "trackindex": channel + 1})


def _picture_format(parent: Element, line: Timeline) -> None:
    """Size and rate of the picture."""
    shape = SubElement(parent, "samplecharacteristics")
    _rate(shape, line.fps)
    film = line.sheet.film
    _texts(shape, width=film.width_px, height=film.height_px, anamorphic="FALSE", pixelaspectratio="square")
    _texts(shape, fielddominance="none")


def _sound_format(audio: Element, sound: Sound) -> None:
    """Rate and channels of a file's sound."""
    _texts(SubElement(audio, "samplecharacteristics"), depth=16, samplerate=sound.sample_rate_hz)
    _texts(audio, channelcount=sound.channels)


def _timecode(parent: Element, line: Timeline, *, frame: int) -> None:
    """Start timecode of the film."""
    timecode = SubElement(parent, "timecode")
    _rate(timecode, line.fps)
    _texts(timecode, string=line.timecode(0), frame=frame, displayformat="DF" if line.grid.is_drop else "NDF")


def _rate(parent: Element, fps: Fraction) -> None:
    """A frame rate: a whole number, and whether it is a thousandth slower."""
    ntsc = "TRUE" if fps.denominator == 1001 else "FALSE"
    _texts(parent, rate={"timebase": round_half_up(fps), "ntsc": ntsc})


def _texts(parent: Element, **values: object) -> None:
    """Elements with a text each, or with elements."""
    for name, value in values.items():
        child = SubElement(parent, name)
        if isinstance(value, dict):
            _texts(child, **value)
        else:
            child.text = str(value)
