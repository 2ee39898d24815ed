"""Faces of a scene as part of its reading, for films in which faces lead.

Goes in: a scene sheet whose scenes have opinions of the channel of faces. Comes out: the sheet in which the expressions
of each scene have a share of the reading: the wanted weight times the clarity of the faces (lower for small, turned and
blurred ones) times the share of the scene that shows one. Without a face, and by default, nothing changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from soundtrack.documents import scenesheet
from soundtrack.emotion.faces.channel import FACES, PLANE
from soundtrack.errors import UsageError
from soundtrack.naming.mood_words import mood_at
from soundtrack.types import EmotionState, Scene, SceneSheet
from soundtrack.video.opinions import SEEN, pooled


def checked_weight(weight: float) -> float:
    """A weight of faces.

    Raises
    ------
    UsageError
        It is out of range.
    """
    if not 0 <= weight <= 1:
        raise UsageError(f"invalid weight of faces, {weight:g}: must be 0 to 1", hint="use --face-weight, such as 0.5")
    return weight


def with_faces(sheet: SceneSheet, weight: float) -> SceneSheet:
    """A scene sheet in which faces count, rounded as it is written.

    Parameters
    ----------
    sheet : SceneSheet
        With opinions of the channel ``faces``.
    weight : float
        Share of a scene's reading that clear faces have which are seen throughout, in [0, 1].
    """
    scenes = tuple(_led(scene, weight) for scene in sheet.scenes) if weight else sheet.scenes
    return sheet if scenes == sheet.scenes else scenesheet.rounded(replace(sheet, scenes=scenes))


def _led(scene: Scene, weight: float) -> Scene:
    """A scene whose faces have a share in its reading."""
    faces = next((opinion for opinion in scene.opinions if opinion.channel == FACES), None)
    if faces is None or faces.emotion is not None:
        return scene
    measures = {measure.name: measure.value for measure in faces.measures}
    mood = mood_of(measures)
    share = weight * min(1.0, max(0.0, measures.get("clarity", 0.0))) * min(1.0, measures.get(SEEN, 1.0))
    if mood is None or share <= 0:
        return scene
    emotion = pooled((scene.emotion, mood), (1.0 - share, share))
    opinions = tuple(
        replace(its, weight=share, emotion=mood) if its is faces else replace(its, weight=its.weight * (1.0 - share))
        for its in scene.opinions
    )
    return replace(scene, emotion=emotion, opinions=opinions)


def mood_of(shares: dict[str, float]) -> EmotionState | None:
    """The mood of some expressions by their places on the plane; None without any.

    Examples
    --------
    >>> mood_of({"sad": 0.9, "neutral": 0.1}).label
    'Sad'
    """
    weights = np.array([shares.get(name, 0.0) for name in PLANE], np.float64)
    if weights.sum() <= 0:
        return None
    valence, arousal = (float(x) for x in weights @ np.array(list(PLANE.values())) / weights.sum())
    return mood_at(valence, arousal, confidence=float(weights.max() / weights.sum()))
