"""Audibility of automatic edits, beside random edits at bar lines and straight cuts anywhere.

Usage: python benchmarks/seams.py MUSIC_FOLDER [N]

For N cues of random length from the tracks of a folder, every seam that the fit makes is rendered as the mix renders it
and measured: spectral flux across the seam relative to the track's own flux at its bar lines (1 is an ordinary bar
line), and how far the harmony of the half bar after the seam is from that which the track would have gone on with (0
is what was expected, 1 has no tone in common). The same is done for as many random jumps between bar lines and as many
straight cuts between random times.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.analyse import analyse_music
from soundtrack.media.reading.audio import read_audio
from soundtrack.spotting.fit.grid import SEAM_S, Wanted
from soundtrack.spotting.fit.sections import fit_track

RATE_HZ = 22_050
N_FFT = 2_048
CHROMA_OF_BIN = np.round(12 * np.log2(np.maximum(np.fft.rfftfreq(N_FFT, 1 / RATE_HZ), 1) / 440)).astype(int) % 12

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Edit:
    """A jump inside a track."""

    out_s: float
    """Where it leaves."""
    in_s: float
    """Where it goes on."""
    seam_s: float
    """Length of the equal-power join; 0 for a straight cut."""


def joined(sound: Sound, edit: Edit, *, around_s: float) -> Sound | None:
    """The sound around a jump as it would be heard, or None where the track is too short."""
    reach, half = round(around_s * RATE_HZ), round(edit.seam_s / 2 * RATE_HZ)
    leave, enter = round(edit.out_s * RATE_HZ), round(edit.in_s * RATE_HZ)
    if leave - reach < 0 or enter - half < 0 or leave + reach > len(sound) or enter + reach > len(sound):
        return None
    before, after = sound[leave - reach : leave + half].copy(), sound[enter - half : enter + reach].copy()
    if half:
        angle = (np.arange(2 * half) + 0.5) / (2 * half) * np.pi / 2
        before[-2 * half :] = before[-2 * half :] * np.cos(angle) + after[: 2 * half] * np.sin(angle)
        after = after[2 * half :]
    return np.concatenate([before, after]).astype(np.float32)


def flux(sound: Sound) -> float:
    """Greatest rise of the log spectrum within 50 ms of the middle."""
    middle, hop = len(sound) // 2, 256
    starts = middle - N_FFT // 2 + hop * np.arange(-8, 9)
    frames = np.stack([sound[s : s + N_FFT] * np.hanning(N_FFT) for s in starts])
    logs = np.log1p(100 * np.abs(np.fft.rfft(frames, axis=1)))
    return float(np.maximum(np.diff(logs, axis=0), 0).mean(axis=1)[4:12].max())


def _flux_there(sound: Sound, edit: Edit, *, around_s: float) -> float | None:
    """The greater flux of the untouched track at both ends of a jump."""
    plain = [joined(sound, Edit(t, t, 0.0), around_s=around_s) for t in (edit.out_s, edit.in_s)]
    return max((flux(s) for s in plain if s is not None), default=None) if all(s is not None for s in plain) else None


def chroma(sound: Sound) -> npt.NDArray[np.float64]:
    """Mean power of the twelve pitch classes, as a unit vector."""
    n = max(1, (len(sound) - N_FFT) // 1024)
    frames = np.stack([sound[1024 * i : 1024 * i + N_FFT] * np.hanning(N_FFT) for i in range(n)])
    power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2).mean(axis=0)
    power[:5] = 0
    folded = np.bincount(CHROMA_OF_BIN, weights=power, minlength=12)
    return np.asarray(folded / max(1e-12, float(np.linalg.norm(folded))))


def surprise(sound: Sound, edit: Edit, *, around_s: float) -> float:
    """Cosine distance between the harmony that comes after a jump and the one that would have come without it."""
    n = round(around_s * RATE_HZ)
    leave, enter = round(edit.out_s * RATE_HZ), round(edit.in_s * RATE_HZ)
    return float(1 - chroma(sound[leave : leave + n]) @ chroma(sound[enter : enter + n]))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("n", type=int, nargs="?", default=50)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    rows: dict[str, list[tuple[float, float]]] = {"the fit's seams": [], "random bar lines": [], "straight cuts": []}
    paths = sorted(p for p in options.folder.iterdir() if p.suffix in {".ogg", ".mp3", ".flac", ".wav", ".m4a"})
    tracks = []
    for path in paths:
        heard = analyse_music(read_audio(path, sample_rate_hz=48_000, channels=1), sample_rate_hz=48_000)
        sound = read_audio(path, sample_rate_hz=RATE_HZ, channels=1)[0]
        if len(heard.bars.features) >= 12 and heard.analysis.tempo_bpm:
            tracks.append((heard, sound))
    qualities = []
    for _ in range(20 * options.n):
        if len(rows["the fit's seams"]) >= options.n:
            break
        heard, sound = tracks[int(rng.integers(len(tracks)))]
        duration_s, lines = len(sound) / RATE_HZ, heard.bars.bar_starts_s
        length = round(float(rng.uniform(20, 1.5 * duration_s)) * 48_000)
        start_s = float(rng.uniform(0, 0.6 * duration_s))
        wanted = Wanted(length, start_s=start_s, end_with_track=True)
        fitted = fit_track(heard.bars, heard.analysis, duration_s=duration_s, wanted=wanted)
        half_bar_s = float(np.median(np.diff(lines))) / 2
        for a, b in zip(fitted.sections[:-1], fitted.sections[1:], strict=True):
            inner = lines[1:-1]
            edits = {
                "the fit's seams": Edit(a.track.end_s, b.track.start_s, a.seam_s),
                "random bar lines": Edit(float(rng.choice(inner)), float(rng.choice(inner)), SEAM_S),
                "straight cuts": Edit(
                    float(rng.uniform(1, duration_s - 1)), float(rng.uniform(1, duration_s - 1)), 0.0
                ),
            }
            if any(_flux_there(sound, e, around_s=half_bar_s) is None for e in edits.values()):
                continue
            heard_all = {name: joined(sound, edit, around_s=half_bar_s) for name, edit in edits.items()}
            if any(s is None for s in heard_all.values()) or len(rows["the fit's seams"]) >= options.n:
                continue
            qualities.append(a.seam_quality)
            for name, s in heard_all.items():
                assert s is not None
                natural = _flux_there(sound, edits[name], around_s=half_bar_s) or 1.0
                rows[name].append((flux(s) / natural, surprise(sound, edits[name], around_s=half_bar_s)))
    print(f"{len(qualities)} edits in {len(tracks)} tracks; median quality {np.median(np.array(qualities)):.2f}")
    print(f"{'':18}  {'spectral flux':>22}  {'harmonic surprise':>22}")
    print(f"{'':18}  {'median':>10}  {'p90':>10}  {'median':>10}  {'p90':>10}")
    for name, values in rows.items():
        table = np.array(values)
        shown = [f"{np.percentile(table[:, k], q):>10.2f}" for k in (0, 1) for q in (50, 90)]
        print(f"{name:18}  {'  '.join(shown)}")


if __name__ == "__main__":
    main()
