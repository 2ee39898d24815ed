"""Tracks from the rows of an index database, each value checked.

Goes in: an open `Store`, as a `Database`, and ids. Comes out: `Track`, exactly as it went in; a row that this program
never wrote is refused with the names of its track and column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from soundtrack.library.store import rows
from soundtrack.types import AudioInfo, Ending, Loudness, MusicAnalysis, Segment, Span, Tags, Track

_FEW = 500
_NOWHERE = Path("unknown")


class Database(Protocol):
    """The part of a `Store` that is read here."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What the block reads is of one moment."""

    def all(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """All rows of a query."""

    def to_path(self, stored: bytes) -> Path:
        """The absolute path of a stored one."""


def read_tracks(store: Database, track_ids: Collection[str] | None = None) -> dict[str, Track]:
    """Some tracks (or all) by id, in the order of the ids, each at its first present place or where it was last.

    Raises
    ------
    RowError
        A row is not what this program writes.
    """
    where = ""
    values: tuple[str, ...] = ()
    if track_ids is not None and len(track_ids) <= _FEW:
        where, values = f" WHERE t.track_id IN ({', '.join('?' * len(track_ids))})", tuple(track_ids)
    with store.snapshot():
        segments = store.all(
            f"SELECT s.track, {rows.columns_of('s', rows.SEGMENT_COLUMNS)} FROM segments s"
            f" JOIN tracks t ON t.id = s.track{where} ORDER BY s.track, s.position",
            values,
        )
        places = store.all(
            f"SELECT l.track, l.path FROM locations l JOIN tracks t ON t.id = l.track{where}"
            " ORDER BY l.status = 'present' DESC, l.path",
            values,
        )
        found = store.all(
            f"SELECT t.id, t.track_id, v.n_segments, {rows.columns_of('t', rows.TRACK_COLUMNS)} FROM tracks t"
            f" LEFT JOIN vectors v ON v.track = t.id{where} ORDER BY t.track_id",
            values,
        )
    segments_of: dict[object, list[tuple[object, ...]]] = defaultdict(list)
    for row, *columns in segments:
        segments_of[row].append(tuple(columns))
    paths_of: dict[object, list[Path]] = defaultdict(list)
    for row, stored in places:
        paths_of[row].append(store.to_path(rows.path(stored)))
    result = {}
    for row, name, n_segments, *columns in found:
        if track_ids is not None and name not in track_ids:
            continue
        track_id = rows.track_id(name)
        if n_segments != len(segments_of[row]):
            raise rows.RowError(f"track {track_id[:12]}: {len(segments_of[row])} segments, but {n_segments} vectors")
        result[track_id] = track_of(track_id, paths_of.get(row, [_NOWHERE]), columns, segments_of[row])
    return result


def track_of(
    name: str, paths: Sequence[Path], columns: Sequence[object], segments: Sequence[Sequence[object]]
) -> Track:
    """A track from its columns and those of its segments.

    Raises
    ------
    rows.RowError
        A value is not what this program writes; the message names track and column.
    """
    try:
        return _track_of(name, paths, columns, segments)
    except ValueError as error:
        raise rows.RowError(f"track {name[:12]}: {error}") from error


def _track_of(
    name: str, paths: Sequence[Path], columns: Sequence[object], segments: Sequence[Sequence[object]]
) -> Track:
    named = dict(zip((*rows.TAGS, *rows.AUDIO, *rows.LOUDNESS, *rows.ANALYSIS), columns, strict=False))
    if [row[0] for row in segments] != list(range(len(segments))) or not segments:
        raise rows.RowError("segments: not numbered from 0")
    return Track(
        track_id=name,
        path=paths[0],
        copies=tuple(paths[1:]),
        tags=Tags(**{tag: rows.maybe_text(named[tag], tag) for tag in rows.TAGS}),
        audio=AudioInfo(
            codec=rows.text(named["codec"], "codec"),
            sample_rate_hz=rows.integer(named["sample_rate_hz"], "sample_rate_hz"),
            channels=rows.integer(named["channels"], "channels"),
            duration_s=rows.number(named["duration_s"], "duration_s"),
        ),
        loudness=Loudness(**{level: rows.number(named[level], level) for level in rows.LOUDNESS}),
        analysis=MusicAnalysis(
            tempo_bpm=rows.maybe_number(named["tempo_bpm"], "tempo_bpm"),
            tempo_confidence=rows.number(named["tempo_confidence"], "tempo_confidence"),
            key=rows.maybe_text(named["key"], "key"),
            key_confidence=rows.number(named["key_confidence"], "key_confidence"),
            beats_s=rows.times(named["beats_s"], "beats_s"),
            downbeats_s=rows.times(named["downbeats_s"], "downbeats_s"),
            beats_per_bar=rows.integer(named["beats_per_bar"], "beats_per_bar"),
            sections_s=rows.times(named["sections_s"], "sections_s"),
            music_start_s=rows.number(named["music_start_s"], "music_start_s"),
            music_end_s=rows.number(named["music_end_s"], "music_end_s"),
            ending=Ending(rows.text(named["ending"], "ending")),
            vocal_share=rows.maybe_number(named["vocal_share"], "vocal_share"),
        ),
        emotion=rows.emotion_of(columns[-len(rows.EMOTION) :]),
        segments=tuple(
            Segment(
                rows.integer(position, "position"),
                Span(rows.number(start_s, "start_s"), rows.number(end_s, "end_s")),
                rows.emotion_of(emotion),
                rows.number(loudness, "loudness_lufs"),
                rows.maybe_number(voice, "vocal_share"),
            )
            for position, start_s, end_s, loudness, *emotion, voice in segments
        ),
    )
