"""``soundtrack index PATH...``: listen to music and keep what was heard, so that films can be scored with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli.options import Device, Index, Quiet, device_name

if TYPE_CHECKING:
    from soundtrack.library.report import IndexReport

_SHOWN = 10
"""So many skipped files are named without --verbose."""


def index(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Folders and files of music; default: those of before."),
    ] = None,
    index_dir: Index = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Processes that listen; 0 is one per core.", show_default=True)
    ] = 0,
    device: Device = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Listen to everything again; the old index serves until it is done.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Files that are gone are gone for good, even if most of a folder is.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that could not be used before.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while another run writes the index.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how the index stands; change nothing.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every vector and every link of the index; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary as JSON to stdout.")] = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Name every file that was skipped or is odd.")
    ] = False,
) -> None:
    """Listen to music: add what is new, update what changed, mark what is gone. Run it again at any time."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import PartialError, UsageError

    if (status or verify) and (paths or rebuild or prune or retry_failed):
        raise UsageError("--status and --verify only look", hint="leave out the paths and the other options")
    if status or verify:
        _look(pipeline.index_dir(index_dir), verify=verify, as_json=as_json)
        return
    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            report = pipeline.build_index(
                paths or [],
                index_dir,
                jobs=jobs,
                device=device_name(device),
                rebuild=rebuild,
                prune=prune,
                retry_failed=retry_failed,
                wait=wait,
                progress=progress,
            )
        if as_json:
            output.write_json(report.to_dict(), stream)
        _tell(report, quiet=quiet, verbose=verbose)
    if report.skipped:
        reasons = Counter(skipped.reason.value for skipped in report.skipped)
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        n = len(report.skipped)
        raise PartialError(
            f"{n} {'file' if n == 1 else 'files'} could not be used: {told}",
            hint="the rest is indexed; see them with --verbose, try them again with --retry-failed",
        )


def _tell(report: IndexReport, *, quiet: bool, verbose: bool) -> None:
    """Say what was done, on stderr."""
    from soundtrack.cli import output

    limit = None if verbose else _SHOWN
    for skipped in report.skipped[:limit]:
        output.say(f"skipped: {skipped.message} ({skipped.reason.value})", quiet=quiet)
    if len(report.skipped) > len(report.skipped[:limit]):
        output.say(f"skipped: {len(report.skipped) - _SHOWN} more", quiet=quiet)
    for path, warning in report.warned if verbose else ():
        output.say(f"{warning}: {path}", quiet=quiet)
    parts = [
        f"{count} {name}"
        for name in ("added", "updated", "moved", "copies", "unchanged", "missing", "forgotten")
        if (count := getattr(report, name))
    ]
    done = ", ".join(parts) or "nothing to do"
    output.say(f"{done}; the index has {report.n_tracks} tracks, {report.n_segments} segments", quiet=quiet)


def _look(folder: Path, *, verify: bool, as_json: bool) -> None:
    """Say how an index stands, or what is wrong with it."""
    from soundtrack.cli import output
    from soundtrack.errors import LibraryError
    from soundtrack.library.care import index_faults, index_status

    facts = index_status(folder)
    faults = index_faults(folder) if verify else []
    if verify:
        facts["faults"] = faults
    with output.product() as stream:
        if as_json:
            output.write_json(facts, stream)
        else:
            for name, value in facts.items():
                if isinstance(value, list):
                    lines = [str(line) for line in value]
                elif isinstance(value, dict):
                    lines = [", ".join(f"{count} {reason}" for reason, count in value.items()) or "none"]
                else:
                    lines = [str(value)]
                for line in lines or ["none"]:
                    stream.write(f"{name.replace('_', ' ')}: {output.plain(line)}\n")
    if faults:
        raise LibraryError(
            f"{folder}: {len(faults)} {'fault' if len(faults) == 1 else 'faults'} in the index, the first: {faults[0]}",
            hint="type `soundtrack index` to mend the search file, or `soundtrack index --rebuild` to make all anew",
        )
