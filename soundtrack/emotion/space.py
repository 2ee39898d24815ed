"""The joint space: one projection for the picture, one for the music, into unit vectors whose cosine is similarity.

Goes in: what a tower says about n stretches (class probabilities, valence, arousal) and what it saw or heard. Comes
out: float32 ``(n, D)`` unit vectors. A vector is three unit vectors side by side, each with its weight, so that the
cosine of two stretches is a weighted mean of three likenesses:

- of the classes: square roots of the probabilities, whose product is the Bhattacharyya coefficient;
- of valence and arousal: the point of the plane lifted to the sphere, where closeness is a cosine;
- of a learned linear code of features, fitted on pictures and sounds that belong together.

Numpy only; fitted by `soundtrack.training.space`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from soundtrack.errors import ModelError
from soundtrack.types import EMOTIONS, FloatArray, ModelRef

MODEL = "joint-space"
"""Name of the embedded model."""
TINY = "tiny-space"
"""Name of the untrained seeded model that tests use."""
N_MOOD = len(EMOTIONS)
N_PLANE = 3
_LIMIT = 5.0
_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class SideProjection:
    """How one side (picture or music) comes into the space."""

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
        """Unit vectors of classes (n, 6), plane (n, 3) and learned code (n, n_code)."""
        mood = np.sqrt(np.maximum(probabilities, 0.0)) - self.mood_centre
        plane = np.stack([valence, arousal], axis=1) - self.plane_offset
        standard = np.clip((features - self.feature_mean) / self.feature_scale, -_LIMIT, _LIMIT)
        return _unit(mood), _lifted(plane * self.plane_scale), _unit(standard @ self.code.T)

    @classmethod
    def untrained(cls, *, n_features: int, n_code: int, rng: np.random.Generator) -> SideProjection:
        """A projection that knows nothing about the features."""
        return cls(
            mood_centre=np.zeros(N_MOOD, np.float32),
            plane_offset=np.zeros(2, np.float32),
            plane_scale=np.ones(2, np.float32),
            feature_mean=np.zeros(n_features, np.float32),
            feature_scale=np.ones(n_features, np.float32),
            code=rng.normal(0, n_features**-0.5, (n_code, n_features)).astype(np.float32),
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
    from soundtrack.emotion.manifest import find_model, read_config

    model = find_model(name)
    if model.entry.role != "space":
        raise ModelError(f"{name} is a {model.entry.role} model, not a joint space", hint="soundtrack models list")
    config = read_config(model)
    digest = hashlib.sha256()
    for tower in sorted(str(t) for t in (config.get("video"), config.get("music")) if t):
        digest.update(find_model(tower).entry.sha256.encode())
    digest.update(model.entry.sha256.encode())
    return ModelRef(
        name=str(config.get("name", name)),
        version=model.entry.version,
        sha256=digest.hexdigest(),
        dim=model.entry.embedding_dim,
    )


class JointSpace:
    """Both projections and the weights of the three likenesses.

    Parameters
    ----------
    video, music : SideProjection
        One per side, with codes of one length.
    weights : ndarray, shape=(3,), float32
        Of classes, plane and learned code in the cosine; at least 0, not all 0.
    ref : ModelRef
        Names the towers and the space, and their bytes.

    Examples
    --------
    >>> space = JointSpace.untrained(dim=16, n_music_features=4)
    >>> one = np.full((1, 6), 1 / 6, np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32)
    >>> space.project_music(*one, np.ones((1, 4), np.float32)).shape
    (1, 16)
    """

    def __init__(self, video: SideProjection, music: SideProjection, *, weights: FloatArray, ref: ModelRef) -> None:
        if video.code.shape[0] != music.code.shape[0]:
            raise ValueError(f"codes must have one length, got {video.code.shape[0]} and {music.code.shape[0]}")
        if weights.shape != (3,) or bool((weights < 0).any()) or not float(weights.sum()) > 0:
            raise ValueError(f"weights must be three numbers at least 0, not all 0, got {weights}")
        if ref.dim != N_MOOD + N_PLANE + video.code.shape[0]:
            raise ValueError(f"dim must be {N_MOOD + N_PLANE + video.code.shape[0]}, got {ref.dim}")
        self.video = video
        self.music = music
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
        from soundtrack.emotion.manifest import find_model
        from soundtrack.emotion.weights import load_weights

        ref = space_ref(name)
        model = find_model(name)
        tensors = {key: value.numpy() for key, value in load_weights(model).items()}
        try:
            return cls.from_tensors(tensors, ref=ref)
        except (KeyError, ValueError) as error:
            raise ModelError(f"{model.weights}: {error}", hint="soundtrack models verify") from error

    @classmethod
    def untrained(
        cls, *, dim: int = 32, n_video_features: int = 8, n_music_features: int = 8, seed: int = 0
    ) -> JointSpace:
        """A seeded space that knows nothing but classes, valence and arousal."""
        rng = np.random.default_rng(seed)
        n_code = dim - N_MOOD - N_PLANE
        return cls(
            SideProjection.untrained(n_features=n_video_features, n_code=n_code, rng=rng),
            SideProjection.untrained(n_features=n_music_features, n_code=n_code, rng=rng),
            weights=np.array([0.6, 0.3, 0.1], np.float32),
            ref=ModelRef(name="tiny", version="1", sha256=f"{seed:064x}", dim=dim),
        )

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, FloatArray], *, ref: ModelRef) -> JointSpace:
        """The space that `tensors` came from."""
        sides = {
            side: SideProjection(
                **{f.name: np.asarray(tensors[f"{side}.{f.name}"], np.float32) for f in fields(SideProjection)}
            )
            for side in ("video", "music")
        }
        return cls(sides["video"], sides["music"], weights=np.asarray(tensors["weights"], np.float32), ref=ref)

    def check_inputs(self, *, video: int | None = None, music: int | None = None) -> None:
        """Refuse towers that give other features than the space was fitted on.

        Parameters
        ----------
        video, music : int, optional
            Length of what a tower gives the space.

        Raises
        ------
        ModelError
            The space belongs to another tower.
        """
        for side, given, projection in (("picture", video, self.video), ("music", music, self.music)):
            fitted = projection.feature_mean.shape[0]
            if given is not None and given != fitted:
                raise ModelError(
                    f"joint space {self.ref.name} was fitted on {fitted} {side} features; this network gives {given}",
                    hint="networks and space belong together; fit another: soundtrack train space",
                )

    def tensors(self) -> dict[str, FloatArray]:
        """Arrays by name, as kept in the weights file."""
        named = {
            f"{side}.{f.name}": getattr(projection, f.name)
            for side, projection in (("video", self.video), ("music", self.music))
            for f in fields(SideProjection)
        }
        return {**named, "weights": self.weights}

    def project_video(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors of stretches of picture, shape (n, D), float32.

        Parameters
        ----------
        probabilities : ndarray, shape=(n, 6)
            Calibrated.
        valence, arousal : ndarray, shape=(n,)
            In [-1, 1].
        features : ndarray, shape=(n, n_features)
            What the picture tower saw.
        """
        return self._join(self.video.parts(probabilities, valence, arousal, features))

    def project_music(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors of stretches of music, shape (n, D), float32; as `project_video`."""
        return self._join(self.music.parts(probabilities, valence, arousal, features))

    def _join(self, parts: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
        """Parts side by side, each by the square root of its weight."""
        shares = np.sqrt(self.weights / self.weights.sum())
        joined = np.concatenate([share * part for share, part in zip(shares, parts, strict=True)], axis=1)
        return np.asarray(_unit(joined), np.float32)
