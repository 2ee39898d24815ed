"""Train and evaluate music detection in films.

Usage: python benchmarks/own_music.py DATA [--write]

DATA holds the folders emotify, music, mved and video. Music: songs, game music, music videos, also under speech and
under noise. Everything else: talk from two films, two readers, a dozen voices of espeak-ng, crowds of these, and some
twenty kinds of noise that are made here, from tones and rain to sirens. Sounds are coloured, cut in band and set to
levels at random. Prints how much of each kind's time is taken for music by networks that heard neither its source nor
its kind of noise, and with --write fits to everything and writes ``soundtrack/audio/own_music.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

import soundtrack.audio.voices.music_detection as detector
from soundtrack.audio.voices.music_features import SAMPLE_RATE_HZ as RATE
from soundtrack.audio.voices.music_features import WINDOW, music_marks
from soundtrack.media.reading.audio import read_audio

Sound = npt.NDArray[np.float64]
STEP = round(detector.STEP_S * RATE)
N_FOLDS, N_HIDDEN = 5, 16
VOICES = ("en-us", "en-gb+f3", "en-us+m3", "de", "fr+f2", "en-us+m7", "es", "it+f4", "pl", "en-gb+f1", "pt", "sv+f5")
WORDS = (
    "The boats come home when the light goes down. Nobody hurries here, and nobody asks why.",
    "Tell me again what he said to you on the bridge. I want every word of it, and no excuses this time!",
    "Wait! Where are you going? Come back here. We have no time, the whole place is going to blow up.",
    "Ladies and gentlemen, the train on platform four departs in two minutes. Please stand back from the edge.",
)


@dataclass(frozen=True)
class Item:
    """A stretch of sound."""

    source: str
    kind: str
    is_music: bool
    sound: Sound


def level(sound: Sound) -> Sound:
    """The sound at unit power."""
    return sound / (np.sqrt(np.mean(sound**2)) + 1e-9)


def read(path: Path, start_s: float = 0.0, duration_s: float | None = None) -> Sound:
    """Mono at 16 kHz."""
    return read_audio(path, sample_rate_hz=RATE, channels=1, start_s=start_s, duration_s=duration_s)[0].astype(float)


def spoken(voice: str, rng: np.random.Generator) -> Sound:
    """A voice that says everything, with pauses."""
    parts = []
    for text in rng.permutation(WORDS):
        pace = ["-p", str(rng.integers(25, 75)), "-s", str(rng.integers(130, 200))]
        said = subprocess.run(["espeak-ng", "-v", voice, *pace, "--stdout", str(text)], capture_output=True, check=True)
        with wave.open(io.BytesIO(said.stdout)) as file:
            rate_hz = file.getframerate()
        samples = np.frombuffer(said.stdout[44:], np.int16).astype(float) / 32768
        parts += [resample_poly(samples, RATE, rate_hz), np.zeros(round(RATE * rng.uniform(0.1, 0.9)))]
    return np.concatenate(parts)


def band(sound: Sound, low_hz: float, high_hz: float) -> Sound:
    """What lies between two frequencies."""
    return np.asarray(sosfilt(butter(2, [low_hz, min(high_hz, 7_800)], "band", fs=RATE, output="sos"), sound))


def tone(hertz: Sound, rng: np.random.Generator, n: int, roll: float) -> Sound:
    """Harmonics of a moving pitch."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return np.asarray(
        sum(np.sin(k * phase + rng.uniform(0, 6)) * k**-roll for k in range(1, n) if k * hertz.max() < 7_500)
    )


def wander(n: int, rng: np.random.Generator, per_s: float) -> Sound:
    """Numbers in [0, 1] that change slowly."""
    k = int(n / RATE * per_s) + 4
    return np.interp(np.arange(n), np.linspace(0, n, k), rng.uniform(0, 1, k))


def brown(n: int, rng: np.random.Generator, pole: float = 0.95) -> Sound:
    """Dark noise."""
    return np.asarray(lfilter([1.0], [1.0, -pole], rng.normal(0, 1, n)))


