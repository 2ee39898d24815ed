"""The joint space: one projection for each side (picture, music, words), into unit vectors whose cosine is similarity.

Goes in: what a head says about n stretches (class probabilities, valence, arousal) and the features it read. Comes
out: float32 ``(n, D)`` unit vectors; those of any side can be compared with those of any other. A vector is three unit
vectors side by side, each with its weight, so the cosine of two stretches is a weighted mean of three likenesses:

- of the classes: square roots of the probabilities, whose product is the Bhattacharyya coefficient;
- of valence and arousal: the point of the plane lifted to the sphere, where closeness is a cosine;
- of a learned linear code of features, fitted on pictures and sounds that belong together.

Numpy only; fitted by `soundtrack.training.space`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

import numpy as np

from soundtrack.errors import ModelError
from soundtrack.networks.products import row_products
from soundtrack.types import EMOTIONS, FloatArray, ModelRef

MODEL = "joint-space"
"""Name of the embedded model."""
PICTURE, MUSIC = "picture", "music"
"""Sides that every space has; it may have more, such as ``words``."""
READ_BY = "segments in context, 1"
"""How evidence is read by head and space; with a new rule an index is derived again, as with new weights."""
_IN_FILES = {PICTURE: "video"}
"""What a side is called in weights files, where that differs."""
N_MOOD = len(EMOTIONS)
N_PLANE = 3
_LIMIT = 5.0
_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class SideProjection:
    """How one side comes into the space; a side without features, such as words, has moods alone."""

    mood_centre: FloatArray = field(repr=False, compare=False)
    """Subtracted from the square roots of the probabilities, shape (6,)."""
    plane_offset: FloatArray = field(repr=False, compare=False)
    """Subtracted from valence and arousal, shape (2,)."""
    plane_scale: FloatArray = field(repr=False, compare=False)
    """The differences are multiplied by this, shape (2,)."""
    feature_mean: FloatArray = field(repr=False, compare=False)
    """Subtracted from the features, shape (n_features,)."""
    feature_scale: FloatArray = field(repr=False, compare=False)
    """The difference is divided by this, above 0, shape (n_features,)."""
    code: FloatArray = field(repr=False, compare=False)
    """From standardised features to the learned code, shape (n_code, n_features)."""

    def __post_init__(self) -> None:
        n_features = self.feature_mean.shape[0]
        if self.mood_centre.shape != (N_MOOD,) or self.plane_offset.shape != (2,) or self.plane_scale.shape != (2,):
            raise ValueError("mood_centre must have shape (6,), plane_offset and plane_scale shape (2,)")
        if self.feature_scale.shape != (n_features,) or not bool((self.feature_scale > 0).all()):
            raise ValueError("feature_scale must be above 0, one per feature")
        if self.code.ndim != 2 or self.code.shape[1] != n_features:
            raise ValueError(f"code must have shape (n_code, {n_features}), got {self.code.shape}")

    def parts(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors of classes (n, 6), plane (n, 3) and learned code (n, n_code).

        Features that are missing (NaN) count as their mean; where all are, the code is 0.
        """
        mood = np.sqrt(np.maximum(probabilities, 0.0)) - self.mood_centre
        plane = np.stack([valence, arousal], axis=1) - self.plane_offset
        known = np.isfinite(features)
        standard = np.clip((features - self.feature_mean) / self.feature_scale, -_LIMIT, _LIMIT)
        code = _unit(row_products(np.where(known, standard, np.float32(0)), self.code))
        return _unit(mood), _lifted(plane * self.plane_scale), code * known.any(axis=1, keepdims=True)

    @classmethod
    def untrained(cls, *, n_features: int, n_code: int, rng: np.random.Generator) -> SideProjection:
        """A projection that knows nothing about the features."""
        return cls(
            mood_centre=np.zeros(N_MOOD, np.float32),
            plane_offset=np.zeros(2, np.float32),
            plane_scale=np.ones(2, np.float32),
            feature_mean=np.zeros(n_features, np.float32),
            feature_scale=np.ones(n_features, np.float32),
            code=rng.normal(0, max(n_features, 1) ** -0.5, (n_code, n_features)).astype(np.float32),
        )


