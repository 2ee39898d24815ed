"""``import soundtrack``: what it gives, costs and leaves alone, and that the command line uses the same functions."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import soundtrack
from made_up import sheet
from media_made import Made
from soundtrack import api
from soundtrack.cli.app import run_commands

ROOT = Path(__file__).resolve().parent.parent
CUES = ROOT / "tests" / "golden" / "cue-sheet-2.json"


def python(code: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_soundtrack_takes_less_than_sixty_milliseconds() -> None:
    code = "import time; t = time.process_time(); import soundtrack; print(time.process_time() - t)"
    assert min(float(python(code)) for _ in range(3)) < 0.06


def test_importing_the_package_and_all_its_names_changes_nothing_in_the_process() -> None:
    """A caller's handlers, environment, module path and folder are the caller's own; only the command sets them."""
    code = (
        "import os, signal, sys, threading\n"
        "def state():\n"
        "    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)]\n"
        "    return dict(os.environ), list(sys.path), handlers, os.getcwd(), threading.active_count(), sys.excepthook\n"
        "before = state()\n"
        "import soundtrack\n"
        "for name in soundtrack.__all__:\n"
        "    getattr(soundtrack, name)\n"
        "import soundtrack.pipeline, soundtrack.media.process\n"
        "import soundtrack.library.update.build, soundtrack.processes.children\n"
        "assert state() == before\n"
        "assert signal.set_wakeup_fd(-1) == -1\n"
        "print(*[m for m in ('torch', 'librosa', 'faiss', 'cv2', 'av', 'scipy', 'typer') if m in sys.modules])\n"
    )
    assert python(code).split() in ([], ["faiss"], ["av"], ["av", "faiss"])


def test_errors_and_settings_load_no_numpy() -> None:
    code = "import sys, soundtrack; soundtrack.InputError, soundtrack.MixSettings; print('numpy' in sys.modules)"
    assert python(code) == "False\n"


def test_a_command_that_indexes_loads_nothing_that_scores() -> None:
    code = (
        "import sys, soundtrack.pipeline as pipeline, soundtrack.library.update.build\n"
        "pipeline.index_dir, pipeline.music_projection, pipeline.build_index\n"
        "scoring = ('soundtrack.mix', 'soundtrack.spotting', 'soundtrack.video')\n"
        "print(*[m for m in sys.modules if m.startswith(scoring)])\n"
        "assert all(getattr(pipeline, name).__name__ for name in pipeline.__all__)\n"
        "assert not hasattr(pipeline, 'scroe_video')\n"
    )
    assert python(code).split() == []


def test_every_public_name_is_loaded_listed_and_seen_by_type_checkers() -> None:
    tree = ast.parse((ROOT / "soundtrack" / "__init__.pyi").read_text(encoding="utf-8"))
    below = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    typed = {alias.asname: node.module for node in below for alias in node.names}
    assert set(typed) == set(soundtrack.__all__)
    for name, module in typed.items():
        assert getattr(soundtrack, str(name)) is getattr(sys.modules[f"soundtrack.{module}"], str(name)), name
    assert set(soundtrack.__all__) <= set(dir(soundtrack))
    with pytest.raises(AttributeError, match="scroe"):
        soundtrack.scroe  # noqa: B018


@pytest.mark.parametrize("name", ["index", "scenes", "spot", "render", "score", "search", "Library"])
def test_public_functions_document_every_parameter(name: str) -> None:
    function = getattr(soundtrack, name)
    text = inspect.getdoc(function) or ""
    told = {word for line in re.findall(r"^([a-z_, ]+?)(?: : .*)?$", text, re.M) for word in line.split(", ")}
    assert set(inspect.signature(function).parameters) - told == set()
    assert "Raises\n------" in text


@pytest.mark.parametrize(
    ("function", "command"),
    [
        ("index", ["index", "music"]),
        ("scenes", ["scenes", "film.mp4"]),
        ("spot", ["spot", "scenes.json"]),
        ("render", ["render", "film.mp4", str(CUES)]),
        ("score", ["score", "film.mp4"]),
        ("search", ["search", "--mood", "calm"]),
    ],
)
def test_a_command_calls_the_function_of_its_name(
    function: str, command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def called(*_: object, **__: object) -> None:
        raise soundtrack.PartialError("it was called", hint="")

    monkeypatch.chdir(tmp_path)
    soundtrack.write_scenes(sheet([("Sad", 40.0)]), "scenes.json")
    monkeypatch.setattr(api, function, called)
    with pytest.raises(soundtrack.PartialError, match="it was called"):
        run_commands(command)


def test_a_search_by_two_things_is_refused_before_the_index_is_opened(tmp_path: Path) -> None:
    with pytest.raises(soundtrack.UsageError, match="one search criterion at a time"):
        soundtrack.search(mood="calm", valence=0.5, index=tmp_path)
    with pytest.raises(soundtrack.UsageError, match="no search criterion"):
        soundtrack.search(index=tmp_path)
    with pytest.raises(soundtrack.UsageError, match="nothing is asked for"):
        soundtrack.search(like="", index=tmp_path)
    with pytest.raises(soundtrack.LibraryError):
        soundtrack.search(mood="calm", index=tmp_path)


def test_a_device_or_a_home_folder_that_does_not_exist_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(soundtrack.UsageError, match="device 'gpu' is unknown"):
        soundtrack.scenes(tmp_path / "film.mp4", device="gpu")
    with pytest.raises(soundtrack.InputError, match="unknown home folder"):
        soundtrack.scenes("~no such user/film.mp4")
    with pytest.raises(soundtrack.InputError):
        soundtrack.scenes(str(tmp_path / "film.mp4"))


def test_the_library_is_searched_as_on_the_command_line(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    with soundtrack.Library(str(made.index)) as library:
        assert len(library) == len(library.tracks()) == 2
        assert [track.path.name for track in library.find("dark.mp3")] == ["dark.mp3"]
        found = library.search(arousal=0.9, n=2)
        like = library.search(like=str(made.music / "dark.mp3"))
    assert [f.track.path.name for f in like] == ["bright.flac"]
    assert run_commands(["search", "--arousal", "0.9", "-n", "2", "--index", str(made.index), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [(line["track_id"], line["similarity"]) for line in told] == [
        (f.track.track_id, round(f.similarity, 4)) for f in found
    ]


def test_sheets_are_written_and_read_again_and_replaced_only_when_asked(tmp_path: Path) -> None:
    cues, scenes = soundtrack.read_cues(CUES), sheet([("Sad", 40.0)])
    soundtrack.write_cues(cues, tmp_path / "cues.json")
    soundtrack.write_scenes(scenes, tmp_path / "scenes.json")
    assert soundtrack.read_cues(tmp_path / "cues.json") == cues
    assert soundtrack.read_scenes(tmp_path / "scenes.json").scenes[0].span == scenes.scenes[0].span
    with pytest.raises(soundtrack.OutputError, match="exists"):
        soundtrack.write_cues(cues, tmp_path / "cues.json")
    with pytest.raises(soundtrack.OutputError):
        soundtrack.write_cues(cues, tmp_path / "scenes.json", force=True)
    soundtrack.write_cues(cues, tmp_path / "cues.json", force=True)


def blocks(name: str) -> list[str]:
    """The blocks of Python in a document."""
    return re.findall(
        r"^```python\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize("code", [block for name in ("README.md", "docs/python.md") for block in blocks(name)])
def test_what_the_documents_call_exists_with_its_arguments(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("soundtrack."):
            function = getattr(soundtrack, ast.unparse(node.func).removeprefix("soundtrack."))
            keywords = {str(word.arg): None for word in node.keywords}
            inspect.signature(function).bind(*node.args, **keywords)


@pytest.mark.slow
def test_the_lines_of_the_readme_score_a_film_as_a_plain_script(made: Made, tmp_path: Path) -> None:
    """Each worker of `index` ran the whole script again, and all of them failed."""
    (code,) = blocks("README.md")
    assert len([line for line in code.splitlines() if line]) == 6
    (tmp_path / "script.py").write_text(code, encoding="utf-8")
    (tmp_path / "holiday.mp4").symlink_to(made.film)
    (tmp_path / "Music").symlink_to(made.music)
    surroundings = {**os.environ, "HOME": str(tmp_path), "SOUNDTRACK_INDEX": str(tmp_path / "index")}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and len(done.stdout.splitlines()) == 1
    assert "dark.mp3" in done.stdout and (tmp_path / "out.mp4").stat().st_size > 1000


@pytest.mark.slow
def test_the_example_in_python_scores_a_film(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = [sys.executable, str(ROOT / "examples" / "from_python.py")]
    done = subprocess.run(
        [*script, str(made.film), str(made.music), str(out)], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 tracks, 0 files could not be used\nscene 0: 0.0 s, ")
    assert f"{out / 'scored.mp4'}: " in done.stdout
    assert soundtrack.read_cues(out / "cues.json").cues
    wrong = subprocess.run(
        [*script, str(made.film), "no such folder", str(out)], capture_output=True, text=True, timeout=60, check=False
    )
    assert wrong.returncode == 1 and "no such folder" in wrong.stderr and "Traceback" not in wrong.stderr


CONSUMER = """
from pathlib import Path
import soundtrack

def longest(path: Path) -> soundtrack.Cue:
    sheet = soundtrack.spot(soundtrack.scenes(path), wishes=soundtrack.Wishes(max_cues=3))
    return max(sheet.cues, key=lambda cue: cue.span.duration_s)

def names() -> list[str]:
    with soundtrack.Library() as library:
        return [found.track.path.name for found in library.search(mood="calm", n=3)]
"""


@pytest.mark.slow
def test_a_caller_under_strict_mypy_sees_the_types(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(CONSUMER, encoding="utf-8")
    wrong.write_text("import soundtrack\nn: str = soundtrack.index().n_tracks\nsoundtrack.scroe\n", encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*mypy, "--cache-dir", str(ROOT / ".mypy_cache"), str(right), str(wrong)],
        capture_output=True, text=True, timeout=290, check=False, cwd=tmp_path,
    )  # fmt: skip
    faults = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line.split(":")[0].rpartition("/")[2] for line in faults] == ["wrong.py", "wrong.py"], done.stdout
    assert 'has type "int"' in faults[0] and "scroe" in faults[1]
