"""Opinions of each channel about a scene: means over its clips.

Goes in: the opinions of the channels clip by clip, and how much each clip counts. Comes out: one `Opinion` for each
channel that knows anything of the scene. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from soundtrack.types import EmotionState, Measure, Opinion, OpinionBatch

SEEN = "seen"
"""Measure of a channel that knows only a part of a scene: the share of it, in [0, 1]."""
MOST_MEASURES = 8
"""Maximum number of stored measures per channel."""
LEAST = 1e-6
"""Probabilities below it count as this in a mean of evidence."""
_Numbers = npt.NDArray[np.float64]


def mean_emotion(share: _Numbers, *, probabilities: _Numbers, plane: _Numbers, confidence: _Numbers) -> EmotionState:
    """Mean evidence of some readings of one mood; the confidence is that of the mean's own leading class.

    The classes' probabilities are pooled by their weighted geometric mean (the logarithmic opinion pool of Genest and
    Zidek 1986): readings of one scene are looks at the same mood, so that evidence adds up and a class that most of
    them rule out is ruled out. Valence and arousal are weighted arithmetic means.

    Parameters
    ----------
    share : ndarray, shape=(n,)
        Weights, adding up to 1.
    probabilities : ndarray, shape=(n, 6)
        Of the classes.
    plane : ndarray, shape=(n, 2)
        Valence and arousal.
    confidence : ndarray, shape=(n,)
        Of each reading.
    """
    logs = share @ np.log(np.maximum(probabilities, LEAST))
    mean = np.exp(logs - logs.max())
    mean /= mean.sum()
    leading = int(np.argmax(mean))
    agrees = probabilities.argmax(axis=1) == leading
    sure = share @ np.where(agrees, confidence, probabilities[:, leading])
    valence, arousal = np.clip(share @ plane, -1.0, 1.0)
    return EmotionState(
        probabilities=tuple(mean.tolist()),
        valence=float(valence),
        arousal=float(arousal),
        confidence=float(np.clip(sure, 0.0, 1.0)),
    )


def pooled(states: Sequence[EmotionState], share: Sequence[float]) -> EmotionState:
    """`mean_emotion` of some states, such as a scene's reading and what its subtitles say.

    Parameters
    ----------
    states : sequence of EmotionState, length n
    share : sequence of float, length n
        Weights, adding up to 1.
    """
    return mean_emotion(
        np.array(share, np.float64),
        probabilities=np.array([state.probabilities for state in states], np.float64),
        plane=np.array([(state.valence, state.arousal) for state in states], np.float64),
        confidence=np.array([state.confidence for state in states], np.float64),
    )


def scene_opinions(batches: Sequence[OpinionBatch], weights: _Numbers) -> tuple[Opinion, ...]:
    """What each channel says about a scene, their weights adding up to 1; those that know nothing are left out.

    Parameters
    ----------
    batches : sequence of OpinionBatch
        One row for each clip of the film.
    weights : ndarray, shape=(n,)
        How much each clip counts for the scene, at least 0, not all 0.
    """
    share = weights / weights.sum()
    found = [opinion for batch in batches if (opinion := _opinion(batch, share)) is not None]
    total = sum(opinion.weight for opinion in found)
    return tuple(replace(o, weight=min(1.0, o.weight / total)) if total > 0 else o for o in found)


def _opinion(batch: OpinionBatch, share: _Numbers) -> Opinion | None:
    """What one channel says, from the clips that it knows; None without any."""
    used = np.flatnonzero(batch.known & (share > 0))
    if not len(used):
        return None
    inside = share[used] / share[used].sum()
    if batch.probabilities is None or batch.plane is None or batch.confidence is None:
        values = np.zeros((len(used), 0)) if batch.measures is None else batch.measures[used]
        named = zip(batch.channel.names, (inside @ values).tolist(), strict=False)
        measures = tuple(Measure(n, v) for n, v in named)[:MOST_MEASURES]
        seen = float(share[used].sum())
        partly = (Measure(SEEN, round(seen, 6)),) if measures and seen < 1 - 1e-6 else ()
        return Opinion(batch.channel.name, 0.0, measures=measures + partly)
    emotion = mean_emotion(
        inside,
        probabilities=batch.probabilities[used].astype(np.float64),
        plane=batch.plane[used].astype(np.float64),
        confidence=batch.confidence[used].astype(np.float64),
    )
    return Opinion(batch.channel.name, float(share[used] @ batch.weight[used]), emotion)
