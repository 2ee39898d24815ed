"""Notes as sound: pitch and length go in, a mono float32 array with its own attack and tail comes out.

Everything is made from sine waves, short wave tables and seeded noise, so the demo needs no samples and no
licence. Levels are relative: a note peaks somewhere near 1 and the arranger sets its gain. Tuning is equal
temperament, A4 = 440 Hz; MIDI note numbers name pitches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from soundtrack.timebase import samples
from soundtrack.types import FloatArray

RATE_HZ = 44_100
"""Sample rate of everything that is played here."""

TABLE = 4_096
"""Points of a wave table; reading it without interpolation leaves noise some 70 dB down."""


def frequency_hz(midi: int) -> float:
    """Frequency of a MIDI note.

    Examples
    --------
    >>> frequency_hz(69)
    440.0
    """
    return float(440.0 * 2.0 ** ((midi - 69) / 12))


def _single(wave: object) -> FloatArray:
    """As float32."""
    return np.asarray(wave, dtype=np.float32)


def _time(duration_s: float) -> FloatArray:
    return np.arange(samples(duration_s, sample_rate_hz=RATE_HZ), dtype=np.float32) / np.float32(RATE_HZ)


def _attack(wave: FloatArray, attack_s: float) -> FloatArray:
    n = min(len(wave), max(2, samples(attack_s, sample_rate_hz=RATE_HZ)))
    wave[:n] *= np.sin(np.linspace(0, np.pi / 2, n, dtype=np.float32)) ** 2
    return wave


def _release(wave: FloatArray, release_s: float) -> FloatArray:
    n = min(len(wave), max(2, samples(release_s, sample_rate_hz=RATE_HZ)))
    wave[-n:] *= np.cos(np.linspace(0, np.pi / 2, n, dtype=np.float32)) ** 2
    return wave


def noise(duration_s: float, low_hz: float, high_hz: float, seed: int) -> FloatArray:
    """Noise with nothing outside a band, peaking near 1.

    Parameters
    ----------
    duration_s : float > 0
        Length in seconds.
    low_hz, high_hz : float
        Edges of the band.
    seed : int
        The same seed gives the same noise.

    Returns
    -------
    ndarray, shape=(samples,), float32
    """
    n = samples(duration_s, sample_rate_hz=RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum *= 1 / (1 + (low_hz / np.maximum(f, 1)) ** 4) / (1 + (f / high_hz) ** 4)
    wave = np.fft.irfft(spectrum, n)
    return _single(wave / (np.abs(wave).max() + 1e-9))


@cache
def _table(amplitudes: tuple[float, ...]) -> FloatArray:
    """One period made of harmonics, peaking at 1."""
    angle = np.arange(TABLE) * (2 * np.pi / TABLE)
    # Harmonics with spread phases ring less harshly than with all of them starting at 0.
    wave = sum(a * np.sin(k * angle + 0.7 * k * k) for k, a in enumerate(amplitudes, start=1))
    return np.asarray(wave / np.abs(wave).max(), dtype=np.float32)


def _harmonics(freq_hz: float, slope: float, *, top_hz: float = 9_000, odd_only: bool = False) -> tuple[float, ...]:
    """Amplitudes falling as 1 / k ** slope, and softly to nothing around a top frequency."""
    n = max(1, min(48, int(1.5 * top_hz / freq_hz)))
    softly = [math.exp(-2.2 * (k * freq_hz / top_hz) ** 2) for k in range(1, n + 1)]
    return tuple(0.0 if odd_only and k % 2 == 0 else k**-slope * softly[k - 1] for k in range(1, n + 1))


def _read(
    table: FloatArray, freq_hz: float, t: FloatArray, *, bend: FloatArray | None = None, phase: float = 0.0
) -> FloatArray:
    """Wave table at a frequency; `bend` adds to the phase, in periods."""
    turns = t.astype(np.float64) * freq_hz + phase
    if bend is not None:
        turns += bend
    turns -= np.floor(turns)
    return table[(turns * TABLE).astype(np.int32) % TABLE]


def _vibrato(freq_hz: float, t: FloatArray, *, depth: float, rate_hz: float, delay_s: float) -> FloatArray:
    """Phase wander of a vibrato that sets in late, in periods."""
    growing = np.clip((t - delay_s) / 0.5, 0, 1)
    return _single(growing * (depth * freq_hz / (2 * np.pi * rate_hz)) * np.sin(2 * np.pi * rate_hz * t))


def _struck(
    freq_hz: float, duration_s: float, *, ring_s: float, slope: float, stiffness: float, top_hz: float
) -> FloatArray:
    """A struck or plucked string: partials that die the sooner the higher they are."""
    t = _time(duration_s)
    wave = np.zeros_like(t)
    for k in range(1, 17):
        partial_hz = freq_hz * k * np.sqrt(1 + stiffness * k * k)
        if partial_hz > top_hz:
            break
        life_s = ring_s / (1 + 0.35 * k)
        amplitude = k**-slope * (0.25 + abs(np.sin(np.pi * k / 7.3)))
        end = min(len(t), samples(life_s * 7, sample_rate_hz=RATE_HZ))
        turns = (t[:end].astype(np.float64) * partial_hz) % 1.0
        wave[:end] += (
            amplitude * np.exp(-t[:end] / np.float32(life_s)) * np.sin(turns.astype(np.float32) * np.float32(2 * np.pi))
        )
    return wave


def piano(midi: int, duration_s: float) -> FloatArray:
    """Felt-hammered strings."""
    f = frequency_hz(midi)
    wave = _struck(f, duration_s + 0.3, ring_s=2.6 * (260 / f) ** 0.45, slope=1.25, stiffness=4e-4, top_hz=7_000)
    knock = noise(0.03, 200, 2_500, seed=midi)[: len(wave)]
    wave[: len(knock)] += 0.10 * knock * np.linspace(1, 0, len(knock), dtype=np.float32)
    return _release(_attack(wave, 0.003), 0.28) * 0.7


def guitar(midi: int, duration_s: float) -> FloatArray:
    """A bright plucked string."""
    f = frequency_hz(midi)
    wave = _struck(f, duration_s + 0.2, ring_s=1.1 * (220 / f) ** 0.3, slope=0.85, stiffness=1e-4, top_hz=8_500)
    return _release(_attack(wave, 0.002), 0.15) * 0.6


def harp(midi: int, duration_s: float) -> FloatArray:
    """A soft plucked string that keeps ringing after its note."""
    f = frequency_hz(midi)
    wave = _struck(f, duration_s + 1.4, ring_s=1.9 * (260 / f) ** 0.4, slope=1.7, stiffness=0.0, top_hz=6_000)
    return _release(_attack(wave, 0.004), 1.0) * 0.8


def electric_piano(midi: int, duration_s: float) -> FloatArray:
    """A tine: two sine waves, one bending the other."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.25)
    tine = np.exp(-t / 0.25) * np.sin(2 * np.pi * ((t.astype(np.float64) * f * 7) % 1)).astype(np.float32)
    turns = (t.astype(np.float64) * f) % 1
    body = np.sin(2 * np.pi * turns + 0.9 * np.exp(-t / 0.5) * np.sin(2 * np.pi * turns) + 0.12 * tine)
    return _release(_attack((body * np.exp(-t / 1.6)).astype(np.float32), 0.004), 0.2) * 0.7


