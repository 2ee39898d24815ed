"""Music of a film in blocks: sections of tracks, faded, summed and ducked.

Goes in: a `MixPlan` and where its tracks lie. Comes out: stereo blocks at 48 kHz in the order of the film, to the
sample, in memory that does not grow with film or track; a piece at another speed is held as a whole while it sounds.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from soundtrack.media.prefetch import ahead
from soundtrack.media.reading.kept import KeptSound
from soundtrack.media.reading.sound import iter_stereo_apart
from soundtrack.mix.ducking import gain_db_at, moving
from soundtrack.mix.plan import MixPlan, Piece, PlannedCue, active_cues, equal_power_rise, vocals_of
from soundtrack.mix.tempo_change import stretch_piece
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import samples
from soundtrack.types import FloatArray, GainPoint, TimeArray

_READ_S = 8.0
_SAME_GAIN_DB = 0.01
_Stretch = tuple[int, int]
"""First sample of a track and the one after the last."""
Decode = Callable[[Path, int, int], Generator[FloatArray]]
"""Blocks of a track at 48 kHz in stereo, from its path, the first sample and the one after the last."""


@dataclass(frozen=True, slots=True)
class MusicBlock:
    """A stretch of music, twice: as it will sound, and with every cue at the common reference."""

    sounding: FloatArray
    """Shape (2, n), with the sheet's gains, faded and ducked, vocals lowered as the sheet says."""
    reference: FloatArray
    """Shape (2, n), the same with reference gains and all vocals; the very same array when that is no difference."""


class Music:
    """Reads the plan's music from its beginning to its end; a context manager that stops all decoders.

    Parameters
    ----------
    plan : MixPlan
        What sounds where.
    track_paths : mapping of str to Path
        Where each track lies, by track id.
    kept : KeptSound, optional
        Sound that another reader of the same tracks decoded, and where this one leaves its own.
    decode : callable, optional
        How a stretch of a track is read; by default from the start of the file, ahead of the mix.
    """

    def __init__(
        self,
        plan: MixPlan,
        *,
        track_paths: Mapping[str, Path],
        kept: KeptSound | None = None,
        decode: Decode | None = None,
    ) -> None:
        self._plan = plan
        self._paths = track_paths
        self._kept = KeptSound(most_bytes=0) if kept is None else kept
        self._decode = decode or _decoded_ahead
        self._open: dict[tuple[str, int], _Reader] = {}
        self._shared = _shared(plan)
        self._edited = any(abs(c.gain_db - c.reference_gain_db) > _SAME_GAIN_DB or _lowers(plan, c) for c in plan.cues)
        self.missing_s: dict[str, float] = {}
        """Seconds of silence in a cue because its track ended early, by cue."""

    def __enter__(self) -> Music:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._open.values():
            reader.close()
        self._open.clear()

    def block(self, start: int, stop: int) -> MusicBlock:
        """Music from one sample of the film to another; the first block may begin anywhere, others follow it.

        Returns
        -------
        MusicBlock
            Arrays of shape (2, stop - start).
        """
        n = stop - start
        sounding = np.zeros((2, n), dtype=np.float32)
        reference = np.zeros((2, n), dtype=np.float32) if self._edited else sounding
        for cue in active_cues(self._plan.cues, start=start, stop=stop):
            audio = self._cue(cue, start, stop)  # with its vocals lowered, and below that as recorded if they are
            sounding += audio[:2] * np.float32(10 ** (cue.gain_db / 20))
            if self._edited:
                reference += audio[-2:] * np.float32(10 ** (cue.reference_gain_db / 20))
        for first, last in moving(self._plan.ducking, start=start, stop=stop) if sounding.any() else ():
            times_s = np.arange(first, last, dtype=np.float64) / MIX_RATE_HZ
            gain = (10 ** (gain_db_at(self._plan.ducking, times_s) / 20)).astype(np.float32)
            sounding[:, first - start : last - start] *= gain
            if self._edited:
                reference[:, first - start : last - start] *= gain
        return MusicBlock(sounding=sounding, reference=reference)

    def _cue(self, cue: PlannedCue, start: int, stop: int) -> FloatArray:
        """One cue's sound in a block, faded, shape (2, n); (4, n) where vocals are lowered: so, and as recorded."""
        audio = np.zeros((4 if _lowers(self._plan, cue) else 2, stop - start), dtype=np.float32)
        for i, piece in enumerate(cue.pieces):
            low, high = max(start, piece.film_start), min(stop, piece.film_end)
            if low < high:
                audio[:, low - start : high - start] += self._piece(cue, i, piece, low, high)
        if start < cue.film_start + cue.fade_in:
            audio *= equal_power_rise(cue.fade_in, start=start - cue.film_start, stop=stop - cue.film_start)
        if stop > cue.film_end - cue.fade_out:
            audio *= _fall(cue.fade_out, start=cue.film_end - stop, stop=cue.film_end - start)
        return audio

    def _piece(self, cue: PlannedCue, i: int, piece: Piece, low: int, high: int) -> FloatArray:
        """One piece's samples, with its seams."""
        key = (cue.cue_id, i)
        reader = self._open.get(key)
        if reader is None:
            reader = self._reader(cue, piece, low - piece.film_start)
            self._open[key] = reader
        audio = reader.take(high - low)
        if low < piece.film_start + piece.rise:
            audio = audio * equal_power_rise(piece.rise, start=low - piece.film_start, stop=high - piece.film_start)
        if high > piece.film_end - piece.fall:
            audio = audio * _fall(piece.fall, start=piece.film_end - high, stop=piece.film_end - low)
        if high == piece.film_end:
            reader.close()
            del self._open[key]
            if reader.n_missing:
                missing_s = reader.n_missing / MIX_RATE_HZ
                self.missing_s[cue.cue_id] = self.missing_s.get(cue.cue_id, 0.0) + missing_s
        return audio

    def _reader(self, cue: PlannedCue, piece: Piece, skip: int) -> _Reader:
        """What gives the samples of a piece from some sample on."""
        read = functools.partial(_PieceReader, kept=self._kept, decode=self._decode, skip=skip)
        path = self._paths[cue.track_id]
        if not _lowers(self._plan, cue):
            return read(path, piece, shared=self._shared.get(cue.track_id))
        stem, corners = self._paths[vocals_of(cue.track_id)], self._plan.vocals
        if piece.speed != 1.0:
            return read(path, piece, lowered=functools.partial(_without_vocals, stem, piece, corners))
        return _LoweredReader(
            read(path, piece, shared=self._shared.get(cue.track_id)),
            read(stem, piece),
            corners,
            at=piece.film_start + skip,
        )


