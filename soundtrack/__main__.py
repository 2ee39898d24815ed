"""Entry point of ``soundtrack`` and ``python -m soundtrack``: module path and signal handlers first, then the commands.

Modules come from the installation and never from the working folder, and a signal ends the run from the first moment.
"""

import _signal  # type: ignore[import-not-found]  # built in; `signal` would import others first
import sys

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Ctrl-C during the imports below ends it without a traceback

from soundtrack.processes.surroundings import clean_environment, module_path

sys.path[:] = module_path()

import os  # noqa: E402 - after the module path

clean_environment(os.environ)


def main() -> None:
    """Run the command line and end the process with its exit code, whatever threads still do."""
    from soundtrack.cli.streams import open_closed_streams

    open_closed_streams()
    from soundtrack.processes import ending

    ending.install()
    from soundtrack.cli.app import main as run

    try:
        run()
    except SystemExit as stop:
        ending.leave(stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1)


if __name__ == "__main__":
    main()
