"""The one decode of a film: every frame scaled down, upright, with its time stamp.

Goes in: a `VideoInfo`. Comes out: batches of small RGB frames with the seconds at which they are shown, 0 being the
first shown frame. The whole picture is squashed to a square by area averaging, so that every consumer sees all of it.

One pass from the first packet to the last is the only way that gives the right frame and time in every container
(seeking does not), so there is no other. It runs in a process apart, with limits, and behind a short queue: decoding
overlaps with whatever looks at the frames, and memory does not grow with the film. Time comes from the presentation
stamps, never from counting; frames that the container hides (edit lists) stay hidden; damaged packets are passed over
and reported.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from soundtrack.errors import Reason, UsageError
from soundtrack.media.opening import open_container, refusal
from soundtrack.media.reading.probe import MAX_JUMP_S, presentation_s
from soundtrack.media.sandbox import apart_stream
from soundtrack.timebase import round_s
from soundtrack.types import FrameBatch, Still, StillFormat, VideoInfo
from soundtrack.video.decord_decode import decord_frames
from soundtrack.video.frames import DecodeReport, TimedFrame, squashed

DECODERS = ("auto", "pyav", "decord")
"""What `iter_frames` takes; ``auto`` is PyAV, which is right everywhere."""

STALL_S = 30.0
"""Longest wait for the next frame, in seconds; the largest pictures on a slow machine need far less."""
WALL_S = 24 * 3600.0
"""Longest time for a whole film, in seconds."""
_LEAVING_S = 30.0
_BATCH_FRAMES = 32
_QUEUE_BATCHES = 4
JUMPY_FORMATS = ("mpegts", "mpeg")
"""Containers of broadcasts, whose clock restarts."""
_CLOCKLESS_FORMATS = ("h264", "hevc", "mpegvideo")
_MAX_BACK_S = 1.0
_TINY_STEP_S = 1e-3
_ENDS_EARLY_S = 1.0
_SIGN_OF_LIFE_S = 2.0
_THREADS_BYTES = 1 << 30
_BYTES_PER_PIXEL = 3
_LEFT_OUT = {"skip_loop_filter": "noref"}
"""In h264, the loop filter of frames that no other refers to; the others are exact, so that no error spreads."""


@dataclass(slots=True)
class FilmClock:
    """Turns presentation stamps into ascending seconds from the first shown frame.

    Broadcast streams restart their clock now and then: a leap of more than `MAX_JUMP_S`, or backwards by more than a
    second, is taken out. A frame without a stamp comes one frame length after the last one.
    """

    start_s: float
    """Container time of the first shown frame."""
    frame_s: float
    """Length of a frame as far as the header knows, in seconds."""
    restarts: bool
    """Whether leaps forward are faults of the clock and not long pauses."""
    report: DecodeReport = field(default_factory=DecodeReport)
    """Gets a warning for every kind of trouble."""
    _last_s: float | None = None
    _removed_s: float = 0.0

    def time_s(self, stamp_s: float | None) -> float:
        """Time of the next frame on the film's clock, after all earlier ones."""
        if self._last_s is None:
            if stamp_s is not None:
                self._removed_s = min(stamp_s - self.start_s, 0.0)
            now_s = 0.0 if stamp_s is None else stamp_s - self.start_s - self._removed_s
        else:
            now_s = self._after(self._last_s, stamp_s)
        self._last_s = now_s
        return now_s

    def _after(self, last_s: float, stamp_s: float | None) -> float:
        """Time of a frame that follows another one."""
        expected_s = last_s + self.frame_s
        if stamp_s is None:
            return expected_s
        now_s = stamp_s - self.start_s - self._removed_s
        leaps = self.restarts and now_s - last_s > MAX_JUMP_S + self.frame_s
        if leaps or last_s - now_s > _MAX_BACK_S:
            self._removed_s += now_s - expected_s
            self.report.warn("timestamps of the film jump; the jump was removed")
            return expected_s
        return now_s if now_s > last_s else last_s + min(_TINY_STEP_S, self.frame_s / 2)


