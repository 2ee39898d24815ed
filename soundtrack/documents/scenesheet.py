"""The scene sheet as JSON: what ``soundtrack scenes`` writes and ``soundtrack spot`` reads.

Rules of the text: `soundtrack.documents.codec`. Meaning of the fields: `soundtrack.types.SceneSheet`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from soundtrack.documents import codec as documents
from soundtrack.documents.writing import dump
from soundtrack.errors import InputError, Reason
from soundtrack.types import Scene, SceneSheet, Shot

SCHEMA = "soundtrack.scenes/2"
"""Name and version of the format."""

UPGRADES: Mapping[int, documents.Upgrade] = {1: documents.name_values}
"""From version n to n + 1, by n."""


def dumps(sheet: SceneSheet) -> str:
    """The sheet as text; the same sheet gives the same bytes."""
    return dump(sheet, schema=SCHEMA)


def loads(text: str, *, name: str = "scene sheet") -> SceneSheet:
    """The sheet of a text.

    Raises
    ------
    InputError
        The text is no scene sheet; the message gives the place.
    """
    return _whole(documents.load(SceneSheet, text, schema=SCHEMA, upgrades=UPGRADES, name=name), name=name)


def rounded(sheet: SceneSheet) -> SceneSheet:
    """The sheet as it would be after being written and read: equal to it, arrays included."""
    return _whole(documents.rounded(sheet, name="scene sheet"), name="scene sheet")


def _whole(sheet: SceneSheet, *, name: str) -> SceneSheet:
    """The sheet, if its parts agree."""
    fault = _fault(sheet)
    if fault is not None:
        raise InputError(f"{name}: {fault}", hint="run `soundtrack scenes` again", reason=Reason.BAD_FORMAT)
    return sheet


def _fault(sheet: SceneSheet) -> str | None:
    """What the parts of a sheet that refer to each other disagree about, or None."""
    n_scenes, dim = len(sheet.scenes), sheet.model.dim
    expected = (n_scenes, dim) if n_scenes else (0,)
    if sheet.embeddings.shape != expected:
        return f"embeddings: must have one row of {dim} numbers per scene, got shape {sheet.embeddings.shape}"
    for i, reading in enumerate(sheet.readings):
        if reading.embedding.shape != (dim,):
            return f"readings[{i}].embedding: must have {dim} numbers, got {reading.embedding.shape[0]}"
    for i, row in enumerate(np.linalg.norm(sheet.embeddings, axis=-1) if n_scenes else ()):
        if not 0.98 <= row <= 1.02:
            return f"embeddings[{i}]: must be a unit vector, got length {row:.3f}"
    return _order_fault("scenes", sheet.scenes) or _order_fault("shots", sheet.shots)


def _order_fault(kind: str, parts: Sequence[Scene | Shot]) -> str | None:
    """What keeps scenes or shots from standing in order, or None."""
    end_s = 0.0
    for i, part in enumerate(parts):
        if part.index != i:
            return f"{kind}[{i}].index: must be {i}, got {part.index}"
        if part.span.start_s < end_s - 1e-6 or part.span.duration_s <= 0:
            return f"{kind}[{i}].span: must start where the previous one ends and not be empty"
        end_s = part.span.end_s
    return None
