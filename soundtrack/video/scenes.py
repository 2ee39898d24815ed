"""Scenes: consecutive shots of one mood.

Goes in: the shots, the readings of the clips, and where there is speech. Comes out: scenes that tile the shots, and one
vector of the joint space per scene. Pure: numbers in, numbers out.

Every shot begins as a scene of its own. First, scenes that are too short join the neighbour that is most alike,
cheapest join first (Ward's criterion: the difference weighed by the lengths). Then neighbours that differ too little
join, the most alike first, until all neighbours differ enough. Music does not change at every cut; a single long take
stays one scene.

Measured on twelve films joined from eight half-minute music videos of a validation set each, no two neighbours of one
class: 0.81 of the joins are found, and 0.81 of the boundaries are joins, within two seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from soundtrack.errors import InputError, Reason
from soundtrack.settings import SceneSettings
from soundtrack.types import EmotionState, FilmNumbers, FloatArray, OpinionBatch, Reading, Scene, Shot, Span
from soundtrack.video.colours.scene_cuts import placed
from soundtrack.video.opinions import mean_emotion, scene_opinions
from soundtrack.video.visual_features import N_FILM, film_numbers

_Numbers: TypeAlias = npt.NDArray[np.float64]

_TRIMMED_SHARE = 0.2
_LEAST_TRUST = 0.25
_CLASSES, _PLANE = -8, -2
"""Where the classes and the plane begin in the features of a stretch."""


@dataclass(frozen=True, slots=True)
class SceneGroup:
    """Scenes and their vectors."""

    scenes: tuple[Scene, ...]
    """In order, tiling the shots."""
    embeddings: FloatArray = field(repr=False, compare=False)
    """Unit vectors in the joint space, one per scene, shape (n_scenes, D)."""


def group_scenes(
    shots: Sequence[Shot],
    readings: Sequence[Reading],
    *,
    settings: SceneSettings | None = None,
    numbers: Sequence[FloatArray] | FloatArray | None = None,
    opinions: Sequence[OpinionBatch] = (),
    speech: Sequence[Span] = (),
    music: Sequence[Span] = (),
    colours: FloatArray | None = None,
) -> SceneGroup:
    """Scenes of a film.

    Parameters
    ----------
    shots : sequence of Shot
        Tiling the film; at least one.
    readings : sequence of Reading
        What the network says about the clips, in order; at least one.
    settings : SceneSettings, optional
        Shortest scene, and how different neighbours must be.
    numbers : sequence of ndarray, shape=(N_FILM,), optional
        Film numbers of the clips, one row per reading.
    opinions : sequence of OpinionBatch
        What each channel says about the clips, one row per reading.
    speech, music : sequence of Span
        Spans with speech and where the film has music already, without overlaps among themselves.
    colours : ndarray, shape=(n_shots, N_COLOURS), float32, optional
        Of the shots. Boundaries move by their means to the right one of several cuts within two seconds.

    Raises
    ------
    InputError
        The film falls into more scenes than are allowed.

    Examples
    --------
    >>> mood = EmotionState((0, 0, 1, 0, 0, 0), valence=0.1, arousal=-0.2, confidence=0.8)
    >>> reading = Reading(Span(0, 2), mood, np.array([1, 0], np.float32))
    >>> group_scenes([Shot(0, Span(0, 2))], [reading]).scenes[0].span
    Span(start_s=0, end_s=2)
    """
    settings = settings or SceneSettings()
    if not shots or not readings:
        raise ValueError(f"need shots and readings, got {len(shots)} and {len(readings)}")
    if numbers is not None and len(numbers) != len(readings):
        raise ValueError(f"need one row of numbers per reading, got {len(numbers)} for {len(readings)}")
    table = _Table(readings)
    firsts = _boundaries(shots, table, settings)
    if colours is not None:
        firsts = placed(firsts, shots, colours)
    if len(firsts) > settings.max_scenes:
        raise InputError(
            f"{len(firsts)} scenes, at most {settings.max_scenes}",
            hint="cut the film into parts, and score each",
            reason=Reason.TOO_LARGE,
        )
    scenes, vectors = [], []
    for index, (first, last) in enumerate(zip(firsts, [*firsts[1:], len(shots)], strict=True)):
        span = Span(shots[first].span.start_s, shots[last - 1].span.end_s)
        weights = table.robust(table.weights(span))
        scenes.append(
            Scene(
                index=index,
                span=span,
                first_shot=first,
                n_shots=last - first,
                emotion=table.emotion(weights),
                film=_film(numbers, table.weights(span), n_cuts=last - first - 1, duration_s=span.duration_s),
                speech_share=_share(speech, span),
                music_share=_share(music, span),
                opinions=scene_opinions(opinions, weights),
            )
        )
        vectors.append(table.direction(weights))
    return SceneGroup(scenes=tuple(scenes), embeddings=np.stack(vectors).astype(np.float32))


class _Table:
    """The readings as columns, for weighted means over any stretch."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._starts = np.array([r.span.start_s for r in readings])
        self._ends = np.array([r.span.end_s for r in readings])
        self._trust = np.array([_LEAST_TRUST + r.emotion.confidence for r in readings])
        self._confidence = np.array([r.emotion.confidence for r in readings])
        self._probabilities = np.array([r.emotion.probabilities for r in readings], np.float64)
        self._mood = np.array([(r.emotion.valence, r.emotion.arousal) for r in readings], np.float64)
        self._embedding = np.stack([r.embedding for r in readings]).astype(np.float64)

    def weights(self, span: Span) -> _Numbers:
        """Weight of every reading for a stretch: shared seconds times trust; the nearest one where none shares any."""
        shared: _Numbers = np.minimum(self._ends, span.end_s) - np.maximum(self._starts, span.start_s)
        weights: _Numbers = np.maximum(shared, 0.0) * self._trust
        if not weights.any():
            weights[int(np.argmax(shared))] = 1.0
        return weights

    def robust(self, weights: _Numbers) -> _Numbers:
        """The weights without the readings that are farthest from the mean, a fifth of the weight at most."""
        used = np.flatnonzero(weights)
        if len(used) < 3:
            return weights
        points = np.concatenate([self._embedding[used], self._mood[used]], axis=1)
        distance = np.linalg.norm(points - np.average(points, axis=0, weights=weights[used]), axis=1)
        order = np.argsort(-distance, kind="stable")
        dropped = np.cumsum(weights[used][order]) <= _TRIMMED_SHARE * weights[used].sum()
        trimmed = weights.copy()
        trimmed[used[order[dropped]]] = 0.0
        return trimmed

    def features(self, weights: _Numbers) -> _Numbers:
        """Mean direction, roots of the classes' probabilities, valence and arousal, shape (D + 8,)."""
        emotion = self.emotion(weights)
        roots = np.sqrt(emotion.probabilities)
        return np.concatenate([self.direction(weights), roots, [emotion.valence, emotion.arousal]])

    def direction(self, weights: _Numbers) -> _Numbers:
        """Mean of the embeddings as a unit vector; where they cancel out, the one with the greatest weight."""
        used = np.flatnonzero(weights)
        mean: _Numbers = weights[used] @ self._embedding[used] / weights.sum()
        norm = float(np.linalg.norm(mean))
        if norm <= 1e-6:
            mean = self._embedding[int(np.argmax(weights))]
            norm = float(np.linalg.norm(mean))
        return np.asarray(mean / norm, np.float64)

    def emotion(self, weights: _Numbers) -> EmotionState:
        """Mean evidence of the readings; the confidence is that of the scene's own leading class."""
        return mean_emotion(
            weights / weights.sum(),
            probabilities=self._probabilities,
            plane=self._mood,
            confidence=self._confidence,
        )


