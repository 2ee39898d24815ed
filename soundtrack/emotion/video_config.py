"""Input format of a picture network, from its ``config.json``, without heavy imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from soundtrack.checkpoints.config_json import from_document
from soundtrack.emotion.head_file import HeadForm
from soundtrack.emotion.picture_head import blocks_of
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
    head: HeadForm
    """Of the head in the same file."""

    @property
    def clips(self) -> ClipFormat:
        """How the clips are sampled."""
        return ClipFormat(self.n_frames, self.frame_rate_hz, self.stride_s, self.side_px)


_NUMBERS = ("width", "side_px", "n_frames", "frame_rate_hz", "stride_s", "n_features")


def parse_config(values: Mapping[str, object], *, where: object) -> VideoConfig:
    """The settings of a ``config.json``; keys it does not know are left for people.

    Raises
    ------
    ModelError
        A number is missing or makes no sense.
    """
    numbers = {name: _number(values, name, where) for name in _NUMBERS}
    whole = {name: int(numbers[name]) for name in ("side_px", "n_frames", "n_features")}
    return VideoConfig(
        width=numbers["width"],
        frame_rate_hz=numbers["frame_rate_hz"],
        stride_s=numbers["stride_s"],
        head=_head(values, whole["n_features"], where),
        **whole,
    )


def _head(values: Mapping[str, object], n_features: int, where: object) -> HeadForm:
    """The entry ``head``, or what the former layout said about it: n film numbers, and a calibration."""
    entry = values.get("head")
    if isinstance(entry, dict):
        domain = entry.get("domain")
        if isinstance(domain, dict) and "n_directions" in domain:
            raise ModelError(
                f"{where}: its head was fitted by a former version, whose domain is no longer read",
                hint="fit it again with `soundtrack train video`",
            )
        return from_document(HeadForm, entry, place=f"{where}: config.json: head")
    if entry is not None:
        raise ModelError(f"{where}: config.json: head must be an object", hint="run `soundtrack models verify`")
    return HeadForm(
        blocks_of(n_features, int(_number(values, "n_film", where))),
        temperature=_number(values, "temperature", where),
        confidence_slope=_number(values, "confidence_slope", where, signed=True),
        confidence_offset=_number(values, "confidence_offset", where, signed=True),
    )


def _number(values: Mapping[str, object], name: str, where: object, *, signed: bool = False) -> float:
    """A number of the config, above 0 unless it is signed."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelError(
            f"{where}: config.json: {name} must be a number, got {value!r}", hint="run `soundtrack models verify`"
        )
    if not signed and not value > 0:
        raise ModelError(f"{where}: config.json: {name} must be above 0", hint="run `soundtrack models verify`")
    return value
