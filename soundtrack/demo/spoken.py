"""A spoken passage by espeak-ng, or by a plain built-in voice where it is not installed.

Our own voice says no words. It has what makes speech sound like speech to a machine and, at some distance, to an ear: a
buzzing source whose pitch wanders and falls over a phrase, three resonances that move from vowel to vowel, hissing and
stopped consonants between them, four syllables a second, pauses.
"""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from soundtrack.processes.children import output_of
from soundtrack.processes.surroundings import find_program
from soundtrack.timebase import samples
from soundtrack.types import FloatArray

RATE_HZ = 48_000
"""Sample rate of the film's sound."""

TEXT = (
    "The boats come home when the light goes down. Nobody hurries here.",
    "You can hear the water breathe under the stones, and for a while nothing is missing.",
)
"""What is said, phrase by phrase."""

_VOWELS: dict[str, tuple[float, float, float]] = {
    "a": (730, 1_150, 2_440), "e": (530, 1_840, 2_480), "i": (290, 2_250, 3_000),
    "o": (460, 860, 2_420), "u": (320, 880, 2_250), "@": (500, 1_480, 2_500),
}  # fmt: skip
"""Centres of the first three resonances of a vowel, in Hz."""

_SYLLABLES = (
    "@- bo-s kam- hom- wen- @- la-t gos- dan-  . nobo- di- hu- ris- hi-",
    "ju- kan- hi- @- wa- t@- bri-z an- d@- stons-  . an- fo- @- wa-l na- siN- is- mi- siN-",
)
"""The same phrases as sounds: consonants around vowels; a full stop is a pause."""


def say(phrase: int, *, program: Path | None = None, synthesiser: bool = True) -> FloatArray:
    """One phrase of the passage as sound.

    Parameters
    ----------
    phrase : int
        Place in `TEXT`.
    program : Path, optional
        The espeak-ng to use; looked up on the path where None.
    synthesiser : bool
        Whether espeak-ng may be used at all.

    Returns
    -------
    ndarray, shape=(samples,), float32
        Mono at `RATE_HZ`, peaking at 0.5.
    """
    found = program.absolute() if program else find_program("espeak-ng") or find_program("espeak")
    spoken = _espeak(found, TEXT[phrase]) if found and synthesiser else None
    voice = _own_voice(phrase) if spoken is None else spoken
    return (voice * (0.5 / float(np.abs(voice).max()))).astype(np.float32)


def _espeak(program: Path, text: str) -> FloatArray | None:
    """What the synthesiser says, at our rate; None when it fails, which costs nothing but the words."""
    from scipy.signal import resample_poly

    said = output_of([str(program), "--stdout", "-v", "en", "-s", "138", "-p", "38", text], limit_s=20)
    if said is None:
        return None
    try:
        with wave.open(io.BytesIO(said)) as file:
            rate_hz, width = file.getframerate(), file.getsampwidth()
            raw = file.readframes(file.getnframes())
    except (OSError, wave.Error, EOFError):
        return None
    if width != 2 or len(raw) < rate_hz:
        return None
    sound = np.frombuffer(raw, dtype="<i2").astype(np.float32) / np.float32(32_768)
    return np.asarray(resample_poly(sound, RATE_HZ, rate_hz), dtype=np.float32)


def _hiss(n: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> FloatArray:
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum *= (f > low_hz) & (f < high_hz)
    sound = np.fft.irfft(spectrum, n) * np.hanning(n)
    return np.asarray(sound / (np.abs(sound).max() + 1e-9), dtype=np.float32)


def _voiced(
    targets: list[tuple[float, tuple[float, float, float], float]], duration_s: float, rng: np.random.Generator
) -> FloatArray:
    """Vowels as harmonics of a falling pitch under moving resonances; targets are (time, resonances, loudness)."""
    n = samples(duration_s, sample_rate_hz=RATE_HZ)
    t = np.arange(n, dtype=np.float32) / RATE_HZ
    at = [target[0] for target in targets]
    centres = [np.interp(t, at, [target[1][i] for target in targets]).astype(np.float32) for i in range(3)]
    loud = np.interp(t, at, [target[2] for target in targets]).astype(np.float32)
    wander = np.interp(t, np.arange(0, duration_s + 0.2, 0.12), rng.normal(0, 5, int((duration_s + 0.2) / 0.12) + 1))
    pitch_hz = 128 - 34 * t / duration_s + 9 * loud * np.sin(2 * np.pi * 1.3 * t) + wander
    turns = np.cumsum(pitch_hz) / RATE_HZ
    sound = np.zeros(n, dtype=np.float32)
    for k in range(1, 36):
        f = (k * pitch_hz).astype(np.float32)
        level = np.zeros(n, dtype=np.float32)
        for centre, width, weight in zip(centres, (70, 100, 140), (1.0, 0.6, 0.3), strict=True):
            level += np.float32(weight) / (1 + ((f - centre) / np.float32(width)) ** 2)
        sound += level * np.float32(k**-0.6) * np.sin(2 * np.pi * ((k * turns) % 1)).astype(np.float32)
    return sound * loud


def _own_voice(phrase: int) -> FloatArray:
    """The phrase by the plain voice."""
    rng = np.random.default_rng(100 + phrase)
    now_s = 0.1
    targets: list[tuple[float, tuple[float, float, float], float]] = [(0.0, _VOWELS["@"], 0.0)]
    hisses: list[tuple[float, float, float, float]] = []
    for syllable in _SYLLABLES[phrase].split():
        if syllable == ".":
            targets.append((now_s + 0.05, _VOWELS["@"], 0.0))
            now_s += 0.42
            continue
        for letter in syllable.rstrip("-"):
            if letter in _VOWELS:
                length_s = float(rng.uniform(0.10, 0.17))
                stress = float(rng.uniform(0.7, 1.0))
                targets += [(now_s + 0.03, _VOWELS[letter], stress), (now_s + length_s, _VOWELS[letter], 0.8 * stress)]
                now_s += length_s
            elif letter in "sztkfhd":
                hisses.append(
                    (
                        now_s,
                        0.075 if letter in "szfh" else 0.025,
                        3_500 if letter in "szt" else 1_200,
                        9_000 if letter in "szt" else 5_000,
                    )
                )
                targets += [(now_s, _VOWELS["@"], 0.0), (now_s + 0.06, _VOWELS["@"], 0.0)]
                now_s += 0.07
            else:
                targets += [(now_s + 0.025, (280, 1_100, 2_300), 0.25), (now_s + 0.05, (280, 1_100, 2_300), 0.25)]
                now_s += 0.06
    targets.append((now_s + 0.06, _VOWELS["@"], 0.0))
    sound = _voiced(targets, now_s + 0.2, rng)
    sound /= np.float32(np.abs(sound).max())
    for start_s, length_s, low_hz, high_hz in hisses:
        start = samples(start_s, sample_rate_hz=RATE_HZ)
        noise = _hiss(samples(length_s, sample_rate_hz=RATE_HZ), low_hz, high_hz, rng)
        sound[start : start + len(noise)] += np.float32(0.22) * noise[: len(sound) - start]
    return sound
