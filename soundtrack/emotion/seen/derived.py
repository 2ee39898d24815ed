"""Channels worked out from what others found: what the stills show, by its words, and how quickly the film is cut.

Goes in: the evidence of stills, shots and clips. Comes out: two more pieces of evidence, so that nothing is decoded or
kept for them. Only those that a head reads are worked out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from soundtrack.channels import digest
from soundtrack.emotion.picture_head import CUTTING, OBJECTS, STILLS
from soundtrack.emotion.seen.stills import NETWORK
from soundtrack.naming.norms import label_norm_of
from soundtrack.types import Channel, Evidence, FloatArray, Medium, Shot, Span

OBJECTS_VERSION = "1"
"""Of the channel ``objects``; changes whenever the numbers of the same film would differ."""
CUTTING_VERSION = "1"
"""The same of ``cutting-rate``."""
N_OBJECTS, N_CUTTING = 2, 1
"""Columns of each."""
WINDOW_S = 30.0
"""Shots are counted in this much film around a clip."""
_UNKNOWN_SHARE = 0.1
"""Weight of the mean of all rated words beside those of what is seen; a still that shows no rated thing gets it."""


def derived(
    evidence: Sequence[Evidence], *, shots: Sequence[Shot], clips: Sequence[Span], wanted: Collection[str]
) -> tuple[Evidence, ...]:
    """The channels of this module that are wanted and known.

    Parameters
    ----------
    evidence : sequence of Evidence
        Of other channels; ``objects`` needs that of ``stills``.
    shots : sequence of Shot
        Tiling the film; none where its cuts say nothing about it.
    clips : sequence of Span
        Each gets a row of ``cutting-rate``.
    wanted : collection of str
        Names of channels.
    """
    found = []
    stills = next((one for one in evidence if one.channel.name == STILLS), None)
    if OBJECTS in wanted and stills is not None:
        found.append(Evidence(_objects(), stills.spans, object_rows(stills.features)))
    if CUTTING in wanted:
        rows = cutting_rows(shots, clips)
        spans = tuple(clips) if np.isfinite(rows).all() else ()
        found.append(Evidence(_cutting(), spans, rows[: len(spans)]))
    return tuple(found)


def object_rows(stills: FloatArray) -> FloatArray:
    """Mean valence and arousal of the words for what stills show, shape (n, 2).

    EfficientNet-Lite2 says how likely each of ImageNet's 1,000 classes is; words are rated by the table of
    `soundtrack.naming.norms`, which knows nearly half of them.

    Parameters
    ----------
    stills : ndarray, shape=(n, 1280), float32
        Features of the channel ``stills``; rows of NaN stay unknown.
    """
    from soundtrack.networks.runs.still_weights import class_shares

    ratings = _class_ratings()
    rated = np.isfinite(ratings[:, 0])
    mean = ratings[rated].mean(axis=0)
    known = np.isfinite(stills).all(axis=1)
    rows = np.full((len(stills), N_OBJECTS), np.nan, np.float32)
    shares = class_shares(stills[known])[:, rated]
    total = shares.sum(axis=1, keepdims=True)
    rows[known] = (shares @ ratings[rated] + _UNKNOWN_SHARE * mean) / (total + _UNKNOWN_SHARE)
    return rows


def cutting_rows(shots: Sequence[Shot], clips: Sequence[Span]) -> FloatArray:
    """Logarithm of the shots a minute around each clip, shape (n, 1); NaN in a film of one shot, which is not edited.

    Examples
    --------
    >>> shots = [Shot(i, Span(6.0 * i, 6.0 * i + 6)) for i in range(10)]
    >>> np.exp(cutting_rows(shots, [Span(30, 32)])).round(1).tolist()
    [[12.0]]
    """
    if len(shots) < 2:
        return np.full((len(clips), N_CUTTING), np.nan, np.float32)
    cuts_s = np.array([shot.span.start_s for shot in shots[1:]])
    first_s, end_s = shots[0].span.start_s, shots[-1].span.end_s
    middles_s = np.array([(clip.start_s + clip.end_s) / 2 for clip in clips])
    starts_s = np.maximum(np.minimum(middles_s - WINDOW_S / 2, end_s - WINDOW_S), first_s)
    ends_s = np.minimum(starts_s + WINDOW_S, end_s)
    n_shots = np.searchsorted(cuts_s, ends_s, "left") - np.searchsorted(cuts_s, starts_s, "right") + 1
    return np.asarray(np.log(60.0 * n_shots / (ends_s - starts_s))[:, None], np.float32)


def _objects() -> Channel:
    made_by = digest(NETWORK, "word norms", _UNKNOWN_SHARE)
    names = ("valence of the words", "arousal of the words")
    return Channel(OBJECTS, OBJECTS_VERSION, Medium.PICTURE, dim=N_OBJECTS, sha256=made_by, names=names)


def _cutting() -> Channel:
    names = ("log shots a minute",)
    made_by = digest("shots", WINDOW_S)
    return Channel(CUTTING, CUTTING_VERSION, Medium.PICTURE, dim=N_CUTTING, sha256=made_by, names=names)


@cache
def _class_ratings() -> npt.NDArray[np.float64]:
    """Valence and arousal of the word for each ImageNet class, NaN where it is not rated, shape (1000, 2)."""
    text = resources.files("soundtrack.emotion.seen").joinpath("imagenet_classes.txt").read_text(encoding="ascii")
    return np.array([label_norm_of(label) or (np.nan, np.nan) for label in text.splitlines()], np.float64)
