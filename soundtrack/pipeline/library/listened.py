"""The musical structure of a file, without an index and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from soundtrack.audio.music.analyse import Listening

LONGEST_S = 600.0
"""Length of the part of a file that is analysed, from its beginning."""


def listen_to(path: Path) -> Listening:
    """Bars, beats, sections and ends of the first ten minutes of a file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    from soundtrack.audio.music.analyse import analyse_music
    from soundtrack.library.update.listen import ANALYSIS_RATE_HZ
    from soundtrack.media.reading.audio import iter_audio

    blocks = list(iter_audio(path, sample_rate_hz=ANALYSIS_RATE_HZ, channels=1, duration_s=LONGEST_S))
    return analyse_music(np.concatenate(blocks, axis=1), sample_rate_hz=ANALYSIS_RATE_HZ)
