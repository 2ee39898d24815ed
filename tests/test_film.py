"""Plain measurements of film: each number answers to the one thing it is named after."""

from __future__ import annotations

import time

import numpy as np
import pytest

from soundtrack.video.visual_features import FILM_NAMES, N_FILM, clip_numbers, film_numbers


def number(frames: np.ndarray, name: str) -> float:
    return float(clip_numbers(frames)[FILM_NAMES.index(name)])


def card(colour: tuple[int, int, int], n: int = 4) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (n, 112, 112, 3)).copy()


def test_row_has_one_finite_number_per_name(rng: np.random.Generator) -> None:
    row = clip_numbers(rng.integers(0, 256, (16, 112, 112, 3), dtype=np.uint8))
    assert row.shape == (N_FILM,)
    assert row.dtype == np.float32
    assert np.isfinite(row).all()
    assert np.abs(row).max() <= 1.5


def test_black_and_white_cards() -> None:
    assert number(card((0, 0, 0)), "brightness") == 0.0
    assert number(card((255, 255, 255)), "brightness") == pytest.approx(1.0, abs=1e-5)
    assert number(card((255, 255, 255)), "contrast") == pytest.approx(0.0, abs=1e-5)
    assert number(card((0, 0, 0)), "luma_0") == 1.0
    assert number(card((255, 255, 255)), "luma_7") == 1.0


def test_luma_is_bt601() -> None:
    assert number(card((255, 0, 0)), "brightness") == pytest.approx(0.299, abs=1e-4)
    assert number(card((0, 255, 0)), "brightness") == pytest.approx(0.587, abs=1e-4)
    assert number(card((0, 0, 255)), "brightness") == pytest.approx(0.114, abs=1e-4)


@pytest.mark.parametrize(
    ("colour", "hue"),
    [
        ((255, 0, 0), "red"),
        ((255, 255, 0), "yellow"),
        ((0, 255, 0), "green"),
        ((0, 255, 255), "cyan"),
        ((0, 0, 255), "blue"),
        ((255, 0, 255), "magenta"),
    ],
)
def test_each_hue_falls_into_its_own_number(colour: tuple[int, int, int], hue: str) -> None:
    row = clip_numbers(card(colour))
    hues = {name: float(row[i]) for i, name in enumerate(FILM_NAMES) if name.startswith("hue_")}
    assert max(hues, key=lambda name: hues[name]) == f"hue_{hue}"
    assert hues[f"hue_{hue}"] == pytest.approx(1.0, abs=1e-5)


def test_warm_is_positive_and_cool_negative() -> None:
    assert number(card((200, 120, 40)), "warmth") > 0.5
    assert number(card((40, 120, 200)), "warmth") < -0.5


def test_grey_has_no_colour(rng: np.random.Generator) -> None:
    grey = np.repeat(rng.integers(0, 256, (4, 112, 112, 1), dtype=np.uint8), 3, axis=-1)
    assert number(grey, "saturation") == pytest.approx(0.0, abs=1e-5)
    assert number(grey, "colourfulness") == pytest.approx(0.0, abs=1e-3)


def test_a_still_has_no_motion_and_a_moving_picture_has(rng: np.random.Generator) -> None:
    still = np.repeat(rng.integers(0, 256, (1, 112, 112, 3), dtype=np.uint8), 8, axis=0)
    moving = np.stack([np.roll(still[0], 4 * k, axis=1) for k in range(8)])
    assert number(still, "motion") == 0.0
    assert number(still, "drift") == 0.0
    assert number(moving, "motion") > 0.05
    assert number(moving[:1], "motion") == 0.0


def test_flicker_is_not_drift() -> None:
    fading = np.stack([card((v, v, v), 1)[0] for v in range(0, 160, 20)])
    flickering = np.stack([card((v, v, v), 1)[0] for v in (60, 100) * 4])
    assert number(flickering, "flicker") > 10 * number(fading, "flicker")
    assert number(fading, "drift") > number(flickering, "drift")


def test_motion_in_the_middle_is_told_from_motion_at_the_rim() -> None:
    middle, rim = card((0, 0, 0), 8), card((0, 0, 0), 8)
    middle[1::2, 40:72, 40:72] = 255
    rim[1::2, :16] = 255
    assert number(middle, "centre_motion") > 0 > number(rim, "centre_motion")


def test_checkers_have_more_edges_than_a_card() -> None:
    board = (np.indices((112, 112)).sum(axis=0) // 8 % 2 * 255).astype(np.uint8)
    frames = np.repeat(board[None, :, :, None], 3, axis=-1)
    assert number(frames, "edges") > 0.3
    assert number(card((90, 90, 90)), "edges") == 0.0


def test_input_is_left_alone(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    before = frames.copy()
    assert np.array_equal(clip_numbers(frames), clip_numbers(before))
    assert np.array_equal(frames, before)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3)), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_wrong_frames_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="frames must be"):
        clip_numbers(bad)


def test_a_clip_costs_a_few_milliseconds(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (16, 112, 112, 3), dtype=np.uint8)
    times = []
    for _ in range(10):
        start = time.process_time()
        clip_numbers(frames)
        times.append(time.process_time() - start)
    assert min(times) < 0.02


def test_film_numbers_of_a_scene() -> None:
    rows = np.stack([clip_numbers(card((0, 0, 0))), clip_numbers(card((255, 255, 255)))])
    numbers = film_numbers(rows, n_cuts=3, duration_s=30.0)
    assert numbers.cut_rate_per_min == pytest.approx(6.0)
    assert numbers.brightness == pytest.approx(0.5, abs=1e-4)
    assert numbers.motion == 0.0
    assert film_numbers(rows[:0], n_cuts=0, duration_s=1.0).brightness == 0.0
    with pytest.raises(ValueError, match="duration_s"):
        film_numbers(rows, n_cuts=0, duration_s=0.0)
