"""Serve a page on the loopback address, print its address, and open a browser where there is a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundtrack.review.app import Served


def show(
    make: Callable[[int], Served], *, port: int, doing: str, ended: str, no_browser: bool = False, quiet: bool = False
) -> None:
    """Serve an application until Ctrl-C.

    Parameters
    ----------
    make : callable
        Makes the application for a port.
    port : int
        Port on 127.0.0.1; 0 for a free one.
    doing, ended : str
        What stderr says while it runs, and at its end.
    no_browser : bool
        Whether the address is only printed.
    quiet : bool
        Whether nothing else is.
    """
    import webbrowser

    from soundtrack.cli import output
    from soundtrack.processes import ending
    from soundtrack.processes.platform import INTERRUPT
    from soundtrack.processes.surroundings import has_screen
    from soundtrack.review.serve import serve

    def ready(address: str) -> None:
        output.write_out(f"{address}\n")
        output.say(f"{doing}; press Ctrl-C to stop", quiet=quiet)
        if not no_browser and has_screen():
            webbrowser.open(address)

    with ending.answering(INTERRUPT, code=0, words="" if quiet else ended):
        serve(make, port=port, ready=ready)
