"""Raw evidence in the index: the output of each channel for the segments of each track.

Goes in: an open `Store` and `Evidence`. Comes out: the same, rounded to float16 (`kept`); which tracks lack which
channels; and blocks of many tracks at once. Channels differ by name, version and hash, so that the evidence of
two networks never meets. Evidence goes when its track goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from soundtrack.library.store import rows
from soundtrack.library.store.ranges import MOST_CHARACTERS
from soundtrack.library.store.schema import checked
from soundtrack.library.store.store import Store
from soundtrack.types import Channel, Evidence, FloatArray, Medium, Span


def kept(evidence: Evidence) -> Evidence:
    """Evidence as it comes out of an index again: its features rounded to float16."""
    n, dim = evidence.features.shape
    rounded = rows.table16(rows.table16_values(evidence.features), "numbers", n=n, width=dim)
    return replace(evidence, features=rounded)


# --- in ----


def save_evidence(store: Store, track_id: str, evidence: Sequence[Evidence]) -> None:
    """Keep what some channels found in a known track; inside a transaction. What they found before is replaced.

    Raises
    ------
    ValueError
        A channel did not read every segment of the track.
    """
    n_segments = _n_segments(store, track_id)
    for found in evidence:
        if len(found.features) != n_segments:
            raise ValueError(f"{found.channel.name}: {len(found.features)} rows for {n_segments} segments")
        store.execute(
            "INSERT OR REPLACE INTO evidence SELECT id, ?, ?, ? FROM tracks WHERE track_id = ?",
            (_row_of(store, found.channel), n_segments, rows.table16_values(found.features), track_id),
        )


def replace_evidence(store: Store, track_id: str, evidence: Sequence[Evidence]) -> None:
    """Replace the evidence of a track that was just analysed; inside a transaction."""
    store.execute("DELETE FROM evidence WHERE track = (SELECT id FROM tracks WHERE track_id = ?)", (track_id,))
    save_evidence(store, track_id, evidence)


def drop_superseded(store: Store, channels: Sequence[Channel]) -> None:
    """Forget channels of the same names as these, but of another version or hash; inside a transaction."""
    for channel in channels:
        store.execute(
            "DELETE FROM channels WHERE name = ? AND NOT (version = ? AND sha256 = ?)",
            (channel.name, channel.version, channel.sha256),
        )


def _n_segments(store: Store, track_id: str) -> int:
    found = store.all(
        "SELECT n_segments FROM vectors JOIN tracks ON id = track WHERE track_id = ?",
        (track_id,),
    )
    if not found:
        raise KeyError(track_id)
    return rows.integer(found[0][0], "n_segments")


def _row_of(store: Store, channel: Channel) -> int:
    """The id of a channel in the index, which gets to know it."""
    store.execute(
        "INSERT OR IGNORE INTO channels (name, version, dim, sha256, names) VALUES (?, ?, ?, ?, ?)",
        (channel.name, channel.version, channel.dim, channel.sha256, _joined(channel.names)),
    )
    return _rows_of(store, [channel])[channel.name]


def _rows_of(store: Store, channels: Sequence[Channel]) -> dict[str, int]:
    """Ids of those of some channels that the index knows, by name."""
    known = {_key(channel): row for row, channel in known_channels(store).items()}
    return {channel.name: known[_key(channel)] for channel in channels if _key(channel) in known}


def same_channel(one: Channel, other: Channel) -> bool:
    """Whether two channels of tracks find the same."""
    return _key(one) == _key(other)


def _key(channel: Channel) -> tuple[str, str, int, str]:
    """What tells channels of tracks apart."""
    return channel.name, channel.version, channel.dim, channel.sha256


# --- out ----


@checked
def known_channels(store: Store) -> dict[int, Channel]:
    """Every channel that the index has seen, by its id."""
    found = store.all("SELECT id, name, version, dim, sha256, names FROM channels ORDER BY id")
    return {rows.integer(row, "channel"): _channel(*columns) for row, *columns in found}


def _joined(names: Sequence[str]) -> str:
    """Names of features as one column, each on a line of its own; nothing where they are too long to be kept."""
    joined = "\n".join(" ".join(name.split()) for name in names)
    return joined if len(joined) <= MOST_CHARACTERS else ""


def _channel(name: object, version: object, dim: object, sha256: object, names: object) -> Channel:
    try:
        return Channel(
            name=rows.text(name, "name"),
            version=rows.text(version, "version"),
            medium=Medium.TRACK,
            dim=rows.integer(dim, "dim"),
            sha256=rows.text(sha256, "sha256"),
            names=tuple(rows.text(names, "names").splitlines()),
        )
    except ValueError as error:
        raise rows.RowError(f"channels: {error}") from error


@checked
def read_evidence(store: Store, track_id: str) -> tuple[Evidence, ...]:
    """What is kept of a track, in the order in which the index came to know the channels."""
    channels = known_channels(store)
    spans = tuple(
        Span(rows.number(start_s, "start_s"), rows.number(end_s, "end_s"))
        for start_s, end_s in store.all(
            "SELECT start_s, end_s FROM segments JOIN tracks ON id = track WHERE track_id = ? ORDER BY position",
            (track_id,),
        )
    )
    found = store.all(
        "SELECT channel, n_segments, numbers FROM evidence JOIN tracks ON id = track WHERE track_id = ?"
        " ORDER BY channel",
        (track_id,),
    )
    return tuple(_evidence(channels, spans, *columns) for columns in found)


def _evidence(
    channels: Mapping[int, Channel], spans: tuple[Span, ...], row: object, n_segments: object, numbers: object
) -> Evidence:
    channel = channels.get(rows.integer(row, "channel"))
    if channel is None or rows.integer(n_segments, "n_segments") != len(spans):
        raise rows.RowError(f"evidence: {str(n_segments)[:20]} rows of channel {row} for {len(spans)} segments")
    return Evidence(channel, spans, rows.table16(numbers, "numbers", n=len(spans), width=channel.dim))


@dataclass(frozen=True, slots=True)
class Gap:
    """A track that lacks the evidence of some channels."""

    track_id: str
    """Which track."""
    channels: tuple[str, ...]
    """Names of the channels."""
    present: bool
    """Whether a file of it is there."""


@checked
def gaps(store: Store, channels: Sequence[Channel]) -> list[Gap]:
    """The tracks that lack evidence of some of these channels, by id."""
    ids = _rows_of(store, channels)
    lacking: dict[str, list[str]] = {}
    for channel in channels:
        query = "SELECT track_id FROM tracks"
        if channel.name in ids:
            query += f" WHERE id NOT IN (SELECT track FROM evidence WHERE channel = {ids[channel.name]})"
        for (track_id,) in store.all(query):
            lacking.setdefault(rows.track_id(track_id), []).append(channel.name)
    there = {
        track_id
        for (track_id,) in store.all(
            "SELECT DISTINCT track_id FROM tracks JOIN locations ON track = id WHERE status = 'present'"
        )
    }
    return [Gap(track_id, tuple(names), track_id in there) for track_id, names in sorted(lacking.items())]


@dataclass(frozen=True, slots=True)
class TrackBlocks:
    """The evidence of some tracks, one after the other."""

    tracks: tuple[int, ...]
    """Their ids in the database, ascending."""
    counts: tuple[int, ...]
    """Segments of each."""
    blocks: Mapping[str, FloatArray] = field(repr=False, compare=False)
    """Features by channel, shape (sum of counts, dim), float32."""


def iter_blocks(store: Store, channels: Sequence[Channel], *, at_once: int) -> Iterator[TrackBlocks]:
    """The evidence of all tracks that have that of all of some channels, some tracks at a time."""
    ids = _rows_of(store, channels)
    if len(ids) < len(channels) or not channels:
        return
    chosen = ", ".join(map(str, ids.values()))
    last = -1
    while True:
        found = store.all(
            f"SELECT track FROM evidence WHERE channel IN ({chosen}) AND track > ?"
            f" GROUP BY track HAVING count(*) = {len(ids)} ORDER BY track LIMIT ?",
            (last, at_once),
        )
        tracks = [rows.integer(track, "channel") for (track,) in found]
        if not tracks:
            return
        yield _blocks_of(store, channels, ids, tracks)
        last = tracks[-1]


def track_values(
    store: Store, channels: Sequence[Channel], read: Callable[[FloatArray], FloatArray], *, at_once: int
) -> dict[str, FloatArray]:
    """What a function makes of the segments of each track that has the evidence of some channels, by track id.

    Parameters
    ----------
    channels : sequence of Channel
        Their features side by side, shape (segments, sum of dims), go into `read`.
    """
    names = {row: rows.track_id(track_id) for row, track_id in store.all("SELECT id, track_id FROM tracks")}
    result = {}
    for found in iter_blocks(store, channels, at_once=at_once):
        features = np.concatenate([found.blocks[channel.name] for channel in channels], axis=1)
        pieces = np.split(features, np.cumsum(found.counts)[:-1])
        result.update({names[row]: read(piece) for row, piece in zip(found.tracks, pieces, strict=True)})
    return result


def blocks_of(store: Store, track_id: str, channels: Sequence[Channel]) -> TrackBlocks | None:
    """The evidence of one track; None where it lacks some."""
    ids = _rows_of(store, channels)
    found = store.all(
        f"SELECT track FROM evidence JOIN tracks ON id = track WHERE track_id = ?"
        f" AND channel IN ({', '.join(map(str, ids.values()))})",
        (track_id,),
    )
    if len(found) < len(channels):
        return None
    return _blocks_of(store, channels, ids, [rows.integer(found[0][0], "channel")])


@checked
def _blocks_of(
    store: Store, channels: Sequence[Channel], ids: Mapping[str, int], tracks: Collection[int]
) -> TrackBlocks:
    numbers: dict[str, list[object]] = {channel.name: [] for channel in channels}
    counts: dict[str, list[int]] = {channel.name: [] for channel in channels}
    chosen = ", ".join(map(str, tracks))
    for channel in channels:
        found = store.all(
            f"SELECT n_segments, numbers FROM evidence WHERE channel = {ids[channel.name]} AND track IN ({chosen})"
            " ORDER BY track"
        )
        counts[channel.name] = [rows.integer(n, "n_segments") for n, _ in found]
        numbers[channel.name] = [blob for _, blob in found]
    n_segments = next(iter(counts.values()))
    if any(its != n_segments for its in counts.values()) or len(n_segments) != len(tracks):
        raise rows.RowError("evidence: channels have different segment counts for a track")
    return TrackBlocks(
        tracks=tuple(tracks),
        counts=tuple(n_segments),
        blocks={
            channel.name: rows.table16(
                b"".join(rows.blob(blob, "numbers") for blob in numbers[channel.name]),
                "numbers",
                n=sum(n_segments),
                width=channel.dim,
            )
            for channel in channels
        },
    )


def evidence_faults(store: Store) -> list[str]:
    """What is wrong with the evidence, as lines for people; the channels and the tracks make sense already."""
    channels = known_channels(store)
    faults = []
    query = (
        "SELECT t.track_id, e.channel, e.n_segments, v.n_segments, e.numbers FROM evidence e"
        " JOIN tracks t ON t.id = e.track LEFT JOIN vectors v ON v.track = e.track ORDER BY t.track_id, e.channel"
    )
    for track_id, row, n_rows, n_segments, numbers in store.execute(query):
        channel = channels.get(row)
        try:
            if channel is None or rows.integer(n_rows, "n_segments") != n_segments:
                raise rows.RowError(f"evidence: {str(n_rows)[:20]} rows for {n_segments} segments")
            rows.table16(numbers, "numbers", n=n_rows, width=channel.dim)
        except rows.RowError as error:
            faults.append(f"track {str(track_id)[:12]}: {error}")
    return faults