def _boundaries(shots: Sequence[Shot], table: _Table, settings: SceneSettings) -> list[int]:
    """First shot of every scene."""
    firsts = list(range(len(shots)))
    lengths: _Numbers = np.array([shot.span.duration_s for shot in shots])
    features = [table.features(table.weights(shot.span)) for shot in shots]
    unlike: _Numbers = np.array([_difference(a, b) for a, b in itertools.pairwise(features)])

    while len(firsts) > 1:
        is_short = lengths < settings.min_scene_s
        may_join = is_short[:-1] | is_short[1:]
        if may_join.any():
            ward = unlike**2 * lengths[:-1] * lengths[1:] / np.maximum(lengths[:-1] + lengths[1:], 1e-9)
            i = int(np.argmin(np.where(may_join, ward, np.inf)))
        else:
            i = int(np.argmin(unlike))
            if unlike[i] >= settings.boundary_merit:
                break
        total = float(lengths[i] + lengths[i + 1])
        features[i] = _join(features[i], features[i + 1], float(lengths[i]) / max(total, 1e-9))
        lengths[i] = total
        del firsts[i + 1], features[i + 1]
        lengths, unlike = np.delete(lengths, i + 1), np.delete(unlike, i)
        for j in (i - 1, i):
            if 0 <= j < len(firsts) - 1:
                unlike[j] = _difference(features[j], features[j + 1])
    return firsts


def _difference(a: _Numbers, b: _Numbers) -> float:
    """How different two stretches are, 0 being alike: by the angle in the joint space, the classes, and the plane.

    The classes count beside the joint space, whose vectors hold mostly what goes with what, and little of the mood.
    """
    angle = 1.0 - float(a[:_CLASSES] @ b[:_CLASSES])
    classes = 1.0 - float(a[_CLASSES:_PLANE] @ b[_CLASSES:_PLANE])
    return 0.25 * angle + 0.5 * classes + 0.5 * float(np.linalg.norm(a[_PLANE:] - b[_PLANE:]))


def _join(a: _Numbers, b: _Numbers, share: float) -> _Numbers:
    """Features of two stretches together, the first with a share of the length."""
    mean = share * a + (1 - share) * b
    for part in (slice(0, _CLASSES), slice(_CLASSES, _PLANE)):
        norm = float(np.linalg.norm(mean[part]))
        mean[part] = mean[part] / norm if norm > 1e-6 else a[part]
    return mean


def _film(
    numbers: Sequence[FloatArray] | FloatArray | None, weights: _Numbers, *, n_cuts: int, duration_s: float
) -> FilmNumbers:
    """Film numbers of a scene from the clips that lie in it."""
    inside = np.flatnonzero(weights > 0.5 * weights.max())
    rows = np.zeros((0, N_FILM), np.float32) if numbers is None else np.stack([numbers[i] for i in inside.tolist()])
    return film_numbers(rows, n_cuts=n_cuts, duration_s=duration_s)


def _share(spans: Sequence[Span], inside: Span) -> float:
    """Share of a stretch that spans cover."""
    covered_s = sum(span.overlap_s(inside) for span in spans)
    return min(1.0, covered_s / inside.duration_s) if inside.duration_s > 0 else 0.0
