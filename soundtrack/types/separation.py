"""What separates a sound into stems: voices, drums, bass, the rest.

Other packages bring one by the entry point ``soundtrack.separators``, which gives a `Separator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from soundtrack.types.basics import FloatArray


@dataclass(frozen=True, slots=True)
class Separator:
    """A separator of sources."""

    sample_rate_hz: int
    """Sample rate of the sound that it takes and gives, in Hz, 8000 to 192000."""
    separate: Callable[[FloatArray, int], Mapping[str, FloatArray]]
    """From stereo sound, float32 of shape (2, n) in [-1, 1], and its sample rate, to stems of the same shape by name.

    ``vocals`` is required: speech and singing. Others have ``drums``, ``bass`` and ``other`` as well. It is called with
    pieces of at most `soundtrack.pipeline.film.voices.PIECE_S`, and must not change the sound. Weights are loaded at
    the first call, from the disk: a separator fetches nothing.
    """
