"""The locked set: how it was drawn, and that nothing which learns or chooses is handed a file of it."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.music_channels import HARMONY, NETWORK
from soundtrack.emotion.picture_head import picture_blocks
from soundtrack.errors import InputError
from soundtrack.evaluation import labels, train_space, two_sets
from soundtrack.evaluation.folds import Evidence, cross_read
from soundtrack.training import locked
from soundtrack.training.data import count_locked, read_felt, read_labels, read_ratings
from soundtrack.training.locked import Item, Part, draw, is_locked, locked_sets
from soundtrack.training.music import train as music_train
from soundtrack.training.picture import data as picture_data
from soundtrack.training.ridge import Penalties, predict_by_fold
from soundtrack.types import EMOTIONS
from soundtrack.yardsticks.bootstrap import Interval

ROOT = Path(__file__).parent.parent
A_LOCKED = {corpus: min(names) for corpus, names in locked_sets().items()}
"""One name of each corpus."""


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def files(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return list(names)


def test_the_set_has_the_sizes_that_were_settled_and_is_as_it_was_drawn():
    assert {corpus: len(names) for corpus, names in locked_sets().items()} == {
        **{"mved": 25, "oasis": 120},
        **{"vgmidi": 30, "emotify": 60},
    }
    assert json.loads(locked.LIST.read_text())["sha256"] == locked.digest(locked_sets())


def test_a_changed_list_is_refused(tmp_path, monkeypatch):
    changed = tmp_path / "locked.json"
    shutil.copyfile(locked.LIST, changed)
    changed.write_text(changed.read_text().replace(A_LOCKED["emotify"], "rock_000"))
    monkeypatch.setattr(locked, "LIST", changed)
    with pytest.raises(ValueError, match="was modified"):
        locked.locked_sets.__wrapped__()


@pytest.mark.needs_data
def test_the_rule_draws_the_list_again(data_dir):
    made = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "locked_set.py"), str(data_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == locked.LIST.read_text(encoding="utf-8")


def test_groups_are_drawn_whole_strata_by_their_share_and_unknown_ones_first():
    items = [
        Item(f"{stratum}{group}-{k}", f"{stratum}{group}", stratum, known=group % 2 == 0)
        for stratum in "ab"
        for group in range(20)
        for k in range(2)
    ]
    taken = draw(items, 12)
    assert len(taken) == 12
    assert Counter(name[0] for name in taken) == {"a": 6, "b": 6}
    assert all(int(name[1:].split("-")[0]) % 2 == 1 for name in taken)
    assert set(Counter(name.rsplit("-", 1)[0] for name in taken).values()) == {2}
    assert draw(items, 12, seed="another") != taken


@pytest.mark.parametrize(
    ("file", "is_of_it"),
    [
        (f"/data/mved/{A_LOCKED['mved']}.mp4", True),
        (f"{A_LOCKED['oasis']}.jpg", True),
        (f"rendered/{A_LOCKED['vgmidi']}.wav", True),
        (f"{A_LOCKED['emotify']}.opus", True),
        ("Sad/14.mp4", False),
        ("holiday/beach.mp4", False),
        (f"{A_LOCKED['emotify']}0.opus", False),
    ],
)
def test_files_are_known_by_their_names_in_the_corpora_whatever_their_ending(file, is_of_it):
    assert is_locked(file) is is_of_it


def test_tables_are_read_without_the_locked_set_unless_it_is_asked_for(tmp_path):
    names = files(tmp_path, f"{A_LOCKED['mved']}.mp4", "Train/Sad/mine.mp4")
    labels = write_table(tmp_path / "labels.csv", [{"file": n, "class": "Sad", "source_id": n} for n in names])
    rated = write_table(tmp_path / "rated.csv", [{"file": n, "valence": 0, "arousal": 0} for n in names])
    felt = write_table(tmp_path / "felt.csv", [{"file": n, "joy": 0.5} for n in names])
    for read in (
        lambda **part: read_labels(labels, **part),
        lambda **part: read_ratings(rated, **part),
        lambda **part: read_felt(felt, columns=["joy"], **part),
    ):
        assert [row.path.name for row in read()] == ["mine.mp4"]
        assert [row.path for row in read(part=Part.LOCKED)] == [tmp_path / names[0]]
        assert len(read(part=Part.ALL)) == 2


def test_what_is_held_back_from_training_is_counted(tmp_path):
    names = files(tmp_path, f"{A_LOCKED['emotify']}.opus", f"{A_LOCKED['vgmidi']}.wav", "mine.wav")
    assert count_locked(tmp_path) == 2
    assert count_locked(write_table(tmp_path / "felt.csv", [{"file": n} for n in names])) == 2


def test_a_table_of_the_locked_set_alone_teaches_nothing(tmp_path):
    (name,) = files(tmp_path, f"{A_LOCKED['mved']}.mp4")
    table = write_table(tmp_path / "labels.csv", [{"file": name, "class": "Sad"}])
    with pytest.raises(InputError, match="no rows beside those of the locked set"):
        read_labels(table)


def test_no_way_into_training_hands_out_a_locked_file(tmp_path):
    """Every function by which training gets at films, stills or sound, over a folder that holds all four corpora."""
    mved = files(tmp_path / "mved", f"{A_LOCKED['mved']}.mp4", "Train/Sad/x1.mp4")
    write_table(tmp_path / "mved" / "labels.csv", [{"file": n, "class": "Sad", "source_id": f"Sad:{n}"} for n in mved])
    oasis = files(tmp_path / "oasis" / "images", f"{A_LOCKED['oasis']}.jpg", "Mine_1.jpg")
    write_table(
        tmp_path / "oasis" / "ratings.csv",
        [{"file": f"images/{n}", "theme_group": n, "valence_mean": 4, "arousal_mean": 4} for n in oasis],
    )
    files(tmp_path / "images", f"{A_LOCKED['oasis']}.jpg", "other.jpg")
    files(tmp_path / "video", f"{A_LOCKED['vgmidi']}.mp4", "other.mp4")
    files(tmp_path / "emotify", f"{A_LOCKED['emotify']}.opus", "mine.opus")
    for table in (tmp_path, tmp_path / "mved" / "labels.csv"):
        clips = picture_data.labelled_clips(table)
        assert [Path(clip.file).name for clip in clips] == ["x1.mp4"]
    handed = [
        *(still.file for still in picture_data.rated_stills(tmp_path)),
        *(still.file for still in picture_data.stills(tmp_path)),
        *(film.file for film in picture_data.films(tmp_path)),
        *picture_data.groups(tmp_path),
        *map(str, music_train.recordings([tmp_path])),
        *map(str, train_space.films_in(tmp_path)),
    ]
    assert len(handed) >= 10
    assert [file for file in handed if is_locked(file)] == []


def test_only_the_judge_asks_for_the_locked_set():
    """Whatever names `Part.LOCKED` or `Part.ALL` could teach with it: `eval` may, and the report of `train space`."""
    allowed = {
        "training/locked.py",
        "training/data.py",
        "cli/models/eval.py",
        "cli/models/eval_sets.py",
        "cli/models/train.py",
    }
    found = set()
    for path in (ROOT / "soundtrack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"LOCKED", "ALL"} and ast.unparse(node.value) == "Part":
                found.add(path.relative_to(ROOT / "soundtrack").as_posix())
    assert found <= allowed
    assert "cli/models/eval_sets.py" in found


def some_evidence(rng: np.random.Generator, n: int) -> Evidence:
    """Clips whose features say their class, two rows each."""
    classes = np.arange(n) % len(EMOTIONS)
    shift = np.eye(len(EMOTIONS))[np.repeat(classes, 2)]
    return Evidence(
        seen=picture_blocks(
            np.concatenate([3 * shift, rng.random((2 * n, 6))], axis=1).astype(np.float32),
            rng.normal(size=(2 * n, 3)).astype(np.float32),
        ),
        seen_clip=np.repeat(np.arange(n), 2),
        heard={
            NETWORK: np.concatenate([3 * shift, rng.normal(size=(2 * n, 4))], axis=1).astype(np.float32),
            HARMONY: rng.normal(size=(2 * n, N_TONAL)).astype(np.float32),
        },
        heard_clip=np.repeat(np.arange(n), 2),
        classes=classes.astype(np.int64),
        sources=tuple(str(i) for i in range(n)),
    )


@pytest.mark.slow
def test_clips_kept_apart_change_nothing_that_is_learned(rng):
    """Another class for a clip kept apart, and all readings stay the same to the last bit."""
    evidence = some_evidence(rng, 36)
    apart = np.arange(36) >= 30
    first = cross_read(evidence, apart=apart)
    assert first.video_probabilities.shape == (6, 6)
    assert first.similarities["joint"].shape == (6, 6)
    other = replace(evidence, classes=np.where(apart, 0, evidence.classes))
    second = cross_read(other, apart=apart)
    assert np.array_equal(first.video_probabilities, second.video_probabilities)
    assert np.array_equal(first.similarities["joint"], second.similarities["joint"])
    assert evidence.only(~apart).classes.tolist() == evidence.classes[:30].tolist()


@pytest.mark.slow
def test_a_space_is_fitted_without_the_clips_that_its_card_is_also_judged_on(rng, tmp_path, monkeypatch):
    """Other classes for the locked clips: the space stays the same, the card has both columns and the verdict first."""
    monkeypatch.setattr(labels, "cross_reads", partial(labels.cross_reads, n_folds=2, seeds=(0,)))
    evidence = some_evidence(rng, 36)
    spaces = []
    for classes in (evidence.classes, np.concatenate([evidence.classes[:30], evidence.classes[30:][::-1]])):
        judged = labels.judge_both(replace(evidence, classes=classes), n_apart=6)
        spaces.append(train_space.space_of_labels(judged.learned))
    assert all(np.array_equal(value, spaces[1].tensors()[name]) for name, value in spaces[0].tensors().items())
    assert judged.locked is not None
    assert judged.locked.n == 6
    assert judged.to_dict()["locked"] == judged.locked.to_dict()
    train_space.write_space(
        spaces[0],
        tmp_path,
        **{"video": "tiny-video", "music": "tiny-music"},
        n=30,
        numbers=judged.folds.numbers,
        how="By folds.",
        locked=judged.locked.numbers,
    )
    card = (tmp_path / "joint-space" / "card.md").read_text(encoding="utf-8").splitlines()
    assert card[2] == two_sets.verdict(judged.folds.numbers, judged.locked.numbers)
    assert "| what | folds | locked set |" in card
    assert any(line.startswith("Choices: 60 inside the folds") for line in card)


def test_a_regression_never_learns_from_what_it_is_asked_about_alone(rng):
    inputs = rng.normal(size=(12, 3)).astype(np.float32)
    rated, folds = rng.normal(size=(12, 2)) / 4, np.where(np.arange(12) >= 8, 0, -1)

    def read(values: np.ndarray) -> np.ndarray:
        return predict_by_fold(
            inputs, values, file=np.arange(12), folds=folds, n_plain=1, penalties=Penalties(penalty=1.0)
        )

    changed = rated.copy()
    changed[8:] = 0.9
    assert np.array_equal(read(rated), read(changed))
    assert (read(rated)[:8] == 0).all()
    assert np.abs(read(rated)[8:]).min() > 0


def test_where_folds_and_locked_set_differ_by_more_than_the_interval_the_first_line_says_so():
    folds = {"music_accuracy": Interval(0.65, 0.57, 0.73), "video_accuracy": Interval(0.6, 0.52, 0.67)}
    locked_numbers = {"music_accuracy": Interval(0.47, 0.3, 0.6), "video_accuracy": Interval(0.56, 0.4, 0.7)}
    said = two_sets.verdict(folds, locked_numbers)
    assert said.startswith("The locked set differs")
    assert "music_accuracy 0.470" in said
    assert "video_accuracy" not in said
    assert two_sets.verdict(folds, folds).startswith("Folds and locked set agree")


@pytest.fixture
def rated_sounds(tmp_path: Path) -> Path:
    from test_eval_cli import write_tone

    rows: list[dict[str, object]] = []
    for i in range(9):
        name = f"{sorted(locked_sets()['emotify'])[i]}.wav" if i < 3 else f"mine{i}.wav"
        write_tone(tmp_path / name, 220.0 * 1.1**i, 1.0)
        rows.append({"file": name, "valence": i / 9, "arousal": -i / 9, "source_id": name})
    return write_table(tmp_path / "ratings.csv", rows)


def run_va(*args: object) -> str:
    from soundtrack.cli.models.eval import app

    run = CliRunner().invoke(app, ["va", *map(str, args), "--model", "tiny", "--draws", "3"])
    assert run.exit_code == 0, run.output
    return run.output


def test_eval_asks_both_sets_and_each_by_its_name(rated_sounds, capfd):
    run_va(rated_sounds, "--folds", "3")
    text = capfd.readouterr().out
    assert text.splitlines()[0].startswith(("The locked set differs", "Folds and locked set agree"))
    assert "6 files in 6 groups; 3 of the locked set from 3" in text
    run_va(rated_sounds, "--folds", "3", "--json")
    both = json.loads(capfd.readouterr().out)
    assert (both["n"], both["locked"]["n"]) == (6, 3)
    for name, n in (("folds", 6), ("locked", 3)):
        run_va(rated_sounds, "--folds", "3", "--set", name, "--json")
        one = json.loads(capfd.readouterr().out)
        assert (one["n"], one["set"]) == (n, name)
        assert one["valence_r"] == (both if name == "folds" else both["locked"])["valence_r"]


def test_asking_for_the_locked_set_where_there_is_none_is_said(tmp_path):
    from soundtrack.cli.models.eval import app
    from soundtrack.errors import UsageError

    files(tmp_path, "mine.wav")
    table = write_table(tmp_path / "ratings.csv", [{"file": "mine.wav", "valence": 0, "arousal": 0}])
    run = CliRunner().invoke(app, ["va", str(table), "--set", "locked", "--folds", "3"])
    assert isinstance(run.exception, UsageError)
    assert "no files of the locked set" in str(run.exception)
