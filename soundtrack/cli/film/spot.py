"""``soundtrack spot [SCENES|-]``: choose music for the scenes, as a cue sheet on stdout."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.choices import make_wishes, mix_settings, say_dropped, spotting_settings
from soundtrack.cli.options import (
    Avoid,
    AvoidRecent,
    Density,
    DensityName,
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
    Language,
    Lexicon,
    License,
    Like,
    Lock,
    Loop,
    MaxCues,
    Model,
    Mood,
    MusicLevel,
    Narration,
    NarrationAt,
    NoExplicit,
    NoTaste,
    OneTrack,
    Only,
    OverMusic,
    Quiet,
    Seed,
    Silence,
    Spoken,
    Stretch,
    Target,
    Theme,
    Vocals,
)


def spot(
    source: Annotated[
        str, typer.Argument(metavar="SCENES|-", help="Output of `soundtrack scenes`; - for stdin.")
    ] = "-",
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file. Default: stdout.")] = None,
    index: Index = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    target: Target = None,
    keep_original: KeepOriginal = True,
    keep_level: KeepLevel = False,
    music_level: MusicLevel = 0.0,
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
    no_taste: NoTaste = False,
    stretch: Stretch = None,
    density: Density = DensityName.NORMAL,
    duck: Duck = DuckName.NORMAL,
    over_music: OverMusic = False,
    allow_spoken: Spoken = False,
    no_explicit: NoExplicit = False,
    license: License = None,
    language: Language = None,
    lexicon: Lexicon = None,  # noqa: ARG001 - its callback has the say
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Select and place music for the scenes of a film; writes a cue sheet for `soundtrack render`."""
    from soundtrack import api
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet, scenesheet
    from soundtrack.errors import UsageError
    from soundtrack.files.kinds import CUE_SHEET
    from soundtrack.pipeline.sheets.conditions import as_in
    from soundtrack.pipeline.sheets.wishes import require_unlocked

    if source == "-" and keep == "-":
        raise UsageError("SCENES and --keep cannot both be stdin", hint="use a file name for one of them")
    named = [Path(name) for name in (source, keep, track, theme, narration) if name is not None and name != "-"]

    with output.product_to(out, kind=CUE_SHEET, inputs=named, index=index, force=force) as write:
        wishes = make_wishes(
            lock=lock,
            mood=mood,
            like=like,
            silence=silence,
            hit=hit,
            avoid=avoid,
            only=only,
            avoid_recent=avoid_recent,
            max_cues=max_cues,
            one_track=one_track,
            explore=explore,
            allow_spoken=allow_spoken,
            no_explicit=no_explicit,
            license=license,
            language=language,
            keep=keep,
            track=track,
            theme=theme,
            narration=narration,
            narration_at=narration_at,
        )
        if out is not None:
            require_unlocked(out, wishes, force=force)
        settings = spotting_settings(
            seed=seed,
            allow_vocals=allow_vocals,
            over_music=over_music,
            stretch=stretch,
            density=density,
            no_taste=no_taste,
            loop=loop,
        )
        mix = mix_settings(
            target=target, keep_original=keep_original, keep_level=keep_level, music_level=music_level, duck=duck
        )
        name = "stdin" if source == "-" else source
        scenes = scenesheet.loads(output.read_document(source), name=name)
        say_dropped(as_in(scenes, wishes), settings, quiet=quiet)
        sheet = api.spot(
            scenes,
            index=index,
            settings=settings,
            mix=mix,
            wishes=wishes,
        )
        output.say_warnings(sheet.warnings, quiet=quiet)
        if scenes.draft is not None:
            output.say("hint: run `soundtrack scenes` without --draft before the music is final", quiet=quiet)
        write(cuesheet.dumps(sheet))
