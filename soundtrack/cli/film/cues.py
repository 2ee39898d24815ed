"""``soundtrack cues``: show, check and export a cue sheet; `cue_edits` has the commands that edit one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli import STYLE, complete
from soundtrack.cli.film import cue_edits, cue_import
from soundtrack.cli.options import Force, Index, Quiet
from soundtrack.export import FORMATS
from soundtrack.naming.wording import counted

if TYPE_CHECKING:
    from soundtrack.types import CueSheet

app = typer.Typer(no_args_is_help=True, **STYLE)

Cues = Annotated[str, typer.Argument(metavar="CUES|-", help="Cue sheet; - for stdin.")]


@app.command("show")
def show(
    cues: Cues,
    why: Annotated[bool, typer.Option("--why", help="Show the merit terms of each cue and its alternatives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cue sheet as JSON instead of a table.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Write a picture of the timeline (.png or .svg) instead of a table.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write an HTML page with timeline, stills, cues, reasons and audio."),
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option("--film", help="Source of the stills for --html. Default: film next to the cue sheet."),
    ] = None,
    index: Index = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show a cue sheet as a table, a picture or an HTML page."""
    import sys

    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.naming.licences import risk_line

    sheet = _read(cues)
    if plot is not None or html is not None:
        beside = film or _film_beside(cues, sheet, html)
        inputs = [*_files(cues, sheet), *([] if beside is None else [beside])]
        _write_views(sheet, plot=plot, html=html, film=beside, index=index, inputs=inputs, force=force, quiet=quiet)
        return
    if as_json:
        with output.product() as stream:
            stream.write(cuesheet.dumps(sheet))
    elif sys.stdout.isatty():
        _draw(sheet, why=_why_lines(sheet, index) if why else ())
    else:
        with output.product() as stream:
            stream.write(_plain_table(sheet))
            if why:
                stream.write("\n" + "\n".join(_why_lines(sheet, index)) + "\n")
    risk = risk_line([track.licence for track in sheet.tracks if any(c.track_id == track.track_id for c in sheet.cues)])
    if risk is not None and not as_json:
        output.say(risk, quiet=quiet)


def _film_beside(source: str, sheet: "CueSheet", html: Path | None) -> Path | None:
    """The film of a sheet, if it is in the folder of the sheet and needed for a page."""
    from soundtrack.pipeline.film.analyse import fingerprint

    if html is None or source == "-" or Path(sheet.film.name).name != sheet.film.name:
        return None
    path = Path(source).parent / sheet.film.name
    return path if path.is_file() and fingerprint(path) == sheet.film.fingerprint else None


def _write_views(
    sheet: "CueSheet",
    *,
    plot: Path | None,
    html: Path | None,
    film: Path | None,
    index: Path | None,
    inputs: Sequence[Path],
    force: bool,
    quiet: bool,
) -> None:
    """The picture, the page, or both."""
    from soundtrack.cli import output
    from soundtrack.export.page.page import page
    from soundtrack.export.page.picture import picture, undrawable
    from soundtrack.files.kinds import PAGE, PICTURES
    from soundtrack.files.safe_write import replacing, write_text
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.preview import make_preview
    from soundtrack.pipeline.sheets.targets import guard

    ending = "" if plot is None else plot.suffix.lstrip(".").lower()
    kind = PICTURES.get(ending, PICTURES["png"])
    targets = [] if plot is None else [Target(plot, kind, option="--plot")]
    targets += [] if html is None else [Target(html, PAGE, option="--html")]
    guard(targets, inputs=inputs, force=force)
    if plot is not None:
        drawn = picture(sheet, kind=ending)
        with replacing(plot, kind=kind, force=force) as part:
            part.write_bytes(drawn)
        if plot.suffix.lower() == ".png" and (lacking := undrawable(sheet)):
            output.say(f"warning: no installed font has the characters {lacking[:20]}; use .svg instead", quiet=quiet)
    if html is not None:
        with output.progress(quiet=quiet) as progress:
            preview = make_preview(sheet, film=film, index=index, progress=progress)
        write_text(html, page(sheet, stills=preview.stills, sounds=preview.sounds), kind=PAGE, force=force)
        for line in preview.warnings:
            output.say(f"warning: {line}", quiet=quiet)


