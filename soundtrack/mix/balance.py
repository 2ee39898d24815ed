"""How loud the music is against the film's own sound, and the whole against the target.

Goes in: both sounds, once, side by side. Comes out: two constant gains. While both pass, three numbers are kept for
every tenth of a second: the power of the original, of the music, and what they share, all K-weighted (ITU-R
BS.1770-5). K-weighting is linear, so these three give the loudness of the mix at any gain of the music without
hearing it again.

The rules: where somebody speaks over music, the (ducked) music lies the wanted distance under the speech. Without
speech it lies `OVER_ORIGINAL_LU` above the original, but not under `MUSIC_FLOOR_LUFS`: room tone is not raised to set
the level of a score. Then one gain brings the whole to the target, at most `MAX_MASTER_GAIN_DB` up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.audio.k_weighting import KFilter
from soundtrack.audio.loudness import (
    MOMENTARY_STEPS,
    SILENCE_LUFS,
    SILENCE_POWER,
    channel_weights,
    gated_lufs,
    moving_mean,
)
from soundtrack.mix.ducking import CLEAR_BELOW_SPEECH_LU, REFERENCE_LUFS
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import samples
from soundtrack.types import FloatArray, MixNotes, Span, TimeArray

OVER_ORIGINAL_LU = 3.0
"""Music over an original without speech."""

MUSIC_FLOOR_LUFS = -26.0
"""Music without speech beside it is never set lower than this before the final gain."""

MAX_MUSIC_GAIN_DB = 30.0
"""The music's constant gain stays within this either way."""

MAX_MASTER_GAIN_DB = 24.0
"""The whole is never raised by more: what is that quiet is noise."""


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


@dataclass(frozen=True, slots=True)
class Levels:
    """What was measured and what follows from it.

    Music comes out at the gain of its cue, fades and ducking plus `music_gain_db` plus `master_gain_db`; the original
    at `master_gain_db`.
    """

    music_gain_db: float
    """Constant gain of the music against the original, to six decimals, as a cue sheet holds it."""
    master_gain_db: float
    """Constant gain of the whole, to six decimals."""
    original_lufs: float | None
    """Of the film's own sound, None without any."""
    speech_lufs: float | None
    """Of the film's sound where somebody speaks over music, None where nobody does."""
    speech_over_music_lu: float | None
    """How far speech lies above the music there, with the sheet's gains; None where nobody speaks over music."""
    mix_lufs: float
    """Of the mix before the final gain."""
    is_silent: bool
    """Whether there is nothing to hear at all."""
    is_too_quiet: bool
    """Whether the final gain was held back."""


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
        self._is_one &= music is reference
        sounding = self._music.push(music)
        self._add(
            sounding[:0] if original is None else self._original.push(original),
            sounding,
            sounding if self._is_one else self._reference.push(reference),
        )

    def _add(self, original: FloatArray, music: FloatArray, reference: FloatArray) -> None:
        """Powers of whole steps, shape (channels, k, step); music lies in the original's first two channels."""
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
        return Balance(original=rows[0], music=rows[1], shared=rows[2], reference=rows[3])


def loudness_lufs(power: TimeArray) -> float:
    """Integrated loudness of a row of powers; one shorter than a gated block is a block of its own.

    Parameters
    ----------
    power : ndarray, shape=(k,), float64
        K-weighted power of consecutive tenths of a second.

    Returns
    -------
    float
        At least `SILENCE_LUFS`.

    Examples
    --------
    >>> round(loudness_lufs(np.full(100, 0.1)), 2)
    -10.69
    """
    steps = max(1, min(MOMENTARY_STEPS, len(power)))
    return gated_lufs(moving_mean(np.maximum(power, 0.0), steps))


def set_levels(balance: Balance, *, speech: Sequence[Span], notes: MixNotes, has_original: bool) -> Levels:
    """The two constant gains of the mix.

    Parameters
    ----------
    balance : Balance
        What was measured.
    speech : sequence of Span
        Where somebody speaks, film clock.
    notes : MixNotes
        Target and wanted distance; gains that it holds are taken as they are.
    has_original : bool
        Whether the film's own sound is part of the mix.
    """
    original_lufs = loudness_lufs(balance.original) if has_original else None
    speech_lufs: float | None = None
    music_lufs = SILENCE_LUFS
    music_gain_db = 0.0
    if original_lufs is not None and original_lufs > SILENCE_LUFS:
        spoken = _marked(speech, len(balance.original))
        over_music = spoken & (balance.reference > SILENCE_POWER)
        voice_lufs = loudness_lufs(balance.original[over_music if over_music.any() else spoken])
        if over_music.any() and voice_lufs > SILENCE_LUFS:
            speech_lufs = voice_lufs
            wanted_lufs = voice_lufs - notes.speech_over_music_lu
            music_gain_db = wanted_lufs - loudness_lufs(balance.reference[over_music])
        elif spoken.any() and voice_lufs > SILENCE_LUFS:
            music_gain_db = voice_lufs - CLEAR_BELOW_SPEECH_LU - REFERENCE_LUFS
        else:
            music_gain_db = max(original_lufs + OVER_ORIGINAL_LU, MUSIC_FLOOR_LUFS) - REFERENCE_LUFS
        music_gain_db = min(max(music_gain_db, -MAX_MUSIC_GAIN_DB), MAX_MUSIC_GAIN_DB)
        if speech_lufs is not None:
            music_lufs = loudness_lufs(balance.music[over_music])
    music_gain_db = _as_written(music_gain_db if notes.music_gain_db is None else notes.music_gain_db)
    mix_lufs = loudness_lufs(mixed_power(balance, music_gain_db=music_gain_db))
    wanted_gain_db = notes.target_lufs - mix_lufs
    is_silent = mix_lufs <= SILENCE_LUFS
    if notes.master_gain_db is not None:
        master_gain_db = notes.master_gain_db
    else:
        master_gain_db = 0.0 if is_silent or notes.keep_level else min(wanted_gain_db, MAX_MASTER_GAIN_DB)
    return Levels(
        music_gain_db=music_gain_db,
        master_gain_db=_as_written(master_gain_db),
        original_lufs=original_lufs,
        speech_lufs=speech_lufs,
        speech_over_music_lu=None if speech_lufs is None else speech_lufs - music_lufs - music_gain_db,
        mix_lufs=mix_lufs,
        is_silent=is_silent,
        is_too_quiet=not is_silent and wanted_gain_db > MAX_MASTER_GAIN_DB,
    )


def _as_written(gain_db: float) -> float:
    """A gain as a cue sheet holds it, so that rendering a sheet that was kept gives the same sound."""
    return round(gain_db, 6) + 0.0


def mixed_power(balance: Balance, *, music_gain_db: float) -> TimeArray:
    """Power of original plus music, shape (k,), with the music changed by a gain."""
    gain = 10 ** (music_gain_db / 20)
    return np.asarray(balance.original + 2 * gain * balance.shared + gain**2 * balance.music)


def _marked(spans: Sequence[Span], k: int) -> npt.NDArray[np.bool_]:
    """Which tenths of a second lie inside the spans, by their middle, shape (k,)."""
    marked = np.zeros(k, dtype=bool)
    for span in spans:
        first = samples(max(0.0, span.start_s), sample_rate_hz=10)
        marked[first : samples(span.end_s, sample_rate_hz=10)] = True
    return marked
