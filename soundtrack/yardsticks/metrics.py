"""Metrics for judging models; pure numpy.

Goes in: predictions, truths and similarity matrices. Comes out: plain floats and small arrays. Similarity matrices
have one row per query (a clip's picture) and one column per track (a clip's sound), row ``i`` and column ``i`` being
one clip. Ties count half where two alternatives are compared, and go to the lower index where a winner is needed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def _same_length(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    """Refuse arrays of different length, and empty ones."""
    if first.shape[0] != second.shape[0] or first.shape[0] == 0:
        raise ValueError(f"need two arrays of one length, at least 1, got {first.shape[0]} and {second.shape[0]}")


# --- classes ----


def accuracy(truth: Integers, predicted: Integers) -> float:
    """Share of right answers, in [0, 1].

    Examples
    --------
    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]))
    0.75
    """
    _same_length(truth, predicted)
    return float(np.mean(truth == predicted))


def confusion(truth: Integers, predicted: Integers, *, n_classes: int) -> Integers:
    """Counts, row = true class, column = predicted class, shape (n_classes, n_classes)."""
    _same_length(truth, predicted)
    table = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def calibration_error(truth: Integers, probabilities: Array, *, n_bins: int = 10) -> float:
    """Expected calibration error of the leading class, in [0, 1] (Guo et al. 2017, equation 5).

    Parameters
    ----------
    truth : ndarray, shape=(n,), int
        True classes.
    probabilities : ndarray, shape=(n, n_classes)
        Rows adding up to 1.
    n_bins : int
        Bins of equal width over the confidence.
    """
    _same_length(truth, probabilities)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    error = 0.0
    for b in range(n_bins):
        inside = bins == b
        if inside.any():
            error += float(np.mean(inside)) * abs(float(np.mean(right[inside])) - float(np.mean(confidence[inside])))
    return error


def calibration_error_by_chance(probabilities: Array, *, n_draws: int = 200, seed: int = 0, n_bins: int = 10) -> float:
    """Mean `calibration_error` of the same readings if they were perfectly calibrated: what so few rows show by chance.

    Classes are drawn from the probabilities themselves (consistency resampling; Bröcker and Smith 2007). An error near
    this number is no sign of poor calibration.

    Parameters
    ----------
    probabilities : ndarray, shape=(n, n_classes)
        Rows adding up to 1.
    n_draws : int
        How many times classes are drawn.
    seed : int
        Of the draws.
    n_bins : int
        As in `calibration_error`.
    """
    rng = np.random.default_rng(seed)
    edges = np.cumsum(probabilities, axis=1)
    edges /= edges[:, -1:]
    draws = []
    for _ in range(n_draws):
        truth = (rng.random((len(probabilities), 1)) > edges[:, :-1]).sum(axis=1)
        draws.append(calibration_error(truth, probabilities, n_bins=n_bins))
    return float(np.mean(draws))


# --- retrieval ----


def own_source(sources: Integers) -> Mask:
    """Pairs that share a source, shape (n, n): they never meet in a gallery."""
    return np.asarray(sources[:, None] == sources[None, :], dtype=np.bool_)


def _ranking(similarity: Array, excluded: Mask) -> tuple[Integers, Integers]:
    """Track indices of each query from best to worst, and how many of them are allowed."""
    masked = np.where(excluded, -np.inf, similarity)
    order = np.argsort(-masked, axis=1, kind="stable")
    return order, np.asarray((~excluded).sum(axis=1), dtype=np.int64)


def precision_by_query(similarity: Array, classes: Integers, excluded: Mask, *, k: int) -> Array:
    """Share of the k nearest tracks that have the query's class, shape (n,); NaN where the gallery is empty.

    Parameters
    ----------
    similarity : ndarray, shape=(n, n)
        Higher is closer.
    classes : ndarray, shape=(n,), int
        Class of each clip, both as query and as track.
    excluded : ndarray, shape=(n, n), bool
        Pairs that never meet.
    k : int, at least 1
        How many of the nearest; all where the gallery is smaller.
    """
    order, allowed = _ranking(similarity, excluded)
    shares = np.full(similarity.shape[0], np.nan)
    for i in range(similarity.shape[0]):
        top = order[i, : min(k, int(allowed[i]))]
        if top.size:
            shares[i] = float(np.mean(classes[top] == classes[i]))
    return shares


def precision_at(similarity: Array, classes: Integers, excluded: Mask, *, k: int) -> float:
    """Mean of `precision_by_query`, in [0, 1]."""
    return mean(precision_by_query(similarity, classes, excluded, k=k))


def pair_auc(similarity: Array, classes: Integers, excluded: Mask, *, rows: Integers | None = None) -> float:
    """Area under the ROC curve of the similarity over all pairs, in [0, 1]: is a pair of one class, or of two?

    Every pair of a query and a track counts once, so that queries whose similarities are high throughout weigh against
    the measure, other than in `two_afc_emotion_by_query`. NaN where one of the two kinds of pairs is missing. With
    `rows` only those queries count, as often as they are named.

    Examples
    --------
    >>> pair_auc(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), np.zeros((2, 2), bool))
    1.0
    """
    from scipy.stats import rankdata

    chosen = np.arange(len(similarity)) if rows is None else rows
    allowed = ~excluded[chosen]
    values, same = similarity[chosen][allowed], (classes[chosen, None] == classes[None, :])[allowed]
    n_same, n_other = int(same.sum()), int((~same).sum())
    if not n_same or not n_other:
        return float("nan")
    ranks = rankdata(values)
    return float((ranks[same].sum() - n_same * (n_same + 1) / 2) / (n_same * n_other))


def reciprocal_rank_by_query(similarity: Array, classes: Integers, excluded: Mask) -> Array:
    """One over the rank of the first track of the query's class, shape (n,); NaN where there is no such track."""
    order, allowed = _ranking(similarity, excluded)
    values = np.full(similarity.shape[0], np.nan)
    for i in range(similarity.shape[0]):
        hits = np.flatnonzero(classes[order[i, : int(allowed[i])]] == classes[i])
        if hits.size:
            values[i] = 1.0 / (1.0 + float(hits[0]))
    return values


