"""Clips' sounds laid end to end as long tracks, and their pictures as queries: the material of `eval moments`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundtrack.evaluation import read
from soundtrack.evaluation.moments import Stretches, deal
from soundtrack.training.data import LabelledClip

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class LaidEndToEnd:
    """Queries, tracks, and where each query's own music lies."""

    queries: Array = field(repr=False, compare=False)
    """Unit vector of each clip's picture, shape (n, D)."""
    music: Stretches = field(repr=False, compare=False)
    """All tracks."""
    true_track: Integers = field(repr=False, compare=False)
    """Shape (n,)."""
    true_window: Array = field(repr=False, compare=False)
    """In seconds on the track's clock, shape (n, 2)."""
    sources: Integers = field(repr=False, compare=False)
    """Shape (n,)."""


def laid_end_to_end(
    clips: Sequence[LabelledClip],
    *,
    video: VideoTower,
    music: MusicTower,
    per_track: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> LaidEndToEnd:
    """Read every clip's picture and sound, and lay the sounds end to end.

    Parameters
    ----------
    clips : sequence of LabelledClip
        With sound of their own.
    video, music : towers
        Of one joint space.
    per_track : int
        Clips whose sound makes one track.
    seed : int
        Of the deal.
    """
    track_of = deal([clip.source_id for clip in clips], per_track=per_track, seed=seed)
    clock = np.zeros(int(track_of.max()) + 1)
    names = {s: i for i, s in enumerate(dict.fromkeys(clip.source_id for clip in clips))}
    queries, windows, vectors, starts, ends, tracks = [], [], [], [], [], []
    for i, clip in enumerate(clips):
        readings = read.picture_readings(read.film_windows(clip.path, video), video)
        queries.append(read.unit_mean(readings.embedding))
        sound = read.sound(clip.path, music)
        offset = clock[track_of[i]]
        for span, vector in zip(sound.spans, music.read(sound.mel, sound.spans).embedding, strict=True):
            vectors.append(vector.astype(np.float64))
            starts.append(offset + span.start_s)
            ends.append(offset + span.end_s)
            tracks.append(track_of[i])
        clock[track_of[i]] = ends[-1]
        windows.append((offset, ends[-1]))
        if progress is not None:
            progress("reading clips", i + 1, len(clips))
    return LaidEndToEnd(
        queries=np.stack(queries),
        music=Stretches(np.stack(vectors), np.array(starts), np.array(ends), np.array(tracks)),
        true_track=track_of,
        true_window=np.array(windows),
        sources=np.array([names[clip.source_id] for clip in clips]),
    )
