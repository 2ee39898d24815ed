"""Scene boundaries: on the right one of several cuts, by the colours of shots shorter than a clip."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from soundtrack.settings import ShotSettings
from soundtrack.types import EmotionState, FloatArray, FrameBatch, Reading, Shot, Span
from soundtrack.video.colours.scene_cuts import placed
from soundtrack.video.colours.shot_colours import N_COLOURS, ColourSampler
from soundtrack.video.scenes import group_scenes
from soundtrack.video.shots import ShotDetector

RED, BLUE = (200, 20, 20), (20, 20, 200)


def shots_at(*edges_s: float) -> list[Shot]:
    return [Shot(i, Span(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges_s))]


def of_colours(shots: list[Shot], colours: list[tuple[int, int, int]]) -> FloatArray:
    """What the sampler remembers of shots of one colour each, at 25 frames a second."""
    sampler = ColourSampler()
    for k in range(round(25 * shots[-1].span.end_s)):
        which = next(shot.index for shot in shots if k / 25 < shot.span.end_s)
        sampler.push(k / 25, np.full((8, 8, 3), colours[which], np.uint8))
    return sampler.of(shots)


@pytest.mark.parametrize(("found", "colours", "right"), [(1, [RED, RED, BLUE], 2), (2, [RED, BLUE, BLUE], 1)])
def test_a_short_shot_belongs_to_the_scene_of_its_colours(
    found: int, colours: list[tuple[int, int, int]], right: int
) -> None:
    shots = shots_at(0.0, 20.0, 21.4, 40.0)
    assert placed([0, found], shots, of_colours(shots, colours)) == [0, right]
    assert placed([0, right], shots, of_colours(shots, colours)) == [0, right]


def test_a_shot_as_long_as_a_clip_stays_where_its_reading_put_it() -> None:
    shots = shots_at(0.0, 20.0, 22.5, 40.0)
    assert placed([0, 1], shots, of_colours(shots, [RED, RED, BLUE])) == [0, 1]


def test_nothing_moves_where_all_shots_have_the_same_colours() -> None:
    shots = shots_at(0.0, 20.0, 21.0, 22.0, 40.0)
    assert placed([0, 2], shots, of_colours(shots, [RED] * 4)) == [0, 2]


def test_boundaries_stay_in_order_however_short_the_scenes_are(rng: np.random.Generator) -> None:
    edges = np.cumsum(np.concatenate([[0.0], rng.uniform(0.4, 2.0, 60)]))
    shots = shots_at(*edges.tolist())
    colours = rng.dirichlet(np.ones(N_COLOURS), len(shots)).astype(np.float32)
    firsts = [0, *sorted(rng.choice(np.arange(1, len(shots)), 12, replace=False).tolist())]
    found = placed(firsts, shots, colours)
    assert len(found) == len(firsts)
    assert found == sorted(set(found))
    assert found[0] == 0
    moved_s = [abs(shots[a].span.start_s - shots[b].span.start_s) for a, b in zip(firsts, found, strict=True)]
    assert max(moved_s) <= 2.0 + 1e-9


def test_colours_are_shares_of_the_pixels_of_each_shot() -> None:
    shots = shots_at(0.0, 1.0, 1.1, 3.0)
    found = of_colours(shots, [RED, BLUE, RED])
    assert found.shape == (3, N_COLOURS)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.allclose(found[0], found[2])
    assert not np.allclose(found[0], found[1])


def test_the_detector_has_the_colours_of_its_shots_but_not_where_cuts_are_known() -> None:
    frames: npt.NDArray[np.uint8] = np.zeros((100, 112, 112, 3), np.uint8)
    frames[:50], frames[50:] = RED, BLUE
    batch = FrameBatch(times_s=np.arange(100) / 25, frames=frames)
    detector = ShotDetector()
    detector.push(batch)
    shots = detector.finish(4.0)
    found = detector.colours(shots)
    assert [shot.span.start_s for shot in shots] == [0.0, 2.0]
    assert found is not None
    assert float(np.minimum(found[0], found[1]).sum()) < 0.01
    known = ShotDetector(ShotSettings(cuts_s=(2.0,)))
    known.push(batch)
    assert known.colours(known.finish(4.0)) is None


def test_a_scene_begins_with_the_shot_of_its_colours() -> None:
    """The clip from 20 to 22 s shows a red shot for 1.4 s and is read like the blue scene after it."""
    shots = shots_at(0.0, 20.0, 21.4, 40.0)
    sad, glad = (EmotionState((p, 0, 0, 0, 1 - p, 0), 2 * p - 1, p - 0.5, 0.9) for p in (0.0, 1.0))
    readings = [
        Reading(Span(t, t + 2), sad if t < 20 else glad, np.array([t < 20, t >= 20], np.float32))
        for t in range(0, 40, 2)
    ]
    without = group_scenes(shots, readings)
    seen = group_scenes(shots, readings, colours=of_colours(shots, [RED, RED, BLUE]))
    assert [scene.span.start_s for scene in without.scenes] == [0.0, 20.0]
    assert [scene.span.start_s for scene in seen.scenes] == [0.0, 21.4]
