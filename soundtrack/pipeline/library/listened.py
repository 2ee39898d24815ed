"""The musical structure of a file, without an index and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.types import FloatArray

if TYPE_CHECKING:
    from soundtrack.audio.music.analyse import Listening

LONGEST_S = 600.0
"""Length of the part of a file that is analysed, from its beginning."""
_FAINT = 1e-3
"""Peak of a mean of two channels from which it is taken for the sound."""


def listen_to(path: Path) -> Listening:
    """Bars, beats, sections and ends of the first ten minutes of a file.

    Raises
    ------
    InputError
        It cannot be read, or is copy-protected.
    """
    from soundtrack.audio.mono import mono_of
    from soundtrack.audio.music.analyse import analyse_music
    from soundtrack.library.update.listen import ANALYSIS_RATE_HZ
    from soundtrack.media.reading.audio import iter_audio
    from soundtrack.media.reading.probe import probe_audio

    rate, stereo = ANALYSIS_RATE_HZ, 2
    probe_audio(path, counted=False)  # a copy-protected file would be decoded to noise

    def heard(channels: int) -> list[FloatArray]:
        return [mono_of(b) for b in iter_audio(path, sample_rate_hz=rate, channels=channels, duration_s=LONGEST_S)]

    mono = np.concatenate(heard(1))
    if float(np.abs(mono).max(initial=0.0)) < _FAINT:  # silence, or channels that cancel
        mono = np.concatenate(heard(stereo))
    return analyse_music(mono[None], sample_rate_hz=rate)
