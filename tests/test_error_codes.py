"""Every kind of error has a code, every code a section of docs/errors.md, and pipelines get errors as JSON."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import soundtrack
from soundtrack.cli.app import run_commands
from soundtrack.errors import ExitCode, InputError, Reason, SoundtrackError

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "errors.md").read_text(encoding="utf-8")


def every_kind(of: type[SoundtrackError] = SoundtrackError) -> Iterator[type[SoundtrackError]]:
    """All classes of errors below one."""
    for child in of.__subclasses__():
        if child.__module__.startswith("soundtrack."):  # other tests make kinds of their own
            yield child
        yield from every_kind(child)


def codes() -> list[str]:
    """The codes of all kinds and reasons, and that of a bug."""
    for package in ("library.advice", "media.process"):
        importlib.import_module(f"soundtrack.{package}")
    plain = [kind("", hint="").code for kind in every_kind() if kind is not InputError]
    return ["E100", *plain, *(InputError("", hint="", reason=reason).code for reason in Reason)]


def test_every_code_has_its_section_and_every_section_a_code() -> None:
    sections = re.findall(r"^## (E\d+)$", TEXT, flags=re.MULTILINE)
    assert sorted(codes()) == sorted(sections)


def test_no_two_kinds_share_a_code() -> None:
    assert len(codes()) == len(set(codes()))


def test_kinds_of_errors_are_defined_where_they_are_looked_for() -> None:
    found = {
        module.name
        for module in pkgutil.walk_packages(soundtrack.__path__, "soundtrack.")
        if (path := module.module_finder.find_spec(module.name, None)) and path.origin
        if re.search(r"^class \w+\(\w*(?<!Value)Error\)", Path(path.origin).read_text(), flags=re.MULTILINE)
    }
    assert found == {"soundtrack.errors", "soundtrack.library.advice", "soundtrack.media.process"}


def test_the_table_of_exit_codes_is_the_one_of_the_program() -> None:
    numbers, names = (
        line.strip("| ").split("|")[1:] for line in TEXT.splitlines() if line.startswith(("| exit", "| mean"))
    )
    told = {int(number): name.strip().replace(" ", "_").upper() for number, name in zip(numbers, names, strict=True)}
    assert told == {code.value: code.name for code in ExitCode}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line."""
    return subprocess.run([sys.executable, "-m", "soundtrack", *words], capture_output=True, text=True, check=False)


def test_an_error_ends_with_its_code(tmp_path: Path) -> None:
    done = run("cues", "show", str(tmp_path / "none.json"))
    assert done.returncode == ExitCode.INPUT and done.stderr.splitlines()[1].endswith(" [E312]")
    assert run("score").stderr.splitlines()[1].endswith(" [E200]")


def test_a_pipeline_that_asks_for_json_gets_its_error_as_json(tmp_path: Path) -> None:
    done = run("cues", "show", "--json", str(tmp_path / "none.json"))
    found = json.loads(done.stderr)["error"]
    assert (found["code"], found["exit_code"], found["reason"]) == ("E312", 3, "missing")
    assert "none.json" in found["message"] and found["hint"] and done.stdout == ""


def test_the_log_has_what_ffmpeg_was_asked_and_what_it_said(tmp_path: Path) -> None:
    broken = tmp_path / "a.mp3"
    broken.write_bytes(b"ID3" + bytes(4_000))
    log = tmp_path / "run.log"
    program = (
        "import sys; from pathlib import Path; from soundtrack.cli.log import set_up_log\n"
        "from soundtrack.media import log\n"
        "set_up_log(0, Path(sys.argv[1])); log.started('reading a', ['/usr/bin/ffmpeg', '-i', 'a b']);"
        "log.ended('reading a', 1, 'Invalid data found')"
    )
    subprocess.run([sys.executable, "-c", program, str(log)], check=True)
    text = log.read_text()
    assert "/usr/bin/ffmpeg -i 'a b'" in text and "ffmpeg: Invalid data found" in text


def test_a_log_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "film.mp4"
    kept.write_bytes(b"film")
    done = run("--log-file", str(kept), "config")
    assert done.returncode == ExitCode.OUTPUT and kept.read_bytes() == b"film"


def test_a_log_on_a_full_disk_printed_a_traceback_for_each_line(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    program = (
        "import sys; from pathlib import Path; from soundtrack.cli.log import set_up_log\n"
        "from soundtrack.media import log\n"
        "def full(_): raise OSError(28, 'No space left on device')\n"
        "set_up_log(0, Path(sys.argv[1])); log.LOG.parent.handlers[0].stream.write = full\n"
        "log.started('reading a', ['ffmpeg']); log.started('reading b', ['ffmpeg'])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(log)], check=True, capture_output=True, text=True)
    assert done.stderr == f"warning: {log}: the disk is full; the log is incomplete\n"


def test_what_is_missing_was_called_damaged(tmp_path: Path) -> None:
    """Errors without a reason had that of damaged files, whose advice is to download them again."""
    with pytest.raises(InputError) as error:
        run_commands(["review", str(tmp_path / "none.cues.json"), "--no-browser"])
    assert error.value.code == "E312"
    with pytest.raises(TypeError):
        InputError("without", hint="a reason")  # type: ignore[call-arg]
