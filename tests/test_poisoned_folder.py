"""A working folder full of modules, programs and settings from a stranger: no command runs or reads any of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from end_by_signal import prepare
from soundtrack.errors import DependencyError
from soundtrack.media.locate import ffmpeg_path
from soundtrack.processes import children
from soundtrack.processes.surroundings import clean_environment, find_program, module_path

ROOT = Path(__file__).parents[1]

PROGRAMS = (
    "ffmpeg", "ffprobe", "espeak", "espeak-ng", "gcc", "cc", "ld", "ldconfig", "objdump", "uname", "git", "latex",
    "dvipng", "fc-list", "nvidia-smi", "python", "python3", "sh", "lscpu", "file",
)  # fmt: skip
"""Programs that the tool or a library of it may look for."""

SETTINGS = {
    "config.toml": 'ffmpeg = "./ffmpeg"\n',
    "soundtrack.toml": 'ffmpeg = "./ffmpeg"\n',
    "soundtrack/config.toml": 'ffmpeg = "./ffmpeg"\n',
    ".env": "SOUNDTRACK_FFMPEG=./ffmpeg\n",
    "pyvenv.cfg": "home = .\n",
    "poison.pth": "import poison_from_pth\n",
}
"""Files that configure something, and that would name a program or a module here."""

ENTRANCES = {
    "module": [sys.executable, "-m", "soundtrack"],
    "script": [
        sys.executable,
        "-c",  # as the script that pip makes, whose own folder comes first on its path
        "import os, sys; sys.path[0] = os.path.dirname(sys.executable); sys.argv[0] = 'soundtrack'; "
        "from soundtrack.__main__ import main; sys.exit(main())",
    ],
}


def importable() -> set[str]:
    """Names of all modules that Python or an installed package may import, and of some that they only try to."""
    tried = {"sitecustomize", "usercustomize", "cupy", "yaml", "simplejson", "ujson", "tensorflow", "pandas", "numexpr"}
    return {*sys.stdlib_module_names, *metadata.packages_distributions(), *tried} - {"soundtrack", "__main__"}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film and all that poison; what is run of it writes its name into ``ran`` beside the folder."""
    folder = tmp_path_factory.mktemp("poisoned") / "films"
    folder.mkdir()
    log = folder.parent / "ran"
    for name in sorted(importable()):
        if name.isidentifier():
            (folder / f"{name}.py").write_text(f"open({str(log)!r}, 'a').write({name + ' '!r})\n")
    for name in PROGRAMS:
        (folder / name).write_text(f'#!/bin/sh\necho "{name}" >> "{log}"\necho "ffmpeg version 7.1"\n')
        (folder / name).chmod(0o755)
    for name, text in SETTINGS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module", autouse=True)
def names_of_pythons_own(poisoned: Path) -> set[str]:
    """What ``python -m`` itself takes from the working folder before a line of any package is run: not in our hands.

    It is moved away, and the script, which is not started so, is run with it.
    """
    (poisoned / "nothing_at_all.py").write_text("")
    found: set[str] = set()
    for _ in range(10):
        command = [sys.executable, "-m", "nothing_at_all"]
        subprocess.run(command, cwd=poisoned, capture_output=True, check=False, timeout=60)
        hit = set(ran(poisoned).split())
        if not hit:
            break
        found |= hit
        for name in hit:
            (poisoned / f"{name}.py").rename(poisoned.parent / f"{name}.py")
    return found


