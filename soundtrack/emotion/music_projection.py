"""Raw evidence of a track to readings by head and joint space, without a network and without sound.

Goes in: rows of features by the name of the channel. Comes out: a `ReadingBatch`. The share of a stretch that is silent
reads as neutral, unsure. A stretch of a track is heard in its context (`in_context`); beyond that a row reads alike
whatever other rows there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from soundtrack.checkpoints.arrays import load_arrays
from soundtrack.checkpoints.manifest import LocatedModel, find_model, read_config
from soundtrack.checkpoints.trained import find_network
from soundtrack.emotion.head import Head, Mood, columns_of, side_by_side
from soundtrack.emotion.head_file import PREFIX
from soundtrack.emotion.music_channels import NETWORK, music_channels
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_head import head_form
from soundtrack.errors import ModelError
from soundtrack.types import EMOTIONS, Channel, EmotionState, FloatArray, Opinion, ReadingBatch

_NEUTRAL = EMOTIONS.index("Neutral")
UNLIKE = 2.0
"""As `in_context` takes it; chosen by folds."""


class Space(Protocol):
    """The part of the joint space that the music side needs."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def project_music(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors, shape (n, dim)."""
        ...


class MusicProjection:
    """Head and joint space over the channels of a track.

    Parameters
    ----------
    head : Head
        With its weights.
    space : Space
        Where the vectors live.
    channels : tuple of Channel
        Of the music model, in the order of the head's inputs.
    """

    def __init__(self, head: Head, space: Space, channels: tuple[Channel, ...]) -> None:
        self.head = head
        self.space = space
        self.channels = channels

    @classmethod
    def load(cls, music: str, space: str) -> MusicProjection:
        """Those of the models of these names.

        Raises
        ------
        ModelError
            One is missing or damaged, or they do not belong together.
        """
        from soundtrack.emotion.space import JointSpace, space_ref

        model, arrays = _music_model(music)
        document = read_config(model)
        config = MusicTowerConfig.from_dict(document)
        form = head_form(document, config, where=model.folder)
        own = {name.removeprefix(PREFIX): value for name, value in arrays.items() if name.startswith(PREFIX)}
        head = form.head(own, where=model.weights)
        try:
            joint = JointSpace.from_tensors(load_arrays(find_model(space)), ref=space_ref(space))
        except (KeyError, ValueError) as error:
            raise ModelError(f"{model.weights}: {error}", hint="run `soundtrack models verify`") from error
        joint.check_inputs(music=form.n_columns)
        return cls(head, joint, music_channels(config, arrays))

    def read(self, blocks: Mapping[str, FloatArray], counts: Sequence[int] = ()) -> ReadingBatch:
        """Readings of some stretches.

        Parameters
        ----------
        blocks : mapping of name to ndarray, shape=(n, dim), float32
            Features by channel, one row for each stretch. A channel that is missing counts as its mean, and the
            confidence falls; one that the head does not know is passed over.
        counts : sequence of int
            How many rows are successive stretches of one track, track after track, n in all; they are read in their
            context. Where none is given, each row is read alone.

        Returns
        -------
        ReadingBatch
            One row for each stretch.

        Raises
        ------
        ValueError
            None of the channels is there, or the blocks do not fit.
        """
        inputs, audible = self._heard(blocks, counts)
        probabilities, valence, arousal, confidence = _with_silence(self.head.read(inputs), audible)
        features = side_by_side(inputs, self.head.blocks)
        vectors = self.space.project_music(probabilities, valence, arousal, features)
        return ReadingBatch(probabilities, valence, arousal, confidence, vectors)

    def place(self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray) -> FloatArray:
        """Unit vectors of stretches of which nothing but the mood is known, shape (n, D)."""
        features = np.full((len(probabilities), len(self.head.mean)), np.nan, np.float32)
        return self.space.project_music(probabilities, valence, arousal, features)

    def opinions(self, blocks: Mapping[str, FloatArray], counts: Sequence[int] = ()) -> list[tuple[Opinion, ...]]:
        """What each channel that is there would say alone about each stretch, most weight first; as `read`."""
        inputs, audible = self._heard(blocks, counts)
        said = self.head.opinions(inputs)
        moods = {name: _with_silence(its.mood, audible) for name, its in said.items()}
        return [
            tuple(
                sorted(
                    (Opinion(name, float(its.weight[i]), _state(*moods[name], i)) for name, its in said.items()),
                    key=lambda opinion: -opinion.weight,
                )
            )
            for i in range(len(audible))
        ]

    def inputs(self, blocks: Mapping[str, FloatArray]) -> tuple[dict[str, FloatArray], FloatArray]:
        """Features as the head reads them, and the audible share of each stretch."""
        inputs = {channel.name: blocks[channel.name] for channel in self.channels if channel.name in blocks}
        if not inputs:
            raise ValueError(
                f"missing evidence: needs {' or '.join(c.name for c in self.channels)}, got {sorted(blocks)}"
            )
        if NETWORK not in inputs:
            return inputs, np.ones(len(next(iter(inputs.values()))), np.float32)
        audible = inputs[NETWORK][:, -1]
        return {**inputs, NETWORK: inputs[NETWORK][:, :-1]}, audible

    def _heard(
        self, blocks: Mapping[str, FloatArray], counts: Sequence[int]
    ) -> tuple[dict[str, FloatArray], FloatArray]:
        """As `inputs`, in context where rows are stretches of tracks."""
        inputs, audible = self.inputs(blocks)
        scales = {
            block.channel: self.head.scale[columns]
            for block, columns in zip(self.head.blocks, columns_of(self.head.blocks), strict=True)
        }
        if len(counts) and NETWORK in inputs and NETWORK in scales:
            inputs = in_context(inputs, audible, counts, by=inputs[NETWORK] / scales[NETWORK])
        return inputs, audible


