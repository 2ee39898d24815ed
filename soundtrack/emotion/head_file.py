"""Storage of a head: one block per channel in the weights and in ``config.json``.

Goes in: a `Head`, or arrays of a weights file and the entry ``head`` of its config. Comes out: the other. A block has
the arrays ``CHANNEL.mean``, ``CHANNEL.scale`` and ``CHANNEL.weight``, with a domain also ``CHANNEL.odds`` and
``CHANNEL.outside``; the biases ``bias`` and ``outside_bias`` are for all channels. In files of the former
layouts the position of a column gave its channel; they are brought to this one as they are read. Numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from soundtrack.emotion.head import N_MOOD, Block, Domain, Head
from soundtrack.errors import ModelError
from soundtrack.types import FloatArray

PREFIX = "head."
"""Of the head's arrays among a weights file's tensors."""
_ODDS = "odds"
_OUTSIDE, _OUTSIDE_BIAS = "outside", "outside_bias"
_HINT = "the file does not match the model name; run `soundtrack models list`"


@dataclass(frozen=True, slots=True)
class DomainForm:
    """All of a domain that is no array."""

    offset: float
    """As `Domain.offset`."""
    still: tuple[int, ...] = ()
    """As `Domain.still`."""
    has_weight: bool = False
    """Whether there is a `Domain.weight`."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.offset):
            raise ValueError(f"offset must be finite, got {self.offset}")


