"""Every film of a batch has a scored film and a cue sheet of its own, whatever the order of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from made_up import sheet, small_library
from soundtrack.errors import UsageError
from soundtrack.pipeline.sheets.batch_names import batch_path, films_of_one_name, refuse_twins
from soundtrack.pipeline.sheets.sheet_files import write_cues
from soundtrack.pipeline.sheets.targets import cues_path
from soundtrack.spotting.plan.spot import spot_cues


@pytest.fixture(autouse=True)
def own_suffix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundtrack.media.writing.formats.default_suffix", lambda info: info.path.suffix)


def names(films: Sequence[Path], folder: Path | None = None) -> dict[str, str]:
    """Scored films of a list by the names of its films."""
    keep = films_of_one_name(films, folder)
    refuse_twins(films, folder, keep=keep, option="-o DIR")
    made: dict[str, str] = {}
    for film in films:
        info: Any = SimpleNamespace(path=film)
        made[film.name] = batch_path(info, folder, keeps_suffix=film in keep).name
    return made


@pytest.mark.parametrize(
    ("films", "scored"),
    [
        (["a.mp4", "b.mp4"], ["a.scored.mp4", "b.scored.mp4"]),
        (["a.mp4", "a.mov", "b.mp4"], ["a.mp4.scored.mp4", "a.mov.scored.mov", "b.scored.mp4"]),
        (["A.mp4", "a.mov"], ["A.mp4.scored.mp4", "a.mov.scored.mov"]),
        (["a.mp4", "a.mov", "a.mov.mp4"], ["a.mp4.scored.mp4", "a.mov.scored.mov", "a.mov.mp4.scored.mp4"]),
    ],
)
@pytest.mark.parametrize("folder", [None, Path("out")])
def test_only_films_of_one_name_keep_their_suffix_in_any_order(
    films: list[str], scored: list[str], folder: Path | None
) -> None:
    for order in permutations(films):
        made = names([Path(name) for name in order], folder)
        assert [made[name] for name in films] == scored
    assert len({cues_path(Path(name)).name.casefold() for name in scored}) == len(scored)


def test_films_of_one_name_and_suffix_are_still_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would both be written"):
        names([Path("one/a.mp4"), Path("two/a.mp4")], tmp_path)
    with pytest.raises(UsageError, match="would both be written"):
        names([Path("a.mp4"), Path("A.mp4")])


def test_a_film_that_was_scored_before_another_of_its_name_came_stays_where_it_is(tmp_path: Path) -> None:
    films = [tmp_path / "clip.mov", tmp_path / "clip.mp4"]
    cues = spot_cues(sheet([("Relaxation", 60.0)]), small_library())
    write_cues(replace(cues, film=replace(cues.film, name="clip.mov")), tmp_path / "clip.scored.cues.json")
    for name in ("clip.scored.mov", "clip.scored.mp4"):  # the other one by another program
        (tmp_path / name).write_bytes(b"film")
    for order in (films, films[::-1]):
        assert names(order) == {"clip.mov": "clip.scored.mov", "clip.mp4": "clip.mp4.scored.mp4"}
    (tmp_path / "clip.scored.mov").unlink()
    assert names(films) == {"clip.mov": "clip.mov.scored.mov", "clip.mp4": "clip.mp4.scored.mp4"}
