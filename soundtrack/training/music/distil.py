"""Knowledge distillation of the mel network from its teachers (Hinton et al. 2015).

Goes in: lesson files of `music_teacher`. Comes out: a `MelCnn`, its weights averaged over the last steps, and a curve
of how well it answers on recordings that it never hears. The student predicts the teacher's embedding (standardised)
from its features, and the sound scores; the layer that predicts the embedding is thrown away afterwards.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing, write_text
from soundtrack.networks.i3d_fused import has_fast_bf16
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.networks.mel_config import MelCnnConfig
from soundtrack.progress import Progress
from soundtrack.training.music.teacher import N_SCORES
from soundtrack.types import FloatArray

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MusicDistilSettings:
    """How long and how the student learns."""

    steps: int = 6_000
    """Batches in all."""
    batch: int = 128
    """Patches of a batch."""
    rate: float = 1.5e-3
    """Highest learning rate (AdamW, cosine)."""
    weight_decay: float = 0.03
    """Of weights, not of biases and norms."""
    score_weight: float = 0.05
    """Of the summed log-loss of the scores beside the mean squared error of the embedding."""
    average_decay: float = 0.998
    """Of the running average of the weights, a step."""
    every: int = 250
    """Steps between looks at recordings that are held out, and between checkpoints."""
    seed: int = 0
    """Of first weights and of the order."""


@dataclass(frozen=True, slots=True)
class LookBack:
    """How it went after some steps."""

    step: int
    """Steps so far."""
    training_error: float
    """Mean squared error of the standardised embedding over the last steps."""
    held_out_r2: float
    """Share of the embedding's variance explained on held-out recordings; NaN without any."""


@dataclass(slots=True)
class _Lessons:
    """All lessons in memory."""

    mel: FloatArray = field(repr=False)
    start: IntArray = field(repr=False)
    embedding: FloatArray = field(repr=False)
    scores: FloatArray = field(repr=False)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> _Lessons:
        mel, start, embedding, scores = [], [], [], []
        base = 0
        for path in paths:
            with np.load(path) as lesson:
                mel.append(lesson["mel"])
                start.append(lesson["first_frame"].astype(np.int64) + base)
                embedding.append(lesson["embedding"])
                scores.append(lesson["scores"])
            base += len(mel[-1])
        return cls(np.concatenate(mel), np.concatenate(start), np.concatenate(embedding), np.concatenate(scores))

    def batch(self, rows: IntArray, *, width: int, mean: FloatArray, deviation: FloatArray) -> list[Tensor]:
        """Patches (n, 1, width, n_mels), standardised embeddings and scores of some rows."""
        patches = np.stack([self.mel[s : s + width] for s in self.start[rows]]).astype(np.float32)
        target = np.clip((self.embedding[rows].astype(np.float32) - mean) / deviation, -4, 8)
        return [
            torch.from_numpy(patches)[:, None],
            torch.from_numpy(target),
            torch.from_numpy(self.scores[rows]).float(),
        ]


