"""``soundtrack review CUES|FILM``: a local page to hear, edit and render a cue sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli.options import Index, Quiet

if TYPE_CHECKING:
    from soundtrack.review.opening import Reviewed


def review(
    source: Annotated[
        Path,
        typer.Argument(metavar="CUES|FILM", help="Cue sheet, or film with a cue sheet next to it.", show_default=False),
    ],
    film: Annotated[
        Path | None,
        typer.Option("--film", help="Film of the cue sheet. Default: film next to the cue sheet.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    ab: Annotated[
        bool, typer.Option("--ab", help="Blind comparison of the planned music with other music, pair by pair.")
    ] = False,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            help="Other music of --ab: random, arousal (same arousal), true (the film's own), or an earlier cue sheet.",
        ),
    ] = "random",
    pairs: Annotated[int, typer.Option("--pairs", min=1, max=200, help="Number of pairs of --ab.")] = 12,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the pairs and sides of --ab.")] = 0,
    results: Annotated[
        bool, typer.Option("--results", help="Print the results of --ab for this film instead of a page.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print --results as JSON.")] = False,
    small_copy: Annotated[
        bool | None,
        typer.Option(
            "--small-copy/--no-small-copy",
            help="Show a small copy of the film, made first and kept in the cache. Default: for films that no browser"
            " shows, such as ProRes.",
            show_default=False,
        ),
    ] = None,
    index: Index = None,
    quiet: Quiet = False,
) -> None:
    """Hear, compare and change the music of a film on a local page.

    Every step is saved to the cue sheet. The page is served on 127.0.0.1 until Ctrl-C.
    """
    from contextlib import ExitStack
    from functools import partial

    from soundtrack.cli import output
    from soundtrack.cli.page import show
    from soundtrack.errors import UsageError
    from soundtrack.naming.wording import counted
    from soundtrack.review.opening import find_reviewed, shown_film
    from soundtrack.review.serve import require_server

    if (results and not ab) or (as_json and not results):
        needed, given = ("--results", "--json") if as_json and not results else ("--ab", "--results")
        raise UsageError(f"{given} requires {needed}", hint=f"add {needed}")
    require_server()
    reviewed = find_reviewed(source, film=film, edits=not ab)
    if results:
        _print_results(reviewed, as_json=as_json)
        return
    if ab:
        from soundtrack.review.ab.app import make_ab_app
        from soundtrack.review.ab.command import prepare

        with output.progress(quiet=quiet) as progress:
            compared = prepare(reviewed, against=against, n_pairs=pairs, seed=seed, index=index, progress=progress)
        make = partial(make_ab_app, compared)
        doing = f"comparing {counted(len(compared.trials), 'pair')}; answers are kept in {compared.answers}"
    else:
        from soundtrack.review.app import make_app

        make = partial(make_app, reviewed, index=index)
        doing = f"reviewing {reviewed.cues}"

    with ExitStack() as on_exit:
        with output.progress(quiet=quiet) as progress:
            shown = on_exit.enter_context(shown_film(reviewed.film, small=small_copy, progress=progress))
        words = {"doing": doing, "ended": "review ended"}
        show(lambda at: make(port=at, shown=shown), port=port, **words, no_browser=no_browser, quiet=quiet)


def _print_results(reviewed: "Reviewed", *, as_json: bool) -> None:
    """Results of blind comparisons to stdout."""
    from soundtrack.cli import output
    from soundtrack.review.ab import results
    from soundtrack.review.ab.command import results_of

    found = results_of(reviewed)
    with output.product() as stream:
        if as_json:
            output.write_json(results.as_json(found, film=reviewed.film.path.name), stream)
        else:
            stream.write("".join(f"{line}\n" for line in results.lines(found)))