@dataclass(frozen=True, slots=True)
class HeadForm:
    """All of a head that is no array, as kept in ``config.json``."""

    blocks: tuple[Block, ...]
    """Of its channels, in the order of the columns."""
    n_outputs: int = N_MOOD
    """Six classes, valence, arousal, and further ones."""
    limit: float | None = None
    """As `Head.limit`; None clips nothing."""
    temperature: float = 1.0
    """As `Head.temperature`."""
    confidence_slope: float = 1.0
    """As `Head.confidence_slope`."""
    confidence_offset: float = 0.0
    """As `Head.confidence_offset`."""
    domain: DomainForm | None = None
    """As `Head.domain`."""

    def __post_init__(self) -> None:
        names = [block.channel for block in self.blocks]
        if self.domain is not None and not all(0 <= column < self.n_columns for column in self.domain.still):
            raise ValueError(f"columns of the domain must be below {self.n_columns}, got {list(self.domain.still)}")
        if not names or len(set(names)) < len(names):
            raise ValueError(f"blocks of a head must have different channels, got {names}")
        if self.n_outputs < N_MOOD:
            raise ValueError(f"n_outputs must be at least {N_MOOD}, got {self.n_outputs}")
        for name in ("limit", "temperature"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0, got {value}")

    @property
    def n_columns(self) -> int:
        """Of all blocks together."""
        return sum(block.dim for block in self.blocks)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of its arrays."""
        found: dict[str, tuple[int, ...]] = {"bias": (self.n_outputs,)}
        for block in self.blocks:
            found[f"{block.channel}.mean"] = found[f"{block.channel}.scale"] = (block.dim,)
            found[f"{block.channel}.weight"] = (self.n_outputs, block.dim)
            if self.domain is not None:
                found[f"{block.channel}.{_ODDS}"] = (block.dim,)
                if self.domain.has_weight:
                    found[f"{block.channel}.{_OUTSIDE}"] = (N_MOOD, block.dim)
        if self.domain is not None and self.domain.has_weight:
            found[_OUTSIDE_BIAS] = (N_MOOD,)
        return found

    def head(self, arrays: Mapping[str, FloatArray], *, where: object) -> Head:
        """The head of some arrays, of this layout or a former one.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            By name, without `PREFIX`; other things than floats are not checked here.
        where : object
            Names the file in the message.

        Raises
        ------
        ModelError
            An array is missing, unknown, or of another shape.
        """
        given = _upgraded(arrays, self.blocks)
        expected = self.shapes()
        missing, unknown = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
        if missing or unknown:
            what, name = ("is missing", missing[0]) if missing else ("is unknown", unknown[0])
            raise ModelError(f"{where}: {PREFIX}{name} {what}", hint=_HINT)
        for name, shape in expected.items():
            if given[name].shape != shape:
                raise ModelError(f"{where}: {PREFIX}{name} has shape {given[name].shape}, expected {shape}", hint=_HINT)

        def joined(part: str) -> FloatArray:
            parts = [np.asarray(given[f"{block.channel}.{part}"], np.float32) for block in self.blocks]
            return np.concatenate(parts, axis=-1)

        try:
            return Head(
                self.blocks,
                mean=joined("mean"),
                scale=joined("scale"),
                weight=joined("weight"),
                bias=np.asarray(given["bias"], np.float32),
                limit=math.inf if self.limit is None else self.limit,
                temperature=self.temperature,
                confidence_slope=self.confidence_slope,
                confidence_offset=self.confidence_offset,
                domain=None if self.domain is None else self._domain(self.domain, joined, given),
            )
        except ValueError as error:
            raise ModelError(f"{where}: {error}", hint="run `soundtrack models verify`") from error

    @staticmethod
    def _domain(form: DomainForm, joined: Callable[[str], FloatArray], given: Mapping[str, FloatArray]) -> Domain:
        found = Domain(joined(_ODDS), form.offset, form.still)
        if not form.has_weight:
            return found
        return replace(found, weight=joined(_OUTSIDE), bias=np.asarray(given[_OUTSIDE_BIAS], np.float32))


def form_of(head: Head) -> HeadForm:
    """What of a head goes into ``config.json``; numbers of the calibration to six places."""
    domain = head.domain
    return HeadForm(
        head.blocks,
        n_outputs=len(head.bias),
        limit=None if math.isinf(head.limit) else head.limit,
        temperature=round(head.temperature, 6),
        confidence_slope=round(head.confidence_slope, 6),
        confidence_offset=round(head.confidence_offset, 6),
        domain=None
        if domain is None
        else DomainForm(
            round(domain.offset, 6),
            still=domain.still,
            has_weight=domain.weight is not None,
        ),
    )


def form_document(head: Head) -> dict[str, object]:
    """The entry ``head`` of ``config.json``."""
    return asdict(form_of(head))


def head_arrays(head: Head) -> dict[str, FloatArray]:
    """A head's arrays by name, without `PREFIX`."""
    found, first = {"bias": head.bias}, 0
    for block in head.blocks:
        columns = slice(first, first + block.dim)
        found[f"{block.channel}.mean"] = head.mean[columns]
        found[f"{block.channel}.scale"] = head.scale[columns]
        found[f"{block.channel}.weight"] = head.weight[:, columns]
        if head.domain is not None:
            found[f"{block.channel}.{_ODDS}"] = head.domain.odds[columns]
            if head.domain.weight is not None:
                found[f"{block.channel}.{_OUTSIDE}"] = head.domain.weight[:, columns]
        first += block.dim
    if head.domain is not None and head.domain.bias is not None:
        found[_OUTSIDE_BIAS] = head.domain.bias
    return found


def _upgraded(arrays: Mapping[str, FloatArray], blocks: tuple[Block, ...]) -> Mapping[str, FloatArray]:
    """Arrays of a former layout cut into blocks; those of this layout as they are."""
    if "mean" not in arrays:
        return arrays
    whole = dict(arrays)
    if "deviation" in whole:  # the first layout of pictures: classes and plane apart
        parts = {
            "scale": ("deviation",),
            "weight": ("class_weight", "plane_weight"),
            "bias": ("class_bias", "plane_bias"),
        }
        for name, old in parts.items():
            if all(part in whole for part in old):
                whole[name] = np.concatenate([whole.pop(part) for part in old])
    found, first = {name: whole.pop(name) for name in ("bias",) if name in whole}, 0
    for block in blocks:
        for name in ("mean", "scale", "weight"):
            if name in whole:
                found[f"{block.channel}.{name}"] = whole[name][..., first : first + block.dim]
        first += block.dim
    if whole["mean"].shape[-1] != first:
        found["mean"] = whole["mean"]  # of another number of columns: unknown in this layout
    for name in whole.keys() - {"mean", "scale", "weight"}:
        found[name] = whole[name]
    return found
