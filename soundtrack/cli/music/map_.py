"""``soundtrack library map``: the library on the plane of valence and arousal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Index, Quiet


def map_(
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Picture to write (.png or .svg).", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="HTML page to write, with filter and audio.", show_default=False),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw all tracks by valence and arousal, as a picture or as a page to filter and play."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.export.page.library_map import map_page, map_picture
    from soundtrack.files.kinds import MAP_PAGE, PICTURES
    from soundtrack.files.safe_write import replacing, write_text
    from soundtrack.files.targets import Target
    from soundtrack.library.search.query import in_order
    from soundtrack.library.store.store import open_store
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.sheets.targets import guard

    if png is None and html is None:
        raise UsageError("no output file", hint="add --png FILE, --html FILE, or both")
    ending = "" if png is None else png.suffix.lstrip(".").lower()
    kind = PICTURES.get(ending, PICTURES["png"])
    targets = [] if png is None else [Target(png, kind, option="--png")]
    targets += [] if html is None else [Target(html, MAP_PAGE, option="--html")]
    guard(targets, inputs=[], index=index, force=force)
    with open_store(pipeline.index_dir(index)) as store:
        there = {place.track_id for place in store.locations().values() if place.present}
        tracks = sorted(store.tracks().values(), key=lambda track: in_order(track.path))
    tracks = [track for track in tracks if track.track_id in there]
    if png is not None:
        drawn = map_picture(tracks, kind=ending)
        with replacing(png, kind=kind, force=force) as part:
            part.write_bytes(drawn)
    if html is not None:
        write_text(html, map_page(tracks), kind=MAP_PAGE, force=force)
    written = ", ".join(str(path) for path in (png, html) if path is not None)
    output.say(f"{written}: {counted(len(tracks), 'track')}", quiet=quiet)
