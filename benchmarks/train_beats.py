"""Training of the beat network on rendered music whose beats are known.

Usage: python benchmarks/train_beats.py VGMIDI SOUNDFONT WORK OUT [--steps 3300] [--lots 4] [--folds 0 1 2 all]

Every piece of VGMIDI (a folder with labels.csv and midi/) that is not in the locked set and whose notes lie on its
beats is rendered by ``fluidsynth`` as a piano at its notated tempo, the same with a swinging tempo, and for each lot
once with other instruments and another tempo, every second time with a beaten rhythm. WORK keeps the renderings and
what is heard in them. The network (`soundtrack.audio.music.beat_network`) learns beats and bar lines from pieces of
26 s, at speeds, levels and keys drawn by lot. It learns four times, without the games of each fold (``FOLDS`` in
`bars`) and from all of them; the folder OUT gets ``fold-0.safetensors`` to ``fold-2.safetensors`` and
``all.safetensors``. On one thread the same versions of torch and fluidsynth give the same weights. Needs torch and
pretty_midi.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import subprocess
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from bars import FOLDS
from safetensors.numpy import save_file
from torch import nn

from soundtrack.audio.music.beat_network import N_BLOCKS, STEP_S, features
from soundtrack.audio.music.spectrum import N_BANDS, take_frames
from soundtrack.training.locked import is_locked

_WIDTH, _LENGTH, _AT_ONCE = 24, 1200, 8
_RATE_HZ, _SOUND_S = 24_000, 45.0
_BEAT_WEIGHTS = (4.0, 8.0)
_PLAIN = 0.5
"""How often a rendering as a piano is drawn, against one with other instruments."""
_PROGRAMS = (0, 1, 4, 6, 8, 11, 12, 13, 16, 19, 21, 24, 25, 26, 27, 29, 32, 40, 42, 46, 48, 50, 52, 56, 60, 61, 65)
_PROGRAMS += (68, 71, 73, 75, 80, 81, 88, 89, 91, 104, 107, 112)

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Example = tuple[Floats, Doubles, Doubles]
"""Features, beats and bar lines of a rendering."""


class _Block(nn.Module):
    """A dilated convolution whose result is added to what went in."""

    def __init__(self, spread: int) -> None:
        super().__init__()
        self.seen = nn.Conv1d(_WIDTH, _WIDTH, 5, dilation=spread, padding=2 * spread)
        self.mix = nn.Conv1d(_WIDTH, _WIDTH, 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = x + self.drop(self.mix(nn.functional.elu(self.seen(x))))
        return result


class _Network(nn.Module):
    """As `soundtrack.audio.music.beat_network` computes it, shape (batch, inputs, n) to (batch, 2, n)."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Conv1d(n, _WIDTH, 3, padding=1) for n in (n_inputs, _WIDTH))
        self.blocks = nn.ModuleList(_Block(2**i) for i in range(N_BLOCKS))
        self.leave = nn.Conv1d(_WIDTH, 2, 1)
        nn.init.constant_(self.leave.bias, -2.5)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.enter:
            x = nn.functional.elu(layer(x))
        for block in self.blocks:
            x = block(x)
        result: torch.Tensor = self.leave(nn.functional.elu(x))
        return result


