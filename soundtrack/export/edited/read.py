"""An edited time line of any format that can be read.

Goes in: a document, and what its film counts in. Comes out: an `EditedLine`. The format is that of the content, not of
the file's name. XML is read by defusedxml, which refuses entities and external documents.
"""

from __future__ import annotations

import re
from fractions import Fraction

from soundtrack.errors import InputError, Reason, SoundtrackError
from soundtrack.export import FORMATS
from soundtrack.export.edited.line import EditedLine, unreadable

READABLE = ("otio", "fcpxml", "xml", "edl", "mlt")
"""Formats of `soundtrack.export.FORMATS` that come back."""
_BY_ROOT = {"fcpxml": "fcpxml", "xmeml": "xml", "mlt": "mlt"}
_EVENT = re.compile(r"^\s*\d{1,6}\s+\S+\s+\S+\s+\S", re.MULTILINE)


def format_of(text: str, *, name: str) -> str:
    """Which of `READABLE` a document is.

    Raises
    ------
    InputError
        None of them.
    """
    head = text[:4096].lstrip("\ufeff \t\r\n")
    if head.startswith("{") and '"OTIO_SCHEMA"' in text:
        return "otio"
    if head.startswith("<"):
        root = next((tag for tag in re.findall(r"<([A-Za-z][\w-]*)", head) if tag in _BY_ROOT), None)
        if root:
            return _BY_ROOT[root]
    elif head.startswith("TITLE:") or _EVENT.search(text):
        return "edl"
    raise InputError(
        f"{name}: not an edited time line",
        hint=f"export one of {', '.join(READABLE)} from the editing program",
        reason=Reason.BAD_FORMAT,
    )


def read_edit(text: str, *, name: str, fps: Fraction, start: int) -> EditedLine:
    """The time line of a document.

    Parameters
    ----------
    text : str
    name : str
        What errors call it.
    fps : Fraction
        The rate of an edit list, which does not say its own.
    start : int
        Frame of the film's first picture in the record timecode of an edit list.

    Raises
    ------
    InputError
        It is of no format that can be read, damaged, or unsafe.
    """
    chosen = format_of(text, name=name)
    try:
        return _read(text, chosen, fps=fps, start=start)
    except SoundtrackError:
        raise
    except Exception as error:  # any error of a reader that others wrote
        raise unreadable(name, FORMATS[chosen].purpose.split(",")[0], str(error) or type(error).__name__) from error


def _read(text: str, chosen: str, *, fps: Fraction, start: int) -> EditedLine:
    """The time line of a document of a known format."""
    if chosen in ("otio", "edl"):
        from soundtrack.export.edited.otio_files import read_edl, read_otio

        return read_otio(text) if chosen == "otio" else read_edl(text, fps=fps, start=start)
    from defusedxml.ElementTree import fromstring

    root = fromstring(text, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    if chosen == "fcpxml":
        from soundtrack.export.edited.fcpxml_file import read_fcpxml

        return read_fcpxml(root)
    if chosen == "mlt":
        from soundtrack.export.edited.mlt_file import read_mlt

        return read_mlt(root)
    from soundtrack.export.edited.otio_files import read_fcp7

    return read_fcp7(text)
