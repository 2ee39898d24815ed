"""Subtitles of a film: times and words, from a file beside it or from a text stream inside.

Goes in: a probed film. Comes out: lines on the film's clock, without marks, or a warning. Looked for in this order:
``NAME.srt``, ``.ass``, ``.ssa``, ``.vtt``, the same as ``NAME.en.srt`` and so on, then the text streams of the film,
English before others. Such text is untrusted: sizes and numbers of lines are limited, and encodings are recognised
(`soundtrack.files.text_encoding`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import DependencyError, FfmpegError, InputError, Reason
from soundtrack.files import safe_read
from soundtrack.files.text_encoding import decoded
from soundtrack.media.process import input_args, run_ffmpeg
from soundtrack.types import Span, StreamInfo, StreamKind, VideoInfo

MOST_BYTES = 4 << 20
"""Larger subtitles are ignored."""
MOST_LINES = 50_000
"""More lines than this are ignored."""

_SUFFIXES = (".srt", ".ass", ".ssa", ".vtt")
_TEXT_CODECS = ("subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text")
_LIMIT_S = 600.0
_LONGEST_S = 12.0
_SPOKEN_PER_S = 10.0
"""Characters a second of slow speech: a line that stays longer is not spoken for all of its time."""
_NOT_SAID = re.compile(r"\[[^\]]{0,200}\]|\([^)]{0,200}\)|\{[^}]{0,200}\}|<[^>]{0,200}>|^\s*[♪♫#].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SubtitleLine:
    """Words of a film."""

    span: Span
    """When they are shown, and at most as long as they take to be said, film clock."""
    text: str = field(repr=False)
    """Without marks, sounds in brackets and sung lines."""


@dataclass(frozen=True, slots=True)
class Subtitles:
    """What is said in a film, as far as its subtitles tell."""

    lines: tuple[SubtitleLine, ...] = ()
    """In order of time."""
    warnings: tuple[str, ...] = ()
    """Subtitles that could not be read, one line each."""


def read_subtitles(info: VideoInfo) -> Subtitles:
    """The subtitles of a film; no lines where there are none.

    Parameters
    ----------
    info : VideoInfo
        The film.
    """
    warnings: list[str] = []
    for path in _beside(info.path):
        try:
            data = safe_read.read_bytes(path, most_bytes=MOST_BYTES)
            text = decoded(data)
            if text is None and data:
                raise InputError(f"{path}: unknown encoding", hint="save it as UTF-8", reason=Reason.BAD_FORMAT)
            lines = parse_subtitles(text or "", name=str(path), end_s=info.duration_s)
            if lines:
                return Subtitles(lines, tuple(warnings))
            raise InputError(
                f"{path}: no spoken lines during the film", hint="check the file", reason=Reason.BAD_FORMAT
            )
        except InputError as error:
            warnings.append(f"subtitles ignored: {error}")
    for stream in sorted(_text_streams(info), key=_preference):
        name = f"{info.path}: subtitle stream {stream.index}"
        try:
            lines = parse_subtitles(_extracted(info, stream, name), name=name, end_s=info.duration_s)
        except (InputError, FfmpegError, DependencyError) as error:
            warnings.append(f"subtitles ignored: {error}")
            continue
        if lines:
            return Subtitles(lines, tuple(warnings))
    return Subtitles((), tuple(warnings))


def parse_subtitles(text: str, *, name: str, end_s: float) -> tuple[SubtitleLine, ...]:
    """Lines of SRT, ASS, SSA or WebVTT.

    Parameters
    ----------
    text : str
    name : str
        Of the subtitles, for messages.
    end_s : float
        End of the film; later lines are left out.

    Raises
    ------
    InputError
        They are of no known format, or too many.

    Examples
    --------
    >>> text = "1\\n00:00:01,000 --> 00:00:09,000\\n<i>Hello</i> [door slams]\\n"
    >>> parse_subtitles(text, name="a.srt", end_s=60.0)
    (SubtitleLine(span=Span(start_s=1.0, end_s=2.0)),)
    """
    import pysubs2

    if not text.strip():
        return ()
    if max(text.count("-->"), text.count("\nDialogue:")) > MOST_LINES:
        raise InputError(
            f"{name}: more than {MOST_LINES} lines of subtitles",
            hint="use a file with fewer lines",
            reason=Reason.TOO_LARGE,
        )
    try:
        events = [event for event in pysubs2.SSAFile.from_string(text) if not event.is_comment]
    except (pysubs2.exceptions.Pysubs2Error, ValueError, KeyError, IndexError, OverflowError) as error:
        raise InputError(
            f"{name}: not subtitles (srt, ass, vtt)",
            hint="convert them to srt, encoded as UTF-8",
            reason=Reason.BAD_FORMAT,
        ) from error
    lines = []
    for event in events:
        words = " ".join(_NOT_SAID.sub(" ", event.plaintext).split())
        start_s, shown_until_s = event.start / 1000, min(event.end / 1000, end_s)
        said_until_s = min(shown_until_s, start_s + min(_LONGEST_S, 1.0 + max(0, len(words) - 10) / _SPOKEN_PER_S))
        if words and 0 <= start_s < said_until_s:
            lines.append(SubtitleLine(Span(start_s, said_until_s), words))
    return tuple(sorted(lines, key=lambda line: (line.span.start_s, line.span.end_s, line.text)))


def _beside(film: Path) -> list[Path]:
    """Files of subtitles beside a film, in the order in which they are tried."""
    names = [film.with_suffix(f"{tag}{suffix}") for tag in ("", ".en", ".eng") for suffix in _SUFFIXES]
    return [path for path in names if os.path.isfile(path)]  # noqa: PTH113 - a name that is too long is no file


def _text_streams(info: VideoInfo) -> Sequence[StreamInfo]:
    return [s for s in info.streams if s.kind is StreamKind.SUBTITLE and s.codec in _TEXT_CODECS]


def _preference(stream: StreamInfo) -> tuple[bool, bool, int]:
    """English first, since its words are rated; then what players show."""
    return (stream.language not in ("en", "eng"), not stream.is_default, stream.index)


def _extracted(info: VideoInfo, stream: StreamInfo, name: str) -> str:
    """A text stream as SRT."""
    got = bytearray()

    def keep(chunk: bytes) -> None:
        got.extend(chunk)
        if len(got) > MOST_BYTES:
            raise InputError(
                f"{name}: more than {MOST_BYTES >> 20} MiB of text", hint="use --no-subtitles", reason=Reason.TOO_LARGE
            )

    args = [*input_args(info.path), "-map", f"0:{stream.index}", "-f", "srt", "pipe:1"]
    run_ffmpeg(args, task=f"reading {name}", wall_s=_LIMIT_S, stall_s=_LIMIT_S, on_output=keep)
    return got.decode("utf-8", errors="replace")
