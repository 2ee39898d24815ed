"""Decode the sound of a file to stereo in the calling process, for worker processes and sandboxed ones only.

Goes in: a path. Comes out: the same blocks that `soundtrack.media.reading.audio` makes of it, for half of the work: a
program of its own passes each packet through several threads, a pipe, and copies of it. The price is that a file which
crashes its decoder takes this process down. So this is for those who analyse a library, each in a process of its own,
after `soundtrack.media.reading.probe` has opened the file and begun to decode it where nothing can be lost; all others
take `iter_stereo_apart`, which does the same in a sandboxed process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundtrack.errors import Reason
from soundtrack.media.opening import no_decoder, open_container, refusal, require_regular_file
from soundtrack.media.reading.audio import COVER, SoundReport, zero_no_numbers
from soundtrack.media.sandbox import MEMORY_BYTES, apart_stream
from soundtrack.processes.platform import more_memory
from soundtrack.timebase import samples
from soundtrack.types import FloatArray

if TYPE_CHECKING:
    import av

_STALL_S = 60.0
_LONGEST_PADDING_S = 0.5
"""What a file holds beyond its stated length is more than padding from here on."""


def iter_stereo_apart(
    path: Path,
    *,
    sample_rate_hz: int,
    block_s: float = 10.0,
    start: int = 0,
    stop: int | None = None,
    stream: int | None = None,
) -> Generator[FloatArray]:
    """A stretch of the blocks of `iter_stereo`, decoded in a sandboxed process.

    Parameters
    ----------
    path, sample_rate_hz, block_s, stream
        As for `iter_stereo`.
    start, stop : int >= 0
        First sample and the one after the last; by default all.

    Raises
    ------
    InputError
        As `iter_stereo`, or the file took the process down.
    """
    require_regular_file(path)
    shape = {"sample_rate_hz": sample_rate_hz, "block_s": block_s, "stream": stream}
    yield from apart_stream(path, _stretch, _STALL_S, path, start=start, stop=stop, **shape)


def _stretch(path: Path, *, start: int, stop: int | None, **shape: Any) -> Iterator[FloatArray | None]:
    """A stretch of the sound in blocks; None while nothing of it has come."""
    at = 0
    with contextlib.closing(iter_stereo(path, **shape)) as blocks:
        for block in blocks:
            part = block[:, max(0, start - at) : None if stop is None else max(0, stop - at)]
            at += block.shape[1]
            yield part if part.shape[1] else None
            if stop is not None and at >= stop:
                return


def iter_stereo(
    path: Path,
    *,
    sample_rate_hz: int,
    block_s: float = 10.0,
    report: SoundReport | None = None,
    stream: int | None = None,
) -> Generator[FloatArray]:
    """Consecutive blocks of stereo, the last one shorter.

    Parameters
    ----------
    path : Path
        Anything with sound.
    sample_rate_hz : int > 0
        Rate of the result.
    block_s : float > 0
        Length of a block, in seconds.
    report : SoundReport, optional
        Filled while the blocks come.
    stream : int, optional
        Index of the stream in the file; by default the first one with sound.

    Yields
    ------
    ndarray, shape=(2, n), float32
        Nominally in [-1, 1]; one channel became two of equal power. A file that breaks off gives the part before the
        damage.

    Raises
    ------
    InputError
        No sound can be read; `reason` says why.
    MemoryError
        Reading it takes 4 GiB.

    Examples
    --------
    >>> [block.shape for block in iter_stereo(Path("song.ogg"), sample_rate_hz=48_000)]  # doctest: +SKIP
    [(2, 480000), (2, 480000), (2, 96123)]
    """
    import av

    report = SoundReport() if report is None else report
    n_block = samples(block_s, sample_rate_hz=sample_rate_hz)
    n_given, filled, heard = 0, 0, False
    block = np.empty((2, n_block), np.float32)
    with contextlib.ExitStack() as stack:
        stack.enter_context(more_memory(MEMORY_BYTES))
        with _complaints() as complaints:
            container = stack.enter_context(open_container(path))
        report.has_giant_cover |= any(COVER.search(complaint) for complaint in complaints)
        if not container.streams.audio:
            raise refusal(path, Reason.NO_AUDIO)
        source = container.streams.audio[0] if stream is None else container.streams[stream]
        if source.codec_context is None:
            raise no_decoder(path)
        try:
            for piece in _pieces(container, source, sample_rate_hz, report):
                left, heard = piece, True
                while left.shape[1]:
                    taken = left[:, : n_block - filled]
                    block[:, filled : filled + taken.shape[1]] = taken
                    left, filled = left[:, taken.shape[1] :], filled + taken.shape[1]
                    if filled == n_block:
                        zero_no_numbers(block, report)
                        yield block
                        block, filled, n_given = np.empty((2, n_block), np.float32), 0, n_given + n_block
        except MemoryError:
            raise
        except av.FFmpegError as error:  # of the conversion: what does not decode is passed over
            if not heard:
                raise refusal(path, Reason.BAD_FORMAT, detail="its channels cannot be converted to stereo") from error
            report.is_damaged = True
        filled -= _padding(source, n_given + filled, sample_rate_hz)
    if filled > 0:
        block = np.ascontiguousarray(block[:, :filled])
        zero_no_numbers(block, report)
        yield block
    if not heard:
        raise refusal(path, Reason.CORRUPT if report.is_damaged else Reason.NO_AUDIO)


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """What libav says is wrong; complete at the end."""
    import av

    said: list[str] = []
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as entries:
            yield said
        said.extend(message for _, _, message in entries)
    finally:
        av.logging.set_level(None)


def _padding(stream: Any, n: int, sample_rate_hz: int) -> int:
    """How many of n samples only fill the last packet: MP4 tells by its length alone."""
    if not stream.container.format.name.startswith("mov") or not stream.duration:
        return 0
    surplus = n - samples(float(stream.duration * stream.time_base), sample_rate_hz=sample_rate_hz)
    return surplus if 0 < surplus < _LONGEST_PADDING_S * sample_rate_hz else 0


def _pieces(
    container: av.container.InputContainer, stream: Any, sample_rate_hz: int, report: SoundReport
) -> Iterator[FloatArray]:
    """Stereo as it comes out of the converter, about a second at a time, shape (2, n)."""
    kind: tuple[int, str, str] | None = None
    converter: Any = None
    waiting_s = 0.0
    for frame in _frames(container, stream, report):
        if kind != (kind := (frame.sample_rate, frame.format.name, frame.layout.name)):  # at the start, as a rule
            yield from _flush(converter)
            converter = _converter(frame, sample_rate_hz)
        converter.push(frame)
        waiting_s += frame.samples / frame.sample_rate
        if waiting_s >= 1.0:  # asking each time whether something has come out takes as long as the rest
            yield from _ready(converter)
            waiting_s = 0.0
    yield from _flush(converter)


def _frames(container: av.container.InputContainer, stream: Any, report: SoundReport) -> Iterator[Any]:
    """What decodes of a stream of sound."""
    import av

    stream.codec_context.thread_count = 1  # the processes are what runs side by side
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                report.is_damaged = True
    except (av.FFmpegError, OSError):
        report.is_damaged = True


def _converter(frame: Any, sample_rate_hz: int) -> Any:
    """A filter graph from frames like this one to stereo of float32."""
    from av.filter import Graph

    layout = frame.layout.name
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=layout, time_base=frame.time_base
    )
    gather = graph.add("asetnsamples", f"n={sample_rate_hz}:p=0")
    if (frame.sample_rate, frame.format.name, layout) == (sample_rate_hz, "fltp", "stereo"):
        source.link_to(gather)
    else:
        resample = graph.add("aresample", f"{sample_rate_hz}:osf=fltp:ochl=stereo:rematrix_maxval=1")
        source.link_to(resample)
        resample.link_to(gather)
    gather.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


def _flush(converter: Any | None) -> Iterator[FloatArray]:
    """What a converter still holds."""
    if converter is not None:
        converter.push(None)
        yield from _ready(converter)


def _ready(converter: Any) -> Iterator[FloatArray]:
    """What has come out of a converter, shape (2, n) each."""
    import av

    while True:
        try:
            yield converter.pull().to_ndarray()
        except (av.BlockingIOError, av.EOFError):
            return
