"""Audibility of automatic edits, beside random edits at bar lines and straight cuts anywhere.

Usage: python benchmarks/seams.py [--index DIR] [-n N]

Every track of the index is fitted to cues of a third, two thirds, one and a half times and twice its length from its
beginning and from a third of it, ending with the track; of the seams, N at most are drawn. Each is rendered as the mix
renders it and measured: spectral flux across the seam relative to the track's own flux at its bar lines (1 is an
ordinary bar line); how far the harmony of the half bar after the seam is from that which the track would have gone on
with (0 is what was expected, 1 has no tone in common); and the continuation error, the mean difference in dB between
the spectral levels of the beat that follows and of the beat that would have followed, over the third octaves from 63 Hz
to 10 kHz, each at least 40 dB under the loudest. The same is done for as many random jumps between bar lines and as
many straight cuts between random times; beside them, how unlike any two beats in a row are.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.media.reading.audio import read_audio
from soundtrack.pipeline.library.music import open_library
from soundtrack.spotting.fit.grid import SEAM_S, Wanted
from soundtrack.spotting.fit.seams import CLEAN, jump_qualities
from soundtrack.spotting.fit.sections import fit_track
from soundtrack.spotting.merit.view import LibraryView
from soundtrack.types import Track

RATE_HZ = 22_050
N_FFT = 2_048
BAND_EDGES_HZ = 1000 * 2 ** ((np.arange(-12, 12) - 0.5) / 3)
FAINT_DB = 40.0
SHARES, STARTS = (0.33, 0.67, 1.5, 2.0), (0.0, 0.33)
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


def levels_db(sound: Sound) -> npt.NDArray[np.float64]:
    """Level of each third octave, at least `FAINT_DB` under the loudest."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    band = np.searchsorted(BAND_EDGES_HZ, np.fft.rfftfreq(len(sound), 1 / RATE_HZ))
    sums = np.bincount(band, weights=power, minlength=len(BAND_EDGES_HZ) + 1)[1 : len(BAND_EDGES_HZ)]
    return np.asarray(10 * np.log10(np.maximum(sums, max(1e-12, sums.max(initial=0.0) * 10 ** (-FAINT_DB / 10)))))


def continuation_db(sound: Sound, edit: Edit, *, beat_s: float) -> float:
    """Mean difference between the spectral levels of what follows over a beat and of what would have followed."""
    n = round(beat_s * RATE_HZ)
    leave, enter = round(edit.out_s * RATE_HZ), round(edit.in_s * RATE_HZ)
    return float(np.abs(levels_db(sound[leave : leave + n]) - levels_db(sound[enter : enter + n])).mean())


@dataclass(frozen=True)
class Made:
    """A seam that the fit made, in its track."""

    track: Track
    edit: Edit
    quality: float


def seams_of(track: Track, library: LibraryView) -> list[Made]:
    """All seams of the fits of a track."""
    bars, made = library.bars(track.track_id), []
    for share in SHARES:
        for start in STARTS:
            length_s = track.audio.duration_s
            wanted = Wanted(round(share * length_s * 48_000), start_s=start * length_s, end_with_track=True)
            parts = fit_track(bars, track.analysis, duration_s=length_s, wanted=wanted).sections
            made += [
                Made(track, Edit(a.track.end_s, b.track.start_s, a.seam_s), a.seam_quality or 0.0)
                for a, b in itertools.pairwise(parts)
            ]
    return made


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path)
    parser.add_argument("-n", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    names = ("the fit's seams", "random bar lines", "straight cuts")
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    library = open_library(options.index)
    by_track = {track.track_id: seams_of(track, library) for track in library.tracks().values()}
    seams = [made for several in by_track.values() for made in several]
    has_clean = {
        track_id: bool((jump_qualities(library.bars(track_id), ending=several[0].track.analysis.ending) >= CLEAN).any())
        for track_id, several in by_track.items()
        if several
    }
    lines_of = {track_id: library.bars(track_id).bar_starts_s for track_id in by_track}
    could = [made for made in seams if has_clean[made.track.track_id]]
    clean = sum(made.quality >= CLEAN for made in seams)
    print(f"{len(seams)} seams in {len(has_clean)} of {len(by_track)} tracks; {clean} of quality {CLEAN:g} or better,")
    print(f"{len(could)} in tracks that have a seam of this quality; lowest {min(m.quality for m in seams):.2f}")
    chosen = sorted(rng.permutation(len(seams))[: options.n].tolist())
    sounds: dict[str, Sound] = {}
    usual: list[float] = []
    qualities: list[float] = []
    for i in chosen:
        track, track_id = seams[i].track, seams[i].track.track_id
        if track_id not in sounds:
            sounds = {track_id: read_audio(track.path, sample_rate_hz=RATE_HZ, channels=1)[0]}
        sound, lines = sounds[track_id], lines_of[track_id]
        duration_s, inner = len(sound) / RATE_HZ, lines[1:-1]
        half_bar_s = float(np.median(np.diff(lines))) / 2
        beat_s = 60 / track.analysis.tempo_bpm if track.analysis.tempo_bpm else half_bar_s / 2
        edits = {
            "the fit's seams": seams[i].edit,
            "random bar lines": Edit(float(rng.choice(inner)), float(rng.choice(inner)), SEAM_S),
            "straight cuts": Edit(float(rng.uniform(1, duration_s - 1)), float(rng.uniform(1, duration_s - 1)), 0.0),
        }
        heard_all = {name: joined(sound, edit, around_s=half_bar_s) for name, edit in edits.items()}
        natural = {name: _flux_there(sound, edit, around_s=half_bar_s) for name, edit in edits.items()}
        if any(s is None for s in heard_all.values()) or any(s is None for s in natural.values()):
            continue
        qualities.append(seams[i].quality)
        at_s = float(rng.uniform(0, duration_s - 3 * beat_s))
        usual.append(continuation_db(sound, Edit(at_s, at_s + beat_s, 0.0), beat_s=beat_s))
        for name, s in heard_all.items():
            assert s is not None
            rows[name].append(
                (
                    flux(s) / (natural[name] or 1.0),
                    surprise(sound, edits[name], around_s=half_bar_s),
                    continuation_db(sound, edits[name], beat_s=beat_s),
                )
            )
    print(f"{len(qualities)} of them heard, median quality {np.median(np.array(qualities)):.2f}")
    print(f"two beats in a row differ by {np.median(np.array(usual)):.1f} dB")
    print(f"{'':18}  {'spectral flux':>22}  {'harmonic surprise':>22}  {'continuation error, dB':>22}")
    print(" " * 18 + f"  {'median':>10}  {'p90':>10}" * 3)
    for name, values in rows.items():
        table = np.array(values)
        shown = [f"{np.percentile(table[:, k], q):>10.2f}" for k in (0, 1, 2) for q in (50, 90)]
        print(f"{name:18}  {'  '.join(shown)}")


if __name__ == "__main__":
    main()
