"""Options that several commands share, with one wording each."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from soundtrack.pipeline import Keep as PipelineKeep
    from soundtrack.pipeline import Wishes
    from soundtrack.settings import MixSettings, SpottingSettings


class DeviceName(StrEnum):
    """Where the networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class DecoderName(StrEnum):
    """Who decodes the picture."""

    AUTO = "auto"
    PYAV = "pyav"
    DECORD = "decord"


Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Let the workers of this Dask scheduler do the work."),
]


class Layout(StrEnum):
    """Channels of the mix."""

    AUTO = "auto"
    STEREO = "stereo"
    SURROUND = "5.1"


Index = Annotated[
    Path | None,
    typer.Option("--index", help="Folder of the library index; default: SOUNDTRACK_INDEX, else your data folder."),
]
Device = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Where the networks run; auto takes a GPU if there is one.", show_default="auto"),
]


def _choose_model(name: str | None) -> str | None:
    """Let the whole run, worker processes included, use these networks: the option overrides the environment."""
    if name is not None:
        os.environ["SOUNDTRACK_MODEL"] = name
    return name


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        callback=_choose_model,
        help="Networks: a joint space of `soundtrack models list`; default: SOUNDTRACK_MODEL, else the embedded.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="Loudness in LUFS, or web, podcast, broadcast, cinema.", show_default="-16"),
]
KeepOriginal = Annotated[
    bool,
    typer.Option("--keep-original/--replace", help="Keep the film's own sound under the music, or replace it."),
]
KeepLevel = Annotated[
    bool, typer.Option("--keep-level", help="Leave the film's own sound at its own level, whatever the target.")
]
Mix = Annotated[
    Layout, typer.Option("--mix", help="Channels of the mix; auto takes those of the film's own sound, up to 5.1.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random choice.")]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace an existing file, if it is of the kind that is written.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


Decoder = Annotated[
    DecoderName,
    typer.Option("--decoder", help="Who decodes the picture; `auto` is right for every file."),
]
Lock = Annotated[
    list[str] | None,
    typer.Option("--lock", metavar="TIME=TRACK", help="This track sounds then, as 1:05=a.mp3."),
]
Mood = Annotated[
    list[str] | None, typer.Option("--mood", metavar="SPAN=MOOD", help="Overrule the picture: 0:30-1:10=tense.")
]
Silence = Annotated[list[str] | None, typer.Option("--silence", metavar="SPAN", help="No music here: 2:00-2:30.")]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="CUES",
        help="Keep the locked cues of this sheet to the sample and plan the rest around them; see `cues lock`.",
        show_default=False,
    ),
]
Hit = Annotated[
    list[str] | None,
    typer.Option("--hit", metavar="TIME", help="A climax of the music falls on this moment: 1:23.4."),
]
Avoid = Annotated[
    list[str] | None,
    typer.Option("--avoid", metavar="NAME", help="A track, artist, album, genre, folder or playlist to avoid."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Only this track, artist, album, genre, folder or playlist."),
]
AvoidRecent = Annotated[
    int,
    typer.Option("--avoid-recent", metavar="N", min=0, help="Prefer music that your last N scored films did not use."),
]
MaxCues = Annotated[int | None, typer.Option("--max-cues", min=1, help="At most so many pieces of music.")]
OneTrack = Annotated[bool, typer.Option("--one-track", help="Take all music from one track.")]
Explore = Annotated[
    float, typer.Option("--explore", min=0.0, max=1.0, help="How far to wander from the best fit, 0 to 1; see --seed.")
]
Vocals = Annotated[bool, typer.Option("--allow-vocals", help="Singing may lie under speech.")]
OverMusic = Annotated[
    bool, typer.Option("--over-music", help="Lay music over scenes that have music of their own as well.")
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Watch the film even if it was watched before, and keep nothing of it.")
]
Spoken = Annotated[bool, typer.Option("--allow-spoken", help="Spoken word and audiobooks may be used like music.")]
Stretch = Annotated[
    str | None,
    typer.Option(
        "--stretch",
        metavar="SHARE",
        help="Music may be so much faster or slower where that saves seams: 2%; at most 10%.",
        show_default="0",
    ),
]
Stems = Annotated[
    Path | None, typer.Option("--stems", help="Folder for the stems, made if missing: MX (music), DX (original).")
]
MusicTrack = Annotated[
    bool,
    typer.Option("--music-track", help="Add the music as its own audio stream beside the original."),
]


def make_wishes(
    *,
    lock: list[str] | None,
    mood: list[str] | None,
    silence: list[str] | None,
    hit: list[str] | None,
    avoid: list[str] | None,
    only: list[str] | None,
    avoid_recent: int,
    max_cues: int | None,
    one_track: bool,
    explore: float,
    allow_spoken: bool,
    keep: str | None = None,
) -> Wishes:
    """What the user demands, as the pipeline takes it."""
    from soundtrack.cli.words import parse_hit, parse_lock, parse_mood, parse_span
    from soundtrack.pipeline.sheets.wishes import Wishes

    return Wishes(
        locks=tuple(parse_lock(text) for text in lock or ()),
        moods=tuple(parse_mood(text) for text in mood or ()),
        silences=tuple(parse_span(text) for text in silence or ()),
        hits=tuple(parse_hit(text) for text in hit or ()),
        avoid=tuple(avoid or ()),
        only=tuple(only or ()),
        avoid_recent=avoid_recent,
        max_cues=max_cues,
        one_track=one_track,
        explore=explore,
        allow_spoken=allow_spoken,
        keep=None if keep is None else _locked_in(keep),
    )


def _locked_in(source: str) -> PipelineKeep:
    """The locked cues of the sheet that ``--keep`` names; ``-`` is stdin."""
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.pipeline import keep_locked

    name = "stdin" if source == "-" else source
    return keep_locked(cuesheet.loads(output.read_document(source), name=name), name=name)


def spotting_settings(*, seed: int, allow_vocals: bool, over_music: bool, stretch: str | None) -> SpottingSettings:
    """Settings of the choice of music."""
    from soundtrack.cli.words import parse_stretch
    from soundtrack.config import load_config
    from soundtrack.settings import SpottingSettings

    weights = load_config()
    return SpottingSettings(
        seed=seed,
        allow_vocals=allow_vocals,
        over_music=over_music,
        stretch=parse_stretch(stretch),
        merit=weights.merit,
        plan=weights.plan,
    )


def mix_settings(
    *, target: str | None, keep_original: bool, keep_level: bool, layout: Layout = Layout.AUTO
) -> MixSettings:
    """Settings of the mix.

    Raises
    ------
    UsageError
        The film's own sound is to keep its level and to be replaced.
    """
    from soundtrack.cli.words import parse_loudness
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.ground.defaults import target_or_default
    from soundtrack.settings import MixSettings

    if keep_level and not keep_original:
        raise UsageError("--keep-level cannot be used with --replace", hint="leave out one of the two")
    return MixSettings(
        target_lufs=target_or_default(parse_loudness(target)),
        keep_original=keep_original,
        keep_level=keep_level,
        layout=layout.value,
    )


def device_name(device: DeviceName | None) -> str:
    """The device asked for on the command line, else in the configuration, else ``auto``."""
    from soundtrack.pipeline.ground.defaults import device_or_default

    return device_or_default(None if device is None else device.value)
