"""Playlists as taste: tags that belong together, tracks that belong together, and what both find again."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import library, sheet, track
from media_made import Made
from soundtrack.cli.app import main, run_commands
from soundtrack.errors import InputError, LibraryError
from soundtrack.evaluation.playlists import BOTH, CHANCE, LISTENING, POPULARITY, TAGS, held_out
from soundtrack.library.liking import Liking, read_liking
from soundtrack.pipeline.library.taste import library_taste, playlists_in, sources_of
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.together import playlists_term
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.taste.listening import track_vectors
from soundtrack.taste.tag_vectors import tag_vectors
from soundtrack.taste.taste import Sources, company, taste_of


def two_circles(n_each: int = 30, n_playlists: int = 40) -> Sources:
    """Playlists of two circles of listeners, who never take each other's tracks; tags tell some of it."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(n_playlists):
        first = (i % 2) * n_each
        rows.append(tuple(int(first + t) for t in rng.choice(n_each, 8, replace=False)))
    tags = tuple(("strings" if t < n_each else "guitar",) if t % 3 else ("piano",) for t in range(2 * n_each))
    return Sources(tags=tags, playlists=tuple(rows))


def test_feel_words_have_the_neighbours_that_people_would_name() -> None:
    found = tag_vectors([])
    assert found.nearest("eerie", n=1)[0][0] == "unnerving"
    assert {name for name, _ in found.nearest("bouncy", n=2)} <= {"bright", "humorous", "uplifting"}
    assert found.nearest("no such tag") == []


def test_tags_of_one_playlist_come_close_and_of_different_ones_do_not() -> None:
    tracks = [["harp"], ["harp"], ["flute"], ["flute"], ["drill"], ["drill"], ["saw"], ["saw"]]
    found = tag_vectors(tracks, [[0, 1, 2, 3], [4, 5, 6, 7]], start=False)
    assert found.nearest("harp", n=1)[0][0] == "flute"
    assert found.nearest("drill", n=1)[0][0] == "saw"
    rows = found.of_tracks([["harp"], ["flute"], ["saw"], ["unknown"]])
    assert rows[0] @ rows[1] > 0.5 > abs(rows[0] @ rows[2])
    assert not rows[3].any()


def test_tracks_of_one_circle_of_playlists_lie_together_and_the_same_numbers_come_out_twice() -> None:
    sources = two_circles()
    rows = [dict.fromkeys(named, 1.0) for named in sources.playlists]
    vectors = track_vectors(rows, n_tracks=60)
    cosine = vectors @ vectors.T
    assert cosine[:30, :30].mean() > cosine[:30, 30:].mean() + 0.3
    np.testing.assert_array_equal(vectors, track_vectors(rows, n_tracks=60))
    assert not track_vectors([], n_tracks=3).any()


def test_a_track_is_no_company_for_itself() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert company(vectors, [0, 1]).tolist() == [0.0, 0.0, 0.0]
    assert company(vectors, []).tolist() == [0.0, 0.0, 0.0]


def test_hidden_tracks_are_found_by_playlists_far_above_popularity() -> None:
    found = held_out(two_circles(), n_draws=50)
    assert found.n_entries == 40 * 8
    assert set(found.hits) == {BOTH, LISTENING, TAGS, POPULARITY, CHANCE}
    assert found.auc[LISTENING].low > found.auc[POPULARITY].high
    assert found.auc[BOTH].low > found.auc[CHANCE].high
    assert 0.4 < found.auc[CHANCE].value < 0.6
    assert found.lines()[0].split() == ["in", "first", "10", "AUC"]


def test_where_every_track_is_as_likely_a_hit_is_worth_its_chance() -> None:
    """Equal values must not count as found."""
    flat = Sources(tags=((),) * 50, playlists=((0, 1, 2, 3), (0, 1, 2, 3)))
    found = held_out(flat, n_draws=10)
    assert found.hits[TAGS].value == pytest.approx(10 / 47)
    assert found.auc[TAGS].value == pytest.approx(0.5)


