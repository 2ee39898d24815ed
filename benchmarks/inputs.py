"""Films and tracks for the benchmark, made once in a folder and kept.

Every file is made beside its name and renamed, so that an interrupted run leaves nothing half.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from soundtrack.demo.make import DemoMedia, make_demo
from soundtrack.media.locate import ffmpeg_path

HEIGHTS = {"360p": 360, "1080p": 1080, "4K": 2160}
"""Sizes of films by name."""

CODECS: dict[str, list[str]] = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"],
    "av1": ["-c:v", "libsvtav1", "-preset", "12"],
}
"""Encoders of films by name of the codec."""

ENCODERS = {**CODECS, "h264-no-b": [*CODECS["h264"], "-bf", "0"]}
"""The same, and h264 without B frames."""

MBIT_S = {"360p": 1.2, "1080p": 8.0, "4K": 24.0}
"""Rate of an h264 film by size; the other codecs get six tenths."""

SOUNDS: dict[str, list[str]] = {
    "mp3": ["-c:a", "libmp3lame", "-q:a", "3"],
    "flac": ["-c:a", "flac"],
    "opus": ["-c:a", "libopus", "-b:a", "128k"],
    "m4a": ["-c:a", "aac", "-b:a", "160k"],
}
"""Encoders of tracks by suffix."""

_PIECE_S = 10
_TRACK_S = 210


class Inputs:
    """Makes inputs on demand.

    Parameters
    ----------
    folder : Path
        Where they lie and stay.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ffmpeg = str(ffmpeg_path())
        self._demo: DemoMedia | None = None
        listed = subprocess.run([self.ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True)
        self._encoders = set(listed.stdout.split())

    @property
    def demo(self) -> DemoMedia:
        """The demo's film and music, of which everything else is made."""
        if self._demo is None:
            self._demo = make_demo(self.folder / "demo")
        return self._demo

    def has(self, codec: str) -> bool:
        """Whether this ffmpeg can encode that."""
        return {**ENCODERS, **SOUNDS}[codec][1] in self._encoders

    def film(self, minutes: float, size: str = "1080p", codec: str = "h264") -> Path:
        """A film with some grain, so that it costs what a camera's film costs: a piece of ten seconds, repeated."""
        film = self.folder / f"{codec}-{size}-{minutes:g}.mp4"
        if not film.exists():
            n = max(1, round(minutes * 60 / _PIECE_S))
            piece = self._piece(size, codec)
            loop = ["-stream_loop", str(n - 1), "-i", piece, "-c:v", "copy", "-movflags", "+faststart"]
            self._make(film, [*loop, "-af", "aresample=async=1", "-c:a", "aac"])  # copied, it has a gap at each joint
        return film

    def _piece(self, size: str, codec: str) -> Path:
        piece = self.folder / f"piece-{codec}-{size}.mp4"
        if not piece.exists():
            height = HEIGHTS[size]
            picture = f"scale={height * 16 // 9}:{height}:flags=bicubic,noise=alls=6:allf=t,format=yuv420p"
            where = ["-ss", "6", "-t", str(_PIECE_S), "-i", self.demo.film]
            rate = f"{MBIT_S[size] * (1.0 if codec.startswith('h264') else 0.6):g}M"
            self._make(piece, [*where, "-vf", picture, *ENCODERS[codec], "-b:v", rate, "-c:a", "aac"])
        return piece

    def clips(self, n: int, *, length_s: int = 20) -> Path:
        """A folder of clips in 360p, no two alike."""
        folder = self.folder / (f"clips-{n}" if length_s == 20 else f"clips-{n}-{length_s}")
        folder.mkdir(exist_ok=True)
        picture = "scale=640:360:flags=bicubic,noise=alls=6:allf=t,format=yuv420p"
        for i in range(n):
            clip = folder / f"{i:03}.mp4"
            if not clip.exists():
                where = ["-stream_loop", "9", "-ss", f"{3.7 * i:.1f}", "-t", str(length_s), "-i", self.demo.film]
                self._make(clip, [*where, "-vf", picture, *CODECS["h264"], "-b:v", "1.2M", "-c:a", "aac"])
        return folder

    def tracks(self, n: int) -> list[Path]:
        """Tracks of three and a half minutes in four formats, no two with the same bytes."""
        folder = self.folder / f"tracks-{n}"
        folder.mkdir(exist_ok=True)
        pieces = sorted(self.demo.library.iterdir())
        suffixes = [suffix for suffix in SOUNDS if self.has(suffix)]
        made = []
        for i in range(n):
            suffix = suffixes[i % len(suffixes)]
            track = folder / f"{i:03}.{suffix}"
            if not track.exists():
                piece = [
                    "-stream_loop",
                    "1",
                    "-i",
                    pieces[i // len(suffixes) % len(pieces)],
                    "-t",
                    str(_TRACK_S),
                    "-vn",
                ]
                # Cut by the filter: by -ss the first frame has few samples, and then the flac encoder of ffmpeg 9 makes
                # all frames as short, which no music has.
                cut = ["-af", f"atrim=start={0.37 * i:.2f},asetpts=PTS-STARTPTS,asetnsamples=4096"]
                self._make(track, [*piece, *cut, *SOUNDS[suffix], "-metadata", f"title={i}"])
            made.append(track)
        return made

    def _make(self, target: Path, words: list[str | Path]) -> None:
        """Run ffmpeg into a temporary name."""
        sys.stderr.write(f"making {target.name}\n")
        part = target.with_name(f"part-{target.name}")
        subprocess.run([self.ffmpeg, "-v", "error", "-y", *words, part], check=True, stdin=subprocess.DEVNULL)
        part.replace(target)
