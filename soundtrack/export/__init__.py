"""Cue sheets for other programs: one small module per format, each from a sheet to text."""

from __future__ import annotations

from collections.abc import Callable

from soundtrack.errors import UsageError
from soundtrack.types import CueSheet

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


def not_carried(sheet: CueSheet, format_name: str) -> list[str]:
    """What a format cannot say about a sheet, one line each.

    Parameters
    ----------
    sheet : CueSheet
    format_name : str
        One of `FORMATS`.
    """
    if format_name != "xml":
        return []
    return [
        f"cue {cue.cue_id} is played at {cue.speed:.2%} of its tempo, which xml does not carry; set it by hand"
        for cue in sheet.cues
        if cue.speed != 1.0
    ]


def export(sheet: CueSheet, format_name: str) -> str:
    """A sheet as text of another format.

    Parameters
    ----------
    sheet : CueSheet
        Sound by `soundtrack.cuesheet.check`.
    format_name : str
        One of `FORMATS`.

    Returns
    -------
    str
        The same sheet always gives the same text.

    Raises
    ------
    UsageError
        There is no such format.
    DependencyError
        The format needs a package that is not installed.
    """
    from soundtrack.export.credits import credits_text
    from soundtrack.export.edl import edl_text
    from soundtrack.export.fcpxml import fcpxml_text
    from soundtrack.export.m3u import m3u_text
    from soundtrack.export.mlt import mlt_text
    from soundtrack.export.otio import fcp7_text, otio_text
    from soundtrack.export.table import csv_text

    writers: dict[str, Callable[[CueSheet], str]] = {
        "csv": csv_text,
        "edl": edl_text,
        "m3u": m3u_text,
        "txt": credits_text,
        "otio": otio_text,
        "xml": fcp7_text,
        "fcpxml": fcpxml_text,
        "mlt": mlt_text,
    }
    if format_name not in writers:
        raise UsageError(f"there is no format {format_name!r}", hint=f"choose one of {', '.join(FORMATS)}")
    return writers[format_name](sheet)
