"""The page of the library's map: layout by likeness, playlists along a path, words, and whom its server answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.errors import OutputError, UsageError
from soundtrack.naming.playlists import read_playlist
from soundtrack.pipeline.library.asking import Asking
from soundtrack.pipeline.library.mapped import likeness_places, mapped
from soundtrack.pipeline.library.music import open_library
from soundtrack.review.map.app import make_map_app
from soundtrack.review.map.path import along_path

PORT = 8766
ORIGIN = f"http://127.0.0.1:{PORT}"


class Page:
    """A window of the map."""

    def __init__(self, made: Made, folder: Path) -> None:
        with open_library(made.index) as library:
            self.mapped = mapped(library)

        @contextmanager
        def ask() -> Iterator[Asking]:
            with open_library(made.index) as library:
                yield Asking(library)

        served = make_map_app(self.mapped, ask, folder=folder, port=PORT)
        self.client, self.base = TestClient(served.app, base_url=ORIGIN), f"/{served.token}/"

    def get(self, path: str, **options: Any) -> Any:
        """An answer."""
        return self.client.get(f"{self.base}{path}", **options)

    def post(self, path: str, **body: Any) -> Any:
        """The answer to a request of the page."""
        return self.client.post(f"{self.base}{path}", json=body, headers={"Origin": ORIGIN})


@pytest.fixture
def page(made: Made, tmp_path: Path) -> Page:
    return Page(made, tmp_path)


# --- places and paths ----


def test_tracks_that_are_alike_are_close_and_the_layout_is_the_same_twice(rng: np.random.Generator) -> None:
    kinds = np.eye(3, 16)
    vectors = np.concatenate([kinds[k] + 0.05 * rng.standard_normal((20, 16)) for k in range(3)])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    places = likeness_places(vectors)
    assert np.array_equal(places, likeness_places(vectors))
    assert np.abs(places).max() <= 1
    means = places.reshape(3, 20, 2).mean(axis=1)
    spread = places.reshape(3, 20, 2).std(axis=1).max()
    assert min(np.hypot(*(means[a] - means[b])) for a, b in ((0, 1), (0, 2), (1, 2))) > 5 * spread
    order = rng.permutation(60)
    np.testing.assert_allclose(likeness_places(vectors[order]), places[order], atol=2e-4)
    assert likeness_places(vectors[:1]).tolist() == [[0.0, 0.0]]


def test_a_path_takes_the_nearest_tracks_in_its_direction_each_once(rng: np.random.Generator) -> None:
    places = np.stack([np.linspace(-1, 1, 21), np.zeros(21)], axis=1).astype(np.float32)
    there = along_path(places, np.array([[-1.0, 0.0], [1.0, 0.0]]), n=5)
    assert there == [0, 5, 10, 15, 20]
    assert along_path(places, np.array([[1.0, 0.0], [-1.0, 0.0]]), n=5) == there[::-1]
    assert along_path(places, np.array([[0.5, 0.0]]), n=3)[0] == 15
    assert along_path(places, np.array([[-1.0, 0.0], [1.0, 0.0]]), n=5, among=[3, 9]) == [3, 9]
    scattered = rng.uniform(-1, 1, (50, 2)).astype(np.float32)
    for n in (1, 7, 50, 80):
        found = along_path(scattered, rng.uniform(-1, 1, (6, 2)), n=n)
        assert len(found) == len(set(found)) == min(n, 50)


# --- the server ----


def test_only_the_page_itself_is_answered(page: Page) -> None:
    assert page.get("").status_code == 200
    assert page.client.get("/").status_code == 404
    assert page.get("", headers={"Host": "evil.example"}).status_code == 400
    for headers in ({"Origin": "http://evil.example"}, {}):
        answer = page.client.post(f"{page.base}save", json={"name": "x", "numbers": [0]}, headers=headers)
        assert answer.status_code == 403
    answer = page.get("")
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert answer.text.count("<script") == 1
    assert "style=" not in answer.text


def test_every_track_is_there_with_two_places_and_its_sound_in_ranges(page: Page, made: Made) -> None:
    found = page.get("tracks").json()["tracks"]
    assert [track["name"] for track in found] == ["bright.flac", "dark.mp3"]
    assert all(-1 <= v <= 1 for track in found for view in ("mood", "likeness") for v in track[view])
    part = page.get("track/0", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")
    for path in ("track/2", "track/-1", "track/../tracks/x", "track/0/../../secret"):
        assert page.get(path).status_code == 404


def test_words_are_understood_as_everywhere_and_no_other_file_is_read(page: Page, made: Made, tmp_path: Path) -> None:
    found = page.post("ask", text="125 to 140 bpm, bright").json()
    assert found["numbers"] == [0]
    assert "bright" in found["understood"]
    other = tmp_path / "other.mp3"
    other.write_bytes((made.music / "dark.mp3").read_bytes())
    for text in (str(other), f'like "{other}"', f'tense, not like "{other}"', "/etc/passwd"):
        answer = page.post("ask", text=text)
        assert answer.status_code == 422, text
    assert page.post("ask", text=f'like "{made.music / "dark.mp3"}"').status_code == 200
    answer = page.post("ask", text="hapyy").json()
    assert answer["error"] and answer["hint"]
    for text in ("", "x" * 300, 7, None):
        assert page.post("ask", text=text).status_code == 422


def test_a_playlist_is_written_once_and_never_over_another_file(page: Page, made: Made, tmp_path: Path) -> None:
    numbers = page.post("path", view="likeness", points=[[-1, 0], [1, 0]], n=12).json()["numbers"]
    assert sorted(numbers) == [0, 1]
    assert page.post("path", view="mood", points=[[0, 0]], n=2, text="125 to 140 bpm, bright").json()["numbers"] == [0]
    saved = page.post("save", name="evening", numbers=numbers)
    assert saved.json() == {"saved": str(tmp_path / "evening.m3u8")}
    written = (tmp_path / "evening.m3u8").read_text(encoding="utf-8")
    assert written.startswith("#EXTM3U\n")
    tracks = [page.mapped.tracks[i].path.name for i in numbers]
    assert [Path(line).name for line in written.splitlines() if not line.startswith("#")] == tracks
    assert [path.name for path in read_playlist(tmp_path / "evening.m3u8")] == tracks
    again = page.post("save", name="evening.m3u8", numbers=numbers[:1])
    assert again.status_code == 422
    assert (tmp_path / "evening.m3u8").read_text(encoding="utf-8") == written
    for name in ("", "../x", "a/b", "a\\b", ".", "..", "x\n", " x", "x" * 101, 7, None, "c:x"):
        assert page.post("save", name=name, numbers=numbers).status_code == 422, name
    for wrong in ([], [7], [-1], [True], ["0"], None, list(range(300))):
        assert page.post("save", name="other", numbers=wrong).status_code == 422, wrong
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evening.m3u8"]


def test_a_path_that_is_none_is_refused(page: Page) -> None:
    good: dict[str, Any] = {"view": "mood", "points": [[0, 0]], "n": 3}
    for wrong in (
        {"view": "x"}, {"n": 0}, {"n": True}, {"n": 1000}, {"points": []}, {"points": [[0]]}, {"points": [[0, "a"]]},
        {"points": "x"}, {"points": [[0, 0]] * 401}, {"points": [[0, None]]}, {"points": [[0, 1e400]]},
    ):  # fmt: skip
        answer = page.client.post(
            f"{page.base}path",
            content=json.dumps({**good, **wrong}),
            headers={"Origin": ORIGIN, "Content-Type": "application/json"},
        )
        assert answer.status_code == 422, wrong


# --- the command ----


def test_the_picture_by_likeness_needs_no_server(made: Made, tmp_path: Path) -> None:
    arguments = ["library", "map", "--index", str(made.index)]
    for by in ("mood", "likeness"):
        assert run_commands([*arguments, "--by", by, "--png", str(tmp_path / f"{by}.png"), "-q"]) == 0
    pictures = [(tmp_path / f"{by}.png").read_bytes() for by in ("mood", "likeness")]
    assert pictures[0] != pictures[1]
    with pytest.raises(UsageError, match="--by x"):
        run_commands([*arguments, "--by", "x"])
    with pytest.raises(OutputError, match="not a folder"):
        run_commands([*arguments, "--playlists", str(tmp_path / "mood.png")])
    with pytest.raises(OutputError, match="none does not exist"):
        run_commands([*arguments, "--playlists", str(tmp_path / "none" / "more")])
