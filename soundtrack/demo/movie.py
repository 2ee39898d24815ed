"""The demo film: four scenes of plainly different mood, as pictures and as sound.

Lively (a concert in the park, eight quick shots), restful (the sea in the evening, after a dissolve; there is speech),
frightening (a dark corridor, quiet at first, then ever shorter shots), sad (a grey street in the rain, to black). All
other changes of shot are hard cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from soundtrack.demo import concert, corridor, park, rain, sea
from soundtrack.demo.spoken import RATE_HZ, say
from soundtrack.timebase import samples
from soundtrack.types import ByteArray, FloatArray

FPS = Fraction(24)
"""Frames a second."""

Painter = Callable[[float], FloatArray]
"""Seconds into the shot -> image (HEIGHT, WIDTH, 3) in [0, 255]."""


@dataclass(frozen=True, slots=True)
class DemoShot:
    """One shot of the demo film."""

    scene: str
    """Which scene it belongs to."""
    n_frames: int
    """Its length."""
    paint: Painter
    """How it looks."""
    dissolve: int = 0
    """Frames during which it still shows the shot before it; 0 is a hard cut."""


SHOTS: tuple[DemoShot, ...] = (
    DemoShot("park", 60, partial(park.wide, start=0, speed=150)),
    DemoShot("park", 84, partial(concert.stage, seed=0, beats_hz=2.2)),
    DemoShot("park", 60, partial(concert.stage, seed=3, beats_hz=3.0)),
    DemoShot("park", 48, partial(concert.stage, seed=5, beats_hz=3.0)),
    DemoShot("park", 72, partial(concert.stage, seed=1, beats_hz=2.6)),
    DemoShot("park", 54, partial(concert.stage, seed=4, beats_hz=3.0)),
    DemoShot("park", 48, park.balloons),
    DemoShot("park", 72, partial(concert.stage, seed=2, beats_hz=2.2)),
    DemoShot("sea", 300, partial(sea.dusk, horizon=190, sun_x=400, boat_size=34, drift=5), dissolve=36),
    DemoShot("sea", 288, partial(sea.dusk, horizon=150, sun_x=220, boat_size=70, drift=3)),
    DemoShot("corridor", 192, partial(corridor.walk, start=0, speed=0.9, tilt=0.0, fear=0.0)),
    DemoShot("corridor", 108, partial(corridor.walk, start=9, speed=2.4, tilt=0.16, fear=0.0)),
    DemoShot("corridor", 84, partial(corridor.walk, start=22, speed=3.0, tilt=-0.1, fear=0.0)),
    DemoShot("corridor", 48, partial(corridor.walk, start=31, speed=5.0, tilt=-0.22, fear=0.0)),
    DemoShot("corridor", 72, partial(corridor.walk, start=44, speed=2.6, tilt=0.05, fear=1.0)),
    DemoShot("rain", 252, partial(rain.street, near=1.3)),
    DemoShot("rain", 300, partial(rain.street, near=1.0)),
)
"""The whole film in order."""

FADE_OUT_FRAMES = 48
"""The last frames go to black."""

N_FRAMES = sum(shot.n_frames for shot in SHOTS)
"""Length of the film."""


def scene_starts_s() -> dict[str, float]:
    """When each scene begins, in seconds."""
    starts: dict[str, float] = {}
    first = 0
    for shot in SHOTS:
        starts.setdefault(shot.scene, float(first / FPS))
        first += shot.n_frames
    return starts


def frames() -> Iterator[ByteArray]:
    """The pictures, one after the other; each uint8 RGB, shape (HEIGHT, WIDTH, 3)."""
    shown = 0
    for number, shot in enumerate(SHOTS):
        before = SHOTS[number - 1]
        for i in range(shot.n_frames):
            image = shot.paint(float(i / FPS))
            if i < shot.dissolve:
                part = np.float32((i + 1) / (shot.dissolve + 1))
                image = part * image + (1 - part) * before.paint(float((before.n_frames + i) / FPS))
            black = np.float32(min(1.0, (N_FRAMES - 1 - shown) / FADE_OUT_FRAMES))
            image *= black
            yield np.clip(image, 0, 255, out=image).astype(np.uint8)
            shown += 1


# --- sound ----


def _hush(duration_s: float, low_hz: float, high_hz: float, seed: int) -> FloatArray:
    """Stereo noise in a band, its mean square 1; shape (2, samples)."""
    n = samples(duration_s, sample_rate_hz=RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, n)))
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum *= 1 / (1 + (low_hz / np.maximum(f, 1)) ** 4) / (1 + (f / high_hz) ** 4)
    sound = np.fft.irfft(spectrum, n)
    return np.asarray(sound / np.sqrt((sound**2).mean()), dtype=np.float32)


def _times(sound: FloatArray) -> FloatArray:
    return np.arange(sound.shape[1], dtype=np.float32) / np.float32(RATE_HZ)


def _birds(duration_s: float) -> FloatArray:
    """A few chirps on a light breeze."""
    sound = 0.004 * _hush(duration_s, 150, 900, seed=1)
    rng = np.random.default_rng(2)
    for start_s in np.sort(rng.uniform(0.3, duration_s - 0.6, 34)):
        t = np.arange(samples(0.11, sample_rate_hz=RATE_HZ), dtype=np.float32) / RATE_HZ
        base_hz, pan = rng.uniform(2_600, 4_600), rng.uniform(0.1, 0.9)
        chirp = (
            np.sin(2 * np.pi * (base_hz * t + rng.uniform(-4_000, 9_000) * t * t))
            * np.hanning(len(t))
            * rng.uniform(0.004, 0.02)
        )
        start = samples(float(start_s), sample_rate_hz=RATE_HZ)
        sound[:, start : start + len(t)] += (np.array([[1 - pan], [pan]]) * chirp).astype(np.float32)
    return sound


def _surf(duration_s: float) -> FloatArray:
    """Small waves, one every six seconds."""
    sound = _hush(duration_s, 120, 1_600, seed=4)
    return np.asarray(sound * (0.0035 + 0.009 * np.sin(np.pi * _times(sound) / 6.2) ** 4), dtype=np.float32)


def _hum(duration_s: float) -> FloatArray:
    """Next to nothing for five seconds, then a distant hum and drips."""
    sound = 0.0002 * _hush(duration_s, 60, 400, seed=5)
    t = _times(sound)
    sound += np.clip((t - 5) / 6, 0, 1) * 0.006 * np.sin(2 * np.pi * 50 * t) * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * t))
    for start_s in (2.6, 6.1, 8.4, 11.2, 13.0, 15.7, 18.2):
        start = samples(start_s, sample_rate_hz=RATE_HZ)
        u = t[: samples(0.15, sample_rate_hz=RATE_HZ)]
        drip = 0.012 * np.sin(2 * np.pi * (900 * u + 2_500 * u * u)) * np.exp(-u / 0.025)
        sound[:, start : start + len(u)] += drip.astype(np.float32)
    return sound.astype(np.float32)


def _drizzle(duration_s: float) -> FloatArray:
    """Steady rain."""
    sound = 0.010 * _hush(duration_s, 500, 6_000, seed=6) + 0.004 * _hush(duration_s, 80, 300, seed=7)
    return np.asarray(sound * (1 + 0.15 * np.sin(2 * np.pi * 0.11 * _times(sound))), dtype=np.float32)


_AMBIENCES: dict[str, Callable[[float], FloatArray]] = {
    "park": _birds,
    "sea": _surf,
    "corridor": _hum,
    "rain": _drizzle,
}

SPEECH_S = (7.0, 13.0)
"""When the two phrases begin, in seconds after the sea is first seen."""


def sound(*, synthesiser: bool = True) -> FloatArray:
    """The film's own sound: ambience and one spoken passage, no music.

    Parameters
    ----------
    synthesiser : bool
        Whether a speech synthesiser may be used where there is one.

    Returns
    -------
    ndarray, shape=(2, samples), float32
        Stereo at `RATE_HZ`, exactly as long as the picture.
    """
    total = samples(float(N_FRAMES / FPS), sample_rate_hz=RATE_HZ)
    mixed = np.zeros((2, total), dtype=np.float32)
    starts = scene_starts_s()
    ends = [*list(starts.values())[1:], float(N_FRAMES / FPS)]
    edge = samples(0.4, sample_rate_hz=RATE_HZ)
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    for (scene, start_s), end_s in zip(starts.items(), ends, strict=True):
        ambience = _AMBIENCES[scene](end_s - start_s)
        ambience[:, :edge] *= ramp
        ambience[:, -edge:] *= ramp[::-1]
        start = samples(start_s, sample_rate_hz=RATE_HZ)
        mixed[:, start : start + ambience.shape[1]] += ambience[:, : total - start]
    for phrase, after_s in enumerate(SPEECH_S):
        voice = 0.5 * say(phrase, synthesiser=synthesiser)
        start = samples(starts["sea"] + after_s, sample_rate_hz=RATE_HZ)
        mixed[:, start : start + len(voice)] += voice
    return mixed