def bell(midi: int, duration_s: float) -> FloatArray:
    """A small bell with its uneven partials."""
    f = frequency_hz(midi)
    t = _time(duration_s + 2.2)
    wave = np.zeros_like(t)
    for ratio, amplitude, life_s in (
        (0.5, 0.3, 2.2),
        (1, 1, 1.6),
        (2, 0.55, 1.1),
        (2.74, 0.4, 0.7),
        (4.07, 0.25, 0.4),
        (5.4, 0.15, 0.25),
    ):
        wave += (
            amplitude
            * np.exp(-t / np.float32(life_s))
            * np.sin(2 * np.pi * ((t.astype(np.float64) * f * ratio) % 1)).astype(np.float32)
        )
    return _release(_attack(wave, 0.002), 1.0) * 0.45


def _bowed(
    midi: int, duration_s: float, *, attack_s: float, release_s: float, slope: float, top_hz: float, voices: int
) -> FloatArray:
    """Several slightly different players of one note."""
    f = frequency_hz(midi)
    t = _time(duration_s + release_s)
    table = _table(_harmonics(f, slope, top_hz=top_hz))
    wave = np.zeros_like(t)
    for i in range(voices):
        detune = 2 ** ((i - (voices - 1) / 2) * 9 / 1200)
        bend = _vibrato(f, t, depth=0.0045, rate_hz=5.1 + 0.37 * i, delay_s=0.25 + 0.1 * i)
        wave += _read(table, f * detune, t, bend=bend, phase=0.31 * i)
    return _release(_attack(wave / np.float32(voices**0.7), attack_s), release_s)


def strings(midi: int, duration_s: float) -> FloatArray:
    """A small string section, slow bow."""
    return (
        _bowed(midi, duration_s, attack_s=min(0.35, duration_s / 2), release_s=0.45, slope=1.35, top_hz=5_500, voices=3)
        * 0.6
    )


def cello(midi: int, duration_s: float) -> FloatArray:
    """One player, singing tone."""
    return _bowed(midi, duration_s, attack_s=0.12, release_s=0.25, slope=1.15, top_hz=4_000, voices=1) * 0.7


