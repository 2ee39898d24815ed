"""The film as short intervals of one scene each, between which music may start, change or stop.

Goes in: the scene sheet and the user's constraints. Comes out: a `Film` of columns, one row per stretch. Music
changes only at cuts: scene boundaries, shot boundaries inside very long scenes, and times that the user named.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.talk import (
    APART_S,
    bedded,
    rests,
    same_shot,
    spoken_share,
    talk_cuts,
    talk_of,
    under_words,
    waiting,
)
from soundtrack.spotting.merit.view import placed_by_class
from soundtrack.timebase import round_s
from soundtrack.types import Cue, FloatArray, Scene, SceneSheet, Span, TimeArray

LONG_SCENE_S = 60.0
"""Scenes longer than this may change their music at a cut inside."""
NO_CUT_S = 180.0
"""A stretch without any cut longer than this may change its music all the same."""

_SENTENCE_EDGE_S = 0.3
"""So near to the start or end of speech, an edge is not inside it."""
_ON_CUT_S = 0.1
"""A hit so near to a cut is meant to be on it: music may start there, and the cut counts as a change of mood."""
TURN = 0.4
"""Contrast from which a cut changes the mood: beside a talk music may change there or waits for it, and what ends there
ends on the cut."""
_SAME_S = 1e-5
"""Times closer than this are the same."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Film:
    """Stretches of a film as columns; n is their number."""

    edges_s: TimeArray = field(repr=False, compare=False)
    """Where stretches meet, ascending from the film's start to its end, shape (n + 1,)."""
    scene: npt.NDArray[np.int64] = field(repr=False, compare=False)
    """Index of the scene that each is in, shape (n,)."""
    probabilities: FloatArray = field(repr=False, compare=False)
    """Wanted emotion classes, shape (n, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """Wanted, in [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """Wanted, in [-1, 1], shape (n,)."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors of the picture; zero where a person named the mood, shape (n, D)."""
    cuts_per_min: FloatArray = field(repr=False, compare=False)
    """Shape (n,)."""
    speech: FloatArray = field(repr=False, compare=False)
    """Share with speech, shape (n,)."""
    silent: BoolArray = field(repr=False, compare=False)
    """Where no music may sound, shape (n,)."""
    demanded: BoolArray = field(repr=False, compare=False)
    """Which of the silent ones a person demanded, shape (n,)."""
    contrast: FloatArray = field(repr=False, compare=False)
    """How much the picture changes at each inner edge, in [0, 1], shape (n + 1,); 1 at both ends and at hit cuts."""

    speaking: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_), repr=False, compare=False)
    """Which edges lie inside speech, shape (n + 1,); empty where there is no speech."""
    waiting: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_), repr=False, compare=False)
    """At which edges a talk ends shortly before a cut, shape (n + 1,); empty where there is no speech."""
    bedded: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_), repr=False, compare=False)
    """Which stretches of long talks may keep a bed, shape (n,); empty where there is no talk."""

    greatest: int = 0
    """Inner edge at which the picture's mood changes most; 0 without any."""
    talk: float = 0.0
    """How far the film is one of talk, in [0, 1]."""

    def __len__(self) -> int:
        return len(self.scene)

    @property
    def lengths_s(self) -> TimeArray:
        """Lengths of the stretches in seconds, shape (n,)."""
        return np.diff(self.edges_s)