def iter_frames(
    info: VideoInfo,
    *,
    side_px: int,
    decoder: str = "auto",
    batch_frames: int = _BATCH_FRAMES,
    report: DecodeReport | None = None,
    stills: StillFormat | None = None,
) -> Iterator[FrameBatch]:
    """Every frame of the film in order, squashed to `side_px` x `side_px`.

    Parameters
    ----------
    info : VideoInfo
        As `probe` gave it.
    side_px : int > 0
        Side of the square frames, in pixels.
    decoder : {"auto", "pyav", "decord"}
        ``decord`` is allowed only for H.264, VP8 and VP9 in mp4, mov, mkv and webm, where it was found to give the
        right frames; its scaling is coarser than area averaging.
    batch_frames : int > 0
        Frames of a batch; the last one may be shorter.
    report : DecodeReport, optional
        Is filled while the frames come.
    stills : StillFormat, optional
        Take larger pictures now and then beside the frames; decord gives none.

    Yields
    ------
    FrameBatch
        Consecutive frames, times ascending.

    Raises
    ------
    InputError
        Not a single frame could be decoded.
    UsageError
        The decoder does not exist or would give wrong frames for this file.

    Examples
    --------
    >>> for batch in iter_frames(probe(path), side_px=112):  # doctest: +SKIP
    ...     print(batch.times_s[0], batch.frames.shape)
    """
    if side_px <= 0 or batch_frames <= 0:
        raise ValueError(f"side and batch must be above 0, got {side_px} and {batch_frames}")
    if decoder not in DECODERS:
        raise UsageError(f"{decoder}: unknown decoder", hint=f"choose one of {', '.join(DECODERS)}")
    report = DecodeReport() if report is None else report
    if decoder == "decord":
        frames = decord_frames(info, side_px=side_px, report=report)
        batches = _batches(frames, batch_frames=batch_frames, side_px=side_px)
    else:
        batches = _batches_apart(info, side_px=side_px, batch_frames=batch_frames, report=report, stills=stills)
    yield from _in_background(batches, info=info)
    if report.n_frames == 0:
        raise refusal(info.path, Reason.CORRUPT)
    if report.n_damaged:
        report.warn(f"{report.n_damaged} damaged packets were skipped")
    if report.n_mended:
        report.warn(f"{report.n_mended} of {report.n_frames} frames are damaged and were decoded partially")
    if info.container in _CLOCKLESS_FORMATS:
        report.warn(f"a raw stream without timestamps: assuming {float(info.fps):g} fps")
    if report.duration_s < info.duration_s - max(_ENDS_EARLY_S, 0.02 * info.duration_s):
        report.warn(f"the video ends at {report.duration_s:.1f} s, the header promises {info.duration_s:.1f} s")


def _batches(frames: Iterator[TimedFrame], *, batch_frames: int, side_px: int) -> Iterator[FrameBatch | None]:
    """Frames in stacks; a None now and then while a stack is not full, to show that frames come."""
    times = np.empty(batch_frames, np.float64)
    pixels = np.empty((batch_frames, side_px, side_px, 3), np.uint8)
    stills: list[Still] = []
    n, told_s = 0, time.monotonic()
    with contextlib.closing(frames):  # type: ignore[type-var]  # generators have close(), iterators by type do not
        for frame in frames:
            times[n], pixels[n] = frame.time_s, frame.pixels
            n += 1
            if frame.still is not None:
                stills.append(frame.still)
            if n == batch_frames:
                yield FrameBatch(times_s=times, frames=pixels, stills=tuple(stills))
                times, pixels, stills, n = np.empty_like(times), np.empty_like(pixels), [], 0
            elif time.monotonic() - told_s > _SIGN_OF_LIFE_S:
                yield None
            else:
                continue
            told_s = time.monotonic()
    if n:
        yield FrameBatch(times_s=times[:n].copy(), frames=pixels[:n].copy(), stills=tuple(stills))


# --- PyAV ----


def _batches_apart(
    info: VideoInfo, *, side_px: int, batch_frames: int, report: DecodeReport, stills: StillFormat | None
) -> Iterator[FrameBatch | None]:
    """The batches, decoded in a process that may be lost; the report is complete at the end."""
    began_s = time.monotonic()
    made: Iterator[FrameBatch | DecodeReport] = apart_stream(
        info.path, _batches_and_report, STALL_S, info, side_px=side_px, batch_frames=batch_frames, stills=stills
    )
    with contextlib.closing(made):  # type: ignore[type-var]  # generators have close(), iterators by type do not
        for item in made:
            if isinstance(item, DecodeReport):
                for part in fields(DecodeReport):
                    setattr(report, part.name, getattr(item, part.name))
            elif time.monotonic() - began_s > WALL_S:
                raise refusal(info.path, Reason.TIMEOUT)
            else:
                yield item


def _batches_and_report(
    info: VideoInfo, *, side_px: int, batch_frames: int, stills: StillFormat | None
) -> Iterator[FrameBatch | DecodeReport | None]:
    """What the process apart does: the batches, and at last the report."""
    report = DecodeReport()
    frames = _pyav_frames(info, side_px=side_px, report=report, stills=stills)
    yield from _batches(frames, batch_frames=batch_frames, side_px=side_px)
    yield report


