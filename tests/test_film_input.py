"""A film from stdin: scored as from a file, and its copy is gone afterwards."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.cli.film import film_input
from soundtrack.cli.film.film_input import film_from, film_to
from soundtrack.errors import InputError, OutputError, UsageError
from soundtrack.media.reading.probe import probe


class _Stdin:
    """Standard input that holds some bytes."""

    closed = False

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_film_from_stdin_is_analysed_and_scored_as_from_a_file(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}

    def soundtrack(*words: str, film: Path | None) -> subprocess.CompletedProcess[bytes]:
        data = b"" if film is None else film.read_bytes()
        command = [sys.executable, "-m", "soundtrack", *words]
        return subprocess.run(command, input=data, capture_output=True, env=environment, check=False, timeout=600)

    from_file = json.loads(soundtrack("scenes", str(made.film), film=None).stdout)
    done = soundtrack("scenes", "-", film=made.film)
    assert done.returncode == 0
    assert b"copying the film from stdin" in done.stderr
    from_stdin = json.loads(done.stdout)
    assert (from_file["film"].pop("name"), from_stdin["film"].pop("name")) == (made.film.name, "stdin")
    assert from_stdin == from_file
    out = tmp_path / "scored.mp4"
    done = soundtrack("score", "-", "-o", str(out), "--index", str(made.index), film=made.film)
    assert done.returncode == 0, done.stderr
    assert out.is_file()
    assert out.with_name("scored.cues.json").is_file()
    assert list(folder.iterdir()) == []


def test_an_empty_or_too_long_stdin_is_refused_and_leaves_nothing(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(b""))
    with pytest.raises(InputError, match="stdin: no data"), film_from(Path("-"), quiet=True):
        pass
    monkeypatch.setattr(sys, "stdin", _Stdin(b"x" * 5_000_000))
    monkeypatch.setattr(film_input, "MOST_BYTES", 3_000_000)
    with pytest.raises(InputError, match=r"stdin: more than 3\.0 MB"), film_from(Path("-"), quiet=True):
        pass
    assert list(temporary.iterdir()) == []


def test_a_full_temporary_disk_was_called_a_film_of_more_than_0_gb(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(b"x" * 500_000))
    monkeypatch.setattr(film_input.shutil, "disk_usage", lambda _: SimpleNamespace(free=400_000))
    wanted = r"not enough free disk space .* 0\.4 MB"
    with pytest.raises(OutputError, match=wanted) as raised, film_from(Path("-"), quiet=False):
        pass
    assert str(raised.value).startswith(f"{temporary}:")
    assert "at most 0.4 MB" in capfd.readouterr().err
    assert list(temporary.iterdir()) == []


def test_what_cannot_be_a_film_from_stdin_says_so(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(b""))
    with pytest.raises(UsageError, match="requires --output"):
        run_commands(["score", "-", "--index", str(made.index)])
    monkeypatch.setattr(_Stdin, "isatty", lambda _: True)
    with pytest.raises(UsageError, match="stdin is a terminal"), film_from(Path("-"), quiet=True):
        pass


@pytest.mark.slow
def test_a_film_that_broke_off_in_the_pipe_is_called_stdin_and_not_by_the_name_of_its_copy(
    made: Made, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(made.film.read_bytes()[:3_000]))
    with pytest.raises(InputError, match=r"^stdin: ") as error:
        run_commands(["scenes", "-", "-q"])
    assert str(temporary) not in str(error.value)


def test_a_scored_film_goes_to_stdout_whole_and_alone(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    command = [sys.executable, "-m", "soundtrack", "score", "-", "-o", "-", "--index", str(made.index), "--cues"]
    done = subprocess.run(
        [*command, str(tmp_path / "film.cues.json")], input=made.film.read_bytes(), capture_output=True, check=False,
        timeout=600, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"stdout" in done.stderr
    assert str(tmp_path / "film.cues.json").encode() in done.stderr
    assert done.stdout.startswith(b"\x1aE\xdf\xa3")  # the signature of Matroska, and nothing before it
    film = tmp_path / "film.mkv"
    film.write_bytes(done.stdout)
    info, own = probe(film), probe(made.film)
    assert info.duration_s == pytest.approx(own.duration_s, abs=0.1)
    assert info.main_audio is not None
    assert len(json.loads((tmp_path / "film.cues.json").read_text())["cues"]) > 0
    assert sorted(path.name for path in folder.iterdir()) == []
    done = subprocess.run(
        [*command[:-1], "--silence", "0:00-9:00"], input=made.film.read_bytes(), capture_output=True, check=False,
        timeout=600, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == b""  # a run that fails gives nothing
    done = subprocess.run(
        command[:-1], input=made.film.read_bytes(), capture_output=True, check=False,
        timeout=600, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"scored.cues.json" not in done.stderr, "a path that is gone when it is read"
    assert b"--cues" in done.stderr


def test_a_film_to_a_terminal_or_beside_a_summary_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from soundtrack.cli import output

    with film_to(tmp_path / "x.mp4", as_json=True) as target:
        assert target == tmp_path / "x.mp4"
    with pytest.raises(UsageError, match="--json and -o -"), film_to(Path("-"), as_json=True):
        pass
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    with pytest.raises(UsageError, match="stdout is a terminal") as error, film_to(Path("-"), as_json=False):
        pass
    assert "-o FILE" in (error.value.hint or "")