def divide(sheet: SceneSheet, constraints: Constraints, *, keep_original: bool, over_music: bool = False) -> Film:
    """The film in stretches.

    Parameters
    ----------
    sheet : SceneSheet
        With at least one scene.
    constraints : Constraints
        Moods, silences and kept cues make edges of their own.
    keep_original : bool
        Whether the film's own sound stays; if not, its speech and music do not matter.
    over_music : bool
        Whether scenes that have music of their own may get more.

    Returns
    -------
    Film
    """
    demanded_spans = [*constraints.silences, *(_body(cue, sheet) for cue in constraints.kept)]
    wished = [m.span for m in constraints.moods] + [r.span for r in constraints.requests if r.span is not None]
    named = [t for span in [*demanded_spans, *wished] for t in (span.start_s, span.end_s)]
    cuts = np.array([shot.span.start_s for shot in sheet.shots])
    on_cuts = [float(cuts[np.abs(cuts - hit_s).argmin()]) for hit_s in constraints.hits if len(cuts)]
    on_cuts = [c for c, hit_s in zip(on_cuts, constraints.hits, strict=False) if abs(c - hit_s) <= _ON_CUT_S]
    speech = sheet.speech if keep_original else ()
    marks = [*(scene.span.start_s for scene in sheet.scenes), sheet.scenes[-1].span.end_s, *named, *on_cuts]
    turning = _turning_cuts(sheet, marks, cuts, speech)
    marks += turning
    edges, scene_of = _edges(sheet, [*marks, *rests(speech, marks)])
    middles = (edges[:-1] + edges[1:]) / 2
    scenes = [sheet.scenes[i] for i in scene_of]
    shares = np.array([s.speech_share if keep_original else 0.0 for s in scenes], np.float32)
    spoken = spoken_share(edges, speech) if speech else shares
    pace = np.array([s.film.cut_rate_per_min for s in scenes], np.float32)
    talk = talk_of(np.diff(edges), spoken, pace)
    probabilities, valence, arousal = _moods(sheet, scene_of, words=same_shot(spoken, edges, cuts), talk=talk)
    vectors = np.asarray(sheet.embeddings, np.float32).reshape(len(sheet.scenes), -1)[scene_of].copy()
    for wish in constraints.moods:
        inside = (middles >= wish.span.start_s) & (middles < wish.span.end_s)
        probabilities[inside] = np.array(wish.emotion.probabilities, np.float32)
        valence[inside], arousal[inside], vectors[inside] = wish.emotion.valence, wish.emotion.arousal, 0.0
    demanded = np.zeros(len(middles), np.bool_)
    for span in demanded_spans:
        demanded |= (middles >= span.start_s) & (middles < span.end_s)
    music = np.array([s.music_share if keep_original and not over_music else 0.0 for s in scenes])
    contrast = _contrast(probabilities, valence, arousal)
    return Film(
        edges_s=edges,
        scene=np.asarray(scene_of, np.int64),
        probabilities=probabilities,
        valence=valence,
        arousal=arousal,
        vectors=vectors,
        cuts_per_min=pace,
        speech=spoken,
        silent=demanded | (music >= 0.5),
        demanded=demanded,
        contrast=np.where(_near_any(edges, on_cuts), 1.0, contrast).astype(np.float32),
        speaking=_inside(edges, speech),
        waiting=waiting(edges, speech, [*turning, *edges[contrast >= TURN].tolist()]),
        bedded=bedded(edges, speech, edges[:-1][contrast[:-1] >= TURN][1:]),
        greatest=1 + int(contrast[1:-1].argmax()) if len(contrast) > 2 else 0,
        talk=talk,
    )


