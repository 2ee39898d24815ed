"""``soundtrack review CUES|FILM``: a local page to hear, edit and render a cue sheet."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Index, Quiet


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
    index: Index = None,
    quiet: Quiet = False,
) -> None:
    """Hear, compare and change the music of a film on a local page.

    Every step is saved to the cue sheet. The page is served on 127.0.0.1 until Ctrl-C.
    """
    import os
    import sys
    import webbrowser

    from soundtrack.cli import output
    from soundtrack.processes import ending
    from soundtrack.processes.platform import INTERRUPT
    from soundtrack.review.opening import find_reviewed
    from soundtrack.review.serve import require_server, serve

    require_server()
    reviewed = find_reviewed(source, film=film)

    def ready(address: str) -> None:
        output.write_out(f"{address}\n")
        output.say(f"reviewing {reviewed.cues}; press Ctrl-C to stop", quiet=quiet)
        has_screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if not no_browser and has_screen:
            webbrowser.open(address)

    with ending.answering(INTERRUPT, code=0, words="" if quiet else "review ended"):
        serve(reviewed, port=port, index=index, ready=ready)
