"""``soundtrack watch``: moods of a camera as they come, and the music that would play."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundtrack.cli.options import Device, Faces, Force, Index, Model, Quiet, Spoken, device_name

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.film.analyse import Watcher
    from soundtrack.pipeline.film.live import LiveReading
    from soundtrack.pipeline.library.opened import Library

_TRACKS = 3


def watch(
    camera: Annotated[
        str,
        typer.Option(
            "--camera", metavar="N|FILE", help="Number of the camera, or a film (with --selfie: or a photo) instead."
        ),
    ] = "0",
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the annotated pictures as a film (mp4, mov, mkv)."),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Show the annotated pictures in a window (needs ffplay).")
    ] = False,
    selfie: Annotated[
        bool, typer.Option("--selfie", help="Take one picture and print its mood, its expression and music for it.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="Stop after this time. Default: at Ctrl-C or the end.")
    ] = None,
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=100, help="Tracks for --selfie.")] = _TRACKS,
    faces: Faces = True,
    allow_spoken: Spoken = False,
    index: Index = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show the mood of a camera's pictures live, and the track of the library that would play.

    Ends at Ctrl-C or at the end of the film. No picture is stored unless -o is given.
    """
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.film.analyse import Watcher

    if selfie and (out is not None or overlay or seconds is not None):
        raise UsageError("--selfie cannot be used with -o, --overlay or --seconds", hint="leave out one of them")
    if overlay:
        _require_screen()
    watcher = Watcher(device=device_name(device), faces=faces)
    with ExitStack() as stack:
        library = _library(index, allow_spoken=allow_spoken, quiet=quiet)
        if library is not None:
            stack.enter_context(library)
        if selfie:
            with output.product() as stream:
                stream.write(_selfie(camera, watcher, library, n=n, as_json=as_json))
            output.hint_at_faces(wanted=faces, quiet=quiet)
            return
        where = _Where(out, index, overlay, seconds, as_json=as_json, faces=faces, force=force, quiet=quiet)
        _follow(camera, watcher, library, where)


def _require_screen() -> None:
    """Refuse a window where there is no screen."""
    from soundtrack.errors import DependencyError
    from soundtrack.processes.surroundings import has_screen

    if not has_screen():
        raise DependencyError(
            "--overlay needs a display, which is not available",
            hint="run it in a graphical session, or write a film: -o film.mp4",
        )


def _library(index: Path | None, *, allow_spoken: bool, quiet: bool) -> "Library | None":
    """The library, open; without one only moods are shown, unless it was asked for."""
    from soundtrack.cli import output
    from soundtrack.errors import LibraryError
    from soundtrack.pipeline.library.opened import Library

    try:
        return Library(index, allow_spoken=allow_spoken)
    except LibraryError as error:
        if index is not None:
            raise
        output.say(f"no music is shown: {error}", quiet=quiet)
        return None


@dataclass(frozen=True)
class _Where:
    """Where readings and pictures go, and how long."""

    out: Path | None
    index: Path | None
    overlay: bool
    seconds: float | None
    as_json: bool
    faces: bool
    force: bool
    quiet: bool


def _follow(source: str, watcher: "Watcher", library: "Library | None", where: _Where) -> None:
    """Readings until the end."""
    from functools import partial

    from soundtrack.cli import output
    from soundtrack.files.safe_write import replacing
    from soundtrack.files.targets import Target
    from soundtrack.media.writing.live_film import live_film, window
    from soundtrack.media.writing.own_mark import FILM
    from soundtrack.pipeline.film.filming import follow, open_camera, require_film_suffix
    from soundtrack.pipeline.film.live import LiveReader
    from soundtrack.pipeline.sheets.targets import guard
    from soundtrack.processes import ending
    from soundtrack.processes.platform import INTERRUPT

    out = where.out
    if out is not None:
        require_film_suffix(out)
        guard([Target(out, FILM)], inputs=[Path(source)], index=where.index, force=where.force)
    with ExitStack() as stack:
        shows: list[Callable[[tuple[int, int]], Any]] = []

        def entered(make: Callable[..., AbstractContextManager[Any]], size_px: tuple[int, int]) -> Any:
            return stack.enter_context(make(size_px=size_px))

        if out is not None:
            part = stack.enter_context(replacing(out, kind=FILM, force=where.force))
            shows.append(partial(entered, partial(live_film, part, suffix=out.suffix)))
        if where.overlay:
            shows.append(partial(entered, partial(window, f"soundtrack: camera {source}")))
        reader = LiveReader(watcher, library=library, with_places=bool(shows))
        opened = stack.enter_context(open_camera(source))
        output.say("press Ctrl-C to stop", quiet=where.quiet or not opened.is_live)
        stack.enter_context(ending.answering(INTERRUPT, code=0, words=""))
        asked = stack.enter_context(ending.request(INTERRUPT))
        show = stack.enter_context(_display(as_json=where.as_json))
        is_first = True
        try:
            for reading in follow(
                opened,
                reader,
                shows=shows,
                is_over=lambda time_s: asked.is_set() or time_s >= (where.seconds or math.inf),
                at_its_pace=where.overlay,
                name=source,
            ):
                if is_first:  # not before an error of the camera
                    output.hint_at_faces(wanted=where.faces, quiet=where.quiet)
                is_first = False
                show(reading)
        except BrokenPipeError:  # whoever read the lines went away: the film is whole up to here
            output.silence_stdout()
    if out is not None:
        output.say(f"wrote {out}", quiet=where.quiet)
    if opened.failure is not None:
        raise opened.failure


