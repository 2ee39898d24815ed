"""Each channel alone against all, and stacked trees against ridge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from made_up import state
from soundtrack.cli.models.eval import app
from soundtrack.emotion.head import Block
from soundtrack.errors import DependencyError, UsageError
from soundtrack.evaluation.comparing import ALL, STACK, compare, words_of_music
from soundtrack.evaluation.plane import Rows
from soundtrack.training import stacking
from soundtrack.training.data import RatedFile
from soundtrack.training.stacking import stacked_by_fold
from test_eval_cli import tones as tones  # noqa: PLC0414 - a fixture


def rated_files(n: int = 60) -> tuple[list[RatedFile], np.ndarray]:
    """Files of twelve sources, and what people said."""
    rng = np.random.default_rng(2)
    rated = rng.uniform(-0.8, 0.8, (n, 2))
    return [RatedFile(Path(f"{i}.wav"), *map(float, row), source_id=str(i % 12)) for i, row in enumerate(rated)], rated


def rows_of(rated: np.ndarray) -> Rows:
    """A network that sees arousal, and plain numbers that see valence; two windows a file."""
    rng = np.random.default_rng(4)
    n = len(rated)
    network = rated[:, 1:] @ rng.normal(size=(1, 6)) + 0.2 * rng.normal(size=(n, 6))
    plain = rated[:, :1] @ rng.normal(size=(1, 3)) + 0.2 * rng.normal(size=(n, 3))
    inputs = np.repeat(np.concatenate([network, plain], axis=1), 2, axis=0).astype(np.float32)
    return Rows(inputs, np.repeat(np.arange(n), 2).astype(np.int64), 3)


BLOCKS = (Block("music-network", 6), Block("harmony", 3))


def test_each_channel_shows_what_it_knows_and_all_together_know_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacking, "_TREES", 20)
    files, rated = rated_files()
    words = {"title words": [state("Sad") if i % 3 == 0 else None for i in range(60)], "lyrics": [None] * 60}
    found = compare(rows_of(rated), BLOCKS, files, rated, words=words, n_folds=4, n_draws=20)
    assert list(found.rows) == ["music network alone", "harmony alone", "title words alone", ALL, STACK]
    number = {name: {k: v.value for k, v in row.numbers.items()} for name, row in found.rows.items()}
    assert number["music network alone"]["arousal_r"] > 0.7 > number["music network alone"]["valence_r"] + 0.3
    assert number["harmony alone"]["valence_r"] > 0.7 > number["harmony alone"]["arousal_r"] + 0.3
    assert min(number[ALL]["valence_r"], number[ALL]["arousal_r"]) > 0.7
    assert found.rows["title words alone"].n == 20
    assert found.rows[STACK].n == 60
    assert found.lines()[-1].startswith("Stacking is ")
    assert set(found.to_dict()) == set(found.rows)


def test_a_stack_never_learns_from_the_source_it_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that name the source alone, and ratings by source: only cheating would find anything."""
    monkeypatch.setattr(stacking, "_TREES", 20)
    rng = np.random.default_rng(6)
    source = np.repeat(np.arange(10), 6)
    rated = rng.uniform(-1, 1, (10, 1))[source]
    folds = source % 5
    predicted = stacked_by_fold(np.eye(10)[source], rated, folds=folds, sources=[str(s) for s in source])
    by_source = predicted[::6, 0]
    assert abs(np.corrcoef(by_source, rated[::6, 0])[0, 1]) < 0.7 or np.std(by_source) < 0.05
    assert np.abs(predicted - rated).mean() > 0.2


def test_folders_do_not_count_as_title_words(tmp_path: Path) -> None:
    """Folders of labelled data are called like the labels."""
    folder = tmp_path / "Sad"
    folder.mkdir()
    for name in ("14.wav", "happy dance.wav"):
        (folder / name).write_bytes(b"")
    files = [RatedFile(folder / name, 0.0, 0.0, "a") for name in ("14.wav", "happy dance.wav")]
    found = words_of_music(files)["title words"]
    assert found[0] is None
    assert found[1] is not None and found[1].valence > 0.3


def test_the_command_prints_the_comparison(
    tones: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stacking, "_TREES", 5)
    command = ["va", str(tones), "--scale", "1", "7", "--group", "piece", "--folds", "3", "--compare", "-q"]
    done = CliRunner().invoke(app, [*command, "--device", "cpu", "--draws", "5", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert {"music network alone", "harmony alone", ALL, STACK} <= set(rows)


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ((), "requires --folds"),
        (("--folds", "3", "--set", "folds"), "cannot be used with --set"),
        (("--folds", "3", "--plot", "compared.png"), "cannot be used with --plot"),
    ],
)
def test_what_cannot_be_compared_is_refused(tones: Path, more: tuple[str, ...], cause: str) -> None:
    done = CliRunner().invoke(app, ["va", str(tones), "--compare", *more])
    assert isinstance(done.exception, UsageError) and cause in str(done.exception)


def test_without_scikit_learn_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacking.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DependencyError) as refused:
        stacking.require_sklearn()
    assert "soundtrack[train]" in refused.value.hint
