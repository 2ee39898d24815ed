"""Films and music libraries that never were, for the tests of spotting: small, plain, and made from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from soundtrack.types import (
    EMOTIONS,
    AudioInfo,
    BarTable,
    EmotionState,
    Ending,
    FilmNumbers,
    FilmRef,
    FloatArray,
    Loudness,
    Measure,
    ModelRef,
    MusicAnalysis,
    Opinion,
    Reading,
    Scene,
    SceneSheet,
    Segment,
    Shot,
    Span,
    Tags,
    Track,
)

DIM = 16
MODEL = ModelRef(name="made-up", version="1", sha256="0" * 64, dim=DIM)
PLACES = {
    "Excited": (0.6, 0.7),
    "Fear": (-0.6, 0.5),
    "Neutral": (0.1, 0.0),
    "Relaxation": (0.5, -0.6),
    "Sad": (-0.5, -0.5),
    "Tension": (-0.3, 0.6),
}


def state(name: str, *, sure: float = 0.7) -> EmotionState:
    """A reading that is for one class."""
    rest = (1 - sure) / 5
    valence, arousal = PLACES[name]
    return EmotionState(tuple(sure if e == name else rest for e in EMOTIONS), valence, arousal, sure)


def vector(name: str, rng: np.random.Generator, *, noise: float = 0.3) -> FloatArray:
    """A unit vector near the place of a class."""
    base = np.zeros(DIM)
    base[EMOTIONS.index(name)] = 1.0
    base += noise * rng.standard_normal(DIM) / np.sqrt(DIM)
    return np.asarray(base / np.linalg.norm(base), np.float32)


def track(
    name: str,
    moods: Sequence[str],
    *,
    bpm: float | None = 120.0,
    segment_s: float = 10.0,
    tail_s: float = 0.0,
    ending: Ending = Ending.HARD,
    vocal_share: float | None = 0.0,
    vocal_shares: Sequence[float] | None = None,
    artist: str | None = None,
    title: str | None = None,
    key: str | None = "C major",
    lufs: float = -14.0,
) -> Track:
    """A track of one segment per mood."""
    duration_s = len(moods) * segment_s + tail_s
    beat_s = 60 / bpm if bpm else 0.0
    beats = tuple(round(i * beat_s, 6) for i in range(int(duration_s / beat_s + 1e-9))) if bpm else ()
    segments = tuple(
        Segment(
            i, Span(i * segment_s, (i + 1) * segment_s if i + 1 < len(moods) else duration_s), state(m), lufs, voice
        )
        for i, (m, voice) in enumerate(zip(moods, vocal_shares or [None] * len(moods), strict=True))
    )
    return Track(
        track_id=hashlib.sha256(name.encode()).hexdigest(),
        path=Path(f"music/{name}.flac"),
        tags=Tags(title=title or name, artist=artist),
        audio=AudioInfo("flac", 44_100, 2, duration_s),
        loudness=Loudness(lufs, 6.0, -1.0),
        analysis=MusicAnalysis(
            tempo_bpm=bpm,
            tempo_confidence=0.9 if bpm else 0.0,
            key=key,
            key_confidence=0.8 if key else 0.0,
            beats_s=beats,
            downbeats_s=beats[::4],
            beats_per_bar=4,
            sections_s=tuple(beats[::32]),
            music_start_s=0.0,
            music_end_s=duration_s - tail_s,
            ending=ending,
            vocal_share=vocal_share,
        ),
        emotion=state(moods[0]),
        segments=segments,
    )


@dataclass(frozen=True)
class MadeUpLibrary:
    """A library in memory."""

    all_tracks: tuple[Track, ...]
    embeddings: FloatArray
    model: ModelRef = MODEL
    fingerprint: str = "sha256:" + "1" * 64

    def close(self) -> None:
        """Nothing is open."""

    @property
    def track_ids(self) -> tuple[str, ...]:
        """In order."""
        return tuple(t.track_id for t in self.all_tracks)

    @property
    def rows(self) -> tuple[list[str], list[int]]:
        """Track and segment of each row."""
        pairs = [(t.track_id, s.index) for t in self.all_tracks for s in t.segments]
        return [p[0] for p in pairs], [p[1] for p in pairs]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to let go of."""

    def track(self, track_id: str) -> Track:
        """One of them."""
        return self.tracks()[track_id]

    def tracks(self) -> Mapping[str, Track]:
        """By id."""
        return {t.track_id: t for t in self.all_tracks}

    def playlists(self) -> dict[Path, tuple[str, ...]]:
        """None."""
        return {}

    def former_names(self) -> dict[str, str]:
        """None."""
        return {}

    def bars(self, track_id: str) -> BarTable:
        """Bars of four beats; every eighth sounds alike."""
        return bars_of(next(t for t in self.all_tracks if t.track_id == track_id))


