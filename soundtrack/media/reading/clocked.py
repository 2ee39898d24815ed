"""Sound of a film on the film's clock: every sample at its time stamp, also in files with a faulty clock.

Goes in: a film and the container time of its first shown frame. Comes out: blocks that follow each other without gap
from that moment on. One decoder (libav, through PyAV) gives samples and time stamps together, so that no rule of an
ffmpeg program about priming samples or offsets takes part, and films sound the same with each of them.

What the clock may do: sound starts before or after the picture; packets are lost, and the gap is silence; recordings
were joined so that they overlap, and what is there twice is left out; stamps run faster or slower than the samples, and
the sound follows at up to 1 percent; the clock leaps, in both streams, and the leap is taken out as ffmpeg takes it out
of the picture; channels or sample rate change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from soundtrack.errors import Reason
from soundtrack.media.opening import no_decoder, open_container, refusal
from soundtrack.media.reading.probe import MAX_JUMP_S, presentation_s
from soundtrack.timebase import samples
from soundtrack.types import FloatArray

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Names of the usual layouts by number of channels."""

_RESAMPLE = "rematrix_maxval=1:async={most}:min_comp=0.003:comp_duration=0.5:min_hard_comp=0.018"
"""From 3 ms on the sound follows its stamps by changing speed, from 18 ms on by silence or a cut."""

_EVEN_S = 0.002
_TOGETHER = 16_384
_FASTER = 0.01
_MAX_BACK_S = 0.1
_NEW_STRETCH_S = 0.5
_LIKE_S = 5.0


@dataclass(frozen=True, slots=True)
class Placed:
    """The next stretch of sound."""

    samples: FloatArray
    """Shape (channels, n), directly behind the stretch before."""
    is_damaged: bool
    """Whether something up to here did not decode."""


@dataclass(frozen=True, slots=True)
class _Leap:
    """A jump of the picture's clock that ffmpeg takes out."""

    size_s: float
    """How far the clock jumps, in seconds."""
    removed_s: float
    """All that is taken out from here on, in seconds."""


def iter_placed(
    path: Path, *, stream: int | None, clock_start_s: float, sample_rate_hz: int, channels: int, block: int, stop: int
) -> Iterator[Placed]:
    """Blocks of sound from the film's first shown frame on; for `soundtrack.media.sandbox`.

    Parameters
    ----------
    path : Path
        The film.
    stream : int, optional
        Index of the sound; by default the first one.
    clock_start_s : float
        Container time of sample 0, in seconds.
    sample_rate_hz, channels : int > 0
        Of the result.
    block : int > 0
        Samples of a block; the last one may be shorter.
    stop : int > 0
        Samples after which nothing is wanted.

    Raises
    ------
    InputError
        There is no such sound, or its channels cannot be turned into those wanted.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            raise refusal(path, Reason.NO_AUDIO)
        source = container.streams.audio[0] if stream is None else container.streams[stream]
        if source.codec_context is None:
            raise no_decoder(path)
        clock = _Clock(clock_start_s, _picture_leaps(path, container))
        placer = _Placer(path, sample_rate_hz=sample_rate_hz, channels=channels)
        waiting: list[FloatArray] = []
        n_waiting, n_given, decoder = 0, 0, _Decoder(container, source)
        for piece in placer.place(clock.timed(decoder.frames())):
            left = piece[:, : stop - n_given - n_waiting]
            while n_waiting + left.shape[1] >= block:
                taken = left[:, : block - n_waiting]
                yield Placed(np.concatenate([*waiting, taken], axis=1), decoder.is_damaged)
                left, n_given, waiting, n_waiting = left[:, taken.shape[1] :], n_given + block, [], 0
            waiting, n_waiting = [*waiting, left], n_waiting + left.shape[1]
            if n_given + n_waiting >= stop:
                break
        if decoder.has_decoded:  # where all of it lies before the picture, this one is empty
            rest = np.concatenate([np.zeros((channels, 0), np.float32), *waiting], axis=1)
            yield Placed(rest, decoder.is_damaged)


class _Decoder:
    """What decodes of one stream, and whether all did."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        self.is_damaged, self.has_decoded = False, False

    def frames(self) -> Iterator[Any]:
        """Frames in the order of the file; damage is passed over."""
        import av

        self._stream.codec_context.thread_count = 1
        try:
            for packet in self._container.demux(self._stream):
                try:
                    for frame in packet.decode():
                        self.has_decoded = True
                        yield frame
                except av.FFmpegError:
                    self.is_damaged = True
        except (av.FFmpegError, OSError):
            self.is_damaged = True