def bursts(
    n: int,
    rng: np.random.Generator,
    every_s: Callable[[], float],
    one: Callable[[int], Sound],
    long_s: tuple[float, float],
) -> Sound:
    """Short sounds at intervals over a little noise."""
    sound, at_s = 0.02 * rng.normal(0, 1, n), 0.1
    while True:
        at_s += every_s()
        start, m = round(at_s * RATE), round(rng.uniform(*long_s) * RATE)
        if start + m >= n:
            return sound
        sound[start : start + m] += one(m) * rng.uniform(0.4, 1.5)


def decaying(m: int, rng: np.random.Generator, low_hz: float, high_hz: float) -> Sound:
    """A knock."""
    return band(rng.normal(0, 1, m), low_hz, high_hz) * np.exp(-np.arange(m) / (m / rng.uniform(3, 8)))


def rung(m: int, rng: np.random.Generator) -> Sound:
    """Struck metal."""
    t = np.arange(m) / RATE
    partials = [np.sin(2 * np.pi * rng.uniform(300, 5_000) * t) * rng.uniform(0.2, 1) for _ in range(8)]
    return np.asarray(sum(partials) * np.exp(-np.arange(m) / (m / 6)))


def noises(rng: np.random.Generator, n: int) -> dict[str, Callable[[], Sound]]:
    """Every kind of noise, to be made when wanted."""
    t = np.arange(n) / RATE

    def some(low: float, high: float) -> Callable[[], float]:
        return lambda: float(rng.uniform(low, high))

    def chance(mean_s: float) -> Callable[[], float]:
        return lambda: float(rng.exponential(mean_s))

    def steady(period_s: float) -> Callable[[], float]:
        return lambda: float(max(0.05, rng.normal(period_s, 0.01)))

    def chirp(m: int) -> Sound:
        hertz = np.linspace(rng.uniform(2_000, 5_500), rng.uniform(2_000, 5_500), m)
        hertz = hertz + 200 * np.sin(np.arange(m) / RATE * 2 * np.pi * rng.uniform(10, 40))
        return np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * np.hanning(m)

    def cry(m: int, low: float, high: float) -> Sound:
        hertz = (
            rng.uniform(low, high) * (1 + 0.16 * (wander(m, rng, 8) - 0.5)) * np.linspace(1, rng.uniform(0.6, 1.2), m)
        )
        return (tone(hertz, rng, 12, 0.7) + 0.3 * rng.normal(0, 1, m)) * np.sqrt(np.hanning(m))

    def passing() -> Sound:
        sound = 0.3 * brown(n, rng, 0.97)
        for _ in range(int(rng.integers(3, 9))):
            away = (t - rng.uniform(0, n / RATE)) / rng.uniform(0.8, 3)
            hertz = rng.uniform(40, 120) * (1 - 0.12 * np.tanh(2 * away))
            roar = band(rng.normal(0, 1, n), 100, rng.uniform(1_500, 4_000))
            sound = sound + np.exp(-(away**2)) * (2 * roar + tone(hertz, rng, 15, 1.0) * rng.uniform(0.2, 2))
        return sound

    def engine() -> Sound:
        hertz = rng.uniform(25, 160) * (1 + 0.3 * (wander(n, rng, 0.5) - 0.5) + 0.01 * (wander(n, rng, 20) - 0.5))
        return tone(hertz, rng, 30, rng.uniform(0.5, 1.2)) + rng.uniform(0.1, 0.6) * brown(n, rng, 0.9)

    def hum() -> Sound:
        hertz = np.full(n, rng.choice([50.0, 60.0, 100.0, 120.0, rng.uniform(80, 400)]))
        return tone(hertz, rng, int(rng.integers(2, 14)), rng.uniform(0.5, 1.5)) + rng.uniform(0.02, 1) * brown(
            n, rng, 0.9
        )

    def siren() -> Sound:
        hertz = rng.uniform(600, 900) + rng.uniform(150, 350) * np.sin(2 * np.pi * rng.uniform(0.2, 3) * t)
        return tone(hertz, rng, 6, 1.2) + rng.uniform(0.1, 1) * brown(n, rng)

    def beeps() -> Sound:
        period_s = rng.uniform(0.3, 2)
        is_on = (t % period_s) < rng.uniform(0.1, 0.5) * period_s
        return np.sin(2 * np.pi * rng.uniform(400, 2_500) * t) * is_on + rng.uniform(0.01, 0.2) * rng.normal(0, 1, n)

    def wind() -> Sound:
        centres = rng.uniform(150, 900, 3)
        return np.asarray(sum(band(rng.normal(0, 1, n), f * 0.7, f * 1.4) * wander(n, rng, 0.7) ** 2 for f in centres))

    def sea() -> Sound:
        swell = np.abs(np.sin(np.pi * t * rng.uniform(0.1, 0.25) + rng.uniform(0, 3))) ** 3
        return band(rng.normal(0, 1, n), 100, 5_000) * (0.1 + swell)

    def rain() -> Sound:
        drops = bursts(n, rng, chance(1 / rng.uniform(20, 200)), lambda m: decaying(m, rng, 1_000, 6_000), (0.01, 0.02))
        return band(rng.normal(0, 1, n), 800, 7_000) * (0.6 + 0.4 * wander(n, rng, 1)) + 3 * drops

    return {
        "tones": lambda: np.asarray(
            sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 1_500, int(rng.integers(1, 5))))
        ),
        "white": lambda: rng.normal(0, 1, n),
        "dark": lambda: brown(n, rng, rng.uniform(0.8, 0.995)),
        "rain": rain,
        "wind": wind,
        "sea": sea,
        "traffic": passing,
        "engine": engine,
        "hum": hum,
        "steps": lambda: bursts(
            n, rng, steady(rng.uniform(0.35, 0.8)), lambda m: decaying(m, rng, 80, 2_000), (0.1, 0.2)
        ),
        "ticks": lambda: bursts(
            n, rng, steady(rng.choice([0.25, 0.5, 1.0])), lambda m: decaying(m, rng, 2e3, 5e3), (0.02, 0.03)
        ),
        "typing": lambda: bursts(n, rng, chance(0.15), lambda m: decaying(m, rng, 700, 5_000), (0.02, 0.05)),
        "blasts": lambda: bursts(
            n, rng, chance(rng.uniform(0.15, 2.5)), lambda m: decaying(m, rng, 40, 3_000), (0.1, 1.5)
        ),
        "birds": lambda: bursts(n, rng, chance(0.5), chirp, (0.04, 0.25)),
        "siren": siren,
        "beeps": beeps,
        "dogs": lambda: bursts(n, rng, chance(0.9), lambda m: cry(m, 250, 600), (0.12, 0.3)),
        "train": lambda: (
            brown(n, rng, 0.98) * 0.5
            + 3 * bursts(n, rng, steady(rng.uniform(0.3, 0.7)), lambda m: decaying(m, rng, 100, 2_000), (0.1, 0.15))
        ),
        "applause": lambda: bursts(n, rng, chance(0.004), lambda m: decaying(m, rng, 400, 5_000), (0.01, 0.012)),
        "screams": lambda: bursts(n, rng, some(0.8, 2.0), lambda m: cry(m, 500, 1_100), (0.4, 1.6)),
        "metal": lambda: bursts(n, rng, chance(1.0), lambda m: rung(m, rng), (0.2, 1.0)),
    }


