"""The manual page, from the help of the commands."""

from __future__ import annotations

from collections.abc import Mapping

from soundtrack import __version__

ENVIRONMENT = {
    "SOUNDTRACK_INDEX": "Folder of the library index.",
    "SOUNDTRACK_MODEL": "Joint space to use, see `soundtrack models list`.",
    "SOUNDTRACK_DEVICE": "Device for the networks: auto, cpu or cuda.",
    "SOUNDTRACK_TARGET": "Loudness target: web, podcast, broadcast, cinema, dialogue or a number of LUFS.",
    "SOUNDTRACK_FFMPEG": "ffmpeg program to use.",
    "SOUNDTRACK_CACHE": "Keep analyses of films: true or false.",
    "SOUNDTRACK_TASTE": "Let swaps, locks and comparisons change the weights: true or false.",
    "SOUNDTRACK_LEDGER": "Record the tracks used by each film: true or false.",
    "SOUNDTRACK_CONFIG": "Configuration file, see `soundtrack config`; /dev/null for none.",
    "SOUNDTRACK_TRACEBACK": "Show the traceback of internal errors.",
    "NO_COLOR": "Disable colours.",
}
"""Environment variables and their meanings."""

EXIT_CODES = {
    0: "Success.",
    1: "Internal error: a bug in soundtrack.",
    2: "Invalid arguments.",
    3: "A file cannot be read as required.",
    4: "A program or package is missing or too old.",
    5: "A model is missing or damaged.",
    6: "The library index is missing, empty, damaged or busy.",
    7: "No eligible music for the film.",
    8: "ffmpeg failed.",
    9: "An output file exists or cannot be written.",
    10: "Some files could not be used; the others were.",
    130: "Interrupted by Ctrl-C. Other signals: 128 + number, e.g. 143 for SIGTERM.",
}
"""Exit codes and their meanings."""


def _escaped(text: str) -> str:
    """Text in which roff finds no requests and no escapes."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def manual(helps: Mapping[str, str]) -> str:
    """Return the page ``soundtrack(1)`` in roff.

    Parameters
    ----------
    helps : mapping of str to str
        Help of each command by the words that call it; that of the program under ``""``.
    """
    pages = [
        f'.TH SOUNDTRACK 1 "" "soundtrack {__version__}" "User Commands"',
        ".SH NAME",
        "soundtrack \\- add matching music from your own library to films",
        ".SH SYNOPSIS",
        ".B soundtrack",
        "[OPTIONS] COMMAND [ARGS]...",
        ".SH DESCRIPTION",
        ".nf",
        _escaped(helps[""]),
        ".fi",
        ".SH COMMANDS",
    ]
    for name, text in helps.items():
        if name:
            pages += [f".SS soundtrack {_escaped(name)}", ".nf", _escaped(text.strip("\n")), ".fi"]
    pages.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES.items():
        pages += [".TP", f".B {code}", meaning]
    pages.append(".SH ENVIRONMENT")
    for variable, meaning in ENVIRONMENT.items():
        pages += [".TP", f".B {variable}", _escaped(meaning)]
    return "\n".join(pages) + "\n"
