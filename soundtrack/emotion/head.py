"""Linear head: evidence of several channels to classes, valence and arousal, calibrated.

Goes in: rows of features by the name of the channel. Comes out: a `Mood`. Late fusion: every channel has a block of
columns of its own. A channel that is missing, as a whole or in some rows (NaN), counts as its mean: it adds nothing,
and the confidence falls towards chance by its share. Numpy only, so heads can be fitted and judged without a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.networks.products import log_odds, row_products, softmax
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, Channel, FloatArray

Blocks = Mapping[str, FloatArray]
"""Features by channel, each of shape (n, dim); rows belong together."""
N_CLASSES = len(EMOTIONS)
N_MOOD = N_CLASSES + 2
"""Outputs that every head has: the classes, valence, arousal."""
STILL_SCALE = 0.7
"""Of the classes' points on the plane where stills are compared with them: mean ratings hardly leave [-0.8, 0.8]."""
STILL_SPREAD = 0.25
"""How far from a class a still's rating may lie, as a standard deviation."""
_AT_REST = 1e-3
"""How far a standardised column may be from where it is when nothing moves."""
READ_ERROR = 0.29
"""How far a head's valence and arousal lie from the ratings of stills, by folds, as a root mean square."""


@dataclass(frozen=True, slots=True)
class Mood:
    """What a head says about n stretches; rows belong together."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: FloatArray = field(repr=False, compare=False)
    """Calibrated chance that the leading class is right, in [0, 1], shape (n,)."""
    further: FloatArray = field(repr=False, compare=False)
    """Further outputs as they come, shape (n, n_outputs - 8)."""


@dataclass(frozen=True, slots=True)
class ChannelMood:
    """What a head says when it knows one channel alone, and what that channel counts for."""

    mood: Mood
    """With all other channels missing."""
    weight: FloatArray = field(repr=False, compare=False)
    """Share in the fused reading, in [0, 1], shape (n,); all channels of a row add up to 1, or to 0 with none known."""


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one channel."""

    channel: str
    """Its name."""
    dim: int
    """How many, at least 1."""
    rooted: bool = False
    """Whether the head reads square roots of the features, whose tails are long; negative ones count as 0."""
    version: str | None = None
    """Of the channel that it was fitted on; None where that was not written down, and any will do."""

    def __post_init__(self) -> None:
        if not self.channel or self.dim < 1:
            raise ValueError(f"block must have a channel name and at least one column, got {self}")

    def reads(self, channel: Channel) -> bool:
        """Whether it was fitted on what the channel gives."""
        return (channel.name, channel.dim) == (self.channel, self.dim) and self.version in (None, channel.version)


@dataclass(frozen=True, slots=True)
class Domain:
    """Pictures of the kind that classes were learned from, distinguished from others by a logistic regression."""

    odds: FloatArray = field(repr=False, compare=False)
    """Log-odds of being outside for each unit of the standardised columns, shape (F,); 0 for channels without a say,
    since one kind of picture lacks them."""
    offset: float
    """Added to the log-odds."""
    still: tuple[int, ...] = ()
    """Columns that are 0 before they are standardised where nothing moves."""
    weight: FloatArray | None = field(default=None, repr=False, compare=False)
    """What moving pictures outside are read by: classes, valence, arousal, shape (8, F); None: by the head's own."""
    bias: FloatArray | None = field(default=None, repr=False, compare=False)
    """With that, shape (8,)."""

    def outside(self, x: FloatArray) -> npt.NDArray[np.float64]:
        """Chance that rows are of another kind of picture, in [0, 1], shape (n,).

        Parameters
        ----------
        x : ndarray, shape=(n, F), float32
            Standardised columns.
        """
        odds = row_products(x, self.odds[None])[:, 0].astype(np.float64) + self.offset
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -50.0, 50.0))), np.float64)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What kind of picture rows are of."""

    outside: npt.NDArray[np.float64]
    """Chance of being outside the domain, shape (n,)."""
    moves: npt.NDArray[np.bool_]
    """Whether it moves and the domain has weights for that, shape (n,)."""

    @property
    def elsewhere(self) -> npt.NDArray[np.float64]:
        """How far the domain's weights count, shape (n,)."""
        return self.outside * self.moves


