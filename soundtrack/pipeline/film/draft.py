"""A first look at a film: its key frames, the sizes of its packets, and its sound.

Goes in: a probed film and its channels. Comes out: what `watch` gives, at a small part of the cost. Shots are those of
`soundtrack.video.draft`; a clip is one key frame that stays, every `CLIP_S`, as for photos, so nothing moves in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from soundtrack.errors import UsageError
from soundtrack.pipeline.film.watch import CLIPS_AT_ONCE, Sight
from soundtrack.progress import Progress
from soundtrack.settings import ShotSettings
from soundtrack.types import ChannelSetup, Clip, DraftNote, PictureChannel, Span, Still, StillFormat, VideoInfo

CLIP_S = 10.0
"""Seconds from a clip to the next one, where there are key frames."""
WITHIN_S = 0.2
"""Largest distance of a cut that counts as found, in seconds."""
_MEASURED = {"placed": (0.6, 0.7), "fixed": (0.65, 0.55), "unplaced": (0.05, 0.15)}
"""Recall and precision of cuts by how the key frames lie, on films kept apart (docs/benchmarks.md)."""


def require_film(*, is_film: bool, decoder: str) -> None:
    """Refuse what has no draft.

    Raises
    ------
    UsageError
        Photos and edits, which have no key frames, or a decoder that cannot give them alone.
    """
    if not is_film:
        raise UsageError("--draft applies to films, not to photos or edits", hint="omit --draft")
    if decoder == "decord":
        raise UsageError("--draft cannot be used with --decoder decord", hint="omit one of the two options")


def setup_for_draft(setup: ChannelSetup) -> ChannelSetup:
    """The same clips, and stills as far apart as the clips of a draft."""
    return setup if setup.stills is None else replace(setup, stills=StillFormat(CLIP_S, setup.stills.side_px))


def watch_draft(
    info: VideoInfo,
    channels: Sequence[PictureChannel],
    *,
    setup: ChannelSetup,
    shot_settings: ShotSettings,
    progress: Progress,
) -> Sight:
    """Shots and evidence from the key frames of a film.

    Parameters
    ----------
    info : VideoInfo
    channels : sequence of PictureChannel
        Made with `setup`.
    setup : ChannelSetup
        As `setup_for_draft` gives it.
    shot_settings : ShotSettings
    progress : callable

    Raises
    ------
    InputError
        No key frame can be decoded.
    """
    from soundtrack.video.draft.decode import PacketTable, iter_key_frames
    from soundtrack.video.draft.shots import DraftShots

    stills = setup.stills or StillFormat(CLIP_S, setup.clips.side_px)
    detector = DraftShots(info.streams[info.video_stream].codec, shot_settings)
    table: PacketTable | None = None
    chosen: list[tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tuple[Still, ...]]] = []
    spans: list[Span] = []

    def show(until_s: float) -> None:
        starts_s = [0.0 if not spans else chosen[0][0], *(start_s for start_s, _, _ in chosen[1:])]
        clips = []
        for start_s, end_s, (_, frame, larger) in zip(starts_s, [*starts_s[1:], until_s], chosen, strict=True):
            frames = np.broadcast_to(frame, (setup.clips.n_frames, *frame.shape))
            clips.append(Clip(Span(start_s, end_s), frames, larger if setup.stills is not None else ()))
        for channel in channels:
            channel.push(clips)
        spans.extend(clip.span for clip in clips)
        chosen.clear()

    total = int(info.duration_s)
    for item in iter_key_frames(info, side_px=setup.clips.side_px, stills=stills):
        if isinstance(item, PacketTable):
            table = item
            continue
        detector.push(item)
        larger = {still.time_s: still for still in item.stills}
        for time_s, frame in zip(item.times_s.tolist(), item.frames, strict=True):
            if time_s in larger:
                if len(chosen) >= CLIPS_AT_ONCE:
                    show(time_s)
                chosen.append((time_s, frame, (larger[time_s],)))
        progress("watching key frames", min(total, int(item.times_s[-1])), total)
    assert table is not None
    if chosen:
        show(table.duration_s)
    shots = tuple(detector.finish(table))
    recall, precision = _MEASURED[detector.kind]
    note = DraftNote(cut_recall=recall, cut_precision=precision, within_s=WITHIN_S, clip_s=CLIP_S)
    return Sight(
        shots=shots,
        clips=tuple(spans),
        duration_s=table.duration_s,
        draft=note,
        warnings=(
            _line(note),
            *table.warnings,
            *([f"{table.n_damaged} key frames are damaged"] if table.n_damaged else ()),
        ),
        evidence=tuple(channel.finish() for channel in channels),
    )


def _line(note: DraftNote) -> str:
    """Expected quality of a draft, in a line."""
    return (
        f"draft: expect {note.cut_recall:.0%} of the cuts, to within {note.within_s:g} s, "
        f"{1 - note.cut_precision:.0%} of those listed to be false, "
        f"and moods from one still picture every {note.clip_s:g} s"
    )
