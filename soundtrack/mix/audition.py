"""Music of one cue, or of a time span of the film, as mixed.

Goes in: a cue sheet or mix plan and the paths of its tracks. Comes out: stereo at 48 kHz, with fades, seams and ducking
and nothing of the film's own sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from soundtrack.mix.bed import Music
from soundtrack.mix.plan import MixPlan, plan_mix
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import samples
from soundtrack.types import CueSheet, FloatArray


def cue_sound(sheet: CueSheet, cue_id: str, *, track_paths: Mapping[str, Path], longest_s: float) -> FloatArray:
    """The music of one cue.

    Parameters
    ----------
    sheet : CueSheet
    cue_id : str
        One of its cues.
    track_paths : mapping of str to Path
        Where the track of this cue lies, by track id.
    longest_s : float > 0
        No more than this, faded out over the last second.

    Returns
    -------
    ndarray, shape=(2, n), float32
        At `MIX_RATE_HZ`.

    Raises
    ------
    InputError
        The sheet makes no sense, or the track cannot be read.
    """
    plan = plan_mix(sheet)
    planned = next(cue for cue in plan.cues if cue.cue_id == cue_id)
    longest = samples(longest_s, sample_rate_hz=MIX_RATE_HZ)
    stop = min(planned.film_end, planned.film_start + longest)
    with Music(replace(plan, cues=(planned,)), track_paths=track_paths) as music:
        sound = music.block(planned.film_start, stop).sounding
    if stop < planned.film_end:
        n = min(MIX_RATE_HZ, sound.shape[1])
        sound[:, -n:] *= np.linspace(1, 0, n, dtype=np.float32)
    return sound


def music_between(plan: MixPlan, start: int, stop: int, *, track_paths: Mapping[str, Path]) -> FloatArray:
    """All music of a stretch of the film.

    Parameters
    ----------
    plan : MixPlan
        From `plan_mix`.
    start, stop : int
        First sample of the film, and the sample after the last one.
    track_paths : mapping of str to Path
        Where the tracks lie, by track id.

    Returns
    -------
    ndarray, shape=(2, stop - start), float32
        At `MIX_RATE_HZ`, before the constant gains of the mix.

    Raises
    ------
    InputError
        A track cannot be read.
    """
    with Music(plan, track_paths=track_paths) as music:
        return music.block(start, stop).sounding