@contextmanager
def _display(*, as_json: bool) -> "Iterator[Callable[[LiveReading], None]]":
    """What takes readings: a table that changes in place on a terminal, lines elsewhere."""
    import json

    from soundtrack.cli import output
    from soundtrack.processes import ending

    if as_json or not output.is_terminal(1):
        yield lambda reading: _write(f"{json.dumps(_facts(reading))}\n" if as_json else _line(reading))
        return
    from rich.live import Live

    with (
        ending.last_words("\n\x1b[?25h"),
        Live(console=output.console(stderr=False), auto_refresh=False, transient=False) as live,
    ):
        yield lambda reading: live.update(_table(reading), refresh=True)


def _write(text: str) -> None:
    """A line to stdout at once; `BrokenPipeError` if its reader has gone away."""
    from soundtrack.cli.output import write_blocks

    write_blocks([text.encode("utf-8", "backslashreplace")])


def _facts(reading: "LiveReading") -> dict[str, object]:
    """A reading for machines."""
    facts: dict[str, object] = {
        "time_s": round(reading.time_s, 3),
        "mood": reading.emotion.label,
        "moods": {name: round(share, 4) for name, share in reading.emotion.top()},
        "valence": round(reading.emotion.valence, 4),
        "arousal": round(reading.emotion.arousal, 4),
        "confidence": round(reading.emotion.confidence, 4),
        "expressions": {name: round(share, 4) for name, share in reading.top_expressions()},
    }
    return facts | {"track": None if reading.found is None else _track_facts(reading.found)}


def _track_facts(found: "Found") -> dict[str, object]:
    """A track that would play, where it would begin, and how near it is."""
    from soundtrack.library.report import shown

    return {
        "track_id": found.track.track_id,
        "path": shown(found.track.path),
        "title": found.track.tags.title,
        "artist": found.track.tags.artist,
        "start_s": found.segment.span.start_s,
        "similarity": round(found.similarity, 4),
    }


def _named(found: "Found") -> str:
    """A track in a few words."""
    parts = [part for part in (found.track.tags.title, found.track.tags.artist) if part]
    return " - ".join(parts) or str(found.track.path.name)


def _line(reading: "LiveReading") -> str:
    """A reading in one line."""
    from soundtrack.cli.output import plain
    from soundtrack.export.opinions import top_line
    from soundtrack.timebase import clock

    mood = reading.emotion
    parts = [clock(reading.time_s), top_line(mood), f"valence {mood.valence:+.2f}", f"arousal {mood.arousal:+.2f}"]
    if reading.expressions:
        parts.append("face " + ", ".join(f"{name} {share:.2f}" for name, share in reading.top_expressions()))
    if reading.found is not None:
        parts.append(f"{plain(_named(reading.found))} ({reading.found.similarity:.3f})")
    return "  ".join(parts) + "\n"


def _table(reading: "LiveReading") -> Any:
    """A reading as a table for the terminal."""
    from rich.table import Table

    from soundtrack.cli.output import plain
    from soundtrack.timebase import clock

    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_row("time", clock(reading.time_s))
    for place, (name, share) in enumerate(reading.emotion.top()):
        table.add_row("mood" if place == 0 else "", f"{name:<10} {_bar(share)} {share:.0%}")
    table.add_row("valence", f"{reading.emotion.valence:+.2f}")
    table.add_row("arousal", f"{reading.emotion.arousal:+.2f}")
    for place, (name, share) in enumerate(reading.top_expressions()):
        table.add_row("face" if place == 0 else "", f"{name:<10} {_bar(share)} {share:.0%}")
    if reading.found is not None:
        table.add_row("music", f"{plain(_named(reading.found), limit=80)} ({reading.found.similarity:.3f})")
    return table


def _bar(share: float) -> str:
    """A share as a bar of twenty cells."""
    return "#" * round(20 * share) + "." * (20 - round(20 * share))


def _selfie(source: str, watcher: "Watcher", library: "Library | None", *, n: int, as_json: bool) -> str:
    """One picture: mood, expression, and music for it."""
    import json

    from soundtrack.cli.output import plain
    from soundtrack.export.opinions import top_line
    from soundtrack.pipeline.film.selfie import take_selfie
    from soundtrack.timebase import clock

    taken = take_selfie(source, watcher, library, n=n)
    reading = taken.reading
    if as_json:
        facts = _facts(reading)
        del facts["time_s"], facts["track"]
        facts |= {
            "led_by": taken.led_by,
            "asked_valence": round(taken.valence, 4),
            "asked_arousal": round(taken.arousal, 4),
            "tracks": [_track_facts(found) for found in taken.found],
        }
        return json.dumps(facts, indent=2) + "\n"
    lines = [f"moods: {top_line(reading.emotion)}"]
    if reading.expressions:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in reading.top_expressions())
        lines.append(f"face: {shares}, clarity {reading.expressions.get('clarity', 0.0):.2f}")
    lines.append(f"music for: valence {taken.valence:+.2f}, arousal {taken.arousal:+.2f}, led by the {taken.led_by}")
    lines += [
        f"{place}. {plain(_named(found))}, from {clock(found.segment.span.start_s)} ({found.similarity:.3f})"
        for place, found in enumerate(taken.found, 1)
    ]
    return "".join(f"{line}\n" for line in lines)
