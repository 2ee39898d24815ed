"""Head of the picture side: its channels and the concatenation of their evidence. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping

from soundtrack.emotion.head import Block
from soundtrack.types import FloatArray

PICTURE_NETWORK, FILM_NUMBERS = "picture-network", "film-numbers"
"""Names of the channels that every head of a picture network reads, in the order of its columns."""
STILLS = "stills"
"""Name of the channel that looks at stills, which a head may read as well."""
OBJECTS, CUTTING = "objects", "cutting-rate"
"""Names of two channels that are worked out from the stills and the shots."""
ROOTED = frozenset({PICTURE_NETWORK, STILLS})
"""Channels whose features have long tails: heads read the square roots of them."""


def blocks_of(
    n_features: int, n_film: int, *, network_version: str | None = None, film_version: str | None = None
) -> tuple[Block, ...]:
    """The head's columns: roots of n features of the network, then n film numbers."""
    return (
        Block(PICTURE_NETWORK, n_features, rooted=True, version=network_version),
        Block(FILM_NUMBERS, n_film, version=film_version),
    )


def picture_blocks(
    features: FloatArray, film: FloatArray, further: Mapping[str, FloatArray] | None = None
) -> dict[str, FloatArray]:
    """What the head reads: pooled features, shape (n, F), further channels, and film numbers, shape (n, N)."""
    return {PICTURE_NETWORK: features, **(further or {}), FILM_NUMBERS: film}


def layout_of(features: Mapping[str, FloatArray]) -> tuple[Block, ...]:
    """Blocks for a head over some channels of a picture, in the order in which they are given; versions are open."""
    return tuple(Block(name, rows.shape[1], rooted=name in ROOTED) for name, rows in features.items())
