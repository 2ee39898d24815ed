"""``soundtrack score VIDEO``: analyse, spot, mix and mux; writes the film and its cue sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundtrack.cli.options import (
    Avoid,
    AvoidRecent,
    Cluster,
    Decoder,
    DecoderName,
    Density,
    DensityName,
    Device,
    Duck,
    DuckName,
    Explore,
    Force,
    GivenTrack,
    Hit,
    Index,
    Keep,
    KeepLevel,
    KeepOriginal,
    Layout,
    Like,
    Lock,
    Loop,
    MaxCues,
    Mix,
    Model,
    Mood,
    MusicLevel,
    MusicTrack,
    Narration,
    NarrationAt,
    NoCache,
    NoExplicit,
    NoTaste,
    OneTrack,
    Only,
    OverMusic,
    Quiet,
    SecondsPerImage,
    Seed,
    Silence,
    Spoken,
    Stems,
    Stretch,
    Subtitles,
    Target,
    Theme,
    Vocals,
    device_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundtrack.files.kinds import Kind
    from soundtrack.pipeline import BatchOrder
    from soundtrack.pipeline.batch import BatchReport


def score(
    video: Annotated[
        Path | None, typer.Argument(metavar="VIDEO", help="Film to score, or folder of photos.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Scored film. Default: NAME.scored.EXT next to VIDEO. With --batch: a folder.",
        ),
    ] = None,
    cues: Annotated[
        Path | None,
        typer.Option(
            "--cues", help="Cue sheet to write. Default: next to the scored film, e.g. film.scored.cues.json."
        ),
    ] = None,
    index: Index = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    decoder: Decoder = DecoderName.AUTO,
    target: Target = None,
    keep_original: KeepOriginal = True,
    keep_level: KeepLevel = False,
    music_level: MusicLevel = 0.0,
    layout: Mix = Layout.AUTO,
    seed: Seed = 0,
    lock: Lock = None,
    keep: Keep = None,
    mood: Mood = None,
    like: Like = None,
    silence: Silence = None,
    hit: Hit = None,
    avoid: Avoid = None,
    only: Only = None,
    avoid_recent: AvoidRecent = 0,
    track: GivenTrack = None,
    theme: Theme = None,
    narration: Narration = None,
    narration_at: NarrationAt = None,
    max_cues: MaxCues = None,
    one_track: OneTrack = False,
    loop: Loop = False,
    explore: Explore = 0.0,
    allow_vocals: Vocals = False,
    stretch: Stretch = None,
    density: Density = DensityName.NORMAL,
    duck: Duck = DuckName.NORMAL,
    over_music: OverMusic = False,
    allow_spoken: Spoken = False,
    no_explicit: NoExplicit = False,
    no_taste: NoTaste = False,
    subtitles: Subtitles = True,
    stems: Stems = None,
    music_track: MusicTrack = False,
    seconds_per_image: SecondsPerImage = 4.0,
    moves: Annotated[
        bool, typer.Option("--moves", help="Let the view of each photo come slowly closer or recede.")
    ] = False,
    no_cache: NoCache = False,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch",
            metavar="LIST",
            help="Score many films: a text file with one film per line, a .csv file with settings, or a folder.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Report of --batch: failures, silences, second-best music; .html or .json, replaced if it exists.",
            show_default=False,
        ),
    ] = None,
    cluster: Cluster = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cue sheet to stdout; write no film.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON to stdout.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Select music for a film from your library, mix it and write the scored film."""
    from soundtrack import api, pipeline
    from soundtrack.cli import output
    from soundtrack.cli.film.film_settings import order_of
    from soundtrack.documents import cuesheet
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.ground.defaults import cache_folder

    options: dict[str, Any] = {
        "lock": lock,
        "mood": mood,
        "like": like,
        "silence": silence,
        "hit": hit,
        "avoid": avoid,
        "only": only,
        "avoid_recent": avoid_recent,
        "max_cues": max_cues,
        "one_track": one_track,
        "explore": explore,
        "allow_spoken": allow_spoken,
        "no_explicit": no_explicit,
        "subtitles": subtitles,
        "keep": keep,
        "track": track,
        "theme": theme,
        "narration": narration,
        "narration_at": narration_at,
        "seed": seed,
        "allow_vocals": allow_vocals,
        "over_music": over_music,
        "stretch": stretch,
        "density": density,
        "no_taste": no_taste,
        "loop": loop,
        "target": target,
        "keep_original": keep_original,
        "keep_level": keep_level,
        "music_level": music_level,
        "duck": duck,
        "layout": layout,
    }
    asked = order_of(options)
    settings, mix, wishes = asked.settings, asked.mix, asked.wishes
    where = device_name(device)
    cache = cache_folder(cache=not no_cache)
    if batch is not None:
        if (
            video is not None
            or cues is not None
            or stems is not None
            or keep is not None
            or narration is not None
            or dry_run
        ):
            raise UsageError(
                "--batch cannot be used with VIDEO, --cues, --keep, --narration, --stems or --dry-run",
                hint="leave out these options",
            )
        order = pipeline.BatchOrder(
            index=index,
            folder=out,
            device=where,
            decoder=decoder.value,
            settings=settings,
            mix=mix,
            wishes=wishes,
            music_track=music_track,
            force=force,
            cache=cache,
        )
        _score_many(batch, order, options, report=report, cluster=cluster, as_json=json, quiet=quiet)
        return
    if video is None:
        raise UsageError("missing argument VIDEO", hint="give a film, or many films with --batch LIST")
    for name, value in (("--cluster", cluster), ("--report", report)):
        if value is not None:
            raise UsageError(f"{name} requires --batch", hint=f"add --batch LIST, or leave out {name}")
    if dry_run:
        with output.product() as stream, output.progress(quiet=quiet) as progress:
            sheet = pipeline.plan_video(
                video,
                index=index,
                device=where,
                decoder=decoder.value,
                settings=settings,
                mix=mix,
                wishes=wishes,
                cache=cache,
                seconds_per_image=seconds_per_image,
                progress=progress,
            )
            stream.write(cuesheet.dumps(sheet))
        for line in sheet.warnings:
            output.say(f"warning: {line}", quiet=quiet)
        return
    is_read = not output.is_terminal(1)
    said: list[str] = []

    def notice(line: str) -> None:
        said.append(line)
        output.say(f"warning: {line}", quiet=quiet)

    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            scored = api.score(
                video,
                out=out,
                cues=cues,
                index=index,
                device=where,
                decoder=decoder.value,
                settings=settings,
                mix=mix,
                wishes=wishes,
                inputs=[] if keep in (None, "-") else [Path(keep)],
                stems=stems,
                music_track=music_track,
                force=force,
                cache=not no_cache,
                seconds_per_image=seconds_per_image,
                moves=moves,
                progress=progress,
                notice=notice,
            )
        for line in scored.warnings:
            if line not in said:
                output.say(f"warning: {line}", quiet=quiet)
        for line in scored.summary():
            output.say(line, quiet=quiet)
        if json:
            output.write_json(scored.as_dict(), stream)
        elif is_read:
            stream.write(f"{scored.film}\n")


