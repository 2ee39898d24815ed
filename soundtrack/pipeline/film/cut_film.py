"""An edit in place of a film: its pieces, their files, and the film that is made of them for analysis and mixing.

Goes in: a time line in OpenTimelineIO or FCPXML with the picture on one track. Comes out: a film in a temporary file,
and the times of its cuts, to a frame. What the edit has besides (titles, effects, sound on other tracks) is left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.export.edited.line import EditClip, EditedLine
from soundtrack.export.edited.read import format_of, read_edit
from soundtrack.files import safe_read
from soundtrack.media.writing.cut_film import FilmPiece, write_cut_film
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.wording import counted
from soundtrack.progress import Progress, no_progress
from soundtrack.timebase import clock, round_half_up
from soundtrack.types import SceneSheet, VideoInfo

SUFFIXES = (".otio", ".fcpxml")
"""Endings of edits that can be scored."""
_LONGEST_BLACK_S = 3600


@dataclass(frozen=True, slots=True)
class Cut:
    """An edit as pieces of files."""

    path: Path
    """The edit."""
    fps: Fraction
    """Frames a second."""
    pieces: tuple[FilmPiece, ...]
    """In order, without gaps."""
    warnings: tuple[str, ...]
    """What of the edit is left out, a line each."""

    @property
    def cuts_s(self) -> tuple[float, ...]:
        """Times of the cuts inside the film."""
        n, found = 0, []
        for piece in self.pieces[:-1]:
            n += piece.n_frames
            found.append(float(n / self.fps))
        return tuple(found)

    @property
    def files(self) -> tuple[Path, ...]:
        """The edit and the files that it names."""
        return (self.path, *dict.fromkeys(piece.info.path for piece in self.pieces if piece.info is not None))


class CutWatcher(Protocol):
    """The part of a film's watcher that an edit needs."""

    def with_cuts(self, cuts_s: Sequence[float], /) -> CutWatcher:
        """The same for a film whose cuts are known."""
        ...

    def analyse(self, info: VideoInfo, /, *, progress: Progress) -> SceneSheet:
        """The scene sheet of a film."""
        ...


@dataclass(frozen=True, slots=True)
class CutFilm:
    """The film of an edit."""

    info: VideoInfo
    """The film, in a temporary file."""
    cut: Cut
    """The edit."""

    def seen_by(self, watcher: CutWatcher, progress: Progress) -> SceneSheet:
        """The scene sheet of the film, with the cuts of the edit as its shots."""
        sheet = watcher.with_cuts(self.cut.cuts_s).analyse(self.info, progress=progress)
        return replace(sheet, warnings=(*self.cut.warnings, *sheet.warnings))


