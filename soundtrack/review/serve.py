"""Serve a review on the loopback address until the process ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from soundtrack.errors import DependencyError, UsageError

if TYPE_CHECKING:
    from soundtrack.review.app import Served

HOST = "127.0.0.1"
_LARGE_BYTES = 1 << 20
"""Memory of blocks of sound and of whole sheets goes back to the system; dozens of threads make and free them."""


def require_server() -> None:
    """Make sure that a page can be served, before anything else is done.

    Raises
    ------
    DependencyError
        starlette or uvicorn is not installed.
    """
    try:
        import starlette  # noqa: F401 - only whether it is there
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            "review requires the packages starlette and uvicorn", hint="run `pip install 'soundtrack[review]'`"
        ) from error


def serve(make: Callable[[int], Served], *, port: int = 0, ready: Callable[[str], None]) -> None:
    """Serve an application; does not return before the server ends.

    Parameters
    ----------
    make : callable
        Makes the application for a port.
    port : int
        Port on the loopback address; 0 for a free one.
    ready : callable
        Called with the address once it answers.

    Raises
    ------
    UsageError
        The port is in use.
    SoundtrackError
        As `make`.
    """
    import uvicorn

    from soundtrack.processes.heap import return_large_blocks

    return_large_blocks(_LARGE_BYTES, spare_bytes=_LARGE_BYTES, n_arenas=1)
    # Only where the protocol is named does asyncio switch delayed sending off, which costs 40 ms for each small answer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise UsageError(
                f"port {port}: {error.strerror or error}", hint="use another --port, or leave it out"
            ) from error
        listening.listen(64)
        port = listening.getsockname()[1]
        served = make(port)
        settings = uvicorn.Config(served.app, log_config=None, log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(settings)
        # In a thread, where uvicorn leaves signals alone: they end the process as they do in every command.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        ready(f"http://{HOST}:{port}/{served.token}/")
        thread.join()