def spiccato(midi: int, duration_s: float) -> FloatArray:
    """Short bouncing bows."""
    wave = _bowed(midi, min(duration_s, 0.16), attack_s=0.012, release_s=0.12, slope=1.0, top_hz=7_000, voices=2)
    return _single(wave * np.exp(-_time(len(wave) / RATE_HZ)[: len(wave)] / 0.12) * 0.9)


def tremolo(midi: int, duration_s: float) -> FloatArray:
    """Nervous bows, changing direction eleven times a second near the bridge."""
    wave = _bowed(midi, duration_s, attack_s=0.2, release_s=0.3, slope=0.75, top_hz=9_000, voices=3)
    t = _time(len(wave) / RATE_HZ)[: len(wave)]
    return _single(wave * (0.45 + 0.55 * np.abs(np.sin(np.pi * 11.3 * t))) * 0.6)


def pad(midi: int, duration_s: float) -> FloatArray:
    """A warm, slow, wide chord voice."""
    f = frequency_hz(midi)
    t = _time(duration_s + 1.2)
    table = _table(_harmonics(f, 2.1, top_hz=2_600))
    wave = sum(_read(table, f * 2 ** (cents / 1200), t, phase=0.21 * i) for i, cents in enumerate((-6, 0, 7)))
    return _release(_attack(_single(np.asarray(wave) / 2), min(0.9, duration_s / 2)), 1.1) * 0.6


def flute(midi: int, duration_s: float) -> FloatArray:
    """A breathy pipe."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.12)
    wave = _read(_table((1.0, 0.35, 0.12, 0.04)), f, t, bend=_vibrato(f, t, depth=0.006, rate_hz=4.9, delay_s=0.3))
    breath = noise(2.0, f * 0.9, f * 3, seed=midi)
    breath = np.resize(breath, len(wave))
    return _release(_attack(wave * 0.8 + 0.05 * breath, 0.07), 0.1) * 0.75


def brass(midi: int, duration_s: float) -> FloatArray:
    """Bright at the attack, rounder after."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.1)
    bend = _vibrato(f, t, depth=0.003, rate_hz=5.3, delay_s=0.4)
    dull = _read(_table(_harmonics(f, 1.7, top_hz=3_000)), f, t, bend=bend)
    bright = _read(_table(_harmonics(f, 0.6, top_hz=7_500)), f, t, bend=bend)
    edge = np.exp(-t / 0.22).astype(np.float32) * 0.7 + 0.2
    return _release(_attack((dull * (1 - edge) + bright * edge).astype(np.float32), 0.03), 0.1) * 0.7


def lead(midi: int, duration_s: float) -> FloatArray:
    """A clear electronic melody voice."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.08)
    bend = _vibrato(f, t, depth=0.004, rate_hz=5.6, delay_s=0.25)
    wave = _read(_table(_harmonics(f, 1.0, top_hz=8_000, odd_only=True)), f, t, bend=bend)
    return _release(_attack(wave + 0.5 * _read(_table(_harmonics(f, 1.2)), f * 1.004, t, bend=bend), 0.01), 0.07) * 0.45


def bass(midi: int, duration_s: float) -> FloatArray:
    """A fingered electric bass."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.06)
    wave = _read(_table((1.0, 0.6, 0.35, 0.18, 0.1, 0.05)), f, t) * np.exp(-t / 0.9)
    return _release(_attack(wave.astype(np.float32), 0.006), 0.06)


def double_bass(midi: int, duration_s: float) -> FloatArray:
    """Low bowed ground."""
    return (
        _bowed(midi, duration_s, attack_s=min(0.25, duration_s / 2), release_s=0.4, slope=1.4, top_hz=1_400, voices=2)
        * 0.8
    )


def drone(midi: int, duration_s: float) -> FloatArray:
    """A dark beating hum with a rumble under it."""
    f = frequency_hz(midi)
    t = _time(duration_s + 1.5)
    table = _table(_harmonics(f, 1.2, top_hz=900))
    wave = sum(_read(table, f * r, t) for r in (1.0, 1.011, 0.5, 1.498))
    rumble = np.resize(noise(6.0, 25, 110, seed=midi), len(t))
    breathing = 0.75 + 0.25 * np.sin(2 * np.pi * 0.13 * t)
    return _release(_attack(((np.asarray(wave) * 0.25 + 0.6 * rumble) * breathing).astype(np.float32), 1.2), 1.4)


