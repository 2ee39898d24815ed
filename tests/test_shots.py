"""Cuts, fades and dissolves on made-up films, and on real ones with marked cuts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.settings import ShotSettings
from soundtrack.types import ByteArray, FrameBatch, Shot
from soundtrack.video import shots
from soundtrack.video.shots import ShotDetector, merge_cuts

SIDE = 112
FPS = 25


def still(rng: np.random.Generator, n: int) -> ByteArray:
    """A shot of n frames: smooth coloured patches with a little noise on them."""
    patches = rng.integers(30, 226, (7, 7, 3))
    picture = np.kron(patches, np.ones((16, 16, 1)))
    noise = rng.normal(0, 2, (n, SIDE, SIDE, 3))
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def pan(rng: np.random.Generator, n: int, *, step_px: int = 2) -> ByteArray:
    """A camera that moves over a wide picture."""
    wide = np.kron(rng.integers(30, 226, (7, 7 + (n * step_px) // 16 + 1, 3)), np.ones((16, 16, 1)))
    return np.stack([wide[:, i * step_px : i * step_px + SIDE] for i in range(n)]).astype(np.uint8)


def mixture(a: ByteArray, b: ByteArray, n: int) -> ByteArray:
    """n frames from the last picture of `a` to the first of `b`."""
    share = (np.arange(1, n + 1) / (n + 1))[:, None, None, None]
    return ((1 - share) * a[-1] + share * b[0]).astype(np.uint8)


def detect(frames: ByteArray, *, fps: float = FPS, batch: int = 32, settings: ShotSettings | None = None) -> list[Shot]:
    """Shots of an array of frames."""
    detector = ShotDetector(settings)
    times = np.arange(len(frames)) / fps
    for start in range(0, len(frames), batch):
        detector.push(FrameBatch(times_s=times[start : start + batch], frames=frames[start : start + batch]))
    return detector.finish(len(frames) / fps)


def cuts_s(shots: list[Shot]) -> list[float]:
    """Where shots after the first begin."""
    return [shot.span.start_s for shot in shots[1:]]


@pytest.mark.parametrize("fps", [10.0, 24000 / 1001, 25.0, 60.0])
def test_hard_cuts_are_found_to_the_frame(rng: np.random.Generator, fps: float) -> None:
    film = np.concatenate([still(rng, 40), pan(rng, 50), still(rng, 30)])
    assert cuts_s(detect(film, fps=fps)) == pytest.approx([40 / fps, 90 / fps])


def test_batches_do_not_matter(rng: np.random.Generator) -> None:
    film = np.concatenate([still(rng, 40), still(rng, 33), mixture(still(rng, 1), still(rng, 1), 25), still(rng, 30)])
    assert detect(film, batch=1) == detect(film, batch=7) == detect(film, batch=1000)


@pytest.mark.parametrize("make", [still, pan])
def test_a_single_take_is_one_shot(rng: np.random.Generator, make: object) -> None:
    shots = detect(make(rng, 120))  # type: ignore[operator]  # both makers take these two
    assert [s.span.end_s for s in shots] == [4.8]


@pytest.mark.parametrize("n", [15, 25, 40])
def test_a_dissolve_is_one_cut_in_its_middle(rng: np.random.Generator, n: int) -> None:
    a, b = still(rng, 50), still(rng, 50)
    (cut_s,) = cuts_s(detect(np.concatenate([a, mixture(a, b, n), b])))
    assert cut_s == pytest.approx((50 + n / 2) / FPS, abs=0.13)


def test_a_fade_through_black_is_one_cut_in_the_black(rng: np.random.Generator) -> None:
    a, b = still(rng, 50), still(rng, 50)
    black = np.zeros((10, SIDE, SIDE, 3), np.uint8)
    film = np.concatenate([a, mixture(a, black, 15), black, mixture(black, b, 15), b])
    (cut_s,) = cuts_s(detect(film))
    assert cut_s == pytest.approx(70 / FPS, abs=0.1)


def test_fading_in_from_black_is_no_cut(rng: np.random.Generator) -> None:
    b = still(rng, 60)
    black = np.zeros((20, SIDE, SIDE, 3), np.uint8)
    assert len(detect(np.concatenate([black, mixture(black, b, 25), b]))) == 1


def test_a_fade_in_during_which_something_else_comes_into_view_is_no_dissolve(rng: np.random.Generator) -> None:
    a, b = still(rng, 1)[0], still(rng, 1)[0]
    share = (np.arange(1, 51) / 51)[:, None, None, None]
    fade = (share * ((1 - share) * a + share * b)).astype(np.uint8)
    black, lit = np.zeros((20, SIDE, SIDE, 3), np.uint8), np.repeat(b[None], 60, axis=0)
    assert cuts_s(detect(np.concatenate([black, fade, lit]))) == []


@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_flash_is_no_cut(rng: np.random.Generator, n: int) -> None:
    film = still(rng, 100)
    film[50 : 50 + n] = 250
    assert len(detect(film)) == 1


@pytest.mark.parametrize("light", [0.02, 0.3, 1.6])
def test_a_lamp_that_goes_on_and_off_is_no_cut(rng: np.random.Generator, light: float) -> None:
    film = still(rng, 100)
    for start in (20, 32, 55, 71):
        film[start : start + 6] = np.clip(light * film[start : start + 6], 0, 255).astype(np.uint8)
    assert len(detect(film)) == 1


@pytest.mark.parametrize("level", [0, 255])
def test_a_film_of_one_colour_is_one_shot(level: int) -> None:
    assert len(detect(np.full((100, SIDE, SIDE, 3), level, np.uint8))) == 1


def test_a_stroboscope_is_not_shattered() -> None:
    film = np.zeros((100, SIDE, SIDE, 3), np.uint8)
    film[1::2] = 235
    assert len(detect(film)) <= 1 + 4 / ShotSettings().min_shot_s


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_shortest_films_are_one_shot(rng: np.random.Generator, n: int) -> None:
    (shot,) = detect(still(rng, n))
    assert (shot.index, shot.span.start_s, shot.span.end_s) == (0, 0.0, n / FPS)


def test_the_times_are_those_of_the_frames(rng: np.random.Generator) -> None:
    film = np.concatenate([still(rng, 30), still(rng, 30)])
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(30) / 6])
    detector = ShotDetector()
    detector.push(FrameBatch(times_s=times, frames=film))
    assert cuts_s(detector.finish(6.0)) == [1.0]


@given(
    st.lists(st.floats(0, 20), max_size=20),
    st.lists(st.floats(0, 20), max_size=20),
    st.floats(0.01, 20),
    st.floats(0.01, 2),
)
def test_merged_cuts_leave_no_short_shot(
    hard: list[float], soft: list[float], duration: float, shortest: float
) -> None:
    merged = merge_cuts(hard, soft, duration_s=duration, min_shot_s=shortest)
    edges = [0.0, *merged, duration]
    assert edges == sorted(edges)
    assert set(merged) <= set(hard) | set(soft)
    assert not merged or min(np.diff(edges)) >= shortest - 1e-9


def test_a_hard_cut_wins_over_a_soft_one() -> None:
    assert merge_cuts([5.0], [4.9, 5.2], duration_s=9.0, min_shot_s=0.3) == [5.0]


def test_no_duration_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="duration_s must be above 0"):
        ShotDetector().finish(0.0)


# --- real films ----


def marked_cuts(folder: Path) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """Sure hard cuts, and stretches that are not to be judged, in seconds by file."""
    hard: dict[str, list[float]] = {}
    soft: dict[str, list[tuple[float, float]]] = {}
    with (folder / "cuts.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            hard.setdefault(row["file"], [])
            if row["type"] == "cut":
                hard[row["file"]].append(float(row["time_s"]))
            elif "-" in row["time_s"]:
                start, end = row["time_s"].split("-")
                soft.setdefault(row["file"], []).append((float(start), float(end)))
    made = json.loads((folder / "constructed_known_cuts.json").read_text())["transitions"]
    name = "constructed_known_cuts.mp4"
    hard[name] = [t["time"] for t in made if t["type"] == "cut"]
    soft[name] = [(t["start"], t["end"]) for t in made if t["type"] != "cut"]
    return hard, soft


@pytest.mark.slow
@pytest.mark.needs_data
def test_marked_cuts_of_real_films(data_dir: Path) -> None:
    from soundtrack.media.reading.probe import probe
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.frames import DecodeReport

    hard, soft = marked_cuts(data_dir / "video")
    found = invented = 0
    for name, truth in hard.items():
        report, detector = DecodeReport(), ShotDetector()
        for batch in iter_frames(probe(data_dir / "video" / name), side_px=SIDE, report=report):
            detector.push(batch)
        cuts = cuts_s(detector.finish(report.duration_s))
        found += sum(any(abs(cut - t) < 0.05 for cut in cuts) for t in truth)
        unjudged = soft.get(name, [])
        invented += sum(
            not any(abs(cut - t) < 0.05 for t in truth) and not any(a - 0.2 <= cut <= b + 0.2 for a, b in unjudged)
            for cut in cuts
        )
        if name.startswith("constructed"):
            assert all(sum(a <= cut <= b for cut in cuts) == 1 for a, b in unjudged)
    total = sum(map(len, hard.values()))
    assert found / total >= 0.9, f"{found} of {total}"
    assert invented <= 1


def shaking(rng: np.random.Generator, n: int, *, levels: tuple[int, int]) -> ByteArray:
    """A shot whose camera jumps about from frame to frame, as when something explodes."""
    wide = np.kron(rng.integers(*levels, (14, 14, 3)), np.ones((16, 16, 1)))
    places = rng.integers(0, 81, (n, 2)).tolist()
    return np.stack([wide[y : y + SIDE, x : x + SIDE] for y, x in places]).astype(np.uint8)


def jumps(rng: np.random.Generator) -> ByteArray:
    """One shot of four colours in which something dark is on the left and, from one frame to the next, on the right."""
    colours = np.array([[64, 107, 149], [149, 64, 107], [107, 149, 64], [192, 149, 107]])
    picture = np.kron(colours[rng.integers(0, 4, (7, 7))], np.ones((16, 16, 1))).astype(np.uint8)
    film = np.repeat(picture[None], 80, axis=0)
    film[:40, :, 8:22] = 80
    film[40:, :, -22:-8] = 80
    return film


def n_found(films: list[ByteArray], at_s: float) -> int:
    """In how many films a cut is found at a moment."""
    return sum(any(abs(cut - at_s) < 1e-6 for cut in cuts_s(detect(film))) for film in films)


def test_a_cut_in_gunfire_where_all_else_moves_too_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    generators = [np.random.default_rng(seed) for seed in range(4)]
    films = [
        np.concatenate([shaking(rng, 30, levels=(60, 160)), shaking(rng, 30, levels=(100, 226))]) for rng in generators
    ]
    assert [len(cuts_s(detect(film))) for film in films] == [1, 1, 1, 1]
    assert n_found(films, 30 / FPS) == 4
    monkeypatch.setattr(shots, "is_missed", lambda *_: False)
    assert n_found(films, 30 / FPS) == 0  # so it is the second look that finds them


def test_a_wing_that_jumps_across_the_picture_is_no_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    films = [jumps(np.random.default_rng(seed)) for seed in range(4)]
    assert n_found(films, 40 / FPS) == 0
    monkeypatch.setattr(shots, "is_none", lambda *_: False)
    assert n_found(films, 40 / FPS) == 4
