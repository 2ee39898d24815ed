"""Analysis of one file: one decode feeds the loudness meter, the musical analysis and the network.

Goes in: a path, and a `MusicReader` that holds the networks. Comes out: `Heard`, or `Observed` for a track that only
lacks the evidence of some channels. Sound is decoded once, block by
block, in stereo at its own rate (44.1 kHz, or 48 kHz for all others); mono at 24 kHz goes to the musical analysis and
at the network's rate to the network. The first ten minutes are heard whole; of what follows it, only windows of
ten seconds, at most 120 of them, evenly spread, and where they lie far apart, what is between them is not decoded. So
memory is bounded whatever the length: a file of ten hours takes no more than one of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from soundtrack.audio.downsample import Downsampler
from soundtrack.audio.levels.loudness import LoudnessMeter
from soundtrack.audio.mono import mono_of
from soundtrack.errors import InputError, Reason
from soundtrack.library.heard import SILENT_LUFS, Heard, Observed, Warned
from soundtrack.library.store.evidence import kept
from soundtrack.library.tags import read_header
from soundtrack.library.update.derive import Projection, derive, segments_of
from soundtrack.media.reading.audio import SoundReport, iter_audio
from soundtrack.media.reading.probe import probe_audio
from soundtrack.media.reading.sound import iter_stereo
from soundtrack.timebase import round_s
from soundtrack.types import AudioInfo, BoolArray, Ending, Evidence, FloatArray, Span, TrackChannel

DECODE_RATES_HZ = (44_100, 48_000)
"""Rates of the one decode: the first for files at a simple fraction or multiple of it, the second for all others."""

ANALYSIS_RATE_HZ = 24_000
"""Rate at which beats, bars and key are looked for."""

SEGMENT_S = 10.0
"""Length of a segment, about."""

MIN_LENGTH_S = 1.0
"""Shorter sounds are no music."""

WHOLE_S = 600.0
"""So much of a file is heard whole."""

MAX_WINDOWS = 120
"""Number of windows analysed of the rest."""

JUMP_SPACING = 4
"""From this number of blocks between windows, seeking costs less than decoding; each jump starts ffmpeg again."""

VOICED_SHARE = 0.3
"""Share with a voice from which on a track is asked whether there is music as well."""
LITTLE_MUSIC = 0.2
"""Share of music under which voices are speech: 0 in talk, 0.8 and more in sung and rapped music."""

FAR_OFF_ZERO = 0.05
"""Mean of the samples, in [-1, 1], above which something was wrong with the recording."""


class MusicReader(Protocol):
    """The networks' side of listening."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the sound that the channels want, under 44.1 kHz."""

    @property
    def channels(self) -> Sequence[TrackChannel]:
        """Those that listen; at least the ones that `projection` reads."""

    @property
    def projection(self) -> Projection:
        """From their evidence to readings."""

    def voices(self, samples: FloatArray) -> BoolArray | None:
        """Which equal parts of mono sound, shape (n,), hold a voice; empty where none does, None if unknown."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A continuous span of analysed sound."""

    start_s: float
    """Where in the track."""
    meter_s: float
    """Where on the loudness meter's clock, which knows no gaps."""
    duration_s: float
    """Length in seconds."""
    network: FloatArray
    """Mono at the network's rate, shape (n,)."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """A file as it came from the decoder."""

    duration_s: float
    """Length in seconds, what was passed over included."""
    stretches: tuple[_Stretch, ...]
    """The whole first part, then windows."""
    analysis: FloatArray
    """The first part in mono at `ANALYSIS_RATE_HZ`, shape (1, n)."""
    meter: LoudnessMeter
    """Has heard all stretches."""


class _Ears:
    """Mono at lower rates, gathered block by block; at most `longest_s` of it."""

    def __init__(self, decode_hz: int, *rates_hz: int, longest_s: float) -> None:
        self._down = Downsampler(decode_hz, *rates_hz)
        self._heard = [
            np.empty(int(longest_s * rate), np.float32) for rate in rates_hz
        ]  # pages come as they are filled
        self._n = [0] * len(rates_hz)

    def push(self, mono: FloatArray) -> None:
        """Hear the next block, shape (n,)."""
        self._keep(self._down.push(mono))

    def finish(self) -> list[FloatArray]:
        """Everything heard at each rate, shape (n,)."""
        self._keep(self._down.finish())
        return [heard[:n] for heard, n in zip(self._heard, self._n, strict=True)]

    def _keep(self, pieces: Sequence[FloatArray]) -> None:
        for i, piece in enumerate(pieces):
            self._heard[i][self._n[i] : self._n[i] + len(piece)] = piece
            self._n[i] += len(piece)


def _decode_rate_hz(file_rate_hz: int) -> int:
    """Rate of the decode that needs the least conversion."""
    cd_hz, other_hz = DECODE_RATES_HZ
    return cd_hz if file_rate_hz % (cd_hz // 4) == 0 else other_hz


def _spacing(expected_s: float) -> int:
    """Every how many blocks of ten seconds one is heard, behind the first part."""
    return max(1, math.ceil((expected_s - WHOLE_S) / SEGMENT_S / MAX_WINDOWS))


def _numbered(
    path: Path, *, decode_hz: int, expected_s: float, report: SoundReport
) -> Iterator[tuple[int, FloatArray]]:
    """Ten seconds of stereo each, shape (2, n), with their numbers; of a very long file those that are to be heard."""

    def window(i: int, *, n_blocks: int, told: SoundReport) -> FloatArray:
        return _gathered(
            iter_audio(
                path,
                sample_rate_hz=decode_hz,
                channels=2,
                jump_s=i * SEGMENT_S,
                duration_s=n_blocks * SEGMENT_S,
                report=told,
            )
        )

    stereo = iter_stereo(path, sample_rate_hz=decode_hz, block_s=SEGMENT_S, report=report)
    spacing, n_first = _spacing(expected_s), int(WHOLE_S / SEGMENT_S)
    if spacing >= JUMP_SPACING:
        last = math.ceil((expected_s - MIN_LENGTH_S) / SEGMENT_S) - 1
        tail = window(last, n_blocks=2, told=SoundReport())
        if 0 < tail.shape[1] < 2 * SEGMENT_S * decode_hz:  # it ends where it says
            yield from enumerate(islice(stereo, n_first))
            stereo.close()
            for i in range(n_first, last, spacing):
                there = window(i, n_blocks=1, told=report)
                report.is_damaged |= there.shape[1] == 0
                yield i, there
            yield last, tail
            return
    yield from enumerate(stereo)


def _gathered(blocks: Iterable[FloatArray]) -> FloatArray:
    """Blocks as one, shape (2, n); empty where there is nothing to hear."""
    try:
        return np.concatenate(list(blocks), axis=1)
    except InputError:
        return np.empty((2, 0), np.float32)


def _take_in(
    blocks: Iterable[tuple[int, FloatArray]], *, decode_hz: int, rate_hz: int, mono_gain: float, expected_s: float
) -> _Sound:
    """Hear numbered blocks of ten seconds of stereo, shape (2, n), in order; `expected_s` may be wrong."""
    meter = LoudnessMeter(sample_rate_hz=decode_hz)
    ears = _Ears(decode_hz, rate_hz, ANALYSIS_RATE_HZ, longest_s=WHOLE_S + SEGMENT_S)
    n_first = int(WHOLE_S / SEGMENT_S)
    spacing = _spacing(expected_s)
    n_samples = n_whole = n_metered = 0
    windows: list[tuple[int, _Stretch]] = []
    for i, block in blocks:
        place = i - n_first
        if block.size and (place < 0 or place % spacing == 0):
            mono = mono_of(block, mono_gain)
            if place < 0:
                ears.push(mono)
                n_whole += len(mono)
            else:
                window = _Ears(decode_hz, rate_hz, longest_s=2 * SEGMENT_S)
                window.push(mono)
                meter_s = n_metered / decode_hz
                stretch = _Stretch(i * SEGMENT_S, meter_s, len(mono) / decode_hz, window.finish()[0].copy())
                windows.append((place, stretch))
                if len(windows) > MAX_WINDOWS:
                    spacing *= 2
                    windows = [(kept, stretch) for kept, stretch in windows if kept % spacing == 0]
            meter.push(block)
            n_metered += len(mono)
        n_samples = i * int(SEGMENT_S * decode_hz) + block.shape[1]
    network, analysis = ears.finish()
    first = _Stretch(0.0, 0.0, n_whole / decode_hz, network)
    return _Sound(n_samples / decode_hz, (first, *(stretch for _, stretch in windows)), analysis[None], meter)


# --- segments ----


def segment_spans(duration_s: float) -> tuple[Span, ...]:
    """Equal stretches of about ten seconds that tile a length.

    Parameters
    ----------
    duration_s : float > 0
        Length in seconds.

    Examples
    --------
    >>> [span.end_s for span in segment_spans(31.0)]
    [10.333333, 20.666667, 31.0]
    """
    n = max(1, round(duration_s / SEGMENT_S))
    bounds = [round_s(duration_s * i / n) for i in range(n + 1)]
    return tuple(Span(start, end) for start, end in pairwise(bounds))


def _observe(sound: _Sound, channels: Sequence[TrackChannel]) -> tuple[Evidence, ...]:
    """What some channels find in the segments, as an index keeps it."""
    spans = [segment_spans(stretch.duration_s) for stretch in sound.stretches]
    placed = tuple(
        Span(round_s(stretch.start_s + span.start_s), round_s(stretch.start_s + span.end_s))
        for stretch, its_spans in zip(sound.stretches, spans, strict=True)
        for span in its_spans
    )
    features: list[list[FloatArray]] = [[] for _ in channels]
    for stretch, its_spans in zip(sound.stretches, spans, strict=True):
        for i, channel in enumerate(channels):  # each stretch goes through all: they may share their work on it
            features[i].append(channel.read(stretch.network, its_spans).features)
    return tuple(
        kept(Evidence(channel.channel, placed, np.concatenate(rows).astype(np.float32)))
        for channel, rows in zip(channels, features, strict=True)
    )


def _loudness(sound: _Sound) -> list[float]:
    """Loudness of each segment in LUFS."""
    return [
        sound.meter.loudness_inside([Span(stretch.meter_s + span.start_s, stretch.meter_s + span.end_s)]) or -70.0
        for stretch in sound.stretches
        for span in segment_spans(stretch.duration_s)
    ]


# --- the whole ----


def listen(path: Path, channels: tuple[str, ...] = (), /, *, reader: MusicReader) -> Heard | Observed:
    """Analyse one file; for some channels alone, where they are named.

    Parameters
    ----------
    path : Path
        Any file with sound that ffmpeg decodes.
    channels : tuple of str
        Names of those that a known track lacks; none for everything about a track.
    reader : MusicReader
        Holds the networks.

    Raises
    ------
    InputError
        The file cannot be used; `reason` says why.
    """
    info = probe_audio(path, counted=False)
    report = SoundReport()
    sound = _hear(path, info, reader.sample_rate_hz, report)
    if channels:
        return Observed(_observe(sound, [channel for channel in reader.channels if channel.channel.name in channels]))
    return _describe(path, info, sound, report, reader)


def _hear(path: Path, info: AudioInfo, rate_hz: int, report: SoundReport) -> _Sound:
    """Decode a file, and refuse what is too short."""
    decode_hz = _decode_rate_hz(info.sample_rate_hz)
    mono_gain = math.sqrt(2.0) if info.channels == 1 else 1.0  # mono came as two channels of equal power
    try:
        sound = _take_in(
            _numbered(path, decode_hz=decode_hz, expected_s=info.duration_s, report=report),
            decode_hz=decode_hz,
            rate_hz=rate_hz,
            mono_gain=mono_gain,
            expected_s=info.duration_s,
        )
    except InputError as error:
        if error.reason is Reason.NO_AUDIO and 0 < info.duration_s < MIN_LENGTH_S:
            raise _too_short(path, info.duration_s) from error
        raise
    if sound.duration_s < MIN_LENGTH_S:
        raise _too_short(path, sound.duration_s)
    return sound


def _describe(path: Path, info: AudioInfo, sound: _Sound, report: SoundReport, reader: MusicReader) -> Heard:
    """Everything about a track."""
    from soundtrack.audio.music.analyse import analyse_music

    said = read_header(path)
    voices = reader.voices(sound.stretches[0].network)
    vocal_share = None if voices is None else float(voices.mean()) if len(voices) else 0.0
    spoken = _is_speech(sound.stretches[0].network, vocal_share)
    evidence = _observe(sound, reader.channels)
    loudness, levels = sound.meter.result(), _loudness(sound)
    blocks = {found.channel.name: found.features for found in evidence}
    derived = derive(reader.projection.read(blocks, (len(levels),)), levels)
    heard = analyse_music(sound.analysis, sample_rate_hz=ANALYSIS_RATE_HZ, vocal_share=vocal_share)
    analysis = heard.analysis
    if len(sound.stretches) > 1:  # how it ends was not heard
        analysis = replace(analysis, music_end_s=round_s(sound.duration_s), ending=Ending.CUT)
    return Heard(
        tags=said.tags,
        audio=replace(info, duration_s=round_s(sound.duration_s)),
        loudness=loudness,
        analysis=analysis,
        bars=heard.bars,
        emotion=derived.whole.states()[0],
        segments=segments_of(derived, evidence[0].spans, levels, _vocal_shares(voices, sound)),
        vectors=derived.vectors,
        vector=derived.vector,
        evidence=evidence,
        warnings=(
            *_warnings(sound, said.duration_s or info.duration_s, loudness.integrated_lufs, report),
            *((Warned.SPEECH,) if spoken else ()),
        ),
    )


def _vocal_shares(voices: BoolArray | None, sound: _Sound) -> list[float | None]:
    """Share of each segment with singing or speech, in [0, 1]; None after the part that is analysed completely."""
    whole, *windows = [segment_spans(stretch.duration_s) for stretch in sound.stretches]
    after: list[float | None] = [None] * sum(map(len, windows))
    if voices is None:
        return [None] * len(whole) + after
    edges = [round(span.end_s / whole[-1].end_s * len(voices)) for span in whole]
    parts = np.split(voices, edges[:-1])
    return [round(float(part.mean()), 4) if len(part) else 0.0 for part in parts] + after


def _is_speech(samples: FloatArray, vocal_share: float | None) -> bool:
    """Whether voices and hardly any music are heard; voices are known at the rate of the music detector only."""
    from soundtrack.audio.voices.music_detection import music_share

    return vocal_share is not None and vocal_share >= VOICED_SHARE and music_share(samples) < LITTLE_MUSIC


def _too_short(path: Path, duration_s: float) -> InputError:
    return InputError(
        f"{path}: too short: {duration_s:.2f} s of sound",
        hint=f"use music of at least {MIN_LENGTH_S:g} s",
        reason=Reason.TOO_SHORT,
    )


def _warnings(sound: _Sound, claimed_s: float, integrated_lufs: float, report: SoundReport) -> Iterable[Warned]:
    """What is odd about a file."""
    if report.is_damaged:
        yield Warned.DAMAGED
    if report.has_giant_cover:
        yield Warned.COVER_SKIPPED
    if sound.analysis.size and abs(float(sound.analysis.mean(dtype=np.float64))) > FAR_OFF_ZERO:
        yield Warned.OFFSET
    if sound.duration_s < 0.9 * claimed_s - 0.5:
        yield Warned.TRUNCATED
    if integrated_lufs <= SILENT_LUFS:
        yield Warned.SILENT
    if len(sound.stretches) > 1:
        yield Warned.LONG
