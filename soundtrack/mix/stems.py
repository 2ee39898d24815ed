"""Stems of a mix: MX (music) and DX (the film's own sound), at the levels of the mix.

Goes in: blocks of both. Comes out: two FLAC files of 24 bits, written whole or not at all. Added up they are the mix
before the limiter.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

import numpy as np

from soundtrack.files.kinds import SOUND_METADATA, STEM
from soundtrack.files.safe_write import Together, naming_a_full_disk
from soundtrack.files.targets import Target, check_targets
from soundtrack.media.process import WritingPipe, file_arg, pcm_input_args, writing_pipe
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import FloatArray


def stem_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Where the stems of a film go: music, original."""
    return folder / f"{name}.MX.flac", folder / f"{name}.DX.flac"


class StemWriter:
    """A context manager; `restart`, `write` every block, `finish`; the files appear with all others of the run.

    Parameters
    ----------
    folder : Path
        Made if it is not there; the folder above it has to be.
    name : str
        First part of the file names.
    files : Together
        The files of the run.
    force : bool
        Whether existing files may be replaced.
    channels : int
        Of the original; music is stereo.
    """

    def __init__(self, folder: Path, name: str, *, files: Together, force: bool, channels: int = 2) -> None:
        self._channels = (2, channels)
        self._folder = folder
        self._force = force
        self.paths = stem_paths(folder, name)
        """Music, original."""
        self._files = files
        self._encoders = contextlib.ExitStack()
        self._parts: list[Path] = []
        self._pipes: list[WritingPipe] = []

    def __enter__(self) -> StemWriter:
        check_targets(
            [Target(path, STEM, option="--stems DIR", makes_folder=True) for path in self.paths], force=self._force
        )
        self._files.folder(self._folder, option="--stems DIR")
        self._parts = [self._files.part(path, kind=STEM, force=self._force) for path in self.paths]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._encoders.__exit__(kind, error, trace)

    def restart(self) -> None:
        """Begin at the beginning of the film."""
        with contextlib.ExitStack() as encoders:
            self._pipes = [
                encoders.enter_context(writing_pipe(flac_args(part, channels=n), task=f"writing {path.name}"))
                for part, path, n in zip(self._parts, self.paths, self._channels, strict=True)
            ]
            self._encoders = encoders.pop_all()

    def write(self, music: FloatArray, original: FloatArray | None) -> None:
        """The next block of both, shape (channels, n); None is silence."""
        with naming_a_full_disk(self.paths[0]):
            for pipe, sound, n in zip(self._pipes, (music, original), self._channels, strict=True):
                given = np.zeros((music.shape[1], n), np.float32) if sound is None else sound.T
                pipe.write(np.ascontiguousarray(given))

    def finish(self) -> None:
        """The end of the film."""
        with naming_a_full_disk(self.paths[0]):  # ffmpeg writes the last samples now
            self._encoders.close()


def flac_args(part: Path, *, channels: int, sample_rate_hz: int = MIX_RATE_HZ) -> list[str]:
    """ffmpeg's arguments for one stem, from samples at some rate to FLAC of 24 bits at the rate of the mix."""
    source = pcm_input_args(sample_rate_hz=sample_rate_hz, channels=channels)
    rate = [] if sample_rate_hz == MIX_RATE_HZ else ["-ar", str(MIX_RATE_HZ)]
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", *SOUND_METADATA]
    return ["-y", *source, *rate, "-c:a", "flac", "-sample_fmt", "s32", *exact, "-f", "flac", file_arg(part)]
