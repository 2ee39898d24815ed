"""``soundtrack index PATH...``: analyse music and store the results."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli.music.rules import Exclude, Include, MaxLength, MinLength, rule_change
from soundtrack.cli.options import Cluster, Device, Index, Model, Quiet, device_name
from soundtrack.naming.wording import counted
from soundtrack.processes import ending
from soundtrack.processes.platform import lower_priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soundtrack.library.report import IndexReport, SkippedFile

_SHOWN = 10
"""Number of skipped files that are named without --verbose."""


def index(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Folders and files of music. Default: those of the last run."),
    ] = None,
    index_dir: Index = None,
    exclude: Exclude = None,
    include: Include = None,
    min_length: MinLength = None,
    max_length: MaxLength = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Worker processes; 0: one per core.", show_default=True)
    ] = 0,
    pace: Annotated[
        str | None,
        typer.Option(
            "--pace",
            metavar="PERCENT",
            help="Share of the processor to use, e.g. 25%: lowest priority, fewer worker processes, pauses.",
        ),
    ] = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    cluster: Cluster = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Index everything again; the old index stays in use until the end.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove missing files from the index, even if most of a folder is missing.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Retry files that failed before.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another run to finish.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Print the state of the index; change nothing.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check the integrity of the index; change nothing.")] = False,
    vacuum: Annotated[bool, typer.Option("--vacuum", help="Free unused space in the index file.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running and index added or changed files, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON to stdout.")] = False,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every skipped or unusual file.")] = False,
) -> None:
    """Build or update the music library index: add new files, update changed files, mark missing files."""
    from soundtrack import api, pipeline
    from soundtrack.cli import output
    from soundtrack.cli.words import parse_pace
    from soundtrack.errors import PartialError, UsageError

    share = parse_pace(pace)
    folder = pipeline.index_dir(index_dir)
    change = rule_change(exclude=exclude, include=include, min_length=min_length, max_length=max_length)
    if (status or verify or vacuum) and (paths or rebuild or prune or retry_failed or watch or change != rule_change()):
        raise UsageError(
            "--status, --verify and --vacuum take no PATH or update options",
            hint="leave out the paths and the other options",
        )
    if watch and as_json:
        raise UsageError("--json cannot be used with --watch", hint="leave out --json")
    if vacuum:
        _vacuum(folder, wait=wait, quiet=quiet)
    if status or verify:
        _look(folder, verify=verify, as_json=as_json)
    if status or verify or vacuum:
        return

    if share is not None and cluster is None:
        lower_priority()  # of this process as well, and of what it starts

    def run(paths: "Sequence[Path]" = (), *, first: bool = False) -> "IndexReport":
        """Bring the index up to date once; what is asked for once is done by the first run."""
        with output.progress(quiet=quiet) as progress:
            return api.index(
                paths,
                index=folder,
                jobs=jobs,
                device=device_name(device),
                cluster=cluster,
                pace=share,
                rebuild=rebuild and first,
                prune=prune and first,
                retry_failed=retry_failed and first,
                wait=wait or watch,
                change=change if first else None,
                progress=progress,
            )

    if watch:
        _watch(run, paths or [], folder, quiet=quiet, verbose=verbose)
        return
    with output.product() as stream:
        report = run(paths or [], first=True)
        if as_json:
            output.write_json(report.to_dict(), stream)
        _tell(report, quiet=quiet, verbose=verbose)
    _refuse_without_music(report)
    failed = [skipped for skipped in report.skipped if not skipped.known]
    if failed:
        raise PartialError(
            f"{counted(len(failed), 'file')} failed: {_reasons(failed)}",
            hint="all other files are indexed; list failures with --verbose, retry them with --retry-failed",
        )


def _refuse_without_music(report: "IndexReport") -> None:
    """End with an error where a folder that was named holds no music: the name may be wrong, or the disk not there."""
    from soundtrack.errors import InputError, PartialError, Reason
    from soundtrack.library.report import shown

    if not report.without_music:
        return
    folders = ", ".join(shown(path) for path in report.without_music)
    message = f"{folders}: no music found (extensions: mp3, flac, m4a, ogg, wav, ...)"
    hint = "check the path and whether the disk is mounted; to index the audio of a film, give the file itself"
    if report.n_found:
        raise PartialError(message, hint=hint)
    raise InputError(message, hint=hint, reason=Reason.NO_AUDIO)


def _reasons(skipped: "Iterable[SkippedFile]") -> str:
    """How many files could not be used for which reason."""
    reasons = Counter(file.reason.value for file in skipped)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))


def _tell(report: "IndexReport", *, quiet: bool, verbose: bool) -> None:
    """Say what was done, on stderr."""
    from soundtrack.cli import output

    known = [] if verbose else [skipped for skipped in report.skipped if skipped.known]
    listed = [skipped for skipped in report.skipped if verbose or not skipped.known]
    for skipped in listed if verbose else listed[:_SHOWN]:
        output.say(f"skipped: {skipped.message} ({skipped.reason.value})", quiet=quiet)
    if not verbose and len(listed) > _SHOWN:
        output.say(f"skipped: {len(listed) - _SHOWN} more", quiet=quiet)
    if known:
        output.say(
            f"skipped: {counted(len(known), 'file')} that failed before, unchanged: "
            f"{_reasons(known)}; --verbose lists them, --retry-failed tries again",
            quiet=quiet,
        )
    for path, warning in report.warned if verbose else ():
        output.say(f"{warning}: {path}", quiet=quiet)
    for path, note in report.noted if verbose else ():
        output.say(f"note: {path}: {note}", quiet=quiet)
    parts = [
        "1 copy" if (name, count) == ("copies", 1) else f"{count} {name}"
        for name in (
            *("added", "updated", "retagged", "moved", "copies", "unchanged", "completed", "incomplete", "projected"),
            *("missing", "forgotten", "excluded"),
        )
        if (count := getattr(report, name))
    ]
    done = ", ".join(parts) or ("no music found" if report.without_music else "nothing to do")
    have = f"{counted(report.n_tracks, 'track')}, {counted(report.n_segments, 'segment')}"
    if report.passed_over:
        kinds = "; ".join(f"{kind}: {count}" for kind, count in report.passed_over)
        output.say(f"passed over: {kinds}", quiet=quiet)
    output.say(f"{done}; the index has {have}", quiet=quiet)
    output.warn_of_openvino(quiet=quiet)


def _watch(
    run: "Callable[..., IndexReport]", paths: "Sequence[Path]", folder: Path, *, quiet: bool, verbose: bool
) -> None:
    """Run once, and again after every change; what goes wrong is reported, and the watch goes on."""
    from dataclasses import replace

    from soundtrack.cli import output
    from soundtrack.errors import DependencyError, ModelError, SoundtrackError
    from soundtrack.library.store.store import open_store
    from soundtrack.library.update.folder_watch import changes, require_watchfiles
    from soundtrack.processes.platform import INTERRUPT

    require_watchfiles()
    report = run(paths, first=True)
    _tell(report, quiet=quiet, verbose=verbose)
    with open_store(folder) as store:
        roots = store.roots()
    output.say(f"watching {len(roots)} {'folder' if len(roots) == 1 else 'folders'}; press Ctrl-C to stop", quiet=quiet)
    with ending.answering(INTERRUPT, code=0, words="" if quiet else "stopped watching"):
        for _ in changes(roots, index_dir=folder.absolute()):
            before = report
            try:
                report = run()
            except (DependencyError, ModelError):
                raise
            except SoundtrackError as error:
                output.say(f"error: {error}")
                output.say(f"hint: {error.hint}")
                continue
            news = replace(
                report, skipped=tuple(s for s in report.skipped if replace(s, known=False) not in _known(before))
            )
            if news.skipped or report.has_news(before):
                _tell(news, quiet=quiet, verbose=verbose)


def _known(report: "IndexReport") -> "set[SkippedFile]":
    """What a run has said already about files that it could not use."""
    from dataclasses import replace

    return {replace(skipped, known=False) for skipped in report.skipped}


def _vacuum(folder: Path, *, wait: bool, quiet: bool) -> None:
    """Make an index as small as it can be, and say how much that was."""
    from soundtrack.cli import output
    from soundtrack.library.update.maintenance import vacuum_index

    done = vacuum_index(folder, wait=wait)
    output.say(f"{folder}: {done.before_bytes / 1e6:.1f} MB before, {done.after_bytes / 1e6:.1f} MB now", quiet=quiet)


def _look(folder: Path, *, verify: bool, as_json: bool) -> None:
    """Say how an index stands, or what is wrong with it."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import LibraryError
    from soundtrack.library.advice import index_command, to_rebuild
    from soundtrack.library.update.maintenance import index_faults, index_status

    facts = index_status(folder, channels=pipeline.music_channels())
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
            f"{folder}: {len(faults)} {'fault' if len(faults) == 1 else 'faults'} in the index, first: {faults[0]}",
            hint=f"run `{index_command(folder)}` to repair the search file; if faults remain, {to_rebuild(folder)}",
        )
