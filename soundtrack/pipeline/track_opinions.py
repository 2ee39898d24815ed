"""Opinions of each channel about a track, derived from the evidence in the index.

Goes in: an open index and a track of it. Comes out: the same track, its segments with opinions. No sound is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import LibraryError, ModelError
from soundtrack.library.lyrics import LYRICS, read_lyrics
from soundtrack.naming.mood_words import TITLE_WORDS, title_mood
from soundtrack.pipeline.library.music import index_dir, music_projection
from soundtrack.pipeline.library.sung import may_sing
from soundtrack.types import Cue, Evidence, Measure, Opinion, Segment, Track
from soundtrack.video.opinions import MOST_MEASURES

if TYPE_CHECKING:
    from soundtrack.emotion.music_projection import MusicProjection
    from soundtrack.library.store.store import Store


def with_opinions(store: Store, track: Track, projection: MusicProjection | None = None) -> Track:
    """A track whose segments say what each channel that listened finds by itself.

    A channel for which the head of the networks in use has no block weighs 0 and gives its own numbers instead, where
    it names them. Evidence of networks that are in use no more is passed over. What the words of title, file name,
    folders, genre and album say comes last: nothing in the reading, but in the choice it has a weight of its own.

    Parameters
    ----------
    store : Store
        The index.
    track : Track
        Of the index.
    projection : MusicProjection, optional
        Of the networks in use; loaded where it is not given.

    Raises
    ------
    ModelError
        A model is missing or damaged.
    """
    from soundtrack.library.store.evidence import read_evidence, same_channel

    found = read_evidence(store, track.track_id)
    said_by_title = title_mood(track)
    titled = () if said_by_title is None else (Opinion(TITLE_WORDS, 0.0, said_by_title.emotion),)
    sung = _sung(track)
    if not found:
        return replace(
            track, segments=tuple(replace(s, opinions=(*s.opinions, *titled, *sung[s.index])) for s in track.segments)
        )
    reader = projection or music_projection()
    own = {channel.name: channel for channel in reader.channels}
    read = {its.channel.name: its for its in found if its.channel.name in own}
    blocks = {name: its.features for name, its in read.items() if same_channel(its.channel, own[name])}
    said = reader.opinions(blocks, (len(track.segments),)) if blocks else [()] * len(track.segments)
    rest = {its.channel.name: its for its in found if its.channel.name not in own}  # of two versions the later one
    return replace(
        track,
        segments=tuple(
            replace(segment, opinions=(*its, *(_measured(other, row) for other in rest.values()), *titled, *sung[row]))
            for row, (segment, its) in enumerate(zip(track.segments, said, strict=True))
        ),
    )


def _sung(track: Track) -> list[tuple[Opinion, ...]]:
    """What the lyrics say in each segment: its own lines where they have times, else all of them."""
    lyrics = read_lyrics(track.path) if may_sing(track) else None
    if lyrics is None:
        return [()] * len(track.segments)
    whole = lyrics.mood()
    timed = lyrics.moods([segment.span for segment in track.segments])
    result: list[tuple[Opinion, ...]] = []
    for own in timed:
        said = own if own is not None and own.emotion is not None else whole
        measures = (
            Measure("words", float(said.n_words)),
            Measure("coverage", round(said.coverage, 3)),
            Measure("explicit words", float(said.n_rude)),
        )
        result.append((Opinion(LYRICS, 0.0, said.emotion, measures),))
    return result


def _measured(evidence: Evidence, row: int) -> Opinion:
    """A channel's own numbers about one segment."""
    named = zip(evidence.channel.names, evidence.features[row].tolist(), strict=False)
    return Opinion(evidence.channel.name, 0.0, measures=tuple(Measure(n, v) for n, v in named)[:MOST_MEASURES])


def segments_of_cues(cues: Sequence[Cue], folder: Path | None) -> Mapping[str, Segment]:
    """The segment that each cue begins in, with its opinions, by the id of the cue; as far as the index knows it.

    Parameters
    ----------
    cues : sequence of Cue
        Of a sheet.
    folder : Path, optional
        Folder of the index; the user's own by default.
    """
    from soundtrack.library.store.naming import former_names
    from soundtrack.library.store.store import open_store

    found: dict[str, Segment] = {}
    try:
        with open_store(index_dir(folder)) as store:
            projection, names = music_projection(), former_names(store)
            tracks = store.tracks({names.get(cue.track_id, cue.track_id) for cue in cues})
            read = {name: with_opinions(store, track, projection) for name, track in tracks.items()}
    except (LibraryError, ModelError):
        return {}  # a sheet can be shown where its music or the networks are not
    for cue in cues:
        track = read.get(names.get(cue.track_id, cue.track_id))
        start_s = cue.sections[0].track.start_s if cue.sections else 0.0
        inside = [] if track is None else [segment for segment in track.segments if start_s < segment.span.end_s]
        if inside and inside[0].opinions:
            found[cue.cue_id] = inside[0]
    return found
