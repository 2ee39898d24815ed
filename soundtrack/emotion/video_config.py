"""What a picture network wants to be fed, from its ``config.json``; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from soundtrack.errors import ModelError
from soundtrack.types import ClipFormat


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """What the network wants to be fed; from ``config.json``."""

    width: float
    """Factor on the channels of the I3D."""
    side_px: int
    """Frames are squashed to squares of this side."""
    n_frames: int
    """Frames of a clip."""
    frame_rate_hz: float
    """Frames a second inside a clip."""
    stride_s: float
    """From the start of one clip to the start of the next, in seconds."""
    n_features: int
    """Length of the pooled vector."""
    n_film: int
    """Film numbers a clip."""
    temperature: float
    """Divisor of the class logits."""
    confidence_slope: float
    """Of the confidence's log-odds."""
    confidence_offset: float
    """Added to the confidence's log-odds."""

    @property
    def clips(self) -> ClipFormat:
        """How the clips are sampled."""
        return ClipFormat(self.n_frames, self.frame_rate_hz, self.stride_s, self.side_px)


def parse_config(values: Mapping[str, object], *, where: object) -> VideoConfig:
    """The settings of a ``config.json``; keys it does not know are left for people.

    Raises
    ------
    ModelError
        A number is missing or makes no sense.
    """
    numbers: dict[str, float] = {}
    for name in VideoConfig.__slots__:
        value = values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ModelError(
                f"{where}: config.json: {name} must be a number, got {value!r}", hint="soundtrack models verify"
            )
        numbers[name] = value
    for name in set(numbers) - {"confidence_offset", "confidence_slope"}:
        if not numbers[name] > 0:
            raise ModelError(f"{where}: config.json: {name} must be above 0", hint="soundtrack models verify")
    whole = {name: int(numbers[name]) for name in ("side_px", "n_frames", "n_features", "n_film")}
    return VideoConfig(
        width=numbers["width"],
        frame_rate_hz=numbers["frame_rate_hz"],
        stride_s=numbers["stride_s"],
        temperature=numbers["temperature"],
        confidence_slope=numbers["confidence_slope"],
        confidence_offset=numbers["confidence_offset"],
        **whole,
    )
