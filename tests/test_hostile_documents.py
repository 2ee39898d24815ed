"""Documents from strangers: whatever is in them, one error that names them, and bounded time."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pathspec import GitIgnoreSpec

from made_up import sheet, small_library
from soundtrack import export
from soundtrack.checkpoints.manifest import find_model, read_manifest, read_object
from soundtrack.config import load_config
from soundtrack.documents import cuesheet, scenesheet
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.video_config import parse_config
from soundtrack.errors import InputError, ModelError, SoundtrackError, UsageError
from soundtrack.library.search.patterns import MOST_PATTERNS, spec_of
from soundtrack.library.search.rules import IGNORE_NAME, NameRules, Rules
from soundtrack.naming.playlists import MOST_ENTRIES, read_playlist
from soundtrack.pipeline.ground.film_list import films_of, settings_beside
from soundtrack.pipeline.ground.ledger import read_ledger
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, SceneSheet
from test_odd_files import damaged

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def film() -> SceneSheet:
    return sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 14.25)], speech=[0.0, 0.9, 0.0])


@pytest.fixture(scope="module")
def cues(film: SceneSheet) -> CueSheet:
    return spot_cues(film, small_library())


# --- limits on the number of things ----


def test_twenty_thousand_equal_cues_are_checked_in_a_moment(cues: CueSheet) -> None:
    many = replace(cues, cues=cues.cues[:1] * 20_000, alternatives=())
    started = time.process_time()
    faults = list(cuesheet.faults(many))
    assert time.process_time() - started < 5
    assert sum("is duplicated" in fault for fault in faults) == 19_999


def test_a_playlist_of_two_million_lines_is_read_or_refused_in_a_moment(tmp_path: Path) -> None:
    started = time.process_time()
    path = tmp_path / "a.m3u"
    path.write_text("a\n" * 900_000)
    assert read_playlist(path) == [tmp_path / "a"]
    path.write_text("a\n" * 2_000_000)
    with pytest.raises(InputError, match="2000001 lines, at most"):
        read_playlist(path)
    path.write_text("".join(f"{i}\n" for i in range(MOST_ENTRIES + 1)))
    with pytest.raises(InputError, match=f"names {MOST_ENTRIES + 1} files, at most"):
        read_playlist(path)
    path = tmp_path / "a.pls"
    path.write_text("[playlist]\n" + "".join(f"File{i}=a\n" for i in range(300_000)))
    assert read_playlist(path) == [tmp_path / "a"]
    assert time.process_time() - started < 20


def test_an_ignore_file_of_many_bad_patterns_costs_next_to_nothing(tmp_path: Path) -> None:
    names = ["a" * 251 + ".mp3", "a/" * 1_900 + "x.mp3", "a/" + "b/" * 900 + "c/" * 900 + "x.mp3"]
    for lines in (
        "*a*a*b\n" * 10_000,
        "".join(f"*a*a*b{i}\n" for i in range(6_000)),
        "".join(f"a/**/a/**/a/**/b{i}\n" for i in range(3_000)),
        "".join(f"**/b/**/c/**/d{i}\n" for i in range(3_000)),
    ):
        (tmp_path / IGNORE_NAME).write_text(lines)
        rules = NameRules(Rules(), [tmp_path])
        rules.leaves_out(f"{tmp_path}/x")  # reads the file
        started = time.process_time()
        assert not any(rules.leaves_out(f"{tmp_path}/{name}") for name in names[:1])
        spec = spec_of(lines.splitlines())
        assert spec is not None and len(spec.patterns) <= MOST_PATTERNS
        assert not any(spec.check_file(name).include for name in names)
        assert time.process_time() - started < 10
    with pytest.raises(UsageError, match="at most"):
        Rules(exclude=tuple(f"{i}" for i in range(MOST_PATTERNS + 1)))


def test_patterns_mean_what_they_mean_to_pathspec() -> None:

    rng = random.Random(1)
    pieces = ["a", "b", "/", "*", "**", "/**/", "?", "[ab]", "\\*", ".", "a", "b", "/a", "*b", "**/"]
    n_included = 0
    for _ in range(4_000):
        pattern = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 7)))
        try:
            plain = GitIgnoreSpec.from_lines([pattern], backend="simple")
        except ValueError:
            continue
        ours = spec_of([pattern])
        if ours is None:  # means nothing, or has too many stars
            continue
        for _ in range(6):
            raw = "".join(rng.choice(["a", "b", "/", "aa", "a/", ".", "*", "b/"]) for _ in range(rng.randint(1, 12)))
            path = re.sub("/+", "/", raw).strip("/") or "a"
            verdict = plain.check_file(path).include
            n_included += verdict is True
            assert ours.check_file(path).include == verdict, (pattern, path)
    assert n_included > 1_000


def test_the_root_of_the_disk_as_a_folder_of_music_ends() -> None:
    rules = NameRules(Rules(exclude=("*.wav",)), [Path("/")])
    assert not rules.leaves_out("/tmp/x.mp3")
    assert rules.leaves_out("/tmp/x.wav")
    assert not rules.leaves_out("/x.mp3")


# --- text ----


def test_half_of_a_surrogate_pair_is_refused_and_a_byte_of_a_name_is_exported(cues: CueSheet) -> None:
    data = json.loads(cuesheet.dumps(cues))
    for half in ("\ud800", "\udbff", "\udc00", "\udfff"):
        data["film"]["name"] = f"a{half}"
        with pytest.raises(InputError, match=r"film\.name: contains an unpaired surrogate, U\+D"):
            cuesheet.loads(json.dumps(data))
    data["film"]["name"] = "a\udcff.mp4"
    data["tracks"][0]["path"] = "/b\udc80.mp3"
    found = cuesheet.loads(json.dumps(data))
    for kind in export.FORMATS:
        export.export(found, kind).encode("utf-8", "backslashreplace")


@pytest.mark.parametrize("reader", [cuesheet, scenesheet])
def test_a_sheet_from_windows_with_a_byte_order_mark_is_read(
    reader: Any, film: SceneSheet, cues: CueSheet, tmp_path: Path
) -> None:
    from soundtrack.cli.output import read_document

    text = reader.dumps(cues if reader is cuesheet else film)
    path = tmp_path / "a.json"
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert reader.dumps(reader.loads(read_document(str(path)))) == text


# --- anything at all ----


def _readers(tmp_path: Path, film: SceneSheet, cues: CueSheet) -> dict[str, tuple[str, Callable[[Path], object]]]:
    """For each kind of document a good one, and what reads it."""

    def check(path: Path) -> object:
        found = cuesheet.loads(path.read_text(encoding="utf-8", errors="replace"), name=path.name)
        cuesheet.check(found, name=path.name)
        return [export.export(found, kind) for kind in ("csv", "m3u", "txt", "edl")]

    return {
        "cues.json": (cuesheet.dumps(cues), check),
        "scenes.json": (
            scenesheet.dumps(film),
            lambda path: scenesheet.loads(path.read_text(encoding="utf-8", errors="replace"), name=path.name),
        ),
        "manifest.json": ((ROOT / "models" / "manifest.json").read_text(), lambda path: read_manifest(path.parent)),
        "config.toml": (
            'index = "/a/b"\ndevice = "cpu"\ntarget = -16\nledger = true\ncache = false\n',
            lambda path: load_config({"SOUNDTRACK_CONFIG": str(path)}),
        ),
        "a.m3u8": ("#EXTM3U\n#EXTINF:1,x\na.mp3\nfile:///b.mp3\nhttp://x/y\n", read_playlist),
        "a.pls": ("[playlist]\nFile1=a.mp3\nTitle1=x\nNumberOfEntries=1\n", read_playlist),
        "a.xspf": (
            "<playlist><trackList><track><location>a.mp3</location></track></trackList></playlist>",
            read_playlist,
        ),
        "ledger.jsonl": ('{"film": "sha256:a", "tracks": ["b"]}\n', read_ledger),
        "films.txt": ("# films\na.mp4\nb.mkv\n", films_of),
        "films.csv": ("film,mood,target\na.mp4,calm,-16\nb.mkv,,\n", films_of),
        "a.soundtrack.toml": (
            'mood = "calm"\ntarget = -16\nseed = 1\nsilence = ["0:01-0:02"]\n',
            lambda path: settings_beside(path.with_name("a.mp4")),
        ),
    }


def _picture(values: dict[str, object]) -> object:
    """The settings of a network for pictures."""
    return parse_config(values, where="model")


NAMES = [
    *("cues.json", "scenes.json", "manifest.json", "config.toml", "a.m3u8", "a.pls", "a.xspf"),
    *("ledger.jsonl", "films.txt", "films.csv", "a.soundtrack.toml"),
]


@pytest.mark.parametrize("name", NAMES)
def test_documents_with_bytes_turned_over_are_read_or_refused(
    name: str, tmp_path: Path, film: SceneSheet, cues: CueSheet, rng: np.random.Generator
) -> None:
    good, read = _readers(tmp_path, film, cues)[name]
    path = tmp_path / name
    path.write_text(good)
    read(path)
    raw = good.encode()
    odd = ["", "\0", "[" * 3_000, "9" * 5_000, "\udcff", "\n", '"', "1e999", "nan", "-", "~x/", "{}", "\\ud800"]
    pieces = [text.encode("utf-8", "surrogateescape") for text in odd]
    for turn in range(150):
        data = bytearray(raw)
        for _ in range(int(rng.integers(1, 4))):
            at, n = int(rng.integers(0, len(data) + 1)), int(rng.integers(0, 12))
            data[at : at + n] = pieces[int(rng.integers(len(pieces)))] if turn % 2 else rng.bytes(n)
        path.write_bytes(data)
        started = time.process_time()
        try:
            read(path)
        except SoundtrackError as error:
            assert len(str(error)) < 2_000
        assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["cues.json", "scenes.json", "manifest.json"])
def test_documents_with_values_of_other_kinds_are_read_or_refused(
    name: str, tmp_path: Path, film: SceneSheet, cues: CueSheet, rng: np.random.Generator
) -> None:
    good, read = _readers(tmp_path, film, cues)[name]
    path = tmp_path / name
    n_refused = 0
    for _ in range(150):
        data = json.loads(good)
        damaged(data, rng)
        path.write_text(json.dumps(data))
        try:
            read(path)
        except (InputError, ModelError):
            n_refused += 1
    assert n_refused > 75


@pytest.mark.parametrize(("name", "parse"), [("mel-emotion", MusicTowerConfig.from_dict), ("i3d-emotion", _picture)])
def test_the_configuration_of_a_model_with_values_of_other_kinds_is_read_or_refused(
    name: str, parse: Callable[[dict[str, object]], object], tmp_path: Path, rng: np.random.Generator
) -> None:
    good = json.loads((find_model(name).folder / "config.json").read_text())
    path = tmp_path / "config.json"
    n_refused = 0
    for _ in range(150):
        data = json.loads(json.dumps(good))
        damaged(data, rng)
        path.write_text(json.dumps(data))
        try:
            parse(read_object(path))
        except ModelError as error:
            n_refused += 1
            assert "config.json" in str(error)
    assert n_refused > 75
