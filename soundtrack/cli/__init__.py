"""Command line: parse, call one function of the pipeline, show the result."""

from typing import Any

STYLE: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,  # boxes and colours take half of the time that `--help` takes
}
"""What every app of the command line has in common."""
