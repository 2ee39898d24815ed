"""The ledger: what earlier films used counts less, and only where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from made_up import MODEL, sheet, small_library
from soundtrack import config, pipeline
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError
from soundtrack.pipeline.ground.ledger import MOST_FILMS, read_ledger, recent_tracks, remember
from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

LIBRARY = small_library()
SCENES = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)])


@pytest.fixture
def cues() -> CueSheet:
    return spot_cues(SCENES, LIBRARY)


def film(cues: CueSheet, name: str, *track_ids: str) -> CueSheet:
    """The same sheet of another film, with some tracks only."""
    chosen = tuple(replace(cues.cues[0], track_id=t) for t in track_ids) or cues.cues
    return replace(cues, film=replace(cues.film, fingerprint=name), cues=chosen)


def test_the_last_films_count_and_the_film_itself_does_not(tmp_path: Path, cues: CueSheet) -> None:
    path = tmp_path / "new folder" / "ledger.jsonl"
    assert recent_tracks(path, 3, besides="c") == frozenset()
    for name, track in (("a", "1"), ("b", "2"), ("c", "3")):
        remember(path, film(cues, name, track))
    assert recent_tracks(path, 1, besides="x") == {"3"}
    assert recent_tracks(path, 2, besides="c") == {"1", "2"}
    assert recent_tracks(path, 0, besides="x") == frozenset()
    remember(path, film(cues, "a", "4"))
    assert [f.film for f in read_ledger(path)] == ["b", "c", "a"]
    assert recent_tracks(path, 1, besides="x") == {"4"}
    assert [p.name for p in path.parent.iterdir()] == ["ledger.jsonl"]


def test_the_ledger_does_not_grow_for_ever(tmp_path: Path, cues: CueSheet) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"film": "old", "tracks": []}\n' * (MOST_FILMS + 50))
    remember(path, film(cues, "new"))
    assert len(read_ledger(path)) == MOST_FILMS
    assert read_ledger(path)[-1].film == "new"


@pytest.mark.parametrize(
    "text", ["x", "[]", '{"film": 1, "tracks": []}', '{"film": "a", "tracks": [2]}', '{"film": "a"}']
)
def test_a_damaged_ledger_is_named_and_left_alone(tmp_path: Path, cues: CueSheet, text: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(f'{{"film": "a", "tracks": []}}\n{text}\n')
    with pytest.raises(InputError, match="line 2"):
        remember(path, cues)
    assert text in path.read_text()


def test_used_tracks_give_way_and_the_reason_is_told(cues: CueSheet) -> None:
    used = frozenset(c.track_id for c in cues.cues)
    again = spot_cues(SCENES, LIBRARY, constraints=Constraints(recent=used))
    assert list(cuesheet.faults(again)) == []
    assert not used & {c.track_id for c in again.cues}
    everything = spot_cues(SCENES, LIBRARY, constraints=Constraints(recent=frozenset(LIBRARY.track_ids)))
    assert everything.cues
    assert all(any(t.name == "recent" and t.value == -0.25 for t in c.why) for c in everything.cues)
    locked = Constraints(recent=used, locks=(Lock(1.0, cues.cues[0].track_id),))
    first = spot_cues(SCENES, LIBRARY, constraints=locked).cues[0]
    assert first.track_id == cues.cues[0].track_id
    assert not any(t.name == "recent" for t in first.why)


def test_spotting_looks_back_only_when_asked(tmp_path: Path, cues: CueSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("soundtrack.pipeline.given.open_library", lambda _, **_how: LIBRARY)
    assert LIBRARY.model == MODEL
    remember(tmp_path / "soundtrack" / "ledger.jsonl", film(cues, "another film"))
    before = (tmp_path / "soundtrack" / "ledger.jsonl").read_bytes()
    plain, fresh = (pipeline.spot_video(SCENES, wishes=pipeline.Wishes(avoid_recent=n)) for n in (0, 1))
    assert [c.track_id for c in plain.cues] == [c.track_id for c in cues.cues]
    assert not {c.track_id for c in fresh.cues} & {c.track_id for c in cues.cues}
    assert (tmp_path / "soundtrack" / "ledger.jsonl").read_bytes() == before


def test_the_configuration_can_switch_it_on(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    env = {"SOUNDTRACK_CONFIG": str(file)}
    assert config.load_config(env).ledger is False
    file.write_text("ledger = true\n")
    assert config.load_config(env).ledger is True
    file.write_text("ledger = false\n")
    assert config.load_config(env).ledger is False
    assert config.load_config({**env, "SOUNDTRACK_LEDGER": "1"}).ledger is True
    file.write_text('ledger = "perhaps"\n')
    with pytest.raises(InputError, match="must be true or false"):
        config.load_config(env)
