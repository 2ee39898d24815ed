"""Pieces of files as one film: each piece exactly its frames, as H.264 with PCM sound in QuickTime.

Goes in: pieces with their lengths in frames, in order, without gaps between them. Comes out: a film for analysis and
mixing. Every piece is written to a file of its own, and the files are joined without encoding again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from soundtrack.media.guard import file_arg, input_args
from soundtrack.media.process import run_ffmpeg
from soundtrack.progress import Progress
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import round_half_up
from soundtrack.types import VideoInfo

_GUARDS = ["-protocol_whitelist", "file", "-format_whitelist", "concat,nut"]


@dataclass(frozen=True, slots=True)
class FilmPiece:
    """A stretch of a file, or of black."""

    info: VideoInfo | None
    """The file; None for black without sound."""
    source_s: Fraction
    """First moment in the file, from its first picture."""
    n_frames: int
    """Length, at the frame rate of the film."""


def write_cut_film(
    pieces: Sequence[FilmPiece],
    film: Path,
    *,
    fps: Fraction,
    size_px: tuple[int, int],
    has_sound: bool,
    progress: Progress,
) -> None:
    """Write a film of pieces.

    Parameters
    ----------
    pieces : sequence of FilmPiece
        At least one.
    film : Path
        The new file; the pieces are written beside it.
    fps : Fraction
        Frames a second.
    size_px : (int, int)
        Width and height, even; other pictures are scaled to fit, with black at the edges.
    has_sound : bool
        Whether the film gets the sound of the pieces, in stereo.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    first, lines = 0, []
    for i, piece in enumerate(pieces):
        progress("assembling the edit", i, len(pieces))
        part = film.with_name(f"piece-{i:05d}.nut")
        ends = [round_half_up(Fraction(n * MIX_RATE_HZ) / fps) for n in (first, first + piece.n_frames)]
        task = f"reading {piece.info.path}" if piece.info else "writing black"
        run_ffmpeg(_piece_args(piece, part, fps=fps, size_px=size_px, n_samples=ends[1] - ends[0], has_sound=has_sound),
                   task=task)  # fmt: skip
        lines += [f"file {part.name}", f"duration {float(piece.n_frames / fps):.6f}"]
        first += piece.n_frames
    listed = film.with_name("pieces.txt")
    listed.write_text("ffconcat version 1.0\n" + "\n".join(lines) + "\n", encoding="utf-8")
    joined = ["-y", *_GUARDS, "-f", "concat", "-safe", "0", "-i", file_arg(listed), "-map", "0", "-c", "copy"]
    joined += ["-video_track_timescale", str(fps.numerator * (1 if fps.numerator > 1000 else 1000))]
    run_ffmpeg([*joined, "-fflags", "+bitexact", "-f", "mov", file_arg(film)], task="assembling the edit")


def _piece_args(
    piece: FilmPiece, part: Path, *, fps: Fraction, size_px: tuple[int, int], n_samples: int, has_sound: bool
) -> list[str]:
    """What ffmpeg does for one piece."""
    width, height = size_px
    n, info = piece.n_frames, piece.info
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1,setsar=1"
    whole = f"fps={fps}:start_time=0,tpad=stop=-1:stop_mode=clone,trim=end_frame={n},{fit},format=yuv420p"
    heard = f"aresample={MIX_RATE_HZ},aformat=channel_layouts=stereo,apad,atrim=end_sample={n_samples}"
    args, audio = ["-y"], None
    if info is None:
        colour = f"color=c=black:size={width}x{height}:rate={fps}:duration={float((n + 2) / fps):.6f}"
        args += ["-f", "lavfi", "-i", colour]
        video = "0:v:0"
    else:
        # A quarter of a frame early, so that a time that was rounded down does not lose its frame.
        from_s = max(0.0, float(piece.source_s - Fraction(1, 4) / fps)) + info.start_s
        seek = ["-seek_timestamp", "1", "-ss", f"{from_s:.6f}"] if piece.source_s > 0 else []
        args += input_args(info.path, before=[*seek, "-t", f"{float((n + 2) / fps):.6f}"])
        video = f"0:{info.video_stream}"
        audio = None if info.main_audio is None else f"0:{info.main_audio.index}"
    if has_sound and audio is None:
        args += ["-f", "lavfi", "-i", f"anullsrc=r={MIX_RATE_HZ}:cl=stereo"]
        audio = "1:a:0"
    args += ["-map", video, "-vf", whole, "-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-bf", "0"]
    args += ["-r", str(fps), "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    if has_sound and audio is not None:
        args += ["-map", audio, "-af", heard, "-c:a", "pcm_s16le"]
    return [*args, "-fflags", "+bitexact", "-f", "nut", file_arg(part)]
