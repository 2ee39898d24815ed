"""A separator for soundtrack: what both stereo channels have in common is the voices, their difference the rest.

It is exact where speech is in the middle and the music is in the difference alone, and wrong for all other sound.
"""

import numpy as np

from soundtrack.types import FloatArray, Separator


def separate(sound: FloatArray, sample_rate_hz: int) -> dict[str, FloatArray]:
    """Return the stems of stereo sound, float32 of shape (2, n)."""
    if sample_rate_hz != middle.sample_rate_hz:
        raise ValueError(f"expected {middle.sample_rate_hz} Hz, got {sample_rate_hz}")
    common = np.broadcast_to(sound.mean(axis=0), sound.shape)
    return {"vocals": common, "other": sound - common}


middle = Separator(48_000, separate)
