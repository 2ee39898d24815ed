"""A head and its side of the joint space: evidence of some channels in, readings and opinions out.

Goes in: features by channel, one row for each stretch. Comes out: a `ReadingBatch`, and what each channel says by
itself. Nothing is watched or heard here, so that a new head or space reads what is kept. Numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from soundtrack.emotion.head import Head, side_by_side
from soundtrack.errors import ModelError
from soundtrack.types import Channel, FloatArray, OpinionBatch, ReadingBatch


class Space(Protocol):
    """The part of the joint space that a reader needs."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def project(
        self, side: str, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray, /
    ) -> FloatArray:
        """Unit vectors, shape (n, dim)."""
        ...


class Reader:
    """Reads the evidence of one side.

    Parameters
    ----------
    head : Head
        Calibrated.
    space : Space
        Places readings beside those of the other sides.
    side : str
        Of the space.
    """

    def __init__(self, head: Head, space: Space, *, side: str) -> None:
        self.head, self._space, self._side = head, space, side

    @property
    def dim(self) -> int:
        """Length of the embeddings."""
        return self._space.dim

    def read(self, blocks: Mapping[str, FloatArray]) -> ReadingBatch:
        """What the head says about each row, and where that is in the joint space.

        Parameters
        ----------
        blocks : mapping of str to ndarray, shape=(n, dim), float32
            Features by channel, as `Head.read` takes them.
        """
        mood = self.head.read(blocks)
        features = side_by_side(blocks, self.head.blocks)
        embedding = self._space.project(self._side, mood.probabilities, mood.valence, mood.arousal, features)
        return ReadingBatch(
            probabilities=mood.probabilities,
            valence=mood.valence,
            arousal=mood.arousal,
            confidence=mood.confidence,
            embedding=np.asarray(embedding, np.float32),
        )

    def known(self, channels: Sequence[Channel], blocks: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Those of some blocks that the head was fitted on; channels of another version or length count as missing.

        Parameters
        ----------
        channels : sequence of Channel
            Whose features are in `blocks`.
        blocks : mapping of str to ndarray
            Features by channel.

        Raises
        ------
        ModelError
            There is none of them.
        """
        found = {
            channel.name: blocks[channel.name]
            for channel in channels
            if any(block.reads(channel) for block in self.head.blocks)
        }
        if not found:
            wanted = ", ".join(f"{b.channel} {b.version or ''}".strip() for b in self.head.blocks)
            given = ", ".join(f"{channel.name} {channel.version}" for channel in channels) or "none"
            raise ModelError(
                f"the model was trained on the channels {wanted}; this installation provides: {given}",
                hint="use a model of this soundtrack version; run `soundtrack models list`",
            )
        return found

    def opinions(self, channels: Sequence[Channel], blocks: Mapping[str, FloatArray]) -> tuple[OpinionBatch, ...]:
        """What each channel says by itself about each row, in the order of `channels`.

        A channel for which the head has no block weighs 0 and gives its own numbers instead, where it names them.

        Parameters
        ----------
        channels : sequence of Channel
            Whose features are in `blocks`.
        blocks : mapping of str to ndarray, shape=(n, dim), float32
            As `read` takes them.
        """
        said = self.head.opinions(self.known(channels, blocks))
        found = []
        for channel in channels:
            features = blocks[channel.name]
            known = np.asarray(np.isfinite(features).all(axis=1))
            alone = said.get(channel.name)
            if alone is None:
                named = features if channel.names else features[:, :0]
                found.append(OpinionBatch(channel, known, np.zeros(len(known), np.float32), measures=named))
            else:
                mood = alone.mood
                found.append(
                    OpinionBatch(
                        channel,
                        known,
                        alone.weight,
                        probabilities=mood.probabilities,
                        plane=np.stack([mood.valence, mood.arousal], axis=1),
                        confidence=mood.confidence,
                    )
                )
        return tuple(found)
