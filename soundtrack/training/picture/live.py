"""Distillation of the picture network on a GPU, with teachers that answer every view during training.

Goes in: pictures squashed to squares, in the GPU's memory, and both teachers as torch networks. Comes out: a state of
``I3D(flat=True)``, its weights averaged over the last steps, and a curve of how well it answers on sources unseen.
Beside `picture_distil`, which reads views and answers from the disk, no view is ever seen twice as it was: each step
cuts new ones, mirrors, grades and blends them, asks, learns, and then learns once more from an older batch mirrored.
After L. Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.networks.i3d import I3D
from soundtrack.progress import Progress
from soundtrack.training.picture.data import resize
from soundtrack.training.picture.distil import (
    KL_WEIGHT,
    N_CLASSES,
    N_EMBEDDING,
    NORM_MOMENTUM,
    SHARPNESS_T,
    DistilSettings,
    chances_of,
    held_out,
)
from soundtrack.training.picture.flat_student import student_features
from soundtrack.training.picture.teachers import TEACHER_SIDE_PX, all_pictures
from soundtrack.training.picture.views import Views

if TYPE_CHECKING:
    from soundtrack.training.picture.teacher_networks import Answers, TeacherNetworks

STORED_SIDE_PX = 160
"""Side of the squares that pictures are kept as; views are cut from them."""
FRAME_RATE_HZ = 2.0
"""Frames of films that become pictures, a second."""
AVERAGE_DECAY = 0.9995
"""Of the running average of the weights, a step."""
N_KEPT = 48
"""Batches back from which one is learned from again."""
N_MEASURED = 12
"""Looks at the unseen sources in a run."""
N_SCALED = 8
"""Batches from which the answers' mean and spread are taken."""
DTYPE = torch.bfloat16
"""What networks compute in."""
SPREAD_FLOOR = 0.05
"""Least deviation that an embedding's number is divided by."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How long and how the student learns."""

    width: float = 1.0
    """Width of the network."""
    side_px: int = 128
    """Side of the views."""
    early_side_px: int = 96
    """Side in the first part of the run."""
    early_share: float = 0.6
    """How much of the run that is."""
    epochs: int = 130
    """One epoch is as many fresh views as there are pictures; each batch is followed by one from before."""
    batch: int = 256
    """Views a batch."""
    rate: float = 2e-3
    """Highest learning rate (AdamW)."""
    decay: float = 0.05
    """Weight decay."""
    seed: int = 20261127
    """Of everything random."""
    limit_s: float | None = None
    """The schedule is shortened so that it ends by then, in seconds; None for no limit. A run with a limit cannot be
    repeated to the last digit."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures to learn from; rows belong together."""

    pictures: npt.NDArray[np.uint8]
    """RGB, squashed to squares, shape (n, side, side, 3)."""
    files: tuple[str, ...]
    """File of each."""
    sources: tuple[str, ...]
    """Source of each: on one side of every split."""


def usual_on_gpu() -> DistilSettings:
    """Width, sides and length that a GPU affords."""
    usual = LiveSettings()
    return DistilSettings(
        width=usual.width, side_px=usual.side_px, early_side_px=usual.early_side_px, epochs=usual.epochs
    )


def live_settings(how: DistilSettings) -> LiveSettings:
    """The same width, sides, length and seed for a GPU."""
    return LiveSettings(
        width=how.width, side_px=how.side_px, early_side_px=how.early_side_px, epochs=how.epochs, seed=how.seed
    )


