"""Short films in many codecs, made of the clips at hand, with the cuts where pieces were joined.

Goes in: a folder with `video`, `everyday` and `mved` (as ``data/MANIFEST.md`` describes them). Comes out: films of half
a minute to a minute, joined from pieces of two to seven seconds of different clips, each encoded in `ENCODERS`. What is
made stays. *Development* films come from one half of the music videos, films *kept apart* from the other half and from
all other clips.
"""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

X264, X265 = ["-c:v", "libx264"], ["-c:v", "libx265"]
_FIXED = ["-sc_threshold", "0"]

ENCODERS: dict[str, list[str]] = {
    "h264": [*X264, "-preset", "veryfast"],
    "h264 medium": [*X264, "-preset", "medium"],
    "h264 2 s": [*X264, "-preset", "veryfast", "-g", "50", *_FIXED],
    "h264 5 s": [*X264, "-preset", "fast", "-g", "125", *_FIXED],
    "h264 no B": [*X264, "-preset", "veryfast", "-bf", "0", "-g", "60", *_FIXED],
    "h264 one key": [*X264, "-preset", "veryfast", "-g", "100000", *_FIXED],
    "hevc": [*X265, "-preset", "ultrafast", "-x265-params", "log-level=error"],
    "hevc superfast": [*X265, "-preset", "superfast", "-x265-params", "log-level=error"],
    "av1": ["-c:v", "libsvtav1", "-preset", "11", "-crf", "38"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1500k", "-row-mt", "1"],
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "4", "-bf", "2", "-g", "250"],
}
"""Encoders by name."""

FPS = 25
_SHORTEST_S, _LONGEST_S = 2.0, 7.0


@dataclass(frozen=True)
class JoinedFilm:
    """A film of pieces."""

    name: str
    path: Path
    """Nearly lossless; the encoded films are made of it."""
    joins_s: tuple[float, ...]
    """First frames after the joins, in seconds."""
    apart: bool
    """Whether it is kept apart from what thresholds were chosen on."""


def clips_of(data: Path, *, apart: bool) -> list[Path]:
    """The clips that development films, or those kept apart, are made of."""
    if not apart:
        return sorted((data / "mved" / "Train").glob("*/*.mp4"))
    everyday = sorted((data / "everyday").glob("*.mp4"))
    video = [path for path in sorted((data / "video").iterdir()) if path.suffix in (".webm", ".mp4", ".mkv")]
    return [*sorted((data / "mved" / "Validation").glob("*/*.mp4")), *everyday, *video]


def joined_films(data: Path, work: Path, *, apart: bool, n: int, seconds: float, height: int = 360) -> list[JoinedFilm]:
    """Films of pieces, each piece of another clip than its neighbours."""
    work.mkdir(parents=True, exist_ok=True)
    clips = [(path, _length_s(path)) for path in clips_of(data, apart=apart)]
    made = []
    for i in range(n):
        name = f"{'apart' if apart else 'development'}-{height}p-{i}"
        rng = random.Random(name)
        path, told = work / f"{name}.mkv", work / f"{name}.json"
        if not told.exists():
            pieces: list[tuple[Path, float, int]] = []
            while sum(n_frames for _, _, n_frames in pieces) < seconds * FPS:
                clip, clip_s = rng.choice(clips)
                if pieces and pieces[-1][0] == clip:
                    continue
                piece_s = min(rng.uniform(_SHORTEST_S, _LONGEST_S), clip_s - 0.5)
                pieces.append((clip, rng.uniform(0, clip_s - piece_s - 0.2), int(piece_s * FPS)))
            _join(pieces, path, height)
            ends = [sum(n_frames for _, _, n_frames in pieces[: k + 1]) / FPS for k in range(len(pieces) - 1)]
            told.write_text(json.dumps(ends))
        made.append(JoinedFilm(name, path, tuple(json.loads(told.read_text())), apart))
    return made


def encoded(film: JoinedFilm, encoder: str) -> Path:
    """The film by one of the `ENCODERS`."""
    target = film.path.with_name(f"{film.name}-{encoder.replace(' ', '_')}.mp4")
    if not target.exists():
        part = target.with_name(f"part-{target.name}")
        _ffmpeg("-i", film.path, *ENCODERS[encoder], "-pix_fmt", "yuv420p", part)
        part.replace(target)
    return target


def _join(pieces: list[tuple[Path, float, int]], target: Path, height: int) -> None:
    """The pieces one after the other, each with exactly its number of frames."""
    width = height * 16 // 9
    inputs: list[object] = []
    graph = ""
    for k, (clip, start_s, n_frames) in enumerate(pieces):
        inputs += ["-ss", f"{start_s:.3f}", "-i", clip]
        graph += (
            f"[{k}:v:0]fps={FPS},scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p,"
            f"tpad=stop_mode=clone:stop_duration=8,trim=end_frame={n_frames},setpts=PTS-STARTPTS[v{k}];"
        )
    graph += "".join(f"[v{k}]" for k in range(len(pieces))) + f"concat=n={len(pieces)}:v=1:a=0[v]"
    lossless = [*X264, "-preset", "ultrafast", "-crf", "8"]
    _ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", "-an", *lossless, target)


def _length_s(path: Path) -> float:
    import av

    with av.open(str(path)) as container:
        return float(container.duration or 0) / 1e6


def _ffmpeg(*words: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True, stdin=subprocess.DEVNULL)
