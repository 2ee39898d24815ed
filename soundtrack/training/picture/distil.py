"""Knowledge distillation of a 2D Inception-v1 from ImageNet networks on the same view.

Goes in: the passes that `picture_teachers` wrote. Comes out: a state of ``I3D(flat=True)``, its weights averaged over
the last steps, and a curve of how well it answers on sources it never saw. The student predicts both
embeddings (square roots, standardised) and the class distribution from its pooled vector; the prediction layer is
thrown away afterwards. After G. Hinton et al. 2015; long schedule and same crop for both after L. Beyer et al. 2022.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.networks.i3d import I3D
from soundtrack.progress import Progress
from soundtrack.training.picture.data import bucket_of
from soundtrack.training.picture.teachers import Pass, read_pass

N_CLASSES = 1001
"""Logits of the teacher."""
N_EMBEDDING = 1024 + 1280
"""Both embeddings side by side."""
SHARPNESS_T = 2.0
"""Temperature of the class distributions."""
KL_WEIGHT = 2.0
"""Of the class distributions beside the embeddings."""
NORM_MOMENTUM = 0.1
"""Of the statistics of batch norm; the network's own 0.01 lags behind a run this short."""
AVERAGE_DECAY = 0.999
"""Of the running average of the weights, a step."""
MEASURED_EVERY = 3
"""Epochs between two looks at the sources that the student never saw."""
HELD_OUT_BUCKET = 0
"""Sources of this bucket are never shown to the student, so that its answers there are honest."""


@dataclass(frozen=True, slots=True)
class DistilSettings:
    """How long and how the student learns."""

    width: float = 0.75
    """Width of the network."""
    side_px: int = 112
    """Side of the views."""
    early_side_px: int = 80
    """Side that views are shrunk to in the first epochs, which then cost half."""
    early_share: float = 0.8
    """Share of the epochs that counts as first."""
    epochs: int = 90
    """One epoch is as many views as there are pictures."""
    batch: int = 48
    """Views a step."""
    rate: float = 1.5e-3
    """Highest learning rate (AdamW)."""
    decay: float = 0.05
    """Weight decay."""
    seed: int = 20261120
    """Of first weights, order, choice of views, mirror images."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation of the square roots of the teachers' embeddings."""

    mean: npt.NDArray[np.float32]
    """Shape (2304,)."""
    deviation: npt.NDArray[np.float32]
    """Shape (2304,), above 0."""