def distil_live(
    read_pictures: Callable[[], Gallery],
    read_answers: Callable[[], TeacherNetworks],
    out_dir: Path,
    *,
    settings: LiveSettings,
    device: str = "cuda",
    group_of: Mapping[str, str] | None = None,
    init: Mapping[str, Tensor] | None = None,
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """The taught student's state, float32 on the CPU; ``curve.jsonl`` and ``student.pt`` lie in `out_dir`.

    A student that is there is not taught again. A run that was broken off begins again: it takes minutes, not hours.

    Parameters
    ----------
    read_pictures : callable
        Gives all pictures; those whose source `held_out` names are only used to measure.
    read_answers : callable
        Gives the teachers, which are moved to the device.
    group_of, init
        As for `picture_distil.distil`.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    student, curve = out_dir / "student.pt", out_dir / "curve.jsonl"
    if student.is_file():
        return dict(torch.load(student, weights_only=True))
    curve.unlink(missing_ok=True)
    gallery = read_pictures()
    began_s = time.monotonic()
    hidden = held_out(gallery.sources)
    lessons = _Lessons(gallery, ~hidden, read_answers(), settings, device=device, group_of=group_of or {})
    unseen = _Unseen(gallery.pictures[hidden], lessons)
    learner = _Learner(settings, init, device=device)
    n_shown = int((~hidden).sum())
    n_steps = max(1, settings.epochs * n_shown // settings.batch)
    step, done, looks = 0, 0.0, 0
    losses: list[Tensor] = []
    while done < 1.0:
        side_px = settings.early_side_px if done < settings.early_share else settings.side_px
        learner.set_rate(done)
        fresh, old = lessons.draw()
        losses.append(learner.learn(fresh, side_px=side_px))
        learner.learn(old, side_px=side_px)
        step += 1
        done = step / n_steps
        if settings.limit_s is not None:
            done = max(done, (time.monotonic() - began_s) / settings.limit_s)
        if progress is not None and step % 20 == 0:
            progress("distil", step, n_steps)
        if done >= (looks + 1) / N_MEASURED or done >= 1.0:
            looks += 1
            line = {
                "epoch": round(step * settings.batch / n_shown, 1),
                "views": step * settings.batch,
                "seconds": round(time.monotonic() - began_s, 1),
                "side_px": side_px,
                "loss": round(float(torch.stack(losses).mean()), 4),
                "held_out_r2": round(unseen.explained(learner.average, settings), 4),
            }
            losses = []
            with curve.open("a") as file:
                file.write(json.dumps(line) + "\n")
    state = _without_head(learner.average)
    with replacing(student, kind=OWN, force=True) as part:
        torch.save(state, part)
    return state


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Views and answers; rows belong together."""

    views: Tensor
    """RGB, uint8, shape (n, 3, side, side)."""
    embeddings: Tensor
    """Standardised, shape (n, 2304)."""
    logits: Tensor
    """Shape (n, 1001)."""


class _Lessons:
    """Fresh views with the teachers' answers, and older ones mirrored."""

    def __init__(
        self,
        gallery: Gallery,
        shown: npt.NDArray[np.bool_],
        teachers: TeacherNetworks,
        settings: LiveSettings,
        *,
        device: str,
        group_of: Mapping[str, str],
    ) -> None:
        self._settings, self.device = settings, device
        self._teachers = teachers.eval().to(device).to(DTYPE).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        files = [file for file, is_shown in zip(gallery.files, shown, strict=True) if is_shown]
        self._views = Views(
            torch.from_numpy(gallery.pictures[shown]).to(device),
            torch.from_numpy(chances_of(files, group_of)).float().to(device),
            seed=settings.seed,
        )
        self._kept: list[_Lesson] = []
        self._dice = np.random.default_rng(settings.seed)
        first = torch.cat([self._ask(self._views.batch(settings.batch)).embeddings for _ in range(N_SCALED)])
        self._mean, self._deviation = first.mean(0), first.std(0).clamp_min(SPREAD_FLOOR)

    @torch.no_grad()
    def _ask(self, views: Tensor) -> Answers:
        """The teachers' answers to views in [0, 255]."""
        answers: Answers = self._teachers(views.to(DTYPE))
        return answers

    def answers(self, views: Tensor) -> Tensor:
        """Standardised embeddings, shape (n, 2304)."""
        return (self._ask(views).embeddings - self._mean) / self._deviation

    @torch.no_grad()
    def draw(self) -> tuple[_Lesson, _Lesson]:
        """A fresh lesson, and one from before, mirrored."""
        seen = self._views.batch(self._settings.batch)
        said = self._ask(seen)
        fresh = _Lesson(
            F.interpolate(seen, size=(self._settings.side_px,) * 2, mode="area").round().to(torch.uint8),
            ((said.embeddings - self._mean) / self._deviation).to(DTYPE),
            said.logits.to(DTYPE),
        )
        old = self._kept[int(self._dice.integers(len(self._kept)))] if self._kept else fresh
        self._kept = [*self._kept[-N_KEPT + 1 :], fresh]
        return fresh, replace(old, views=old.views.flip(3))


class _Learner:
    """The student, its optimiser, and the running average of its weights."""

    def __init__(self, settings: LiveSettings, init: Mapping[str, Tensor] | None, *, device: str) -> None:
        self._model, self._rate = _beginner(settings, init).to(device), settings.rate
        heavy, light = ([p for p in self._model.parameters() if (p.ndim > 1) is wanted] for wanted in (True, False))
        self._optimiser = torch.optim.AdamW(
            [{"params": heavy, "weight_decay": settings.decay}, {"params": light, "weight_decay": 0.0}],
            lr=settings.rate,
            fused=device == "cuda",
        )
        self._n_learned = 0
        self.average = {k: v.detach().clone().float() for k, v in self._model.state_dict().items()}

    def set_rate(self, done: float) -> None:
        """Linear warm-up over the first fiftieth, then half a cosine."""
        shape = min(1.0, done / 0.02) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * max(shape, 1e-3)

    def learn(self, lesson: _Lesson, *, side_px: int) -> Tensor:
        """One step; returns the loss."""
        loss = _loss(self._model, lesson, side_px=side_px)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._model.parameters(), 5.0, foreach=True)
        self._optimiser.step()
        self._follow(min(AVERAGE_DECAY, (1 + self._n_learned) / (100 + self._n_learned)))
        self._n_learned += 1
        return loss.detach()

    def _follow(self, decay: float) -> None:
        """Moves the running average towards the weights."""
        state = self._model.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [state[n].detach().float() for n in names], 1.0 - decay)


