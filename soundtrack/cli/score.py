"""``soundtrack score VIDEO``: watch, spot, mix and mux, with the cue sheet beside the film."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import (
    Avoid,
    AvoidRecent,
    Decoder,
    DecoderName,
    Device,
    Explore,
    Force,
    Hit,
    Index,
    KeepOriginal,
    Lock,
    MaxCues,
    Mood,
    MusicTrack,
    NoCache,
    OneTrack,
    Only,
    OverMusic,
    Quiet,
    Seed,
    Silence,
    Spoken,
    Stems,
    Target,
    Vocals,
    cache_folder,
    device_name,
    make_wishes,
    mix_settings,
    spotting_settings,
)


def score(
    video: Annotated[Path, typer.Argument(help="The film.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="The scored film; default: NAME.scored.EXT beside VIDEO.")
    ] = None,
    cues: Annotated[
        Path | None, typer.Option("--cues", help="The cue sheet; default: beside the scored film, NAME.cues.json.")
    ] = None,
    index: Index = None,
    device: Device = None,
    decoder: Decoder = DecoderName.AUTO,
    target: Target = None,
    keep_original: KeepOriginal = True,
    seed: Seed = 0,
    lock: Lock = None,
    mood: Mood = None,
    silence: Silence = None,
    hit: Hit = None,
    avoid: Avoid = None,
    only: Only = None,
    avoid_recent: AvoidRecent = 0,
    max_cues: MaxCues = None,
    one_track: OneTrack = False,
    explore: Explore = 0.0,
    allow_vocals: Vocals = False,
    over_music: OverMusic = False,
    allow_spoken: Spoken = False,
    stems: Stems = None,
    music_track: MusicTrack = False,
    no_cache: NoCache = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write the cue sheet only, to stdout.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Choose music for a film from your library and lay it under the picture."""
    from soundtrack import cuesheet, pipeline
    from soundtrack.cli import output

    wishes = make_wishes(
        lock=lock,
        mood=mood,
        silence=silence,
        hit=hit,
        avoid=avoid,
        only=only,
        avoid_recent=avoid_recent,
        max_cues=max_cues,
        one_track=one_track,
        explore=explore,
        allow_spoken=allow_spoken,
    )
    settings = spotting_settings(seed=seed, allow_vocals=allow_vocals, over_music=over_music)
    mix = mix_settings(target=target, keep_original=keep_original)
    where = device_name(device)
    cache = cache_folder(no_cache=no_cache)
    if dry_run:
        with output.product() as stream, output.progress(quiet=quiet) as progress:
            scene_sheet = pipeline.analyse_video(
                video, device=where, decoder=decoder.value, cache=cache, progress=progress
            )
            sheet = pipeline.spot_video(scene_sheet, index=index, settings=settings, mix=mix, wishes=wishes)
            stream.write(cuesheet.dumps(sheet))
        for line in sheet.warnings:
            output.say(f"warning: {line}", quiet=quiet)
        return
    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            scored = pipeline.score_video(
                video,
                out=out,
                cues=cues,
                index=index,
                device=where,
                decoder=decoder.value,
                settings=settings,
                mix=mix,
                wishes=wishes,
                stems=stems,
                music_track=music_track,
                force=force,
                cache=cache,
                progress=progress,
            )
        for line in scored.warnings:
            output.say(f"warning: {line}", quiet=quiet)
        for line in scored.summary():
            output.say(line, quiet=quiet)
        if json:
            output.write_json(scored.as_dict(), stream)
