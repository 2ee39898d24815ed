"""What YAMNet hears: the answers that the music network learns to give (knowledge distillation).

Goes in: recordings as mono float32 at 16 kHz, and YAMNet's TFLite file. Comes out: per recording a spectrogram, and for
every quarter of a second a 1024-number embedding and 521 sound scores, kept as one ``.npz`` each so that a run that was
broken off goes on where it stopped. The teacher is needed for training only, and its weights go nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from soundtrack.audio.mel import MelSettings, log_mel
from soundtrack.errors import DependencyError, ModelError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.progress import Progress
from soundtrack.types import FloatArray

WINDOW = 15_600
"""Samples of a window that the teacher judges."""
HOP = 3_840
"""Samples from one window to the next."""
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
    """Shape (n, 1024)."""
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


def teach(samples: FloatArray, teacher: Teacher, *, mel: MelSettings) -> Lesson:
    """The lesson of one recording.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        Mono sound at 16 kHz.
    teacher : Teacher
        Who answers.
    mel : MelSettings
        How the student looks; without semitones.
    """
    bands = log_mel(samples, mel).T
    starts, embeddings, scores = [], [], []
    for start in range(0, samples.shape[1] - WINDOW, HOP):
        first = round((start + LEAD) / mel.hop_length)
        if first + 96 > len(bands):
            break
        embedding, score = teacher.answer(samples[0, start : start + WINDOW])
        starts.append(first)
        embeddings.append(embedding)
        scores.append(score)
    n = len(starts)
    return Lesson(
        mel=bands,
        first_frame=np.array(starts, np.float32),
        embedding=np.array(embeddings, np.float32).reshape(n, N_EMBEDDING),
        scores=np.array(scores, np.float32).reshape(n, N_SCORES),
    )


def write_lessons(
    paths: Sequence[Path], folder: Path, *, teacher: Path, mel: MelSettings, progress: Progress | None = None
) -> list[Path]:
    """A lesson file per recording; those that are there already are kept."""
    from soundtrack.media.reading.audio import read_audio

    folder.mkdir(parents=True, exist_ok=True)
    wise: Teacher | None = None
    out = []
    for number, path in enumerate(paths):
        target = folder / f"{number:05d}.npz"
        if not target.exists():
            wise = wise or Teacher(teacher)
            lesson = teach(read_audio(path, sample_rate_hz=mel.sample_rate_hz, channels=1), wise, mel=mel)
            with replacing(target, kind=OWN, force=True) as part, part.open("wb") as file:
                np.savez(
                    file,
                    mel=lesson.mel.astype(np.float16),
                    first_frame=lesson.first_frame.astype(np.int32),
                    embedding=lesson.embedding.astype(np.float16),
                    scores=lesson.scores.astype(np.float16),
                )
        out.append(target)
        if progress is not None:
            progress("running the teacher", number + 1, len(paths))
    return out
