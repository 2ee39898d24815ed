"""``soundtrack library map``: the library by valence and arousal and by likeness, as a page or a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    by: Annotated[str, typer.Option("--by", help="Layout of --png: mood (valence and arousal) or likeness.")] = "mood",
    playlists: Annotated[
        Path | None,
        typer.Option(
            "--playlists",
            metavar="FOLDER",
            help="Folder for playlists of the page, created if missing. Default: .",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show all tracks by mood and by likeness, to hear, filter and draw playlists.

    Without --png and --html, the page is served on 127.0.0.1 until Ctrl-C.
    """
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.export.page.library_map import map_page, map_picture
    from soundtrack.files.kinds import MAP_PAGE, PICTURES
    from soundtrack.files.safe_write import replacing, write_text
    from soundtrack.files.targets import Target
    from soundtrack.library.search.library_view import require_music
    from soundtrack.library.search.query import in_order
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.library.mapped import mapped
    from soundtrack.pipeline.library.music import open_library
    from soundtrack.pipeline.sheets.targets import guard

    if by not in ("mood", "likeness"):
        raise UsageError(f"--by {by}: unknown", hint="use mood or likeness")
    if png is None and html is None:
        _serve(playlists or Path(), index=index, port=port, no_browser=no_browser, quiet=quiet)
        return
    ending = "" if png is None else png.suffix.lstrip(".").lower()
    kind = PICTURES.get(ending, PICTURES["png"])
    targets = [] if png is None else [Target(png, kind, option="--png")]
    targets += [] if html is None else [Target(html, MAP_PAGE, option="--html")]
    guard(targets, inputs=[], index=index, force=force)
    with open_library(index) as library:
        require_music(library, pipeline.index_dir(index))
        found = mapped(library)
    tracks = sorted(found.tracks, key=lambda track: in_order(track.path))
    if png is not None:
        if by == "likeness":
            drawn = map_picture(found.tracks, kind=ending, places=found.likeness)
        else:
            drawn = map_picture(tracks, kind=ending)
        with replacing(png, kind=kind, force=force) as part:
            part.write_bytes(drawn)
    if html is not None:
        write_text(html, map_page(tracks), kind=MAP_PAGE, force=force)
    written = ", ".join(str(path) for path in (png, html) if path is not None)
    output.say(f"{written}: {counted(len(tracks), 'track')}", quiet=quiet)


def _serve(folder: Path, *, index: Path | None, port: int, no_browser: bool, quiet: bool) -> None:
    """The page, until Ctrl-C."""
    from soundtrack import pipeline
    from soundtrack.cli.page import show
    from soundtrack.files.safe_write import made_folder
    from soundtrack.library.search.library_view import require_music
    from soundtrack.pipeline.library.asking import Asking
    from soundtrack.pipeline.library.mapped import mapped
    from soundtrack.pipeline.library.music import open_library
    from soundtrack.review.serve import require_server

    require_server()
    from soundtrack.review.map.app import make_map_app

    with made_folder(folder, option="--playlists"), open_library(index) as library:
        require_music(library, pipeline.index_dir(index))
        found = mapped(library)

        @contextmanager
        def ask() -> Iterator[Asking]:
            with open_library(index) as asked:
                yield Asking(asked)

        show(
            lambda at: make_map_app(found, ask, folder=folder.absolute(), port=at),
            port=port,
            doing=f"map of {len(found.tracks)} tracks",
            ended="map ended",
            no_browser=no_browser,
            quiet=quiet,
        )