def run(poisoned: Path, entrance: str, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command in that folder, which the shell's PATH names as well, as an empty and as a relative entry."""
    variables = {
        **os.environ,
        "PATH": f":.:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": ".",
        "XDG_CACHE_HOME": str(poisoned.parent / "cache"),
        "XDG_DATA_HOME": str(poisoned.parent / "data"),
        **environment,
    }
    return subprocess.run(
        [*ENTRANCES[entrance], *map(str, words)],
        cwd=poisoned,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=580,
    )


@contextlib.contextmanager
def all_names(poisoned: Path, entrance: str, names: set[str]) -> Iterator[None]:
    """The names that ``python -m`` takes as well, for the script, which does not."""
    if entrance == "script":
        for name in names:
            shutil.copy(poisoned.parent / f"{name}.py", poisoned)
    yield
    for name in names:
        (poisoned / f"{name}.py").unlink(missing_ok=True)


def ran(poisoned: Path) -> str:
    """What was run of the poison since the last look."""
    log = poisoned.parent / "ran"
    text = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    return text


def test_the_poison_works(poisoned: Path) -> None:
    """Else the other tests would show nothing."""
    code = [sys.executable, "-c", "import json, os; os.system('ffmpeg -version')"]
    subprocess.run(code, cwd=poisoned, env={**os.environ, "PATH": f":{os.environ['PATH']}"}, check=False, timeout=60)
    assert {"json", "ffmpeg"} <= set(ran(poisoned).split())


def test_python_itself_takes_hardly_anything(names_of_pythons_own: set[str]) -> None:
    """Else the tests below would say little."""
    assert len(names_of_pythons_own) < 15, names_of_pythons_own


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_starting_takes_nothing_from_the_working_folder(
    poisoned: Path, entrance: str, names_of_pythons_own: set[str]
) -> None:
    with all_names(poisoned, entrance, names_of_pythons_own):
        assert run(poisoned, entrance, "--version").returncode == 0
        assert run(poisoned, entrance, "--help").returncode == 0
    assert ran(poisoned) == ""


COMMANDS = (
    "index music --index new --jobs 1",
    "scenes film.mp4 -o new.json --no-cache",
    "spot scenes.json --index index -o new.cues.json --over-music",
    "render film.mp4 film.cues.json -o new.mp4 --index index",
    "score film.mp4 -o new.mp4 --index index --over-music",
    "verify film.mp4 film.mp4",
    "search --mood happy --index index",
    "cues show film.cues.json",
    "cues show film.cues.json --html new.html",
    "cues show film.cues.json --plot new.png",
    "cues check film.cues.json",
    "cues export film.cues.json -o new.edl",
    "cues export film.cues.json -o new.otio",
    "library list --index index",
    "library export new.zip --index index",
    "models list",
    "models verify",
    "doctor",
    "eval --help",
    "train --help",
    "demo new",
)
"""Every command that works without more than a film, music, and what was made of them."""


@pytest.fixture(scope="module")
def stocked(poisoned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, with a film, music, an index, scenes and a cue sheet in it."""
    clean = tmp_path_factory.mktemp("clean")
    prepare(clean)
    shutil.copytree(clean, poisoned, dirs_exist_ok=True)
    return poisoned


RUNS = [
    (words, entrance) for words in COMMANDS for entrance in ENTRANCES if (words, entrance) != ("demo new", "script")
]
"""Each by both entrances, but for the demo, which takes minutes and scores a film as `score` does."""


@pytest.mark.slow
@pytest.mark.parametrize(("words", "entrance"), RUNS)
def test_no_command_runs_a_file_that_is_beside_the_film(
    stocked: Path, words: str, entrance: str, names_of_pythons_own: set[str]
) -> None:
    """`scenes film.mp4` ran the json.py beside the film, and `index` the multiprocessing.py."""
    before = {path.name for path in stocked.iterdir()}
    with all_names(stocked, entrance, names_of_pythons_own):
        done = run(stocked, entrance, *words.split())
    for name in {path.name for path in stocked.iterdir()} - before:
        path = stocked / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert ran(stocked) == ""
    assert done.returncode in (0, 4), done.stderr.decode()


def test_helpers_of_a_library_user_take_nothing_from_the_working_folder(poisoned: Path, made_film: Path) -> None:
    """Whoever imports the package from a program of their own has its helper processes started likewise."""
    code = (
        "import sys; sys.path.pop(0); from pathlib import Path; from soundtrack.media.reading.probe import probe; "
        "print(probe(Path(sys.argv[1])).width_px)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(made_film)], cwd=poisoned, capture_output=True, check=False, timeout=120
    )
    assert done.stdout == b"320\n", done.stderr.decode()
    assert ran(poisoned) == ""


@pytest.fixture(scope="module")
def made_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from media_made import make_film

    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=3)


def test_a_relative_ffmpeg_is_never_one_of_the_working_folder(poisoned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(poisoned)
    for named in ("./ffmpeg", "films/../ffmpeg", "gcc"):
        monkeypatch.setenv("SOUNDTRACK_FFMPEG", named)
        monkeypatch.setenv("PATH", ":.")
        with pytest.raises(DependencyError, match="not an absolute path"):
            ffmpeg_path()
    monkeypatch.setenv("SOUNDTRACK_FFMPEG", "ffmpeg")
    monkeypatch.setenv("PATH", f":{Path(sys.executable).parent}")
    with pytest.raises(DependencyError, match="not found in PATH"):
        ffmpeg_path()
    assert ran(poisoned) == ""


def test_the_compiler_of_a_library_takes_no_settings_from_the_working_folder(tmp_path: Path) -> None:
    """numba reads ``.numba_config.yaml`` where it stands, and loads compiled code from the folder that it names."""
    (tmp_path / ".numba_config.yaml").write_text("cache_dir: ./cache\n")
    code = (
        "import yaml\n"
        "from soundtrack.audio.mel_triangles import triangles\n"
        "import numba.core.config as config, sys\n"
        "print(config.CACHE_DIR, sys.modules['yaml'] is yaml, triangles.__name__)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "mel"]
    assert done.stderr == ""


def test_search_paths_lose_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"PATH": ":.:bin", "PYTHONPATH": ":", "LD_LIBRARY_PATH": "/lib:", "HOME": ".", "XDG_CONFIG_HOME": "x"}
    clean_environment(environ)
    assert environ == {"LD_LIBRARY_PATH": "/lib", "PYTHONSAFEPATH": "1"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path), "/elsewhere"])
    assert module_path() == ["/elsewhere"]
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # named in full: wanted
    assert module_path() == ["/elsewhere", str(tmp_path)]
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    monkeypatch.setenv("PATH", ":.")
    assert find_program("tool") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("tool") == tmp_path / "tool"


def test_a_program_without_a_full_path_is_not_started() -> None:
    with pytest.raises(ValueError, match="absolute path"):
        children.start(["ffmpeg", "-version"])


def test_every_python_that_is_started_leaves_its_folder_out() -> None:
    assert "-P" in children.python_command("pass")
    told = children.output_of([sys.executable, "-c", "import sys; print(sys.flags.safe_path)"], limit_s=60)
    assert told == b"True\n"
