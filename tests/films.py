"""Small films and tracks made on the spot, cue sheets for them, and meters that are not ours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.balance import BalanceMeter, loudness_lufs
from soundtrack.types import (
    Cue,
    CueSheet,
    FilmRef,
    GainPoint,
    MixNotes,
    ModelRef,
    Section,
    SheetTrack,
    Span,
)

RATE = 48_000


def ffmpeg(*args: object) -> str:
    """Run ffmpeg and return what it says."""
    done = subprocess.run(
        [str(ffmpeg_path()), "-hide_banner", "-nostdin", "-y", *map(str, args)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def write_track(path: Path, *, seconds: float = 12.0, level: float = 0.1, seed: int = 0) -> Path:
    """A stereo track of a few gliding tones and a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    tones = sum(np.sin(2 * np.pi * f * t * (1 + 0.001 * t)) for f in (220 + 10 * seed, 331, 440, 663))
    left = level * (tones / 2 + rng.normal(0, 0.2, len(t)))
    right = level * (tones / 2 + rng.normal(0, 0.2, len(t)))
    wavfile.write(path, RATE, np.stack([left, right], axis=1).astype(np.float32))
    return path


def write_voice(path: Path, *, seconds: float, spans: Sequence[Span], level: float = 0.1) -> Path:
    """Noise shaped like speech in some spans, room tone elsewhere."""
    rng = np.random.default_rng(5)
    t = np.arange(int(seconds * RATE)) / RATE
    voice = np.convolve(rng.normal(0, 1, len(t)), np.hanning(24) / 5, mode="same")
    on = np.zeros(len(t))
    for span in spans:
        on[int(span.start_s * RATE) : int(span.end_s * RATE)] = 1
    sound = level * voice * on * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t)) + rng.normal(0, 1e-4, len(t))
    wavfile.write(path, RATE, np.stack([sound, sound], axis=1).astype(np.float32))
    return path


CODECS: dict[str, list[str]] = {
    ".mp4": ["-c:v", "libx264", "-bf", "2", "-c:a", "aac"],
    ".mov": ["-c:v", "libx264", "-bf", "2", "-c:a", "pcm_s16le"],
    ".mkv": ["-c:v", "libx264", "-bf", "2", "-c:a", "libopus"],
    ".webm": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
    ".ts": ["-c:v", "libx264", "-bf", "2", "-c:a", "aac"],
    ".avi": ["-c:v", "mpeg4", "-c:a", "pcm_s16le"],
}


def make_film(
    path: Path,
    *,
    sound: Path | None = None,
    seconds: float = 4.0,
    inputs: Sequence[object] = (),
    more: Sequence[object] = (),
) -> Path:
    """A film of ffmpeg's test picture, 25 frames a second, with or without sound."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=25:duration={seconds}"]
    if sound is not None:
        source += ["-i", str(sound)]
    ffmpeg(*source, *inputs, *CODECS[path.suffix], "-pix_fmt", "yuv420p", "-preset", "ultrafast", *more, path)
    return path


@dataclass(frozen=True)
class Job:
    """A film, its cue sheet and where the tracks lie."""

    film: Path
    sheet: CueSheet
    track_paths: dict[str, Path]


def loudness_of(path: Path) -> float:
    """Integrated loudness by our own meter."""
    meter = BalanceMeter()
    audio = read_audio(path, sample_rate_hz=RATE, channels=2)
    meter.push(None, music=audio, reference=audio)
    return loudness_lufs(meter.result().music)


def make_job(
    film: Path,
    tracks: Sequence[Path],
    *,
    speech: Sequence[Span] = (),
    ducking: Sequence[GainPoint] = (),
    keep_original: bool = True,
    target_lufs: float = -16.0,
    gain_db: float = 0.0,
    fades_s: tuple[float, float] = (0.05, 0.5),
) -> Job:
    """A sheet that divides the film among the tracks."""
    info = probe(film)
    rows, cues = [], []
    for i, path in enumerate(tracks):
        length_s = read_audio(path, sample_rate_hz=RATE, channels=1).shape[1] / RATE
        row = SheetTrack(path.stem, str(path), None, None, None, None, length_s, loudness_of(path), None, None)
        start_s, end_s = (round(info.duration_s * k / len(tracks), 6) for k in (i, i + 1))
        cue = Cue(
            f"1m{i + 1:02d}",
            Span(start_s, end_s),
            row.track_id,
            (Section(Span(1.0, round(1.0 + end_s - start_s, 6))),),
            fades_s[0],
            fades_s[1],
            -20.0 - row.loudness_lufs + gain_db,
            (0,),
        )
        rows.append(row)
        cues.append(cue)
    sheet = CueSheet(
        film=FilmRef(
            film.name, info.duration_s, info.fps, info.width_px, info.height_px, bool(info.audio_streams), "sha256:0"
        ),
        model=ModelRef("tiny", "1", "0", 8),
        library="0",
        seed=0,
        mix=MixNotes(target_lufs, -1.0, keep_original, speech_over_music_lu=10.0, crossfade_s=0.5),
        scenes=(),
        tracks=tuple(rows),
        cues=tuple(cues),
        speech=tuple(speech),
        ducking=tuple(ducking),
    )
    return Job(film, sheet, {path.stem: path for path in tracks})


@dataclass(frozen=True)
class Ebur128:
    """What ffmpeg's meter says."""

    integrated_lufs: float
    true_peak_dbtp: float


def ebur128(path: Path, *, stream: str = "0:a:0") -> Ebur128:
    """Loudness and true peak by ffmpeg's filter, an independent meter."""
    said = ffmpeg("-nostats", "-i", path, "-map", stream, "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = said[said.rindex("Summary:") :]
    integrated = re.search(r"I:\s+(\S+) LUFS", summary)
    peak = re.search(r"Peak:\s+(\S+) dBFS", summary)
    assert integrated is not None
    assert peak is not None
    return Ebur128(float(integrated[1]), float(peak[1]))


def picture_hash(path: Path) -> str:
    """Hash of the picture's packets by ffmpeg."""
    command = [
        str(ffmpeg_path()),
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v:0",
        "-c",
        "copy",
        "-f",
        "streamhash",
        "-",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def frame_times_s(path: Path) -> np.ndarray:
    """When each frame is shown, from the first, by decoding."""
    import av

    with av.open(str(path)) as container:
        times = [float(f.pts * f.time_base) for f in container.decode(video=0) if f.pts is not None]
    return np.array(times) - times[0]