def distil(
    lessons: Sequence[Path],
    held_out: Sequence[Path],
    out_dir: Path,
    *,
    config: MelCnnConfig,
    settings: MusicDistilSettings | None = None,
    init: MelCnn | None = None,
    progress: Progress | None = None,
) -> tuple[MelCnn, list[LookBack]]:
    """The taught network and its learning curve; a run that was broken off goes on from its last checkpoint.

    Parameters
    ----------
    lessons, held_out : sequence of Path
        Lesson files to learn from, and to look back on.
    out_dir : Path
        Of the checkpoint and the curve.
    config : MelCnnConfig
        Shape of the network.
    settings : MusicDistilSettings, optional
        How to learn.
    init : MelCnn, optional
        Where to start instead of random weights.
    progress : callable, optional
        Called with (stage, step, steps).
    """
    how = settings or MusicDistilSettings()
    out_dir.mkdir(parents=True, exist_ok=True)
    data = _Lessons.read(lessons)
    judged = _Lessons.read(held_out) if held_out else None
    mean = data.embedding.astype(np.float32).mean(axis=0)
    deviation = data.embedding.astype(np.float32).std(axis=0) + np.float32(0.02)
    net, layer = _beginner(config, init, n_targets=data.embedding.shape[1], seed=how.seed)
    student = nn.ModuleList([net, layer])
    solver = _solver(student, how)
    average = copy.deepcopy(student)
    checkpoint, curve, step = out_dir / "checkpoint.pt", [], 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        student.load_state_dict(saved["student"])
        average.load_state_dict(saved["average"])
        solver.load_state_dict(saved["solver"])
        step = int(saved["step"])
        curve = [LookBack(**row) for row in json.loads((out_dir / "curve.json").read_text(encoding="utf-8"))]
    errors: list[float] = []
    while step < how.steps:
        rows = np.random.default_rng((how.seed, step)).choice(
            len(data.start), min(how.batch, len(data.start)), replace=False
        )
        warm = min(1.0, (step + 1) / 200)
        rate = how.rate * warm * (0.5 + 0.5 * math.cos(math.pi * step / how.steps)) + 1e-6
        for group in solver.param_groups:
            group["lr"] = rate
        student.train()
        patches, target, scores = data.batch(rows, width=config.patch_frames, mean=mean, deviation=deviation)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            features, logits = net(patches)
        error = (layer(features.float()) - target).square().mean()
        doubt = F.binary_cross_entropy_with_logits(logits.float(), scores[:, : config.n_sounds]) * config.n_sounds
        solver.zero_grad()
        torch.autograd.backward(error + how.score_weight * doubt)
        nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        solver.step()
        step += 1
        _follow(average, student, decay=min(how.average_decay, step / (step + 20)))
        errors.append(float(error.detach()))
        if progress is not None:
            progress("teaching", step, how.steps)
        if step % how.every == 0 or step == how.steps:
            r2 = float("nan") if judged is None else _explained(average, judged, config, mean=mean, deviation=deviation)
            curve.append(LookBack(step, float(np.mean(errors[-how.every :])), r2))
            state = {"student": student.state_dict(), "average": average.state_dict()}
            _keep(checkpoint, {**state, "solver": solver.state_dict(), "step": step})
            rows_out = [
                {"step": c.step, "training_error": c.training_error, "held_out_r2": c.held_out_r2} for c in curve
            ]
            write_text(out_dir / "curve.json", json.dumps(rows_out, indent=1) + "\n", kind=OWN, force=True)
    taught = average[0]
    assert isinstance(taught, MelCnn)
    return taught.eval(), curve


def _beginner(config: MelCnnConfig, init: MelCnn | None, *, n_targets: int, seed: int) -> tuple[MelCnn, nn.Linear]:
    """A fresh student, or one that starts from given weights, and the layer that predicts the embedding."""
    torch.manual_seed(seed)
    net, layer = MelCnn(config), nn.Linear(config.n_features, n_targets)
    if init is not None:
        net.load_state_dict(init.state_dict())
    elif config.n_sounds == N_SCORES:
        with torch.no_grad():
            net.sounds.bias.fill_(-6.0)  # scores are rare
    return net, layer


def _solver(student: nn.Module, how: MusicDistilSettings) -> torch.optim.AdamW:
    """AdamW that leaves biases and norms undecayed."""
    decayed = [p for p in student.parameters() if p.ndim > 1]
    plain = [p for p in student.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": how.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def _follow(average: nn.Module, student: nn.Module, *, decay: float) -> None:
    """Move the averaged weights a little towards the student's."""
    with torch.no_grad():
        for slow, fast in zip(average.state_dict().values(), student.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.mul_(decay).add_(fast, alpha=1 - decay)
            else:
                slow.copy_(fast)


def _keep(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint whole or not at all."""
    with replacing(path, kind=OWN, force=True) as part:
        torch.save(state, part)


def _explained(
    average: nn.ModuleList, data: _Lessons, config: MelCnnConfig, *, mean: FloatArray, deviation: FloatArray
) -> float:
    """Share of the variance of held-out embeddings that the student explains; at most 2,048 patches are looked at."""
    rows = np.linspace(0, len(data.start) - 1, min(2_048, len(data.start))).astype(np.int64)
    average.eval()
    wrong = np.zeros(0)
    targets = []
    for start in range(0, len(rows), 256):
        patches, target, _ = data.batch(
            rows[start : start + 256], width=config.patch_frames, mean=mean, deviation=deviation
        )
        with torch.inference_mode():
            guess = average[1](average[0](patches)[0])
        wrong = np.append(wrong, (guess - target).square().mean(dim=1).numpy())
        targets.append(target.numpy())
    spread = float(np.concatenate(targets).var(axis=0).mean())
    return 1.0 - float(wrong.mean()) / spread if spread > 0 else float("nan")