def _picture_leaps(path: Path, container: Any) -> list[_Leap]:
    """Jumps of the picture's clock, in containers whose clock may jump.

    ffmpeg, copying the picture, puts the first packet behind a jump where the last one before it ends. It does so from
    `MAX_JUMP_S` on, and backwards from a tenth of a second on.
    """
    import av

    if not container.format.flags & av.format.Flags.ts_discont.value:
        return []
    with open_container(path) as film:
        pictures = [s for s in film.streams.video if not s.disposition & type(s.disposition).attached_pic]
        if not pictures:
            return []
        frame_s = float(1 / (pictures[0].average_rate or 25))
        leaps: list[_Leap] = []
        last_s: float | None = None
        next_s, removed_s = 0.0, 0.0
        try:
            for packet in film.demux(pictures[0]):
                if packet.dts is None or not packet.size:
                    continue
                now_s = float(packet.dts * packet.time_base)
                size_s = now_s - next_s
                if last_s is not None and (abs(size_s) > MAX_JUMP_S or now_s < last_s - _MAX_BACK_S):
                    removed_s += size_s
                    leaps.append(_Leap(size_s, removed_s))
                last_s = now_s
                next_s = now_s + (float(packet.duration * packet.time_base) if packet.duration else frame_s)
        except (av.FFmpegError, OSError):
            pass  # what decodes counts
        return leaps


class _Clock:
    """Turns the time stamps of sound into seconds from the film's first shown frame."""

    def __init__(self, start_s: float, leaps: list[_Leap]) -> None:
        self._start_s, self._leaps = start_s, leaps
        self._own_s = 0.0

    def timed(self, frames: Iterator[Any]) -> Iterator[tuple[float, Any]]:
        """Every frame with its time on the film's clock; one without a stamp follows the one before."""
        next_s: float | None = None
        removed_s = 0.0
        for frame in frames:
            stamp_s = presentation_s(frame)
            if stamp_s is None:
                stamp_s = self._start_s if next_s is None else next_s
            if next_s is not None:
                removed_s = self._removed_after(stamp_s - next_s, removed_s)
            next_s = stamp_s + frame.samples / frame.sample_rate
            yield stamp_s - removed_s - self._start_s, frame

    def _removed_after(self, step_s: float, removed_s: float) -> float:
        """What is taken out from here on: as much as from the picture, if it makes such a jump next."""
        for n, leap in enumerate(self._leaps):
            if abs(step_s - leap.size_s) < min(_LIKE_S, abs(leap.size_s) / 2):
                self._leaps = self._leaps[n + 1 :]
                return leap.removed_s + self._own_s
        if self._leaps and abs(step_s) > MAX_JUMP_S:  # the sound alone: no gap of the film
            self._own_s += step_s
            return removed_s + step_s
        return removed_s


