"""A short stretch of a track, decoded from just before it: for playback on demand.

Goes in: a path and a range of samples. Comes out: stereo, as `soundtrack.media.reading.audio` makes it by decoding
from the start, for some hundredths of a second. The decoder begins half a second early, which is more than any codec
here looks back, and the resampler begins where the two rates meet, so that its phase is the same. Only containers
whose time stamps count samples are read so; all others, and whatever goes wrong, are left to the slow way.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from soundtrack.errors import InputError
from soundtrack.media.opening import open_container
from soundtrack.media.reading.audio import SoundReport, iter_audio, zero_no_numbers
from soundtrack.media.sandbox import apart
from soundtrack.timebase import seconds
from soundtrack.types import FloatArray

COUNTING = frozenset({"ogg", "flac", "wav", "mp3", "mov,mp4,m4a,3gp,3g2,mj2"})
"""Containers whose time stamps are exact to the sample."""
_BEFORE_S = 0.5
_BEHIND = 4096  # samples that decoders and resamplers hold back


def iter_jumped(path: Path, *, sample_rate_hz: int, start: int, stop: int, block: int) -> Generator[FloatArray]:
    """Consecutive stereo blocks of a stretch of a track, shape (2, n), each decoded when it is asked for.

    Parameters
    ----------
    path : Path
        The track.
    sample_rate_hz : int > 0
        Rate of the result.
    start, stop : int >= 0
        First sample and the one after the last.
    block : int > 0
        Samples of a block; the last one may be shorter.

    Raises
    ------
    InputError
        No sound can be read.
    """
    for at in range(start, stop, block):
        last = min(at + block, stop)
        try:
            found = apart(path, read_jumped, path, sample_rate_hz=sample_rate_hz, start=at, stop=last)
        except InputError:  # the slow way either reads it or knows why not
            found = None
        if found is None:
            begin_s, length_s = (seconds(n, sample_rate_hz=sample_rate_hz) for n in (at, stop - at))
            yield from iter_audio(
                path,
                sample_rate_hz=sample_rate_hz,
                channels=2,
                block_s=seconds(block, sample_rate_hz=sample_rate_hz),
                start_s=begin_s,
                duration_s=length_s,
            )
            return
        yield found
        if found.shape[1] < last - at:
            return


def read_jumped(path: Path, *, sample_rate_hz: int, start: int, stop: int) -> FloatArray | None:
    """Stereo of a stretch, shape (2, n), shorter where the track ends; for `soundtrack.media.sandbox`.

    Parameters
    ----------
    path, sample_rate_hz, start, stop
        As for `iter_jumped`.

    Returns
    -------
    ndarray, float32
        None where time stamps do not tell the place to the sample.
    """
    import av

    with open_container(path) as container:
        stream = container.streams.audio[0] if container.streams.audio else None
        if container.format.name not in COUNTING or stream is None or stream.codec_context is None:
            return None
        stream.codec_context.thread_count = 1
        try:
            return _read(container, stream, sample_rate_hz, start, stop)
        except av.FFmpegError:
            return None


def _read(container: Any, stream: Any, rate_hz: int, start: int, stop: int) -> FloatArray | None:
    """The stretch from a container that counts."""
    from av.audio.fifo import AudioFifo

    head = next(container.decode(stream), None)
    if head is None or head.pts is None:
        return None
    kind, source_hz = _kind(head), head.sample_rate
    wanted = start * source_hz // rate_hz - round(_BEFORE_S * source_hz)
    container.seek(head.pts + round(max(0, wanted) / source_hz / stream.time_base), stream=stream)
    fifo, n_read, firsts = AudioFifo(), 0, Counter[int]()
    enough = (stop - start) * source_hz // rate_hz + round(_BEFORE_S * source_hz) + _BEHIND
    for frame in container.decode(stream):
        if frame.pts is None or _kind(frame) != kind:
            return None
        place = round((frame.pts - head.pts) * stream.time_base * source_hz)
        firsts[place - n_read] += 1
        n_read += frame.samples
        frame.pts = None
        fifo.write(frame)
        if place > wanted + enough:
            break
    if not firsts:
        return np.zeros((2, 0), np.float32)
    # Stamps of single frames are wrong where a codec changes its window: most of them agree.
    first, n_agreeing = firsts.most_common(1)[0]
    unit = source_hz // math.gcd(source_hz, rate_hz)  # samples of the track after which both rates meet
    begun = -(-max(0, first) // unit) * unit
    if n_agreeing < firsts.total() / 2 or begun * rate_hz > start * source_hz:
        return None
    if begun > first:
        fifo.read(begun - first)
    skip = start - begun * rate_hz // source_hz
    if container.format.name.startswith("mov") and stream.duration:  # its last packet is filled up
        stop = max(start, min(stop, round(stream.duration * stream.time_base * rate_hz)))
    found = np.ascontiguousarray(_resampled(head, fifo, rate_hz)[:, skip : skip + stop - start])
    zero_no_numbers(found, SoundReport())
    return found


def _kind(frame: Any) -> tuple[int, str, str]:
    """What must not change."""
    return frame.sample_rate, frame.format.name, frame.layout.name


def _resampled(head: Any, fifo: Any, rate_hz: int) -> FloatArray:
    """What waits as stereo of float32, shape (2, n); the first frame says what it is."""
    import av
    from av.filter import Graph

    together = fifo.read()
    if together is None:
        return np.zeros((2, 0), np.float32)
    together.pts = None
    if _kind(head) == (rate_hz, "fltp", "stereo"):
        return np.asarray(together.to_ndarray(), np.float32)
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=head.sample_rate, format=head.format.name, layout=head.layout.name, time_base=head.time_base
    )
    resample = graph.add("aresample", f"{rate_hz}:osf=fltp:ochl=stereo:rematrix_maxval=1")
    source.link_to(resample)
    resample.link_to(graph.add("abuffersink"))
    graph.configure()
    graph.push(together)
    graph.push(None)
    parts: list[FloatArray] = []
    while True:
        try:
            parts.append(np.asarray(graph.pull().to_ndarray(), np.float32))
        except (av.BlockingIOError, av.EOFError):
            return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)
