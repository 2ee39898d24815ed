"""Defaults: the user's configuration, else those of the tool."""

from __future__ import annotations

from pathlib import Path

from soundtrack.config import load_config
from soundtrack.errors import UsageError
from soundtrack.settings import MixSettings, SpottingSettings

DEVICES = ("auto", "cpu", "cuda")
"""Where networks can run; auto takes a GPU if there is one."""


def device_or_default(asked: str | None) -> str:
    """A device of `DEVICES`: as asked for, else by SOUNDTRACK_DEVICE or the configuration, else ``auto``.

    Raises
    ------
    UsageError
        There is no such device.
    """
    device = asked or load_config().device or "auto"
    if device not in DEVICES:
        raise UsageError(f"device {device!r} is unknown", hint="use auto, cpu or cuda")
    return device


def target_or_default(asked_lufs: float | None) -> float:
    """A loudness target in LUFS: as asked for, else by SOUNDTRACK_TARGET or the configuration, else the tool's own."""
    if asked_lufs is not None:
        return asked_lufs
    configured = load_config().target
    return MixSettings().target_lufs if configured is None else configured


def spotting_or_default(asked: SpottingSettings | None) -> SpottingSettings:
    """How music is chosen: as asked for, else with the configured weights."""
    if asked is not None:
        return asked
    configured = load_config()
    return SpottingSettings(merit=configured.merit, plan=configured.plan)


def cache_folder(*, cache: bool) -> Path | None:
    """Folder of the analyses that are kept; None where the caller or the configuration wants none."""
    from soundtrack.pipeline.ground.analysis_cache import user_folder

    return user_folder() if cache and load_config().cache else None
