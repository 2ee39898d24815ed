"""``soundtrack eval``: JSON keys, tables for people, plots, and what wrong tables say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from media_made import ffmpeg
from soundtrack.cli.models.eval import app
from soundtrack.errors import InputError, SoundtrackError, UsageError
from soundtrack.evaluation import plane
from soundtrack.evaluation.deciding import MERIT
from soundtrack.evaluation.folds import CrossRead
from soundtrack.evaluation.labels import JOINT, report
from soundtrack.types import EMOTIONS

KEYS = {
    *("n", "n_sources", "video_accuracy", "music_accuracy", "p_at_1", "p_at_5", "mrr", "two_afc_emotion"),
    *("two_afc_true_track", "own_track_median_rank", "distinct_winners", "top_winner_share"),
    *("merit_two_afc_emotion", "merit_two_afc_true_track"),
    *("ece_video", "ece_music", "ece_video_by_chance", "ece_music_by_chance", "confusion_video", "confusion_music"),
}
VA_KEYS = {"valence_ccc", "arousal_ccc", "valence_r", "arousal_r", "valence_r2", "arousal_r2"}


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_tone(path: Path, hertz: float, seconds: float = 2.0) -> None:
    import wave

    t = np.arange(int(16_000 * seconds)) / 16_000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        file.writeframes((0.3 * np.sin(2 * np.pi * hertz * t) * 32_767).astype("<i2").tobytes())


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    rows = []
    for i in range(6):
        write_tone(tmp_path / f"{i}.wav", 220.0 * 1.2**i)
        rows.append({"file": f"{i}.wav", "valence": 1 + i, "arousal": 7 - i, "piece": f"p{i // 2}"})
    return write_table(tmp_path / "ratings.csv", rows)


def some_read(rng: np.random.Generator, n: int = 18) -> CrossRead:
    p = rng.dirichlet(np.ones(6), (2, n))
    return CrossRead(p[0], p[1], {"random": rng.random((n, n)), JOINT: rng.random((n, n)), MERIT: np.eye(n)})


def test_the_report_has_every_promised_key(rng):
    classes = np.arange(18) % 6
    found = report([some_read(rng), some_read(rng)], classes=classes, source_ids=[str(i) for i in range(18)], n_draws=5)
    document = json.loads(json.dumps(found.to_dict()))
    assert document.keys() >= KEYS
    assert np.array(document["confusion_video"]).sum() == 18
    assert document["classes"] == list(EMOTIONS)
    assert set(document["ablation"]) == {"random", JOINT, MERIT}
    assert document["merit_two_afc_true_track"] == 1.0  # of the merit, and the other one of the bare cosine
    assert document["two_afc_true_track"] < 0.9
    for key, (low, high) in document["intervals"].items():
        assert low <= high, key


def test_numbers_that_do_not_exist_are_null_and_not_nan(rng):
    """One clip a class: no pair shares a class, so nothing can be said about emotion."""
    read = some_read(rng, n=6)
    found = report([read], classes=np.arange(6), source_ids=[str(i) for i in range(6)], n_draws=3)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["two_afc_emotion"] is None


def test_va_as_json(tones, capfd):
    run = CliRunner().invoke(
        app,
        ["va", str(tones), "--scale", "1", "7", "--model", "tiny", "--json", "--draws", "3", "--group", "piece"],
    )
    assert run.exit_code == 0, run.output
    document = json.loads(capfd.readouterr().out)
    assert document.keys() >= VA_KEYS
    assert (document["n"], document["n_sources"]) == (6, 3)


def test_va_by_fold_for_people_with_a_plot(tones, tmp_path, capfd):
    pytest.importorskip("matplotlib")
    target = tmp_path / "plane.png"
    run = CliRunner().invoke(
        app,
        [
            "va",
            str(tones),
            "--scale",
            "1",
            "7",
            "--folds",
            "3",
            "--model",
            "tiny",
            "--draws",
            "3",
            "--plot",
            str(target),
        ],
    )
    assert run.exit_code == 0, run.output
    assert "valence_ccc" in capfd.readouterr().out
    assert target.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"file": "0.wav", "mood": "Sad"}], "no column class"),
        ([{"file": "0.wav", "class": "Angry"}], "unknown class 'Angry'"),
        ([{"file": "gone.mp4", "class": "Sad"}], "does not exist"),
    ],
)
def test_wrong_tables_name_the_place(tmp_path, rows, says):
    write_tone(tmp_path / "0.wav", 440)
    run = CliRunner().invoke(app, ["labels", str(write_table(tmp_path / "t.csv", rows)), "--model", "tiny"])
    assert isinstance(run.exception, InputError)
    assert says in str(run.exception)
    assert run.exception.hint


def test_more_folds_than_sources_are_refused(tones):
    run = CliRunner().invoke(app, ["va", str(tones), "--scale", "1", "7", "--folds", "9", "--model", "tiny"])
    assert isinstance(run.exception, UsageError)


def test_a_single_fold_was_called_more_than_there_are_sources(tones):
    run = CliRunner().invoke(app, ["va", str(tones), "--scale", "1", "7", "--folds", "1", "--model", "tiny"])
    assert isinstance(run.exception, UsageError)
    assert str(run.exception) == "--folds 1 leaves no clip to train on"


def test_stills_are_refused_without_folds_and_without_stills(tmp_path, tones):
    command = ["labels", str(tones), "--model", "tiny", "--stills"]
    assert isinstance(CliRunner().invoke(app, [*command, str(tmp_path)]).exception, UsageError)
    away = CliRunner().invoke(app, [*command, str(tmp_path / "away"), "--folds", "2"]).exception
    assert isinstance(away, InputError)
    assert away.exit_code == 3


def test_heads_of_the_folds_learn_from_the_stills_of_people_and_of_words(tmp_path):
    """As `train video` counts them: a photograph rated by a word is worth a fifth of one that people rated."""
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.evaluation.rated_stills import recipe_beside

    for name in ("oasis/images/a.png", "oasis/images/b.png", "images/dog.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.1", "-frames:v", "1", str(tmp_path / name))
    stills = [{"file": f"images/{n}.png", "theme_group": n, "valence_mean": 7, "arousal_mean": 1} for n in "ab"]
    write_table(tmp_path / "oasis" / "ratings.csv", stills)
    write_table(tmp_path / "images" / "labels.csv", [{"file": "dog.png", "set": "caltech", "label": "dog"}])
    (tmp_path / "lexica").mkdir()
    write_table(tmp_path / "lexica" / "glasgow_norms_va.csv", [{"word": "dog", "valence_mean": 8, "arousal_mean": 5}])
    recipe = recipe_beside(tmp_path, VideoTower.load("tiny", device="cpu"))
    assert recipe.rated is not None
    assert recipe.rated.valence[:2].tolist() == [1.0, 1.0]
    assert recipe.rated.weights.tolist() == pytest.approx([1.0, 1.0, 0.2])
    assert recipe.picture.still_class_share > 0
    with pytest.raises(InputError, match="no rated stills"):
        recipe_beside(tmp_path / "oasis", VideoTower.load("tiny", device="cpu"))


def test_an_empty_scale_is_refused(tones):
    run = CliRunner().invoke(app, ["va", str(tones), "--scale", "7", "1", "--model", "tiny"])
    assert isinstance(run.exception, SoundtrackError)


def test_a_missing_plotter_is_found_before_the_work(tones, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    run = CliRunner().invoke(app, ["va", str(tones), "--plot", "x.png", "--model", "tiny"])
    assert isinstance(run.exception, SoundtrackError)
    assert "matplotlib" in str(run.exception)


def test_ratings_on_any_scale_end_up_between_minus_one_and_one(tones):
    from soundtrack.training.data import read_ratings

    rated = plane.rescaled(read_ratings(tones, group_column="piece"), low=1, high=7)
    assert rated[0].tolist() == [-1.0, 1.0]
    assert rated[3].tolist() == pytest.approx([0.0, 0.0])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of eight short films with sound, of two moods."""
    folder = tmp_path_factory.mktemp("films")
    rows: list[dict[str, object]] = []
    for i in range(8):
        picture = f"color=c={('0xE6402A', '0x203C6E')[i % 2]}:size=64x48:rate=12:duration=3"
        sound = f"sine=frequency={220 + 110 * i}:duration=3"
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
        ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *coding, folder / f"{i}.mp4")
        rows.append({"file": f"{i}.mp4", "class": ("Excited", "Sad")[i % 2], "source_id": f"s{i}"})
    return write_table(folder / "labels.csv", rows)


