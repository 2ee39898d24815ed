"""``soundtrack train`` from the command line, on films and tones made on the spot: reports, resuming, same numbers."""

from __future__ import annotations

import csv
import json
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from media_made import ffmpeg
from soundtrack.checkpoints.manifest import find_model
from soundtrack.cli.models.train import app
from soundtrack.errors import InputError, ModelError, SoundtrackError, UsageError
from soundtrack.evaluation import labels
from soundtrack.training import stages
from soundtrack.training.music import report as music_report
from soundtrack.training.picture import teachers as picture_teachers
from soundtrack.training.picture.teachers import Answer

MOODS = {"Excited": ("0xE6402A", 880), "Sad": ("0x203C6E", 220)}


def train(*args: str | Path) -> None:
    """Run the command; its errors are raised as the boundary would see them."""
    result = CliRunner().invoke(app, [str(arg) for arg in (*args, "--quiet")], standalone_mode=False)
    if result.exception is not None:
        raise result.exception


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_tone(path: Path, hertz: float, *, seed: int, seconds: float = 3.0) -> None:
    t = np.arange(int(16_000 * seconds)) / 16_000
    sound = 0.3 * np.sin(2 * np.pi * hertz * t) + np.random.default_rng(seed).normal(0, 0.02, len(t))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten films of three seconds with sound, of two moods, each its own source, and their table."""
    folder = tmp_path_factory.mktemp("films")
    rows: list[dict[str, object]] = []
    for i in range(10):
        mood = sorted(MOODS)[i % 2]
        colour, hertz = MOODS[mood]
        picture = f"color=c={colour}:size=64x48:rate=12:duration=3,noise=alls={10 + i}:allf=t"
        sound = f"sine=frequency={hertz + 7 * i}:duration=3"
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
        ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *coding, folder / f"{i}.mp4")
        rows.append({"file": f"{i}.mp4", "class": mood, "source_id": f"s{i}"})
    write_table(folder / "labels.csv", rows)
    return folder


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tones with a class, six with ratings."""
    folder = tmp_path_factory.mktemp("tones")
    labelled: list[dict[str, object]] = []
    rated: list[dict[str, object]] = []
    for i in range(12):
        mood = sorted(MOODS)[i % 2]
        write_tone(folder / f"{i}.wav", MOODS[mood][1] + 11 * i, seed=i)
        labelled.append({"file": f"{i}.wav", "class": mood, "source_id": f"s{i}"})
    for i in range(6):
        write_tone(folder / f"r{i}.wav", 200 + 120 * i, seed=50 + i)
        rated.append({"file": f"r{i}.wav", "valence": i / 6 - 0.5, "arousal": 0.5 - i / 6})
    write_table(folder / "labels.csv", labelled)
    write_table(folder / "ratings.csv", rated)
    return folder


def report(out: Path) -> dict[str, object]:
    """What a training found out."""
    return dict(json.loads((out / "report.json").read_text(encoding="utf-8")))


