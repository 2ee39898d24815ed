"""Analyses that are kept: a film is watched once, and nothing else changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import sheet as made_up_sheet
from media_made import Made
from soundtrack import config, pipeline, resources
from soundtrack.documents import scenesheet
from soundtrack.media.reading.probe import probe
from soundtrack.pipeline.film import analyse as film
from soundtrack.pipeline.ground import analysis_cache
from soundtrack.pipeline.ground.analysis_cache import AnalysisCache
from soundtrack.settings import SceneSettings
from soundtrack.types import SceneSheet

SETTINGS: dict[str, object] = {"device": "cpu", "model": "made-up"}


def a_film(folder: Path, name: str = "film.mp4", content: bytes = b"pictures" * 100) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def sheet_of(path: Path, n_scenes: int = 3) -> SceneSheet:
    """A sheet that could be this film's."""
    moods = [("Sad", 12.0), ("Tension", 14.5), ("Excited", 20.0)] * n_scenes
    made = made_up_sheet(moods[:n_scenes])
    named = replace(made.film, name=path.name, fingerprint=film.fingerprint(path))
    return scenesheet.rounded(replace(made, film=named))


def text(sheet: SceneSheet | None) -> str:
    assert sheet is not None
    return scenesheet.dumps(sheet)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.scenes"))


def test_what_was_kept_comes_back_byte_for_byte_under_any_name(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "new" / "cache", SETTINGS)
    path = a_film(tmp_path)
    sheet = sheet_of(path)
    assert not cache.may_have(path)
    assert cache.find(path, sheet.film.fingerprint) is None
    cache.keep(path, sheet)
    assert cache.may_have(path)
    assert text(cache.find(path, sheet.film.fingerprint)) == text(sheet)
    moved = path.rename(tmp_path / "another name.MP4")
    renamed = replace(sheet, film=replace(sheet.film, name=moved.name))
    assert text(cache.find(moved, sheet.film.fingerprint)) == text(renamed)
    assert [p.name for p in (tmp_path / "new" / "cache").iterdir()] == [p.name for p in entries(tmp_path / "new/cache")]


