"""Times of photos set to the music: each changes on a start of the music, a bar or a beat that is near.

Goes in: the cue sheet that was planned for photos of equal length, and the analysed tracks. Comes out: how many frames
each photo is shown, and the sheet with its scenes moved along. The film stays as long as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from soundtrack.export.markers import heard_at
from soundtrack.media.writing.photo_film import FPS, n_frames
from soundtrack.types import CueSheet, Scene, Span, Track

MOST_MOVED_S = 0.5
"""No change of photo moves further than this, in seconds, nor by more than a quarter of the time of a photo."""


@dataclass(frozen=True, slots=True)
class TimedPhotos:
    """When each photo is shown."""

    sheet: CueSheet
    """With its scenes on the new changes."""
    frames: tuple[int, ...]
    """For how many frames each photo is shown."""
    n_moved: int
    """Changes that were moved."""


def on_beats(sheet: CueSheet, tracks: Mapping[str, Track], *, n_photos: int, seconds_per_image: float) -> TimedPhotos:
    """Move the changes between photos onto the music.

    Parameters
    ----------
    sheet : CueSheet
        Of a film of photos that are shown for the same time each.
    tracks : mapping of str to Track
        By id; a cue of a track that is missing moves nothing but at its ends.
    n_photos : int >= 1
    seconds_per_image : float > 0
    """
    each = n_frames(seconds_per_image)
    most = min(MOST_MOVED_S, each / float(FPS) / 4)
    moments = _moments(sheet, tracks)
    before = [place * each for place in range(n_photos + 1)]
    after = list(before)
    for place in range(1, n_photos):
        due_s = before[place] / float(FPS)
        near = next((found for times in moments if (found := _nearest(times, due_s, most)) is not None), due_s)
        after[place] = round(near * FPS)
    moved = dict(zip(before, after, strict=True))
    frames = tuple(end - start for start, end in pairwise(after))
    n_moved = sum(old != new for old, new in moved.items())
    return TimedPhotos(replace(sheet, scenes=tuple(_moved(scene, moved) for scene in sheet.scenes)), frames, n_moved)


def _moments(sheet: CueSheet, tracks: Mapping[str, Track]) -> tuple[list[float], ...]:
    """Film times, best kind first: where music starts or ends, bars, beats."""
    edges = [time_s for cue in sheet.cues for time_s in (cue.span.start_s, cue.span.end_s)]
    bars: list[float] = []
    beats: list[float] = []
    for cue in sheet.cues:
        if cue.track_id in tracks:
            analysis = tracks[cue.track_id].analysis
            bars += heard_at(cue, analysis.downbeats_s)
            beats += heard_at(cue, analysis.beats_s)
    return edges, bars, beats


def _nearest(times: Sequence[float], due_s: float, most_s: float) -> float | None:
    """The nearest of some times, if it is near enough."""
    found = min(times, key=lambda time_s: abs(time_s - due_s), default=None)
    return found if found is not None and abs(found - due_s) <= most_s else None


def _moved(scene: Scene, moved: Mapping[int, int]) -> Scene:
    """A scene between the new changes."""
    start, end = (round(time_s * FPS) for time_s in (scene.span.start_s, scene.span.end_s))
    span = Span(
        moved[start] / float(FPS) if start in moved else scene.span.start_s,
        moved[end] / float(FPS) if end in moved else scene.span.end_s,
    )
    return replace(scene, span=span)