def _without_head(average: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state as `picture_distil.distil` gives it, on the CPU."""
    return {
        k: v.cpu() for k, v in average.items() if not k.startswith("logits.") and not k.endswith("num_batches_tracked")
    }


def _beginner(settings: LiveSettings, init: Mapping[str, Tensor] | None) -> I3D:
    """A fresh student, or one that starts from given weights."""
    torch.manual_seed(settings.seed)
    model = I3D(width=settings.width, flat=True, n_classes=N_EMBEDDING + N_CLASSES)
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm3d):
            module.momentum = NORM_MOMENTUM
    nn.init.normal_(model.logits.conv3d.weight, std=0.01)
    if init is not None:
        model.load_state_dict(init, strict=False)
    return model.train()


def _said(model: I3D, small: Tensor, *, side_px: int) -> Tensor:
    """The student's answers to views of uint8, shape (n, 2304 + 1001), float32."""
    x = small.to(torch.float32)
    if side_px < small.shape[-1]:
        x = F.interpolate(x, size=(side_px, side_px), mode="area")
    x = (x / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, DTYPE):
        pooled = student_features(model, x)
    head = model.logits.conv3d
    assert head.bias is not None
    return F.linear(pooled, head.weight.flatten(1), head.bias)


def _loss(model: I3D, lesson: _Lesson, *, side_px: int) -> Tensor:
    """Squared error of the embeddings and divergence of the class distributions."""
    out = _said(model, lesson.views, side_px=side_px)
    error = F.mse_loss(out[:, :N_EMBEDDING], lesson.embeddings.float())
    theirs = F.log_softmax(lesson.logits.float() / SHARPNESS_T, dim=1)
    ours = F.log_softmax(out[:, N_EMBEDDING:] / SHARPNESS_T, dim=1)
    return error + KL_WEIGHT * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)


class _Unseen:
    """Whole pictures of sources that the student never sees, and the teachers' answers."""

    def __init__(self, pictures: npt.NDArray[np.uint8], lessons: _Lessons) -> None:
        whole = torch.from_numpy(pictures).to(lessons.device)
        self._parts = [part.permute(0, 3, 1, 2).float() for part in torch.split(whole, 256)]
        size = (TEACHER_SIDE_PX,) * 2
        shown = (F.interpolate(part, size=size, mode="bilinear", align_corners=False) for part in self._parts)
        self._truth = [lessons.answers(part) for part in shown]

    @torch.no_grad()
    def explained(self, state: Mapping[str, Tensor], settings: LiveSettings) -> float:
        """Share of the variance of the teachers' embeddings that the student explains, at most 1; nan for none."""
        model = I3D(width=settings.width, flat=True, n_classes=N_EMBEDDING + N_CLASSES)
        model.load_state_dict(state)
        wrong, total = 0.0, 0.0
        for part, truth in zip(self._parts, self._truth, strict=True):
            small = F.interpolate(part, size=(settings.side_px,) * 2, mode="area")
            out = _said(model.eval().to(part.device), small, side_px=settings.side_px)[:, :N_EMBEDDING]
            wrong += float((out - truth).square().sum())
            total += float((truth - truth.mean(0)).square().sum())
        return 1.0 - wrong / total if total else math.nan


def read_gallery(data_dir: Path, *, progress: Progress | None = None) -> Gallery:
    """All stills and frames of a data folder (see `picture_data`)."""
    pictures, files, sources = [], [], []
    for picture, image in all_pictures(data_dir, rate_hz=FRAME_RATE_HZ):
        pictures.append(resize(image, STORED_SIDE_PX))
        files.append(picture.file)
        sources.append(picture.source)
        if progress is not None and len(files) % 100 == 0:
            progress("pictures", len(files), 0)
    return Gallery(np.stack(pictures), tuple(files), tuple(sources))
