"""``soundtrack library export|import``: an index as one file, from one machine to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Index, Quiet


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write.", show_default=False)],
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the whole index to one file, for another machine or as a backup; the music is not in it."""
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
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What export wrote.", show_default=False)],
    moved: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="The folder that was OLD there is NEW here."),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Make an index from an archive, without listening again; --map says where the music lies here."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.cli.words import parse_move
    from soundtrack.library.update.archive import import_index

    folder = pipeline.index_dir(index)
    found = import_index(archive, folder, moved=[parse_move(text) for text in moved or ()], force=force)
    made_by = f"made with {found.model.name} {found.model.version}"
    output.say(f"{folder}: {found.n_tracks} tracks {made_by}, {found.n_found} of them are here", quiet=quiet)
    if found.n_found < found.n_tracks:
        for root in found.roots:
            if not root.exists():
                output.say(f"not here: {root}; --map {root}=FOLDER says where it is", quiet=quiet)
    if found.model != pipeline.current_model():
        output.say("other networks than this program's: `soundtrack index --rebuild` will be needed", quiet=quiet)