def _lowers(plan: MixPlan, cue: PlannedCue) -> bool:
    """Whether vocals of a cue are lowered."""
    return cue.track_id in plan.sung and bool(moving(plan.vocals, start=cue.film_start, stop=cue.film_end))


def _lowered(sound: FloatArray, vocals: FloatArray, corners: Sequence[GainPoint], places: TimeArray) -> FloatArray:
    """Sound with its vocals lowered, and below that as it is, shape (4, n); `places` are samples of the film."""
    taken = 1 - 10 ** (gain_db_at(corners, places / MIX_RATE_HZ) / 20)
    return np.concatenate([sound - vocals * taken.astype(np.float32), sound])


def _without_vocals(
    stem: Path, piece: Piece, corners: Sequence[GainPoint], sound: FloatArray, first: int
) -> FloatArray:
    """A stretch of a track from some sample of it on, as `_lowered`, before its speed is changed."""
    n = sound.shape[1]
    vocals = np.zeros_like(sound)
    with contextlib.closing(_decoded_ahead(stem, first, first + n)) as blocks:
        at = 0
        for block in blocks:
            vocals[:, at : at + block.shape[1]] = block
            at += block.shape[1]
    places = piece.film_start + (first - piece.track_start + np.arange(n, dtype=np.float64)) / piece.speed
    return _lowered(sound, vocals, corners, places)


def _fall(n_samples: int, *, start: int, stop: int) -> FloatArray:
    """An equal-power fade-out, places counted from its end."""
    return equal_power_rise(n_samples, start=start, stop=stop)[::-1]


class _Reader(Protocol):
    """Samples of one piece in order."""

    n_missing: int
    """How many the track did not have."""

    def take(self, n: int) -> FloatArray:
        """The next `n` samples."""

    def close(self) -> None:
        """Stop the decoders."""


class _LoweredReader:
    """Samples of one piece in order, as `_lowered`."""

    def __init__(self, track: _PieceReader, vocals: _PieceReader, corners: Sequence[GainPoint], *, at: int) -> None:
        self._track, self._vocals, self._corners, self._at = track, vocals, corners, at
        self.n_missing = 0

    def take(self, n: int) -> FloatArray:
        """The next `n` samples."""
        sound, vocals = self._track.take(n), self._vocals.take(n)
        self.n_missing = self._track.n_missing
        self._at += n
        return _lowered(sound, vocals, self._corners, np.arange(self._at - n, self._at, dtype=np.float64))

    def close(self) -> None:
        """Stop the decoders."""
        self._track.close()
        self._vocals.close()