def rendered(path: Path, font: Path, work: Path, *, kind: int) -> Example | None:
    """A piece as it sounds, or None where its tempo map means nothing."""
    import pretty_midi

    kept = work / f"{path.stem}.{kind}.npz"
    if kept.exists():
        with np.load(kept) as held:
            return held["heard"], held["beats_s"], held["bars_s"]
    rng = np.random.default_rng(zlib.crc32(f"{path.stem}{kind}".encode()))
    score = pretty_midi.PrettyMIDI(str(path))
    beats, bars = score.get_beats(), score.get_downbeats()
    notes = [(note, instrument) for instrument in score.instruments for note in instrument.notes]
    if len(beats) < 12 or len(notes) < 20:
        return None
    starts = np.array([note.start for note, _ in notes])
    at = np.clip(np.searchsorted(beats, starts + 1e-6) - 1, 0, len(beats) - 2)
    phase = (starts - beats[at]) / (beats[at + 1] - beats[at])
    grid = np.concatenate([np.arange(13) / 12, [0.25, 0.75]])
    if float((np.abs(phase[:, None] - grid).min(axis=1) < 0.02).mean()) < 0.6:
        return None
    bpm = 60 / float(np.median(np.diff(beats)))
    slowest, fastest = np.log(max(0.6, min(1.0, 50 / bpm))), np.log(min(1.7, max(1.0, 215 / bpm)))
    speed = float(np.exp(rng.uniform(slowest, fastest))) if kind >= 2 else 1.0
    swing = (0.0, 0.25, float(rng.choice([0, 0, 0.1, 0.25])))[min(kind, 2)]
    steps = np.arange(0, max(beats[-1], starts.max()) + 2, 0.05)
    waves = np.sum([np.sin(2 * np.pi * steps / p + rng.uniform(0, 2 * np.pi)) for p in (5.0, 9.0, 17.0)], axis=0)
    clock = np.concatenate([[0.0], np.cumsum(np.exp(1.2 * swing * waves[:-1] / 3) / speed * 0.05)])
    first_s = float(rng.uniform(0, clock[-1] - _SOUND_S)) if kind >= 2 and clock[-1] > _SOUND_S + 8 else 0.0

    def sounding(times: npt.ArrayLike) -> Doubles:
        return np.asarray(np.interp(times, steps, clock)) - first_s

    played = pretty_midi.PrettyMIDI()
    for instrument in score.instruments:
        made = pretty_midi.Instrument(int(rng.choice(_PROGRAMS)) if kind >= 2 else 0, is_drum=instrument.is_drum)
        for note in instrument.notes:
            start_s, end_s = sounding([note.start, note.end])
            if 0 <= start_s <= _SOUND_S and end_s >= 0.05:
                made.notes.append(pretty_midi.Note(note.velocity, note.pitch, start_s, max(end_s, start_s + 0.03)))
        played.instruments.append(made)
    beats_s, bars_s = sounding(beats), sounding(bars)
    if kind >= 2 and kind % 2:
        played.instruments.append(_rhythm(beats_s[(beats_s >= 0) & (beats_s < _SOUND_S)], bars_s, rng))
    sound = _sound(played, font, work / f"{path.stem}.{kind}")
    last_s = min(_SOUND_S, max(note.start for instrument in played.instruments for note in instrument.notes) + 0.01)
    heard = features(take_frames(sound[None], sample_rate_hz=_RATE_HZ))
    beats_s, bars_s = (t[(t >= 0) & (t < last_s)] for t in (beats_s, bars_s))
    np.savez(kept, heard=heard, beats_s=beats_s, bars_s=bars_s)
    return heard, beats_s, bars_s


def _rhythm(beats_s: Doubles, bars_s: Doubles, rng: np.random.Generator) -> object:
    """A drum kit that beats along: kick on the bar, snare between, hats on the half beats."""
    import pretty_midi

    drums, style, position = pretty_midi.Instrument(0, is_drum=True), int(rng.integers(3)), 0
    for beat_s, next_s in itertools.pairwise(beats_s):
        position = 0 if np.abs(bars_s - beat_s).min() < 1e-3 else position + 1
        hits = [(36 if position % 2 == 0 or style == 2 else 38, beat_s, 100 if position == 0 else 85), (42, beat_s, 70)]
        hits += [(42, (beat_s + next_s) / 2, 50)] if style != 1 else []
        drums.notes += [pretty_midi.Note(strength, key, at_s, at_s + 0.1) for key, at_s, strength in hits]
    return drums


def _sound(score: object, font: Path, stem: Path) -> Floats:
    """A score as fluidsynth plays it, mono, the loudest sample 0.7."""
    raw, midi = stem.with_suffix(stem.suffix + ".raw"), stem.with_suffix(stem.suffix + ".mid")
    if not raw.exists():
        score.write(str(midi))  # type: ignore[attr-defined]
        options = ["-ni", "-q", "-g", "0.5", "-r", str(_RATE_HZ), "-O", "s16", "-T", "raw", "-F", str(raw)]
        subprocess.run(["fluidsynth", *options, str(font), str(midi)], check=True, capture_output=True, timeout=120)
    sound = np.fromfile(raw, "<i2").reshape(-1, 2).mean(axis=1).astype(np.float32)[: int(_RATE_HZ * (_SOUND_S + 1))]
    return sound * np.float32(0.7 / max(1e-3, float(np.abs(sound).max())))