def _pyav_frames(
    info: VideoInfo, *, side_px: int, report: DecodeReport, stills: StillFormat | None
) -> Iterator[TimedFrame]:
    """The sequential pass: shrink with one shared scaler, then turn upright."""
    import av
    from av.video.reformatter import VideoReformatter

    frame_s = float(1 / info.fps)
    clock = FilmClock(info.start_s, frame_s, restarts=info.container in JUMPY_FORMATS, report=report)
    scaler, larger = VideoReformatter(), VideoReformatter()  # each keeps what it needs for its own size
    due = None if stills is None else _Due(stills.every_s, min(stills.every_s, info.duration_s) / 2)
    quarter_turns = (360 - info.rotation_deg) // 90 % 4  # np.rot90 turns the other way round
    size = None
    for frame in _decoded(info, report):
        try:
            small = squashed(scaler, frame, side_px)
        except (av.FFmpegError, OSError, ValueError):  # a damaged header makes pictures that no scaler knows
            report.n_damaged += 1
            continue
        if size not in (None, (frame.width, frame.height)):
            report.warn("the video size changes during the film")
        size = (frame.width, frame.height)
        time_s = round_s(clock.time_s(presentation_s(frame)))
        report.n_frames += 1
        report.n_mended += frame.is_corrupt
        report.duration_s = round_s(time_s + _shown_s(frame, frame_s))
        still = None
        if stills is not None and due is not None and due.is_shown(until_s=report.duration_s):
            picture = np.ascontiguousarray(np.rot90(squashed(larger, frame, stills.side_px), quarter_turns))
            still = Still(due.taken(time_s, until_s=report.duration_s), picture, info.width_px / info.height_px)
        yield TimedFrame(time_s, np.rot90(small, quarter_turns), still)


@dataclass(slots=True)
class _Due:
    """When the next still is due: in the middle of each stretch of `every_s`, if a picture is shown then."""

    every_s: float
    """Length of a stretch."""
    next_s: float
    """Moment that is due."""

    def is_shown(self, *, until_s: float) -> bool:
        """Whether the picture that is shown until then is the one that is due."""
        return until_s > self.next_s

    def taken(self, time_s: float, *, until_s: float) -> float:
        """Time of a still, which is shown from `time_s`; the next one is due after it."""
        moment_s = max(time_s, self.next_s)
        self.next_s = (max(moment_s // self.every_s + 1, until_s // self.every_s) + 0.5) * self.every_s
        return round_s(moment_s)


def _decoded(info: VideoInfo, report: DecodeReport) -> Iterator[Any]:
    """Frames as they are shown; what is damaged is counted and left out."""
    import av

    with open_container(info.path) as container:
        stream = container.streams[info.video_stream]
        limit_threads(stream)
        if stream.codec_context.name == "h264":
            stream.codec_context.options = {**stream.codec_context.options, **_LEFT_OUT}
        packets = container.demux(stream)  # ends with an empty packet that empties the decoder
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                report.warn("the file is truncated")
                yield from stream.codec_context.decode(None)
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                report.n_damaged += 1


def limit_threads(stream: Any) -> None:
    """Let a stream's decoder use all cores, as far as memory allows: each thread holds a picture of its own."""
    stream.thread_type = "AUTO"
    picture_bytes = _BYTES_PER_PIXEL * (stream.codec_context.width or 1) * (stream.codec_context.height or 1)
    if _THREADS_BYTES // picture_bytes < (os.cpu_count() or 1):
        stream.codec_context.thread_count = max(1, _THREADS_BYTES // picture_bytes)


def _shown_s(frame: Any, frame_s: float) -> float:
    """How long a frame is shown, in seconds."""
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    return frame_s


# --- the thread ----


@dataclass(frozen=True, slots=True)
class _Failure:
    """An exception on its way from the thread to the consumer."""

    error: BaseException


class _End:
    """Stands behind the last batch."""


def _in_background(
    batches: Iterator[FrameBatch | None], *, info: VideoInfo, stall_s: float = 2 * STALL_S
) -> Iterator[FrameBatch]:
    """The same batches, made in a thread while the consumer works; leaving early ends the thread.

    A None is a sign of life. A process apart has a shorter patience of its own; this one is for decord.

    Raises
    ------
    InputError
        Nothing came for `stall_s` seconds; the thread is left to itself then, since nothing can stop it.
    """
    ready: queue.Queue[FrameBatch | _Failure | _End | None] = queue.Queue(maxsize=_QUEUE_BATCHES)
    unwanted = threading.Event()

    def hand_over(item: FrameBatch | _Failure | _End | None) -> bool:
        while not unwanted.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        try:
            for batch in batches:
                if not hand_over(batch):
                    break
            else:
                hand_over(_End())
        except BaseException as error:
            hand_over(_Failure(error))
        finally:
            batches.close()  # type: ignore[attr-defined]  # it is a generator: closes the container

    thread = threading.Thread(target=work, name="decode", daemon=True)
    thread.start()
    patience_s = _LEAVING_S
    try:
        while not isinstance(item := ready.get(timeout=stall_s), _End):
            if isinstance(item, _Failure):
                raise item.error
            if item is not None:
                yield item
    except queue.Empty:
        patience_s = 0.0
        raise refusal(info.path, Reason.TIMEOUT, detail=f"no video frame decoded for {stall_s:g} s") from None
    finally:
        unwanted.set()
        thread.join(patience_s)
