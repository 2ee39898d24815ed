"""Small films and tracks that tests make for themselves with ffmpeg and numpy."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundtrack.media.locate import ffmpeg_path


@dataclass(frozen=True)
class Made:
    """A film, a folder of music, and its index."""

    film: Path
    music: Path
    index: Path


def ffmpeg(*args: str | Path, stdin: bytes | None = None) -> None:
    """Run ffmpeg or fail the test with what it said."""
    done = subprocess.run(
        [str(ffmpeg_path()), "-hide_banner", "-v", "error", "-y", *map(str, args)],
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def make_film(path: Path, *, seconds: int = 9) -> Path:
    """Three plainly different pictures with hard cuts between them, and a hum."""
    third = seconds / 3
    parts = [
        f"testsrc=size=320x180:rate=24:duration={third}",
        f"color=c=0x102040:size=320x180:rate=24:duration={third}",
        f"mandelbrot=size=320x180:rate=24:end_pts=60,trim=duration={third}",
    ]
    inputs = [word for part in parts for word in ("-f", "lavfi", "-i", part)]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=180:duration={seconds}"]
    graph = "[0:v]setsar=1[a];[1:v]setsar=1[b];[2:v]setsar=1[c];[a][b][c]concat=n=3:v=1[v];[3:a]volume=0.05[s]"
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    ffmpeg(*inputs, *sound, "-filter_complex", graph, "-map", "[v]", "-map", "[s]", *coding, "-shortest", path)
    return path


def make_track(
    path: Path, *, tempo_bpm: float, notes_hz: list[float], seconds: float = 24.0, rate_hz: int = 32_000
) -> Path:
    """A plucked arpeggio with a kick on the beat, stereo."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    beat_s = 60 / tempo_bpm
    sound = np.zeros_like(t)
    for i in range(int(seconds / beat_s)):
        since = t - i * beat_s
        on = (since >= 0) & (since < 4 * beat_s)
        note = notes_hz[i % len(notes_hz)]
        sound[on] += 0.3 * np.sin(2 * np.pi * note * since[on]) * np.exp(-3 * since[on])
        sound[on] += (0.5 if i % 4 == 0 else 0.25) * np.sin(2 * np.pi * 55 * since[on]) * np.exp(-20 * since[on])
    stereo = np.stack([sound, np.roll(sound, 40)], axis=1)
    raw = (np.clip(stereo / np.abs(stereo).max() * 0.7, -1, 1) * 32767).astype("<i2").tobytes()
    ffmpeg("-f", "s16le", "-ar", str(rate_hz), "-ac", "2", "-i", "pipe:0", path, stdin=raw)
    return path
