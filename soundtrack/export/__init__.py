"""Cue sheets for other programs: one small module per format, each from a time line to text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from soundtrack.errors import UsageError
from soundtrack.types import CueSheet

if TYPE_CHECKING:
    from soundtrack.export.timeline import Media, Timeline

__all__ = ["FORMATS", "export", "not_carried"]

FORMATS: dict[str, str] = {
    "csv": "a table of cues, for spreadsheets",
    "edl": "CMX 3600 edit decision list, for Resolve, Premiere, Avid",
    "m3u": "playlist of the tracks used",
    "txt": "credits, with licences and ISRC",
    "otio": "OpenTimelineIO timeline",
    "xml": "Final Cut Pro 7 XML, for Premiere and Resolve",
    "fcpxml": "FCPXML, for Final Cut Pro and Resolve",
    "mlt": "MLT XML, for Shotcut and Kdenlive",
}
"""File endings, and what they are."""

TIME_LINES = ("edl", "otio", "xml", "fcpxml", "mlt")
"""Formats that place the music against the film."""

NAME_FILES = (*TIME_LINES, "m3u")
"""Formats from which another program opens the files."""

_LEVELS = {
    "edl": "edl has no levels: gains and fades are comments, and the ducking under speech is left out",
    "otio": "otio has no levels: gains and level keyframes are metadata under 'soundtrack', fades are transitions",
}


def not_carried(sheet: CueSheet, format_name: str, *, media: Media | None = None) -> list[str]:
    """What a format cannot say about a sheet, or says otherwise, one line each.

    Parameters
    ----------
    sheet : CueSheet
    format_name : str
        One of `FORMATS`.
    media : Media, optional
        Where its files are and what they hold.
    """
    if format_name not in TIME_LINES and format_name != "csv":
        return []
    line = _timeline(sheet, format_name, media)
    result = []
    if not line.grid.is_own:
        result.append(
            f"{float(sheet.film.fps):.3f} frames a second is not a rate that editing programs share:"
            f" frames are counted at {float(line.fps):.6g}, times are kept"
        )
    if not line.grid.is_start_known:
        text = sheet.film.start_timecode or (media.start_timecode if media else None)
        result.append(
            f"the film's start timecode {text!r} is not one at {float(line.fps):.6g} frames a second: 0 is used"
        )
    if format_name == "mlt" and line.grid.start:
        result.append(f"mlt has no start timecode: frames count from the film's first picture, {line.timecode(0)}")
    if line.clips and format_name in TIME_LINES and not line.is_measured:
        result.append(
            "the sheet has no gains of the mix yet: levels are those before the balance; render --cues adds them"
        )
    if line.clips and format_name in _LEVELS:
        result.append(_LEVELS[format_name])
    if line.lowered_db > 0:
        result.append(f"{format_name} raises a level by at most 12 dB: all levels are {line.lowered_db:.1f} dB lower")
    return result


def _timeline(sheet: CueSheet, format_name: str, media: Media | None) -> Timeline:
    """The time line for a format, within what the format can hold."""
    from soundtrack.export import fcp7, fcpxml
    from soundtrack.export.timeline import timeline_of

    highest = {"xml": fcp7.HIGHEST_DB, "fcpxml": fcpxml.HIGHEST_DB}
    return timeline_of(sheet, media=media, highest_db=highest.get(format_name))


def export(sheet: CueSheet, format_name: str, *, media: Media | None = None) -> str:
    """A sheet as text of another format.

    Parameters
    ----------
    sheet : CueSheet
        Sound by `soundtrack.documents.cuesheet.check`.
    format_name : str
        One of `FORMATS`.
    media : Media, optional
        Where its files are and what they hold; else the film is named by its name alone.

    Returns
    -------
    str
        The same sheet always gives the same text.

    Raises
    ------
    UsageError
        There is no such format.
    """
    from soundtrack.export.credits import credits_text
    from soundtrack.export.edl import edl_text
    from soundtrack.export.fcp7 import fcp7_text
    from soundtrack.export.fcpxml import fcpxml_text
    from soundtrack.export.m3u import m3u_text
    from soundtrack.export.mlt import mlt_text
    from soundtrack.export.otio import otio_text
    from soundtrack.export.table import csv_text

    writers: dict[str, Callable[[Timeline], str]] = {
        "csv": csv_text,
        "edl": edl_text,
        "m3u": m3u_text,
        "txt": lambda line: credits_text(line.sheet),
        "otio": otio_text,
        "xml": fcp7_text,
        "fcpxml": fcpxml_text,
        "mlt": mlt_text,
    }
    if format_name not in writers:
        raise UsageError(f"unknown format {format_name!r}", hint=f"choose one of {', '.join(FORMATS)}")
    return writers[format_name](_timeline(sheet, format_name, media))