def bars_of(of: Track, *, seed: int = 5) -> BarTable:
    """Bars at the downbeats (or every two seconds), of which bar i and bar i + 8 sound alike."""
    end_s = of.analysis.music_end_s
    starts = of.analysis.downbeats_s or tuple(np.arange(0, end_s, 2.0).tolist())
    lines = np.array([t for t in starts if t < end_s - 0.5] + [end_s])
    kinds = np.random.default_rng(seed).standard_normal((8, 12))
    features = kinds[np.arange(len(lines) - 1) % 8].astype(np.float32)
    return BarTable(bar_starts_s=lines, features=features)


def library(tracks: Sequence[Track], *, seed: int = 3) -> MadeUpLibrary:
    """A library of some tracks."""
    rng = np.random.default_rng(seed)
    rows = [vector(s.emotion.label, rng) for t in tracks for s in t.segments]
    return MadeUpLibrary(tuple(tracks), np.stack(rows))


def small_library() -> MadeUpLibrary:
    """Two tracks of each mood, two minutes long."""
    moods = [m for m in EMOTIONS for _ in range(2)]
    made = [
        track(f"{m.lower()} {i}", [m] * 12, bpm=80 + 7 * i, artist=f"artist {i}", tail_s=0.7)
        for i, m in enumerate(moods)
    ]
    return library(made)


def opinions(name: str) -> tuple[Opinion, ...]:
    """A network that is right, film numbers that are not, and a channel that no head reads."""
    return (
        Opinion("picture-network", 0.75, state(name)),
        Opinion("film-numbers", 0.25, state("Sad")),
        Opinion("colour-heat", 0.0, measures=(Measure("warmth", 0.3),)),
    )


def sheet(
    scenes: Sequence[tuple[str, float]],
    *,
    speech: Sequence[float] | None = None,
    music: Sequence[float] | None = None,
    has_audio: bool = True,
    seed: int = 7,
) -> SceneSheet:
    """A film of scenes of given moods and lengths, each of two shots."""
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0.0], np.cumsum([length for _, length in scenes])])
    shots, made = [], []
    for i, (name, length) in enumerate(scenes):
        start, end = float(starts[i]), float(starts[i + 1])
        middle = round(start + 0.4 * length, 6)
        shots += [Shot(2 * i, Span(start, middle)), Shot(2 * i + 1, Span(middle, end))]
        made.append(
            Scene(
                i, Span(start, end), 2 * i, 2, state(name), FilmNumbers(12.0, 0.4, 0.3, 0.05),
                speech_share=speech[i] if speech else 0.0, music_share=music[i] if music else 0.0,
                opinions=opinions(name),
            )
        )  # fmt: skip
    vectors = np.round(np.stack([vector(name, rng) for name, _ in scenes]).astype(np.float64), 6)
    readings = tuple(Reading(s.span, s.emotion, vectors[s.index].astype(np.float32)) for s in made)
    spoken = tuple(s.span for s in made if s.speech_share > 0.5)
    duration = float(starts[-1])
    return SceneSheet(
        film=FilmRef("film.mp4", duration, Fraction(24000, 1001), 640, 360, has_audio, "sha256:" + "a" * 64),
        model=MODEL,
        shots=tuple(shots),
        scenes=tuple(made),
        readings=readings,
        speech=spoken,
        speech_lufs=-22.0 if spoken else None,
        original_lufs=-24.0 if has_audio else None,
        embeddings=vectors.astype(np.float32),
    )


def with_duration(film: SceneSheet, duration_s: float) -> SceneSheet:
    """The same film, of another length by its header."""
    return replace(film, film=replace(film.film, duration_s=duration_s))
