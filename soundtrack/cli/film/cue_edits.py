"""``soundtrack cues lock|unlock|silence|set``: edit a cue sheet in place, or from stdin to stdout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli.options import Force, Quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundtrack.documents.edits import Edit, LockCues, SilenceCues, UnlockCues
    from soundtrack.types import CueSheet

Cues = Annotated[
    str, typer.Argument(metavar="CUES|-", help="Cue sheet to edit in place; - for stdin.", show_default=False)
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="CUE", help="Cue identifiers, e.g. 1m02.", show_default=False)]
One = Annotated[str, typer.Argument(metavar="CUE", help="Cue identifier, e.g. 1m02.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Apply to all cues.")]
Out = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="Write to another file; - for stdout.", show_default=False),
]


def lock(
    cues: Cues, ids: Ids = None, every: All = False, out: Out = None, force: Force = False, quiet: Quiet = False
) -> None:
    """Lock cues against changes by later plans.

    `spot --keep` and `score --keep` leave locked cues as they are; `render --swap` and `cues set` refuse them.
    """
    from soundtrack.documents.edits import LockCues

    _change_each(cues, ids, every=every, edit=LockCues, out=out, force=force, quiet=quiet)


def unlock(
    cues: Cues, ids: Ids = None, every: All = False, out: Out = None, force: Force = False, quiet: Quiet = False
) -> None:
    """Unlock cues for replanning."""
    from soundtrack.documents.edits import UnlockCues

    _change_each(cues, ids, every=every, edit=UnlockCues, out=out, force=force, quiet=quiet)


def silence(
    cues: Cues, ids: Ids = None, every: All = False, out: Out = None, force: Force = False, quiet: Quiet = False
) -> None:
    """Take cues out and leave silence in their place.

    Locked cues are refused. The levels of the mix are measured again by the next `render`.
    """
    from soundtrack.documents.edits import SilenceCues

    _change_each(cues, ids, every=every, edit=SilenceCues, out=out, force=force, quiet=quiet)


def set_(
    cues: Cues,
    cue: One,
    gain_db: Annotated[
        float | None, typer.Option("--gain-db", metavar="DB", help="Gain of the music, in dB.", show_default=False)
    ] = None,
    fade_in: Annotated[
        float | None,
        typer.Option("--fade-in", metavar="SECONDS", help="Length of the fade-in, in seconds.", show_default=False),
    ] = None,
    fade_out: Annotated[
        float | None,
        typer.Option("--fade-out", metavar="SECONDS", help="Length of the fade-out, in seconds.", show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", help="New start; the music keeps its position.", show_default=False),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="TIME", help="New end; the music keeps its position.", show_default=False),
    ] = None,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Change the gain, fades, start or end of a cue.

    Everything else stays as it is. A trimmed cue plays the same music at every moment as before, and the levels of the
    mix are measured again.
    """
    from soundtrack.cli.words import parse_time
    from soundtrack.documents.edits import SetCue
    from soundtrack.errors import UsageError

    if all(value is None for value in (gain_db, fade_in, fade_out, start, end)):
        raise UsageError("no change requested", hint="use --gain-db, --fade-in, --fade-out, --start or --end")
    edit = SetCue(
        cue,
        gain_db=gain_db,
        fade_in_s=fade_in,
        fade_out_s=fade_out,
        start_s=parse_time(start, "--start"),
        end_s=parse_time(end, "--end"),
    )
    _edit(cues, lambda _: edit, said=f"cue {cue} changed", out=out, force=force, quiet=quiet)


def _change_each(
    source: str,
    ids: list[str] | None,
    *,
    every: bool,
    edit: type[LockCues | UnlockCues | SilenceCues],
    out: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Lock, unlock or silence the cues that are named, or all."""
    from soundtrack.documents.edits import LockCues, SilenceCues
    from soundtrack.errors import UsageError

    if every and ids:
        raise UsageError("--all cannot be used with cue identifiers", hint="leave out --all or the cues")
    if not every and not ids:
        raise UsageError("no cues given", hint="give cue identifiers, e.g. 1m02, or use --all")
    named = tuple(dict.fromkeys(ids or ()))
    what = "locked" if edit is LockCues else "replaced by silence" if edit is SilenceCues else "unlocked"
    said = f"{', '.join(named) or 'all cues'} {what}"
    _edit(
        source,
        lambda sheet: edit(named or tuple(cue.cue_id for cue in sheet.cues)),
        said=said,
        out=out,
        force=force,
        quiet=quiet,
    )


def _edit(
    source: str, edit: Callable[[CueSheet], Edit], *, said: str, out: str | None, force: bool, quiet: bool
) -> None:
    """Read a sheet, edit it, and write it where it belongs; a file in which nothing changes is left alone."""
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet, edits
    from soundtrack.files.kinds import CUE_SHEET
    from soundtrack.pipeline.ground.preferences import note_edit
    from soundtrack.pipeline.sheets.sheet_files import digest, editable, rewrite_cues

    name = "stdin" if source == "-" else source
    in_place = out is None and source != "-"
    path = editable(source) if in_place else None
    text = output.read_document(source)
    sheet = cuesheet.loads(text, name=name)
    changed = edits.apply(sheet, edit(sheet))
    if path is None:
        target = None if out in (None, "-") else Path(str(out))
        inputs = [] if source == "-" else [Path(source)]
        with output.product_to(target, kind=CUE_SHEET, inputs=inputs, force=force) as write:
            write(cuesheet.dumps(changed))
    elif changed != sheet:
        rewrite_cues(path, cuesheet.dumps(changed), before=digest(text))
        output.say_warnings(note_edit(sheet, changed), quiet=quiet)
    as_it_was = " already" if changed == sheet else ""
    output.say(f"{name if out in (None, '-') else out}: {said}{as_it_was}", quiet=quiet)
