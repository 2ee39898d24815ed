"""Vocals of a song under speech with ``score --duck-vocals`` and without, measured by ffmpeg's meter.

Usage: python benchmarks/duck_vocals.py WORK [MUSIC ...] [--songs SONG ...] [--film FILM] [--seconds S]

MUSIC are instrumental files. Vocals are added to each, as loud as the music on the whole, in two kinds: lines by
espeak-ng in the place of rap, and sung vowels (pulses through formants, with vibrato). So both stems are known. The
song is laid under a film with one talker (`speech_over_music.py`). Every number is the median over all windows of three
seconds inside the talk, short-term loudness. What is left of the vocals is the stem MX minus the known instruments at
the gains of the cue sheet: it holds what the separator left and what it took from the instruments. SONG are real songs,
whose vocals are not known: there the share of the talk in which the voice network of the index, which knows nothing of
the separator, hears a voice in the stem MX, raised to -20 LUFS. FILM is a film with speech, in the place of the one
talker; its talk is where the tool detects speech.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import lfilter
from speech_over_music import LINES, found_speech, run, short_term_lufs, talk

from soundtrack.audio.levels.loudness import measure_loudness
from soundtrack.audio.voices.speech import SAMPLE_RATE_HZ, vocal_share
from soundtrack.documents import cuesheet
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.bed import Music
from soundtrack.mix.plan import plan_mix
from soundtrack.settings import MIX_RATE_HZ as RATE
from soundtrack.types import CueSheet, FloatArray, Span

SCALE_HZ = (220.0, 246.9, 261.6, 293.7, 329.6, 293.7, 261.6, 246.9)
VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410))


def sung(n: int) -> FloatArray:
    """Vowels of eight tenths of a second on a scale, a breath after every eighth."""
    sound, at, i = np.zeros(n), 0, 0
    while at < n:
        m = min(round(0.8 * RATE), n - at)
        t = np.arange(m) / RATE
        hertz = SCALE_HZ[i % 8] * (1 + 0.012 * np.sin(2 * np.pi * 5.5 * t) * np.minimum(t * 3, 1))
        phase = np.cumsum(hertz) / RATE
        note = np.diff(np.floor(phase), prepend=0.0)
        for formant in VOWELS[(i // 2) % 4]:
            pole = np.exp(-np.pi * 90 / RATE) * np.exp(2j * np.pi * formant / RATE)
            note = np.real(lfilter([1 - abs(pole)], [1, -2 * pole.real, abs(pole) ** 2], note)) + 0.2 * note
        sound[at : at + m] = note * np.minimum(np.minimum(t, t[::-1]) * 20, 1)
        at, i = at + m + (RATE // 2 if i % 8 == 7 else 0), i + 1
    return np.stack([sound, sound]).astype(np.float32)


def rapped(n: int, work: Path) -> FloatArray:
    """Lines of another voice than the film's, one after the other."""
    run("espeak-ng", "-v", "en-us+m7", "-s", "190", "-w", work / "line.wav", " ".join(LINES))
    line = read_audio(work / "line.wav", sample_rate_hz=RATE, channels=2)
    return np.tile(line, -(-n // line.shape[1]))[:, :n]


def scored(work: Path, film: Path, song: Path, *more: str) -> tuple[CueSheet, float]:
    """The sheet of a scored film, whose stems are in WORK, and processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ["-o", work / "out.mkv", "--track", song, "--stems", work / "stems", "--no-cache", "--force", "-q"]
    run(sys.executable, "-m", "soundtrack", "score", film, *words, *more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    sheet = cuesheet.loads((work / "out.cues.json").read_text())
    return sheet, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def placed(sheet: CueSheet, sound: Path) -> FloatArray:
    """Another file in the place of the sheet's music, at all gains of the sheet."""
    plan = plan_mix(replace(sheet, vocals=None))
    gain = 10 ** (((sheet.mix.music_gain_db or 0.0) + (sheet.mix.master_gain_db or 0.0)) / 20)
    with Music(plan, track_paths={track.track_id: sound for track in sheet.tracks}) as music:
        return np.asarray(music.block(0, plan.n_samples).sounding * gain, np.float32)


def level(sound: FloatArray | Path, windows: list[int], work: Path) -> float:
    """Median short-term loudness in the windows, by ffmpeg."""
    if not isinstance(sound, Path):
        wavfile.write(work / "part.wav", RATE, sound.T)
        sound = work / "part.wav"
    heard = short_term_lufs(sound)
    return float(np.median([heard[min(i, len(heard)) - 1] for i in windows]))


def picture(film: Path) -> bytes:
    """Hash of the picture's packets, by ffmpeg."""
    words = [ffmpeg_path(), "-v", "error", "-i", film, "-map", "0:v:0", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


def voiced(stem: Path, windows: list[int]) -> float:
    """Share of the windows' last tenths of a second in which a voice is heard in a stem."""
    sound = read_audio(stem, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]
    tenth = SAMPLE_RATE_HZ // 10
    talked = np.concatenate([sound[(i - 1) * tenth : i * tenth] for i in sorted(set(windows))])
    lufs = measure_loudness(np.stack([talked, talked]), sample_rate_hz=SAMPLE_RATE_HZ).integrated_lufs
    return vocal_share(np.asarray(talked * 10 ** ((-20.0 - lufs) / 20), np.float32))


def in_talk(spans: list[Span], sheet: CueSheet) -> list[int]:
    """Ends of windows inside talk and inside a cue, in tenths of a second."""
    joined: list[Span] = []
    for span in spans:
        near = bool(joined) and span.start_s - joined[-1].end_s < 0.5
        joined = [*joined[:-1], Span(joined[-1].start_s, span.end_s)] if near else [*joined, span]
    ends = [i for span in joined for i in range(round(span.start_s * 10) + 30, round(span.end_s * 10))]
    return [i for i in ends if any(c.span.start_s + 1 <= i / 10 - 3 and i / 10 <= c.span.end_s - 1 for c in sheet.cues)]


def row(work: Path, film: Path, spans: list[Span], song: Path, stems: tuple[Path, Path] | None) -> dict[str, float]:
    """What is measured for one song."""
    found: dict[str, float] = {}
    for name, more in (("before", ()), ("after", ("--duck-vocals",))):
        sheet, found[f"cpu s {name}"] = scored(work, film, song, *more)
        windows = in_talk(spans, sheet)
        found["windows"] = len(windows)
        mx, dx = (work / "stems" / f"out.{kind}.flac" for kind in ("MX", "DX"))
        music = read_audio(mx, sample_rate_hz=RATE, channels=2)
        found[f"speech over music {name}"] = level(dx, windows, work) - level(mx, windows, work)
        if stems is None:
            found[f"voice in the music {name}"] = voiced(mx, windows)
        else:
            known = placed(sheet, stems[1])
            n = min(known.shape[1], music.shape[1])
            left, rest = level(music[:, :n] - known[:, :n], windows, work), level(known, windows, work)
            found[f"speech over vocals {name}"] = level(dx, windows, work) - left
            found[f"speech over the rest {name}"] = level(dx, windows, work) - rest
        found[f"sung {name}"] = float(sheet.vocals is not None)
    found["picture is the same"] = float(picture(film) == picture(work / "out.mkv"))
    return {key: round(value, 2) for key, value in found.items()}


def main() -> None:
    """Make songs and film, print a row each."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("work", type=Path)
    asked.add_argument("music", type=Path, nargs="*")
    asked.add_argument("--songs", type=Path, nargs="*", default=[])
    asked.add_argument("--film", type=Path)
    asked.add_argument("--seconds", type=float, default=60.0)
    given = asked.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    given.work.mkdir(exist_ok=True, parents=True)
    if given.film is not None:
        film, heard = given.film, read_audio(given.film, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)
        for song in given.songs:
            measured = row(given.work, film, list(found_speech(heard)), song, None)
            print(json.dumps({"song": song.stem, **measured}), flush=True)
        return
    spans = talk(given.work / "talk.wav", given.seconds, softer_db=0.0, noise_db=None)
    film = given.work / "talk.mkv"
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=64x36:rate=5:duration={given.seconds}"]
    own = ["-i", given.work / "talk.wav", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"]
    run(ffmpeg_path(), "-y", *picture, *own, film)
    for path in given.music:
        music = read_audio(path, sample_rate_hz=RATE, channels=2)[:, : round((given.seconds + 5) * RATE)]
        for kind in ("rapped", "sung"):
            vocals = sung(music.shape[1]) if kind == "sung" else rapped(music.shape[1], given.work)
            vocals *= np.sqrt(np.mean(music**2) / np.mean(vocals**2))
            stems = (given.work / "only_vocals.wav", given.work / "only_music.wav")
            song = given.work / f"{path.stem}_{kind}.wav"
            for name, sound in ((stems[0], vocals), (stems[1], music), (song, music + vocals)):
                wavfile.write(name, RATE, 0.5 * sound.T)
            print(json.dumps({"song": song.stem, **row(given.work, film, spans, song, stems)}), flush=True)
    for song in given.songs:
        print(json.dumps({"song": song.stem, **row(given.work, film, spans, song, None)}), flush=True)


if __name__ == "__main__":
    main()
