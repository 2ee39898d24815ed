"""``soundtrack cues import``: take over what was edited in another program."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Index, Quiet


def import_(
    edited: Annotated[
        Path,
        typer.Argument(
            metavar="EDITED",
            help="Edited export: .otio, .fcpxml, .xml (Final Cut Pro 7), .edl or .mlt.",
            show_default=False,
        ),
    ],
    cues: Annotated[
        str, typer.Argument(metavar="CUES|-", help="Cue sheet that was exported; - for stdin.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="New cue sheet. Default: stdout.")] = None,
    film: Annotated[
        Path | None,
        typer.Option("--film", help="Film of the cue sheet. Default: film next to the cue sheet.", show_default=False),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Apply the edits of a timeline from an editing program to the cue sheet it was exported from.

    Cues that were moved, trimmed, split, replaced or changed in level are locked, with exact times; muted and deleted
    cues are removed. Unchanged cues stay exactly as they were.
    """
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.errors import UsageError
    from soundtrack.files import safe_read
    from soundtrack.files.kinds import CUE_SHEET
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.edit_import import import_edit

    if CUE_SHEET.is_one(edited) and cues != "-" and not CUE_SHEET.is_one(Path(cues)):
        files = shlex.join([cues, str(edited)])
        raise UsageError(
            f"{edited} is a cue sheet, and {cues} is none",
            hint=f"give the edited timeline first: `soundtrack cues import {files}`",
        )
    name = "stdin" if cues == "-" else cues
    inputs = [edited, *([] if cues == "-" else [Path(cues)]), *([] if film is None else [film])]
    with output.product_to(out, kind=CUE_SHEET, inputs=inputs, index=index, force=force) as write:
        sheet = cuesheet.loads(output.read_document(cues), name=name)
        cuesheet.check(sheet, name=name)
        text = safe_read.read_text(edited, most_bytes=safe_read.DOCUMENT_BYTES)
        folder = Path() if cues == "-" else Path(cues).parent
        found = import_edit(sheet, text, name=str(edited), folder=folder, film=film, index=index)
        write(cuesheet.dumps(found.sheet))
    for line in found.changes:
        output.say(line, quiet=quiet)
    output.say_warnings(found.warnings, quiet=quiet)
    output.say(f"{edited}: {counted(len(found.changes), 'change') if found.changes else 'no changes'}", quiet=quiet)
