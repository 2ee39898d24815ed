"""Playback of a piece written as data (sections of bars, chords and parts) to stereo sound.

Notation of a part's line: one token a step, ``steps`` of them a beat. ``.`` rests, ``-`` holds, digits are scale steps
above the bar's chord root counted from 1 (so ``1+3+5`` is its triad), or above the tonic where the part is a
``melody``; ``'`` and ``,`` move an octave up and down, ``#`` and ``b`` a semitone, ``!`` plays louder and ``?`` softer,
``|`` is for the eye. A line shorter than its section repeats. Chords are scale degrees, one a bar; ``h`` after a degree
takes that bar from the harmonic minor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from soundtrack.demo.instruments import INSTRUMENTS, RATE_HZ
from soundtrack.timebase import samples
from soundtrack.types import FloatArray

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
"""Semitones of the seven scale steps above the tonic."""

_RING = 1.4
"""The last chord sounds this many times its written length."""

_TOKEN = re.compile(r"^(?P<step>\d)(?P<sharp>[#b]*)(?P<octave>[',]*)(?P<accent>[!?]?)$")


@dataclass(frozen=True, slots=True)
class Part:
    """What one player does, bar after bar."""

    instrument: str
    """Name in `INSTRUMENTS`."""
    line: str
    """Notation as described above."""
    steps: int = 1
    """Tokens a beat."""
    octave: int = 0
    """Octaves above the piece's tonic."""
    gain: float = 0.5
    """Loudness, 0 to 1."""
    pan: float = 0.0
    """-1 left to 1 right."""
    send: float = 0.25
    """How much goes to the room, 0 to 1."""
    melody: bool = False
    """Whether steps count from the tonic and not from the chord."""
    fold: bool = False
    """Whether chords stay within one octave of each other, as a keyboard player's hand does."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One section of a piece."""

    chords: str
    """One scale degree a bar."""
    parts: tuple[str, ...]
    """Who plays."""
    gain: float = 1.0
    """Loudness of the section."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A whole piece of music."""

    title: str
    """Its name."""
    mood: str
    """Which of the six classes it was written for."""
    genre: str
    """For the tags."""
    tonic: int
    """MIDI note of the scale's first step in octave 0."""
    mode: str
    """Name in `MODES`."""
    bpm: float
    """Beats a minute."""
    beats: int
    """Beats a bar."""
    form: str
    """Passages in order, by letter."""
    parts: dict[str, Part] = field(repr=False)
    """Players by name."""
    passages: dict[str, Passage] = field(repr=False)
    """Passages by letter; ``z`` is the last chord, left to ring."""
    room_s: float = 1.8
    """Reverberation time."""
    drive: float = 0.0
    """How hard the finished sound is pressed, 0 to 1."""
    peak: float = 0.7
    """Highest sample."""
    extension: str = "flac"
    """What it is encoded as."""

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return 60 / self.bpm * self.beats

    @property
    def n_bars(self) -> int:
        """Bars in the whole form."""
        return sum(len(self.passages[letter].chords.split()) for letter in self.form)


def _pitch(piece: Piece, part: Part, token: re.Match[str], chord: str) -> int:
    """MIDI note of one token over one chord."""
    scale = MODES["harmonic" if chord.endswith("h") else piece.mode]
    root = 0 if part.melody else int(chord.rstrip("h")) - 1
    octaves, place = divmod(root + int(token["step"]) - 1, 7)
    bend = token["sharp"].count("#") - token["sharp"].count("b")
    shift = token["octave"].count("'") - token["octave"].count(",")
    above = scale[place] + 12 * octaves
    if part.fold:
        above = (above + 3) % 12 - 3
    return piece.tonic + above + bend + 12 * (part.octave + shift)