def is_edit(path: Path) -> bool:
    """Whether a path is that of an edit.

    Examples
    --------
    >>> is_edit(Path("cut.otio")), is_edit(Path("film.mp4"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def film_of_edit(out: Path | None) -> Path:
    """The film that an edit is scored to.

    Raises
    ------
    UsageError
        None is named.
    """
    if out is None:
        raise UsageError("a film of an edit requires a name", hint="use -o FILE, such as -o film.mp4")
    return out


def read_cut(path: Path) -> Cut:
    """The pieces of an edit.

    Raises
    ------
    InputError
        It cannot be read, names a file that is missing, or is none that can be assembled: pictures on top of each
        other, clips at another speed, compound clips.
    """
    text = safe_read.read_text(path, most_bytes=safe_read.DOCUMENT_BYTES)
    format_of(text, name=str(path))
    line = read_edit(text, name=str(path), fps=Fraction(24), start=0)
    pictures = [clip for clip in line.pictures if clip.is_heard]
    if not pictures:
        raise _unsupported(path, "no picture", "put the picture on a video track, as clips of files")
    files: dict[str, VideoInfo] = {}
    pieces: list[FilmPiece] = []
    at = 0
    for clip in pictures:
        first, last = (round_half_up(time_s * line.fps) for time_s in (clip.start_s, clip.end_s))
        if last <= first:
            continue
        if first < at:
            where = clock(float(clip.start_s))
            raise _unsupported(path, f"two pictures at once at {where}", "put the picture on one video track")
        if first > at:
            pieces.append(_black(path, first - at, line))
        pieces.append(FilmPiece(_file_of(clip, path, files), clip.source_s, last - first))
        at = last
    return Cut(path, line.fps, tuple(pieces), tuple(_left_out(line, path)))


@contextlib.contextmanager
def cut_film(cut: Cut, *, beside: Path | None = None, progress: Progress = no_progress) -> Iterator[CutFilm]:
    """The film of an edit, in a temporary file that is gone when the block ends.

    Parameters
    ----------
    cut : Cut
        The edit, from `read_cut`.
    beside : Path, optional
        A file on whose disk the film is written; by default among the system's temporary files.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    OutputError
        The disk is full.
    """
    from soundtrack.files.safe_write import naming_a_full_disk, scratch_folder
    from soundtrack.media.reading.probe import probe

    shown = [piece.info for piece in cut.pieces if piece.info is not None]
    size_px = shown[0].width_px // 2 * 2, shown[0].height_px // 2 * 2
    with scratch_folder(beside) as folder:
        film = folder / f"{cut.path.stem}.mov"
        with naming_a_full_disk(beside or film):
            write_cut_film(
                cut.pieces,
                film,
                fps=cut.fps,
                size_px=size_px,
                has_sound=any(info.main_audio is not None for info in shown),
                progress=progress,
            )
        yield CutFilm(probe(film), cut)


def _black(path: Path, n_frames: int, line: EditedLine) -> FilmPiece:
    """A gap in the picture."""
    if n_frames / line.fps > _LONGEST_BLACK_S:
        raise _unsupported(path, "a gap of more than an hour", "remove it in the editing program")
    return FilmPiece(None, Fraction(0), n_frames)


def _file_of(clip: EditClip, edit: Path, known: dict[str, VideoInfo]) -> VideoInfo:
    """The file of a clip, which has to be there and long enough."""
    from soundtrack.media.reading.probe import probe

    name, where = clip.name or "a clip", clock(float(clip.start_s))
    if clip.speed != 1:
        raise _unsupported(
            edit, f"{name} at {where} plays at {float(clip.speed):.0%} speed", "render that clip in the editing program"
        )
    if not clip.file:
        raise _unsupported(edit, f"{name} at {where} has no file", "render compound clips and titles to files")
    if clip.file not in known:
        path = as_on_disk(edit.parent / clip.file)
        if not path.is_file():
            beside = edit.parent / Path(clip.file.replace("\\", "/")).name
            path = beside if beside.is_file() else path
        if not path.is_file():
            raise InputError(
                f"{path}: no such file, used by {name} at {where} in {edit}",
                hint="restore the file, or put it next to the edit",
                reason=Reason.MISSING,
            )
        known[clip.file] = probe(path)
    info = known[clip.file]
    if float(clip.source_s) >= info.duration_s or clip.source_s < 0:
        raise _unsupported(
            edit,
            f"{name} at {where} starts at {clock(float(clip.source_s))} of {info.path.name}, which is"
            f" {clock(info.duration_s)} long",
            "relink the clip in the editing program and export again",
        )
    return info


def _left_out(line: EditedLine, path: Path) -> Iterator[str]:
    """What is in an edit and not in its film."""
    if line.clips:
        clips = counted(len(line.clips), "clip")
        yield f"{path}: {clips} on sound tracks left out; the sound of the picture's files is used"
    if any(clip.fade_in_s or clip.fade_out_s for clip in line.pictures):
        yield f"{path}: transitions are cuts in their middle"


def _unsupported(path: Path, what: str, hint: str) -> InputError:
    return InputError(f"{path}: cannot be assembled: {what}", hint=hint, reason=Reason.UNSUPPORTED)
