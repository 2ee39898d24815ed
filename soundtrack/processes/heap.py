"""Bound what the C library keeps of freed memory.

glibc keeps large blocks that were freed, the larger the more it has seen of them, and small ones that live on keep the
space between them from being used again. A run that takes and gives back a hundred megabytes at a time for three hours
so has ever more memory, though it needs no more. With a fixed threshold large blocks go back to the system at once:
the peak of a film of ten minutes went from 628 to 539 MiB.

Each block that goes back costs, since the system clears every page of the next one. The threshold is therefore above
what the networks take at once (`soundtrack.emotion.video_tower` reads two clips at a time for this), and as much free
space as a few of their layers need stays at the end of the heap. Measured on a processor with bf16: 0.025 s for each
clip of 16 x 128 x 128, of which 0.0003 s in the system; 0.043 and 0.021 s with eight clips at a time and blocks from
4 MiB on given back.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

LARGE_BYTES = 24 << 20
"""Blocks from this size on are asked of the system one by one, and given back so."""
SPARE_BYTES = 64 << 20
"""Free space at the end of the heap that is kept for the next blocks."""

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


def return_large_blocks(
    at_least_bytes: int = LARGE_BYTES, *, spare_bytes: int = SPARE_BYTES, n_arenas: int | None = None
) -> bool:
    """Have large blocks that are freed given back to the system; False where the C library is another.

    Holds for the process from then on. An allocator that was put in front of glibc's does not listen, and does no harm.

    Parameters
    ----------
    at_least_bytes : int > 0
        Blocks from this size on.
    spare_bytes : int > 0
        Free space at the end of the heap that is kept.
    n_arenas : int > 0, optional
        Parts of the heap that threads share: each keeps what was freed in it. By default eight a core.

    Examples
    --------
    >>> return_large_blocks() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):  # musl has no such function
        library = ctypes.CDLL(None)
        if n_arenas is not None:
            library.mallopt(_M_ARENA_MAX, n_arenas)
        wanted = ((_M_MMAP_THRESHOLD, at_least_bytes), (_M_TRIM_THRESHOLD, spare_bytes))
        return all(bool(library.mallopt(name, value)) for name, value in wanted)
    return False
