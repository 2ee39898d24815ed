"""Training and test of the head of tags: instruments and styles that a teacher hears in ten seconds of music.

Usage: python benchmarks/music_tags.py DATA WORK [--out models]

DATA has emotify/, mved/, music/ and music-nets/MTT_musicnn.npz. Up to two times ten seconds of each recording that is
not in the locked set are heard by the music network and by musicnn (J. Pons and X. Serra 2019, ISC; trained on
MagnaTagATune), a network of others whose tags are the truth here: no recordings with tags by people were at hand. A
fifth of the recordings, by a checksum of their names, is kept apart.

The head is a logistic regression on the channel of the music network, one for each tag, with one penalty by folds of
recordings. A tag is kept if the teacher hears it in at least `LEAST` examples and if the folds reach a balanced
accuracy of at least `GOOD`. WORK keeps the evidence. ``--out`` writes the model ``music-tags``. Needs sklearn.
"""

from __future__ import annotations

import argparse
import json
import zlib
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import torch

from soundtrack.audio.mel import log_mel
from soundtrack.checkpoints.weights import save_weights
from soundtrack.emotion.music_channels import NETWORK
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.evaluation.read import stretches
from soundtrack.media.reading.audio import read_audio
from soundtrack.pipeline.library.music import music_projection
from soundtrack.training.locked import is_locked
from soundtrack.training.music.musicnn import SAMPLE_RATE_HZ, Musicnn

Array = npt.NDArray[np.float64]
HEARD_AS = {
    "piano": ("piano",),
    "harpsichord": ("harpsichord",),
    "guitar": ("guitar",),
    "strings": ("strings", "violin", "cello"),
    "violin": ("violin",),
    "cello": ("cello",),
    "harp": ("harp",),
    "flute": ("flute",),
    "synth": ("synth", "electronic", "techno"),
    "sitar": ("sitar",),
    "choir": ("choir", "choral"),
    "drums": ("drums", "beat", "beats", "techno"),
    "female vocals": ("female", "female vocal", "female voice", "woman"),
    "male vocals": ("male", "male vocal", "male voice", "man"),
    "techno": ("techno",),
    "electronic": ("electronic", "techno"),
    "rock": ("rock", "metal"),
    "ambient": ("ambient",),
    "classical": ("classical", "classic"),
    "opera": ("opera",),
    "indian": ("indian",),
    "pop": ("pop",),
    "metal": ("metal",),
    "country": ("country",),
    "new age": ("new age",),
}
"""Tags of musicnn that mean a tag of ours: the largest counts."""
TAGS = tuple(HEARD_AS)
_MUSICNN = """
    guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,indian,
    opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,solo,man,
    classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,metal,
    female voice,choral
"""
MUSICNN = tuple(name.strip() for name in _MUSICNN.split(","))
"""Tags of the network trained on MagnaTagATune, in its order."""
SURE, SURELY_NOT = 0.25, 0.08
"""From which chance on musicnn is taken to hear a tag, and below which not; between, an example is left out."""
LENGTH_S = 10
LEAST, GOOD = 12, 0.75
N_FOLDS = 5