@pytest.mark.slow
@pytest.mark.parametrize("folds", [(), ("--folds", "2", "--seeds", "1")])
def test_moments_as_json(films, capfd, folds):
    run = CliRunner().invoke(
        app, ["moments", str(films), "--model", "tiny", "--json", "--draws", "3", "--per-track", "2", *folds]
    )
    assert run.exit_code == 0, run.output
    found = json.loads(capfd.readouterr().out)
    assert (found["n"], found["n_tracks"]) == (8, 4)
    assert 0 <= found["retrieved_and_overlapping"] <= 1
    assert 0 < found["chance_miou"] < 1


@pytest.mark.slow
def test_labels_print_the_ablation_table(films, capfd):
    run = CliRunner().invoke(app, ["labels", str(films), "--model", "tiny", "--draws", "3"])
    assert run.exit_code == 0, run.output
    out = capfd.readouterr().out
    for row in ("random", "arousal only", "labels only", "embedding only", "joint", "+ hub correction"):
        assert any(line.startswith(row) for line in out.splitlines()), row


@pytest.mark.needs_data
@pytest.mark.slow
def test_the_embedded_models_beat_chance_on_real_clips(data_dir, tmp_path, capfd):
    with (data_dir / "mved" / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::5]
    table = [
        {"file": str(data_dir / "mved" / r["file"]), "class": r["class"], "source_id": r["source_id"]} for r in rows
    ]
    run = CliRunner().invoke(app, ["labels", str(write_table(tmp_path / "t.csv", table)), "--json", "--draws", "3"])
    assert run.exit_code == 0, run.output
    assert json.loads(capfd.readouterr().out)["two_afc_emotion"] > 0.6
