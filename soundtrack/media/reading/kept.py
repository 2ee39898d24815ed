"""Sound that is heard more than once: what was decoded the first time, kept while there is little of it.

Goes in: what decodes a stretch of sound. Comes out: its blocks, the second time from memory, the very same. Starting a
decoder costs a tenth of a second of the processor, as much as some minutes of mixing; a long film is decoded again,
because memory must not grow with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Hashable

from soundtrack.types import FloatArray

KEPT_BYTES = 32 << 20
"""All that is kept at a time: 87 seconds of stereo at 48 kHz."""


class KeptSound:
    """Blocks of decoded sound by what they are.

    Parameters
    ----------
    most_bytes : int >= 0
        Of all that is kept; a stretch that does not fit beside the others is not kept at all.
    """

    def __init__(self, *, most_bytes: int = KEPT_BYTES) -> None:
        self._free = most_bytes
        self._kept: dict[Hashable, tuple[FloatArray, ...]] = {}

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
            yield from self._kept[key]
            return
        found: list[FloatArray] = []
        n_bytes = have = 0
        fits = True
        try:
            with contextlib.closing(decode()) as source:
                for block in source:
                    n_bytes += block.nbytes
                    have += block.shape[1]
                    fits = fits and n_bytes <= self._free
                    if fits:
                        found.append(block)
                    else:
                        found.clear()
                    yield block
            n_samples = have  # the sound has no more
        finally:
            if fits and have >= n_samples and key not in self._kept:
                self._kept[key] = tuple(found)
                self._free -= n_bytes