class _Placer:
    """Lays frames on the film's clock, as samples of one rate and one number of channels."""

    def __init__(self, path: Path, *, sample_rate_hz: int, channels: int) -> None:
        self._path, self._rate_hz, self._channels = path, sample_rate_hz, channels
        self._n = 0
        self._converter: _Converter | None = None

    def place(self, timed: Iterator[tuple[float, Any]]) -> Iterator[FloatArray]:
        """Pieces that follow each other; a new stretch begins where stamps or kind of sound leave no other way."""
        for at_s, frame in timed:
            converter = self._converter
            if converter is None or not converter.goes_on_with(at_s, frame):
                yield from self._end_stretch()
                start = samples(at_s, sample_rate_hz=self._rate_hz)
                if start + frame.samples * self._rate_hz // frame.sample_rate <= self._n:
                    continue  # before the picture, or there already
                for _ in range(self._n, start, self._rate_hz):
                    silent = min(self._rate_hz, start - self._n)
                    self._n += silent
                    yield np.zeros((self._channels, silent), np.float32)
                converter = self._converter = self._convert(frame, surplus=self._n - start)
            yield from self._counted(converter.push(at_s, frame))
        yield from self._end_stretch()

    def _convert(self, frame: Any, *, surplus: int) -> _Converter:
        """A converter for frames like this one."""
        import av

        try:
            return _Converter(frame, sample_rate_hz=self._rate_hz, channels=self._channels, surplus=surplus)
        except (av.FFmpegError, ValueError) as error:
            words = f"its {frame.layout.nb_channels} channels cannot be converted to {self._channels}"
            raise refusal(self._path, Reason.BAD_FORMAT, detail=words) from error

    def _end_stretch(self) -> Iterator[FloatArray]:
        """What the converter still holds."""
        if self._converter is not None:
            yield from self._counted(self._converter.finish())
        self._converter = None

    def _counted(self, pieces: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """The same pieces, added up."""
        for piece in pieces:
            self._n += piece.shape[1]
            yield piece


class _Converter:
    """A filter graph for one stretch of sound of one kind."""

    def __init__(self, frame: Any, *, sample_rate_hz: int, channels: int, surplus: int) -> None:
        from av.audio.fifo import AudioFifo
        from av.filter import Graph

        self._together = AudioFifo()
        self._first: int | None = None
        self._n_in = self._n_through = 0
        self._is_even = True
        self._kind = _kind(frame)
        self._tick = Fraction(1, frame.sample_rate)
        self._surplus = surplus
        self._next_s: float | None = None
        most = round(_FASTER * frame.sample_rate)
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name, time_base=self._tick
        )
        wanted = f"{sample_rate_hz}:osf=fltp:ochl={LAYOUTS[channels]}:{_RESAMPLE.format(most=most)}"
        source.link_to(resample := self._graph.add("aresample", wanted))
        resample.link_to(self._graph.add("abuffersink"))
        self._graph.configure()

    def goes_on_with(self, at_s: float, frame: Any) -> bool:
        """Whether the frame is of the same kind and not far from where the last one ended."""
        return self._kind == _kind(frame) and (self._next_s is None or abs(at_s - self._next_s) < _NEW_STRETCH_S)

    def push(self, at_s: float, frame: Any) -> Iterator[FloatArray]:
        """One frame in, what is ready out.

        Frames whose stamps say what their samples say, up to less than the resampler begins to follow, go into it many
        at a time, which changes nothing and saves half of the time.
        """
        rate_hz = frame.sample_rate
        stamp = samples(at_s, sample_rate_hz=rate_hz)
        self._next_s = at_s + frame.samples / rate_hz
        if self._first is None:
            self._first = stamp
        self._is_even = self._is_even and abs(stamp - self._first - self._n_in) < _EVEN_S * rate_hz
        self._n_in += frame.samples
        if not self._is_even:
            yield from self._through()
            frame.time_base, frame.pts = self._tick, stamp
            self._graph.push(frame)
            yield from self._ready()
            return
        frame.pts = None
        self._together.write(frame)
        if self._together.samples >= _TOGETHER:
            yield from self._through()

    def finish(self) -> Iterator[FloatArray]:
        """What is left."""
        yield from self._through()
        self._graph.push(None)
        yield from self._ready()

    def _through(self) -> Iterator[FloatArray]:
        """Put what waits through the graph."""
        frame = self._together.read()
        if frame is not None and self._first is not None:
            frame.time_base, frame.pts = self._tick, self._first + self._n_through
            self._n_through += frame.samples
            self._graph.push(frame)
            yield from self._ready()

    def _ready(self) -> Iterator[FloatArray]:
        """What has come out, without what lies before the place where it is wanted; shape (channels, n)."""
        import av

        while True:
            try:
                piece = np.asarray(self._graph.pull().to_ndarray(), np.float32)
            except (av.BlockingIOError, av.EOFError):
                return
            dropped = min(self._surplus, piece.shape[1])
            self._surplus -= dropped
            yield piece[:, dropped:]


def _kind(frame: Any) -> tuple[int, str, str]:
    """What must not change in a converter."""
    return frame.sample_rate, frame.format.name, frame.layout.name
