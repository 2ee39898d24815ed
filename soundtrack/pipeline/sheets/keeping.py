"""Locked cues of an earlier sheet, kept in a new plan.

Goes in: the earlier sheet, and the film that is planned again. Comes out: cues for `Constraints.kept`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from soundtrack.documents import cuesheet
from soundtrack.documents.edits import scenes_under
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.pipeline.sheets.sheet_tracks import with_present_ids
from soundtrack.timebase import clock
from soundtrack.types import Cue, CueSheet, SceneSheet

_SAME_LENGTH_S = 0.5


@dataclass(frozen=True, slots=True)
class Keep:
    """A sheet whose locked cues stay."""

    sheet: CueSheet
    """One that can be rendered and has locked cues."""
    name: str = "cue sheet"
    """What errors call it."""


def keep_locked(sheet: CueSheet, *, name: str = "cue sheet") -> Keep:
    """The locked cues of a sheet, as a demand on the next plan.

    Raises
    ------
    InputError
        The sheet cannot be rendered as it is.
    UsageError
        No cue of it is locked.
    """
    cuesheet.check(sheet, name=name)
    if not any(cue.locked for cue in sheet.cues):
        first = next((cue.cue_id for cue in sheet.cues), "1m01")
        raise UsageError(
            f"{name}: --keep requires at least one locked cue",
            hint=f"lock a cue first: `soundtrack cues lock {shlex.quote(name)} {first}`",
        )
    return Keep(sheet, name)


def require_length(keep: Keep, *, film: str, length_s: float) -> None:
    """Refuse a sheet of another film as far as the length tells, before the film is watched.

    Raises
    ------
    InputError
        The lengths differ.
    """
    if abs(keep.sheet.film.duration_s - length_s) > _SAME_LENGTH_S:
        own = f"{keep.sheet.film.name} ({clock(keep.sheet.film.duration_s)})"
        raise _of_another_film(keep, f"{own}, not {film} ({clock(length_s)})")


def kept_cues(keep: Keep, scenes: SceneSheet, *, former: Mapping[str, str]) -> tuple[Cue, ...]:
    """The locked cues, as the plan of a film has to hold them.

    Parameters
    ----------
    keep : Keep
        The earlier sheet.
    scenes : SceneSheet
        What the picture says now; the scenes may have other bounds than before.
    former : mapping of str to str
        Present ids of tracks by earlier ones.

    Raises
    ------
    InputError
        The sheet is about another film.
    """
    require_length(keep, film=scenes.film.name, length_s=scenes.film.duration_s)
    if keep.sheet.film.fingerprint != scenes.film.fingerprint:
        raise _of_another_film(keep, f"{keep.sheet.film.name} with different content than this {scenes.film.name}")
    sheet = with_present_ids(keep.sheet, former)
    locked = tuple(cue for cue in sheet.cues if cue.locked)
    if [scene.span for scene in sheet.scenes] == [scene.span for scene in scenes.scenes]:
        return locked
    return tuple(replace(cue, scenes=scenes_under(cue, scenes.scenes)) for cue in locked)


def _of_another_film(keep: Keep, what: str) -> InputError:
    return InputError(
        f"{keep.name}: belongs to another film: {what}",
        hint="use a sheet that `soundtrack spot` or `soundtrack score` wrote for this file",
        reason=Reason.BAD_FORMAT,
    )
