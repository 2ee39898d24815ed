"""``soundtrack eval playlists``: whether tags and playlists find the hidden part of a playlist."""

import json
from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Index, Quiet


def playlists(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="Folder of playlists. Default: the playlists of the library.", show_default=False
        ),
    ] = None,
    index: Index = None,
    lyrics: Annotated[
        bool, typer.Option("--lyrics", help="Let the words of lyrics count among the tags. Default: off.")
    ] = False,
    draws: Annotated[
        int, typer.Option("--draws", min=1, max=100_000, help="Number of bootstrap samples for the intervals.")
    ] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the hidden parts.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Evaluate how well hidden tracks of playlists are found.

    A quarter of each playlist is hidden in turn. Each hidden track is ranked among the tracks that the playlist does
    not name: by tags, by the other playlists, by both, by popularity and at random.
    """
    from soundtrack.cli import output
    from soundtrack.errors import LibraryError
    from soundtrack.evaluation.playlists import held_out
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.library.opened import Library
    from soundtrack.pipeline.library.taste import playlists_in, sources_of
    from soundtrack.taste.listening import require_installed

    require_installed()
    with Library(index) as library:
        tracks = list(library.tracks().values())
        found = library.playlists() if folder is None else playlists_in(folder, tracks)
        if not found:
            raise LibraryError(
                f"{library.index}: the library has no playlists",
                hint="give a folder of playlists: `soundtrack eval playlists DIR`",
            )
    sources = sources_of(tracks, found.values(), lyrics=lyrics)
    with output.progress(quiet=quiet) as progress:
        report = held_out(sources, seed=seed, n_draws=draws, progress=progress)
    with output.product() as out:
        if json_:
            out.write(json.dumps(report.to_dict(), indent=2) + "\n")
            return
        title = f"{counted(report.n_entries, 'track')} of {counted(report.n_playlists, 'playlist')}, library of"
        title += f" {counted(report.n_tracks, 'track')}"
        out.write("\n".join([title, "", *report.lines()]) + "\n")
