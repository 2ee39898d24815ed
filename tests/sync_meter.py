"""Flashes and clicks: made into films, and measured in them by PyAV alone.

A film made from `picture` and `sound` shows one white frame and plays one chirp every `PERIOD_S`. The meter decodes
both streams, puts every picture and every block of samples where its own time stamp says, and pairs each flash with the
nearest chirp. Nothing of the product takes part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from soundtrack.types import FloatArray

FIRST_S, PERIOD_S, CHIRP_S = 0.4, 0.6, 0.03
_RATE = 48_000
_LEAP_S = 5.0
_SHARE_OF_LOUDEST = 0.35


def picture(seconds: float, *, rate: str = "25") -> str:
    """A moving picture of 160x120 with a white frame every `PERIOD_S`."""
    white = f"lt(mod(t-{FIRST_S}+0.0001,{PERIOD_S}),0.99/({rate}))*gte(t,{FIRST_S}-0.001)"
    return f"testsrc2=s=160x120:r={rate}:d={seconds},drawbox=c=white:t=fill:enable='{white}'"


def sound(seconds: float, *, rate: int = 48_000, channels: int = 2) -> str:
    """Silence with a rising chirp wherever the picture is white, the same in every channel."""
    t = f"mod(t-{FIRST_S},{PERIOD_S})"
    one = f"0.6*sin(2*PI*(1500+30000*{t})*{t})*lt({t},{CHIRP_S})*gte(t,{FIRST_S})"
    return f"aevalsrc=exprs='{'|'.join([one] * channels)}':s={rate}:d={seconds}"


@dataclass(frozen=True)
class Sync:
    """What a film shows and plays, on the container's clock."""

    flashes_s: tuple[float, ...]
    """When a white frame is shown."""
    chirps_s: tuple[float, ...]
    """When a chirp begins."""

    def late_ms(self) -> list[tuple[float, float]]:
        """For every flash with a chirp near it: its time from the first flash, and how late the chirp is in ms."""
        pairs = []
        for flash_s in self.flashes_s:
            chirp_s = min(self.chirps_s, key=lambda at: abs(at - flash_s), default=np.inf)
            if abs(chirp_s - flash_s) < PERIOD_S / 2:
                pairs.append((flash_s, 1000 * (chirp_s - flash_s)))
        return pairs


def measure(path: Path, *, sound_stream: int = 0) -> Sync:
    """Flashes and chirps of a film; of its sounds the one with this number."""
    return Sync(_flashes(path), _chirps(path, sound_stream))


def _flashes(path: Path) -> tuple[float, ...]:
    """Times of white frames, the first of each run."""
    times: list[float] = []
    light: list[float] = []
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        for packet in film.demux(stream):
            for frame in _decoded(packet):
                stamp = frame.pts if frame.pts is not None else frame.dts
                if stamp is not None:
                    times.append(float(stamp * frame.time_base))
                    light.append(float(frame.to_ndarray(format="gray").mean()))
    white = [n for n, value in enumerate(light) if value > 215]
    return tuple(times[n] for n in white if n - 1 not in white)


def _decoded(packet: av.Packet) -> list[av.VideoFrame] | list[av.AudioFrame]:
    """Frames of a packet; none of a damaged one."""
    try:
        return packet.decode()  # type: ignore[return-value]
    except av.FFmpegError:
        return []


def _chirps(path: Path, number: int) -> tuple[float, ...]:
    """Times at which chirps begin."""
    found: list[float] = []
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return ()
        stream = film.streams.audio[number]
        spread: list[tuple[float, FloatArray]] = []
        for packet in film.demux(stream):
            stamped = [frame for frame in _decoded(packet) if frame.pts is not None]
            spread += [(float(frame.pts * frame.time_base), _mono(frame)) for frame in stamped]
    for start_s, samples in _stretches(spread):
        found += [start_s + at for at in _onsets(samples)]
    return tuple(sorted(found))


def _mono(frame: av.AudioFrame) -> FloatArray:
    """First channel of a frame at 48 kHz, in [-1, 1]."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    scale = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
    one = samples[0].astype(np.float64) / scale
    if samples.dtype == np.uint8:
        one = one * 2 - 1
    n = round(len(one) * _RATE / frame.sample_rate)
    return np.interp(np.arange(n) * frame.sample_rate / _RATE, np.arange(len(one)), one).astype(np.float32)


def _stretches(spread: list[tuple[float, FloatArray]]) -> list[tuple[float, FloatArray]]:
    """Blocks laid on their own times, as one array between two leaps of the clock."""
    groups: list[list[tuple[float, FloatArray]]] = []
    for start_s, samples in spread:
        if not groups or not -0.5 < start_s - groups[-1][-1][0] < _LEAP_S:
            groups.append([])
        groups[-1].append((start_s, samples))
    laid = []
    for group in groups:
        first_s = min(start_s for start_s, _ in group)
        length = max(round((start_s - first_s) * _RATE) + len(samples) for start_s, samples in group)
        whole = np.zeros(length, np.float32)
        for start_s, samples in group:
            at = round((start_s - first_s) * _RATE)
            whole[at : at + len(samples)] = samples
        laid.append((first_s, whole))
    return laid


def _onsets(samples: FloatArray) -> list[float]:
    """Seconds at which chirps begin, by correlation."""
    k = np.arange(round(CHIRP_S * _RATE)) / _RATE
    chirp = np.sin(2 * np.pi * (1500 + 30000 * k) * k)
    if len(samples) < len(chirp):
        return []
    n = 1 << (len(samples) + len(chirp)).bit_length()
    likeness = np.abs(np.fft.irfft(np.fft.rfft(samples, n) * np.conj(np.fft.rfft(chirp, n)), n)[: len(samples)])
    least = max(_SHARE_OF_LOUDEST * likeness.max(), 0.02 * len(chirp))
    found = []
    while likeness[at := int(likeness.argmax())] >= least:
        found.append(at / _RATE)
        likeness[max(0, at - _RATE // 5) : at + _RATE // 5] = 0.0
    return found
