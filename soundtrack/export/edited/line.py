"""What is read of an edited time line, whatever its format: clips of music, pieces of the film, markers.

All times are exact fractions of a second: on the film from its first picture, in a track from the start of its file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.export.frame_rate import STANDARD
from soundtrack.types import TimeArray

SILENT_DB = -59.0
"""A clip that is never louder is muted."""
_SAME_RATE = 4e-4
_CUE = re.compile(r"\bcue (\S+)", re.IGNORECASE)
_LONGEST_S = 1_000_000


@dataclass(frozen=True, slots=True)
class LevelKey:
    """A keyframe of level."""

    time_s: Fraction
    """Seconds."""
    gain_db: float
    """Gain in dB; between two keys it is linear."""


@dataclass(frozen=True, slots=True)
class EditClip:
    """A stretch of a file on the film's time line."""

    file: str
    """Path of the file as the document names it; empty where it names none."""
    name: str
    """Name of the clip."""
    start_s: Fraction
    """First moment on the film."""
    end_s: Fraction
    """End on the film, above `start_s`."""
    source_s: Fraction
    """Moment of the file that is heard at `start_s`."""
    speed: Fraction = Fraction(1)
    """Playback speed."""
    cue_id: str | None = None
    """Cue that a comment of the clip names."""
    is_heard: bool = True
    """Whether the clip and its track are switched on."""
    note: str = ""
    """Comment on the clip."""
    keys: tuple[LevelKey, ...] = ()
    """Level of the clip, from its start; none where the format has no levels."""
    lane_keys: tuple[LevelKey, ...] = ()
    """Level of the whole track that the clip is on, on the film's clock."""
    fade_in_s: Fraction | None = None
    """Length of the fade at the start; None where the format keeps fades as levels."""
    fade_out_s: Fraction | None = None
    """Length of the fade at the end."""

    @property
    def offset_s(self) -> Fraction:
        """Where the music is against the film, at the clip's speed: the same for a clip that is only trimmed."""
        return self.source_s / self.speed - self.start_s


@dataclass(frozen=True, slots=True)
class EditMarker:
    """A named moment."""

    time_s: Fraction
    """On the film."""
    text: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class EditedLine:
    """An edited time line."""

    fps: Fraction
    """Frames a second."""
    clips: tuple[EditClip, ...]
    """Clips of sound in order of time, without the film's own; each once, however many channels it has."""
    pictures: tuple[EditClip, ...] = ()
    """Pieces of the picture."""
    markers: tuple[EditMarker, ...] = ()
    """Markers of the time line."""


def edited_line(
    fps: Fraction, clips: Sequence[EditClip], pictures: Sequence[EditClip], markers: Sequence[EditMarker] = ()
) -> EditedLine:
    """The line of the clips that were found: the film's sound is taken out, channels of one clip are one."""
    of_film = {clip.file.rsplit("/", 1)[-1] for clip in pictures if clip.file}
    once = {
        (clip.file, clip.name, clip.start_s, clip.end_s, clip.source_s): clip
        for clip in reversed(clips)
        if clip.end_s > clip.start_s and not (clip.file and clip.file.rsplit("/", 1)[-1] in of_film)
    }
    ordered = sorted(once.values(), key=lambda c: (c.start_s, c.source_s, c.name))
    return EditedLine(fps, tuple(ordered), tuple(sorted(pictures, key=lambda c: c.start_s)), tuple(markers))


def level_at(keys: Sequence[LevelKey], times_s: TimeArray) -> TimeArray:
    """Level at some times; before the first key and after the last one it stays."""
    return np.interp(times_s, [float(k.time_s) for k in keys], [k.gain_db for k in keys])


def named_cue(text: str) -> str | None:
    """The cue that a comment names.

    Examples
    --------
    >>> named_cue("COMMENT: CUE 1m01 GAIN +0.0 DB"), named_cue("cue 1m02"), named_cue("")
    ('1m01', '1m02', None)
    """
    found = _CUE.search(text)
    return found.group(1) if found else None


def path_of(url: str) -> str:
    """The path that a URL means; a text that is none stays as it is.

    Examples
    --------
    >>> path_of("file://localhost/a%20b.mp3"), path_of("a/b.mp3"), path_of("file:///C:/x.wav")
    ('/a b.mp3', 'a/b.mp3', 'C:/x.wav')
    """
    try:
        path = unquote(urlsplit(url).path if url.startswith("file:") else url, errors="surrogateescape")
    except ValueError:
        return url
    return path[1:] if path.startswith("/") and PureWindowsPath(path[1:]).drive else path


def shared_parts(one: str, other: str) -> int:
    """How many names at the end of two paths are equal.

    Examples
    --------
    >>> shared_parts("/a/b/c.mp3", "x/b/c.mp3"), shared_parts("a.mp3", "b.mp3")
    (2, 0)
    """
    n = 0
    for a, b in zip(*(reversed(PurePosixPath(p.replace("\\", "/")).parts) for p in (one, other)), strict=False):
        if a != b:
            break
        n += 1
    return n


def exact_rate(rate: float) -> Fraction:
    """A frame rate as a fraction: one of the standard rates where it is near to one.

    Raises
    ------
    ValueError
        It is no rate.
    """
    if not (math.isfinite(rate) and 0 < rate < 1e7):
        raise ValueError(f"invalid frame rate {rate:g}")
    near = [known for known in STANDARD if abs(float(known) - rate) <= _SAME_RATE * float(known)]
    return min(near, key=lambda known: abs(float(known) - rate)) if near else Fraction(rate).limit_denominator(1001)


def bounded(time_s: Fraction) -> Fraction:
    """A time that a film can have.

    Raises
    ------
    ValueError
        It is far too long.
    """
    if abs(time_s) > _LONGEST_S:
        raise ValueError("a time is out of range")
    return time_s


def unreadable(name: str, what: str, why: str) -> InputError:
    """The error for a document that is not of its format."""
    return InputError(
        f"{name}: not a readable {what} file: {' '.join(why.split())[:200]}",
        hint="export the time line from the editing program again",
        reason=Reason.BAD_FORMAT,
    )
