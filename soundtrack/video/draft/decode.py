"""Key frames of a film, and time and size of every packet, without decoding anything else.

Goes in: a `VideoInfo`. Comes out: batches of the key frames, scaled and upright like those of a full decode, and last
the table of packets. The container is read from the first packet to the last; only packets that it marks as key frames
reach the decoder, so that the result does not depend on whether the decoder knows how to skip. All of it happens in a
sandboxed process.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.errors import InputError, Reason
from soundtrack.media.opening import open_container, refusal
from soundtrack.media.reading.probe import MAX_JUMP_S, presentation_s
from soundtrack.media.sandbox import apart_stream
from soundtrack.timebase import round_s
from soundtrack.types import ByteArray, FrameBatch, Still, StillFormat, TimeArray, VideoInfo
from soundtrack.video.decode import JUMPY_FORMATS, STALL_S, WALL_S, limit_threads
from soundtrack.video.frames import squashed

_BATCH_FRAMES = 8
_LEAST_GAP_S = 0.25
"""Key frames that come faster are passed over: in some codecs every frame is one."""
_SIGN_OF_LIFE_S = 2.0
_MAX_BACK_S = 1.0
_LEFT_OUT = {"skip_loop_filter": "all"}
"""In h264, the loop filter: no frame that is decoded refers to another, so that no error spreads."""
_LEAST_UNFILTERED_PX = 720
"""Short side from which it is left out: its blocks are then smaller than what becomes one pixel of a clip."""


@dataclass(frozen=True, slots=True)
class PacketTable:
    """What the container says of each packet of the picture, in the order of showing."""

    times_s: TimeArray = field(repr=False, compare=False)
    """When the frame is first shown, in seconds on the film's clock, ascending, shape (n,)."""
    sizes: npt.NDArray[np.int64] = field(repr=False, compare=False)
    """Bytes, shape (n,)."""
    are_key: npt.NDArray[np.bool_] = field(repr=False, compare=False)
    """Whether each is a key frame, shape (n,)."""
    duration_s: float
    """End of the last frame, in seconds."""
    n_damaged: int = 0
    """Key frames that could not be decoded."""
    warnings: tuple[str, ...] = ()
    """What was odd, one line each."""


def iter_key_frames(info: VideoInfo, *, side_px: int, stills: StillFormat) -> Iterator[FrameBatch | PacketTable]:
    """Key frames in order, and at last the packets.

    Parameters
    ----------
    info : VideoInfo
        As `probe` gave it.
    side_px : int > 0
        Side of the square frames, in pixels.
    stills : StillFormat
        The first key frame of every `every_s` seconds is given larger as well.

    Yields
    ------
    FrameBatch or PacketTable
        Batches of key frames with ascending times; the table comes once, last.

    Raises
    ------
    InputError
        Not a single key frame could be decoded.
    """
    if side_px <= 0:
        raise ValueError(f"side must be above 0, got {side_px}")
    began_s, n_frames = time.monotonic(), 0
    made: Iterator[FrameBatch | PacketTable] = apart_stream(
        info.path, _key_frames_and_table, STALL_S, info, side_px=side_px, stills=stills
    )
    with contextlib.closing(made):  # type: ignore[type-var]  # generators have close(), iterators by type do not
        for item in made:
            if time.monotonic() - began_s > WALL_S:
                raise refusal(info.path, Reason.TIMEOUT)
            n_frames += len(item.times_s) if isinstance(item, FrameBatch) else 0
            if isinstance(item, PacketTable) and n_frames == 0:
                raise InputError(
                    f"{info.path}: no key frame can be decoded", hint="omit --draft", reason=Reason.CORRUPT
                )
            yield item


# --- in the process apart ----


@dataclass(slots=True)
class _PacketClock:
    """Seconds on the film's clock from the stamps of packets, which come in the order of decoding.

    Leaps are looked for in the decoding stamps, which ascend; the picture is shown later by the difference of the two.
    """

    start_s: float
    frame_s: float
    restarts: bool
    has_leapt: bool = False
    _last_s: float | None = None
    _removed_s: float = 0.0

    def time_s(self, packet: Any) -> float:
        base = packet.time_base
        shown = packet.pts if packet.pts is not None else packet.dts
        decoded = packet.dts if packet.dts is not None else packet.pts
        if shown is None or base is None:
            self._last_s = 0.0 if self._last_s is None else self._last_s + self.frame_s
            return self._last_s
        decoded_s, shown_s = float(decoded * base) - self.start_s, float(shown * base) - self.start_s
        if self._last_s is not None:
            step_s = decoded_s - self._removed_s - self._last_s
            if step_s < -_MAX_BACK_S or (self.restarts and step_s > MAX_JUMP_S + self.frame_s):
                self._removed_s += step_s - self.frame_s
                self.has_leapt = True
        self._last_s = decoded_s - self._removed_s
        return shown_s - self._removed_s


