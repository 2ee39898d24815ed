"""The demo film and the demo library as files: the recipe's last step.

Goes in: a folder. Comes out: ``film.mp4`` and ``library/`` with ten tagged tracks in five formats. The same recipe and
the same ffmpeg give the same bytes. Files that are already there are kept.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from soundtrack.demo import movie as film
from soundtrack.demo.band import Piece, play
from soundtrack.demo.canvas import HEIGHT, WIDTH
from soundtrack.demo.instruments import RATE_HZ
from soundtrack.demo.pieces import PIECES
from soundtrack.demo.spoken import RATE_HZ as FILM_RATE_HZ
from soundtrack.errors import OutputError
from soundtrack.files.kinds import OWN, head_of
from soundtrack.files.safe_write import replacing, scratch_folder
from soundtrack.media.prefetch import beside
from soundtrack.media.process import file_arg, pcm_input_args, run_ffmpeg, writing_pipe
from soundtrack.media.writing.own_mark import FILM
from soundtrack.progress import Progress

ARTIST = "The soundtrack demo band"
"""Who plays, for the tags."""

LICENCE = "CC0-1.0"
"""Everything that the recipe makes is free to use."""

_CODECS: dict[str, list[str]] = {
    "flac": ["-c:a", "flac", "-sample_fmt", "s16", "-f", "flac"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "3", "-f", "mp3"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "5", "-f", "ogg"],
    "opus": ["-c:a", "libopus", "-b:a", "128k", "-f", "opus"],
    "m4a": ["-c:a", "aac", "-b:a", "160k", "-f", "ipod"],
}

_TITLE = "A day by the water"

_SAME_BYTES = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
"""No versions and dates in the files."""


@dataclass(frozen=True, slots=True)
class DemoMedia:
    """What was made."""

    film: Path
    """The film, without any music."""
    library: Path
    """Folder of the tracks."""
    tracks: tuple[Path, ...]
    """The tracks, in the order of `PIECES`."""


def track_name(piece: Piece) -> str:
    """File name of a piece.

    Examples
    --------
    >>> from soundtrack.demo.pieces import PIECES
    >>> track_name(PIECES[0])
    'market-day.flac'
    """
    return f"{piece.title.lower().replace(' ', '-')}.{piece.extension}"


def make_track(piece: Piece, target: Path) -> None:
    """Play one piece and encode it with its tags."""
    tags = {
        "title": piece.title,
        "artist": ARTIST,
        "album": "soundtrack demo",
        "genre": piece.genre,
        "copyright": LICENCE,
        "date": "2026",
    }
    tag_args = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    samples = play(piece)
    with replacing(target, kind=OWN) as part:
        run_ffmpeg(
            [
                *pcm_input_args(sample_rate_hz=RATE_HZ, channels=2),
                *tag_args, *_SAME_BYTES, "-threads", "1", *_CODECS[piece.extension], "-y", file_arg(part),
            ],
            task=f"encoding {target.name}",
            input=samples.T.tobytes(),
        )  # fmt: skip


def make_film(target: Path, *, synthesiser: bool = True, progress: Progress | None = None) -> None:
    """Paint the film and encode it with its own sound."""
    with (
        scratch_folder() as scratch,
        replacing(target, kind=FILM) as part,
    ):
        sound = scratch / "sound.wav"
        run_ffmpeg(
            [
                *pcm_input_args(sample_rate_hz=FILM_RATE_HZ, channels=2),
                *_SAME_BYTES, "-c:a", "pcm_s16le", "-f", "wav", "-y", file_arg(sound),
            ],
            task=f"writing the sound of {target.name}",
            input=film.sound(synthesiser=synthesiser).T.tobytes(),
        )  # fmt: skip
        arguments = [
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(film.FPS), "-i", "pipe:0",
            "-f", "wav", "-i", file_arg(sound), "-map", "0:v", "-map", "1:a",
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p", "-threads", "2",
            "-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart", *_SAME_BYTES, "-flags:v", "+bitexact",
            "-metadata", f"title={_TITLE}", "-metadata:s:a:0", "language=eng",
            "-f", "mp4", "-y", file_arg(part),
        ]  # fmt: skip
        with writing_pipe(arguments, task=f"encoding {target.name}") as pipe:
            for number, image in enumerate(film.frames(), start=1):
                pipe.write(image)
                if progress is not None and number % 24 == 0:
                    progress("rendering the film", number, film.N_FRAMES)


def make_demo(folder: Path, *, synthesiser: bool = True, progress: Progress | None = None) -> DemoMedia:
    """Make the demo film and its music library, the pieces beside the film on a second thread.

    Parameters
    ----------
    folder : Path
        Where to; made where missing. Files that are already there are kept as they are.
    synthesiser : bool
        Whether the spoken passage may use a speech synthesiser that the machine has.
    progress : callable, optional
        Gets stage, units done, units in all; called from two threads, one call at a time.

    Returns
    -------
    DemoMedia

    Raises
    ------
    OutputError
        The folder cannot be written.
    FfmpegError
        ffmpeg could not encode.
    """
    library = folder / "library"
    if os.path.lexists(folder / "film.mp4") and _TITLE.encode() not in head_of(folder / "film.mp4", 1 << 20):
        raise OutputError(
            f"{folder / 'film.mp4'}: already exists and is not the demo film",
            hint="use another folder: `soundtrack demo DIR`",
        )
    library.mkdir(parents=True, exist_ok=True)
    media = DemoMedia(folder / "film.mp4", library, tuple(library / track_name(piece) for piece in PIECES))
    gate = threading.Lock()

    def tell(stage: str, done: int, total: int) -> None:
        if progress is not None:
            with gate:
                progress(stage, done, total)

    def play_all() -> None:
        for number, (piece, target) in enumerate(zip(PIECES, media.tracks, strict=True), start=1):
            if not target.exists():
                make_track(piece, target)
            tell("rendering the music", number, len(PIECES))

    playing = beside(play_all)
    if not media.film.exists():
        make_film(media.film, synthesiser=synthesiser, progress=tell)
    playing()
    return media
