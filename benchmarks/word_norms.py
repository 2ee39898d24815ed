"""Valence and arousal of English words: people's ratings and a regression from word vectors, by their precision.

Usage: python benchmarks/word_norms.py VECTORS NORMS VALENCES... -o soundtrack/naming/word_norms.tsv

VECTORS is the ``vocab`` folder of a spaCy model with vectors (such as en_core_web_md), NORMS a CSV with the columns
``word``, ``valence_mean``, ``valence_sd``, ``valence_n`` and the same of arousal, from 1 to 9 (the Glasgow norms, Scott
et al. 2019, CC BY 4.0), VALENCES tab-separated lists of words with a valence (VADER, MIT; AFINN, Apache-2.0). Random
Fourier features of the vectors and a ridge regression are fitted to all ratings; what is printed is the correlation by
five folds over vectors, so that no word is asked whose vector was seen. A word of the table has the mean of its rating
and what the regression says without it, each weighed by its precision, in twentieths: so words that were rated for
valence alone get an arousal, and a rating by few people who disagreed is drawn to that of words used alike. Needs the
package msgpack.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import msgpack
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
N_FEATURES, SCALE, PENALTY = 2_000, 1.5, 1.0
LISTED_ERROR = 0.2
"""Standard error of a valence from a list without one."""
STEPS = 20
_MASK = (1 << 64) - 1


def string_hash(text: str) -> int:
    """The key of a string in a spaCy vocabulary (MurmurHash64A with seed 1)."""
    data, m = text.encode(), 0xC6A4A7935BD1E995
    h = (1 ^ (len(data) * m)) & _MASK
    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        k = int.from_bytes(data[i : i + 8], "little") * m & _MASK
        k = (k ^ k >> 47) * m & _MASK
        h = (h ^ k) * m & _MASK
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & _MASK
    h = (h ^ h >> 47) * m & _MASK
    return h ^ h >> 47


class Regression:
    """From unit vectors to valence and arousal; targets may be NaN."""

    def __init__(self, vectors: Floats, targets: Floats) -> None:
        rng = np.random.default_rng(0)
        self._waves = rng.normal(size=(vectors.shape[1], N_FEATURES)) * SCALE
        self._phases = rng.uniform(0, 2 * np.pi, N_FEATURES)
        x = self._features(vectors)
        self._maps = []
        for column in targets.T:
            there = np.isfinite(column)
            mean, level = x[there].mean(axis=0), column[there].mean()
            a = x[there] - mean
            weights = np.linalg.solve(a.T @ a + PENALTY * np.eye(a.shape[1]), a.T @ (column[there] - level))
            self._maps.append((mean, weights, level))

    def _features(self, vectors: Floats) -> Floats:
        return np.concatenate([vectors, np.sqrt(2 / N_FEATURES) * np.cos(vectors @ self._waves + self._phases)], axis=1)

    def __call__(self, vectors: Floats) -> Floats:
        x = self._features(vectors)
        return np.stack([(x - mean) @ weights + level for mean, weights, level in self._maps], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("vectors", type=Path)
    parser.add_argument("norms", type=Path)
    parser.add_argument("valences", type=Path, nargs="*")
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    table = np.load(given.vectors / "vectors", allow_pickle=False).astype(np.float64)
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9
    row_of = dict(msgpack.unpackb((given.vectors / "key2row").read_bytes(), strict_map_key=False))
    rated: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    names = ("valence", "arousal")
    for line in csv.DictReader(given.norms.open()):
        word = line["word"].lower()
        rated[word] = [(float(line[f"{name}_mean"]) - 5) / 4 for name in names]
        errors[word] = [float(line[f"{n}_sd"]) / 4 / float(line[f"{n}_n"]) ** 0.5 + 0.02 for n in names]
    for path in given.valences:
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        most = max(abs(float(line[1])) for line in lines if len(line) > 1)
        for line in lines:
            if len(line) > 1 and line[0].lower() not in rated:
                rated[line[0].lower()] = [0.85 * float(line[1]) / most, np.nan]
                errors[line[0].lower()] = [LISTED_ERROR, np.nan]
    rows = {w: row_of[string_hash(w)] for w in rated if w.isascii() and w.isalpha() and string_hash(w) in row_of}
    words = sorted(rows)
    vectors, targets = table[[rows[w] for w in words]], np.array([rated[w] for w in words])
    folds = np.array([rows[w] % 5 for w in words])
    guessed = np.zeros_like(targets)
    for fold in range(5):
        guessed[folds == fold] = Regression(vectors[folds != fold], targets[folds != fold])(vectors[folds == fold])
    result = guessed.copy()
    for i, name in enumerate(names):
        there = np.isfinite(targets[:, i])
        r = np.corrcoef(guessed[there, i], targets[there, i])[0, 1]
        print(f"{name}: r {r:.3f} on words kept apart, n {there.sum()}")
        spread = float(np.var(targets[there, i] - guessed[there, i]))
        ours, theirs = 1 / spread, 1 / np.square([errors[w][i] for w in words])
        mean = (ours * guessed[:, i] + theirs * targets[:, i]) / (ours + theirs)
        result[there, i] = mean[there]
    lines = [f"{w}\t{round(STEPS * v)}\t{round(STEPS * a)}" for w, (v, a) in zip(words, result, strict=True)]
    given.out.write_text("\n".join(lines) + "\n")
    print(f"{len(words)} words; {given.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
