"""The best stretch of a piece of music, as a file of its own: ``soundtrack excerpt``.

Goes in: a file and a length. Comes out: where the stretch lies, and its sound. No index and no network takes part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.errors import NothingFitsError, UsageError
from soundtrack.files.kinds import SOUND_METADATA, SOUNDS
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.library.listened import listen_to

if TYPE_CHECKING:
    from soundtrack.spotting.fit.excerpt import Excerpt
    from soundtrack.types import FloatArray

LEAST_S, MOST_S = 1.0, 300.0
"""Length of an excerpt."""

_CODECS = {
    "wav": ("-c:a", "pcm_s24le", "-f", "wav"),
    "flac": ("-c:a", "flac", "-sample_fmt", "s32", "-f", "flac"),
    "mp3": ("-c:a", "libmp3lame", "-b:a", "256k", "-f", "mp3"),
}
_RISE_S = 0.005
_SEAM_S = 0.06


@dataclass(frozen=True, slots=True)
class ExcerptReport:
    """Where an excerpt lies, and where it was written."""

    track: Path
    """The piece of music."""
    excerpt: Excerpt
    """Where in it."""
    path: Path | None = None
    """The file; None where none was asked for."""

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        found = self.excerpt
        return {
            "track": str(self.track),
            "path": None if self.path is None else str(self.path),
            "start_s": round(found.span.start_s, 6),
            "end_s": round(found.span.end_s, 6),
            "duration_s": round(found.span.duration_s, 6),
            "bars_end_s": round(found.bars_end_s, 6),
            "n_bars": found.n_bars,
            "ends_with_track": found.ends_with_track,
            "loop_quality": found.loop_quality,
        }


def make_excerpt(
    track: Path, *, seconds: float, loop: bool = False, out: Path | None = None, force: bool = False
) -> ExcerptReport:
    """The best stretch of a piece of music, found and, if asked for, written.

    Parameters
    ----------
    track : Path
        The file.
    seconds : float in [1, 300]
        Wanted length.
    loop : bool
        Whether its end has to go on into its beginning.
    out : Path, optional
        A .wav, .flac or .mp3 file.
    force : bool
        Whether an existing file of that kind may be replaced.

    Raises
    ------
    UsageError
        The length is out of range, or the file's ending is unknown.
    InputError
        The track cannot be read.
    NothingFitsError
        It is too short, or has no loop of about that length.
    OutputError
        The file exists, or cannot be written.
    """
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.targets import guard

    if not LEAST_S <= seconds <= MOST_S:
        raise UsageError(
            f"--seconds must be from {LEAST_S:g} to {MOST_S:g}, got {seconds:g}", hint="use another length"
        )
    track = as_on_disk(track)
    ending = "" if out is None else out.suffix.lstrip(".").lower()
    if out is not None and ending not in _CODECS:
        raise UsageError(f"{out}: unknown kind of sound file", hint="use a name that ends in .wav, .flac or .mp3")
    if out is not None:
        guard([Target(out, SOUNDS[ending])], inputs=[track], force=force)
    found = _find(track, seconds, loop=loop)
    if out is not None:
        _write(out, _sound(track, found), ending=ending, force=force)
    return ExcerptReport(track, found, out)


def _find(track: Path, seconds: float, *, loop: bool) -> Excerpt:
    """Where the stretch lies."""
    from soundtrack.spotting.fit.excerpt import best_excerpt, best_loop

    heard = listen_to(track)
    long_s = heard.analysis.music_end_s - heard.analysis.music_start_s
    find = best_loop if loop else best_excerpt
    found = find(heard.bars, heard.analysis, heard.energy_db, wanted_s=seconds)
    if found is not None:
        return found
    if long_s < seconds:
        hint = "use a shorter --seconds" if long_s > LEAST_S else "use a longer piece"
        raise NothingFitsError(f"{track}: only {long_s:.1f} s of music", hint=hint)
    if loop:
        raise NothingFitsError(f"{track}: no loop of about {seconds:g} s", hint="use another --seconds")
    raise NothingFitsError(f"{track}: no whole bar within {seconds:g} s", hint="use a longer --seconds")


def _sound(track: Path, found: Excerpt) -> FloatArray:
    """The stretch in stereo at 48 kHz, shape (2, n), with its fade, or with its end joined to its beginning."""
    from soundtrack.media.reading.audio import iter_audio
    from soundtrack.mix.plan import equal_power_rise
    from soundtrack.settings import MIX_RATE_HZ
    from soundtrack.timebase import samples, seconds

    first, last, bars_end = (
        samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (found.span.start_s, found.span.end_s, found.bars_end_s)
    )
    half = 0 if found.loop_quality is None else min(samples(_SEAM_S / 2, sample_rate_hz=MIX_RATE_HZ), first)
    start_s = seconds(first - half, sample_rate_hz=MIX_RATE_HZ)
    length_s = seconds(last - first + 2 * half, sample_rate_hz=MIX_RATE_HZ)
    blocks = iter_audio(track, sample_rate_hz=MIX_RATE_HZ, channels=2, start_s=start_s, duration_s=length_s)
    sound = np.concatenate(list(blocks), axis=1)
    n = last - first + 2 * half
    if sound.shape[1] < n:  # what a file lacks after its last packet is silence
        sound = np.pad(sound, ((0, 0), (0, n - sound.shape[1])))
    if half:
        rise = equal_power_rise(2 * half, start=0, stop=2 * half)
        joined = sound[:, : 2 * half] * rise + sound[:, -2 * half :] * rise[::-1]
        sound = sound[:, half:-half].copy()
        sound[:, -half:], sound[:, :half] = joined[:, :half], joined[:, half:]
        return sound
    if found.loop_quality is not None:
        return sound
    rise_n = samples(_RISE_S, sample_rate_hz=MIX_RATE_HZ)
    if first:  # music that begins with its file begins as it was recorded
        sound[:, :rise_n] *= equal_power_rise(rise_n, start=0, stop=rise_n)
    fall = last - bars_end
    if fall and not found.ends_with_track:
        sound[:, -fall:] *= equal_power_rise(fall, start=0, stop=fall)[::-1]
    return sound


def _write(out: Path, sound: FloatArray, *, ending: str, force: bool) -> None:
    """The file, whole or not at all."""
    from soundtrack.files.safe_write import replacing
    from soundtrack.media.process import file_arg, pcm_input_args, run_ffmpeg
    from soundtrack.settings import MIX_RATE_HZ

    with replacing(out, kind=SOUNDS[ending], force=force) as part:
        source = pcm_input_args(sample_rate_hz=MIX_RATE_HZ, channels=2)
        exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1", *SOUND_METADATA]
        args = ["-y", *source, *_CODECS[ending][:2], *exact, *_CODECS[ending][2:], file_arg(part)]
        run_ffmpeg(args, task=f"writing {out}", input=np.ascontiguousarray(sound.T).tobytes(), wall_s=300.0)