def room(sound: Sound, rng: np.random.Generator) -> Sound:
    """The sound in a small room."""
    n = round(0.4 * RATE)
    answer = rng.normal(0, 1, n) * np.exp(-np.arange(n) / RATE / rng.uniform(0.03, 0.2))
    answer[0] += 8
    return np.asarray(fftconvolve(sound, answer)[: len(sound)])


def treated(sound: Sound, rng: np.random.Generator) -> Sound:
    """Coloured, cut in band, in some room, at some level, over some noise."""
    if rng.random() < 0.4:
        sound = room(sound, rng)
    if rng.random() < 0.5:
        sound = np.asarray(lfilter([1.0, rng.uniform(-0.6, 0.6)], [1.0], sound))
    if rng.random() < 0.4:
        sound = np.asarray(sosfilt(butter(4, rng.uniform(2_800, 7_000), fs=RATE, output="sos"), sound))
    if rng.random() < 0.3:
        sound = np.asarray(sosfilt(butter(2, rng.uniform(60, 300), "high", fs=RATE, output="sos"), sound))
    sound = level(sound) * 10 ** (rng.uniform(-42, -12) / 20)
    return sound + rng.normal(0, 10 ** (rng.uniform(-90, -62) / 20), len(sound))


def items(data: Path) -> Iterator[Item]:  # noqa: PLR0912 - a list of sources is read from top to bottom
    """Everything, in a fixed order."""
    rng = np.random.default_rng(7)
    voices = {voice: spoken(voice, rng) for voice in VOICES}
    said = list(voices.values())
    talk = {
        name: read(data / "video" / file, start_s, length_s)
        for name, file, start_s, length_s in (
            ("talking_face", "talking_face_60fps.mp4", 0.0, None),
            ("his_girl_friday", "his_girl_friday.mp4", 0.0, None),
            ("reader_1", "constructed_known_cuts.mp4", 5.0, 13.9),
            ("reader_2", "constructed_known_cuts.mp4", 24.0, 14.8),
        )
    }
    for name, sound in talk.items():
        for i in range(8):
            turned = sound if i == 0 else resample_poly(sound, int(rng.integers(87, 114)), 100)
            yield Item(f"talk:{name}", "talk", False, turned if i == 0 else treated(turned, rng))
    for voice, sound in voices.items():
        for _ in range(2):
            yield Item(f"voice:{voice}", "synthetic voices", False, treated(sound[: 30 * RATE], rng))
    for size in (3, 5, 8):
        for i in range(3):
            crowd = sum(
                level(np.roll(said[j], int(rng.integers(RATE * 20)))[: 18 * RATE]) for j in rng.permutation(12)[:size]
            )
            yield Item(f"crowd:{i}", "crowds", False, treated(np.asarray(crowd), rng))
    backs = []
    n = 16 * RATE
    for kind in noises(rng, n):
        for i in range(6):
            sound = noises(np.random.default_rng([i, len(backs)]), n)[kind]()
            backs.append(level(sound))
            yield Item(f"noise:{kind}", "noise", False, treated(sound, rng))
            if i % 2:
                over = backs[-1] * 10 ** (rng.uniform(-15, 5) / 20) + level(said[i][:n])
                yield Item(f"noise:{kind}", "voices over noise", False, treated(over, rng))
    songs = [(f"emotify:{p.stem}", read(p, 4.0, 20.0)) for p in sorted((data / "emotify").glob("*.opus"))[::4]]
    tracks = [p for p in sorted((data / "music").iterdir()) if p.suffix in (".ogg", ".mp3")]
    songs += [(f"music:{p.stem}", read(p, 2.0 + 20 * i, 20.0)) for p in tracks for i in range(2)]
    for i, (name, sound) in enumerate(songs):
        if len(sound) < 8 * RATE:
            continue
        yield Item(name, "music", True, treated(sound, rng))
        if i % 2:
            m = min(n, len(sound))
            voice = level(said[int(rng.integers(12))][:m]) * 10 ** (rng.uniform(-5, 9) / 20)
            yield Item(name, "music under voices", True, treated(level(sound[:m]) + voice, rng))
            back = backs[int(rng.integers(len(backs)))][:m] * 10 ** (rng.uniform(-15, 0) / 20)
            yield Item(name, "music under noise", True, treated(level(sound[:m]) + back, rng))
    for path in sorted((data / "mved").glob("*/*/*.mp4")):
        yield Item(f"mved:{path.stem}", "music videos", True, treated(read(path), rng))


