"""Outputs of YAMNet and optionally musicnn for recordings, as distillation targets.

Goes in: recordings as mono float32 at 16 kHz, YAMNet's TFLite file, and perhaps musicnn's weights. Comes out: for every
excerpt a spectrogram, and for every half second an embedding (1024 numbers of YAMNet, then 753 of musicnn) and 521
sound scores, one ``.npz`` each, so that an interrupted run resumes. Every second excerpt is altered: filtered, set to
another level, mixed with another recording. The teachers are needed for training only; their weights are not copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from soundtrack.audio.mel import MelSettings, log_mel
from soundtrack.errors import DependencyError, InputError, ModelError, Reason
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.progress import Progress
from soundtrack.training.music.musicnn import N_LAYERS, Musicnn
from soundtrack.types import FloatArray

WINDOW = 15_600
"""Samples of a window that the teacher judges."""
HOP = 7_680
"""Samples from one window to the next."""
EXCERPT_S = 20.0
"""Longest excerpt of a recording, in seconds."""
EXCERPT_EVERY_S = 60.0
"""A recording gives an excerpt for each such stretch of it that is begun, and two at least."""
LEAD = 200
"""The teacher's first frame is centred n samples into its window."""
N_EMBEDDING = 1_024
N_SCORES = 521


@dataclass(frozen=True, slots=True)
class Lesson:
    """One recording with the teacher's answers."""

    mel: FloatArray = field(repr=False, compare=False)
    """Log-mel values, time first, shape (frames, n_mels)."""
    first_frame: FloatArray = field(repr=False, compare=False)
    """Frame at which each patch starts, shape (n,), whole numbers."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Shape (n, 1024), or (n, 1777) with musicnn's layers."""
    scores: FloatArray = field(repr=False, compare=False)
    """Shape (n, 521), in [0, 1]."""


class Teacher:
    """YAMNet behind one method; make one per process."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file", hint="give the YAMNet .tflite file with --teacher")
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise DependencyError(
                "--teacher requires the package ai-edge-litert", hint="run `pip install ai-edge-litert`"
            ) from error
        interpreter: Any = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        interpreter.allocate_tensors()
        pooled = [d for d in interpreter.get_tensor_details() if "global_average_pooling" in d["name"]]
        if not pooled:
            raise ModelError(f"{path}: is not YAMNet", hint="give the YAMNet .tflite file with --teacher")
        self._run = interpreter
        self._in = interpreter.get_input_details()[0]["index"]
        self._out = interpreter.get_output_details()[0]["index"]
        self._pooled = pooled[-1]["index"]

    def answer(self, window: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Embedding (1024,) and scores (521,) of a window of 15,600 samples."""
        self._run.set_tensor(self._in, np.ascontiguousarray(window, np.float32))
        self._run.invoke()
        embedding = np.asarray(self._run.get_tensor(self._pooled), np.float32).ravel()
        return embedding, np.asarray(self._run.get_tensor(self._out), np.float32).ravel()


def teach(samples: FloatArray, teacher: Teacher, *, mel: MelSettings, second: Musicnn | None = None) -> Lesson:
    """The lesson of one excerpt.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        Mono sound at 16 kHz.
    teacher : Teacher
        YAMNet.
    mel : MelSettings
        Input of the student; without semitones.
    second : Musicnn, optional
        Whose layers are appended to the embedding.
    """
    bands = log_mel(samples, mel).T
    windows, starts, embeddings, scores = [], [], [], []
    for start in range(0, samples.shape[1] - WINDOW, HOP):
        first = round((start + LEAD) / mel.hop_length)
        if first + 96 > len(bands):
            break
        embedding, score = teacher.answer(samples[0, start : start + WINDOW])
        windows.append(start)
        starts.append(first)
        embeddings.append(embedding)
        scores.append(score)
    n = len(starts)
    embedding = np.array(embeddings, np.float32).reshape(n, N_EMBEDDING)
    if second is not None:
        layers = second.answer(samples[0], windows, WINDOW) if n else np.zeros((0, N_LAYERS), np.float32)
        embedding = np.concatenate([embedding, layers], axis=1)
    return Lesson(
        mel=bands,
        first_frame=np.array(starts, np.float32),
        embedding=embedding,
        scores=np.array(scores, np.float32).reshape(n, N_SCORES),
    )


