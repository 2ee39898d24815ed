"""Options that several commands share."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli import complete
from soundtrack.settings import LOUDEST_MUSIC_DB, QUIETEST_MUSIC_DB


class DeviceName(StrEnum):
    """Device for the networks."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class DecoderName(StrEnum):
    """Video decoder."""

    AUTO = "auto"
    PYAV = "pyav"
    DECORD = "decord"


Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Distribute the work to the workers of this Dask scheduler."),
]


class Layout(StrEnum):
    """Channels of the mix."""

    AUTO = "auto"
    STEREO = "stereo"
    SURROUND = "5.1"


class DensityName(StrEnum):
    """How much of a film gets music."""

    SPARSE = "sparse"
    NORMAL = "normal"
    FULL = "full"


class DuckName(StrEnum):
    """How far speech is above the music."""

    CLEAR = "clear"
    NORMAL = "normal"
    ACCESSIBLE = "accessible"


Index = Annotated[
    Path | None,
    typer.Option(
        "--index", metavar="FOLDER", help="Library index. Default: SOUNDTRACK_INDEX, else the user data folder."
    ),
]
Device = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Device for the networks; auto: GPU if available.", show_default="auto"),
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
        autocompletion=complete.models,
        help="Joint space from `soundtrack models list`. Default: SOUNDTRACK_MODEL, else the embedded model.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        autocompletion=complete.targets,
        metavar="LUFS",
        help="Loudness in LUFS, or web, podcast, broadcast, cinema or dialogue.",
        show_default="-16",
    ),
]
KeepOriginal = Annotated[
    bool,
    typer.Option("--keep-original/--replace", help="Keep the original sound, or replace it with the music."),
]
KeepVoices = Annotated[
    bool,
    typer.Option(
        "--keep-voices",
        help="Replace the original sound except its voices; needs a separator (see `soundtrack voices`).",
    ),
]
KeepLevel = Annotated[
    bool, typer.Option("--keep-level", help="Leave the level of the original sound unchanged, whatever the target.")
]
MusicLevel = Annotated[
    float,
    typer.Option(
        "--music-level",
        metavar="LU",
        min=QUIETEST_MUSIC_DB,
        max=LOUDEST_MUSIC_DB,
        help="Level of the music relative to the default, -20 to 12 LU; speech keeps its distance.",
    ),
]
Mix = Annotated[
    Layout, typer.Option("--mix", help="Channels of the mix; auto: those of the original sound, up to 5.1.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing output file of the same kind.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


Decoder = Annotated[
    DecoderName,
    typer.Option("--decoder", help="Video decoder."),
]
Lock = Annotated[
    list[str] | None,
    typer.Option(
        "--lock",
        metavar="TIME=TRACK",
        autocompletion=complete.time_tracks,
        help="Use TRACK at TIME, e.g. 1:05=a.mp3. Repeatable.",
    ),
]
Mood = Annotated[
    list[str] | None,
    typer.Option(
        "--mood",
        metavar="SPAN=MOOD",
        autocompletion=complete.span_moods,
        help='Set the mood of a time span, e.g. 0:30-1:10=tense or 0:30-1:10="hopeful, no drums". Repeatable.',
    ),
]
Like = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        metavar="WORDS|FILE",
        help='Prefer music by words or like a file, e.g. "hopeful, no drums, 90 bpm, like a.mp3". Repeatable.',
    ),
]
Silence = Annotated[
    list[str] | None,
    typer.Option("--silence", metavar="SPAN", help="No music in this time span, e.g. 2:00-2:30. Repeatable."),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="CUES",
        help="Keep the locked cues of this cue sheet unchanged; see `soundtrack cues lock`.",
        show_default=False,
    ),
]
Hit = Annotated[
    list[str] | None,
    typer.Option(
        "--hit", metavar="TIME", help="Hit point: place a climax of the music at TIME, e.g. 1:23.4. Repeatable."
    ),
]
Avoid = Annotated[
    list[str] | None,
    typer.Option(
        "--avoid",
        autocompletion=complete.tracks,
        metavar="NAME",
        help="Exclude a track, artist, album, genre, folder or playlist. Repeatable.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        autocompletion=complete.tracks,
        metavar="NAME",
        help="Use only this track, artist, album, genre, folder or playlist, or instrumental. Repeatable.",
    ),
]
AvoidRecent = Annotated[
    int,
    typer.Option(
        "--avoid-recent",
        metavar="N",
        min=0,
        help="Prefer music not used in the last N films scored with this option (or all: `ledger = true`).",
    ),
]
MaxCues = Annotated[int | None, typer.Option("--max-cues", min=1, help="Maximum number of cues.")]
Loop = Annotated[
    bool,
    typer.Option(
        "--loop", help="Play one track throughout, with an end that continues into the beginning (for shorts)."
    ),
]
OneTrack = Annotated[bool, typer.Option("--one-track", help="Use a single track for the whole film.")]
GivenTrack = Annotated[
    Path | None,
    typer.Option(
        "--track",
        metavar="FILE",
        help="Use this one piece of music, fitted to the film; no library index is needed.",
        show_default=False,
    ),
]
Theme = Annotated[
    str | None,
    typer.Option(
        "--theme",
        autocompletion=complete.tracks,
        metavar="TRACK",
        help="Theme of a series: a file, or a track of the library, that opens and closes the music of the film.",
        show_default=False,
    ),
]
Narration = Annotated[
    Path | None,
    typer.Option(
        "--narration",
        metavar="FILE",
        help="Recorded voice to mix in at its own level; the music is lowered for it as for speech.",
        show_default=False,
    ),
]
NarrationAt = Annotated[
    str | None,
    typer.Option(
        "--narration-at", metavar="TIME", help="Start of the narration, e.g. 0:05.5. Default: 0.", show_default=False
    ),
]
Explore = Annotated[
    float, typer.Option("--explore", min=0.0, max=1.0, help="Randomness of the selection, 0 to 1; see --seed.")
]
Vocals = Annotated[bool, typer.Option("--allow-vocals", help="Allow vocals under speech.")]
OverMusic = Annotated[bool, typer.Option("--over-music", help="Also score scenes that already have music.")]
NoTaste = Annotated[bool, typer.Option("--no-taste", help="Ignore earlier choices (`soundtrack taste`).")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Do not read or write the analysis cache.")]
SecondsPerImage = Annotated[
    float,
    typer.Option(
        "--seconds-per-image", metavar="SECONDS", help="How long each photo of a folder is shown, 0.5 to 600 s."
    ),
]
Spoken = Annotated[bool, typer.Option("--allow-spoken", help="Allow spoken word and audiobooks as music.")]
Subtitles = Annotated[
    bool,
    typer.Option(
        "--subtitles/--no-subtitles",
        help="Let the words of subtitles, in the film or beside it, count for mood and speech.",
    ),
]
Faces = Annotated[
    bool,
    typer.Option(
        "--faces/--no-faces",
        help="Look for faces and state their expressions. Needs `soundtrack models pull faces` once.",
    ),
]
FaceWeight = Annotated[
    float,
    typer.Option(
        "--face-weight",
        min=0.0,
        max=1.0,
        help="Share of a scene's mood that faces have, as far as they are clear and in view (0 to 1).",
    ),
]
NoExplicit = Annotated[
    bool, typer.Option("--no-explicit", help="Leave out tracks with explicit lyrics, by lyrics and titles.")
]
License = Annotated[
    str | None,
    typer.Option(
        "--license",
        metavar="NAMES",
        help="Use only tracks whose tags state one of these licences, e.g. own,cc0,cc-by (unknown: none stated).",
        show_default=False,
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="NAMES",
        help="Use only tracks sung in these languages, by tags or lyrics; none: no singing.",
        show_default=False,
    ),
]


def _use_lexicon(path: Path | None) -> Path | None:
    """Let the words of a file count in this run, and say what was read."""
    from soundtrack.naming.norms import use_words

    if path is None:
        use_words({})
        return None
    from soundtrack.cli.output import say
    from soundtrack.naming.lexicon import read_lexicon

    found = read_lexicon(path)
    use_words(found.words, path)
    for line in found.notes():
        say(line)
    return path


Lexicon = Annotated[
    Path | None,
    typer.Option(
        "--lexicon",
        metavar="FILE",
        help="Word list with the columns word, valence and arousal, before the built-in one (csv, tsv).",
        callback=_use_lexicon,
        show_default=False,
    ),
]
Stretch = Annotated[
    str | None,
    typer.Option(
        "--stretch",
        metavar="PERCENT",
        help="Largest tempo change per cue, pitch preserved, 0-10%, e.g. 2%.",
        show_default="0; 6% with --loop",
    ),
]
Density = Annotated[
    DensityName, typer.Option("--density", help="How much of the film gets music: about half, normal, or all of it.")
]
Duck = Annotated[
    DuckName, typer.Option("--duck", help="Speech above the music: clear 14 LU, normal 12 LU, accessible 20 LU.")
]
DuckVocals = Annotated[
    bool,
    typer.Option("--duck-vocals", help="Lower vocals of the music under speech by a further 18 dB; needs a separator."),
]
Stems = Annotated[
    Path | None,
    typer.Option(
        "--stems", metavar="FOLDER", help="Folder for the stems MX (music) and DX (original), created if missing."
    ),
]
MusicTrack = Annotated[
    bool,
    typer.Option("--music-track", help="Add the music as a separate audio stream next to the original."),
]


def device_name(device: DeviceName | None) -> str:
    """The device asked for on the command line, else in the configuration, else ``auto``."""
    from soundtrack.pipeline.ground.defaults import device_or_default

    return device_or_default(None if device is None else device.value)