def embeddings(part: Pass, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Square roots of both embeddings for some rows of a pass, shape (n, 2304)."""
    return np.sqrt(np.concatenate([part.v1[rows], part.v2[rows]], axis=1).astype(np.float32))


def scale_of(part: Pass) -> Scale:
    """Mean and deviation over a pass."""
    values = embeddings(part, np.arange(len(part.pictures)))
    return Scale(values.mean(axis=0), np.maximum(values.std(axis=0), 0.05))


def as_input(views: npt.NDArray[np.uint8]) -> Tensor:
    """Views (n, side, side, 3) as network input (n, 3, 1, side, side) in [-1, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(views)).permute(0, 3, 1, 2).unsqueeze(2)
    return (x.float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last_3d)


def held_out(sources: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which sources the student never sees."""
    return np.array([bucket_of(source) == HELD_OUT_BUCKET for source in sources])


def distil(
    passes_dirs: Callable[[], Sequence[Path]],
    out_dir: Path,
    *,
    settings: DistilSettings,
    group_of: Mapping[str, str] | None = None,
    init: Mapping[str, Tensor] | None = None,
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """The taught student's state, float32; checkpoints and ``curve.jsonl`` lie in `out_dir`.

    Parameters
    ----------
    passes_dirs : callable
        Gives the folders of the passes that are complete, the whole pictures first; asked again each epoch, so that
        later passes may still be in the making.
    group_of : mapping of file to group, optional
        What a file's pictures are of; a file that is not named is a group of its own. Pictures are drawn so that a
        group counts as the square root of its size: thirty frames of one film teach less than thirty photographs.
    out_dir : Path
        Made if need be. A run that was broken off goes on from its last complete epoch.
    init : mapping of name to Tensor, optional
        A flat network of the same width, without its last layer, to start from instead of random weights.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    model = _beginner(settings, init)
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": settings.decay}, {"params": others, "weight_decay": 0.0}], lr=settings.rate
    )
    passes = [read_pass(folder, side_px=settings.side_px) for folder in passes_dirs()]
    scale = scale_of(passes[0])
    hidden = held_out([p.source for p in passes[0].pictures])
    shown = np.flatnonzero(~hidden)
    chances = chances_of([passes[0].pictures[i].file for i in shown], group_of or {})
    average = {k: v.detach().clone().float() for k, v in model.state_dict().items()}
    checkpoint, first = out_dir / "checkpoint.pt", 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, first = saved["average"], int(saved["epoch"])
    n_steps = len(shown) // settings.batch
    for epoch in range(first, settings.epochs):
        passes = [read_pass(folder, side_px=settings.side_px) for folder in passes_dirs()]
        rng = np.random.default_rng((settings.seed, epoch))
        order = rng.choice(shown, size=len(shown), p=chances)
        losses = []
        side_px = settings.early_side_px if epoch < settings.early_share * settings.epochs else settings.side_px
        model.train()
        for step in range(n_steps):
            _set_rate(optimiser, settings, done=(epoch * n_steps + step) / (settings.epochs * n_steps))
            rows = np.sort(order[step * settings.batch : (step + 1) * settings.batch])
            batch = _views(passes, rows, scale=scale, rng=rng)
            loss = _loss(model, batch, side_px=side_px)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            _follow(average, model.state_dict(), decay=min(AVERAGE_DECAY, (1 + step + epoch * n_steps) / 100))
            losses.append(loss.item())
            if progress is not None and step % 20 == 0:
                progress("distil", epoch * n_steps + step, settings.epochs * n_steps)
        line = {"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4), "n_passes": len(passes)}
        if (epoch + 1) % MEASURED_EVERY == 0 or epoch + 1 == settings.epochs:
            fidelity = _fidelity(average, settings, passes[0], np.flatnonzero(hidden), scale=scale)
            line["held_out_r2"] = round(fidelity, 4)
        with (out_dir / "curve.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        state = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average,
            "epoch": epoch + 1,
        }
        with replacing(checkpoint, kind=OWN, force=True) as part:
            torch.save(state, part)
    return {k: v for k, v in average.items() if not k.startswith("logits.") and not k.endswith("num_batches_tracked")}


def _beginner(settings: DistilSettings, init: Mapping[str, Tensor] | None) -> I3D:
    """A fresh student, or one that starts from given weights."""
    torch.manual_seed(settings.seed)
    model = I3D(width=settings.width, flat=True, n_classes=N_EMBEDDING + N_CLASSES)
    if init is not None:
        model.load_state_dict(init, strict=False)
    model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stubs lack it
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = NORM_MOMENTUM
    return model


def chances_of(files: Sequence[str], group_of: Mapping[str, str]) -> npt.NDArray[np.float64]:
    """How likely each picture is drawn, adding up to 1: one over the square root of its group's size."""
    names = [group_of.get(file, file) for file in files]
    sizes = Counter(names)
    chances = np.array([1 / math.sqrt(sizes[name]) for name in names])
    return np.asarray(chances / chances.sum(), np.float64)


def _set_rate(optimiser: torch.optim.Optimizer, settings: DistilSettings, *, done: float) -> None:
    """Linear warm-up over the first hundredth, then half a cosine."""
    warm = min(1.0, done / 0.01)
    for group in optimiser.param_groups:
        group["lr"] = settings.rate * max(warm * 0.5 * (1 + math.cos(math.pi * done)), 1e-3)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Views and answers."""

    views: Tensor
    embeddings: Tensor
    logits: Tensor


def _views(passes: Sequence[Pass], rows: npt.NDArray[np.int64], *, scale: Scale, rng: np.random.Generator) -> _Batch:
    """One random view of each picture, mirrored half of the time."""
    which = rng.integers(0, len(passes), len(rows))
    mirrored = rng.random(len(rows)) < 0.5
    views, targets, logits = [], [], []
    for k, part in enumerate(passes):
        chosen = rows[which == k]
        view = part.view[chosen]
        flip = mirrored[which == k]
        view[flip] = view[flip][:, :, ::-1]
        views.append(view)
        targets.append((embeddings(part, chosen) - scale.mean) / scale.deviation)
        logits.append(part.logits[chosen].astype(np.float32))
    return _Batch(
        as_input(np.concatenate(views)),
        torch.from_numpy(np.concatenate(targets)),
        torch.from_numpy(np.concatenate(logits)),
    )


def _loss(model: I3D, batch: _Batch, *, side_px: int) -> Tensor:
    """Squared error of the embeddings and divergence of the class distributions, for views shrunk to a side."""
    views = batch.views
    if side_px < views.shape[-1]:
        views = F.interpolate(views, size=(1, side_px, side_px), mode="area")
        views = views.contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        out = model(views).float()
    error = F.mse_loss(out[:, :N_EMBEDDING], batch.embeddings)
    theirs = F.log_softmax(batch.logits / SHARPNESS_T, dim=1)
    ours = F.log_softmax(out[:, N_EMBEDDING:] / SHARPNESS_T, dim=1)
    return error + KL_WEIGHT * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def _follow(average: dict[str, Tensor], state: dict[str, Tensor], *, decay: float) -> None:
    """Moves the running average towards the state, in place."""
    for name, value in state.items():
        if value.is_floating_point():
            average[name].lerp_(value.detach().float(), 1.0 - decay)


def _fidelity(
    state: dict[str, Tensor], settings: DistilSettings, part: Pass, rows: npt.NDArray[np.int64], *, scale: Scale
) -> float:
    """Share of the variance of the teachers' embeddings that the student explains on those rows, at most 1."""
    model = I3D(width=settings.width, flat=True, n_classes=N_EMBEDDING + N_CLASSES)
    model.load_state_dict(state)
    model.eval().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stubs lack it
    wrong = total = 0.0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(rows), 256):
            chosen = rows[start : start + 256]
            truth = (embeddings(part, chosen) - scale.mean) / scale.deviation
            out = model(as_input(part.view[chosen]))[:, :N_EMBEDDING].float().numpy()
            wrong += float(np.square(out - truth).sum())
            total += float(np.square(truth).sum())
    return 1.0 - wrong / max(total, 1e-9)
