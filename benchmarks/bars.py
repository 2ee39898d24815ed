"""Tempo, beats and bars of rendered music whose truth is known.

Usage: python benchmarks/bars.py VGMIDI SOUNDFONT WORK [--weights FOLDER] [-n N]

Every piece of VGMIDI (a folder with labels.csv and midi/) is rendered by ``fluidsynth`` as a piano, twice: at its
notated tempo, and with a tempo that swings by up to a quarter around it in waves of 5, 9 and 17 s. The first 45 s
count. Beats and bar lines are those of the file's tempo map and time signatures (package pretty_midi); a piece in which
under 60 % of the notes start on a twelfth or a sixteenth of a beat was recorded without regard to its tempo map and is
left out. WORK keeps the sound of the renderings.

Printed for the locked set, for the games that the included weights never heard (the first of ``FOLDS``) and for those
they learned from: F of beats and of bar lines within 70 ms, the share of pieces whose tempo is right within 4 %, half
or double, and whose beats in a bar are right. With ``--weights FOLDER`` from ``train_beats.py`` the pieces are measured
by folds instead, each with the weights that never heard it as far as they are there, and the locked set only if FOLDER
has ``all.safetensors``. Needs pretty_midi.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music import beat_network
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.audio.music.tempo import find_pulse
from soundtrack.training.locked import is_locked

RATE_HZ, LENGTH_S, WITHIN_S = 24_000, 45.0, 0.07
LEAST_NOTATED, SWING = 0.6, 0.25
FOLDS = (
    ("Final Fantasy VII", "Age of Empires II The Age of Kings", "Indiana Jones and the Last Crusade"),
    (
        *("The Legend of Zelda Ocarina of Time", "The Legend of Zelda Majora's Mask", "Secret of Mana", "Xenogears"),
        *("GoldenEye 007", "Tetris", "Star Fox", "Battle of Olympus", "Chrono Trigger", "Age of Empires"),
    ),
    (
        *("Banjo-Kazooie", "Banjo-Tooie", "Aion Tower of Eternity", "Dragon Quest", "Super Mario World"),
        *("Super Mario 64", "Donkey Kong Country 2 Diddy's Kong Quest", "Super Mario Bros", "Ghosts 'n Goblins"),
        *("World of Warcraft Wrath of the Lich King", "World of Warcraft Warlords of Draenor", "Warcraft II"),
        *("Indiana Jones and the Fate of Atlantis",),
    ),
)
"""Games by thirds of the pieces: weights are measured on the third that they were not taught with."""
GRID = np.concatenate([np.arange(13) / 12, [0.25, 0.75]])

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """A rendering and its truth."""

    sound: npt.NDArray[np.float32]
    """Mono, shape (n,)."""
    beats_s: Doubles
    downbeats_s: Doubles
    beats_per_bar: int


def clock_of(times_s: Doubles, *, seed: int, swing: float) -> Doubles:
    """When each moment of the score sounds."""
    rng = np.random.default_rng(seed)
    steps = np.arange(0, float(times_s.max()) + 2, 0.05)
    waves = sum(np.sin(2 * np.pi * steps / period + rng.uniform(0, 2 * np.pi)) for period in (5.0, 9.0, 17.0))
    rate = (1 + swing) ** (np.asarray(waves) / 3)
    return np.asarray(np.interp(times_s, steps, np.concatenate([[0.0], np.cumsum(rate[:-1] * 0.05)])))


def rendered(path: Path, font: Path, work: Path, *, swing: float) -> Piece | None:
    """A piece as it sounds, or None where its tempo map means nothing."""
    import pretty_midi

    score = pretty_midi.PrettyMIDI(str(path))
    beats, bars = score.get_beats(), score.get_downbeats()
    notes = [note for instrument in score.instruments if not instrument.is_drum for note in instrument.notes]
    if len(beats) < 12 or len(notes) < 20:
        return None
    starts = np.array([note.start for note in notes])
    at = np.clip(np.searchsorted(beats, starts + 1e-6) - 1, 0, len(beats) - 2)
    phase = (starts - beats[at]) / (beats[at + 1] - beats[at])
    if float((np.abs(phase[:, None] - GRID).min(axis=1) < 0.02).mean()) < LEAST_NOTATED:
        return None
    seed = zlib.crc32(path.stem.encode())
    ends = np.array([note.end for note in notes])
    sounding = [clock_of(times, seed=seed, swing=swing) for times in (np.append(starts, ends.max()), ends, beats, bars)]
    starts_s, ends_s, beats_s, bars_s = sounding[0][:-1], *sounding[1:]
    piano = pretty_midi.Instrument(0)
    for note, start_s, end_s in zip(notes, starts_s, ends_s, strict=True):
        if start_s < LENGTH_S:
            piano.notes.append(pretty_midi.Note(note.velocity, note.pitch, start_s, max(end_s, start_s + 0.03)))
    played = pretty_midi.PrettyMIDI()
    played.instruments.append(piano)
    raw = work / f"{path.stem}.{round(100 * swing)}.raw"
    if not raw.exists():
        midi = raw.with_suffix(".mid")
        played.write(str(midi))
        options = ["-ni", "-q", "-g", "0.5", "-r", str(RATE_HZ), "-O", "s16", "-T", "raw", "-F", str(raw)]
        subprocess.run(["fluidsynth", *options, str(font), str(midi)], check=True, capture_output=True, timeout=120)
    sound = np.fromfile(raw, "<i2").reshape(-1, 2).mean(axis=1).astype(np.float32)[: int(RATE_HZ * LENGTH_S)] / 32_768
    end_s = min(LENGTH_S, float(starts_s.max()) + 0.01)
    in_bar = np.diff(np.searchsorted(beats, bars - 1e-4)) if len(bars) > 2 else np.array([4])
    return Piece(sound, beats_s[beats_s < end_s], bars_s[bars_s < end_s], round(float(np.median(in_bar))))


def f_measure(found_s: Doubles, true_s: Doubles) -> float:
    """F of events within 70 ms of each other, each used once."""
    i = j = hits = 0
    while i < len(found_s) and j < len(true_s):
        apart = found_s[i] - true_s[j]
        hits += abs(apart) <= WITHIN_S
        i += abs(apart) <= WITHIN_S or apart < 0
        j += abs(apart) <= WITHIN_S or apart > 0
    return 2 * hits / max(1, len(found_s) + len(true_s))


def measured(piece: Piece) -> list[float]:
    """The figures of one piece, in the order of the columns."""
    peak = max(1e-3, float(np.abs(piece.sound).max()))
    pulse = find_pulse(take_frames(piece.sound[None] * (0.7 / peak), sample_rate_hz=RATE_HZ))
    ratio = (pulse.tempo_bpm or 0.0) * float(np.median(np.diff(piece.beats_s))) / 60
    near = [abs(ratio / octave - 1) < 0.04 for octave in (1.0, 0.5, 2.0)]
    fs = [f_measure(pulse.beats_s, piece.beats_s), f_measure(pulse.downbeats_s, piece.downbeats_s)]
    return [*fs, *map(float, near), float(pulse.beats_per_bar == piece.beats_per_bar)]


def row(label: str, figures: list[list[float]]) -> None:
    """Print the means of some pieces."""
    if figures:
        means = np.mean(np.array(figures), axis=0)
        print(f"{label:20}  {len(figures):6}  " + "  ".join(f"{mean:5.3f}" for mean in means), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("vgmidi", type=Path)
    parser.add_argument("soundfont", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--weights", type=Path, help="Folder with weights for each fold.")
    parser.add_argument("-n", type=int, default=None, help="Number of pieces, from the beginning of the list.")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with (options.vgmidi / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[: options.n]
    pieces: dict[str, list[Path]] = {}
    for piece in rows:
        fold = next(i for i, games in enumerate(FOLDS) if piece["game"] in games)
        kind = f"fold {fold}" if options.weights else "learned from" if fold else "held back"
        kind = "locked set" if is_locked(Path(piece["file"]).stem) else kind
        pieces.setdefault(kind, []).append(options.vgmidi / piece["file"])
    print(f"{'':20}  pieces  beats   bars  tempo   half  double  metre")
    for name, swing in (("steady", 0.0), ("rubato", SWING)):
        every: list[list[float]] = []
        for kind in sorted(pieces):
            if options.weights:
                learned = "all" if kind == "locked set" else kind.replace(" ", "-")
                beat_network.WEIGHTS = options.weights / f"{learned}.safetensors"
                if not beat_network.WEIGHTS.exists():
                    continue
            made = [rendered(path, options.soundfont, options.work, swing=swing) for path in pieces[kind]]
            figures = [measured(piece) for piece in made if piece is not None and len(piece.beats_s) >= 12]
            row(f"{name}, {kind}", figures)
            every += figures if kind.startswith("fold") else []
        row(f"{name}, all folds", every)


if __name__ == "__main__":
    main()
