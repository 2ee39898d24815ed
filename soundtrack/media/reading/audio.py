"""Sound of any file as float32 samples, whole or in blocks of bounded size.

Goes in: a path, the rate and the number of channels wanted. Comes out: float32 arrays of shape (channels, samples),
nominal range [-1, 1]. ffmpeg decodes, resamples and mixes down; samples that are no numbers become zero. Any stretch of
a file is the same, sample for sample, as that stretch of the whole: decoding runs from the start, which costs little
and is right for every codec, unless a jump is asked for.

Levels: mixing down to mono is a weighted mean, so equal channels keep their level whatever the sample format (by itself
ffmpeg makes floating point sound 3 dB louder there); mono becomes stereo with equal power, 0.707 in each channel, which
keeps the loudness of ITU-R BS.1770.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundtrack.errors import FfmpegError, InputError, Reason
from soundtrack.media.opening import refusal, require_regular_file
from soundtrack.media.process import FfmpegTimeoutError, ReadingPipe, file_arg, guard_options, reading_pipe
from soundtrack.media.reading.clocked import iter_placed
from soundtrack.media.reading.probe import probe_audio
from soundtrack.media.sandbox import apart_stream
from soundtrack.timebase import samples
from soundtrack.types import FloatArray

_WALL_S = 4 * 3600.0
_STALL_S = 60.0
_SKIP_BYTES = 1 << 20
_SOURCE = "file:"
"""Placeholder for the input until its name is put in: ffmpeg-python takes UTF-8 only, names of files are any bytes."""

_ENDLESS = 1 << 62
_DAMAGE = re.compile(r"Error while decoding stream|Error submitting packet to decoder|Decoding error:")
COVER = re.compile(r"Picture size \d+x\d+ is invalid")
"""How libav says that a picture is larger than it may be."""


@dataclass(slots=True)
class SoundReport:
    """What the decode found out; complete when the blocks have ended."""

    is_damaged: bool = False
    """Whether some of it did not decode, or held no numbers."""
    has_giant_cover: bool = False
    """Whether its cover art is too large to be decoded, so that decoding was not tried."""


def read_audio(
    path: Path,
    *,
    sample_rate_hz: int,
    channels: int,
    start_s: float = 0.0,
    duration_s: float | None = None,
    stream: int | None = None,
    clock_start_s: float | None = None,
    ffmpeg: Path | None = None,
) -> FloatArray:
    """Samples of a file, shape (channels, samples); fewer than asked for where the file ends.

    Parameters
    ----------
    path : Path
        Anything with sound.
    sample_rate_hz : int > 0
        Rate of the result.
    channels : int > 0
        Channels of the result; ffmpeg mixes down or up.
    start_s : float >= 0
        Where to start, in seconds.
    duration_s : float, optional
        How much at most, in seconds; all by default.
    stream : int, optional
        Index of the stream in the file; by default the first one with sound.
    clock_start_s : float, optional
        Container time that is to be sample 0, such as `VideoInfo.start_s`: sound that starts later is preceded by
        silence, sound before it is left out, and gaps of the clock are filled. By default sample 0 is the first one of
        the stream.
    ffmpeg : Path, optional
        Use this one.

    Raises
    ------
    InputError
        No sound can be read; `reason` says why.

    Examples
    --------
    >>> read_audio(Path("song.ogg"), sample_rate_hz=22050, channels=1).shape  # doctest: +SKIP
    (1, 5292000)
    """
    blocks = list(
        iter_audio(
            path,
            sample_rate_hz=sample_rate_hz,
            channels=channels,
            stream=stream,
            start_s=start_s,
            duration_s=duration_s,
            clock_start_s=clock_start_s,
            ffmpeg=ffmpeg,
        )
    )
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((channels, 0), np.float32)


def iter_audio(
    path: Path,
    *,
    sample_rate_hz: int,
    channels: int,
    block_s: float = 10.0,
    stream: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    clock_start_s: float | None = None,
    jump_s: float = 0.0,
    report: SoundReport | None = None,
    ffmpeg: Path | None = None,
) -> Generator[FloatArray]:
    """Consecutive blocks of `block_s` seconds, the last one shorter; parameters and errors as in `read_audio`.

    A file that breaks off gives the part before the damage; one that gives nothing at all is an error. A `report` is
    filled while the blocks come. With `jump_s` ffmpeg goes there, in seconds, without decoding what lies before; what
    comes is right to a few packets, not to the sample.
    """
    if sample_rate_hz <= 0 or channels <= 0 or block_s <= 0 or start_s < 0:
        raise ValueError(f"must be positive: {sample_rate_hz=}, {channels=}, {block_s=}, {start_s=}")
    require_regular_file(path)
    skip = samples(start_s, sample_rate_hz=sample_rate_hz)
    left = _ENDLESS if duration_s is None else samples(duration_s, sample_rate_hz=sample_rate_hz)
    block = max(1, samples(block_s, sample_rate_hz=sample_rate_hz))
    report = SoundReport() if report is None else report
    if clock_start_s is not None:
        stop = min(skip + left, _ENDLESS)
        shape = {"sample_rate_hz": sample_rate_hz, "channels": channels, "block": block, "stop": stop}
        yield from _on_clock(path, report, skip, stream=stream, clock_start_s=clock_start_s, **shape)
        return
    heard = False
    room = np.empty((min(block, left), channels), np.float32)  # interleaved; every block is a copy of it
    try:
        with reading_pipe(
            _arguments(path, sample_rate_hz, channels, stream=stream, jump_s=jump_s),
            task=f"reading the audio of {path}",
            wall_s=_WALL_S,
            stall_s=_STALL_S,
            ffmpeg=ffmpeg,
        ) as pipe:
            heard = _skip(pipe, skip * 4 * channels) > 0
            ended = False
            while left > 0 and not ended:
                interleaved = room[:left]
                got = pipe.readinto(interleaved) // (4 * channels)
                ended = got < len(interleaved)
                heard = heard or got > 0
                if got == 0:
                    break
                left -= got
                yield _clean(interleaved[:got].T, report)  # (channels, samples)
        report.is_damaged |= _DAMAGE.search(pipe.complaints) is not None
        report.has_giant_cover |= COVER.search(pipe.complaints) is not None
    except FfmpegTimeoutError as error:
        raise InputError(str(error), hint=error.hint, reason=Reason.TIMEOUT) from error
    except FfmpegError as error:
        if not heard:
            probe_audio(path)  # knows why
            raise refusal(path, Reason.CORRUPT) from error
        report.is_damaged = True
    if not heard and left > 0:
        probe_audio(path)
        raise refusal(path, Reason.NO_AUDIO)


def _on_clock(
    path: Path, report: SoundReport, skip: int, *, stream: int | None, clock_start_s: float, **shape: int
) -> Generator[FloatArray]:
    """The same, placed by time stamps."""
    heard = False
    placed = apart_stream(path, iter_placed, _STALL_S, path, stream=stream, clock_start_s=clock_start_s, **shape)
    for block in placed:
        heard = True
        report.is_damaged |= block.is_damaged
        samples_ = block.samples[:, min(skip, block.samples.shape[1]) :]
        skip -= block.samples.shape[1] - samples_.shape[1]
        if samples_.shape[1]:
            yield _clean(samples_, report)
    if not heard:
        probe_audio(path)  # knows why
        raise refusal(path, Reason.NO_AUDIO)


def _arguments(path: Path, sample_rate_hz: int, channels: int, *, stream: int | None, jump_s: float) -> list[str]:
    """ffmpeg's arguments for raw samples on its standard output."""
    import ffmpeg as arguments  # ffmpeg-python writes them down; the process is ours

    jump = {"ss": f"{jump_s:.6f}"} if jump_s > 0 else {}
    source = arguments.input(_SOURCE, **guard_options(), **jump, threads=1)  # more would only wait for each other
    shape = {"ac": channels, "ar": sample_rate_hz, "rematrix_maxval": 1, "format": "f32le"}
    output = arguments.output(source["a:0" if stream is None else str(stream)], "pipe:1", **shape)
    written = [str(part) for part in arguments.get_args(output)]
    return [file_arg(path) if part == _SOURCE else part for part in written]


def _clean(block: FloatArray, report: SoundReport) -> FloatArray:
    """A copy of the block in one piece, with zeros where it held no numbers."""
    block = block.copy(order="C")
    zero_no_numbers(block, report)
    return block


def zero_no_numbers(block: FloatArray, report: SoundReport) -> None:
    """Put zeros where a block holds no numbers, and tell it."""
    if not np.isfinite(block).all():
        report.is_damaged = True
        np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _skip(pipe: ReadingPipe, n_bytes: int) -> int:
    """Read and forget; returns the bytes that were there."""
    buffer = bytearray(min(n_bytes, _SKIP_BYTES))
    done = 0
    while done < n_bytes and not pipe.at_end:
        done += pipe.readinto(memoryview(buffer)[: n_bytes - done])
    return done
