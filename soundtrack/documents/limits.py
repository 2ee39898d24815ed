"""Valid range of each number in a document, by the name of its field.

Field names carry their units (``_s``, ``_lufs``, ``_share``), so they say the range as well: a share is in [0, 1]
wherever it stands. Reading a document and its JSON Schema both ask here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The closed range in which a number must lie."""

    low: float | None = None
    """Least value, None for no bound."""
    high: float | None = None
    """Greatest value, None for no bound."""


_BY_NAME: dict[str, Limits] = {
    "probabilities": Limits(0, 1),
    "valence": Limits(-1, 1),
    "arousal": Limits(-1, 1),
    "confidence": Limits(0, 1),
    "brightness": Limits(0, 1),
    "saturation": Limits(0, 1),
    "motion": Limits(0, 1),
    "seam_quality": Limits(0, 1),
    "embedding": Limits(-1.001, 1.001),
    "embeddings": Limits(-1.001, 1.001),
    "index": Limits(0, None),
    "first_shot": Limits(0, None),
    "n_shots": Limits(1, None),
    "dim": Limits(1, 65_536),
    "rank": Limits(2, None),
    "speed": Limits(0.9, 1.1),
    "fps": Limits(0, None),
    "scenes": Limits(0, None),
    "max_cues": Limits(1, None),
    "avoid_recent": Limits(0, None),
    "stretch": Limits(0, 0.1),
    "explore": Limits(0, 1),
    "face_weight": Limits(0, 1),
}
_BY_ENDING: dict[str, Limits] = {
    "_share": Limits(0, 1),
    "_s": Limits(0, 1e6),
    "_px": Limits(1, 65_536),
    "_bpm": Limits(1, 1_000),
    "_per_min": Limits(0, None),
    "_lufs": Limits(-100, 20),
    "_dbtp": Limits(-100, 20),
    "_db": Limits(-100, 40),
    "_lu": Limits(0, 60),
}


def limits_of(owner: str, name: str) -> Limits:
    """The range of a field, from its name.

    Parameters
    ----------
    owner : str
        Name of the dataclass.
    name : str
        Name of the field.

    Returns
    -------
    Limits
        Open on both sides where nothing is known.

    Examples
    --------
    >>> limits_of("Scene", "speech_share")
    Limits(low=0, high=1)
    """
    if owner == "GainPoint" and name == "gain_db":
        return Limits(-100, 0)
    if owner == "Opinion" and name == "weight":
        return Limits(0, 1)
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((limits for ending, limits in _BY_ENDING.items() if name.endswith(ending)), Limits())
