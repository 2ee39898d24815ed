"""The voices of a film without its music, separated by an installed separator and written as a sound file.

Goes in: a film. Comes out: a FLAC file of its voices on the film's clock, which takes the place of the film's own sound
like a narration. The sound is separated in pieces that overlap, so memory does not grow with the film; the file
appears whole or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.files.kinds import STEM
from soundtrack.files.safe_write import Together, naming_a_full_disk
from soundtrack.files.targets import Target
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.ground.separators import NamedSeparator, find_separator
from soundtrack.pipeline.sheets.narration import Narrated, read_separated
from soundtrack.pipeline.sheets.targets import guard, voices_path
from soundtrack.progress import Progress, no_progress
from soundtrack.timebase import samples
from soundtrack.types import FloatArray, VideoInfo

PIECE_S = 60.0
"""Sound that is separated at a time, in seconds."""
OVERLAP_S = 2.0
"""What two pieces have in common; the one gives way to the other there."""
_BLOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices of a film in a file."""

    path: Path
    """Where the file can be read."""
    narrated: Narrated
    """What the cue sheet says of them, and where they speak."""
    separator: str
    """Name and package of the separator."""


def require_decodable(info: VideoInfo) -> None:
    """Refuse a film whose sound cannot be separated because it cannot be decoded; one without sound passes.

    Raises
    ------
    InputError
        There may be voices in it.
    """
    if info.main_audio is not None and not info.main_audio.has_decoder:
        raise InputError(
            f"{info.path}: no sound that can be decoded, so no voices to keep",
            hint="leave out --keep-voices",
            reason=Reason.NO_AUDIO,
        )


def no_voices(info: VideoInfo) -> str:
    """Why a film has no voices."""
    return "no sound" if info.main_audio is None else "the separator found no voices in its sound"


def separate_voices(
    video: Path,
    *,
    out: Path | None = None,
    device: str = "auto",
    force: bool = False,
    progress: Progress = no_progress,
) -> Voices:
    """The voices of a film as a file.

    Parameters
    ----------
    video : Path
        The film.
    out : Path, optional
        A FLAC file; by default ``NAME.voices.flac`` beside the film.

    Raises
    ------
    DependencyError, ModelError
        As `find_separator`; or the separator fails.
    InputError
        The film cannot be read, or has no voices.
    OutputError
        The file exists or cannot be written.
    """
    from soundtrack.media.reading.probe import probe

    info = probe(as_on_disk(video))
    target = out or voices_path(info.path)
    guard([Target(target, STEM)], inputs=[info.path], force=force)
    require_decodable(info)
    with voices_beside(info, target, separator=find_separator(device=device), force=force, progress=progress) as made:
        if made is None:
            raise InputError(
                f"{info.path}: {no_voices(info)}",
                hint="there are no voices to separate: use `soundtrack score` as for any film"
                if info.main_audio is None
                else "use `soundtrack score --replace` to leave out the original sound",
                reason=Reason.NO_AUDIO,
            )
        return replace(made, path=target)


@contextlib.contextmanager
def voices_beside(
    info: VideoInfo, target: Path, *, separator: NamedSeparator, force: bool, progress: Progress
) -> Iterator[Voices | None]:
    """The voices of a film in a file that takes its name when the block ends well, and is gone otherwise.

    A film without sound, or without voices in it, has no file: None.

    Raises
    ------
    SoundtrackError
        As `separate_voices`.
    """
    if info.main_audio is None:
        yield None
        return
    with Together() as files:
        part = files.part(target, kind=STEM, force=force)
        with naming_a_full_disk(target):
            _write(info, part, separator, progress)
        narrated = read_separated(part, kept_as=target.absolute(), film=info.path)
        if narrated is None:
            files.drop(part)
            yield None
        else:
            yield Voices(part, narrated, f"{separator.name} ({separator.package})")


def _write(info: VideoInfo, part: Path, separator: NamedSeparator, progress: Progress) -> None:
    """The voices of a film to a file at the rate of the mix."""
    from soundtrack.media.process import writing_pipe
    from soundtrack.media.reading.audio import iter_audio
    from soundtrack.mix.stems import flac_args

    main, rate = info.main_audio, separator.sample_rate_hz
    assert main is not None
    decoded = iter_audio(
        info.path,
        sample_rate_hz=rate,
        channels=2,
        block_s=_BLOCK_S,
        stream=main.index,
        clock_start_s=info.start_s,
        duration_s=info.duration_s,
    )
    whole_s, done = round(info.duration_s), 0
    arguments = flac_args(part, channels=2, sample_rate_hz=rate)
    with (
        contextlib.closing(decoded) as blocks,
        writing_pipe(arguments, task=f"writing the voices of {info.path}") as pipe,
    ):
        progress("separating", 0, whole_s)
        for voices in separated(blocks, separator):
            pipe.write(np.ascontiguousarray(voices.T))
            done += voices.shape[1]
            progress("separating", min(done // rate, whole_s), whole_s)


def separated(blocks: Iterable[FloatArray], separator: NamedSeparator) -> Generator[FloatArray]:
    """The voices in sound of any length, as long as the sound.

    Parameters
    ----------
    blocks : iterable of FloatArray
        Consecutive stereo sound, shape (2, n), at the rate of the separator.
    """
    piece, overlap = (samples(s, sample_rate_hz=separator.sample_rate_hz) for s in (PIECE_S, OVERLAP_S))
    rise = np.linspace(0.0, 1.0, overlap, dtype=np.float32)
    held: FloatArray = np.zeros((2, 0), np.float32)
    ending: FloatArray | None = None

    def voices(sound: FloatArray) -> FloatArray:
        """Those of a piece, with the ending of the one before in its beginning; silence needs no separator."""
        found = separator.voices(sound) if sound.any() else np.zeros_like(sound)
        if ending is not None:
            found[:, :overlap] = found[:, :overlap] * rise + ending * (1 - rise)
        return found

    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        while held.shape[1] > piece:
            found = voices(held[:, :piece])
            yield found[:, :-overlap]
            ending, held = found[:, -overlap:], held[:, piece - overlap :]
    if held.shape[1]:
        yield voices(held)
