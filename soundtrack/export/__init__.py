"""Cue sheets for other programs: one small module per format, each from a time line to text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from soundtrack.errors import DependencyError, UsageError
from soundtrack.files.kinds import MARK, XML_HEAD, Kind, beginning_with
from soundtrack.processes.plugins import FAULTS, entry_points
from soundtrack.types import CueSheet

if TYPE_CHECKING:
    from soundtrack.export.timeline import Media, Timeline

__all__ = ["FORMATS", "Exporter", "Format", "export", "load_exporters", "not_carried"]


_MARKED = MARK.encode()
T = TypeVar("T")
R = TypeVar("R")
GROUP = "soundtrack.exporters"
"""Entry points of export formats; the name of the entry point is that of the format."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """An export format of another package, as its entry point gives it."""

    purpose: str
    """Format and use, in one line."""
    beginning: bytes
    """First bytes of every file; an existing file is replaced only if it begins with them."""
    write: Callable[[CueSheet], str]
    """From a valid cue sheet to text."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that sheets are written in; a new one is a row here and a module with its writer."""

    purpose: str
    """What it is and for whom, in one line."""
    writer: str
    """Module of this package and function, from a `Timeline` to text."""
    kind: Kind
    """How a file of this format is recognised."""
    is_time_line: bool = False
    """Whether it places the music against the film."""
    names_files: bool = False
    """Whether another program opens the files that it names."""
    highest_db: float | None = None
    """The highest level that it can say."""
    levels_lost: str = ""
    """What becomes of levels where it has none."""

    exporter: Exporter | None = None
    """That of another package, in place of `writer`."""

    def write(self, line: Timeline) -> str:
        """The time line as text."""
        if self.exporter is not None:
            return _guarded(self.writer, lambda made: _text_of(made, line.sheet), self.exporter)
        module, function = self.writer.split(":")
        return str(getattr(import_module(f"{__name__}.{module}"), function)(line))


def _xml(name: str, root: bytes) -> Kind:
    """XML with the mark before its root; a file that another program saved has none."""
    return Kind(
        f"{name} by soundtrack", beginning_with(XML_HEAD + b"<!-- " + _MARKED + rb" -->\s*<" + root + rb"[\s>]")
    )


FORMATS: dict[str, Format] = {
    "csv": Format(
        "a table of cues, for spreadsheets",
        "table:csv_text",
        Kind("a table of cues", beginning_with(rb"cue,usage,start,end,")),
    ),
    "edl": Format(
        "CMX 3600 edit decision list, for Resolve, Premiere, Avid",
        "edl:edl_text",
        Kind(
            "an edit decision list by soundtrack",
            beginning_with(rb"TITLE: [^\n]*\nFCM: [^\n]*\n\n(\Z|.*\n\* COMMENT: CUE \S+ GAIN [+-])"),
        ),
        is_time_line=True,
        names_files=True,
        levels_lost="edl cannot store levels: gains and fades become comments, ducking is omitted",
    ),
    "m3u": Format(
        "playlist of the tracks used",
        "track_lists:m3u_text",
        Kind("an M3U playlist by soundtrack", beginning_with(rb"#EXTM3U\n# " + _MARKED)),
        names_files=True,
    ),
    "txt": Format(
        "credits, with licences and ISRC",
        "track_lists:credits_text",
        Kind("credits of a cue sheet", beginning_with(rb"Music in [^\n]*\n")),
    ),
    "otio": Format(
        "OpenTimelineIO timeline",
        "otio:otio_text",
        Kind(
            "an OpenTimelineIO time line by soundtrack",
            beginning_with(rb'\s*\{\s*"OTIO_SCHEMA"\s*:\s*"[^"]*",\s*"metadata"\s*:\s*\{\s*"soundtrack"'),
        ),
        is_time_line=True,
        names_files=True,
        levels_lost="otio cannot store levels: gains and level keyframes become metadata under 'soundtrack',"
        " fades become transitions",
    ),
    "xml": Format(
        "Final Cut Pro 7 XML, for Premiere and Resolve",
        "fcp7:fcp7_text",
        _xml("Final Cut Pro 7 XML", b"xmeml"),
        is_time_line=True,
        names_files=True,
        highest_db=12.0,
    ),
    "fcpxml": Format(
        "FCPXML, for Final Cut Pro and Resolve",
        "fcpxml:fcpxml_text",
        _xml("FCPXML", b"fcpxml"),
        is_time_line=True,
        names_files=True,
        highest_db=12.0,
    ),
    "mlt": Format(
        "MLT XML, for Shotcut and Kdenlive",
        "mlt:mlt_text",
        _xml("MLT XML", b"mlt"),
        is_time_line=True,
        names_files=True,
    ),
}
"""By file ending."""


