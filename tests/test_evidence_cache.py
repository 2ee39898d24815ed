"""Evidence that is kept: a film is read again by another head or channel without being watched, to the same bytes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soundtrack import pipeline
from soundtrack.channels import ClipByClip
from soundtrack.documents import scenesheet
from soundtrack.emotion.reader import Reader
from soundtrack.media.locate import ffmpeg_path
from soundtrack.pipeline.film import analyse as film
from soundtrack.types import Channel, Medium, SceneSheet
from soundtrack.video import scenes

LIGHT = Channel("toy-light", "1", Medium.PICTURE, dim=1, sha256="0" * 64, names=("light",))


@pytest.fixture(scope="module")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with a tone."""
    path = tmp_path_factory.mktemp("films") / "short.mp4"
    picture, tone = "testsrc=size=160x120:rate=12:duration=6", "sine=frequency=440:duration=6"
    command = [str(ffmpeg_path()), "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Names of the channels in each pass over the picture; the tiny networks are in use."""
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    passes: list[list[str]] = []
    really = film.watch

    def watch(info: object, channels: list[ClipByClip], **how: object) -> object:
        passes.append([made.channel.name for made in channels])
        return really(info, channels, **how)  # type: ignore[arg-type]  # hands on what it gets

    monkeypatch.setattr(film, "watch", watch)
    return passes


def analyse(path: Path, cache: Path) -> SceneSheet:
    return pipeline.analyse_video(path, device="cpu", cache=cache)


def forget_sheets(cache: Path) -> None:
    for sheet in cache.glob("*.scenes"):
        sheet.unlink()


def test_a_film_is_read_again_without_being_watched_to_the_same_bytes(
    short_film: Path, tmp_path: Path, watched: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analyse(short_film, tmp_path)
    forget_sheets(tmp_path)
    monkeypatch.setattr(film.Watcher, "_tower", property(lambda _: pytest.fail("the network was loaded")))
    assert scenesheet.dumps(analyse(short_film, tmp_path)) == scenesheet.dumps(first)
    assert len(watched) == 1


def test_the_colours_of_the_shots_are_kept_with_them(
    short_film: Path, tmp_path: Path, watched: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    colours: list[np.ndarray] = []
    really = scenes.group_scenes

    def group_scenes(*given: object, **how: object) -> object:
        colours.append(how["colours"])  # type: ignore[arg-type]  # an array here
        return really(*given, **how)  # type: ignore[arg-type]  # hands on what it gets

    monkeypatch.setattr(scenes, "group_scenes", group_scenes)
    analyse(short_film, tmp_path)
    forget_sheets(tmp_path)
    analyse(short_film, tmp_path)
    assert len(watched) == 1
    assert np.isclose(colours[0].sum(), len(colours[0]))
    assert np.array_equal(colours[0], colours[1])


def test_a_new_head_reads_what_was_seen(
    short_film: Path, tmp_path: Path, watched: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analyse(short_film, tmp_path)
    forget_sheets(tmp_path)

    def calmer(watcher: film.Watcher) -> Reader:
        before = watcher._tower.reader
        bias = before.head.bias.copy()
        bias[7] -= 0.5
        return Reader(replace(before.head, bias=bias), watcher._space, side="picture")

    monkeypatch.setattr(film.Watcher, "_reader", calmer)
    again = analyse(short_film, tmp_path)
    assert again.scenes[0].emotion.arousal < first.scenes[0].emotion.arousal
    assert len(watched) == 1


def test_a_new_channel_alone_is_watched_for(
    short_film: Path, tmp_path: Path, watched: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analyse(short_film, tmp_path)
    makers = film.film_channels

    def with_light(*args: object, **how: object) -> object:
        light = lambda _: ClipByClip(LIGHT, lambda clips: np.array([[clip.frames.mean()] for clip in clips]))  # noqa: E731
        return (*makers(*args, **how), light)  # type: ignore[arg-type]  # hands on what it gets

    monkeypatch.setattr(film, "film_channels", with_light)
    second = analyse(short_film, tmp_path)
    assert watched[1:] == [["toy-light"]]
    assert [o.channel for o in second.scenes[0].opinions] == [
        *(o.channel for o in first.scenes[0].opinions),
        "toy-light",
    ]
    assert second.readings == first.readings


@pytest.mark.parametrize("damage", ["empty", "half", "bit", "pickle", "folder"])
def test_a_damaged_file_of_evidence_counts_as_missing(
    short_film: Path, tmp_path: Path, watched: list[list[str]], damage: str
) -> None:
    first = analyse(short_film, tmp_path)
    forget_sheets(tmp_path)
    for file in sorted((tmp_path / "evidence").iterdir()):
        good = file.read_bytes()
        match damage:
            case "empty":
                file.write_bytes(b"")
            case "half":
                file.write_bytes(good[: len(good) // 2])
            case "bit":
                file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
            case "pickle":
                file.write_bytes(b"\x80\x04K\x01.")
            case "folder":
                file.unlink()
                file.mkdir()
    assert scenesheet.dumps(analyse(short_film, tmp_path)) == scenesheet.dumps(first)
    assert len(watched) == 2
