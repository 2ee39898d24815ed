"""Complete missing evidence of an index track by track, and move an index to another head or joint space.

Goes in: an open `Store`, workers, channels (`Channel`) and a projection (`Projection`). A track that lacks
a channel is analysed for that channel alone, and committed at once, so a run that is killed goes on from there.
Indexes of earlier versions have no evidence: they stay as useful as they were, and each run fills in what it can after
its new files.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.library.heard import Observed
from soundtrack.library.identity import Identity
from soundtrack.library.report import IndexReport, shown
from soundtrack.library.store import rows
from soundtrack.library.store.evidence import (
    drop_superseded,
    gaps,
    known_channels,
    replace_evidence,
    same_channel,
    save_evidence,
)
from soundtrack.library.store.schema import checked
from soundtrack.library.store.store import Store
from soundtrack.library.update.derive import Projection, derive_track, reproject
from soundtrack.library.update.outcome import Crew, Outcome
from soundtrack.progress import Progress
from soundtrack.types import Channel, ModelRef, Span

_NEAR_S = 0.05
"""Stretches this near, in seconds, are the same."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling brought."""

    n_tracks: int = 0
    """Tracks whose evidence was completed."""
    n_left: int = 0
    """Tracks that are there and still lack some."""
    notes: tuple[tuple[Path, str], ...] = ()
    """Files that could not be analysed, and why."""

    def told_in(self, report: IndexReport, *, projected: int) -> IndexReport:
        """The report of the whole run."""
        noted = sorted((*report.noted, *self.notes), key=lambda n: (os.fsencode(n[0]), n[1]))
        return replace(report, completed=self.n_tracks, incomplete=self.n_left, projected=projected, noted=tuple(noted))


def fill_gaps(
    store: Store,
    workers: Crew,
    channels: Sequence[Channel],
    *,
    projection: Projection | None,
    dim: int,
    tell: Progress,
) -> Filled:
    """Analyse the tracks that are there and lack evidence of some channels, for these channels alone.

    Parameters
    ----------
    store : Store
        Open for writing.
    workers : Crew
        Workers that analyse files.
    channels : sequence of Channel
        All that every track should have.
    projection : Projection, optional
        Derives each track again once its evidence is there; not given while an index still belongs to another.
    dim : int
        Length of the vectors.
    tell : callable
        Called with ``("indexing again: NAME", done, total)``.
    """
    lacking = {gap.track_id: gap.channels for gap in gaps(store, channels) if gap.present}
    if not lacking:
        return Filled()
    owner = _places(store, lacking)
    paths = sorted(owner, key=os.fsencode)
    done, notes, other = 0, [], []
    tell("indexing again", 0, len(paths))

    def wanted(identity: Identity) -> tuple[str, ...]:
        return lacking.get(identity.track_id, ())

    for n, outcome in enumerate(workers.listen(paths, wanted=wanted), start=1):
        track_id = owner[outcome.path]
        if outcome.observed is not None and outcome.identity is not None and outcome.identity.track_id == track_id:
            found = [its for its in outcome.observed.evidence if _is_of(its.channel, channels)]
            absent = sorted({*lacking[track_id]} - {its.channel.name for its in found})
            if absent:
                notes.append((outcome.path, f"channel {', '.join(absent)} of this version was not available"))
            elif _fits(store, track_id, outcome.observed):
                with store.transaction():
                    save_evidence(store, track_id, found)
                    if projection is not None:
                        derive_track(store, track_id, projection)
                done += 1
            else:
                other.append(outcome.path)
        elif outcome.reason is not None:
            notes.append((outcome.path, f"could not be analysed again: {shown(outcome.message)}"))
        tell(f"indexing again: {shown(outcome.path.name)}", n, len(paths))
    if projection is not None:
        for outcome in workers.listen(other, wanted=lambda identity: identity.track_id in lacking):
            done += _save_whole(store, outcome, owner[outcome.path], dim=dim)
    left = gaps(store, channels)
    if projection is not None and not left:
        with store.transaction():
            drop_superseded(store, channels)
    return Filled(done, sum(gap.present for gap in left), tuple(notes))


def _places(store: Store, track_ids: Collection[str]) -> dict[Path, str]:
    """A file that is there for each of some tracks."""
    place: dict[str, Path] = {}
    for location in store.locations().values():
        if location.present and location.track_id in track_ids:
            place.setdefault(location.track_id, location.path)
    return {path: track_id for track_id, path in place.items()}


def _is_of(channel: Channel, channels: Sequence[Channel]) -> bool:
    """Whether a channel is one of some, of the same version; on another machine it may be another."""
    return any(same_channel(channel, its) for its in channels)


@checked
def _fits(store: Store, track_id: str, observed: Observed) -> bool:
    """Whether the channels read the very segments of the track; another decoder may give another length."""
    found = store.all(
        "SELECT start_s, end_s FROM segments JOIN tracks ON id = track WHERE track_id = ? ORDER BY position",
        (track_id,),
    )
    spans = [Span(rows.number(start, "start_s"), rows.number(end, "end_s")) for start, end in found]
    return all(
        len(its.spans) == len(spans) and all(_is_near(a, b) for a, b in zip(its.spans, spans, strict=True))
        for its in observed.evidence
    )


def _is_near(a: Span, b: Span) -> bool:
    return abs(a.start_s - b.start_s) < _NEAR_S and abs(a.end_s - b.end_s) < _NEAR_S


def _save_whole(store: Store, outcome: Outcome, track_id: str, *, dim: int) -> bool:
    """Write a track that was analysed as a whole, since its segments were others; tells whether it was."""
    if outcome.heard is None or outcome.identity is None or outcome.identity.track_id != track_id:
        return False
    with store.transaction():
        store.save_track(track_id, outcome.heard, dim=dim)
        replace_evidence(store, track_id, outcome.heard.evidence)
    return True


# --- another head or joint space ----


def can_adopt(store: Store, channels: Sequence[Channel]) -> bool:
    """Whether the evidence of an index serves these networks, for one channel at least."""
    known = known_channels(store).values()
    return any(same_channel(channel, its) for channel in channels for its in known)


def adopt(store: Store, workers: Crew, projection: Projection, model: ModelRef, *, tell: Progress) -> int:
    """Bring an index to another head or joint space by the evidence that it holds; tells how many tracks it derived.

    What is lacking is analysed first, while the index goes on serving the networks that it belongs to. An index
    of the same networks stays as it is, and so does one whose evidence is of no use to the new ones.

    Parameters
    ----------
    store : Store
        Open for writing.
    workers : Crew
        Workers that analyse files.
    projection : Projection
        The new head and joint space.
    model : ModelRef
        What they are called.
    tell : callable
        Called with ``("project", done, total)``.
    """
    if store.model() in (None, model) or not can_adopt(store, projection.channels):
        return 0
    fill_gaps(store, workers, projection.channels, projection=None, dim=model.dim, tell=tell)
    with store.transaction():
        return reproject(store, projection, model, tell=tell)