class Tagger(Musicnn):
    """musicnn with its pooling and tags."""

    @torch.inference_mode()
    def tags(self, samples: npt.NDArray[np.float32]) -> Array:
        """Chance of each of `MUSICNN` in mono samples at 16 kHz, the mean over patches of three seconds."""
        bands = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE_HZ, n_fft=512, hop_length=256, n_mels=96)
        mel = torch.from_numpy(np.log10(10_000 * bands + 1).T.astype(np.float32))
        pooled = []
        for start in range(0, max(1, len(mel) - 186), 187):
            layers = self._layers(mel[start : start + 187][None, None])[0]
            pooled.append(torch.stack([layers.amax(1), layers.mean(1)], 1).flatten())
        x = self._flat(torch.stack(pooled), 9) @ self._arrays["dense.kernel"] + self._arrays["dense.bias"]
        x = self._flat(torch.relu(x), 10) @ self._arrays["dense_1.kernel"] + self._arrays["dense_1.bias"]
        return np.asarray(torch.sigmoid(x).mean(0).numpy(), np.float64)

    def _flat(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return self._norm(x[:, :, None, None], number)[:, :, 0, 0]


def recordings(data: Path) -> list[Path]:
    """All that may be learned from."""
    found = [*(data / "emotify").rglob("*.opus"), *(data / "mved").rglob("*.mp4")]
    found += [*(data / "music").glob("*.ogg"), *(data / "music").glob("*.mp3")]
    return sorted(path for path in found if not is_locked(path))


def heard(samples: npt.NDArray[np.float32], tower: MusicTower) -> npt.NDArray[np.float32]:
    """Mean of the network's channel over mono samples."""
    spans = stretches(len(samples) / SAMPLE_RATE_HZ, segment_s=tower.config.segment_s)
    features = tower.hear(log_mel(samples[None], tower.config.mel), spans)[NETWORK]
    return np.asarray(features.mean(axis=0), np.float32)


def examples(data: Path, work: Path, tower: MusicTower) -> tuple[npt.NDArray[np.float32], Array, list[str]]:
    """Features, chances by the teacher, and the recording, of all examples; heard once."""
    kept = work / "examples.npz"
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        features, chances, names = [], [], []
        teacher = Tagger(data / "music-nets" / "MTT_musicnn.npz")
        for path in recordings(data):
            samples = read_audio(path, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]
            length_s = len(samples) // SAMPLE_RATE_HZ
            for start_s in [2, length_s // 2 + 3] if length_s > 30 else [2]:
                part = samples[start_s * SAMPLE_RATE_HZ : (start_s + LENGTH_S) * SAMPLE_RATE_HZ]
                features.append(heard(part, tower))
                chances.append(teacher.tags(part))
                names.append(path.relative_to(data).as_posix())
        np.savez(kept, features=np.stack(features), chances=np.stack(chances), names=np.array(names))
    with np.load(kept) as found:
        return found["features"], found["chances"], found["names"].tolist()


def said(chances: Array) -> list[float]:
    """Labels of `TAGS` by the teacher: 1, 0, or NaN where it is unsure."""
    most = [max(chances[MUSICNN.index(name)] for name in names) for names in HEARD_AS.values()]
    return [1.0 if chance >= SURE else 0.0 if chance <= SURELY_NOT else np.nan for chance in most]


def balanced(truth: Array, decided: npt.NDArray[np.bool_]) -> float:
    """Mean of the shares that are right where a tag is and where it is not."""
    return float(np.mean([(decided[truth == value] == bool(value)).mean() for value in (0.0, 1.0)]))


def main() -> None:
    """Listen, choose, fit, test, write."""
    from sklearn.linear_model import LogisticRegression

    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    features, chances, names = examples(given.data, given.work, MusicTower.load("joint-space", device="cpu"))
    labels = np.array([said(row) for row in chances])
    lots = np.array([zlib.crc32(name.encode()) for name in names])
    apart, fold = lots % 5 == 0, lots // 5 % N_FOLDS
    mean, spread = features[~apart].mean(axis=0), features[~apart].std(axis=0) + 1e-3
    x = ((features - mean) / spread).astype(np.float64)

    def fitted(tag: int, rows: npt.NDArray[np.bool_], penalty: float) -> Any:
        used = rows & np.isfinite(labels[:, tag])
        return LogisticRegression(C=penalty, class_weight="balanced", max_iter=500).fit(x[used], labels[used, tag])

    def by_folds(tag: int, penalty: float) -> float:
        decided = np.zeros(len(x), bool)
        for k in range(N_FOLDS):
            decided[fold == k] = fitted(tag, ~apart & (fold != k), penalty).predict(x[fold == k]) > 0.5
        rows = ~apart & np.isfinite(labels[:, tag])
        return balanced(labels[rows, tag], decided[rows])

    candidates = [tag for tag in range(len(TAGS)) if (labels[~apart, tag] == 1).sum() >= LEAST]
    worth = {penalty: [by_folds(tag, penalty) for tag in candidates] for penalty in (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)}
    best = max(worth, key=lambda penalty: float(np.mean(worth[penalty])))
    print(f"{len(names)} examples of {len(set(names))} recordings, {len(set(np.array(names)[apart]))} kept apart")
    print("by folds:", {penalty: round(float(np.mean(values)), 3) for penalty, values in worth.items()})
    kept, results = [], []
    for tag, value in zip(candidates, worth[best], strict=True):
        rows = apart & np.isfinite(labels[:, tag])
        there = int((labels[rows, tag] == 1).sum())
        decided = fitted(tag, ~apart, best).predict(x[rows]) > 0.5
        share = balanced(labels[rows, tag], decided) if 0 < there < rows.sum() else np.nan
        right = float((decided == (labels[rows, tag] == 1)).mean())
        word = "kept" if value >= GOOD else "left out"
        print(f"{TAGS[tag]}: folds {value:.2f}, kept apart {share:.2f}, {right:.2f} ({there} of {rows.sum()}), {word}")
        if value >= GOOD:
            kept.append(tag)
            results.append((share, right))
    print("too rare:", ", ".join(TAGS[tag] for tag in range(len(TAGS)) if tag not in candidates) or "none")
    print("mean of tags kept: balanced accuracy {:.3f}, accuracy {:.3f}".format(*np.nanmean(results, axis=0)))
    if given.out is not None:
        heads = [fitted(tag, ~apart, best) for tag in kept]
        weight = np.stack([head.coef_[0] / spread for head in heads], axis=1).astype(np.float32)
        bias = (np.array([head.intercept_[0] for head in heads]) - mean @ weight).astype(np.float32)
        weight = np.concatenate([weight, np.zeros((1, len(kept)), np.float32)])  # the audible share says nothing here
        save_weights(
            {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)},
            given.out,
            name="music-tags",
            version="1",
            role="tags",
            licence="CC BY-NC 4.0",
            source="trained by benchmarks/music_tags.py",
            embedding_dim=len(kept),
            dtype=torch.float32,
        )
        (channel,) = (channel for channel in music_projection().channels if channel.name == NETWORK)
        config = {"channel_sha256": channel.sha256, "tags": [TAGS[tag] for tag in kept]}
        (given.out / "music-tags" / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