@dataclass(frozen=True, slots=True)
class Head:
    """The linear map with its calibration; F columns in all, K >= 8 outputs: six classes, valence, arousal, further.

    Examples
    --------
    >>> head = Head.untrained((Block("light", 2),), seed=1)
    >>> head.read({"light": np.ones((3, 2), np.float32)}).probabilities.shape
    (3, 6)
    """

    blocks: tuple[Block, ...]
    """In the order of the columns."""
    mean: FloatArray = field(repr=False, compare=False)
    """Subtracted from the columns, shape (F,)."""
    scale: FloatArray = field(repr=False, compare=False)
    """The difference is divided by this, above 0, shape (F,)."""
    weight: FloatArray = field(repr=False, compare=False)
    """Shape (K, F)."""
    bias: FloatArray = field(repr=False, compare=False)
    """Shape (K,)."""
    limit: float = float("inf")
    """Standardised columns are clipped to plus and minus this."""
    temperature: float = 1.0
    """Class logits are divided by it, above 0."""
    confidence_slope: float = 1.0
    """Of the confidence's log-odds over those of the leading probability, at least 0."""
    confidence_offset: float = 0.0
    """Added to the confidence's log-odds."""
    domain: Domain | None = None
    """Outside it moving pictures are read by `Domain.weight`, and the classes of others follow valence and arousal; the
    confidence falls as far as these disagree with what `weight` says. None: applies anywhere."""

    def __post_init__(self) -> None:
        n = sum(block.dim for block in self.blocks)
        if len({block.channel for block in self.blocks}) < len(self.blocks):
            raise ValueError("each channel must have exactly one block")
        if self.mean.shape != (n,) or self.scale.shape != (n,) or not bool((self.scale > 0).all()):
            raise ValueError(f"mean and scale must have shape ({n},), scale above 0")
        if self.weight.ndim != 2 or self.weight.shape[0] < N_MOOD or self.weight.shape[1] != n:
            raise ValueError(f"weight must have shape (at least {N_MOOD}, {n}), got {self.weight.shape}")
        if self.bias.shape != self.weight.shape[:1]:
            raise ValueError(f"bias must have shape {self.weight.shape[:1]}, got {self.bias.shape}")
        if self.domain is not None and self.domain.odds.shape != (n,):
            raise ValueError(f"odds of the domain must have shape ({n},), got {self.domain.odds.shape}")
        if self.domain is not None and self.domain.weight is not None and self.domain.weight.shape != (N_MOOD, n):
            raise ValueError(f"weight of the domain must have shape ({N_MOOD}, {n}), got {self.domain.weight.shape}")

    @property
    def n_columns(self) -> int:
        """Of all blocks together."""
        return len(self.mean)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels it can read."""
        return tuple(block.channel for block in self.blocks)

    def read(self, blocks: Mapping[str, FloatArray]) -> Mood:
        """What it says about each row.

        Parameters
        ----------
        blocks : mapping of str to ndarray, shape=(n, dim), float32
            Features by channel; rows of NaN where a channel knows nothing. Channels that it has no block for are
            passed over.

        Raises
        ------
        ValueError
            The blocks disagree about n or have another width than fitted.
        """
        x, known = self.standard(blocks)
        return self._mood(x, known, self._kind(x, known))

    def opinions(self, blocks: Mapping[str, FloatArray]) -> dict[str, ChannelMood]:
        """What each channel that is there would say alone, and its share in what `read` says of all.

        The share is that of the lengths of what the channels add: once for the classes (less what is added to all
        alike), once for valence and arousal, and the mean of both.
        """
        x, known = self.standard(blocks)
        kind = self._kind(x, known)
        alone, sizes = {}, []
        for i, (block, columns) in enumerate(zip(self.blocks, columns_of(self.blocks), strict=True)):
            if block.channel not in blocks:
                continue
            only, single = np.zeros_like(x), np.zeros_like(known)
            only[:, columns], single[:, i] = x[:, columns], known[:, i]
            alone[block.channel] = self._mood(only, single, kind)
            added = self._blended(only, kind)
            classes = added[:, :N_CLASSES] - added[:, :N_CLASSES].mean(axis=1, keepdims=True)
            plane = added[:, N_CLASSES:]
            sizes.append((np.linalg.norm(classes, axis=1), np.linalg.norm(plane, axis=1), known[:, i]))
        if not sizes:
            return {}
        weights = _shares(np.array(sizes, np.float64))
        return {
            name: ChannelMood(mood, weight.astype(np.float32))
            for (name, mood), weight in zip(alone.items(), weights, strict=True)
        }

    def standard(self, blocks: Mapping[str, FloatArray]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Standardised columns, 0 where missing, shape (n, F); and which blocks are there, shape (n, n_blocks)."""
        raw = side_by_side(blocks, self.blocks, rooted=True)
        known = np.zeros((len(raw), len(self.blocks)), bool)
        x = np.clip((raw - self.mean) / self.scale, -self.limit, self.limit)
        for i, columns in enumerate(columns_of(self.blocks)):
            known[:, i] = np.isfinite(raw[:, columns]).all(axis=1)
            x[~known[:, i], columns] = 0.0
        return x, known

    def _kind(self, x: FloatArray, known: npt.NDArray[np.bool_]) -> _Kind:
        """What kind of picture each row is of."""
        if self.domain is None:
            return _Kind(np.zeros(len(x)), np.zeros(len(x), bool))
        outside = self.domain.outside(x)
        needed = [bool(self.domain.odds[columns].any()) for columns in columns_of(self.blocks)]
        outside *= known[:, needed].all(axis=1)  # gaps say too little about the kind
        columns = list(self.domain.still)
        at_rest = -self.mean[columns] / self.scale[columns]
        moves = np.asarray((np.abs(x[:, columns] - at_rest) > _AT_REST).any(axis=1))
        return _Kind(outside, moves & bool(self.domain.weight is not None))

    def _blended(self, x: FloatArray, kind: _Kind) -> npt.NDArray[np.float64]:
        """What the columns add to classes, valence and arousal, each map as far as it counts, shape (n, 8)."""
        own = row_products(x, self.weight[:N_MOOD]).astype(np.float64)
        if self.domain is None or self.domain.weight is None:
            return own
        return own + kind.elsewhere[:, None] * (row_products(x, self.domain.weight) - own)

    def _mood(self, x: FloatArray, known: npt.NDArray[np.bool_], kind: _Kind) -> Mood:
        """The linear maps and their calibration."""
        out = row_products(x, self.weight) + self.bias  # (n, K)
        probabilities = softmax(out[:, :N_CLASSES] / self.temperature)
        plane = np.clip(out[:, N_CLASSES:N_MOOD], -1.0, 1.0)
        odds = log_odds(probabilities.max(axis=1, initial=0.0))
        confidence = 1.0 / (1.0 + np.exp(-(self.confidence_slope * odds + self.confidence_offset)))
        doubt = 1.0 - np.minimum((known * self._usual_shares()).sum(axis=1), 1.0)
        if self.domain is not None:
            beliefs = classes_near(plane[:, 0], plane[:, 1], error=READ_ERROR)
            if self.domain.weight is not None and self.domain.bias is not None:
                other = row_products(x, self.domain.weight) + self.domain.bias
                aside = np.clip(other[:, N_CLASSES:], -1.0, 1.0)
                beliefs = np.where(kind.moves[:, None], softmax(other[:, :N_CLASSES]), beliefs)
                plane = plane + kind.elsewhere[:, None] * (aside - plane)
            agreement = np.sqrt(beliefs * probabilities).sum(axis=1)  # Bhattacharyya's, in [0, 1]
            probabilities += kind.outside[:, None] * (beliefs - probabilities)
            doubt = np.maximum(doubt, kind.outside * (1.0 - agreement))
        confidence = confidence - doubt * np.maximum(confidence - 1.0 / N_CLASSES, 0.0)
        return Mood(
            probabilities=probabilities.astype(np.float32),
            valence=plane[:, 0].astype(np.float32),
            arousal=plane[:, 1].astype(np.float32),
            confidence=confidence.astype(np.float32),
            further=np.asarray(out[:, N_MOOD:], np.float32),
        )

    def _usual_shares(self) -> npt.NDArray[np.float64]:
        """Share of each block in the weights of classes, valence and arousal, adding up to 1, shape (n_blocks,)."""
        sizes = [float(np.linalg.norm(self.weight[:N_MOOD, columns])) for columns in columns_of(self.blocks)]
        total = sum(sizes)
        return np.array(sizes) / total if total > 0 else np.full(len(sizes), 1.0 / len(sizes))

    @classmethod
    def untrained(
        cls, blocks: tuple[Block, ...], *, seed: int = 0, n_further: int = 0, limit: float = float("inf")
    ) -> Head:
        """A seeded head of the right shape that has learned nothing."""
        rng = np.random.default_rng(seed)
        n = sum(block.dim for block in blocks)
        rows = N_MOOD + n_further
        return cls(
            blocks,
            mean=np.zeros(n, np.float32),
            scale=np.ones(n, np.float32),
            weight=rng.normal(0, n**-0.5, (rows, n)).astype(np.float32),
            bias=np.zeros(rows, np.float32),
            limit=limit,
        )


