"""A listener that knows music from a line of text, quick enough to index hundreds of files in a test.

``song 7 3`` is a track of three segments made from seed 7; ``silent 7 3`` the same without sound; ``bad`` cannot be
used; ``crash`` takes its process down; ``hang`` never ends; ``bug`` is our own mistake; ``busy 7 3`` is a track that
takes the processor for `BUSY_S`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from soundtrack.errors import InputError, ModelError, Reason
from soundtrack.library.heard import Heard, Listener, Observed, Warned
from soundtrack.library.store.evidence import kept
from soundtrack.library.tags import read_header
from soundtrack.types import (
    AudioInfo,
    BarTable,
    Channel,
    EmotionState,
    Ending,
    Evidence,
    FloatArray,
    Loudness,
    Medium,
    ModelRef,
    MusicAnalysis,
    ReadingBatch,
    Segment,
    Span,
    Tags,
)

DIM = 8
MODEL = ModelRef(name="fake", version="1", sha256="ab" * 32, dim=DIM)
CHANNELS = (
    Channel("fake-network", "1", Medium.TRACK, 5, "12" * 32),
    Channel("fake-numbers", "1", Medium.TRACK, 3, "34" * 32, names=("low", "middle", "high")),
)
WORDS = Channel("fake-words", "1", Medium.TRACK, 2, "56" * 32)
"""A further channel, which a listener has that was updated."""
LOG = "SOUNDTRACK_TEST_LISTENED"
BUSY_S = 0.05
"""Processor seconds of a busy track."""
BUSY_LOG = "SOUNDTRACK_TEST_BUSY"
"""File that gets a line for each busy track: start and end by the clock, niceness."""


def emotion(rng: np.random.Generator) -> EmotionState:
    """A mood at random."""
    share = rng.dirichlet(np.ones(6)).tolist()
    return EmotionState(tuple(share), float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), max(share))


def song(seed: int, n_segments: int, *, silent: bool = False) -> Heard:
    """A track made from a seed."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_segments + 1, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    length_s = 10.0 * n_segments
    beats = tuple(np.arange(0.25, length_s, 0.5).tolist())
    level = -70.0 if silent else -14.0 - seed % 7
    return Heard(
        tags=Tags(title=f"Song {seed}", artist=None if seed % 3 else "Nobody", licence="CC0"),
        audio=AudioInfo("flac", 44_100, 2, length_s),
        loudness=Loudness(level, 5.0, level + 13.0),
        analysis=MusicAnalysis(
            tempo_bpm=120.0 if seed % 2 else None,
            tempo_confidence=0.5,
            key="A minor",
            key_confidence=0.25,
            beats_s=beats,
            downbeats_s=beats[::4],
            beats_per_bar=4,
            sections_s=(0.25,),
            music_start_s=0.1,
            music_end_s=length_s - 0.1,
            ending=Ending.FADE,
            vocal_share=None,
        ),
        bars=BarTable(np.asarray(beats[::4]), rng.normal(size=(len(beats[::4]) - 1, 5)).astype(np.float32)),
        emotion=emotion(rng),
        segments=tuple(Segment(i, Span(10.0 * i, 10.0 * i + 10.0), emotion(rng), level) for i in range(n_segments)),
        vectors=vectors[1:],
        vector=vectors[0],
        warnings=(Warned.SILENT,) if silent else (),
        evidence=evidence(seed, n_segments),
    )


def evidence(seed: int, n_segments: int, channels: tuple[Channel, ...] = CHANNELS) -> tuple[Evidence, ...]:
    """What some channels find in a track made from a seed."""
    spans = tuple(Span(10.0 * i, 10.0 * i + 10.0) for i in range(n_segments))
    found = []
    for channel in channels:
        rng = np.random.default_rng([seed, len(channel.name)])
        found.append(kept(Evidence(channel, spans, rng.normal(size=(n_segments, channel.dim)).astype(np.float32))))
    return tuple(found)


class Projection:
    """A head and a space that are two random maps."""

    def __init__(self, seed: int = 0, dim: int = DIM, channels: tuple[Channel, ...] = CHANNELS) -> None:
        rng = np.random.default_rng(seed)
        self.channels = channels
        self._map = rng.normal(size=(sum(channel.dim for channel in channels), 8 + dim))

    def read(self, blocks: Mapping[str, FloatArray], _counts: Sequence[int] = ()) -> ReadingBatch:
        """Whatever comes out."""
        rows = np.concatenate([blocks[channel.name] for channel in self.channels], axis=1).astype(np.float64)
        out = np.round((rows[:, :, None] * self._map).sum(axis=1), 6)
        share = np.exp(out[:, :6]) / np.exp(out[:, :6]).sum(axis=1, keepdims=True)
        plane, vectors = np.tanh(out[:, 6:8]).astype(np.float32), out[:, 8:]
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return ReadingBatch(
            share.astype(np.float32), plane[:, 0], plane[:, 1], share.max(axis=1).astype(np.float32), vectors
        )

    def place(self, probabilities: FloatArray, _valence: FloatArray, _arousal: FloatArray) -> FloatArray:
        """The first axis."""
        vectors = np.zeros((len(probabilities), self._map.shape[1] - 8), np.float32)
        vectors[:, 0] = 1.0
        return vectors


def listen(path: Path, channels: tuple[str, ...] = ()) -> Heard | Observed:
    """Read the line of text and do what it says; every call leaves a byte in the log, if there is one.

    A byte is a point for a whole listening, a comma for one by some channels alone.
    """
    if log := os.environ.get(LOG):
        with Path(log).open("ab") as file:
            file.write(b"," if channels else b".")
    word, *numbers = path.read_text().split()
    if channels and word in ("song", "silent", "slow"):
        chosen = tuple(channel for channel in (*CHANNELS, WORDS) if channel.name in channels)
        return Observed(evidence(int(numbers[0]), int(numbers[1]), chosen))
    match word:
        case "song" | "silent":
            return song(int(numbers[0]), int(numbers[1]), silent=word == "silent")
        case "slow":
            time.sleep(0.02)
            return song(int(numbers[0]), int(numbers[1]))
        case "busy":
            began_s, used_s = time.monotonic(), time.process_time()
            while time.process_time() < used_s + BUSY_S:
                pass
            with Path(os.environ[BUSY_LOG]).open("a") as file:
                file.write(f"{began_s} {time.monotonic()} {os.nice(0)}\n")
            return song(int(numbers[0]), int(numbers[1]))
        case "crash":
            os._exit(11)
        case "hang":
            time.sleep(3600)
        case "bug":
            raise ZeroDivisionError("made for the test")
    raise InputError(f"{path}: is no music", hint="give music", reason=Reason.NOT_MEDIA)


def make_listener() -> Listener:
    """What a worker process calls."""
    return listen


def make_for_device(device: str) -> Listener:
    """The same, as a command asks for it."""
    return listen


def make_none() -> Listener:
    """A listener whose networks cannot be had."""
    raise ModelError("model is damaged", hint="fetch it again")


def make_dead() -> Listener:
    """A listener that takes every process down."""
    os._exit(3)


def listen_to_sound(path: Path, channels: tuple[str, ...] = ()) -> Heard | Observed:
    """Hear nothing in a real sound file but its tags; every call leaves a byte in the log, if there is one."""
    if log := os.environ.get(LOG):
        with Path(log).open("ab") as file:
            file.write(b".")
    return replace(song(path.stat().st_size % 1_000, 2), tags=read_header(path).tags)


def make_for_sound() -> Listener:
    """What a worker process calls for real sound files."""
    return listen_to_sound