@pytest.mark.parametrize(("playlists", "n"), [((), 9), (((0, 1, 2),), 9), (((0, 1, 2, 3),), 4)])
def test_playlists_that_cannot_be_asked_are_refused(playlists: tuple[tuple[int, ...], ...], n: int) -> None:
    with pytest.raises(InputError, match="no playlist names 4 or more tracks"):
        held_out(Sources(tags=((),) * n, playlists=playlists))


def test_without_implicit_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from soundtrack.errors import DependencyError
    from soundtrack.taste import listening

    monkeypatch.setattr(listening.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DependencyError) as refused:
        listening.require_installed()
    assert "soundtrack[playlists]" in refused.value.hint
    assert taste_of(two_circles()).by_playlists is None


# --- ratings -----


def id3(*frames: tuple[bytes, bytes], version: int = 3) -> bytes:
    """A tag with some frames."""

    def size(n: int) -> bytes:
        return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0)) if version == 4 else struct.pack(">I", n)

    body = b"".join(name + size(len(data)) + b"\0\0" + data for name, data in frames)
    n = len(body)
    head = b"ID3" + bytes([version, 0, 0]) + bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return head + body + b"\xff\xfb\x90\x00" + bytes(413)


@pytest.mark.parametrize("version", [3, 4])
def test_rating_and_play_count_of_an_id3_tag(tmp_path: Path, version: int) -> None:
    path = tmp_path / "a.mp3"
    popm = b"someone@example.org\0" + bytes([196]) + (300).to_bytes(4, "big")
    path.write_bytes(id3((b"TIT2", b"\0" + b"x" * 200), (b"POPM", popm), version=version))
    found = read_liking(path)
    assert found.rating == pytest.approx(196 / 255)
    assert found.plays == 300
    assert found.weight > Liking(rating=found.rating).weight


@pytest.mark.parametrize(
    "data", [b"", b"ID3", id3((b"POPM", b"")), id3((b"POPM", b"no end")), id3((b"PCNT", b""))[:16], b"\xff" * 600]
)
def test_a_broken_tag_says_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(data)
    assert read_liking(tmp_path / "a.mp3") == Liking()
    assert read_liking(tmp_path / "missing.mp3").weight == 1.0


def test_a_weight_stays_within_its_limits() -> None:
    assert Liking(rating=1.0, plays=10**9).weight == 3.0
    assert Liking(rating=0.01).weight == 0.2


# --- in the plan -----


def test_of_two_equal_tracks_the_one_that_playlists_keep_with_the_best_is_chosen_and_why_names_it() -> None:
    sad = [track(f"sad {i}", ["Sad"] * 12) for i in range(4)]
    odd = [track("one", ["Neutral"] * 12), track("other", ["Neutral"] * 12)]
    made = library([*sad, *odd])
    # the same piece of music twice, but for the playlists
    best = np.array([[0.9, 0.9, 0.1, 0.1, 0.3, 0.3]], np.float32)
    named = {Path("a.m3u"): [sad[0].track_id, sad[1].track_id, odd[1].track_id], Path("b.m3u"): [sad[0].track_id]}
    taste = library_taste([*sad, *odd], named)
    assert taste is not None
    term = playlists_term(best, [*sad, *odd], taste, weight=0.15)
    assert term[0, 5] > term[0, 4]
    assert abs(term.mean()) < 1e-4
    assert library_taste(sad, {Path("b.m3u"): [sad[0].track_id]}) is None
    film = sheet([("Sad", 60.0)])
    with_them = spot_cues(film, made, constraints=Constraints(taste=taste))
    without = spot_cues(film, made)
    assert any(term.name == "playlists" and term.value != 0 for cue in with_them.cues for term in cue.why)
    assert not any(term.name == "playlists" and term.value != 0 for cue in without.cues for term in cue.why)


def test_frequent_use_decides_between_equals() -> None:
    tracks = [track(f"t{i}", ["Sad"] * 6) for i in range(4)]
    taste = library_taste(tracks, {Path("a.m3u"): [t.track_id for t in tracks[:2]]})
    assert taste is not None
    same = replace(taste, vectors={t.track_id: np.ones(1, np.float32) for t in tracks})
    same = replace(same, uses={tracks[3].track_id: 1.0})
    term = playlists_term(np.zeros((1, 4), np.float32), tracks, same, weight=0.15)[0]
    assert term[3] > term[2] == term[1]


