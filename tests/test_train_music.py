"""Training the music side: folds, lessons, distillation that resumes, heads that find what is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.audio.mel import MelSettings
from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.head_file import form_of, head_arrays
from soundtrack.emotion.music_channels import HARMONY, NETWORK
from soundtrack.errors import InputError, ModelError, Reason
from soundtrack.networks.mel_config import MelCnnConfig
from soundtrack.training.calibrate import means_of
from soundtrack.training.data import fold_of
from soundtrack.training.music.distil import MusicDistilSettings, distil
from soundtrack.training.music.fit import Feelings, Heard, MusicFitSettings, fit_calibrated, fit_music_head
from soundtrack.training.music.musicnn import N_LAYERS, Musicnn
from soundtrack.training.music.teacher import N_EMBEDDING, N_SCORES, Teacher, excerpts_of, teach, write_lessons
from soundtrack.training.ridge import Penalties, predict_by_fold, solve_ridge
from soundtrack.types import EMOTIONS, FloatArray

CONFIG = MelCnnConfig(widths=(4, 8), n_features=8, n_sounds=N_SCORES)


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60), st.integers(2, 6), st.integers(0, 5))
def test_a_source_is_never_parted(sources, n_folds, seed):
    names = [str(s) for s in sources]
    folds = fold_of(names, classes=[str(s % 3) for s in sources], n_folds=n_folds, seed=seed)
    assert all(len({int(f) for f, n in zip(folds, names, strict=True) if n == name}) == 1 for name in names)
    assert ((folds >= 0) & (folds < n_folds)).all()


def test_classes_are_spread_over_the_folds():
    classes = ["a"] * 20 + ["b"] * 15 + ["c"] * 5
    folds = fold_of([str(i) for i in range(40)], classes=classes)
    for c, n in (("a", 4), ("b", 3), ("c", 1)):
        counts = np.bincount(folds[[k == c for k in classes]], minlength=5)
        assert counts.tolist() == [n] * 5


def test_folds_do_not_depend_on_the_order_of_rows():
    names = [str(i) for i in range(30)]
    there, back = fold_of(names), fold_of(names[::-1])
    assert there.tolist() == back[::-1].tolist()


class _Parrot(Teacher):
    """A stand-in for the teacher: loudness is all it hears."""

    def __init__(self) -> None:
        pass

    def answer(self, window):
        return np.full(N_EMBEDDING, window.std(), np.float32), np.full(N_SCORES, 0.1, np.float32)


def test_a_lesson_pairs_each_window_with_its_frames(rng):
    samples = np.zeros((1, 16_000 * 4), np.float32)
    samples[0, 32_000:] = rng.normal(0, 0.1, 32_000)
    lesson = teach(samples, _Parrot(), mel=MelSettings())
    assert len(lesson.first_frame) == len(lesson.embedding)
    levels = [lesson.mel[int(f) : int(f) + 96].mean() for f in lesson.first_frame]
    assert np.corrcoef(levels, lesson.embedding[:, 0])[0, 1] > 0.95


def test_a_missing_teacher_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"yamnet\.tflite"):
        Teacher(tmp_path / "yamnet.tflite")


def musicnn_arrays(rng) -> dict[str, np.ndarray]:
    """Random weights in the shapes of musicnn's layers up to the pooling."""
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    arrays = {}
    for i, shape in enumerate(kernels):
        name = "conv2d" if i == 0 else f"conv2d_{i}"
        arrays[f"{name}.kernel"] = rng.normal(0, 0.05, shape).astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, shape[3]).astype(np.float32)
    for i, n in enumerate([1, 204, 204, 51, 51, 51, 64, 64, 64]):
        name = "batch_normalization" if i == 0 else f"batch_normalization_{i}"
        arrays[f"{name}.gamma"] = rng.normal(0, 1, n).astype(np.float32)  # of either sign
        arrays[f"{name}.beta"] = rng.normal(0, 0.1, n).astype(np.float32)
        arrays[f"{name}.moving_mean"] = rng.normal(0, 0.1, n).astype(np.float32)
        arrays[f"{name}.moving_variance"] = rng.uniform(0.5, 2, n).astype(np.float32)
    return arrays