def classes_near(
    valence: npt.NDArray[np.floating], arousal: npt.NDArray[np.floating], *, error: float = 0.0
) -> npt.NDArray[np.float64]:
    """Beliefs about the class of pictures, by how near each class is on the plane, shape (n, 6).

    Most of what people film is neither sad nor tense; the labelled films, cut from music videos, hardly hold any of it.

    Parameters
    ----------
    valence, arousal : ndarray, shape=(n,)
        In [-1, 1].
    error : float >= 0
        How far they may be from what people would say, as a root mean square.
    """
    points = STILL_SCALE * np.array([CLASS_VALENCE_AROUSAL[e] for e in EMOTIONS])
    ratings = np.stack([valence, arousal], axis=1).astype(np.float64)
    spread = float(np.hypot(STILL_SPREAD, error))
    near = np.exp(-((ratings[:, None] - points) ** 2).sum(axis=2) / (2 * spread**2)) + 1e-3
    return np.asarray(near / near.sum(axis=1, keepdims=True), np.float64)


def columns_of(blocks: Sequence[Block]) -> tuple[slice, ...]:
    """The columns of each block, side by side in this order."""
    ends = np.cumsum([block.dim for block in blocks]).tolist()
    return tuple(slice(end - block.dim, end) for block, end in zip(blocks, ends, strict=True))


