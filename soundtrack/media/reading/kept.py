"""Keep decoded sound that is needed more than once, as far as there is room.

Goes in: what decodes a stretch of sound. Comes out: its blocks, the second time from memory or from a file without a
name, the very same. Starting a decoder costs a tenth of a second of the processor, as much as some minutes of mixing,
and decoding ten minutes of film and music costs three seconds; reading them from the disk costs a fifth of one. What
finds no room is decoded again, because neither memory nor disk may grow with the film.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from soundtrack.types import FloatArray

KEPT_BYTES = 32 << 20
"""All that is kept in memory: 87 seconds of stereo at 48 kHz."""

DISK_BYTES = 1 << 30
"""All that is kept on the disk: 46 minutes of stereo at 48 kHz."""

_SPARE_BYTES = 256 << 20
_SAMPLE_BYTES = 4


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """Place of a block in the file."""

    place: int
    shape: tuple[int, ...]


class KeptSound:
    """Blocks of decoded sound by what they are; a context manager, if there is a folder, that gives the disk back.

    Parameters
    ----------
    most_bytes : int >= 0
        Of all that is kept in memory.
    folder : Path, optional
        Where a nameless file may lie for what does not fit; memory only by default.
    leaves_bytes : int >= 0
        What others need on the disk of that folder.
    """

    def __init__(self, *, most_bytes: int = KEPT_BYTES, folder: Path | None = None, leaves_bytes: int = 0) -> None:
        self._free = most_bytes
        self._disk_free = 0
        self._place = 0
        self._file: FileIO | None = None
        self._folder = folder
        self._kept: dict[Hashable, tuple[FloatArray | _OnDisk, ...]] = {}
        if folder is not None:
            with contextlib.suppress(OSError):
                free = shutil.disk_usage(folder).free - leaves_bytes - _SPARE_BYTES
                self._disk_free = max(0, min(DISK_BYTES, free))

    def __enter__(self) -> KeptSound:
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._disk_free = 0

    def blocks(
        self, key: Hashable, decode: Callable[[], Generator[FloatArray]], *, n_samples: int
    ) -> Generator[FloatArray]:
        """The blocks of a stretch, decoded where they are not kept.

        Parameters
        ----------
        key : hashable
            All that the samples depend on.
        decode : callable
            Starts the decoder; its blocks have shape (channels, n) and must not be changed.
        n_samples : int > 0
            Length of the stretch; a consumer that leaves before it has all of them keeps nothing.
        """
        if key in self._kept:
            yield from self._again(self._kept[key], decode)
            return
        found: list[FloatArray | _OnDisk] = []
        have = 0
        fits: bool | None = None
        on_disk = False
        reserved = 0
        try:
            with contextlib.closing(decode()) as source:
                for block in source:
                    if fits is None:
                        reserved = n_samples * block.shape[0] * _SAMPLE_BYTES
                        on_disk = reserved > self._free
                        fits = reserved <= (self._disk_free if on_disk else self._free)
                        self._reserve(reserved if fits else 0, on_disk=on_disk)
                    have += block.shape[1]
                    if fits:
                        kept = self._written(block) if on_disk else block
                        fits = kept is not None
                        found.append(block if kept is None else kept)
                    yield block
            n_samples = have  # the sound has no more
        finally:
            if fits and have >= n_samples and key not in self._kept:
                self._kept[key] = tuple(found)
            elif fits and not on_disk:
                self._reserve(-reserved, on_disk=False)

    def keeps(
        self, key: Hashable, decode: Callable[[], Generator[FloatArray]], *, n_samples: int, channels: int
    ) -> bool:
        """Whether all of a stretch is kept, after decoding it to its end if there is room; parameters as for `blocks`.

        Parameters
        ----------
        channels : int > 0
            Of its blocks.
        """
        n_bytes = n_samples * channels * _SAMPLE_BYTES
        if key not in self._kept and n_bytes <= max(self._free, self._disk_free):
            for _ in self.blocks(key, decode, n_samples=n_samples):
                pass
        return key in self._kept

    def _reserve(self, n_bytes: int, *, on_disk: bool) -> None:
        """Count what a stretch takes."""
        if on_disk:
            self._disk_free -= n_bytes
        else:
            self._free -= n_bytes

    def _written(self, block: FloatArray) -> _OnDisk | None:
        """Put a block into the file; None where the disk refuses, and then nothing more is put there."""
        place = self._place
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - closed by __exit__
            view = np.ascontiguousarray(block).reshape(-1).view(np.uint8).data
            self._file.seek(place)
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            self._disk_free = 0
            return None
        self._place += block.nbytes
        return _OnDisk(place, block.shape)

    def _again(
        self, kept: tuple[FloatArray | _OnDisk, ...], decode: Callable[[], Generator[FloatArray]]
    ) -> Generator[FloatArray]:
        """What is kept; what cannot be read any more is decoded again."""
        for i, block in enumerate(kept):
            found = self._read(block) if isinstance(block, _OnDisk) else block
            if found is None:
                with contextlib.closing(decode()) as source:
                    yield from itertools.islice(source, i, None)
                return
            yield found

    def _read(self, where: _OnDisk) -> FloatArray | None:
        """A block from the file; None where that fails."""
        block = np.empty(where.shape, np.float32)
        view = block.reshape(-1).view(np.uint8).data
        if self._file is None:
            return None
        try:
            self._file.seek(where.place)
            while view:
                n = self._file.readinto(view)
                if not n:
                    return None
                view = view[n:]
        except OSError:
            return None
        return block