def mean(values: Array) -> float:
    """Mean of the entries that are not NaN; NaN without any."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _beats(high: Array, low: Array) -> float:
    """Share of pairs (one of each) in which the first is higher, ties half."""
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left")
    up_to = np.searchsorted(ordered, high, side="right")
    return float(np.mean((below + up_to) / (2 * low.size)))


def two_afc_emotion_by_query(similarity: Array, classes: Integers, excluded: Mask) -> Array:
    """Share of (same class, other class) pairs of tracks ranked rightly, by query, shape (n,), NaN without any."""
    result = np.full(similarity.shape[0], np.nan)
    for i in range(similarity.shape[0]):
        open_to = ~excluded[i]
        same = similarity[i, open_to & (classes == classes[i])]
        other = similarity[i, open_to & (classes != classes[i])]
        if same.size and other.size:
            result[i] = _beats(same, other)
    return result


def two_afc_emotion(similarity: Array, classes: Integers, excluded: Mask) -> float:
    """Two-alternative accuracy by emotion, macro-averaged over the query's classes, in [0, 1]; 0.5 is chance."""
    by_query = two_afc_emotion_by_query(similarity, classes, excluded)
    return macro_mean(by_query, classes)


def macro_mean(values: Array, classes: Integers) -> float:
    """Mean over classes of the mean within each class; NaN entries and empty classes are left out."""
    means = [
        float(np.mean(values[(classes == c) & np.isfinite(values)]))
        for c in np.unique(classes)
        if np.isfinite(values[classes == c]).any()
    ]
    return float(np.mean(means)) if means else float("nan")


