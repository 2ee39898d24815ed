"""Names of the scored films of a batch, each of its own: films of one name keep their suffix in it.

Goes in: the films of a list and the folder of the results. Comes out: the films that keep their suffix, and where each
scored film goes. The names depend on the list alone and not on its order, and a film that was scored before another of
its name was added stays where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from soundtrack.errors import SoundtrackError, UsageError
from soundtrack.files.targets import file_identity
from soundtrack.pipeline.sheets.sheet_files import read_cues
from soundtrack.pipeline.sheets.targets import cues_path, scored_path, scored_stem
from soundtrack.types import VideoInfo


def films_of_one_name(films: Iterable[Path], folder: Path | None) -> frozenset[Path]:
    """The films whose scored film, or its cue sheet, would be written over that of another film of the list.

    Parameters
    ----------
    films : iterable of Path
        The list.
    folder : Path, optional
        Where scored films go; beside each film by default.

    Examples
    --------
    >>> sorted(map(str, films_of_one_name(map(Path, ["a.mp4", "clip.mp4", "clip.mov"]), None)))
    ['clip.mov', 'clip.mp4']
    """
    films, keep = tuple(dict.fromkeys(films)), frozenset[Path]()
    while True:
        named = defaultdict(list)
        for film in films:
            named[_place(film, folder, keeps_suffix=film in keep)].append(film)
        more = {film for group in named.values() if len(group) > 1 for film in group} - keep
        if not more:
            return keep
        keep |= more  # which may be the name of another film: clip.mov beside clip.mov.mp4


def refuse_twins(films: Iterable[Path], folder: Path | None, *, keep: Collection[Path], option: str) -> None:
    """Stop where two films would be written to one file, or one over another film of the list.

    Parameters
    ----------
    films, folder
        As of `films_of_one_name`.
    keep : collection of Path
        The films that keep their suffix.
    option : str
        The option that names the folder, for hints.

    Raises
    ------
    UsageError
        One film would be lost.
    """
    films = tuple(films)
    seen: dict[tuple[Path, str], Path] = {}
    for film in films:
        there, stem = place = _place(film, folder, keeps_suffix=film in keep)
        other = seen.setdefault(place, film)
        if other != film:
            raise UsageError(f"{other} and {film} would both be written to {there / stem}", hint="rename one of them")
    seen = {_place(film, folder, keeps_suffix=False): film for film in keep} | seen
    listed = {file_identity(film) for film in films} - {None}
    for there in {there for there, _ in seen}:
        for path in there.iterdir() if there.is_dir() else ():
            source = seen.get((there, path.stem.casefold()))
            if source is not None and file_identity(path) in listed:
                raise UsageError(
                    f"{path}: is a film of the list and would be overwritten by the result of {source}",
                    hint=f"remove one of them from the list, or use another folder with {option}",
                )


def batch_path(info: VideoInfo, folder: Path | None, *, keeps_suffix: bool) -> Path:
    """Where the scored film of a film of a batch goes.

    Parameters
    ----------
    info : VideoInfo
        The film.
    folder : Path, optional
        As of `films_of_one_name`.
    keeps_suffix : bool
        Whether another film of the list has its name.
    """
    path = _in(scored_path(info), folder)
    if not keeps_suffix or _is_scored(info.path.name, path):
        return path
    return _in(scored_path(info, keeps_suffix=True), folder)


def _place(film: Path, folder: Path | None, *, keeps_suffix: bool) -> tuple[Path, str]:
    return folder or film.parent, scored_stem(film, keeps_suffix=keeps_suffix).casefold()


def _in(path: Path, folder: Path | None) -> Path:
    return path if folder is None else folder / path.name


def _is_scored(name: str, path: Path) -> bool:
    """Whether a film of that name was scored before, without its suffix in the name."""
    if not path.is_file():
        return False
    try:
        return read_cues(cues_path(path)).film.name == name
    except SoundtrackError:
        return False
