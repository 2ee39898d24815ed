"""Where there is no ffmpeg, what needs it is refused before any work, and not after minutes of analysis."""

from __future__ import annotations

from pathlib import Path

import pytest

from media_made import Made
from review_made import lay_out, planned
from soundtrack.cli.app import run_commands
from soundtrack.errors import DependencyError

_WORK = (
    "soundtrack.pipeline.film.analyse.Watcher.analyse",
    "soundtrack.pipeline.film.analyse.analyse_video",
    "soundtrack.pipeline.excerpt.listen_to",
    "soundtrack.mix.render.measure",
    "soundtrack.pipeline.ground.film_watch.arrivals",
)


@pytest.fixture(scope="module")
def folder(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("films")
    lay_out(there, made, planned(made))
    return there


@pytest.mark.parametrize(
    "command",
    [
        "score {film} -o {out}.mp4 --no-cache",
        "score --batch {folder} -o {out} --no-cache",
        "score --watch {folder} -o {out} --no-cache",
        "render {film} {cues} -o {out}.mp4",
        "render {film} {cues} -o {out}.mp4 --from 0:01 --to 0:04",
        "excerpt {song} --seconds 2 -o {out}.wav",
    ],
)
def test_a_run_without_ffmpeg_was_refused_only_after_the_analysis(
    made: Made, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("this is work")

    for step in _WORK:
        monkeypatch.setattr(step, work)
    monkeypatch.setenv("SOUNDTRACK_FFMPEG", "/nonexistent")
    places = {
        "film": folder / made.film.name,
        "cues": folder / "film.cues.json",
        "folder": folder,
        "song": min(made.music.iterdir()),
        "out": tmp_path / "out",
    }
    index = [] if command.startswith("excerpt") else ["--index", str(made.index)]
    with pytest.raises(DependencyError, match="not ffmpeg"):
        run_commands([*(word.format(**places) for word in command.split()), *index])
    assert list(tmp_path.iterdir()) == []