def fold_of(source: str) -> str:
    """What a source is judged with: talkers and kinds of noise each alone, all others in folds."""
    alone = source.startswith(("talk:", "noise:"))
    return source if alone else str(int(hashlib.sha256(source.encode()).hexdigest(), 16) % N_FOLDS)


def fit(rows: npt.NDArray[np.float32], is_music: npt.NDArray[np.bool_]) -> dict[str, object]:
    """The network's numbers."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    x = torch.from_numpy(np.clip((rows - mean) / scale, -4, 4))
    y = torch.from_numpy(is_music.astype(np.float32))
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    hidden, out = torch.nn.Linear(x.shape[1], N_HIDDEN), torch.nn.Linear(N_HIDDEN, 1)
    params = [*hidden.parameters(), *out.parameters()]
    steps = torch.optim.Adam(params, lr=0.01)
    for _ in range(300):
        answer = out(torch.relu(hidden(x)))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(answer, y, weight=weight)
        (loss + 8e-3 * ((hidden.weight**2).sum() + (out.weight**2).sum())).backward()
        steps.step()
        steps.zero_grad()

    def plain(values: object) -> object:
        return np.round(np.asarray(values, np.float64), 5).tolist()

    return {
        "mean": plain(mean),
        "scale": plain(scale),
        "hidden": plain(hidden.weight.detach().numpy().T),
        "hidden_bias": plain(hidden.bias.detach().numpy()),
        "out": plain(out.weight.detach().numpy()[0]),
        "out_bias": plain(out.bias.detach().numpy()[0]),
    }


def answers(stored: dict[str, object], rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Probabilities of rows by a network that is not the shipped one."""
    w = {name: np.asarray(value) for name, value in stored.items()}
    hidden = np.maximum(np.clip((rows - w["mean"]) / w["scale"], -4, 4) @ w["hidden"] + w["hidden_bias"], 0)
    return np.where(detector.is_steady(rows), 0.0, 0.5 + 0.5 * np.tanh(0.5 * (hidden @ w["out"] + w["out_bias"])))


