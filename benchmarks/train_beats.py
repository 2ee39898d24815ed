"""Training of the beat network on rendered music whose beats are known.

Usage: python benchmarks/train_beats.py VGMIDI SOUNDFONT WORK OUT [--steps 3300] [--lots 4] [--folds 0 1 2 all]
                                        [--songs POP909] [--further WEIGHTS]

Every piece of VGMIDI (a folder with labels.csv and midi/) that is not in the locked set and whose notes lie on its
beats is rendered by ``fluidsynth`` as a piano at its notated tempo, the same with a swinging tempo, and for each lot
once with other instruments and another tempo, every second time with a beaten rhythm. WORK keeps the renderings and
what is heard in them. The network (`soundtrack.audio.music.beat_network`) learns beats and bar lines from pieces of
26 s, at speeds, levels and keys drawn by lot. It learns four times, without the games of each fold (``FOLDS`` in
`bars`) and from all of them; the folder OUT gets ``fold-0.safetensors`` to ``fold-2.safetensors`` and
``all.safetensors``. On one thread the same versions of torch and fluidsynth give the same weights. Needs torch and
pretty_midi.

With ``--songs`` it learns from pop songs of POP909 as well (Wang et al. 2020, MIT, the folder with one folder for each
song), and from chords picked evenly, made by rule. Songs count whose beats by the score are those by the recording;
every eighth is left out for checks. ``--further`` begins with weights of the same form instead of random ones, at a
fifth of the rate, and writes the mean of these and of what they become, which keeps more of what they knew (Wortsman et
al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
import csv
import itertools
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from bars import FOLDS
from safetensors.numpy import load_file, save_file
from torch import nn

from soundtrack.audio.music.beat_network import N_BLOCKS, STEP_S, features
from soundtrack.audio.music.spectrum import N_BANDS, take_frames
from soundtrack.training.locked import is_locked

_WIDTH, _LENGTH, _AT_ONCE = 24, 1200, 8
_RATE_HZ, _SOUND_S = 24_000, 45.0
_BEAT_WEIGHTS = (4.0, 8.0)
CHECKED_SONGS, N_PICKED = 8, 64
"""Every eighth song of POP909 is left out, for checks; pieces of chords picked evenly."""
_SONGS, _PICKED = "POP909", "picked"
_SHARES = {_SONGS: 0.25, _PICKED: 0.1}
"""Of the examples of a step, where there are songs; games have the rest."""
_RATE, _FURTHER_RATE = 4e-3, 7e-4
_PLAIN = 0.5
"""How often a rendering as a piano is drawn, against one with other instruments."""
_PROGRAMS: tuple[int, ...] = (
    0,
    1,
    4,
    6,
    8,
    11,
    12,
    13,
    16,
    19,
    21,
    24,
    25,
    26,
    27,
    29,
    32,
    40,
    42,
    46,
    48,
    50,
    52,
    56,
    60,
    61,
    65,
)
_PROGRAMS += (68, 71, 73, 75, 80, 81, 88, 89, 91, 104, 107, 112)
_PLUCKED = (0, 4, 6, 11, 12, 24, 24, 25, 25, 26, 27, 45, 46, 104, 106, 107)

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


@dataclass(frozen=True)
class _Score:
    """Music as written, and its beats."""

    name: str
    played: Any
    """A ``pretty_midi.PrettyMIDI``."""
    beats: Doubles
    bars: Doubles
    programs: tuple[int, ...] = _PROGRAMS
    anywhere: bool = False
    """Whether a rendering as a piano begins anywhere too, and not at the beginning."""
    tempi_bpm: tuple[float, float] = (50.0, 215.0)


def _game_score(path: Path) -> _Score | None:
    """A piece of VGMIDI, or None where its tempo map means nothing."""
    import pretty_midi

    score = pretty_midi.PrettyMIDI(str(path))
    beats, bars = score.get_beats(), score.get_downbeats()
    starts = np.array([note.start for instrument in score.instruments for note in instrument.notes])
    if len(beats) < 12 or len(starts) < 20:
        return None
    at = np.clip(np.searchsorted(beats, starts + 1e-6) - 1, 0, len(beats) - 2)
    phase = (starts - beats[at]) / (beats[at + 1] - beats[at])
    grid = np.concatenate([np.arange(13) / 12, [0.25, 0.75]])
    if float((np.abs(phase[:, None] - grid).min(axis=1) < 0.02).mean()) < 0.6:
        return None
    return _Score(path.stem, score, beats, bars)


def _song_score(folder: Path) -> _Score | None:
    """A song of POP909, or None where its beats by the score and those by the recording are not the same."""
    import pretty_midi

    written, heard = np.loadtxt(folder / "beat_midi.txt"), np.loadtxt(folder / "beat_audio.txt")
    beats, bars, heard_bars = written[:, 0], written[written[:, 2] > 0, 0], heard[heard[:, 1] == 1, 0]
    inside = (beats >= heard[0, 0]) & (beats <= heard[-1, 0])
    if inside.sum() < 20 or len(heard_bars) < 6 or len(bars) < 6:
        return None

    def near(these: Doubles, those: Doubles) -> float:
        return float(np.mean(np.abs(these[:, None] - those).min(axis=1) < 0.07))

    agreed, late_s = max((near(beats[inside], heard[:, 0] + x), float(x)) for x in np.arange(-0.1, 0.11, 0.02))
    within = bars[(bars >= heard[0, 0] - 0.1) & (bars <= heard[-1, 0] + 0.1)]
    if agreed < 0.9 or near(heard_bars + late_s, bars) < 0.85 or near(within, heard_bars + late_s) < 0.85:
        return None
    score = pretty_midi.PrettyMIDI(str(folder / f"{folder.name}.mid"))
    return _Score(f"pop909-{folder.name}", score, beats, bars, anywhere=True)


def _picked_score(number: int) -> _Score:
    """Chords picked evenly, two notes a beat or three: what is easily taken for twice the tempo."""
    import pretty_midi

    rng = np.random.default_rng(10_000 + number)
    per_beat, per_bar = (3, int(rng.choice([2, 4]))) if number % 5 == 4 else (2, int(rng.choice([4, 4, 4, 3])))
    beat_s = 60 / float(rng.uniform(50, 85) if per_beat == 3 else rng.uniform(62, 105))
    n_bars = int(60 / (beat_s * per_bar)) + 1
    hand, bass = pretty_midi.Instrument(0), int(rng.integers(40, 52))
    strength, accent, unsteady = int(rng.integers(55, 95)), int(rng.choice([0, 0, 4, 10])), float(rng.choice([0, 4]))
    degrees = np.array([0, 2, 4, 5, 7, 9, 11]) if rng.random() < 0.5 else np.array([0, 2, 3, 5, 7, 8, 10])
    roots = rng.choice([0, 3, 4, 5, 1, 2], size=4, p=[0.3, 0.2, 0.2, 0.15, 0.1, 0.05])
    n = per_beat * per_bar
    order = rng.integers(1, 5, size=n) if rng.random() < 0.4 else np.abs((np.arange(n) % 6) - 3) + 1
    order[0], bars_a_chord, rings = 0, int(rng.choice([1, 1, 1, 2])), float(rng.uniform(0.8, 3.0))
    if rng.random() < 0.5:
        order[n // 2 if n % 4 == 0 else 0] = 0
    for step in range(n * n_bars):
        root = int(roots[step // (n * bars_a_chord) % 4])
        tones = [degrees[(root + third) % 7] + 12 * ((root + third) // 7) for third in (0, 0, 2, 4, 7)]
        voice = int(order[step % n])
        pitch = bass + int(tones[voice]) + (12 if voice else 0)
        loud = strength + (accent if voice == 0 else 0) + rng.normal(0, unsteady + 0.01)
        start_s = step * beat_s / per_beat
        velocity = int(np.clip(loud, 20, 127))
        hand.notes.append(pretty_midi.Note(velocity, pitch, start_s, start_s + rings * beat_s / per_beat))
    played = pretty_midi.PrettyMIDI()
    played.instruments.append(hand)
    beats = np.arange(per_bar * n_bars) * beat_s
    return _Score(f"picked-{number}", played, beats, beats[::per_bar], programs=_PLUCKED, tempi_bpm=(55.0, 110.0))


def rendered(score: _Score, font: Path, work: Path, *, kind: int) -> Example:
    """A score as it sounds."""
    import pretty_midi

    kept = work / f"{score.name}.{kind}.npz"
    if kept.exists():
        with np.load(kept) as held:
            return held["heard"], held["beats_s"], held["bars_s"]
    rng = np.random.default_rng(zlib.crc32(f"{score.name}{kind}".encode()))
    beats, bars = score.beats, score.bars
    bpm = 60 / float(np.median(np.diff(beats)))
    low, high = score.tempi_bpm
    slowest, fastest = np.log(max(0.6, min(1.0, low / bpm))), np.log(min(1.7, max(1.0, high / bpm)))
    speed = float(np.exp(rng.uniform(slowest, fastest))) if kind >= 2 else 1.0
    swing = (0.0, 0.25, float(rng.choice([0, 0, 0.1, 0.25])))[min(kind, 2)]
    last = max(note.start for instrument in score.played.instruments for note in instrument.notes)
    steps = np.arange(0, max(beats[-1], last) + 2, 0.05)
    waves = np.sum([np.sin(2 * np.pi * steps / p + rng.uniform(0, 2 * np.pi)) for p in (5.0, 9.0, 17.0)], axis=0)
    clock = np.concatenate([[0.0], np.cumsum(np.exp(1.2 * swing * waves[:-1] / 3) / speed * 0.05)])
    chosen = kind >= 2 or score.anywhere
    first_s = float(rng.uniform(0, clock[-1] - _SOUND_S)) if chosen and clock[-1] > _SOUND_S + 8 else 0.0

    def sounding(times: npt.ArrayLike) -> Doubles:
        return np.asarray(np.interp(times, steps, clock)) - first_s

    played = pretty_midi.PrettyMIDI()
    for instrument in score.played.instruments:
        made = pretty_midi.Instrument(int(rng.choice(score.programs)) if kind >= 2 else 0, is_drum=instrument.is_drum)
        for note in instrument.notes:
            start_s, end_s = sounding([note.start, note.end])
            if 0 <= start_s <= _SOUND_S and end_s >= 0.05:
                made.notes.append(pretty_midi.Note(note.velocity, note.pitch, start_s, max(end_s, start_s + 0.03)))
        played.instruments.append(made)
    beats_s, bars_s = sounding(beats), sounding(bars)
    if kind >= 2 and kind % 2:
        played.instruments.append(_rhythm(beats_s[(beats_s >= 0) & (beats_s < _SOUND_S)], bars_s, rng))
    sound = _sound(played, font, work / f"{score.name}.{kind}")
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


def _layers(network: _Network) -> dict[str, nn.Conv1d]:
    """The convolutions by the names that `beat_network` has for them."""
    layers = {f"enter.{i}": layer for i, layer in enumerate(network.enter)}
    for i, block in enumerate(network.blocks):
        layers |= {f"block.{i}": block.seen, f"block.{i}.mix": block.mix}  # type: ignore[dict-item]
    return layers | {"leave": network.leave}  # type: ignore[return-value]


def taught(
    examples: list[Example], shares: Doubles, *, steps: int, start: Path | None = None
) -> dict[str, npt.NDArray[np.generic]]:
    """The weights after a number of steps, as `beat_network` reads them; examples are drawn by their shares."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    everything = np.concatenate([heard for heard, _, _ in examples[::5]])
    mean, spread = everything.mean(axis=0), everything.std(axis=0) + np.float32(1e-3)
    network = _Network(everything.shape[1])
    if start is not None:
        held = load_file(start)
        mean, spread = held["mean"].astype(np.float32), held["spread"].astype(np.float32)
        with torch.no_grad():
            for name, layer in _layers(network).items():
                layer.weight.copy_(
                    torch.from_numpy(held[f"{name}.weight"].astype(np.float32).transpose(2, 1, 0).copy())
                )
                layer.bias.copy_(torch.from_numpy(held[f"{name}.bias"].astype(np.float32)))  # type: ignore[union-attr]
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-3)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(_BEAT_WEIGHTS)[None, :, None])
    for step in range(steps):
        pairs = [_drawn(examples[rng.choice(len(examples), p=shares)], mean, spread, rng) for _ in range(_AT_ONCE)]
        for group in optimiser.param_groups:
            if start is None:
                group["lr"] = _RATE * min(1.0, step / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 2e-5
            else:
                group["lr"] = _FURTHER_RATE * min(1.0, step / 100, (steps - step) / (0.8 * steps))
        found = network(torch.from_numpy(np.stack([x for x, _ in pairs])))
        value = loss(found, torch.from_numpy(np.stack([y for _, y in pairs])))
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if step % 300 == 0:
            print(f"step {step}, loss {float(value.detach()):.4f}", flush=True)
    made: dict[str, npt.NDArray[np.generic]] = {"mean": mean, "spread": spread}
    for name, layer in _layers(network).items():
        weight = np.ascontiguousarray(layer.weight.detach().numpy().transpose(2, 1, 0))
        made[f"{name}.weight"] = weight.astype(np.float16)
        made[f"{name}.bias"] = layer.bias.detach().numpy().astype(np.float16)  # type: ignore[union-attr]
    if start is None:
        return made
    return {name: ((held[name].astype(np.float32) + made[name]) / 2).astype(held[name].dtype) for name in made}


def main() -> None:
    """Render, teach, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("vgmidi", "soundfont", "work", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--songs", type=Path, metavar="POP909", help="Songs to learn from as well.")
    parser.add_argument("--further", type=Path, metavar="WEIGHTS", help="What to begin with.")
    parser.add_argument("--steps", type=int, default=3300)
    parser.add_argument("--lots", type=int, default=4, help="Renderings with other instruments of each piece.")
    parser.add_argument("--folds", nargs="*", default=["0", "1", "2", "all"], help="Which are taught.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # gradients become so small that a step took three times as long after 2000
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.vgmidi / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not is_locked(Path(row["file"]).stem)]
    scores = [(row["game"], _game_score(options.vgmidi / row["file"])) for row in rows]
    lots = [(game, score, kind) for game, score in scores if score for kind in range(2 + options.lots)]
    if options.songs:
        songs = [score for folder in sorted(options.songs.glob("[0-9]*")) if (score := _song_score(folder))]
        taken = [(number, song) for number, song in enumerate(songs) if number % CHECKED_SONGS]
        lots += [(_SONGS, song, (2, 3, 0, 3, 2, 1)[number % 6]) for number, song in taken]
        lots += [(_PICKED, _picked_score(number), 2 + (number % 4 == 3)) for number in range(N_PICKED)]
    examples = [
        (game, _PLAIN if kind < 2 else 1.0, rendered(score, options.soundfont, options.work, kind=kind))
        for game, score, kind in lots
        if set(options.folds) != {"0"} or game not in FOLDS[0]
    ]
    examples = [example for example in examples if len(example[2][1]) >= 12]
    for fold in options.folds:
        left_out = () if fold == "all" else FOLDS[int(fold)]
        kept = [example for example in examples if example[0] not in left_out]
        shares = np.array([share for _, share, _ in kept])
        if options.songs:
            kinds = np.array([game if game in _SHARES else "" for game, _, _ in kept])
            for kind, part in {"": 1 - sum(_SHARES.values()), **_SHARES}.items():
                shares[kinds == kind] *= part / shares[kinds == kind].sum()
        weights = taught(
            [found for _, _, found in kept], shares / shares.sum(), steps=options.steps, start=options.further
        )
        save_file(weights, options.out / (f"{fold}.safetensors" if fold == "all" else f"fold-{fold}.safetensors"))


if __name__ == "__main__":
    main()
