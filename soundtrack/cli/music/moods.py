"""``soundtrack library moods``: moods of the library as CSV or as tags of copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Index, Quiet


def moods(
    out: Annotated[Path | None, typer.Option("--output", "-o", help="CSV file to write. Default: stdout.")] = None,
    tag_copies: Annotated[
        Path | None,
        typer.Option(
            "--tag-copies",
            metavar="FOLDER",
            help="Copy mp3, flac, ogg and opus tracks to FOLDER, with the tag MOOD. Originals are not changed.",
        ),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Export mood, valence, arousal, tempo and key of all tracks as CSV, or tag copies of them."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import PartialError
    from soundtrack.export.table import moods_csv
    from soundtrack.files.kinds import Kind, beginning_with
    from soundtrack.library.report import shown
    from soundtrack.library.search.query import in_order
    from soundtrack.library.store.store import open_store
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.library.present import is_there
    from soundtrack.pipeline.sheets.mood_copies import tag_copies as tag_copies_of

    with open_store(pipeline.index_dir(index)) as store:
        there = {place.track_id for place in store.locations().values() if place.present}
        tracks = sorted(store.tracks().values(), key=lambda track: in_order(track.path))
    tracks = [track for track in tracks if track.track_id in there or is_there(track)]  # or found again
    if out is not None or tag_copies is None:
        table = Kind("a table of moods", beginning_with(rb"file,title,artist,mood,"))
        with output.product_to(out, kind=table, index=index, force=force) as write:
            write(moods_csv((track, shown(track.path)) for track in tracks))
    if tag_copies is None:
        return
    with output.progress(quiet=quiet) as progress:
        copies, left_out = tag_copies_of(tracks, tag_copies, index=index, force=force, progress=progress)
    for line in left_out:
        output.say(f"not copied: {line}", quiet=quiet)
    output.say(f"{tag_copies}: {counted(len(copies), 'tagged copy')}", quiet=quiet)
    if left_out:
        raise PartialError(
            f"{counted(len(left_out), 'track')} not copied: {left_out[0]}",
            hint="the other copies are complete; leave these tracks out, or convert them and index them again",
        )
