"""Music more or less like some tracks for one cue of a finished sheet, at once.

Goes in: a cue sheet, the library, and the tracks that the music is to be like or unlike. Comes out: a cue sheet in
which the cue plays the best other track, and the next ones are its alternatives. The order is by likeness and mood.
Nothing is planned again: every other cue stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from soundtrack.documents import cuesheet
from soundtrack.errors import UsageError
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import MoodWish
from soundtrack.spotting.merit.eligibility import MIN_TRACK_S
from soundtrack.spotting.merit.likeness import song_name
from soundtrack.spotting.merit.view import (
    LibraryView,
    SegmentTable,
    drawn_apart,
    mean_vectors,
    ordered_vectors,
    segment_table,
)
from soundtrack.spotting.plan.place import sheet_track
from soundtrack.spotting.plan.swap import swap_cue, unlocked_cue
from soundtrack.timebase import round_s
from soundtrack.types import Alternative, Cue, CueSheet, FloatArray, Track

N_OFFERED = 3
"""Alternatives of a cue, the track that it had among them."""
NOTE = "by likeness, not planned"
"""What an alternative says that no plan weighed."""
_REACH = 0.8
"""Distance on the plane at which a mood says nothing; as in requests."""
_LIKENESS = 1.5
"""What likeness counts, against 1 for the mood."""
_VOCALS = 1.0
"""What singing under speech costs."""
_SHORT = 1.0
"""What a track costs that is shorter than the cue."""
_USED = 0.3
"""What a track costs that another cue plays."""


def lean_cue(
    sheet: CueSheet,
    cue_id: str,
    *,
    liked: Collection[str],
    denied: Collection[str],
    library: LibraryView,
    offered: Collection[str],
    moods: Sequence[MoodWish] = (),
    allow_vocals: bool = False,
    settings: SpottingSettings | None = None,
    before: CueSheet | None = None,
) -> CueSheet:
    """The sheet with other music in one cue, more like some tracks and less like others.

    Parameters
    ----------
    sheet : CueSheet
        That can be rendered.
    cue_id : str
        Which cue.
    liked, denied : collection of str
        Ids of the tracks that the music is to be like, or unlike; the latter are not taken.
    library : LibraryView
        With every track of the sheet.
    offered : collection of str
        Ids of the tracks of the library that may be taken.
    moods : sequence of MoodWish
        Moods that overrule the picture.
    allow_vocals : bool
        Whether singing under speech costs nothing.
    settings : SpottingSettings
        Lengths of fades.
    before : CueSheet, optional
        The rounded sheet that `sheet` was made from, or `sheet` itself if it is rounded; saves time.

    Returns
    -------
    CueSheet
        The cue plays the best track; the former one and the next best are its alternatives.

    Raises
    ------
    UsageError
        There is no such cue, it is locked, or no other track is left.
    """
    cue = unlocked_cue(sheet, cue_id)
    found = library.tracks()
    tracks = [track for track in found.values() if track.segments]
    table = segment_table(tracks, ordered_vectors(library, tracks))
    fits = _fit(sheet, cue, table, moods)
    best_row = np.array([lo + int(np.argmax(fits[lo:hi])) for lo, hi in _rows(table)], np.int64)
    vectors = mean_vectors(table.vectors, table.first_row)
    values = fits[best_row] + _LIKENESS * _leaning(vectors, tracks, liked=liked, denied=denied)
    has_speech = any(span.overlap_s(cue.span) > 0 for span in sheet.speech)
    if has_speech and not allow_vocals:
        values = values - _VOCALS * table.vocal[best_row]
    used = {c.track_id for c in sheet.cues if c.cue_id != cue_id}
    values = values - _SHORT * np.array([t.audio.duration_s * 1.02 < cue.span.duration_s for t in tracks])
    values = values - _USED * np.array([t.track_id in used for t in tracks])
    left_out = {cue.track_id, *denied}
    names = {song_name(found[track_id]) for track_id in left_out if track_id in found} - {None}
    free = [
        i
        for i, track in enumerate(tracks)
        if track.track_id in offered
        and track.track_id not in left_out
        and song_name(track) not in names
        and track.audio.duration_s >= MIN_TRACK_S
    ]
    if not free:
        raise UsageError("the library has no other track for this cue", hint="use S for silence, or index more music")
    order = sorted(free, key=lambda i: (-round(float(values[i]), 6), tracks[i].track_id))[:N_OFFERED]
    own = next((i for i, t in enumerate(tracks) if t.track_id == cue.track_id), None)
    base = cue.merit - (0.0 if own is None else float(fits[best_row[own]]))
    known = {a.track_id: a for a in sheet.alternatives if a.cue_id == cue_id}
    offers = [
        replace(known[tracks[i].track_id], rank=rank)
        if tracks[i].track_id in known
        else Alternative(
            cue_id,
            rank,
            tracks[i].track_id,
            round_s(float(table.start_s[best_row[i]])),
            round(base + float(fits[best_row[i]]), 5),
            NOTE,
        )
        for rank, i in enumerate(order, start=2)
    ]
    listed = {t.track_id: t for t in sheet.tracks}
    for i in order:
        listed.setdefault(tracks[i].track_id, sheet_track(tracks[i]))
    others = [a for a in sheet.alternatives if a.cue_id != cue_id]
    names_in_order = {c.cue_id: place for place, c in enumerate(sheet.cues)}
    alternatives = sorted([*others, *offers], key=lambda a: (names_in_order.get(a.cue_id, -1), a.rank))
    ready = replace(sheet, tracks=tuple(listed.values()), alternatives=tuple(alternatives))
    ready = cuesheet.rounded(ready, before=before)
    return swap_cue(ready, cue_id, rank=2, library=library, settings=settings, before=ready)


def _rows(table: SegmentTable) -> list[tuple[int, int]]:
    """First row and end of each track."""
    ends = table.first_row.tolist()
    return list(pairwise(ends))


def _fit(sheet: CueSheet, cue: Cue, table: SegmentTable, moods: Sequence[MoodWish]) -> FloatArray:
    """How near each segment is to the mood of the picture under a cue, in [-1, 1], shape (n_segments,)."""
    shared = np.array([scene.span.overlap_s(cue.span) for scene in sheet.scenes])
    lengths = np.array([scene.span.duration_s for scene in sheet.scenes])
    if shared.sum() <= 0:
        return np.zeros(len(table.valence), np.float32)
    place = []
    for name in ("valence", "arousal"):
        values = drawn_apart(np.array([getattr(scene.emotion, name) for scene in sheet.scenes]), lengths)
        for i, scene in enumerate(sheet.scenes):
            wished = [m for m in moods if m.span.overlap_s(scene.span) > scene.span.duration_s / 2]
            if wished:
                values[i] = getattr(wished[-1].emotion, name)
        place.append(float(np.average(values, weights=shared)))
    apart = np.hypot(table.valence - place[0], table.arousal - place[1])
    return np.asarray(np.clip(1 - apart / _REACH, -1, 1), np.float32)


def _leaning(
    vectors: FloatArray, tracks: Sequence[Track], *, liked: Collection[str], denied: Collection[str]
) -> FloatArray:
    """Mean likeness to what is liked less that to what is denied, about in [-1, 1], shape (T,).

    Cosines are counted in standard deviations of this library, as all of its music may be alike.
    """
    place = {track.track_id: i for i, track in enumerate(tracks)}
    result = np.zeros(len(tracks), np.float32)
    for ids, sign in ((liked, 1.0), (denied, -1.0)):
        known = [place[track_id] for track_id in ids if track_id in place]
        for i in known:
            cosines = vectors @ vectors[i]
            spread = float(cosines.std())
            if spread > 1e-6:
                result += sign / len(known) * np.clip((cosines - cosines.mean()) / (2 * spread), -1, 1)
    return result