def _unit(rows: FloatArray) -> FloatArray:
    """Rows of length 1; a row of zeros becomes the first axis, so that nothing is ever undefined."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    first = np.zeros((1, rows.shape[1]))
    first[0, 0] = 1.0
    return np.asarray(np.where(length > _TINY, rows / np.maximum(length, _TINY), first))


def _lifted(plane: FloatArray) -> FloatArray:
    """Points of the plane on the unit sphere: the origin is the pole, far points approach the equator, shape (n, 3)."""
    squared = (plane**2).sum(axis=1, keepdims=True)
    return np.asarray(np.concatenate([2 * plane, 1 - squared], axis=1) / (1 + squared))


def space_ref(name: str = MODEL) -> ModelRef:
    """What a joint space and the towers before it are called, from the manifest alone: no weights are read.

    Raises
    ------
    ModelError
        The model or one of its towers is missing, or it is no joint space.
    """
    from soundtrack.checkpoints.manifest import find_model, read_config

    model = find_model(name)
    if model.entry.role != "space":
        raise ModelError(
            f"{name} is a {model.entry.role} model, not a joint space", hint="run `soundtrack models list`"
        )
    config = read_config(model)
    digest = hashlib.sha256()
    for tower in sorted(str(t) for t in (config.get("video"), config.get("music")) if t):
        digest.update(find_model(tower).entry.sha256.encode())
    digest.update(model.entry.sha256.encode())
    digest.update(READ_BY.encode())
    return ModelRef(
        name=str(config.get("name", name)),
        version=model.entry.version,
        sha256=digest.hexdigest(),
        dim=model.entry.embedding_dim,
    )


class JointSpace:
    """The projections of all sides and the weights of the three likenesses.

    Parameters
    ----------
    sides : mapping of str to SideProjection
        By name, ``picture`` and ``music`` among them; codes of one length.
    weights : ndarray, shape=(3,), float32
        Of classes, plane and learned code in the cosine; at least 0, not all 0.
    ref : ModelRef
        Names the towers and the space, and their bytes.

    Examples
    --------
    >>> space = JointSpace.untrained(dim=16, n_music_features=4)
    >>> one = np.full((1, 6), 1 / 6, np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32)
    >>> space.project("music", *one, np.ones((1, 4), np.float32)).shape
    (1, 16)
    """

    def __init__(self, sides: Mapping[str, SideProjection], *, weights: FloatArray, ref: ModelRef) -> None:
        lengths = {name: side.code.shape[0] for name, side in sides.items()}
        if not {PICTURE, MUSIC} <= lengths.keys():
            raise ValueError(f"a space needs the sides {PICTURE} and {MUSIC}, got {sorted(lengths)}")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"codes must have one length, got {lengths}")
        if weights.shape != (3,) or bool((weights < 0).any()) or not float(weights.sum()) > 0:
            raise ValueError(f"weights must be three numbers at least 0, not all 0, got {weights}")
        if ref.dim != N_MOOD + N_PLANE + lengths[PICTURE]:
            raise ValueError(f"dim must be {N_MOOD + N_PLANE + lengths[PICTURE]}, got {ref.dim}")
        self.sides = MappingProxyType(dict(sides))
        self.weights = weights
        self.ref = ref

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.ref.dim

    @classmethod
    def load(cls, name: str = MODEL) -> JointSpace:
        """The space of a model at hand.

        Parameters
        ----------
        name : str
            Of the manifest.

        Raises
        ------
        ModelError
            The model is missing or damaged.
        """
        from soundtrack.checkpoints.arrays import load_arrays
        from soundtrack.checkpoints.manifest import find_model

        ref = space_ref(name)
        model = find_model(name)
        arrays = load_arrays(model)
        try:
            return cls.from_tensors(arrays, ref=ref)
        except (KeyError, ValueError) as error:
            raise ModelError(f"{model.weights}: {error}", hint="run `soundtrack models verify`") from error

    @classmethod
    def untrained(
        cls, *, dim: int = 32, n_video_features: int = 8, n_music_features: int = 8, seed: int = 0
    ) -> JointSpace:
        """A seeded space that knows nothing but classes, valence and arousal."""
        rng = np.random.default_rng(seed)
        n_code = dim - N_MOOD - N_PLANE
        return cls(
            {
                PICTURE: SideProjection.untrained(n_features=n_video_features, n_code=n_code, rng=rng),
                MUSIC: SideProjection.untrained(n_features=n_music_features, n_code=n_code, rng=rng),
            },
            weights=np.array([0.6, 0.3, 0.1], np.float32),
            ref=ModelRef(name="untrained", version="1", sha256=f"{seed:064x}", dim=dim),
        )

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, FloatArray], *, ref: ModelRef) -> JointSpace:
        """The space that `tensors` came from: a side for every prefix that its names have."""
        called = {kept: name for name, kept in _IN_FILES.items()}
        prefixes = sorted({key.partition(".")[0] for key in tensors if "." in key})
        sides = {
            called.get(prefix, prefix): SideProjection(
                **{f.name: np.asarray(tensors[f"{prefix}.{f.name}"], np.float32) for f in fields(SideProjection)}
            )
            for prefix in prefixes
        }
        return cls(sides, weights=np.asarray(tensors["weights"], np.float32), ref=ref)

    def check_inputs(self, **given: int) -> None:
        """Refuse towers that give other features than the space was fitted on.

        Parameters
        ----------
        **given : int
            For a side of that name, the length of what its tower gives the space.

        Raises
        ------
        ModelError
            The space belongs to another tower.
        """
        for name, length in given.items():
            fitted = self.sides[name].feature_mean.shape[0]
            if length != fitted:
                raise ModelError(
                    f"joint space {self.ref.name} was fitted on {fitted} {name} features,"
                    f" but this network provides {length}",
                    hint="train a joint space for these networks: `soundtrack train space`",
                )

    def tensors(self) -> dict[str, FloatArray]:
        """Arrays by name, as kept in the weights file."""
        named = {
            f"{_IN_FILES.get(name, name)}.{f.name}": getattr(side, f.name)
            for name, side in self.sides.items()
            for f in fields(SideProjection)
        }
        return {**named, "weights": self.weights}

    def project(
        self, side: str, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors of stretches of one side, shape (n, D), float32.

        Parameters
        ----------
        side : str
            ``picture``, ``music``, or another that the space has.
        probabilities : ndarray, shape=(n, 6)
            Calibrated.
        valence, arousal : ndarray, shape=(n,)
            In [-1, 1].
        features : ndarray, shape=(n, n_features)
            What the head of that side read; NaN where a channel is missing.
        """
        return self._join(self.sides[side].parts(probabilities, valence, arousal, features))

    def project_music(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors of stretches of music: `project` for that side."""
        return self.project(MUSIC, probabilities, valence, arousal, features)

    def _join(self, parts: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
        """Parts side by side, each by the square root of its weight."""
        shares = np.sqrt(self.weights / self.weights.sum())
        joined = np.concatenate([share * part for share, part in zip(shares, parts, strict=True)], axis=1)
        return np.asarray(_unit(joined), np.float32)
