"""``eval faces``: accuracy on labelled pictures, by class, and as they get smaller."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from soundtrack.cli.app import run_commands
from soundtrack.errors import InputError, ModelError
from soundtrack.evaluation.expressions import faces as module
from soundtrack.evaluation.expressions.faces import evaluate_faces
from soundtrack.networks.faces import CROP_PX, EXPRESSIONS
from soundtrack.types import FloatArray


class BySharpness:
    """Stands in for the networks: stripes are happy while they can be seen, everything else is sad."""

    def expressions(self, crops: np.ndarray) -> FloatArray:
        assert crops.shape[1:] == (CROP_PX, CROP_PX)
        shares = np.zeros((len(crops), len(EXPRESSIONS)), np.float32)
        striped = crops.astype(float).std(axis=(1, 2)) > 40
        shares[striped, EXPRESSIONS.index("happy")] = 1.0
        shares[~striped, EXPRESSIONS.index("sad")] = 1.0
        return shares


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module.FaceNetwork, "load", lambda _path, _make: BySharpness())
    stripes = np.zeros((48, 48), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    Image.fromarray(np.full((60, 40, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    rows = ["file,emotion", "stripes.png,happy", "grey.png,Sad", "grey.png,fear", "stripes.png,happy"]
    (tmp_path / "faces.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "faces.csv"


def test_accuracy_is_counted_by_class_and_falls_when_nothing_can_be_seen(
    table: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = evaluate_faces(table)
    assert report.accuracy == 0.75 and report.macro == pytest.approx(2 / 3)
    assert report.by_class == {"fear": (0.0, 1), "happy": (1.0, 2), "sad": (1.0, 1)}
    assert report.changed["16 px"] == report.changed["blur 2 px"] == 0.25 < report.changed["turned 15°"]
    run_commands(["eval", "faces", str(table), "--json", "-q"])
    assert json.loads(capfd.readouterr().out)["accuracy"] == 0.75
    run_commands(["eval", "faces", str(table), "-q"])
    assert "accuracy 0.750" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [("file,emotion\nx.png,angry\n", "no such file"), ("file,emotion\ngrey.png,bored\n", "row 2: unknown emotion"),
     ("file,emotion\n", "no rows"), ("name\nx\n", "row 2: no file")],
)  # fmt: skip
def test_bad_tables_name_their_row(table: Path, text: str, words: str) -> None:
    table.write_text(text)
    with pytest.raises(InputError, match=words):
        evaluate_faces(table)


def test_a_missing_table_is_named_before_missing_networks_and_those_without_a_path_in_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "faces_path", lambda: tmp_path / "none")
    with pytest.raises(InputError, match="no such file"):
        evaluate_faces(tmp_path / "no.csv")
    Image.new("L", (48, 48)).save(tmp_path / "a.png")
    (tmp_path / "faces.csv").write_text("file,emotion\na.png,happy\n")
    with pytest.raises(ModelError) as error:
        evaluate_faces(tmp_path / "faces.csv")
    assert str(error.value) == "the networks of faces are not installed"
    assert "soundtrack models pull faces" in error.value.hint