def test_a_film_changed_in_the_middle_is_another_film(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "cache", SETTINGS)
    path = a_film(tmp_path, content=bytes(1 << 20))
    before = path.stat()
    cache.keep(path, sheet_of(path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.may_have(path)
    assert cache.find(path, film.fingerprint(path)) is None


@pytest.mark.parametrize("other", [{"device": "cuda"}, {"model": "made-up-2"}, {"shots": SceneSettings()}])
def test_other_settings_are_another_entry(tmp_path: Path, other: dict[str, object]) -> None:
    path = a_film(tmp_path)
    sheet = sheet_of(path)
    AnalysisCache(tmp_path / "cache", SETTINGS).keep(path, sheet)
    assert AnalysisCache(tmp_path / "cache", SETTINGS | other).find(path, sheet.film.fingerprint) is None
    assert AnalysisCache(tmp_path / "cache", dict(SETTINGS)).find(path, sheet.film.fingerprint) is not None


def test_other_code_or_other_libraries_are_another_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_film(tmp_path)
    sheet = sheet_of(path)
    AnalysisCache(tmp_path / "cache", SETTINGS).keep(path, sheet)
    for name in ("_own_code", "_libraries"):
        with monkeypatch.context() as changed:
            changed.setattr(analysis_cache, name, lambda: "changed")
            assert AnalysisCache(tmp_path / "cache", SETTINGS).find(path, sheet.film.fingerprint) is None


@pytest.mark.parametrize("damage", ["empty", "half", "bit", "number", "head", "no text", "other film", "folder"])
def test_a_damaged_entry_counts_as_missing_and_is_written_anew(
    tmp_path: Path, damage: str, rng: np.random.Generator
) -> None:
    cache = AnalysisCache(tmp_path / "cache", SETTINGS)
    path = a_film(tmp_path)
    sheet = sheet_of(path)
    cache.keep(path, sheet)
    (entry,) = entries(tmp_path / "cache")
    good = entry.read_bytes()
    match damage:
        case "empty":
            entry.write_bytes(b"")
        case "half":
            entry.write_bytes(good[: len(good) // 2])
        case "bit":
            spoiled = bytearray(good)
            spoiled[int(rng.integers(len(good)))] ^= 1
            entry.write_bytes(spoiled)
        case "number":
            assert good.count(b"26.5") >= 1
            entry.write_bytes(good.replace(b"26.5", b"26.6"))
        case "head":
            entry.write_bytes(b"[" * 100_000 + b"\n" + good)
        case "no text":
            entry.write_bytes(b"\xff\xfe" * 100)
        case "other film":
            other = a_film(tmp_path, "other.mp4", b"something else")
            cache.keep(other, sheet_of(other))
            (its,) = set(entries(tmp_path / "cache")) - {entry}
            entry.write_bytes(its.read_bytes())
        case "folder":
            entry.unlink()
            entry.mkdir()
    assert cache.find(path, sheet.film.fingerprint) is None
    if damage != "folder":
        cache.keep(path, sheet)
        assert entry.read_bytes() == good


def test_the_folder_stays_under_its_bound_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    films = [a_film(tmp_path, f"{i}.mp4", bytes([i]) * (100 + i)) for i in range(4)]
    sheets = [sheet_of(path) for path in films]
    roomy = AnalysisCache(folder, SETTINGS)
    for i, (path, sheet) in enumerate(zip(films[:3], sheets[:3], strict=True)):
        roomy.keep(path, sheet)
        (entry,) = folder.glob(f"{path.stat().st_size}-*")
        os.utime(entry, (1_000_000 + i, 1_000_000 + i))
    assert roomy.find(films[0], sheets[0].film.fingerprint) is not None  # looked up, so it is the youngest
    size = max(entry.stat().st_size for entry in entries(folder))
    narrow = AnalysisCache(folder, SETTINGS, most_bytes=3 * size + 10)
    narrow.keep(films[3], sheets[3])
    kept = {path.name for path in films if narrow.may_have(path)}
    assert kept == {"0.mp4", "2.mp4", "3.mp4"}
    AnalysisCache(folder, SETTINGS, most_bytes=10).keep(films[1], sheets[1])
    assert not roomy.may_have(films[1])


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    path = a_film(tmp_path)
    sheet = sheet_of(path)
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file" / "cache", tmp_path / "file"):
        cache = AnalysisCache(folder, SETTINGS)
        cache.keep(path, sheet)
        assert not cache.may_have(path)
        assert cache.find(path, sheet.film.fingerprint) is None


def test_a_sheet_that_names_its_place_is_not_kept(tmp_path: Path) -> None:
    path = a_film(tmp_path)
    cache = AnalysisCache(tmp_path / "cache", SETTINGS)
    cache.keep(path, replace(sheet_of(path), warnings=(f"{path}: its sound cannot be read",)))
    assert not cache.may_have(path)


def test_the_configuration_can_switch_it_off(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    env = {"SOUNDTRACK_CONFIG": str(file)}
    assert config.load_config(env).cache is True
    file.write_text("cache = false\n")
    assert config.load_config(env).cache is False
    assert config.load_config({**env, "SOUNDTRACK_CACHE": "1"}).cache is True


def test_a_film_is_announced_before_the_network_is_loaded(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, int, int]] = []
    monkeypatch.setattr(film.Watcher, "_tower", property(lambda _: said.append(("loaded", 0, 0)) or 1 / 0))
    with pytest.raises(ZeroDivisionError):
        pipeline.analyse_video(made.film, device="cpu", progress=lambda *step: said.append(step))
    assert said[0] == ("watching", 0, int(probe(made.film).duration_s))
    assert said[-1] == ("loaded", 0, 0)


def test_a_film_is_watched_once_and_the_bytes_are_the_same(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[str] = []
    really = film.watch
    monkeypatch.setattr(film, "watch", lambda info, *a, **k: watched.append(info.path.name) or really(info, *a, **k))
    cache = tmp_path / "cache"
    copy = tmp_path / "copy.mp4"
    shutil.copy(made.film, copy)
    plain = scenesheet.dumps(pipeline.analyse_video(copy, device="cpu"))
    first, second = (scenesheet.dumps(pipeline.analyse_video(copy, device="cpu", cache=cache)) for _ in range(2))
    assert plain == first == second
    assert watched == ["copy.mp4"] * 2
    (entry,) = entries(cache)
    entry.write_text("damaged")
    assert scenesheet.dumps(pipeline.analyse_video(copy, device="cpu", cache=cache)) == plain
    assert len(watched) == 2, "what was seen is kept beside the sheets"
    entry.write_text("damaged")
    for seen in (cache / "evidence").iterdir():
        seen.write_text("damaged")
    assert scenesheet.dumps(pipeline.analyse_video(copy, device="cpu", cache=cache)) == plain
    assert len(watched) == 3


@pytest.mark.slow
def test_scoring_with_and_without_kept_analyses_gives_the_same_bytes(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed: list[Path] = []
    monkeypatch.setattr("soundtrack.media.reading.probe.probe", lambda path: probed.append(path) or probe(path))
    films = []
    for name, cache in (("plain", None), ("first", tmp_path / "cache"), ("second", tmp_path / "cache")):
        out = tmp_path / f"{name}.mp4"
        scored = pipeline.score_video(made.film, out=out, index=made.index, device="cpu", cache=cache)
        films.append((out.read_bytes(), scored.cues.read_bytes()))
    assert films[0] == films[1] == films[2]
    assert probed.count(made.film) == 3


@pytest.mark.slow
def test_scoring_a_film_again_loads_no_networks_and_no_detectors(made: Made, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from soundtrack import pipeline\n"
        "film, index, out, cache = map(Path, sys.argv[1:])\n"
        "pipeline.score_video(film, out=out, index=index, device='cpu', cache=cache, force=True)\n"
        "networks, seen = ('torch', 'openvino'), ('scenedetect', 'cv2', 'matplotlib', 'scipy', 'librosa', 'numba')\n"
        "heavy = (*networks, *seen, 'ssl', 'tarfile')\n"
        "print(*[name for name in heavy if name in sys.modules])\n"
    )
    paths = [made.film, made.index, tmp_path / "out.mp4", tmp_path / "cache"]
    command = [sys.executable, "-c", code, *map(str, paths)]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert {"torch", "openvino"} & set(first.split())
    assert second.split() == []


def test_every_part_that_has_a_say_is_there() -> None:
    digest = resources.code_digest(*analysis_cache._PARTS)
    assert digest != resources.code_digest(*analysis_cache._PARTS[1:])
    with pytest.raises(FileNotFoundError):
        resources.code_digest("soundtrack.no_such_part")