def in_context(
    inputs: Mapping[str, FloatArray],
    audible: FloatArray,
    counts: Sequence[int],
    *,
    by: FloatArray,
    unlike: float = UNLIKE,
) -> dict[str, FloatArray]:
    """Each stretch of a track as the mean of itself and its two neighbours, as far as these sound like it.

    Ten seconds are little to tell a mood by, and the neighbours mostly go on in the same one; where the music changes,
    they count for little, so that the change stays where it is. Silent neighbours do not count.

    Parameters
    ----------
    inputs : mapping of name to ndarray, shape=(n, dim), float32
        Features by channel.
    audible : ndarray, shape=(n,), float32
        Audible share of each stretch, in [0, 1].
    counts : sequence of int
        Successive stretches of each track, n in all.
    by : ndarray, shape=(n, k), float32
        Standardised features whose distance says how unlike two stretches sound.
    unlike : float > 0
        Mean squared distance at which a neighbour counts for 1/e of one that sounds the same.
    """
    n = len(audible)
    if sum(counts) != n:
        raise ValueError(f"counts must add up to {n} rows, got {sum(counts)}")
    if n < 2:
        return dict(inputs)
    likeness = np.exp(-np.square(by[1:] - by[:-1], dtype=np.float64).mean(axis=1) / unlike)
    ends = np.cumsum(counts)[:-1]
    likeness[ends[(ends > 0) & (ends < n)] - 1] = 0.0  # the last of one track and the first of the next
    before, after = np.zeros(n), np.zeros(n)
    before[1:], after[:-1] = likeness * audible[:-1], likeness * audible[1:]
    total = 1.0 + before + after

    def mixed(rows: FloatArray) -> FloatArray:
        mean = rows.astype(np.float64)
        mean[1:] += before[1:, None] * rows[:-1]
        mean[:-1] += after[:-1, None] * rows[1:]
        return np.asarray(mean / total[:, None], np.float32)

    return {name: mixed(rows) for name, rows in inputs.items()}


def _with_silence(mood: Mood, audible: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Classes, valence, arousal and confidence, where the silent share of a stretch reads as neutral, unsure."""
    neutral = np.full(len(EMOTIONS), 0.8 / (len(EMOTIONS) - 1), np.float32)
    neutral[_NEUTRAL] = 0.2
    share = audible[:, None]
    probabilities = share * mood.probabilities + (1 - share) * neutral
    calibration = mood.confidence - mood.probabilities.max(axis=1)
    confidence = np.clip(probabilities.max(axis=1) + audible * calibration, 0.0, 1.0)
    return probabilities, mood.valence * audible, mood.arousal * audible, confidence


def _state(
    probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, confidence: FloatArray, i: int
) -> EmotionState:
    """One row as a state."""
    shares = probabilities[i].astype(np.float64)
    return EmotionState(
        probabilities=tuple((shares / shares.sum()).tolist()),
        valence=float(np.clip(valence[i], -1.0, 1.0)),
        arousal=float(np.clip(arousal[i], -1.0, 1.0)),
        confidence=float(confidence[i]),
    )


def channels_of(music: str) -> tuple[Channel, ...]:
    """The channels of the music model of this name.

    Raises
    ------
    ModelError
        It is missing or damaged.
    """
    model, arrays = _music_model(music)
    return music_channels(MusicTowerConfig.from_dict(read_config(model)), arrays)


def _music_model(name: str) -> tuple[LocatedModel, dict[str, FloatArray]]:
    model = find_network(name, role="music")
    return model, load_arrays(model)
