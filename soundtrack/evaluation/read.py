"""Films, stills and sounds through the towers, exactly as in scoring.

Goes in: paths and loaded towers. Comes out: what the networks saw and heard, window by window. Nothing is skipped: a
file that cannot be read ends the evaluation, since a number over half a table would mean something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundtrack.types import ByteArray, Clip, FloatArray, ReadingBatch, Shot, Span, StillFormat

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower

STILLS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Endings of files that are read as stills."""
_CLIPS_AT_ONCE = 32


class NoSpace:
    """Stands in where the space is still to be fitted: towers read as always, their vectors say nothing."""

    dim = 1

    def project(
        self, _side: str, probabilities: FloatArray, _valence: FloatArray, _arousal: FloatArray, _features: FloatArray
    ) -> FloatArray:
        """Ones, shape (n, 1)."""
        return np.ones((len(probabilities), 1), np.float32)

    def project_music(
        self, probabilities: FloatArray, _valence: FloatArray, _arousal: FloatArray, _features: FloatArray
    ) -> FloatArray:
        """Ones, shape (n, 1)."""
        return np.ones((len(probabilities), 1), np.float32)


@dataclass(frozen=True, slots=True)
class Windows:
    """A film in clips, or a still as one clip in which nothing moves."""

    frames: ByteArray = field(repr=False, compare=False)
    """RGB, shape (n, n_frames, side, side, 3)."""
    film: FloatArray = field(repr=False, compare=False)
    """Film numbers, shape (n, N_FILM)."""
    further: Mapping[str, FloatArray] = field(default_factory=dict, repr=False, compare=False)
    """Features of further channels that the tower's head reads, by channel, each of shape (n, dim)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound as its spectrogram, and the stretches it is read in."""

    mel: FloatArray = field(repr=False, compare=False)
    """As the music tower wants it."""
    spans: tuple[Span, ...]
    """Of about the tower's segment length, tiling the sound."""


def stretches(duration_s: float, *, segment_s: float) -> tuple[Span, ...]:
    """Equal stretches of about `segment_s` that tile a sound; at least one.

    Examples
    --------
    >>> len(stretches(30.0, segment_s=10.0))
    3
    """
    n = max(1, round(duration_s / segment_s))
    edges = np.linspace(0.0, duration_s, n + 1)
    return tuple(Span(float(a), float(b)) for a, b in pairwise(edges))


def film_windows(path: Path, tower: VideoTower) -> Windows:
    """A film (or a still, by its ending) as the picture tower wants it."""
    from soundtrack.emotion.picture_head import CUTTING, OBJECTS
    from soundtrack.emotion.picture_head import STILLS as STILLS_CHANNEL
    from soundtrack.emotion.seen.derived import cutting_rows, object_rows
    from soundtrack.emotion.seen.stills import rows_of_clips, rows_of_still, stills_for
    from soundtrack.video.visual_features import clip_numbers

    config = tower.config
    stills = stills_for(block.channel for block in config.head.blocks)
    further: dict[str, FloatArray] = {}
    shots: Sequence[Shot] = ()
    if path.suffix.lower() in STILLS:
        from soundtrack.training.picture.data import read_still, resize

        picture = read_still(path)
        still = resize(picture, config.side_px)
        if stills is not None:
            further = rows_of_still(resize(picture, stills.side_px))
        frames = np.repeat(still[None, None], config.n_frames, axis=1)  # (1, n_frames, side, side, 3)
        spans = [Span(0.0, config.stride_s)]
    else:
        clips, shots = _clips(path, tower, stills)
        frames = np.stack([clip.frames for clip in clips])
        spans = [clip.span for clip in clips]
        if stills is not None:
            further = rows_of_clips(clips, stills)
    wanted = {block.channel for block in config.head.blocks}
    if OBJECTS in wanted and STILLS_CHANNEL in further:
        further[OBJECTS] = object_rows(further[STILLS_CHANNEL])
    if CUTTING in wanted:
        further[CUTTING] = cutting_rows(shots, spans)
    film = np.stack([clip_numbers(clip) for clip in frames]).astype(np.float32)
    return Windows(frames=frames, film=film, further=further)


def _clips(path: Path, tower: VideoTower, stills: StillFormat | None) -> tuple[list[Clip], list[Shot]]:
    """The clips of a film, cut as the analysis cuts them, with the stills that it takes; and its shots."""
    from soundtrack.media.reading.probe import probe
    from soundtrack.video.clips import ClipSampler
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.frames import DecodeReport
    from soundtrack.video.shots import ShotDetector

    config, detector = tower.config, ShotDetector()
    sampler = ClipSampler(
        n_frames=config.n_frames, frame_rate_hz=config.frame_rate_hz, stride_s=config.stride_s, side_px=config.side_px
    )
    report = DecodeReport()
    clips: list[Clip] = []
    for batch in iter_frames(probe(path), side_px=config.side_px, report=report, stills=stills):
        detector.push(batch)
        clips.extend(sampler.push(batch))
    clips.extend(sampler.finish(report.duration_s))
    return clips, detector.finish(report.duration_s)


def picture_features(windows: Windows, tower: VideoTower) -> FloatArray:
    """Pooled vectors of the picture network, shape (n, n_features)."""
    parts = [
        tower.features(windows.frames[i : i + _CLIPS_AT_ONCE]) for i in range(0, len(windows.frames), _CLIPS_AT_ONCE)
    ]
    return np.concatenate(parts)


def picture_evidence(windows: Windows, tower: VideoTower) -> dict[str, FloatArray]:
    """What the picture's channels say about each window, by channel, as its head reads them."""
    from soundtrack.emotion.picture_head import picture_blocks

    return picture_blocks(picture_features(windows, tower), windows.film, windows.further)


def picture_readings(windows: Windows, tower: VideoTower) -> ReadingBatch:
    """What the picture tower says about each window."""
    return tower.reader.read(picture_evidence(windows, tower))


def sound(path: Path, tower: MusicTower) -> Sound:
    """The sound of a film or of a piece of music as the music tower wants it."""
    from soundtrack.audio.mel import log_mel
    from soundtrack.media.reading.audio import read_audio
    from soundtrack.media.reading.probe import probe_audio

    mel = tower.config.mel
    probe_audio(path, counted=False)  # a copy-protected file would be decoded to noise
    samples = read_audio(path, sample_rate_hz=mel.sample_rate_hz, channels=1)
    if samples.shape[1] == 0:
        samples = np.zeros((1, mel.hop_length), np.float32)
    duration_s = samples.shape[1] / mel.sample_rate_hz
    return Sound(mel=log_mel(samples, mel), spans=stretches(duration_s, segment_s=tower.config.segment_s))


def joined(parts: Sequence[ReadingBatch]) -> ReadingBatch:
    """Several batches as one, in order."""
    return ReadingBatch(
        probabilities=np.concatenate([p.probabilities for p in parts]),
        valence=np.concatenate([p.valence for p in parts]),
        arousal=np.concatenate([p.arousal for p in parts]),
        confidence=np.concatenate([p.confidence for p in parts]),
        embedding=np.concatenate([p.embedding for p in parts]),
    )


def unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Vectors of length 1 in the same directions, shape (..., D)."""
    wide = np.asarray(vectors, np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-9))


def unit_mean(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Direction of the mean of some unit vectors, shape (D,)."""
    return unit(np.asarray(vectors, np.float64).mean(axis=0))
