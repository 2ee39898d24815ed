"""``soundtrack score --batch`` and ``--watch``: many films, listed or as they come, and a report of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soundtrack.files.kinds import Kind
    from soundtrack.pipeline import BatchOrder
    from soundtrack.pipeline.batch import BatchReport, FilmOutcome


def _score_list(
    listing: Path,
    order: BatchOrder,
    options: Mapping[str, Any],
    *,
    report: Path | None,
    cluster: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score the films of a list and say what became of each."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.cli.film.film_settings import films_and_orders
    from soundtrack.errors import PartialError
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.batch import FilmState

    is_read = not output.is_terminal(1)
    kind = None if report is None else _report_kind(report)
    films, own = films_and_orders(listing, options)
    write_report = _report_writer(report, kind, inputs=[listing, *films], order=order)
    with contextlib.ExitStack() as at_end, output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            done = pipeline.score_batch(films, order, own=own, cluster=cluster, progress=progress)
        at_end.callback(write_report, done)  # last, so that a full disk of the report hides no result
        for film in done.films:
            _tell(film, quiet=quiet)
        n_failed = done.count(FilmState.FAILED)
        counts = f"{done.count(FilmState.SCORED)} scored, {done.count(FilmState.FINISHED)} already finished"
        output.say(f"{counts}, {n_failed} failed", quiet=quiet)
        if as_json:
            output.write_json(done.as_dict(), stream)
        elif is_read:
            scored = (str(film.output) for film in done.films if film.state is FilmState.SCORED)
            stream.writelines("\N{REPLACEMENT CHARACTER}".join(name.splitlines()) + "\n" for name in scored)
    if n_failed:
        raise PartialError(
            f"{listing}: {n_failed} of {counted(len(done.films), 'film')} failed",
            hint="fix the errors above and run the same command again; finished films are skipped",
        )


def _watch_folder(
    folder: Path, order: BatchOrder, options: Mapping[str, Any], *, report: Path | None, quiet: bool
) -> None:
    """Score the films of a folder, and each film that comes; what goes wrong is reported, and the watch goes on."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.cli.film.film_settings import own_order
    from soundtrack.errors import DependencyError, InputError, ModelError, OutputError, Reason, SoundtrackError
    from soundtrack.files.safe_write import made_folder
    from soundtrack.media.locate import ffmpeg_path
    from soundtrack.pipeline.batch import FOLDER_OPTION, BatchReport, FilmOutcome, FilmState, KeptScorer
    from soundtrack.pipeline.ground.film_list import films_of
    from soundtrack.pipeline.ground.film_watch import arrivals
    from soundtrack.processes import ending
    from soundtrack.processes.platform import INTERRUPT

    kind = None if report is None else _report_kind(report)
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder", hint="give a folder of films", reason=Reason.MISSING)
    write_report = _report_writer(report, kind, inputs=[], order=order)
    known: dict[Path, FilmOutcome] = {}
    kept = KeptScorer()
    with ending.answering(INTERRUPT, code=0, words="" if quiet else "stopped watching"):
        ffmpeg_path()
        kept.scorer(order)  # what no film could do with ends the command now, and not film by film
        if order.folder is not None:
            with made_folder(order.folder, option=FOLDER_OPTION):
                pass
        output.say(f"watching {folder}; press Ctrl-C to stop", quiet=quiet)
        for film in arrivals(folder):
            again = film in known and known[film].state is FilmState.SCORED  # it was replaced since
            try:
                own = own_order(film, options)
                orders = {} if own is None else {film: own}
                changed = replace(order, force=order.force or again)
                (outcome,) = pipeline.score_batch([film], changed, own=orders, kept=kept, among=films_of(folder)).films
            except (DependencyError, ModelError):
                raise
            except SoundtrackError as error:
                outcome = FilmOutcome(
                    str(film), FilmState.FAILED, message=str(error), hint=error.hint, exit_code=error.exit_code
                )
            known[film] = outcome
            _tell(outcome, quiet=quiet)
            if outcome.state is FilmState.SCORED:
                output.say(f"scored: {outcome.output}", quiet=quiet)
            try:
                write_report(BatchReport(tuple(known.values())))
            except OutputError as error:  # such as a full disk, on which the next film may find room
                output.say(f"warning: the report is not up to date: {error}", quiet=quiet)


def _tell(film: FilmOutcome, *, quiet: bool) -> None:
    """Say on stderr what went wrong with a film; a failure is an error and is said in any case."""
    from soundtrack.cli import output
    from soundtrack.pipeline.batch import FilmState

    output.say_warnings(film.warnings, quiet=quiet, of=str(film.film))
    if film.state is FilmState.FAILED:
        message = film.message.removeprefix(f"{film.film}: ").removeprefix(f"{Path(film.film).name}: ")
        output.say(f"failed: {film.film}: {message}; {film.hint}")


def score_films(
    order: BatchOrder,
    options: Mapping[str, Any],
    *,
    batch: Path | None,
    watch: Path | None,
    report: Path | None,
    cluster: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score the films of a list, or those of a folder as they come."""
    from soundtrack.errors import UsageError

    if batch is not None and watch is not None:
        raise UsageError("--watch cannot be used with --batch", hint="leave out one of the two")
    if batch is not None:
        _score_list(batch, order, options, report=report, cluster=cluster, as_json=as_json, quiet=quiet)
    elif watch is not None:
        if cluster is not None or as_json:
            raise UsageError("--watch cannot be used with --cluster or --json", hint="leave out these options")
        _watch_folder(watch, order, options, report=report, quiet=quiet)


def _report_kind(target: Path) -> Kind:
    """What a report is to be, by its name."""
    from soundtrack.errors import UsageError
    from soundtrack.files.kinds import NIGHTS

    kind = NIGHTS.get(target.suffix.lower().removeprefix("."))
    if kind is None:
        raise UsageError(f"{target}: unknown format of a report", hint="use a name that ends in .html or .json")
    return kind


def _report_writer(
    target: Path | None, kind: Kind | None, *, inputs: Sequence[Path], order: BatchOrder
) -> Callable[[BatchReport], None]:
    """A function that writes the report of a batch, refused before any work."""
    from soundtrack.files.safe_write import write_text
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.targets import guard

    if target is None or kind is None:
        return lambda _: None
    read = [path for path in inputs if path.is_file()]
    guard([Target(target, kind, option="--report")], inputs=read, index=order.index, force=True)

    def write(done: BatchReport) -> None:
        from soundtrack.export.page.night import night_json, night_page
        from soundtrack.pipeline.night import night_of

        films = night_of(done)
        text = night_json(films) if target.suffix.lower() == ".json" else night_page(films)
        write_text(target, text, kind=kind, force=True)

    return write