def main() -> None:
    """Listen, judge fold by fold, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=Path, help="file of rows, written the first time and read afterwards")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        kept = np.load(options.keep)
        rows, first, is_music = kept["rows"], kept["first"], kept["is_music"]
        sources, kinds = kept["sources"].tolist(), kept["kinds"].tolist()
    else:
        heard, first, sources, kinds, music = [], [0], [], [], []
        for item in items(options.data):
            sound = item.sound.astype(np.float32)
            starts = range(0, max(1, len(sound) - WINDOW + 1), STEP)
            windows = [np.pad(sound[s : s + WINDOW], (0, max(0, WINDOW - len(sound[s:])))) for s in starts]
            heard += [music_marks(w) for w in windows]
            first.append(len(heard))
            sources.append(item.source)
            kinds.append(item.kind)
            music.append(item.is_music)
        rows, first, is_music = np.array(heard), np.array(first), np.array(music)
        if options.keep:
            np.savez(options.keep, rows=rows, first=first, is_music=is_music, sources=sources, kinds=kinds)
    n_rows = np.diff(first)
    folds = np.array([fold_of(source) for source in sources])
    in_fold, truth = np.repeat(folds, n_rows), np.repeat(is_music, n_rows)
    probabilities = np.zeros(len(rows))
    for fold in dict.fromkeys(folds.tolist()):
        out = in_fold == fold
        probabilities[out] = answers(fit(rows[~out], truth[~out]), rows[out])
    print(
        f"{len(sources)} stretches of {len(set(sources))} sources, {len(rows)} looks, judged without their own source"
    )
    print(f"{'':20} {'stretches':>9} {'time taken for music':>21} {'half of it or more':>19}")
    for kind in dict.fromkeys(kinds):
        shares = []
        for i in range(len(sources)):
            if kinds[i] != kind:
                continue
            length_s = float(n_rows[i]) * detector.STEP_S
            spans = detector.music_spans(probabilities[first[i] : first[i + 1]].astype(np.float32), duration_s=length_s)
            shares.append(sum(s.duration_s for s in spans) / length_s)
        print(f"{kind:20} {len(shares):>9} {np.mean(shares):>20.1%} {np.mean(np.array(shares) >= 0.5):>18.1%}")
    if options.write:
        target = Path(str(files("soundtrack.audio"))) / "own_music.json"
        target.write_text(json.dumps(fit(rows, truth), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
