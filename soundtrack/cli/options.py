"""Options that several commands share, with one wording each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class DeviceName(StrEnum):
    """Where the networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Index = Annotated[
    Path | None,
    typer.Option("--index", help="Folder of the library index; default: SOUNDTRACK_INDEX, the configuration, your data folder."),
]
Device = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Where the networks run; `auto` takes a GPU where there is one.", show_default="auto"),
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="Loudness of the result in LUFS, or web, podcast, broadcast, cinema.", show_default="-16"),
]
KeepOriginal = Annotated[
    bool,
    typer.Option("--keep-original/--replace", help="Keep the film's own sound under the music, or replace it."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random choice.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing target.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def target_lufs(text: str | None) -> float:
    """Loudness target from a number or a preset's name.

    Raises
    ------
    UsageError
        Neither a preset nor a number in [-40, -5].
    """
    from soundtrack.config import load_config
    from soundtrack.errors import UsageError
    from soundtrack.settings import LOUDNESS_PRESETS_LUFS, MixSettings

    if text is None:
        configured = load_config().target
        return configured if configured is not None else MixSettings().target_lufs
    if text.lower() in LOUDNESS_PRESETS_LUFS:
        return LOUDNESS_PRESETS_LUFS[text.lower()]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -40.0 <= value <= -5.0:
        names = ", ".join(sorted(LOUDNESS_PRESETS_LUFS))
        raise UsageError(f"--target {text}: not a loudness target", hint=f"give LUFS between -40 and -5, or one of {names}")
    return value


def device_name(device: DeviceName | None) -> str:
    """The device asked for on the command line, else in the configuration, else ``auto``."""
    from soundtrack.config import load_config
    from soundtrack.errors import UsageError

    if device is not None:
        return device.value
    configured = load_config().device or "auto"
    if configured not in set(DeviceName):
        raise UsageError(f"device {configured!r} is unknown", hint="use auto, cpu or cuda")
    return configured
