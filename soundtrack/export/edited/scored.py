"""An edit with the music of a cue sheet on audio tracks of its own, in OpenTimelineIO.

Goes in: the edit as it was, or its pieces, and the cue sheet of its film. Comes out: the same edit with tracks ``MX``
after all others; nothing else of it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from soundtrack.export import export
from soundtrack.export.timeline import Media, file_url
from soundtrack.types import CueSheet


@dataclass(frozen=True, slots=True)
class PictureClip:
    """A stretch of a file on the picture track, or a gap."""

    file: str | None
    """Absolute path; None for a gap."""
    source_s: Fraction
    """First moment in the file."""
    n_frames: int
    """Length, at the frame rate of the edit."""


def with_music(text: str, sheet: CueSheet, *, media: Media) -> str:
    """An .otio document with the music of a cue sheet added.

    Parameters
    ----------
    text : str
        The edit.
    sheet : CueSheet
        Of its film.
    media : Media
        Where the music is.
    """
    import opentimelineio as otio

    from soundtrack.export.edited.otio_files import timeline_in

    timeline = timeline_in(otio.adapters.read_from_string(text, "otio_json"))
    return _added(timeline, sheet, media)


def made_with_music(name: str, pictures: Sequence[PictureClip], sheet: CueSheet, *, fps: Fraction, media: Media) -> str:
    """An .otio document of the pieces of an edit and the music of a cue sheet.

    Parameters
    ----------
    name : str
        Of the time line.
    pictures : sequence of PictureClip
        In order.
    sheet : CueSheet
        Of their film.
    fps : Fraction
        Frames a second of the edit.
    media : Media
        Where the music is.
    """
    import opentimelineio as otio

    time, rate = otio.opentime.RationalTime, float(fps)
    track = otio.schema.Track("Picture", kind=otio.schema.TrackKind.Video)
    for piece in pictures:
        length = time(piece.n_frames, rate)
        if piece.file is None:
            track.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(time(0, rate), length)))
            continue
        start = time(round(piece.source_s * fps), rate)
        whole = otio.opentime.TimeRange(time(0, rate), start + length)
        reference = otio.schema.ExternalReference(target_url=file_url(piece.file), available_range=whole)
        shown = otio.opentime.TimeRange(start, length)
        track.append(otio.schema.Clip(piece.file.rsplit("/", 1)[-1], media_reference=reference, source_range=shown))
    timeline = otio.schema.Timeline(name, global_start_time=time(0, rate))
    timeline.tracks.append(track)
    return _added(timeline, sheet, media)


def _added(timeline: object, sheet: CueSheet, media: Media) -> str:
    """The music of a sheet on tracks of its own, after all others."""
    import opentimelineio as otio

    music = otio.adapters.read_from_string(export(sheet, "otio", media=media), "otio_json")
    lanes = [t for t in music.tracks if t.kind == otio.schema.TrackKind.Audio and t.name.startswith("MX ")]
    for lane in lanes:
        timeline.tracks.append(lane.deepcopy())  # type: ignore[attr-defined]
    timeline.metadata["soundtrack"] = music.metadata["soundtrack"]  # type: ignore[attr-defined]
    return str(otio.adapters.write_to_string(timeline, "otio_json")) + "\n"
