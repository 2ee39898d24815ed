"""Output files of a job, their default names, and the inputs they must not replace.

Goes in: targets and the files that the user named. Comes out: nothing, or an error before any work is done. To what the
user named come the files that the tool reads by itself: the index and all that it knows, models, configuration, ledger.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from soundtrack import config, resources
from soundtrack.errors import SoundtrackError
from soundtrack.files.kinds import CUE_SHEET, SOUNDS, STEM
from soundtrack.files.targets import OUT, Target, check_targets
from soundtrack.media.writing.own_mark import FILM
from soundtrack.naming.wording import VOICES
from soundtrack.pipeline.library.music import index_dir
from soundtrack.types import VideoInfo

_LONGEST_NAME_BYTES = 255
"""Most bytes of a name on the usual file systems."""
_BY_FFMPEG = frozenset({FILM, STEM, *SOUNDS.values()})
"""Kinds of file that ffmpeg writes."""


def scored_path(info: VideoInfo, *, keeps_suffix: bool = False) -> Path:
    """Where a scored film goes by default: ``NAME.scored.EXT`` beside the film.

    The suffix is the film's own where such a file can hold sound, else that of the nearest kind of file that can. A
    name that would become too long for the disk loses its end. Films of a batch that have one name keep their suffix
    in it: ``clip.mov.scored.mov`` beside ``clip.mp4.scored.mp4``.
    """
    from soundtrack.media.writing.formats import default_suffix

    suffix = info.path.suffix if info.path.suffix.lower() == default_suffix(info) else default_suffix(info)
    return info.path.with_name(f"{scored_stem(info.path, suffix=suffix, keeps_suffix=keeps_suffix)}{suffix}")


def scored_stem(film: Path, *, suffix: str = ".webm", keeps_suffix: bool = False) -> str:
    """Name of a scored film by default, without its suffix."""
    room = _LONGEST_NAME_BYTES - max(len(f".scored.cues.json{suffix}"), len(".scored.vocals-00000000.flac"))
    return f"{os.fsdecode(os.fsencode(film.name if keeps_suffix else film.stem)[:room])}.scored"


def cues_path(film: Path) -> Path:
    """Where a scored film's cue sheet goes by default: ``NAME.cues.json`` beside it."""
    return film.parent / f"{film.stem}.cues.json"


def voices_path(beside: Path) -> Path:
    """Where the voices of a film go: ``NAME.voices.flac`` beside the film, or beside the cue sheet that names them."""
    name = beside.name.removesuffix(".cues.json")
    return beside.with_name(f"{beside.stem if name == beside.name else name}{VOICES}")


def vocals_path(beside: Path, track_id: str) -> Path:
    """Where the vocals of a track go: ``NAME.vocals-ID.flac`` beside the cue sheet that names them."""
    return beside.with_name(f"{beside.name.removesuffix('.json').removesuffix('.cues')}.vocals-{track_id[:8]}.flac")


def film_targets(
    film: Path, *, cues: Path | None, stems: Path | None, voices: bool = False, option: str = OUT
) -> list[Target]:
    """The targets of `score` and `render`.

    Parameters
    ----------
    film : Path
        The scored film.
    cues : Path, optional
        Its cue sheet; None where none is written.
    stems : Path, optional
        Folder for the stems.
    voices : bool
        Whether the voices of the film are written beside the cue sheet.
    option : str
        The option that names the film or, with ``DIR``, the folder of film and cue sheet.
    """
    from soundtrack.mix.stems import stem_paths

    targets = [Target(film, FILM, option=option)]
    if cues is not None:
        targets.append(Target(cues, CUE_SHEET, option="--cues" if option == OUT else option))
    if voices:
        targets.append(Target(voices_path(cues or film), STEM, option=option))
    if stems is not None:
        names = stem_paths(stems, film.stem)
        targets += [Target(path, STEM, option="--stems DIR", makes_folder=True) for path in names]
    return targets


def guard(
    targets: Sequence[Target], *, inputs: Iterable[Path] = (), index: Path | None = None, force: bool = False
) -> None:
    """Refuse targets that must or can not be written; see `soundtrack.files.targets.check_targets`.

    Parameters
    ----------
    targets : sequence of Target
        Every file that the run will write.
    inputs : iterable of Path
        Files that the user named.
    index : Path, optional
        Folder of the library index; by default the one that is configured.
    force : bool
        Whether an existing file of the same kind may be replaced.

    Raises
    ------
    UsageError
        A target is a file that is read, or another target.
    OutputError
        It exists and must not be replaced, or cannot be written.
    DependencyError
        It is a film or sound, and there is no ffmpeg.
    """
    from soundtrack.library.store.files import own_files
    from soundtrack.media.locate import ffmpeg_path

    if any(target.kind in _BY_FFMPEG for target in targets):
        ffmpeg_path()
    folder = index_dir(index)
    check_targets(targets, inputs=[*inputs, *own_files(folder)], known=partial(known_files, folder), force=force)


def known_files(folder: Path) -> Iterator[Path]:
    """Files that the tool reads without an option: settings, ledger, models, and all music that an index knows."""
    from soundtrack.library.store.files import files_known
    from soundtrack.library.store.store import open_store

    yield config.config_path()
    yield resources.user_ledger_path()
    for models in (resources.models_dir(), resources.user_models_dir()):
        yield from models.rglob("*")
    try:
        with open_store(folder) as store:
            yield from files_known(store)
    except SoundtrackError:
        return  # no index, or none that can be read
