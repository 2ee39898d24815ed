"""Fit which of the tempi at which a track repeats is that of its beat, on rendered music whose tempo is known.

Usage: python benchmarks/fit_tempo_level.py VGMIDI SOUNDFONT WORK [MIDI...]

Learns from the pieces of VGMIDI that are neither in the locked set nor among the games held back (the first of
``FOLDS`` in `bars`), and from those of the MIDI files named, rendered as `bars` renders them, at their notated tempo.
The weights of `soundtrack.audio.music.tempo_level` are those of a log-linear model over the tempi that are compared:
they make the notated one, within 4 %, as likely as possible. Prints how often it is the likeliest for pieces left out,
by eight folds, three times, for several penalties of large weights, then the weights. Needs pretty_midi.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bars import FOLDS, RATE_HZ, Piece, rendered
from scipy.optimize import minimize

from soundtrack.audio.music import tempo
from soundtrack.audio.music.beat_network import STEP_S, beat_chances
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.audio.music.tempo_level import MULTIPLES, tempo_features
from soundtrack.training.locked import is_locked

Doubles = npt.NDArray[np.float64]
PENALTIES, PENALTY = (1e-4, 3e-4, 6e-4, 1e-3), 3e-4
N_FOLDS, N_DEALS, WITHIN = 8, 3, 1.04
TEMPI_BPM = tempo._tempo_grid()


def pieces(vgmidi: Path, more: list[Path]) -> Iterator[Path]:
    """Files that may be learned from."""
    with (vgmidi / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["game"] not in FOLDS[0] and not is_locked(Path(row["file"]).stem):
                yield vgmidi / row["file"]
    yield from more


def example(piece: Piece) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """What speaks for each tempo, and which of them are right."""
    peak = max(1e-3, float(np.abs(piece.sound).max()))
    frames = take_frames(piece.sound[None] * (0.7 / peak), sample_rate_hz=RATE_HZ)
    chances = beat_chances(frames)[:, 0]
    beating = np.interp(np.arange(frames.n) * frames.hop_s, np.arange(len(chances)) * STEP_S, chances)
    across = [
        tempo._repeats(x, frames.hop_s).mean(axis=0) for x in (beating, tempo._envelope(frames.onset, frames.hop_s))
    ]
    bpm = 60 / float(np.median(np.diff(piece.beats_s)))
    right = np.abs(np.log(TEMPI_BPM / bpm)) < np.log(WITHIN)
    return tempo_features(across[0], across[1], TEMPI_BPM, hop_s=frames.hop_s), right


def fitted(features: Doubles, right: npt.NDArray[np.bool_], penalty: float) -> Doubles:
    """Weights of the columns, from features (pieces, tempi, columns)."""

    def cost(weights: Doubles) -> tuple[float, Doubles]:
        odds = features @ weights
        share = np.exp(odds - odds.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        chance = np.maximum((share * right).sum(axis=1), 1e-9)
        slope = np.einsum("nt,ntc->nc", share - share * right / chance[:, None], features).mean(axis=0)
        return float(-np.log(chance).mean() + penalty * weights @ weights), slope + 2 * penalty * weights

    return np.asarray(minimize(cost, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B").x)


def found_right(features: Doubles, right: npt.NDArray[np.bool_], weights: Doubles) -> npt.NDArray[np.bool_]:
    """Whether the likeliest tempo of each piece is right."""
    return np.asarray(right[np.arange(len(right)), (features @ weights).argmax(axis=1)])


def main() -> None:
    """Print how good a fit is, and the fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("vgmidi", "soundfont", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("more", type=Path, nargs="*", help="Further MIDI files.")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    made = [rendered(path, options.soundfont, options.work, swing=0.0) for path in pieces(options.vgmidi, options.more)]
    examples = [example(piece) for piece in made if piece is not None and len(piece.beats_s) >= 12]
    features, right = (np.array(x) for x in zip(*[e for e in examples if e[1].any()], strict=True))
    print(f"{len(features)} pieces")
    for penalty in PENALTIES:
        hits = []
        for deal in range(N_DEALS):
            order = np.random.default_rng(deal).permutation(len(features))
            for fold in range(N_FOLDS):
                out = np.isin(np.arange(len(features)), order[fold::N_FOLDS])
                weights = fitted(features[~out], right[~out], penalty)
                hits.append(found_right(features[out], right[out], weights))
        print(f"penalty {penalty:g}: {float(np.concatenate(hits).mean()):.3f} of those left out are right")
    weights = fitted(features, right, PENALTY)
    for name, part in zip(
        ("beats", "onsets", "tempo"), np.split(weights, (len(MULTIPLES), 2 * len(MULTIPLES))), strict=True
    ):
        print(f"{name}: {', '.join(f'{weight:.2f}' for weight in part)}")


if __name__ == "__main__":
    main()
