"""``soundtrack library export|import``: an index as one file, for another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Index, Quiet


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to write.", show_default=False)],
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the index (without the music) to one file."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.files.kinds import ARCHIVE
    from soundtrack.files.targets import Target
    from soundtrack.library.update.archive import export_index
    from soundtrack.pipeline.sheets.targets import guard

    guard([Target(target, ARCHIVE, option="FILE")], index=index, force=force)
    n = export_index(pipeline.index_dir(index), target, force=force)
    output.say(f"{target}: {n} {'track' if n == 1 else 'tracks'}, {target.stat().st_size / 1e6:.1f} MB", quiet=quiet)


def import_(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="Archive made by export.", show_default=False)],
    moved: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Replace the music folder OLD with NEW. Repeatable."),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Create an index from an archive; --map sets new music folders."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.cli.words import parse_move
    from soundtrack.library.update.archive import import_index
    from soundtrack.naming.wording import counted

    folder = pipeline.index_dir(index)
    found = import_index(archive, folder, moved=[parse_move(text) for text in moved or ()], force=force)
    made_by = f"from {found.model.name} {found.model.version}"
    counts = f"{counted(found.n_tracks, 'track')} {made_by}, {found.n_found} found on this machine"
    output.say(f"{folder}: {counts}", quiet=quiet)
    if found.n_found < found.n_tracks:
        for root in found.roots:
            if not root.exists():
                again = f"import again with --force --map {found.in_archive.get(root, root)}=FOLDER"
                output.say(f"missing: {root}; {again}", quiet=quiet)
    if found.model != pipeline.current_model():
        output.say("the index was built with other models: run `soundtrack index --rebuild`", quiet=quiet)
