"""Films of all kinds with ratings: the table, the folder, and what is kept of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from soundtrack.emotion.head import Blocks
from soundtrack.errors import InputError
from soundtrack.training.head_settings import HeadSettings
from soundtrack.training.picture.data import RATED_FILMS, RatedFilm, as_rated, rated_films
from soundtrack.training.picture.fit import fit_head
from soundtrack.training.rated import Rated, RatedFilms
from soundtrack.types import EMOTIONS


def table() -> list[dict[str, str]]:
    with RATED_FILMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_films_for_checking_are_from_repositories_that_nothing_is_learned_from() -> None:
    rows = table()
    by_use = {use: {row["repository"] for row in rows if row["use"] == use} for use in ("learn", "check")}
    assert not by_use["learn"] & by_use["check"]
    assert len({row["sha256"] for row in rows}) == len({row["name"] for row in rows}) == len(rows)


def test_every_rating_is_of_classes_and_a_place_on_the_plane() -> None:
    for row in table():
        assert len(row["classes"].split()) >= 2 and set(row["classes"].split()) <= set(EMOTIONS), row["name"]
        assert all(-1 <= float(row[axis]) <= 1 for axis in ("valence", "arousal")), row["name"]


def test_without_the_folder_nothing_is_learned_from_rated_films(tmp_path: Path) -> None:
    assert rated_films(tmp_path) == []


def test_a_film_missing_from_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "rated-films").mkdir()
    first = next(row["name"] for row in table() if row["use"] == "learn")
    with pytest.raises(InputError, match=f"{first}.mp4"):
        rated_films(tmp_path)


def test_every_film_of_the_table_is_learned_from_or_checked(tmp_path: Path) -> None:
    (tmp_path / "rated-films").mkdir()
    for row in table():
        (tmp_path / "rated-films" / f"{row['name']}.mp4").touch()
    films = rated_films(tmp_path)
    assert {film.dark for film in films} == {True, False}
    assert len(films) + len(rated_films(tmp_path, use="check")) == len(table())


def test_the_class_of_a_film_is_that_of_most_raters() -> None:
    film = RatedFilm("a.mp4", "Sad", "here", ("Sad", "Tension", "Sad"), valence=-0.5, arousal=0.0)
    assert dict(zip(EMOTIONS, film.shares, strict=True))["Sad"] == pytest.approx(2 / 3)
    assert sum(film.shares) == pytest.approx(1.0)


def blocks(rng: np.random.Generator, n: int, *, shift: float = 0.0) -> Blocks:
    rows = rng.normal(size=(n, 12)).astype(np.float32)
    rows[:, 0] += shift
    return {"stills": rows}


def told(rng: np.random.Generator, label: str, n: int = 20) -> RatedFilms:
    """Films of one class, two clips each, that differ from all others in their first column."""
    plane, shares = np.full(n, 0.6, np.float32), np.zeros((n, 6), np.float32)
    shares[:, EMOTIONS.index(label)] = 1.0
    return RatedFilms(blocks(rng, 2 * n, shift=6.0), np.repeat(np.arange(n), 2), shares, plane, plane)


def test_parts_of_the_stills_keep_all_films() -> None:
    rng = np.random.default_rng(6)
    zeros = np.zeros(4, np.float32)
    rated = Rated(blocks(rng, 4), zeros, zeros, films=told(rng, "Sad"))
    assert rated.some(np.array([True, False, False, True])).films is rated.films
    assert rated.beside(Rated(blocks(rng, 2), zeros[:2], zeros[:2])).films is rated.films


def test_beliefs_name_the_given_class_first() -> None:
    beliefs = told(np.random.default_rng(7), "Relaxation").beliefs
    assert np.allclose(beliefs.sum(axis=1), 1.0)
    assert (beliefs.argmax(axis=1) == EMOTIONS.index("Relaxation")).all()


def test_what_was_seen_of_films_keeps_their_ratings(tmp_path: Path) -> None:
    (tmp_path / "rated-films").mkdir()
    for row in table():
        (tmp_path / "rated-films" / f"{row['name']}.mp4").touch()
    films = rated_films(tmp_path)[:3]
    seen = as_rated(films, blocks(np.random.default_rng(8), 3), np.arange(3))
    assert [EMOTIONS[i] for i in seen.shares.argmax(axis=1)] == [film.label for film in films]
    assert np.allclose(seen.valence, [film.valence for film in films])


def test_everyday_films_were_tense_since_dark_ones_were_looked_for() -> None:
    """Half of the rated films are dark and look alike: what resembles both is read less dark than they are common."""
    rng = np.random.default_rng(9)
    n = 40
    shares = np.zeros((n, 6), np.float32)
    shares[: n // 2, EMOTIONS.index("Tension")] = 1.0
    shares[n // 2 :, EMOTIONS.index("Neutral")] = 1.0
    valence = np.repeat(np.array([-0.6, 0.0], np.float32), n // 2)
    films = RatedFilms(blocks(rng, n, shift=6.0), np.arange(n), shares, valence, np.zeros(n, np.float32))
    stills = np.zeros(30, np.float32)
    rated = Rated(blocks(rng, 30), stills, stills, films=films)
    clips, labels = blocks(rng, 12), ["Excited", "Sad"] * 6
    tense = []
    for share in (1.0, 0.5):
        settings = HeadSettings(outside_share=0.1, outside_dark_share=share)
        head = fit_head(clips, labels, np.arange(12), rated=rated, settings=settings)
        assert head.domain is not None and head.domain.bias is not None
        tense.append(float(head.domain.bias[EMOTIONS.index("Tension")] - head.domain.bias[EMOTIONS.index("Neutral")]))
    assert tense[1] < tense[0] - 0.3  # the half has a logarithm of -0.69
