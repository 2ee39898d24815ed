"""``soundtrack score VIDEO``: analyse, spot, mix and mux; writes the film and its cue sheet."""

from pathlib import Path
from typing import Annotated, Any

import typer

from soundtrack.cli.choices import require_faces, say_dropped
from soundtrack.cli.film.film_input import OF_PHOTOS, film_from, film_to, lines_for_stdout, required_film
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
    DuckVocals,
    Explore,
    Faces,
    FaceWeight,
    Force,
    GivenTrack,
    Hit,
    Index,
    Keep,
    KeepLevel,
    KeepOriginal,
    KeepVoices,
    Language,
    Layout,
    Lexicon,
    License,
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


def score(
    context: typer.Context,
    video: Annotated[
        Path | None,
        typer.Argument(
            metavar="VIDEO",
            help="Film to score (- for stdin), edit (.otio, .fcpxml) or folder of photos.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Scored film (- for stdout, as mkv). Default: NAME.scored.EXT (edit: .otio). With --batch: a folder.",
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
    keep_voices: KeepVoices = False,
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
    duck_vocals: DuckVocals = False,
    over_music: OverMusic = False,
    allow_spoken: Spoken = False,
    no_explicit: NoExplicit = False,
    license: License = None,
    language: Language = None,
    lexicon: Lexicon = None,  # noqa: ARG001 - its callback has the say
    no_taste: NoTaste = False,
    subtitles: Subtitles = True,
    faces: Faces = True,
    face_weight: FaceWeight = 0.0,
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
    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch",
            metavar="FOLDER",
            rich_help_panel="Many films",
            help="Keep running and score every film that is added to this folder, until Ctrl-C.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Report with failures, silences and second-best music: .html or .json, replaced if it exists.",
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
    from soundtrack.cli.film.film_settings import given_parameters, order_alone
    from soundtrack.cli.film.score_edit import score_edit
    from soundtrack.cli.film.score_many import score_films
    from soundtrack.documents import cuesheet
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.film.cut_film import is_edit
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
        "license": license,
        "language": language,
        "subtitles": subtitles,
        "faces": faces,
        "face_weight": face_weight,
        "keep": keep,
        "track": track,
        "theme": theme,
        "narration": narration,
        "narration_at": narration_at,
        "keep_voices": keep_voices,
        "duck_vocals": duck_vocals,
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
    asked, taken = order_alone(video, options, given=given_parameters(context))
    for line in taken:
        output.say(line, quiet=quiet)
    settings, mix, wishes = asked.settings, asked.mix, asked.wishes
    require_faces(face_weight, wanted=faces, quiet=quiet)
    say_dropped(wishes, settings, quiet=quiet)
    cache = cache_folder(cache=not no_cache)
    if batch is not None or watch is not None:
        alone = (video, cues, stems, keep, narration)
        if dry_run or OF_PHOTOS & given_parameters(context) or any(value is not None for value in alone):
            raise UsageError(
                f"{'--batch' if watch is None else '--watch'} cannot be used with VIDEO, --cues, --keep, --narration, "
                "--stems, --moves, --seconds-per-image or --dry-run",
                hint="leave out these options",
            )
        order = pipeline.BatchOrder(
            index=index,
            folder=out,
            device=device_name(device),
            decoder=decoder.value,
            settings=settings,
            mix=mix,
            wishes=wishes,
            music_track=music_track,
            force=force,
            cache=cache,
        )
        score_films(order, options, batch=batch, watch=watch, report=report, cluster=cluster, as_json=json, quiet=quiet)
        return
    video = required_film(video, keep=keep, has_target=dry_run or out is not None, given=given_parameters(context))
    for option, value in (("--cluster", cluster), ("--report", report)):
        if value is not None:
            raise UsageError(f"{option} requires --batch", hint=f"add --batch LIST, or leave out {option}")
    common: dict[str, Any] = {
        "cues": cues,
        "index": index,
        "device": device_name(device),
        "decoder": decoder.value,
        "settings": settings,
        "mix": mix,
        "wishes": wishes,
        "inputs": [] if keep in (None, "-") else [Path(keep)],
        "force": force,
    }
    if not dry_run and is_edit(video) and (out is None or is_edit(out)):
        separates = {"--keep-voices": wishes.keep_voices, "--duck-vocals": wishes.duck_vocals}
        of_films = {"--stems": stems is not None, "--music-track": music_track, **separates}
        score_edit(video, out=out, of_films=of_films, as_json=json, quiet=quiet, **common)
        return
    if dry_run:
        with (
            film_from(video, quiet=quiet) as film,
            output.product() as stream,
            output.progress(quiet=quiet) as progress,
        ):
            sheet = pipeline.plan_video(
                film,
                index=index,
                device=device_name(device),
                decoder=decoder.value,
                settings=settings,
                mix=mix,
                wishes=wishes,
                cache=cache,
                seconds_per_image=seconds_per_image,
                progress=progress,
            )
            stream.write(cuesheet.dumps(sheet))
        output.say_warnings(sheet.warnings, quiet=quiet)
        return
    is_read = not output.is_terminal(1) and str(out) != "-"
    said: list[str] = []

    def notice(line: str) -> None:
        said.append(line)
        output.say_warnings([line], quiet=quiet)

    with (
        film_from(video, quiet=quiet) as film,
        film_to(out, as_json=json) as target_film,
        output.product() as stream,
    ):
        with output.progress(quiet=quiet) as progress:
            scored = api.score(
                film,
                out=target_film,
                stems=stems,
                music_track=music_track,
                cache=not no_cache,
                seconds_per_image=seconds_per_image,
                moves=moves,
                progress=progress,
                notice=notice,
                **common,
            )
        output.say_warnings((line for line in scored.warnings if line not in said), quiet=quiet)
        for line in scored.summary() if target_film == out else lines_for_stdout(scored, has_sheet=cues is not None):
            output.say(line, quiet=quiet)
        if json:
            output.write_json(scored.as_dict(), stream)
        elif is_read:
            stream.write(f"{scored.film}\n")