def glass(midi: int, duration_s: float) -> FloatArray:
    """Rubbed glass: pure, cold, slowly swelling, a quarter tone apart from itself."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.8)
    swell = np.sin(np.pi * np.clip(t / t[-1], 0, 1)) ** 2
    wave = sum(np.sin(2 * np.pi * ((t.astype(np.float64) * f * r) % 1)) for r in (1.0, 1.0293, 2.003))
    return np.asarray(wave * swell * 0.35, dtype=np.float32)


def scrape(midi: int, duration_s: float) -> FloatArray:
    """Metal dragged over metal: narrow noise that climbs out of nothing."""
    f = frequency_hz(midi)
    wave = noise(duration_s + 0.1, f * 0.9, f * 1.6, seed=midi)
    return wave * np.linspace(0, 1, len(wave), dtype=np.float32) ** 3


def wind(midi: int, duration_s: float) -> FloatArray:
    """Air moving through a gap somewhere: comes, and goes."""
    f = frequency_hz(midi)
    wave = noise(duration_s + 1.0, f * 0.7, f * 2.2, seed=midi)
    return wave * np.sin(np.linspace(0, np.pi, len(wave), dtype=np.float32))


def power(midi: int, duration_s: float) -> FloatArray:
    """A driven electric guitar: root, fifth and octave through an amplifier that cannot take them."""
    f = frequency_hz(midi)
    t = _time(duration_s + 0.08)
    strings_of_it = (_read(_table(_harmonics(f * r, 0.9, top_hz=6_000)), f * r, t) for r in (1.0, 1.003, 1.5, 2.0))
    return _release(_attack(_single(np.tanh(2.5 * sum(strings_of_it)) * 0.6), 0.004), 0.06)


def swell(midi: int, duration_s: float) -> FloatArray:
    """A cymbal played backwards: all of it leads to the next bar."""
    wave = noise(duration_s, 2_500, 11_000, seed=midi)
    return _release(wave * np.linspace(0, 1, len(wave), dtype=np.float32) ** 4, 0.02)


def kick(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """Bass drum."""
    t = _time(0.35)
    turns = 48 * t + 95 * 0.035 * (1 - np.exp(-t / 0.035))
    return _release((np.sin(2 * np.pi * turns) * np.exp(-t / 0.11)).astype(np.float32), 0.05)


def snare(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """Snare drum."""
    t = _time(0.24)
    tone = np.sin(2 * np.pi * 187 * t) * np.exp(-t / 0.05)
    return _single(0.55 * tone + 0.8 * noise(0.24, 900, 9_000, seed=3)[: len(t)] * np.exp(-t / 0.075))


def hat(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """Closed hi-hat."""
    t = _time(0.09)
    return _single(noise(0.09, 7_000, 15_000, seed=5)[: len(t)] * np.exp(-t / 0.022))


def shaker(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """Grains in a shell."""
    t = _time(0.12)
    return _single(noise(0.12, 4_500, 12_000, seed=7)[: len(t)] * np.sin(np.pi * t / 0.12) ** 2)


def tick(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """A clock's escapement."""
    t = _time(0.05)
    return _single(np.sin(2 * np.pi * frequency_hz(midi) * t) * np.exp(-t / 0.006))


def tom(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """A deep drum at a pitch."""
    t = _time(0.9)
    f = frequency_hz(midi)
    turns = f * t + 0.5 * f * 0.05 * (1 - np.exp(-t / 0.05))
    skin = noise(0.9, 80, 1_200, seed=11)[: len(t)] * np.exp(-t / 0.04)
    return _release((np.sin(2 * np.pi * turns) * np.exp(-t / 0.28) + 0.35 * skin).astype(np.float32), 0.1)


def heartbeat(midi: int, duration_s: float) -> FloatArray:
    """Two soft thumps."""
    wave = np.zeros(samples(1.2, sample_rate_hz=RATE_HZ), dtype=np.float32)
    thump = tom(midi, duration_s)
    late = samples(0.28, sample_rate_hz=RATE_HZ)
    wave[: len(thump)] += thump
    wave[late : late + len(thump)] += 0.6 * thump[: len(wave) - late]
    return wave


def crash(midi: int, duration_s: float) -> FloatArray:  # noqa: ARG001 - every instrument takes the same two
    """A cymbal left to ring."""
    t = _time(2.4)
    return _single(noise(2.4, 3_000, 14_000, seed=13)[: len(t)] * np.exp(-t / 0.55))


INSTRUMENTS: dict[str, Callable[[int, float], FloatArray]] = {
    f.__name__: f
    for f in (
        piano, guitar, harp, electric_piano, bell, strings, cello, spiccato, tremolo, pad, flute, brass, lead, bass,
        double_bass, drone, glass, scrape, wind, power, swell, kick, snare, hat, shaker, tick, tom, heartbeat, crash,
    )
}  # fmt: skip
"""Everything that can be played, by name."""