def test_the_second_teacher_hears_each_stretch_for_itself(tmp_path, rng):
    np.savez(tmp_path / "musicnn.npz", **musicnn_arrays(rng))
    samples = np.zeros((1, 16_000 * 8), np.float32)
    samples[0, 64_000:] = rng.normal(0, 0.1, 64_000)
    second = Musicnn(tmp_path / "musicnn.npz")
    lesson = teach(samples, _Parrot(), mel=MelSettings(), second=second)
    assert lesson.embedding.shape == (len(lesson.first_frame), N_EMBEDDING + N_LAYERS)
    layers = lesson.embedding[:, N_EMBEDDING:]
    quiet, loud, before = layers[1], layers[-2], layers[-3]
    assert np.linalg.norm(loud - before) < 0.2 * np.linalg.norm(loud - quiet)
    alone = second.answer(samples[0, 64_000:], [16_000], 15_600)[0]
    assert np.corrcoef(alone, second.answer(samples[0], [80_000], 15_600)[0])[0, 1] > 0.999


def test_what_is_not_musicnn_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(ModelError, match="is not musicnn's network"):
        Musicnn(tmp_path / "other.npz")
    with pytest.raises(ModelError, match="no such file"):
        Musicnn(tmp_path / "missing.npz")


def test_a_recording_gives_plain_and_altered_excerpts_the_same_each_time(rng):
    samples, other = (rng.normal(0, 0.1, (1, 16_000 * 130)).astype(np.float32) for _ in range(2))
    first, again = (excerpts_of(samples, other, sample_rate_hz=16_000, seed=3) for _ in range(2))
    assert len(first) == 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    whole = samples[0].tobytes()
    assert [part[0].tobytes() in whole for part in first] == [True, False, True]


def test_a_film_without_sound_gives_no_lesson(tmp_path, monkeypatch):
    def silent(path, **_):
        raise InputError(f"{path}: no audio stream", hint="", reason=Reason.NO_AUDIO)

    monkeypatch.setattr("soundtrack.media.reading.audio.read_audio", silent)
    monkeypatch.setattr("soundtrack.training.music.teacher.Teacher", lambda _path: _Parrot())
    made = write_lessons([tmp_path / "a.mp4"], tmp_path / "lessons", teacher=tmp_path / "t", mel=MelSettings())
    assert made == [[]]


def write_lesson(path, rng, n=40):
    mel = rng.normal(-2, 2, (400, 64)).astype(np.float16)
    start = rng.integers(0, 300, n).astype(np.int32)
    level = np.array([mel[s : s + 96].mean() for s in start], np.float32)
    np.savez(
        path,
        mel=mel,
        first_frame=start,
        embedding=np.outer(level, np.ones(N_EMBEDDING)).astype(np.float16),
        scores=np.full((n, N_SCORES), 0.01, np.float16),
    )
    return path


def test_a_broken_off_run_ends_like_an_unbroken_one(tmp_path, rng):
    lesson = [write_lesson(tmp_path / "0.npz", rng)]
    how = MusicDistilSettings(steps=4, batch=4, every=2)
    whole, curve = distil(lesson, lesson, tmp_path / "whole", config=CONFIG, settings=how)

    def stop(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distil(lesson, lesson, tmp_path / "parts", config=CONFIG, settings=how, progress=stop)
    resumed, curve_again = distil(lesson, lesson, tmp_path / "parts", config=CONFIG, settings=how)
    assert [c.step for c in curve] == [c.step for c in curve_again] == [2, 4]
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6), name


def by_channel(inputs: np.ndarray) -> dict[str, FloatArray]:
    """Columns of the network, then those of the harmony."""
    rows = inputs.astype(np.float32)
    return {NETWORK: rows[:, :-N_TONAL], HARMONY: rows[:, -N_TONAL:]}


def heard(rng: np.random.Generator, n: int = 60) -> Heard:
    """Recordings whose first inputs tell the class, and whose last ones tell the valence."""
    classes = np.arange(n) % 6
    valence = rng.uniform(-0.5, 0.5, n)
    recording = np.repeat(np.arange(n), 2)
    inputs = rng.normal(size=(2 * n, 30 + N_TONAL))
    inputs[np.arange(2 * n), classes[recording]] += 4
    inputs[:, -1] += 8 * valence[recording]
    rated = np.arange(n) % 2 == 1
    plane = np.where(rated[:, None], np.stack([valence, -valence], axis=1), np.nan)
    return Heard(by_channel(inputs), recording, np.where(rated, -1, classes), plane, np.full((n, 9), np.nan))