def rows_of(features: Blocks, rows: npt.NDArray[np.generic]) -> dict[str, FloatArray]:
    """Some rows of all channels, by a mask or by numbers."""
    return {name: values[rows] for name, values in features.items()}


def side_by_side(features: Blocks, blocks: Sequence[Block], *, rooted: bool = False) -> FloatArray:
    """Features by channel as columns in the order of some blocks, NaN where a channel is missing, shape (n, F).

    Parameters
    ----------
    features : mapping of str to ndarray, shape=(n, dim), float32
        At least one channel of `blocks`; others are passed over.
    blocks : sequence of Block
        Which columns are wanted.
    rooted : bool
        Take the square roots of the blocks that want it.

    Raises
    ------
    ValueError
        No channel is there, the rows disagree about n, or a channel has another width.
    """
    rows = {len(features[block.channel]) for block in blocks if block.channel in features}
    if len(rows) != 1:
        names = ", ".join(block.channel for block in blocks)
        raise ValueError(f"need at least one of {names}, all of one length; got {sorted(features)}")
    (n,) = rows
    parts = []
    for block in blocks:
        part = features.get(block.channel)
        if part is None:
            part = np.full((n, block.dim), np.nan, np.float32)
        if part.shape != (n, block.dim):
            raise ValueError(f"{block.channel} must have shape ({n}, {block.dim}), got {part.shape}")
        parts.append(np.sqrt(np.maximum(part, 0.0)) if rooted and block.rooted else part)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _shares(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shares of some channels, shape (c, n), from sizes for classes and plane and whether they are known, (c, 3, n)."""
    known = sizes[:, 2]
    alike = known / np.maximum(known.sum(axis=0), 1.0)
    total = sizes[:, :2].sum(axis=0, keepdims=True)
    parts = np.where(total > 0, sizes[:, :2] / np.where(total > 0, total, 1.0), alike[:, None])
    return np.asarray(parts.mean(axis=1))
