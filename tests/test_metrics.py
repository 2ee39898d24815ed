"""Numbers that judge models: known answers first, then what must hold for every input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.evaluation.deciding import Said, corrected
from soundtrack.evaluation.moments.measure import Stretches, best_windows, deal, lay_out, report
from soundtrack.yardsticks import metrics
from soundtrack.yardsticks.bootstrap import bootstrap

SEEDS = st.integers(0, 10_000)


def random_case(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sources = rng.integers(0, n - 2, n)
    return rng.normal(size=(n, n)), rng.integers(0, 3, n), sources, metrics.own_source(sources)


def perfect_case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    classes = np.array([0, 0, 1, 1, 2, 2])
    sources = np.arange(6)
    similarity = (classes[:, None] == classes[None, :]) + 0.1 * np.eye(6)
    return similarity, classes, sources, metrics.own_source(sources)


def test_a_perfect_similarity_gets_every_point():
    similarity, classes, sources, excluded = perfect_case()
    assert metrics.precision_at(similarity, classes, excluded, k=1) == 1.0
    assert (metrics.reciprocal_rank_by_query(similarity, classes, excluded) == 1.0).all()
    assert metrics.two_afc_emotion(similarity, classes, excluded) == 1.0
    assert metrics.two_afc_true_track(similarity, sources) == 1.0
    assert (metrics.own_track_rank_by_query(similarity, sources) == 1.0).all()
    assert metrics.distinct_winners(similarity, excluded) == 6


def test_the_worst_similarity_gets_none():
    similarity, classes, sources, excluded = perfect_case()
    assert metrics.precision_at(-similarity, classes, excluded, k=1) == 0.0
    assert metrics.two_afc_emotion(-similarity, classes, excluded) == 0.0
    assert (metrics.own_track_rank_by_query(-similarity, sources) == 6.0).all()


def test_own_clip_and_own_source_never_answer():
    classes = np.array([0, 0, 0, 1])
    sources = np.array([0, 0, 1, 2])
    similarity = np.array([[9.0, 8.0, 1.0, 2.0]] * 4)
    excluded = metrics.own_source(sources)
    by_query = metrics.precision_by_query(similarity, classes, excluded, k=1)
    assert by_query[0] == 0.0  # clips 0 and 1 share a source, so clip 3 of another class wins
    assert metrics.winners(similarity, excluded)[3] == 2


def test_ties_count_half():
    similarity = np.zeros((4, 4))
    classes, sources = np.array([0, 0, 1, 1]), np.arange(4)
    assert metrics.two_afc_emotion(similarity, classes, metrics.own_source(sources)) == 0.5
    assert metrics.two_afc_true_track(similarity, sources) == 0.5
    assert (metrics.own_track_rank_by_query(similarity, sources) == 2.5).all()


def test_one_track_that_wins_everything_is_seen():
    similarity = np.zeros((5, 5))
    similarity[:, 2] = 1.0
    excluded = metrics.own_source(np.arange(5))
    assert metrics.distinct_winners(similarity, excluded) == 2  # clip 2 itself must choose another
    assert metrics.top_winner_share(similarity, excluded) == pytest.approx(0.8)


def test_hub_correction_takes_wins_from_a_hub():
    rng = np.random.default_rng(3)
    seen = rng.normal(0, 1, (40, 16)) + 0.5
    heard = seen + rng.normal(0, 1, (40, 16))
    heard[7] = 1.0
    pictures, sounds = (_said(vectors) for vectors in (seen, heard))
    nobody = np.zeros((40, 40), bool)
    bare = pictures.vectors @ sounds.vectors.T
    assert metrics.top_winner_share(bare, nobody) > 0.1
    assert metrics.top_winner_share(corrected(pictures, sounds), nobody) < metrics.top_winner_share(bare, nobody)
    assert metrics.distinct_winners(corrected(pictures, sounds), nobody) > metrics.distinct_winners(bare, nobody)


def _said(vectors: np.ndarray) -> Said:
    """One row per clip."""
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    flat = np.zeros(len(unit), np.float32)
    return Said(np.full((len(unit), 6), 1 / 6, np.float32), flat, flat, unit, np.arange(len(unit)))


def test_confusion_has_the_truth_in_rows():
    table = metrics.confusion(np.array([0, 0, 1]), np.array([1, 0, 1]), n_classes=2)
    assert table.tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize(("n", "low", "high"), [(25, 0.13, 0.30), (75, 0.07, 0.20), (40_000, 0.0, 0.01)])
def test_few_readings_look_badly_calibrated_by_chance(n, low, high):
    """Classes drawn from the readings themselves: perfectly calibrated, yet an error, larger the fewer there are."""
    probabilities = np.random.default_rng(1).dirichlet(np.ones(6), n)
    assert low < metrics.calibration_error_by_chance(probabilities, n_draws=20) < high


def test_calibration_error_of_a_boaster():
    probabilities = np.tile([1.0, 0.0], (10, 1))
    truth = np.array([0] * 6 + [1] * 4)
    assert metrics.calibration_error(truth, probabilities) == pytest.approx(0.4)
    assert metrics.calibration_error(np.zeros(10, int), probabilities) == pytest.approx(0.0)


def test_concordance_punishes_what_correlation_forgives():
    truth = np.linspace(-1, 1, 9)
    assert metrics.pearson(truth, 0.5 * truth + 0.3) == pytest.approx(1.0)
    assert metrics.concordance(truth, 0.5 * truth + 0.3) < 0.8
    assert metrics.concordance(truth, truth) == pytest.approx(1.0)
    assert metrics.determination(truth, np.full(9, truth.mean())) == pytest.approx(0.0)


def test_agreement_with_independent_definitions():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=40), rng.normal(size=40)
    assert metrics.pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    lin = 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert metrics.concordance(a, b) == pytest.approx(lin)


@given(SEEDS)
def test_two_afc_equals_counting_every_triple(seed):
    similarity, classes, _, excluded = random_case(seed)
    for i, value in enumerate(metrics.two_afc_emotion_by_query(similarity, classes, excluded)):
        allowed = np.flatnonzero(~excluded[i])
        same = [t for t in allowed if classes[t] == classes[i]]
        other = [t for t in allowed if classes[t] != classes[i]]
        wins = [float(similarity[i, s] > similarity[i, o]) for s in same for o in other]
        assert np.isnan(value) if not wins else value == pytest.approx(np.mean(wins))


@given(SEEDS)
def test_any_rising_change_of_scale_leaves_rankings_alone(seed):
    similarity, classes, sources, excluded = random_case(seed)
    stretched = np.exp(similarity) * 3 + 1
    for measure in (metrics.two_afc_emotion, metrics.reciprocal_rank_by_query):
        assert measure(similarity, classes, excluded) == pytest.approx(
            measure(stretched, classes, excluded), nan_ok=True
        )
    assert metrics.two_afc_true_track(similarity, sources) == pytest.approx(
        metrics.two_afc_true_track(stretched, sources)
    )


@given(SEEDS)
def test_shares_stay_in_their_range(seed):
    similarity, classes, sources, excluded = random_case(seed)
    for k in (1, 5, 50):
        assert 0 <= metrics.precision_at(similarity, classes, excluded, k=k) <= 1
    assert 0 < metrics.top_winner_share(similarity, excluded) <= 1
    assert (metrics.own_track_rank_by_query(similarity, sources) >= 1).all()
    assert (metrics.own_track_rank_by_query(similarity, sources) <= len(classes)).all()


@given(SEEDS)
def test_overlap_is_symmetric_and_one_only_for_equals(seed):
    rng = np.random.default_rng(seed)
    a, b = (np.sort(rng.uniform(0, 10, (6, 2)), axis=1) for _ in range(2))
    assert np.allclose(metrics.interval_overlap(a, b), metrics.interval_overlap(b, a))
    assert np.allclose(metrics.interval_overlap(a, a), 1.0)


def test_bootstrap_draws_sources_not_clips():
    values = np.repeat([0.0, 1.0], 50)
    by_source = bootstrap(lambda rows: float(values[rows].mean()), np.repeat([0, 1], 50))
    by_clip = bootstrap(lambda rows: float(values[rows].mean()), np.arange(100))
    assert (by_source.low, by_source.high) == (0.0, 1.0)
    assert by_clip.high - by_clip.low < 0.3
    assert by_source.low <= by_source.value <= by_source.high


def three_stretches_each(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and clips of n clips of 30 s in stretches of ten."""
    starts = np.tile([0.0, 10.0, 20.0], n)
    return starts, starts + 10, np.repeat(np.arange(n), 3)