def test_the_head_finds_classes_and_valence(rng):
    learn, judge = heard(rng, 120), heard(rng, 120)
    apart = MusicFitSettings(class_plane_gain=0.0, class_plane_pull=0.0)  # here valence has nothing to do with class
    mood = fit_music_head(learn, settings=apart).read(judge.inputs)
    n = len(judge.classes)
    guess = means_of(mood.probabilities, judge.recording, n).argmax(axis=1)
    labelled = judge.classes >= 0
    assert np.mean(guess[labelled] == judge.classes[labelled]) > 0.8
    rated = ~labelled
    valence = means_of(mood.valence, judge.recording, n)
    assert np.corrcoef(valence[rated], judge.plane[rated, 0])[0, 1] > 0.5


def test_a_class_cannot_contradict_the_valence_of_music_unlike_the_clips(rng):
    learn = heard(rng, 120)
    bright = np.zeros((1, 30 + N_TONAL))
    bright[0, -1] = 8 * 0.5  # the valence that rated music has at most, and nothing that the clips' classes know
    apart = MusicFitSettings(class_plane_gain=0.0, class_plane_pull=0.0)
    before = fit_music_head(learn, settings=apart).read(by_channel(bright)).probabilities[0]
    after = fit_music_head(learn).read(by_channel(bright)).probabilities[0]
    sad, relaxed, neutral = (EMOTIONS.index(name) for name in ("Sad", "Relaxation", "Neutral"))
    assert after[relaxed] / after[sad] > 1.5 * before[relaxed] / before[sad]
    assert after[neutral] > before[neutral]


def test_valence_learned_from_ratings_holds_no_class_of_a_clip(rng):
    learn = heard(rng, 120)
    shuffled = replace(learn, classes=np.where(learn.classes < 0, -1, (learn.classes + 3) % 6))
    one, other = fit_music_head(learn), fit_music_head(shuffled)
    assert np.array_equal(one.weight[6:8], other.weight[6:8])
    clips = learn.only(learn.classes >= 0)
    elsewhere = fit_music_head(clips, feelings=Feelings.of(one))
    rows = by_channel(rng.normal(size=(20, 30 + N_TONAL)))
    np.testing.assert_allclose(elsewhere.read(rows).valence, one.read(rows).valence, atol=0.02)


def test_the_head_is_the_same_every_time(rng):
    material = heard(rng, 24)
    heads = [fit_calibrated(material, folds=np.arange(24) // 12) for _ in range(2)]
    assert all(np.array_equal(v, head_arrays(heads[1])[k]) for k, v in head_arrays(heads[0]).items())
    assert form_of(heads[0]) == form_of(heads[1])


def test_temperature_changes_how_sure_and_not_what():
    rng = np.random.default_rng(0)
    head = fit_music_head(heard(rng))
    rows = by_channel(rng.normal(size=(20, 30 + N_TONAL)))
    cool, warm = head.read(rows), replace(head, temperature=3.0).read(rows)
    assert (cool.probabilities.argmax(axis=1) == warm.probabilities.argmax(axis=1)).all()
    assert (warm.probabilities.max(axis=1) < cool.probabilities.max(axis=1)).all()
    assert np.array_equal(cool.valence, warm.valence)


def test_ridge_by_fold_never_sees_the_judged_file(rng):
    inputs = rng.normal(size=(60, 200)).astype(np.float32)
    rated = rng.uniform(-1, 1, (60, 2))
    guess = predict_by_fold(
        inputs, rated, file=np.arange(60), folds=np.arange(60) % 5, n_plain=2, penalties=Penalties(penalty=1.0)
    )
    assert abs(np.corrcoef(guess[:, 0], rated[:, 0])[0, 1]) < 0.45


@pytest.mark.parametrize("shape", [(200, 12), (30, 90), (40, 40)])
def test_the_one_ridge_regression_agrees_with_scikit_learn(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    """There were three copies of it."""
    from sklearn.linear_model import Ridge

    x, y, shares = rng.normal(size=shape), rng.normal(size=(shape[0], 2)), rng.uniform(0.1, 2.0, shape[0])
    weights, bias = solve_ridge(x, y, shares=shares, penalty=7.0)
    theirs = Ridge(alpha=7.0).fit(x, y, sample_weight=shares)
    np.testing.assert_allclose(weights, theirs.coef_.T, atol=1e-9)
    np.testing.assert_allclose(bias, theirs.intercept_, atol=1e-9)