class _Collector:
    """Packets and key frames of one film as they come."""

    def __init__(self, info: VideoInfo, *, side_px: int, stills: StillFormat) -> None:
        from av.video.reformatter import VideoReformatter

        self._info, self._side_px, self._stills = info, side_px, stills
        self._scaler, self._larger = VideoReformatter(), VideoReformatter()  # each keeps what it needs for its own size
        self._frame_s = float(1 / info.fps)
        self._clock = _PacketClock(info.start_s, self._frame_s, restarts=info.container in JUMPY_FORMATS)
        self._times_s, self._sizes, self._are_key = array("d"), array("q"), array("b")
        self._due: dict[int, float] = {}
        self._batch: list[tuple[float, ByteArray]] = []
        self._taken: list[Still] = []
        self._last_key_s, self._shown_s, self._next_still_s, self._end_s = -np.inf, -np.inf, 0.0, 0.0
        self.n_damaged = 0
        self.warnings: list[str] = []

    def note(self, packet: Any) -> bool:
        """Note a packet of the picture; returns whether it is a key frame to look at."""
        time_s = self._clock.time_s(packet)
        self._times_s.append(time_s)
        self._sizes.append(packet.size)
        self._are_key.append(packet.is_keyframe)
        has_length = bool(packet.duration and packet.time_base)
        self._end_s = max(
            self._end_s, time_s + float(packet.duration * packet.time_base if has_length else self._frame_s)
        )
        if not packet.is_keyframe or time_s < self._last_key_s + _LEAST_GAP_S:
            return False
        self._last_key_s = time_s
        if packet.pts is not None:
            self._due[packet.pts] = time_s
        return True

    def look(self, frames: Iterable[Any]) -> None:
        """Scale decoded key frames and keep them for the next batch."""
        import av

        for frame in frames:
            stamp_s = presentation_s(frame)
            time_s = round_s(
                max(0.0, self._due.pop(frame.pts, 0.0 if stamp_s is None else stamp_s - self._info.start_s))
            )
            if time_s <= self._shown_s:
                continue
            try:
                picture = self._upright(self._scaler, frame, self._side_px)
                if time_s >= self._next_still_s:
                    whole = self._upright(self._larger, frame, self._stills.side_px)
                    self._taken.append(Still(time_s, whole, self._info.width_px / self._info.height_px))
                    self._next_still_s = (time_s // self._stills.every_s + 1) * self._stills.every_s
            except (av.FFmpegError, OSError, ValueError):  # a damaged header makes pictures that no scaler knows
                self.n_damaged += 1
                continue
            self._shown_s = time_s
            self._batch.append((time_s, picture))

    def batch(self, *, least: int) -> FrameBatch | None:
        """The key frames since the last batch; None if there are fewer than `least`."""
        if len(self._batch) < least:
            return None
        made = FrameBatch(
            times_s=np.array([time_s for time_s, _ in self._batch], np.float64),
            frames=np.stack([picture for _, picture in self._batch]),
            stills=tuple(self._taken),
        )
        self._batch, self._taken = [], []
        return made

    def table(self) -> PacketTable:
        """All packets in the order of showing."""
        if self._clock.has_leapt:
            self.warnings.append("timestamps of the film jump; the jump was removed")
        times_s = np.array(self._times_s, np.float64)
        order = np.argsort(times_s, kind="stable")
        return PacketTable(
            times_s=times_s[order],
            sizes=np.array(self._sizes, np.int64)[order],
            are_key=np.array(self._are_key, np.bool_)[order],
            duration_s=round_s(self._end_s),
            n_damaged=self.n_damaged,
            warnings=tuple(self.warnings),
        )

    def _upright(self, scaler: Any, frame: Any, side_px: int) -> ByteArray:
        quarter_turns = (360 - self._info.rotation_deg) // 90 % 4  # np.rot90 turns the other way round
        return np.rot90(squashed(scaler, frame, side_px), quarter_turns).copy()


def _key_frames_and_table(
    info: VideoInfo, *, side_px: int, stills: StillFormat
) -> Iterator[FrameBatch | PacketTable | None]:
    """What the process apart does; a None now and then shows that packets come."""
    import av

    seen = _Collector(info, side_px=side_px, stills=stills)
    told_s = time.monotonic()
    with open_container(info.path) as container:
        stream = container.streams[info.video_stream]
        limit_threads(stream)
        stream.codec_context.skip_frame = "NONKEY"
        if stream.codec_context.name == "h264" and min(info.width_px, info.height_px) >= _LEAST_UNFILTERED_PX:
            stream.codec_context.options = {**stream.codec_context.options, **_LEFT_OUT}
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, OSError):
                seen.warnings.append("the file is truncated")
                break
            if packet.size and not packet.is_discard and seen.note(packet):
                try:
                    seen.look(packet.decode())
                except av.FFmpegError:
                    seen.n_damaged += 1
            if (batch := seen.batch(least=_BATCH_FRAMES)) is not None or time.monotonic() - told_s > _SIGN_OF_LIFE_S:
                yield batch
                told_s = time.monotonic()
        with contextlib.suppress(av.FFmpegError):
            seen.look(stream.codec_context.decode(None))
    yield seen.batch(least=1)
    yield seen.table()
