"""Levels of film and music every 0.1 s, from which all gains are derived.

Goes in: both sounds, once, side by side. Comes out: for every tenth of a second the power of the original, of the
music, and what they share, all K-weighted (ITU-R BS.1770-5), and the highest sample of both. K-weighting is linear,
so the powers give the loudness of the mix at any gain of the music without hearing it again; the samples bound its
peaks. What follows from them is decided in `mix/levels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.audio.levels.k_weighting import KFilter
from soundtrack.audio.levels.loudness import MOMENTARY_STEPS, channel_weights, gated_lufs, moving_mean
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import FloatArray, TimeArray

STEP = MIX_RATE_HZ // 10
"""Samples of a row: a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Balance:
    """K-weighted power, one row per tenth of a second, summed over the channels by their weights."""

    original: TimeArray = field(repr=False, compare=False)
    """Of the original, shape (k,)."""
    music: TimeArray = field(repr=False, compare=False)
    """Of the music as the sheet has it, shape (k,)."""
    shared: TimeArray = field(repr=False, compare=False)
    """Mean product of the two, shape (k,)."""
    reference: TimeArray = field(repr=False, compare=False)
    """Of the music with reference gains, shape (k,)."""
    front_peak: TimeArray = field(repr=False, compare=False)
    """Highest sample of the original's first two channels, over which music lies, shape (k,)."""
    other_peak: TimeArray = field(repr=False, compare=False)
    """Highest sample of its other channels, shape (k,); 0 in stereo."""
    music_peak: TimeArray = field(repr=False, compare=False)
    """Highest sample of the music as the sheet has it, shape (k,)."""


class BalanceMeter:
    """Takes both sounds in blocks, keeps four numbers for every tenth of a second.

    Parameters
    ----------
    channels : {2, 6}
        Of the original: stereo, or 5.1 in the order front left and right, centre, LFE, surrounds. Music is stereo.
    """

    def __init__(self, *, channels: int = 2) -> None:
        self._weights = channel_weights(channels)
        self._original, self._music, self._reference = (KFilter(MIX_RATE_HZ) for _ in range(3))
        self._rows: list[npt.NDArray[np.float64]] = []
        self._peaks = [_Peaks() for _ in range(3)]
        self._is_one = True

    def push(self, original: FloatArray | None, *, music: FloatArray, reference: FloatArray) -> None:
        """The next block.

        Parameters
        ----------
        original : ndarray, shape=(channels, n), float32, or None
            The film's own sound; None where the film has none.
        music, reference : ndarray, shape=(2, n), float32
            The music twice, see `MusicBlock`; one array for both, from the first block to the last, is measured once.
        """
        for peaks, sound in zip(self._peaks, _parts(original, music), strict=True):
            peaks.push(sound)
        self._is_one &= music is reference
        sounding = self._music.push(music)
        self._add(
            sounding[:0] if original is None else self._original.push(original),
            sounding,
            sounding if self._is_one else self._reference.push(reference),
        )

    def _add(self, original: FloatArray, music: FloatArray, reference: FloatArray) -> None:
        """Powers of whole steps, shape (channels, k, step); music is in the original's first two channels."""
        size = max(music.shape[2], 1)
        pairs = ((original, original), (music, music), (original[:2], music[: len(original)]), (reference, reference))
        powers = [np.einsum("ckn,ckn->ck", a, b) / size for a, b in pairs]
        self._rows.append(np.stack([self._weights[: len(power)] @ power.astype(np.float64) for power in powers]))

    def result(self) -> Balance:
        """All rows so far; a rest shorter than a step counts only when there is nothing else."""
        if not any(rows.shape[1] for rows in self._rows):
            music, original = self._music.finish(), self._original.finish()
            reference = music if self._is_one else self._reference.finish()
            self._add(original if len(original) else music[:0], music, reference)
        rows = np.concatenate(self._rows, axis=1) if self._rows else np.zeros((4, 0))
        front, other, music_peak = (peaks.result(rows.shape[1]) for peaks in self._peaks)
        return Balance(
            original=rows[0],
            music=rows[1],
            shared=rows[2],
            reference=rows[3],
            front_peak=front,
            other_peak=other,
            music_peak=music_peak,
        )


def _parts(original: FloatArray | None, music: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What peaks are kept of: the original where music lies, its other channels, the music."""
    nothing = music[:0]
    return (nothing, nothing, music) if original is None else (original[:2], original[2:], music)


class _Peaks:
    """Highest sample of every tenth of a second over all channels of a sound that comes in blocks."""

    def __init__(self) -> None:
        self._rest: FloatArray = np.zeros(0, np.float32)
        self._rows: list[FloatArray] = []

    def push(self, block: FloatArray) -> None:
        """The next block, shape (channels, n); no channels are silence."""
        size = np.abs(block).max(axis=0, initial=0.0) if len(block) else np.zeros(block.shape[1], np.float32)
        size = np.concatenate([self._rest, size]) if len(self._rest) else size
        whole = len(size) // STEP * STEP
        self._rows.append(size[:whole].reshape(-1, STEP).max(axis=1, initial=0.0))
        self._rest = size[whole:]

    def result(self, k: int) -> TimeArray:
        """All rows, shape (k,); a rest shorter than a row belongs to the last one."""
        found = np.concatenate([*self._rows, [self._rest.max(initial=0.0)]]).astype(np.float64)
        if k:
            found[k - 1] = found[k - 1 :].max(initial=0.0)
        return found[:k]


def loudness_lufs(power: TimeArray) -> float:
    """Integrated loudness of a row of powers; one shorter than a gated block is a block of its own.

    Parameters
    ----------
    power : ndarray, shape=(k,), float64
        K-weighted power of consecutive tenths of a second.

    Returns
    -------
    float
        At least that of silence, -70 LUFS.

    Examples
    --------
    >>> round(loudness_lufs(np.full(100, 0.1)), 2)
    -10.69
    """
    steps = max(1, min(MOMENTARY_STEPS, len(power)))
    return gated_lufs(moving_mean(np.maximum(power, 0.0), steps))


def mixed_power(balance: Balance, *, music_gain_db: float | TimeArray) -> TimeArray:
    """Power of original plus music, shape (k,), with the music changed by a gain, or by one for every row."""
    gain = 10 ** (np.asarray(music_gain_db) / 20)
    return np.asarray(balance.original + 2 * gain * balance.shared + gain**2 * balance.music)