def test_the_best_window_is_where_the_music_is_alike():
    similarity = np.array([0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0, 0.9])
    starts = np.tile(np.arange(6) * 10.0, 2)
    music = Stretches(starts, starts + 10, np.repeat([0, 1], 6))
    windows, tracks, best = best_windows(similarity, music, length_s=30.0)
    assert tracks[best.argmax()] == 1
    assert windows[1].tolist() == [0.0, 30.0]


def test_moments_finds_planted_stretches_and_only_those(rng):
    starts, ends, clip = three_stretches_each(8)
    sources = [str(i) for i in range(8)]
    laid = [lay_out(starts, ends, clip, source_ids=sources, per_track=4, seed=seed) for seed in (0, 1)]
    own = (np.arange(8)[:, None] == clip[None, :]).astype(float)
    found = report([own, own], laid, source_ids=sources, n_draws=5)
    assert found.n_tracks == 2
    assert found.numbers["moment_miou"].value == pytest.approx(1.0)
    assert found.numbers["retrieved_and_overlapping"].value == 1.0
    assert 0.1 < found.numbers["chance_miou"].value < 0.5
    blind = report([rng.random((8, 24))] * 2, laid, source_ids=sources, n_draws=5)
    assert blind.numbers["retrieved_and_overlapping"].value < 0.8


def test_clips_of_a_track_lie_end_to_end():
    starts, ends, clip = three_stretches_each(4)
    laid = lay_out(starts, ends, clip, source_ids=list("abcd"), per_track=4)
    order = np.argsort(laid.true_window[:, 0])
    assert laid.true_window[order].ravel().tolist() == [0.0, 30.0, 30.0, 60.0, 60.0, 90.0, 90.0, 120.0]
    for i in range(4):
        mine = clip == i
        assert laid.music.starts_s[mine].min() == laid.true_window[i, 0]
        assert laid.music.ends_s[mine].max() == laid.true_window[i, 1]


def test_no_track_holds_a_source_twice():
    sources = ["a", "a", "b", "b", "c", "c", "d", "d"]
    track = deal(sources, per_track=4)
    for t in range(2):
        inside = [s for s, k in zip(sources, track, strict=True) if k == t]
        assert len(set(inside)) == len(inside) == 4


def test_empty_input_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        metrics.accuracy(np.zeros(0, int), np.zeros(0, int))
