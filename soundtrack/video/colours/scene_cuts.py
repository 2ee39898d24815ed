"""Scene boundaries on the right one of several cuts.

Goes in: the first shots of scenes, and the colours of shots. Comes out: the first shots, moved where that is warranted.
Readings are of clips of two seconds, so for a shot shorter than a clip they say as much about its neighbours as about
itself, and a scene may begin a shot early or late. Such a shot belongs where its colours are. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray, Shot

_REACH_S = 2.0
"""Length of a clip: boundaries move no further."""
_SCENE_S = 30.0
"""So much of the scenes on either side is compared."""
_GAIN = 0.03
"""Share of the pixels that must fit better, second by second, for a boundary to move."""


def placed(firsts: Sequence[int], shots: Sequence[Shot], colours: FloatArray) -> list[int]:
    """First shots of scenes, each on the cut near its place that divides the colours best.

    Parameters
    ----------
    firsts : sequence of int
        First shot of every scene, ascending from 0.
    shots : sequence of Shot
        Tiling the film.
    colours : ndarray, shape=(n_shots, N_COLOURS), float32
        From `ColourSampler.of`.

    Returns
    -------
    list of int
        As many, ascending from 0; none moved by more than two seconds.
    """
    result = list(firsts)
    starts_s = np.array([shot.span.start_s for shot in shots])
    lengths_s = np.array([shot.span.duration_s for shot in shots])
    for n in range(1, len(result)):
        low, here, high = result[n - 1], result[n], result[n + 1] if n + 1 < len(result) else len(shots)
        able = [k for k in range(low + 1, high) if abs(starts_s[k] - starts_s[here]) <= _REACH_S]
        first, last = min(able), max(able)
        if first == last:
            continue
        before = np.arange(low, first)[starts_s[first] - starts_s[low:first] - lengths_s[low:first] < _SCENE_S]
        after = np.arange(last, high)[starts_s[last:high] - starts_s[last] < _SCENE_S]
        unsure = np.arange(first, last)
        gains = lengths_s[unsure] * (
            _alike(colours, unsure, before, lengths_s) - _alike(colours, unsure, after, lengths_s)
        )
        by_cut = dict(zip(range(first, last + 1), np.concatenate([[0.0], np.cumsum(gains)]).tolist(), strict=True))
        best = max(able, key=lambda k: (round(by_cut[k], 6), k == here))
        if by_cut[best] - by_cut[here] > _GAIN * float(lengths_s[unsure].sum()):
            result[n] = best
    return result


def _alike(
    colours: FloatArray, which: npt.NDArray[np.int64], others: npt.NDArray[np.int64], lengths_s: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Share of the pixels that some shots have in common with others together, in [0, 1]."""
    together = np.average(colours[others], axis=0, weights=lengths_s[others])
    return np.asarray(np.minimum(colours[which], together).sum(axis=1), np.float64)