def _target(times_s: Doubles, n: int) -> Floats:
    """One at each moment, a half beside it, shape (n,)."""
    result = np.zeros(n, np.float32)
    for beside, value in ((-1, 0.5), (1, 0.5), (0, 1.0)):
        at = np.round(times_s / STEP_S).astype(np.int64) + beside
        result[at[(at >= 0) & (at < n)]] = value
    return result


def _drawn(example: Example, mean: Floats, spread: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A piece of an example at another speed, level and key: inputs (92, n) and answers (2, n)."""
    heard, beats_s, bars_s = example
    rate = float(np.exp(rng.uniform(-0.3, 0.3)))
    n = int(len(heard) / rate)
    first = int(rng.integers(0, max(1, n - _LENGTH)))
    at = np.clip((np.arange(first, min(n, first + _LENGTH)) * rate).round().astype(np.int64), 0, len(heard) - 1)
    x = (heard[at] - mean) / spread * np.float32(rng.uniform(0.85, 1.15))
    x[:, :N_BANDS] += rng.normal(0, 0.3) + np.linspace(-1, 1, N_BANDS) * rng.normal(0, 0.3)
    x[:, 2 * N_BANDS :] = np.roll(x[:, 2 * N_BANDS :], int(rng.integers(12)), axis=1)
    y = np.stack([_target(t / rate, n)[first : first + _LENGTH] for t in (beats_s, bars_s)])
    lacking = _LENGTH - len(x)
    return np.pad(x, ((0, lacking), (0, 0))).T.astype(np.float32), np.pad(y, ((0, 0), (0, _LENGTH - y.shape[1])))


def taught(examples: list[Example], shares: Doubles, *, steps: int) -> dict[str, npt.NDArray[np.generic]]:
    """The weights after a number of steps, as `beat_network` reads them; examples are drawn by their shares."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    everything = np.concatenate([heard for heard, _, _ in examples[::5]])
    mean, spread = everything.mean(axis=0), everything.std(axis=0) + np.float32(1e-3)
    network = _Network(everything.shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=1e-3)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(_BEAT_WEIGHTS)[None, :, None])
    for step in range(steps):
        pairs = [_drawn(examples[rng.choice(len(examples), p=shares)], mean, spread, rng) for _ in range(_AT_ONCE)]
        for group in optimiser.param_groups:
            group["lr"] = 4e-3 * min(1.0, step / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 2e-5
        found = network(torch.from_numpy(np.stack([x for x, _ in pairs])))
        value = loss(found, torch.from_numpy(np.stack([y for _, y in pairs])))
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if step % 300 == 0:
            print(f"step {step}, loss {float(value.detach()):.4f}", flush=True)
    made: dict[str, npt.NDArray[np.generic]] = {"mean": mean, "spread": spread}
    layers = {f"enter.{i}": layer for i, layer in enumerate(network.enter)}
    for i, block in enumerate(network.blocks):
        layers |= {f"block.{i}": block.seen, f"block.{i}.mix": block.mix}  # type: ignore[dict-item]
    for name, layer in (layers | {"leave": network.leave}).items():
        weight = np.ascontiguousarray(layer.weight.detach().numpy().transpose(2, 1, 0))  # type: ignore[operator, union-attr]
        made[f"{name}.weight"] = weight.astype(np.float16)
        made[f"{name}.bias"] = layer.bias.detach().numpy().astype(np.float16)  # type: ignore[operator, union-attr]
    return made


def main() -> None:
    """Render, teach, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("vgmidi", "soundfont", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=3300)
    parser.add_argument("--lots", type=int, default=4, help="Renderings with other instruments of each piece.")
    parser.add_argument("--folds", nargs="*", default=["0", "1", "2", "all"], help="Which are taught.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.vgmidi / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not is_locked(Path(row["file"]).stem)]
    examples: list[tuple[str, float, Example]] = []
    for row, kind in itertools.product(rows, range(2 + options.lots)):
        found = rendered(options.vgmidi / row["file"], options.soundfont, options.work, kind=kind)
        examples += [(row["game"], _PLAIN if kind < 2 else 1.0, found)] if found else []
    for fold in options.folds:
        left_out = () if fold == "all" else FOLDS[int(fold)]
        kept = [example for example in examples if example[0] not in left_out]
        shares = np.array([share for _, share, _ in kept])
        weights = taught([found for _, _, found in kept], shares / shares.sum(), steps=options.steps)
        save_file(weights, options.out / (f"{fold}.safetensors" if fold == "all" else f"fold-{fold}.safetensors"))


if __name__ == "__main__":
    main()
