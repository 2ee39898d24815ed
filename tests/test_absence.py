"""Heads taught with channels missing lose less where a channel is missing; both sides are taught alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.head import Block, Head
from soundtrack.emotion.picture_head import picture_blocks
from soundtrack.emotion.space import MUSIC, PICTURE
from soundtrack.training.absence import with_absences
from soundtrack.training.head_settings import HeadSettings
from soundtrack.training.music.fit import Heard, MusicFitSettings, fit_music_head
from soundtrack.training.picture.fit import fit_head
from soundtrack.training.space import SideRows, SpaceSettings, fit_fixed
from soundtrack.types import EMOTIONS, FloatArray
from soundtrack.yardsticks.metrics import two_afc_true_track

N = 600


def test_weights_of_a_row_add_up_to_what_it_counted_before(rng: np.random.Generator) -> None:
    x = rng.normal(size=(7, 5))
    some = with_absences(x, (slice(0, 2), slice(2, 4), slice(4, 5)), share=0.3)
    assert some.rows.shape == (28, 5)
    np.testing.assert_allclose(np.bincount(some.origin, some.weight), 1.0)
    np.testing.assert_allclose(some.weight @ some.rows[:, 4], x[:, 4].sum() * (0.7 + 0.3 * 2 / 3))


@pytest.mark.parametrize(("share", "n_channels"), [(0.0, 2), (0.5, 1)])
def test_nothing_to_miss_leaves_the_rows_as_they_are(share: float, n_channels: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 2))
    some = with_absences(x, [slice(i, i + 1) for i in range(n_channels)], share=share)
    np.testing.assert_array_equal(some.rows, x)
    np.testing.assert_array_equal(some.weight, np.ones(4))


def channels(rng: np.random.Generator, classes: np.ndarray, *, wide: int, plain: int) -> tuple[FloatArray, FloatArray]:
    """A wide channel that knows the class through a haze, and numbers that know the haze and a little of the class."""
    rows = np.arange(len(classes))
    haze = rng.normal(size=(len(classes), 6)) * 2
    network, numbers = rng.normal(size=(len(classes), wide)) * 0.3, rng.normal(size=(len(classes), plain)) * 0.3
    network[:, :6] += haze
    numbers[:, :6] += haze
    network[rows, classes] += 2.5
    numbers[rows, classes] += 0.8
    return (network + 12).astype(np.float32), numbers.astype(np.float32)


def log_loss(head: Head, blocks: dict[str, FloatArray], classes: np.ndarray) -> float:
    """Of the right classes."""
    p = head.read(blocks).probabilities[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(p, 1e-9)).mean())


def losses(head: Head, judged: dict[str, FloatArray], classes: np.ndarray) -> dict[str, float]:
    """The log-loss with all channels (under no name), and without each of them."""
    without = {gone: {name: rows for name, rows in judged.items() if name != gone} for gone in ("", *judged)}
    return {gone: log_loss(head, blocks, classes) for gone, blocks in without.items()}


@pytest.mark.parametrize("side", ["picture", "music"])
def test_a_head_taught_with_absent_channels_loses_less_when_one_is_absent(side: str, rng: np.random.Generator) -> None:
    classes = np.arange(N) % 6
    judged_classes = np.arange(600) % 6
    plain = 10 if side == "picture" else N_TONAL
    network, numbers = channels(rng, classes, wide=40, plain=plain)
    judged = channels(rng, judged_classes, wide=40, plain=plain)

    def taught(share: float) -> Head:
        if side == "picture":
            how = HeadSettings(class_penalty=2.0, class_gains={}, absent_share=share)
            return fit_head(
                picture_blocks(network**2, numbers), [EMOTIONS[c] for c in classes], np.arange(N), settings=how
            )
        unknown = np.full((N, 2), np.nan), np.full((N, 9), np.nan)
        heard = Heard(picture_blocks(network, numbers), np.arange(N), classes, *unknown)
        return fit_music_head(heard, settings=MusicFitSettings(class_penalty=2.0, absent_share=share))

    rows = {"picture-network": judged[0] ** (2 if side == "picture" else 1), "film-numbers": judged[1]}
    plainly, with_gaps = (losses(taught(share), rows, judged_classes) for share in (0.0, 0.3))
    before, after = (np.mean([one[gone] for gone in rows]) for one in (plainly, with_gaps))
    assert after < 0.95 * before
    assert after - with_gaps[""] < 0.95 * (before - plainly[""])
    assert max(with_gaps.values()) < max(plainly.values())


@pytest.mark.parametrize("settings", [HeadSettings(), MusicFitSettings()])
def test_absence_is_ordinary_in_the_teaching_of_both_sides(settings: HeadSettings | MusicFitSettings) -> None:
    assert settings.absent_share > 0


def test_a_space_taught_with_absent_channels_finds_more_when_one_is_absent(rng: np.random.Generator) -> None:
    n = 160
    hidden = rng.normal(size=(n, 6))
    blocks = (Block("network", 12), Block("numbers", 6))

    def side() -> SideRows:
        strong = hidden @ rng.normal(size=(6, 12)) + 0.3 * rng.normal(size=(n, 12))
        weak = hidden + 1.5 * rng.normal(size=(n, 6))
        rows = np.concatenate([strong, weak], axis=1).astype(np.float32)
        flat = np.full((n, 6), 1 / 6, np.float32), *np.zeros((2, n), np.float32)
        return SideRows(*flat, rows, np.arange(n), blocks)

    picture, music = side(), side()
    learn = np.arange(n) < 120
    alone = replace(picture, features=np.where(np.arange(18) < 12, np.float32(np.nan), picture.features))

    def found(share: float, asked: SideRows) -> float:
        how = SpaceSettings(absent_share=share, own_share=1.0)
        classes = np.zeros(120, np.int64)
        space = fit_fixed(
            picture.only(learn),
            music.only(learn),
            classes,
            plane=np.zeros((6, 2)),
            weights=(0.0, 0.0, 1.0),
            settings=how,
        )
        likeness = asked.only(~learn).project(space, PICTURE) @ music.only(~learn).project(space, MUSIC).T
        return two_afc_true_track(likeness, np.arange(40))

    assert found(0.3, alone) > found(0.0, alone) + 0.02
    assert found(0.3, picture) > found(0.0, picture) - 0.02