def card(out: Path, name: str) -> str:
    """The card of the model that came out."""
    return (out / "models" / name / "card.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_head_for_pictures_from_a_table_and_a_model_at_hand(films: Path, tmp_path: Path) -> None:
    train("video", films / "labels.csv", "--out", tmp_path, "--init", "tiny")
    found = report(tmp_path)
    assert found["accuracy"]["value"] > 0.8, "two colours are easily told apart"  # type: ignore[index]  # JSON
    table = list(csv.reader((tmp_path / "confusion.csv").open()))
    assert sum(int(cell) for row in table[1:] for cell in row[2:]) == 10
    assert (tmp_path / "confusion.png").read_bytes()[:4] == b"\x89PNG"
    text = card(tmp_path, "i3d-emotion")
    assert "network of tiny" in text
    assert "10 films of 10 sources" in text
    start, made = find_model("tiny-video"), find_model("i3d-emotion", folders=[tmp_path / "models"])
    assert made.entry.embedding_dim == start.entry.embedding_dim


@pytest.mark.slow
def test_a_head_for_music_is_the_same_twice_and_listens_once(
    tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(music_report, "SEEDS", (0,))  # one deal will do
    command = ("music", tones / "labels.csv", "--init", "tiny", "--ratings", tones / "ratings.csv")
    train(*command, "--out", tmp_path / "a")
    train(*command, "--out", tmp_path / "b")
    first, second = report(tmp_path / "a"), report(tmp_path / "b")
    assert first == second
    assert card(tmp_path / "a", "mel-emotion") == card(tmp_path / "b", "mel-emotion")
    numbers = first["report"]
    assert numbers["n_clips"] == 12  # type: ignore[index]  # JSON
    assert numbers["n_rated"] == 6  # type: ignore[index]  # JSON
    assert f"{numbers['accuracy']['value']:.3f}" in card(tmp_path / "a", "mel-emotion")  # type: ignore[index]  # JSON
    assert (tmp_path / "a/confusion.csv").is_file()

    from soundtrack.emotion.music_tower import MusicTower

    def deaf(*_args: object) -> None:
        raise AssertionError("what was heard is listened to again")

    monkeypatch.setattr(MusicTower, "hear", deaf)
    train(*command, "--out", tmp_path / "a")
    assert report(tmp_path / "a") == first


@pytest.mark.slow
def test_a_space_from_a_folder_of_films_without_labels(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    towers = ("--video", "tiny", "--music", "tiny")
    train("space", films, "--out", tmp_path, *towers)
    found = report(tmp_path)
    assert found["n"] == 10
    assert 0 <= found["two_afc_true_track"] <= 1  # type: ignore[operator]  # JSON
    space = find_model("joint-space", folders=[tmp_path / "models"])
    config = json.loads((space.folder / "config.json").read_text())
    assert (config["video"], config["music"]) == ("tiny-video", "tiny-music")
    assert "two_afc_true_track" in card(tmp_path, "joint-space")

    def read_again(*_args: object) -> None:
        raise AssertionError("what was read is read again")

    monkeypatch.setattr("soundtrack.evaluation.read.film_windows", read_again)
    train("space", films, "--out", tmp_path, *towers)
    assert report(tmp_path) == found


@pytest.mark.slow
def test_a_space_from_a_table_of_labels(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "cross_reads", partial(labels.cross_reads, n_folds=2, seeds=(0,)))  # one deal will do
    train("space", films / "labels.csv", "--out", tmp_path, "--video", "tiny", "--music", "tiny")
    found = report(tmp_path)
    assert found["n"] == 10
    assert np.sum(found["confusion_music"]) == 10
    assert {"random", "arousal only", "labels only", "embedding only", "joint"} <= set(found["ablation"])  # type: ignore[call-overload]  # JSON
    assert "picture" in (tmp_path / "confusion.csv").read_text()


def test_stills_beside_films_without_labels_are_refused(films: Path, tmp_path: Path) -> None:
    """No head is trained there, so that they would change nothing."""
    with pytest.raises(UsageError, match="--stills requires a CSV of clips"):
        train("space", films, "--out", tmp_path / "out", "--stills", films)
    assert not (tmp_path / "out").exists()


class ColourTeachers:
    """Stand-ins that answer with the view's colours, so that there is something to learn."""

    def __init__(self, _folder: Path) -> None:
        pass

    def ask(self, view: np.ndarray) -> Answer:
        colour = view.reshape(-1, 3).mean(axis=0)
        v1 = np.tile(np.append(colour, 255 - colour[0]), 256)
        logits = np.pad(colour / 50, (0, 998)).astype(np.float16)
        return Answer(v1=v1.astype(np.uint8), v2=np.tile(v1, 2)[:1280].astype(np.uint8), logits=logits)


@pytest.mark.slow
def test_pictures_from_nothing_the_same_numbers_twice_and_after_an_interrupt(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    (data / "teachers").mkdir(parents=True)
    (data / "mved").symlink_to(films)
    (data / "images").mkdir()
    for i in range(60):
        colour = f"0x{(i * 4_111_111) % 0xFFFFFF:06x}"
        ffmpeg("-f", "lavfi", "-i", f"color=c={colour}:size=40x40", "-frames:v", "1", data / f"images/{i}.png")
    monkeypatch.setattr(picture_teachers, "Teachers", ColourTeachers)
    monkeypatch.setattr("soundtrack.training.picture.train.N_PASSES", 2)
    how = ("--width", "0.0625", "--side", "32", "--epochs", "3")
    train("video", data, "--out", tmp_path / "whole", *how)

    from soundtrack.training.picture import train as picture

    real = picture.finish

    def tired(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError("pretended")

    monkeypatch.setattr(picture, "finish", tired)
    with pytest.raises(ConnectionError, match="pretended"):
        train("video", data, "--out", tmp_path / "parts", *how)
    monkeypatch.setattr(picture, "finish", real)
    train("video", data, "--out", tmp_path / "parts", *how)
    whole, parts = report(tmp_path / "whole"), report(tmp_path / "parts")
    for key in ("accuracy", "ece_film", "clip_accuracy"):
        a, b = (r[key]["value"] if isinstance(r[key], dict) else r[key] for r in (whole, parts))
        assert abs(float(a) - float(b)) <= 0.01, key
    curve = list(csv.DictReader((tmp_path / "whole/curve.csv").open()))
    assert [row["epoch"] for row in curve] == ["1", "2", "3"]
    assert (tmp_path / "whole/curve.png").is_file()
    assert "To train it again" in card(tmp_path / "whole", "i3d-emotion")

    start = ("--init", "tiny", "--teachers", data / "teachers", "--side", "32", "--epochs", "1")
    train("video", data, "--out", tmp_path / "further", *start)
    assert (tmp_path / "further/curve.csv").read_text().splitlines()[1].startswith("1,")


class Parrot:
    """Loudness is all that this teacher hears."""

    def __init__(self, _path: Path) -> None:
        pass

    def answer(self, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(1_024, window.std(), np.float32), np.full(521, 0.1, np.float32)


@pytest.mark.slow
def test_music_taught_from_the_command_line(tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundtrack.training.music.teacher.Teacher", Parrot)
    monkeypatch.setattr(music_report, "SEEDS", (0,))  # one deal will do
    teacher = tmp_path / "yamnet.tflite"
    teacher.touch()
    taught = ("--listen", tones, "--teacher", teacher, "--steps", "4", "--init", "tiny")
    train("music", tones / "labels.csv", *taught, "--out", tmp_path / "a")
    train("music", tones / "labels.csv", *taught, "--out", tmp_path / "b")
    a, b = report(tmp_path / "a"), report(tmp_path / "b")
    assert abs(a["report"]["accuracy"]["value"] - b["report"]["accuracy"]["value"]) <= 0.01  # type: ignore[index]  # JSON
    assert a["curve"][-1]["step"] == 4  # type: ignore[index]  # JSON
    assert (tmp_path / "a/curve.csv").read_text().startswith("step,")
    assert "18 recordings" in card(tmp_path / "a", "mel-emotion")


@pytest.mark.parametrize(
    ("args", "error", "says"),
    [
        (("video", "nowhere"), InputError, "does not exist"),
        (("video", "FILMS/labels.csv", "--teachers", "FILMS"), UsageError, "not a table"),
        (("video", "FILMS/labels.csv", "--width", "7"), UsageError, "--width 7"),
        (("video", "FILMS/labels.csv", "--init", "joint-space"), ModelError, "not a picture network"),
        (("video", "FILMS/labels.csv", "--init", "nothing"), ModelError, "unknown model"),
        (("video", "FILMS", "--init", "tiny"), InputError, "fewer than 2 sources"),
        (("music", "FILMS/labels.csv", "--init", "tiny-video"), ModelError, "not a music model"),
        (("music", "FILMS/labels.csv", "--teacher", "x"), UsageError, "requires --listen"),
        (("space", "nowhere"), InputError, "does not exist"),
        (("space", "EMPTY"), InputError, "has 0 films; at least 8"),
    ],
)
def test_what_cannot_be_trained_says_why(
    films: Path, tmp_path: Path, args: tuple[str, ...], error: type[SoundtrackError], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    filled = [arg.replace("FILMS", str(films)).replace("EMPTY", str(tmp_path / "empty")) for arg in args]
    with pytest.raises(error, match=says) as caught:
        train(*filled, "--out", tmp_path / "out")
    assert caught.value.hint


def test_what_was_made_is_made_again_only_when_something_else_is_asked(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"x": np.arange(3)}

    for depends_on in (("a", 1), ("a", 1), ("a", 2)):
        assert stages.kept(tmp_path, depends_on, make)["x"].tolist() == [0, 1, 2]
    assert len(made) == 2
    stages.kept(None, ("a", 1), make)
    assert len(made) == 3