def _moods(
    sheet: SceneSheet, scene_of: Sequence[int], *, words: FloatArray, talk: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Probabilities, valence and arousal that are wanted in each stretch, words or not."""
    probabilities = np.array([sheet.scenes[i].emotion.probabilities for i in scene_of], np.float32)
    places = [_placed(sheet.scenes, name)[scene_of] for name in ("valence", "arousal")]
    return under_words(probabilities, places[0], places[1], words, talk=talk)


def _turning_cuts(
    sheet: SceneSheet, marks_s: Sequence[float], cuts_s: TimeArray, speech: Sequence[Span]
) -> list[float]:
    """Cuts inside scenes with which a talk starts or ends and the wanted mood changes."""
    found = [c for c in talk_cuts(speech, cuts_s.tolist()) if np.abs(np.array(marks_s) - c).min() > APART_S]
    if not found:
        return []
    marks = [*marks_s, *found]
    edges, scene_of = _edges(sheet, [*marks, *rests(speech, marks)])
    spoken = spoken_share(edges, speech)
    pace = np.array([sheet.scenes[i].film.cut_rate_per_min for i in scene_of], np.float32)
    moods = _moods(sheet, scene_of, words=same_shot(spoken, edges, cuts_s), talk=talk_of(np.diff(edges), spoken, pace))
    contrast = _contrast(*moods)
    return [c for c in found if contrast[np.abs(edges - c).argmin()] >= TURN]


def _near_any(edges_s: TimeArray, times_s: Sequence[float]) -> BoolArray:
    """Which edges are one of some times."""
    result = np.zeros(len(edges_s), np.bool_)
    for time_s in times_s:
        result |= np.abs(edges_s - time_s) <= _SAME_S
    return result


def _inside(edges_s: TimeArray, speech: Sequence[Span]) -> BoolArray:
    """Which edges lie inside speech and not just at its start or end, shape (n + 1,)."""
    result = np.zeros(len(edges_s), np.bool_)
    for span in speech:
        result |= (edges_s > span.start_s + _SENTENCE_EDGE_S) & (edges_s < span.end_s - _SENTENCE_EDGE_S)
    return result


def _body(cue: Cue, sheet: SceneSheet) -> Span:
    """A kept cue up to the cut inside its fade-out, where other music may enter; all of it if there is no such cut."""
    marks = [shot.span.start_s for shot in sheet.shots] + [scene.span.start_s for scene in sheet.scenes]
    inside = [t for t in marks if max(cue.span.end_s - cue.fade_out_s, cue.span.start_s) < t < cue.span.end_s]
    return Span(cue.span.start_s, min(inside, default=cue.span.end_s))


def _edges(sheet: SceneSheet, named_s: Sequence[float]) -> tuple[TimeArray, list[int]]:
    """Where stretches meet, and the scene of each stretch."""
    cuts = [shot.span.start_s for shot in sheet.shots]
    edges: list[float] = []
    scene_of: list[int] = []
    for scene in sheet.scenes:
        inner = {scene.span.start_s}
        inner.update(round_s(t) for t in named_s if scene.span.start_s + _SAME_S < t < scene.span.end_s - _SAME_S)
        if scene.span.duration_s > LONG_SCENE_S:
            inner.update(_cuts_apart(cuts, scene.span))
        marks = [*sorted(inner), scene.span.end_s]
        for start_s, end_s in itertools.pairwise(marks):
            n_parts = max(1, int((end_s - start_s) // (NO_CUT_S / 2))) if end_s - start_s > NO_CUT_S else 1
            for part in range(n_parts):
                edges.append(round_s(start_s + (end_s - start_s) * part / n_parts))
                scene_of.append(scene.index)
    edges.append(sheet.scenes[-1].span.end_s)
    return np.array(edges, np.float64), scene_of


def _cuts_apart(cuts_s: Sequence[float], span: Span) -> list[float]:
    """Some cuts inside a long scene, about half `LONG_SCENE_S` apart and away from its ends."""
    chosen, last_s = [], span.start_s
    for cut_s in cuts_s:
        if cut_s - last_s >= LONG_SCENE_S / 2 and span.end_s - cut_s >= LONG_SCENE_S / 2:
            chosen.append(cut_s)
            last_s = cut_s
    return chosen


def _placed(scenes: Sequence[Scene], name: str) -> FloatArray:
    """Valence or arousal of the scenes, placed by class, shape (n_scenes,).

    Not drawn apart: a film that is calm throughout would get what is liveliest in it scored as if it were lively.
    """
    values = np.array([getattr(s.emotion, name) for s in scenes], np.float64)
    probabilities = np.array([s.emotion.probabilities for s in scenes], np.float32)
    return placed_by_class(values, probabilities, axis=("valence", "arousal").index(name)).astype(np.float32)


def _contrast(probabilities: FloatArray, valence: FloatArray, arousal: FloatArray) -> FloatArray:
    """How much the picture's mood changes at each edge, in [0, 1], shape (n + 1,)."""
    roots = np.sqrt(np.maximum(probabilities, 0))
    unlike = 1 - np.sum(roots[1:] * roots[:-1], axis=1)
    apart = np.hypot(np.diff(valence), np.diff(arousal))
    inner = np.clip(0.5 * unlike / 0.3 + 0.5 * apart / 0.8, 0.0, 1.0)
    return np.concatenate([[1.0], inner, [1.0]]).astype(np.float32)
