"""Sound of both sides of a pair, complete with the film's own sound and at the same loudness.

Goes in: a trial. Comes out: stereo at 48 kHz for its stretch. The louder side is lowered to the level of the other one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from soundtrack.audio.levels.loudness import measure_loudness
from soundtrack.documents.answers import Side
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.audition import music_between
from soundtrack.mix.plan import plan_mix
from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.sheets.sheet_tracks import track_paths_of
from soundtrack.pipeline.sheets.swap import ducked, mix_of
from soundtrack.review.ab.pairs import Trial
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.plan.swap import swap_cue
from soundtrack.timebase import samples
from soundtrack.types import Alternative, CueSheet, FloatArray, Span, VideoInfo

_FADE_S = 0.05
_HIGHEST = 0.98


@dataclass(frozen=True, slots=True)
class Heard:
    """Both sides of a pair, each of shape (2, n), float32."""

    left: FloatArray = field(repr=False, compare=False)
    right: FloatArray = field(repr=False, compare=False)


def sound_of(
    trial: Trial,
    sheet: CueSheet,
    film: VideoInfo,
    *,
    index: Path | None,
    gains_db: tuple[float, float],
    former: CueSheet | None = None,
) -> Heard:
    """Both sides of a pair as they are heard.

    Parameters
    ----------
    trial : Trial
    sheet : CueSheet
        The plan.
    film : VideoInfo
        The film.
    index : Path, optional
        Folder of the library index.
    gains_db : (float, float)
        Gain of the music, and of music and film together.
    former : CueSheet, optional
        The earlier sheet of the opponent ``former``.

    Raises
    ------
    SoundtrackError
        A track or the film cannot be read.
    """
    keeps = sheet.mix.keep_original and trial.against != "true"
    both = []
    for side in (trial.left, trial.right):
        if side.source == "true":
            both.append(_own(film, trial.span))
            continue
        earlier = former if side.source == "former" else None
        played = earlier or _with(sheet, trial, side, index=index)
        music = _music(played, trial.span, index=index)
        sound = music * 10 ** (sum(gains_db) / 20)
        if keeps:
            sound = sound + _own(film, trial.span) * 10 ** (gains_db[1] / 20)
        both.append(sound.astype(np.float32))
    return Heard(*_as_loud(*both))


def _with(sheet: CueSheet, trial: Trial, side: Side, *, index: Path | None) -> CueSheet:
    """The sheet with the music of a side, which starts at the stretch."""
    if side.source == "plan":
        return sheet
    cue = next(c for c in sheet.cues if c.cue_id == trial.cue_id)
    placed = replace(cue, locked=False, span=trial.span, fade_in_s=min(cue.fade_in_s, trial.span.duration_s / 4))
    wanted = Alternative(cue.cue_id, 2, side.track, side.start_s, 0.0)
    alone = replace(sheet, cues=(placed,), alternatives=(wanted,))
    with open_library(index, everything=True) as library:
        return ducked(swap_cue(alone, cue.cue_id, rank=2, library=library), library.tracks(), mix_of(sheet))


def _music(sheet: CueSheet, span: Span, *, index: Path | None) -> FloatArray:
    start, stop = (samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (span.start_s, span.end_s))
    return music_between(plan_mix(sheet), start, stop, track_paths=track_paths_of(sheet, index))


def _own(film: VideoInfo, span: Span) -> FloatArray:
    """The film's own sound in a stretch; silence where it has ended or has none."""
    n = samples(span.end_s, sample_rate_hz=MIX_RATE_HZ) - samples(span.start_s, sample_rate_hz=MIX_RATE_HZ)
    result = np.zeros((2, n), np.float32)
    if film.main_audio is not None:
        sound = read_audio(
            film.path,
            sample_rate_hz=MIX_RATE_HZ,
            channels=2,
            start_s=span.start_s,
            duration_s=span.duration_s,
            stream=film.main_audio.index,
        )[:, :n]
        result[:, : sound.shape[1]] = sound
    return result


def _as_loud(left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both at the loudness of the softer one, below full scale, with short fades at both ends."""
    both = (left, right)
    levels = [measure_loudness(np.ascontiguousarray(x)).integrated_lufs for x in both]
    wanted = min((level for level in levels if level > -69), default=-70.0)
    gains = [10 ** ((wanted - level) / 20) if level > -69 else 1.0 for level in levels]
    peak = max(float(np.abs(x).max(initial=0)) * g for x, g in zip(both, gains, strict=True))
    lower = min(1.0, _HIGHEST / peak) if peak > 0 else 1.0
    n = samples(_FADE_S, sample_rate_hz=MIX_RATE_HZ)
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    made = []
    for sound, gain in zip(both, gains, strict=True):
        faded = sound * np.float32(gain * lower)
        faded[:, :n] *= ramp
        faded[:, -n:] *= ramp[::-1]
        made.append(faded.astype(np.float32))
    return made[0], made[1]
