"""Defaults: the user's configuration, else those of the tool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from soundtrack.config import load_config
from soundtrack.errors import UsageError
from soundtrack.settings import LoudnessTarget, MixSettings, SpottingSettings

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


def with_target(mix: MixSettings, asked: LoudnessTarget | None = None) -> MixSettings:
    """Settings of the mix with a loudness target: as asked for, else as configured, else the tool's own.

    Parameters
    ----------
    mix : MixSettings
        All else.
    asked : LoudnessTarget, optional
        By default that of SOUNDTRACK_TARGET or the configuration.
    """
    target = asked or load_config().target or LoudnessTarget()
    return replace(mix, target_lufs=target.lufs, ceiling_dbtp=target.ceiling_dbtp, dialogue_gated=target.dialogue_gated)


def spotting_or_default(asked: SpottingSettings | None) -> SpottingSettings:
    """How music is chosen: as asked for, else with the configured weights and the taste of the user."""
    from soundtrack.pipeline.ground.preferences import with_taste

    if asked is not None:
        return asked
    configured = load_config()
    return with_taste(SpottingSettings(merit=configured.merit, plan=configured.plan))


def cache_folder(*, cache: bool) -> Path | None:
    """Folder of the analyses that are kept; None where the caller or the configuration wants none."""
    from soundtrack.pipeline.ground.analysis_cache import user_folder

    return user_folder() if cache and load_config().cache else None


def mix_or_default(mix: MixSettings | None) -> MixSettings:
    """The settings of the mix; by default those of the tool with the configured loudness target."""
    return with_target(MixSettings()) if mix is None else mix