class _PieceReader:
    """Samples of one piece in order, silence where the track has no more."""

    def __init__(
        self,
        path: Path,
        piece: Piece,
        *,
        kept: KeptSound,
        decode: Decode,
        shared: _Stretch | None = None,
        skip: int = 0,
        lowered: Callable[[FloatArray, int], FloatArray] | None = None,
    ) -> None:
        self.n_missing = 0
        self._n_channels = 2 if lowered is None else 4
        self._blocks = (
            self._stretched(path, piece, skip, lowered)
            if piece.speed != 1.0
            else _as_recorded(path, _later(piece, skip), kept, decode, shared)
        )
        self._rest: FloatArray = np.zeros((self._n_channels, 0), dtype=np.float32)

    def _stretched(
        self, path: Path, piece: Piece, skip: int, lowered: Callable[[FloatArray, int], FloatArray] | None
    ) -> Iterator[FloatArray]:
        """The piece at its own speed, made as a whole and given in blocks."""
        found = stretch_piece(path, piece, lowered=lowered)
        self.n_missing = found.n_missing
        step = samples(_READ_S, sample_rate_hz=MIX_RATE_HZ)
        yield from (found.samples[:, at : at + step] for at in range(skip, piece.n_samples, step))

    def take(self, n: int) -> FloatArray:
        """The next `n` samples."""
        parts = [self._rest]
        have = self._rest.shape[1]
        while have < n:
            block = next(self._blocks, None)
            if block is None:
                self.n_missing += n - have
                block = np.zeros((self._n_channels, n - have), dtype=np.float32)
            parts.append(block)
            have += block.shape[1]
        joined = np.concatenate(parts, axis=1)
        self._rest = joined[:, n:]
        return joined[:, :n]

    def close(self) -> None:
        """Stop the decoder."""
        with contextlib.suppress(AttributeError):
            self._blocks.close()  # type: ignore[attr-defined] # a generator has it, an Iterator need not


def _later(piece: Piece, n: int) -> Piece:
    """A piece without its first samples."""
    if not n:
        return piece
    return replace(
        piece, track_start=piece.track_start + n, film_start=piece.film_start + n, n_samples=piece.n_samples - n
    )


def _shared(plan: MixPlan) -> dict[str, _Stretch]:
    """What to decode once of tracks of which the film has several pieces, where that is not more than the pieces."""
    pieces: dict[str, list[_Stretch]] = {}
    for cue in plan.cues:
        for piece in cue.pieces:
            if piece.speed == 1.0:
                stretch = (piece.track_start, piece.track_start + piece.n_samples)
                pieces.setdefault(cue.track_id, []).append(stretch)
    found: dict[str, _Stretch] = {}
    for track_id, stretches in pieces.items():
        first, last = min(start for start, _ in stretches), max(stop for _, stop in stretches)
        if len(stretches) > 1 and last - first <= sum(stop - start for start, stop in stretches):
            found[track_id] = (first, last)
    return found


def _as_recorded(
    path: Path, piece: Piece, kept: KeptSound, decode: Decode, shared: _Stretch | None
) -> Iterator[FloatArray]:
    """The piece in blocks, from what it shares with other pieces if that is kept."""
    own = (piece.track_start, piece.track_start + piece.n_samples)
    first, last = shared or own
    if shared is not None and not kept.keeps(
        (path, shared), lambda: decode(path, *shared), n_samples=last - first, channels=2
    ):
        first, last = own
    skip, left = own[0] - first, piece.n_samples
    blocks = kept.blocks((path, (first, last)), lambda: decode(path, first, last), n_samples=last - first)
    with contextlib.closing(blocks):
        for block in blocks:
            part = block[:, skip : skip + left]
            skip -= min(skip, block.shape[1])
            left -= part.shape[1]
            if part.shape[1]:
                yield part
            if not left:
                return


def _decoded_ahead(path: Path, first: int, last: int) -> Generator[FloatArray]:
    """A stretch of a track, the next block made while the one before is mixed."""
    return ahead(iter_stereo_apart(path, sample_rate_hz=MIX_RATE_HZ, block_s=_READ_S, start=first, stop=last))