def two_afc_true_track_by_query(similarity: Array, sources: Integers) -> Array:
    """For each query the share of other sources' tracks that its own track beats, shape (n,), NaN without others."""
    result = np.full(similarity.shape[0], np.nan)
    for i in range(similarity.shape[0]):
        others = similarity[i, sources != sources[i]]
        if others.size:
            result[i] = _beats(similarity[i, i : i + 1], others)
    return result


def two_afc_true_track(similarity: Array, sources: Integers) -> float:
    """Own track against another source's, mean over queries, in [0, 1]; 0.5 is chance."""
    return mean(two_afc_true_track_by_query(similarity, sources))


def own_track_rank_by_query(similarity: Array, sources: Integers) -> Array:
    """Rank of the own track among itself and other sources' tracks, 1 is best, ties count half, shape (n,)."""
    ranks = np.ones(similarity.shape[0])
    for i in range(similarity.shape[0]):
        others = similarity[i, sources != sources[i]]
        own = similarity[i, i]
        ranks[i] += float(np.sum(others > own)) + 0.5 * float(np.sum(others == own))
    return ranks


def winners(similarity: Array, excluded: Mask) -> Integers:
    """How often each track comes first, shape (n_tracks,)."""
    order, allowed = _ranking(similarity, excluded)
    return np.bincount(order[allowed > 0, 0], minlength=similarity.shape[1]).astype(np.int64)


def distinct_winners(similarity: Array, excluded: Mask) -> int:
    """How many different tracks come first for some query."""
    return int(np.count_nonzero(winners(similarity, excluded)))


def top_winner_share(similarity: Array, excluded: Mask) -> float:
    """Share of the queries won by the track that wins most, in [0, 1]."""
    wins = winners(similarity, excluded)
    return float(wins.max() / max(1, wins.sum()))


# --- ratings ----


def pearson(truth: Array, predicted: Array) -> float:
    """Pearson correlation, in [-1, 1]; 0 where one side is constant."""
    _same_length(truth, predicted)
    a, b = truth - truth.mean(), predicted - predicted.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def concordance(truth: Array, predicted: Array) -> float:
    """Concordance correlation coefficient, in [-1, 1] (Lin 1989); 0 where both sides are one constant."""
    _same_length(truth, predicted)
    a, b = truth - truth.mean(), predicted - predicted.mean()
    below = float(a @ a + b @ b + truth.size * (truth.mean() - predicted.mean()) ** 2)
    return 2.0 * float(a @ b) / below if below > 0 else 0.0


def determination(truth: Array, predicted: Array) -> float:
    """R2, at most 1; 0 is the mean of the truth, and a constant truth gives 0."""
    _same_length(truth, predicted)
    total = float(np.sum((truth - truth.mean()) ** 2))
    return 1.0 - float(np.sum((truth - predicted) ** 2)) / total if total > 0 else 0.0


def binary_accuracy(truth: Array, predicted: Array, *, midpoint: float = 0.0) -> float:
    """Share of files on the same side of the midpoint in truth and prediction, in [0, 1]."""
    _same_length(truth, predicted)
    return float(np.mean((truth >= midpoint) == (predicted >= midpoint)))


# --- moments ----


def interval_overlap(first: Array, second: Array) -> Array:
    """Intersection over union of pairs of stretches, shape (n,), in [0, 1].

    Parameters
    ----------
    first, second : ndarray, shape=(n, 2)
        Start and end of each stretch, in seconds.

    Examples
    --------
    >>> interval_overlap(np.array([[0.0, 10.0]]), np.array([[5.0, 15.0]])).round(3).tolist()
    [0.333]
    """
    shared = np.minimum(first[:, 1], second[:, 1]) - np.maximum(first[:, 0], second[:, 0])
    shared = np.maximum(shared, 0.0)
    union = (first[:, 1] - first[:, 0]) + (second[:, 1] - second[:, 0]) - shared
    result: Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result