def test_albums_and_folders_are_known_and_foreign_ids_left_out(tmp_path: Path) -> None:
    tracks = [replace(track(f"t{i}", ["Sad"] * 6), path=tmp_path / f"{i // 2}" / f"{i}.mp3") for i in range(4)]
    found = sources_of(tracks, [[tracks[0].track_id, "foreign", tracks[3].track_id], ["foreign"]])
    assert found.playlists == ((0, 3),)
    assert (0, 1) in found.groups


def test_words_of_lyrics_are_tags_only_where_they_are_asked_for(tmp_path: Path) -> None:
    songs = [replace(track(f"t{i}", ["Sad"] * 6), path=tmp_path / f"{i}.mp3") for i in range(2)]
    (tmp_path / "0.lrc").write_text("[00:01]Sorrow and rain\n[00:05]sorrow xyzzy")
    with_them = sources_of(songs, [], lyrics=True).tags
    assert "sung sorrow" in with_them[0] and "sung xyzzy" not in with_them[0]
    assert with_them[0].count("sung sorrow") == 1
    assert not any(tag.startswith("sung ") for tags in (*sources_of(songs, []).tags, with_them[1]) for tag in tags)


# --- the command -----


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["soundtrack", "eval", "playlists", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


@pytest.mark.parametrize(
    ("content", "cause", "code"),
    [
        (None, "no playlists", "E302"),
        ("", "1 playlist, but none names two tracks of the library", "E312"),
        ("/nowhere/a.mp3\n/nowhere/b.mp3\n", "1 playlist, but none names two tracks of the library", "E312"),
    ],
)
def test_empty_and_foreign_playlists_end_in_two_lines(
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    content: str | None,
    cause: str,
    code: str,
) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    if content is not None:
        (folder / "a.m3u").write_text(content)
    assert run(monkeypatch, str(folder), "--index", str(made.index)) == 3
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert cause in lines[0] and lines[1].startswith("hint: ") and lines[1].endswith(f"[{code}]")


def test_a_library_without_playlists_had_the_code_of_an_empty_file(made: Made) -> None:
    with pytest.raises(LibraryError, match="has no playlists"):
        run_commands(["eval", "playlists", "--index", str(made.index)])


def test_the_command_prints_the_ablation(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The library has two tracks; the sources are made up, and everything else is as in use."""
    (tmp_path / "a.m3u").write_text("".join(f"{path}\n" for path in sorted(made.music.iterdir())))
    monkeypatch.setattr("soundtrack.pipeline.library.taste.sources_of", lambda *_, **__: two_circles())
    assert run(monkeypatch, str(tmp_path), "--index", str(made.index), "--json", "--draws", "10") == 0
    shown = json.loads(capfd.readouterr().out)
    assert shown["n_playlists"] == 40
    assert list(shown["rows"]) == [BOTH, LISTENING, TAGS, POPULARITY, CHANCE]
    assert run(monkeypatch, str(tmp_path), "--index", str(made.index), "--draws", "10") == 0
    assert "popularity" in capfd.readouterr().out


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder") as error:
        playlists_in(tmp_path / "no", [])
    assert error.value.code == "E312"


def test_neighbours_by_playlists_get_an_eighth_of_a_full_pool() -> None:
    """Where the library is larger than the pool, candidates from playlists join those of the merit."""
    from soundtrack.spotting.merit.eligibility import _with_neighbours

    gained = np.zeros((2, 40), np.float32)
    gained[1, [30, 31, 32]] = [0.1, 0.12, 0.11]
    gained[0, 2] = 0.2
    pool = _with_neighbours(list(range(16)), gained, n_tracks=16)
    assert pool == [*range(14), 31, 32]
    assert _with_neighbours(list(range(16)), np.zeros((2, 40), np.float32), n_tracks=16) == list(range(16))
    assert _with_neighbours(list(range(10)), gained, n_tracks=16) == list(range(10))
