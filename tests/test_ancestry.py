"""The page on the ancestors: 48 rows, commands that exist, and those that take seconds run."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from media_made import Made, make_film
from soundtrack.cli.app import main
from soundtrack.types import CLASS_VALENCE_AROUSAL
from test_readme import options_of, resolve

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "ancestry.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (S\d-\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE)
COMMANDS = {name: cell.strip("`") for name, _, cell, _ in ROWS if cell.startswith("`")}
N_OF = {"S0": 11, "S1": 14, "S2": 5, "S3": 7, "S4": 11}
SLOW = ("soundtrack train ", "soundtrack index ~/Music", "soundtrack review ", "soundtrack models add ")
"""Beginnings of commands that take minutes, wait for a person, or need a trained network; tested elsewhere."""
WITH_FOLDS = re.compile(r"eval labels .*--folds|eval playlists|eval faces|eval answers|models verify")
"""Commands that need more material than the two tracks and the film here, or seconds beyond a quick test."""


def test_every_row_is_there_once() -> None:
    names = [name for name, *_ in ROWS]
    assert names == [f"{system}-{i}" for system, n in N_OF.items() for i in range(1, n + 1)]
    assert len(names) == 48


def test_a_row_without_a_command_says_so() -> None:
    for name, did, cell, notes in ROWS:
        assert did and (cell.startswith("`soundtrack ") or cell.startswith("not "))
        if name not in COMMANDS:
            assert len(notes) > 10, f"{name}: no reason"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_with_its_options(name: str) -> None:
    command, rest = resolve(shlex.split(COMMANDS[name])[1:])
    given = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= options_of(command)
    assert not hasattr(command, "commands")


def test_files_and_words_named_in_notes_exist() -> None:
    root = Path(__file__).resolve().parent.parent
    for path in re.findall(r"`((?:tests|soundtrack)/[\w/]+\.py)`", PAGE):
        assert (root / path).is_file(), path


def test_the_table_of_ekman_has_the_places_of_the_classes() -> None:
    table = PAGE.split("## Ekman's emotions")[1]
    for name, (valence, arousal) in CLASS_VALENCE_AROUSAL.items():
        assert name in table
        assert f"{valence:.2f}, {arousal:.2f}" in table


def quick() -> list[str]:
    """Rows whose commands are run here; commands that are the same once."""
    seen: dict[str, str] = {}
    for name, line in COMMANDS.items():
        if not line.startswith(SLOW) and not WITH_FOLDS.search(line):
            seen.setdefault(line, name)
    return list(seen.values())


@pytest.fixture(scope="module")
def desk(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the commands name."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(made.film, folder / "film.mp4")
    shutil.copy(made.music / "dark.mp3", folder / "song.mp3")
    (folder / "photos").mkdir()
    for name, colour in (("photo.jpg", (30, 40, 90)), ("other.jpg", (220, 180, 60))):
        Image.new("RGB", (96, 64), colour).save(folder / name)
        shutil.copy(folder / name, folder / "photos" / name)
    clips = [("film.mp4", "Sad", "a"), ("clip.mp4", "Excited", "b"), ("more.mp4", "Tension", "c")]
    for name, _, _ in clips[1:]:
        make_film(folder / name, seconds=3)
    _table(folder / "clips.csv", [("file", "class", "source_id"), *clips])
    for i in range(5):
        Image.new("RGB", (64, 64), (40 * i, 255 - 40 * i, 128)).save(folder / f"rated{i}.png")
    rated = [(f"rated{i}.png", f"{0.4 * i - 0.8:.1f}", f"{0.7 - 0.3 * i:.1f}", str(i)) for i in range(5)]
    _table(folder / "ratings.csv", [("file", "valence", "arousal", "source_id"), *rated])
    return folder


def _table(path: Path, rows: list[tuple[str, ...]]) -> None:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", quick())
def test_commands_that_take_seconds_work(
    name: str, desk: Path, made: Made, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(made.index))

    def run(line: str) -> str:
        monkeypatch.setattr("sys.argv", shlex.split(line))
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capfd.readouterr()
        assert not done.value.code, err
        return out + err

    if not (desk / "film.cues.json").exists():
        run("soundtrack scenes film.mp4 -o film.scenes.json")
        run("soundtrack spot film.scenes.json -o film.cues.json")
    line = COMMANDS[name]
    if "library show" in line:
        line = line.replace("song.mp3", str(made.music / "dark.mp3"))
    if " -o " in line or "--html" in line:
        line += " --force"
    if line.startswith("soundtrack eval"):
        line += " --draws 5"
    said = run(line)
    shown = {
        "S0-1": ("picture network: ", "caption"),
        "S0-3": ('"Relaxation": ',),
        "S0-6": ("p_at_1_macro", "auc "),
        "S0-7": ("fear and tension as one class",),
        "S1-2": ("valence_binary_accuracy",),
        "S1-4": ("descriptors: ", "danceability", "liveness"),
        "S1-9": ("all channels, stack", "Stacking is "),
        "S1-10": ("valence ", "arousal "),
        "S1-11": ("caption", "similar"),
        "S1-12": ('"exit_code": 0',),
        "S2-3": ("licence", "i3d-emotion"),
        "S3-1": ("scored.mp4: ", "LUFS"),
        "S4-4": ("0:02.0", "valence "),
    }
    for text in shown.get(name, ()):
        assert text in said
    if name == "S4-4":
        assert any(track.name in said for track in made.music.iterdir()), "the track that would play"