def _score_many(
    listing: Path,
    order: "BatchOrder",
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
    from soundtrack.pipeline.batch import FilmState

    is_read = not output.is_terminal(1)
    kind = None if report is None else _report_kind(report)
    films, own = films_and_orders(listing, options)
    write_report = _report_writer(report, kind, inputs=[listing, *films], order=order)
    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            done = pipeline.score_batch(films, order, own=own, cluster=cluster, progress=progress)
        write_report(done)
        for film in done.films:
            for line in film.warnings:
                output.say(f"warning: {film.film}: {line}", quiet=quiet)
            if film.state is FilmState.FAILED:
                output.say(f"failed: {film.film}: {film.message}; {film.hint}", quiet=quiet)
        n_failed = done.count(FilmState.FAILED)
        counts = f"{done.count(FilmState.SCORED)} scored, {done.count(FilmState.FINISHED)} already finished"
        output.say(f"{counts}, {n_failed} failed", quiet=quiet)
        if as_json:
            output.write_json(done.as_dict(), stream)
        elif is_read:
            stream.writelines(f"{film.output}\n" for film in done.films if film.state is FilmState.SCORED)
    if n_failed:
        raise PartialError(
            f"{listing}: {n_failed} of {len(done.films)} films failed",
            hint="fix the errors above and run the same command again; finished films are skipped",
        )


def _report_kind(target: Path) -> "Kind":
    """What a report is to be, by its name."""
    from soundtrack.errors import UsageError
    from soundtrack.files.kinds import NIGHTS

    kind = NIGHTS.get(target.suffix.lower().removeprefix("."))
    if kind is None:
        raise UsageError(f"{target}: unknown format of a report", hint="use a name that ends in .html or .json")
    return kind


def _report_writer(
    target: Path | None, kind: "Kind | None", *, inputs: Sequence[Path], order: "BatchOrder"
) -> "Callable[[BatchReport], None]":
    """A function that writes the report of a batch, refused before any work."""
    from soundtrack.files.safe_write import write_text
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.targets import guard

    if target is None or kind is None:
        return lambda _: None
    read = [path for path in inputs if path.is_file()]
    guard([Target(target, kind)], inputs=read, index=order.index, force=True)

    def write(done: "BatchReport") -> None:
        from soundtrack.export.page.night import night_json, night_page
        from soundtrack.pipeline.night import night_of

        films = night_of(done)
        text = night_json(films) if target.suffix.lower() == ".json" else night_page(films)
        write_text(target, text, kind=kind, force=True)

    return write