class _Desk:
    """Collects notes; keeps a stereo dry bus and a stereo send to the room."""

    def __init__(self, duration_s: float, seed: int) -> None:
        n = samples(duration_s, sample_rate_hz=RATE_HZ)
        self.dry = np.zeros((2, n), dtype=np.float32)
        self.send = np.zeros((2, n), dtype=np.float32)
        self._played: dict[tuple[str, int, int], FloatArray] = {}
        self._rng = np.random.default_rng(seed)

    def play(self, part: Part, midi: int, *, at_s: float, length_s: float, gain: float, dying: bool = False) -> None:
        """Put one note on the tape, a few milliseconds early or late as people are; the last chord dies away."""
        key = (part.instrument, midi, round(length_s * 1000))
        wave = self._played.get(key)
        if wave is None:
            wave = self._played[key] = INSTRUMENTS[part.instrument](midi, length_s).astype(np.float32)
        if dying:
            wave = wave * np.linspace(1, 0, len(wave), dtype=np.float32) ** 1.5
        start = max(0, samples(at_s + float(self._rng.normal(0, 0.004)), sample_rate_hz=RATE_HZ))
        wave = wave[: self.dry.shape[1] - start]
        gain *= part.gain * float(self._rng.uniform(0.88, 1.0))
        angle = (part.pan + 1) * np.pi / 4
        for channel, side in enumerate((np.cos(angle), np.sin(angle))):
            level = np.float32(gain * side)
            self.dry[channel, start : start + len(wave)] += level * wave
            self.send[channel, start : start + len(wave)] += level * np.float32(part.send) * wave


def _room(duration_s: float) -> FloatArray:
    """Impulse response of a room: noise that dies, the treble first; shape (2, samples)."""
    rng = np.random.default_rng(42)
    n = samples(duration_s * 1.2, sample_rate_hz=RATE_HZ)
    t = np.arange(n, dtype=np.float32) / RATE_HZ
    response = np.zeros((2, n), dtype=np.float32)
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    for low, high, life in ((60, 700, 1.0), (700, 2_500, 0.8), (2_500, 7_000, 0.45)):
        spectrum = (
            np.fft.rfft(rng.standard_normal((2, n))) / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4)
        )
        response += np.fft.irfft(spectrum, n).astype(np.float32) * np.exp(-6.9 * t / (duration_s * life)).astype(
            np.float32
        )
    delay = samples(0.018, sample_rate_hz=RATE_HZ)
    response[:, :delay] = 0
    return response / np.float32(np.sqrt((response**2).sum(axis=1).max()))


def _play_passage(desk: _Desk, piece: Piece, letter: str, first_bar: int) -> int:
    """All parts of one passage; returns the bar after it."""
    passage = piece.passages[letter]
    chords = passage.chords.split()
    beat_s = 60 / piece.bpm
    ringing = letter == "z"
    for name in passage.parts:
        part = piece.parts[name]
        tokens = part.line.replace("|", " ").split()
        n_steps = len(chords) * piece.beats * part.steps
        for step in range(n_steps):
            token = tokens[step % len(tokens)]
            if token in (".", "-"):
                continue
            held = 1
            while step + held < n_steps and tokens[(step + held) % len(tokens)] == "-":
                held += 1
            chord = chords[step // (piece.beats * part.steps)]
            at_s = first_bar * piece.bar_s + step * beat_s / part.steps
            for text in token.split("+"):
                match = _TOKEN.match(text)
                if match is None:
                    raise ValueError(f"{piece.title}, part {name}: unknown note: {text!r}")
                accent = {"!": 1.25, "?": 0.6}.get(match["accent"], 1.0)
                length_s = held * beat_s / part.steps * (_RING if ringing else 1.0)
                midi = _pitch(piece, part, match, chord)
                desk.play(part, midi, at_s=at_s, length_s=length_s, gain=passage.gain * accent, dying=ringing)
    return first_bar + len(chords)


def play(piece: Piece) -> FloatArray:
    """The piece as sound.

    Parameters
    ----------
    piece : Piece
        What to play.

    Returns
    -------
    ndarray, shape=(2, samples), float32
        Stereo at `RATE_HZ`, in [-1, 1], with the last chord's ring and the room's tail.
    """
    from scipy.signal import oaconvolve

    last_s = len(piece.passages[piece.form[-1]].chords.split()) * piece.bar_s
    tail_s = (_RING - 1) * last_s + 1.5 + piece.room_s
    desk = _Desk(piece.n_bars * piece.bar_s + tail_s, seed=sum(map(ord, piece.title)))
    bar = 0
    for letter in piece.form:
        bar = _play_passage(desk, piece, letter, bar)
    n = desk.dry.shape[1]
    wet = oaconvolve(desk.send, _room(piece.room_s), axes=-1)[:, :n].astype(np.float32)
    mix: FloatArray = desk.dry + 1.4 * wet
    loud = float(np.percentile(np.abs(mix), 99.9))
    mix /= np.float32(loud)
    if piece.drive > 0:
        mix = np.tanh(mix * np.float32(0.6 + piece.drive)).astype(np.float32)
    fade = samples(1.2, sample_rate_hz=RATE_HZ)
    mix[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    return mix * np.float32(piece.peak / float(np.abs(mix).max()))