def _guarded(package: str, function: Callable[[T], R], given: T) -> R:
    """Call code of another package; its failure names the package."""
    try:
        return function(given)
    except FAULTS as error:
        raise DependencyError(
            f"exporter of package {package} failed: {type(error).__name__}: {error}",
            hint=f"update or uninstall the package {package.split(maxsplit=1)[0]}",
        ) from error


def _text_of(made: Exporter, sheet: CueSheet) -> str:
    """What an exporter of another package writes, if it is what it announces.

    Raises
    ------
    TypeError, ValueError
        It is not text, or does not begin as announced: such a file would not be recognised later.
    """
    text: object = made.write(sheet)
    if not isinstance(text, str):
        raise TypeError(f"`write` returned {type(text).__name__}, expected str")
    if not text.encode().startswith(made.beginning):
        raise ValueError(f"its text does not begin with {made.beginning!r}")
    return text


def load_exporters() -> dict[str, Format]:
    """Return `FORMATS` with those of installed packages (entry point ``soundtrack.exporters``) added.

    Raises
    ------
    DependencyError
        A package cannot be imported or gives something else than an `Exporter`.
    """
    for entry, package in entry_points(GROUP):
        if entry.name not in FORMATS:
            made = _guarded(package, lambda found: found.load(), entry)
            if not isinstance(made, Exporter):
                raise DependencyError(
                    f"exporter {entry.name} of package {package} is {type(made).__name__}, expected Exporter",
                    hint=f"update or uninstall the package {package.split()[0]}",
                )
            kind = Kind(f"an export to {entry.name}", beginning_with(re.escape(made.beginning)))
            FORMATS[entry.name] = Format(made.purpose, package, kind, exporter=made)
    return FORMATS


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
    made = FORMATS[format_name]
    if not made.is_time_line and format_name != "csv":
        return []
    line = _timeline(sheet, format_name, media)
    result = []
    if not line.grid.is_own:
        result.append(
            f"{float(sheet.film.fps):.3f} fps is not a standard editing frame rate:"
            f" frames are counted at {float(line.fps):.6g} fps, times are kept"
        )
    if not line.grid.is_start_known:
        text = sheet.film.start_timecode or (media.start_timecode if media else None)
        result.append(f"start timecode {text!r} is not valid at {float(line.fps):.6g} fps: using 0")
    if format_name == "mlt" and line.grid.start:
        result.append(f"mlt cannot store a start timecode: frames count from the first frame, {line.timecode(0)}")
    if line.clips and made.is_time_line and not line.is_measured:
        result.append(
            "the sheet has no mix gains yet: levels are exported unbalanced; `soundtrack render --cues` adds the gains"
        )
    if line.clips and made.levels_lost:
        result.append(made.levels_lost)
    if line.lowered_db > 0:
        result.append(f"{format_name} limits gain to +12 dB: all levels are lowered by {line.lowered_db:.1f} dB")
    return result


def _timeline(sheet: CueSheet, format_name: str, media: Media | None) -> Timeline:
    """The time line for a format, within what the format can hold."""
    from soundtrack.export.timeline import timeline_of

    return timeline_of(sheet, media=media, highest_db=FORMATS[format_name].highest_db)


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
    if format_name not in FORMATS:
        raise UsageError(f"unknown format {format_name!r}", hint=f"choose one of {', '.join(FORMATS)}")
    return FORMATS[format_name].write(_timeline(sheet, format_name, media))
