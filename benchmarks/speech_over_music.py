"""Speech over music in every three seconds of talk, measured by ffmpeg's meter on the stems that the tool writes.

Usage: python benchmarks/speech_over_music.py WORK MUSIC [MUSIC ...] [--duck NAME] [--seconds S]

MUSIC are files; each is laid under four films that are made in WORK: one talker, two talkers in turns of whom one is
16 dB softer, talk over loud noise, and a film without sound with a narration. Talk is synthetic (espeak-ng), so its
place is known to the sample; the tool finds it by its own detector. A window of three seconds counts if all of it is
inside a line or inside lines with less than half a second between them. Speech is ebur128's short-term loudness of the
stem DX, music that of the stem MX. The aim: 95 % of windows at least the target minus 1 LU, none under 9 LU.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from soundtrack.audio.levels.loudness import measure_loudness
from soundtrack.audio.voices.speech import SAMPLE_RATE_HZ, SpeechDetector
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.render import render_film
from soundtrack.pipeline.sheets.narration import NarrationWish, narrated_sheet
from soundtrack.pipeline.sheets.swap import ducked, mix_of
from soundtrack.settings import MIX_RATE_HZ, REFERENCE_LUFS, SPEECH_OVER_MUSIC_LU
from soundtrack.types import Cue, CueSheet, FilmRef, FloatArray, MixNotes, ModelRef, Section, SheetTrack, Span

LINES = (
    "I have said it twice: the train leaves at nine. Please pack the blue suitcase now, and do not forget the letters.",
    "And I have said that no driver is waiting for us there, so why should we hurry? We have all the time we need.",
)
SOFTER_DB = 16.0
LEAST_LU = 9.0


def run(*words: object) -> str:
    """Run a program, return what it says on stderr."""
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stderr


def talk(path: Path, seconds: float, *, softer_db: float, noise_db: float | None) -> list[Span]:
    """Write lines in turns, twenty seconds of talk and four of rest; where they are."""
    rng, rate, n = np.random.default_rng(7), MIX_RATE_HZ, round(seconds * MIX_RATE_HZ)
    sound, spans, at, i = np.zeros(n), [], 2 * rate, 0
    while True:
        run("espeak-ng", "-v", ("en+f3", "en+m2")[i % 2], "-w", path.with_suffix(".line.wav"), LINES[i % 2])
        line = read_audio(path.with_suffix(".line.wav"), sample_rate_hz=rate, channels=1)[0]
        line = line[: np.flatnonzero(np.abs(line) > 1e-3)[-1]]
        if at + len(line) > n - 2 * rate:
            break
        sound[at : at + len(line)] += line * (10 ** (-softer_db / 20) if i % 2 else 1.0)
        spans.append(Span(at / rate, (at + len(line)) / rate))
        at += len(line) + (rate // 5 if i % 3 else 4 * rate)
        i += 1
    if noise_db is not None:
        during = np.mean(sound[sound != 0] ** 2)
        sound += np.sqrt(during) * 10 ** (noise_db / 20) * rng.normal(0, 1, n) * (np.arange(n) % (8 * rate) < 2 * rate)
    wavfile.write(path, rate, np.stack([sound, sound], axis=1).astype(np.float32) * 0.5)
    return spans


def found_speech(sound: FloatArray) -> tuple[Span, ...]:
    """Speech as the tool finds it."""
    detector = SpeechDetector()
    detector.push(sound)
    return tuple(detector.finish())


def sheet_for(film: Path, music: Path, *, speech: Sequence[Span], wanted_lu: float) -> CueSheet:
    """One cue from the beginning of the music, repeated as often as the film needs it."""
    info = probe(film)
    track = read_audio(music, sample_rate_hz=MIX_RATE_HZ, channels=2)
    length_s = track.shape[1] / MIX_RATE_HZ
    lufs = measure_loudness(track).integrated_lufs
    parts, left_s = [], info.duration_s
    while left_s > 0:
        part_s = min(left_s, length_s - 1.0)
        parts.append(Section(Span(0.0, part_s)))
        left_s -= part_s
    row = SheetTrack("t", str(music), None, None, None, None, length_s, lufs, None, None)
    cue = Cue("1m01", Span(0.0, info.duration_s), "t", tuple(parts), 0.1, 0.5, REFERENCE_LUFS - lufs, ())
    sheet = CueSheet(
        film=FilmRef(film.name, info.duration_s, info.fps, 64, 36, bool(info.audio_streams), "sha256:0"),
        model=ModelRef("none", "1", "0", 1),
        library="0",
        seed=0,
        mix=MixNotes(-16.0, -1.0, keep_original=True, speech_over_music_lu=wanted_lu, crossfade_s=1.0),
        scenes=(),
        tracks=(row,),
        cues=(cue,),
        speech=tuple(speech),
    )
    return ducked(sheet, {}, mix_of(sheet))


def short_term_lufs(stem: Path) -> np.ndarray:
    """Loudness of three seconds every tenth of a second, by ffmpeg."""
    said = run(ffmpeg_path(), "-hide_banner", "-nostats", "-i", stem, "-af", "ebur128", "-f", "null", "-")
    return np.fmax([float(text) for text in re.findall(r" S:\s*(\S+)", said)], -120.0)  # of silence: -inf or nan


def distances_lu(stems: Sequence[Path], spans: Sequence[Span]) -> np.ndarray:
    """Speech over music in each window inside the talk."""
    music, voice = (short_term_lufs(path) for path in stems)
    joined: list[Span] = []
    for span in spans:
        near = bool(joined) and span.start_s - joined[-1].end_s < 0.5
        joined = [*joined[:-1], Span(joined[-1].start_s, span.end_s)] if near else [*joined, span]
    ends = [i for span in joined for i in range(round(span.start_s * 10) + 30, round(span.end_s * 10))]
    return np.array([voice[i - 1] - music[i - 1] for i in ends if i <= min(len(voice), len(music))])


def main() -> None:
    """Make the films, score them, print a row each."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("work", type=Path)
    asked.add_argument("music", type=Path, nargs="+")
    asked.add_argument("--duck", choices=sorted(SPEECH_OVER_MUSIC_LU), default="normal")
    asked.add_argument("--seconds", type=float, default=60.0)
    given = asked.parse_args()
    given.work.mkdir(exist_ok=True)
    wanted_lu, everything = SPEECH_OVER_MUSIC_LU[given.duck], []
    kinds: dict[str, tuple[float, float | None]] = {
        "one talker": (0.0, None),
        "two talkers": (SOFTER_DB, None),
        "loud noise": (0.0, 3.0),
        "narration": (0.0, None),
    }
    print(f"wanted {wanted_lu:g} LU; windows at least {wanted_lu - 1:g} LU, lowest window, deepest ducking")
    for kind, (softer_db, noise_db) in kinds.items():
        voice = given.work / f"{kind.replace(' ', '-')}.wav"
        spans = talk(voice, given.seconds, softer_db=softer_db, noise_db=noise_db)
        film = voice.with_suffix(".mkv")
        picture = ["-f", "lavfi", "-i", f"testsrc2=size=64x36:rate=5:duration={given.seconds}"]
        own = [] if kind == "narration" else ["-i", voice]
        run(ffmpeg_path(), "-y", *picture, *own, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", film)
        heard = found_speech(read_audio(voice, sample_rate_hz=SAMPLE_RATE_HZ, channels=1))
        for music in given.music:
            sheet = sheet_for(film, music, speech=() if kind == "narration" else heard, wanted_lu=wanted_lu)
            if kind == "narration":
                sheet = narrated_sheet(sheet, NarrationWish(voice))
            report = render_film(
                probe(film),
                sheet,
                given.work / "out.mkv",
                force=True,
                track_paths={"t": music},
                narration_path=voice if kind == "narration" else None,
                stems=given.work / "stems",
            )
            found = distances_lu(report.stems, spans)
            everything.append(found)
            deepest_db = min((point.gain_db for point in report.sheet.ducking), default=0.0)
            share = np.mean(found >= wanted_lu - 1)
            print(f"{kind:12} {music.stem[:32]:32} {share:6.1%} {found.min():6.1f} LU {deepest_db:6.1f} dB", flush=True)
    found = np.concatenate(everything)
    print(
        f"all {len(found)} windows: {np.mean(found >= wanted_lu - 1):.1%} at least {wanted_lu - 1:g} LU,"
        f" {np.sum(found < LEAST_LU)} under {LEAST_LU:g} LU, lowest {found.min():.1f} LU"
    )


if __name__ == "__main__":
    main()