def excerpts_of(samples: FloatArray, other: FloatArray, *, sample_rate_hz: int, seed: int) -> list[FloatArray]:
    """Excerpts of a recording, every second one altered; the same ones for the same seed, none of an empty one.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        The recording, mono.
    other : ndarray, shape=(1, m), float32
        What altered excerpts may be mixed with.
    sample_rate_hz : int
        Of both.
    seed : int
        Of places and changes.
    """
    rng = np.random.default_rng(seed)
    if not samples.shape[1]:
        return []
    length = min(samples.shape[1], round(EXCERPT_S * sample_rate_hz))
    n = max(2, math.ceil(samples.shape[1] / sample_rate_hz / EXCERPT_EVERY_S))
    out = []
    for number in range(n):
        start = int(rng.integers(0, samples.shape[1] - length + 1))
        excerpt = samples[:, start : start + length]
        out.append(altered(excerpt, other, sample_rate_hz=sample_rate_hz, rng=rng) if number % 2 else excerpt)
    return out


def altered(samples: FloatArray, other: FloatArray, *, sample_rate_hz: int, rng: np.random.Generator) -> FloatArray:
    """An excerpt as another recording of it may sound: perhaps mixed with `other` or filtered, at another level."""
    from scipy.signal import butter, sosfilt

    sound = samples.astype(np.float32, copy=True)
    if other.shape[1] and rng.random() < 0.5:
        start = int(rng.integers(0, other.shape[1]))
        beside = np.resize(np.roll(other[0], -start), sound.shape[1])
        loudness = float(np.sqrt(np.mean(sound**2) / max(float(np.mean(beside**2)), 1e-12)))
        sound += np.float32(loudness * 10 ** (rng.uniform(-15, 0) / 20)) * beside
    if rng.random() < 0.5:
        kind = ("lowpass", "highpass")[int(rng.integers(2))]
        edge = float(rng.uniform(2_500, 6_500) if kind == "lowpass" else rng.uniform(80, 500))
        sound = sosfilt(butter(2, edge, kind, fs=sample_rate_hz, output="sos"), sound, axis=1).astype(np.float32)
    sound *= np.float32(10 ** (rng.uniform(-12, 6) / 20))
    return np.clip(sound, -1, 1)


def write_lessons(
    paths: Sequence[Path],
    folder: Path,
    *,
    teacher: Path,
    mel: MelSettings,
    second: Path | None = None,
    progress: Progress | None = None,
) -> list[list[Path]]:
    """The lesson files of each recording; those that are there already are kept.

    Parameters
    ----------
    paths : sequence of Path
        Recordings.
    folder : Path
        Of the lesson files.
    teacher : Path
        YAMNet's TFLite file.
    mel : MelSettings
        Input of the student; without semitones.
    second : Path, optional
        musicnn's weights.
    progress : callable, optional
        Called with (stage, done, total).
    """
    from soundtrack.media.reading.audio import read_audio

    folder.mkdir(parents=True, exist_ok=True)
    teachers: tuple[Teacher, Musicnn | None] | None = None
    out = []
    before: tuple[int, FloatArray] | None = None

    def sound(number: int) -> FloatArray:
        """A recording, shape (1, n); empty where a film has no sound, which is no mistake in a folder of films."""
        try:
            return read_audio(paths[number], sample_rate_hz=mel.sample_rate_hz, channels=1)
        except InputError as error:
            if error.reason is not Reason.NO_AUDIO:
                raise
            return np.zeros((1, 0), np.float32)

    for number in range(len(paths)):
        done = folder / f"{number:05d}.done"
        if not done.exists():
            teachers = teachers or (Teacher(teacher), Musicnn(second) if second is not None else None)
            if number and (before is None or before[0] != number - 1):  # a run that resumes mixes with the same sound
                before = number - 1, sound(number - 1)
            samples = sound(number)
            other = samples[:, :0] if before is None else before[1]
            excerpts = excerpts_of(samples, other, sample_rate_hz=mel.sample_rate_hz, seed=number)
            for k, excerpt in enumerate(excerpts):
                _write(teach(excerpt, teachers[0], mel=mel, second=teachers[1]), folder / f"{number:05d}-{k}.npz")
            before = number, samples
            with replacing(done, kind=OWN, force=True) as part:
                part.touch()
        out.append(sorted(folder.glob(f"{number:05d}-*.npz")))
        if progress is not None:
            progress("running the teacher", number + 1, len(paths))
    return out


def _write(lesson: Lesson, path: Path) -> None:
    with replacing(path, kind=OWN, force=True) as part, part.open("wb") as file:
        np.savez(
            file,
            mel=lesson.mel.astype(np.float16),
            first_frame=lesson.first_frame.astype(np.int32),
            embedding=lesson.embedding.astype(np.float16),
            scores=lesson.scores.astype(np.float16),
        )