@app.command("check")
def check(cues: Cues, quiet: Quiet = False) -> None:
    """Validate a cue sheet and list every fault with its place."""
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.errors import InputError, Reason

    sheet = _read(cues)
    faults = list(cuesheet.faults(sheet))
    with output.product() as stream:
        for fault in faults:
            stream.write(output.plain(fault) + "\n")
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise InputError(
            f"{_name(cues)}: {count}", hint="correct the values at the places listed", reason=Reason.BAD_FORMAT
        )
    output.say(f"{_name(cues)}: {counted(len(sheet.cues), 'cue')}, no faults", quiet=quiet)


@app.command("export")
def export(
    cues: Cues,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            autocompletion=complete.formats,
            help=f"{'; '.join(f'{name}: {made.purpose}' for name, made in FORMATS.items())}. "
            "Default: from the extension of --output.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file. Default: stdout.")] = None,
    film: Annotated[
        Path | None,
        typer.Option("--film", help="Film referenced by the export. Default: film next to the cue sheet."),
    ] = None,
    markers: Annotated[
        str | None,
        typer.Option(
            "--markers",
            metavar="KINDS",
            help="Markers to add: hits, scenes, sections, bars, beats, or several separated by commas. Default: none.",
            show_default=False,
        ),
    ] = None,
    index: Index = None,
    relative: Annotated[
        bool,
        typer.Option("--relative", help="Write paths relative to the folder of the export."),
    ] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Export a cue sheet for editing programs, spreadsheets, players or credits.

    Timelines use the nearest standard frame rate from 23.976 to 60 fps and start at the timecode of the film.
    Gains are those of the mix: keyframes in xml, fcpxml and mlt, metadata in otio, comments in edl.

    """
    from soundtrack import export as formats
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.sheets.exports import find_media
    from soundtrack.pipeline.sheets.sheet_tracks import replaced_lines

    chosen = to or (out.suffix.lstrip(".").lower() if out else "")
    if chosen not in FORMATS:
        formats.load_exporters()
    if not chosen:
        raise UsageError("missing export format", hint=f"add --to with one of: {', '.join(FORMATS)}")
    sheet = _read(cues)
    cuesheet.check(sheet, name=_name(cues))
    if chosen not in FORMATS:
        near = complete.nearest(chosen, list(FORMATS))
        asked = f"did you mean {near}? " if near else ""
        raise UsageError(f"unknown format {chosen!r}", hint=f"{asked}use --to with one of: {', '.join(FORMATS)}")
    marked = _marked(markers, chosen)
    inputs = [*_files(cues, sheet), *([] if film is None else [film])]
    with output.product_to(out, kind=FORMATS[chosen].kind, inputs=inputs, force=force) as write:
        found = find_media(
            sheet,
            folder=Path() if cues == "-" else Path(cues).parent,
            film=film,
            relative_to=(out.parent if out else Path()) if relative else None,
            probed=FORMATS[chosen].is_time_line,
            marked=marked,
            index=index,
        )
        write(formats.export(sheet, chosen, media=found.media))
    warnings: tuple[str, ...] = ()
    if FORMATS[chosen].names_files:
        warnings = (*found.warnings, *replaced_lines(sheet, found.paths, index))
    for line in (*warnings, *formats.not_carried(sheet, chosen, media=found.media)):
        output.say(f"warning: {line}", quiet=quiet)


def _marked(text: str | None, chosen: str) -> tuple[str, ...]:
    """The kinds of markers that an option names."""
    from soundtrack.errors import UsageError
    from soundtrack.export.markers import KINDS

    if text is None:
        return ()
    kinds = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    wrong = next((kind for kind in kinds if kind not in KINDS), None)
    if wrong is not None or not kinds:
        raise UsageError(f"unknown kind of marker {wrong or text!r}", hint=f"use one or more of: {', '.join(KINDS)}")
    if not FORMATS[chosen].is_time_line:
        able = ", ".join(name for name, made in FORMATS.items() if made.is_time_line)
        raise UsageError(f"{chosen} cannot hold markers", hint=f"use --to with one of: {able}")
    return kinds


app.command("lock")(cue_edits.lock)
app.command("unlock")(cue_edits.unlock)
app.command("silence")(cue_edits.silence)
app.command("set")(cue_edits.set_)
app.command("import")(cue_import.import_)


def _files(source: str, sheet: "CueSheet") -> list[Path]:
    """The file that a sheet came from, and those that it names."""
    beside = Path() if source == "-" else Path(source).parent
    names = [Path(track.path.replace("\0", "")) for track in sheet.tracks]
    return [*names, beside / sheet.film.name.replace("\0", ""), *([] if source == "-" else [Path(source)])]


def _name(source: str) -> str:
    """How errors call the input."""
    return "stdin" if source == "-" else source


def _read(source: str) -> "CueSheet":
    """The sheet that an argument names."""
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet

    return cuesheet.loads(output.read_document(source), name=_name(source))


HEAD = ("cue", "start", "end", "music", "from", "seams", "gain", "merit")


def _rows(sheet: "CueSheet") -> list[tuple[str, ...]]:
    """One row of text per cue."""
    from soundtrack.cli.output import plain
    from soundtrack.timebase import clock

    tracks = {t.track_id: t for t in sheet.tracks}
    rows: list[tuple[str, ...]] = []
    for cue in sheet.cues:
        track = tracks.get(cue.track_id)
        title = "?" if track is None else (track.title or track.path.replace("\\", "/").rsplit("/", 1)[-1])
        by = f" ({track.artist})" if track is not None and track.artist else ""
        start = clock(cue.sections[0].track.start_s) if cue.sections else "?"
        lock = " locked" if cue.locked else ""
        rows.append(
            (
                plain(cue.cue_id) + lock,
                clock(cue.span.start_s),
                clock(cue.span.end_s),
                plain(title + by, limit=60),
                start,
                str(max(0, len(cue.sections) - 1)),
                f"{cue.gain_db:+.1f} dB",
                f"{cue.merit:.3f}",
            )
        )
    return rows


def _plain_table(sheet: "CueSheet") -> str:
    """The table in columns of spaces, for pipes and files."""
    rows = [HEAD, *_rows(sheet)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return "".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)


def _draw(sheet: "CueSheet", *, why: Sequence[str]) -> None:
    """The table on a terminal, and lines below it."""
    from rich.table import Table

    from soundtrack.cli import output

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in HEAD:
        table.add_column(name, justify="left" if name in ("cue", "music") else "right", no_wrap=name != "music")
    for row in _rows(sheet):
        table.add_row(*row)
    console = output.console(stderr=False)
    console.print(table)
    if why:
        console.print("\n" + "\n".join(why))


def _why_lines(sheet: "CueSheet", index: Path | None) -> Sequence[str]:
    """For each cue what made its merit, its facts, who said what of scenes and music, alternatives; then silences."""
    from soundtrack import pipeline
    from soundtrack.cli.output import plain
    from soundtrack.documents import cuesheet
    from soundtrack.export.clips import facts_line, shown_name
    from soundtrack.export.opinions import opinions_line
    from soundtrack.export.terms import term_lines
    from soundtrack.timebase import clock

    names = {t.track_id: plain(shown_name(t), limit=60) for t in sheet.tracks}
    music = pipeline.segments_of_cues(sheet.cues, index)
    lines, weights = [], cuesheet.weights_of(sheet)
    for cue in sheet.cues:
        lines.append(f"{plain(cue.cue_id)} {names.get(cue.track_id, '?')}: merit {cue.merit:.3f}")
        lines += [f"  {plain(line)}" for line in term_lines(cue, weights)]
        if cue.facts is not None:
            lines.append("  " + plain(facts_line(cue.facts)))
        lines += [
            f"  scene {i + 1}, {scene.emotion.label}: {plain(opinions_line(scene.opinions), limit=2_000)}"
            for i, scene in enumerate(sheet.scenes)
            if scene.index in cue.scenes and scene.opinions
        ]
        if (segment := music.get(cue.cue_id)) is not None:
            said = plain(opinions_line(segment.opinions), limit=2_000)
            lines.append(f"  music from {clock(segment.span.start_s)}, {segment.emotion.label}: {said}")
        if cue.speed != 1.0:
            lines.append(f"  tempo {cue.speed:.2%} of the original")
        for hit in cue.landings:
            how = "" if hit.late_ms is None else f", {hit.late_ms:+.0f} ms"
            lines.append(f"  {plain(hit.on)} at {clock(hit.time_s)}{how}")
        for section in cue.sections[:-1]:
            quality = "?" if section.seam_quality is None else f"{section.seam_quality:.2f}"
            lines.append(f"  seam at {clock(section.track.end_s)} of the track, quality {quality}")
        for other in sheet.alternatives:
            if other.cue_id == cue.cue_id:
                name = names.get(other.track_id, "?")
                lines.append(f"  {other.rank}. {name} from {clock(other.segment_start_s)}: {plain(other.note)}")
    lines += [
        f"silence from {clock(s.span.start_s)} to {clock(s.span.end_s)}: {plain(s.reason)}" for s in sheet.silences
    ]
    return lines
