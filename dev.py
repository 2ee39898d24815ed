#!/usr/bin/env python3
"""Commands for developers; requires Python 3.11 or newer and nothing else.

    python3 dev.py demo [DIR]   install, make the demo film and its music, index, score
    python3 dev.py test         install with the tools for developing, run the quick tests
    python3 dev.py check        format, lint, strict types, quick tests: before every commit
    python3 dev.py slow         the slow tests
    python3 dev.py lowest       the quick tests with the oldest releases that pyproject.toml allows, beside the rest
    python3 dev.py bench        measure the cost of each step: some hours; with --quick a quarter of an hour
    python3 dev.py goldens      rewrite the golden files; then review the diff
    python3 dev.py docs         build the documentation site into build/site, with links checked

The environment is made in .venv, or where VENV says, and kept; it is brought up to date when pyproject.toml changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
USAGE, DEPENDENCY = 2, 4


def stop(code: int, message: str, hint: str) -> NoReturn:
    """Two lines and an exit code, as the tool itself does it."""
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    sys.exit(code)


def run(*command: str | Path, where: Path = ROOT, **environment: str) -> None:
    """Run a program, by default in the project folder; exit with its code if it fails."""
    sys.stdout.flush()
    done = subprocess.run([str(word) for word in command], cwd=where, env={**os.environ, **environment}, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def environment_dir() -> Path:
    """Where the environment is made."""
    return (ROOT / os.environ.get("VENV", ".venv")).resolve()


def program(name: str) -> Path:
    """A program of the environment."""
    return environment_dir() / ("Scripts" if os.name == "nt" else "bin") / name


def install(*, dev: bool) -> None:
    """Make the environment where it is missing, and install what pyproject.toml asks for."""
    folder = environment_dir()
    make_environment(folder)
    stamp = folder / "soundtrack-installed.txt"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    have = stamp.read_text().split() if stamp.exists() else []
    if wanted in have and (not dev or "dev" in have):
        return
    print("installing: some minutes and 2 GB at the first time, 7 GB where pip finds only the GPU build of torch")
    quiet = () if sys.stdout.isatty() else ("--quiet",)
    what = ".[dev]" if dev or "dev" in have else "."
    run(program("python"), "-m", "pip", "install", *quiet, "--disable-pip-version-check", "--editable", what)
    stamp.write_text(f"{wanted}{' dev' if dev or 'dev' in have else ''}\n")


def make_environment(folder: Path) -> None:
    """A plain environment, unless it is there."""
    if program("python").exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stop(
            DEPENDENCY,
            f"this Python {version} ({sys.executable}) cannot make environments: ensurepip is missing",
            f"sudo apt install python3-venv   (or python{version}-venv), then the same command again",
        )
    print(f"making {folder}")
    run(sys.executable, "-m", "venv", folder)


def install_lowest() -> None:
    """An environment beside the usual one, with the lowest release of everything that pyproject.toml names.

    pip cannot choose so; uv does, and is put into that environment for it.
    """
    os.environ["VENV"] = f"{environment_dir()}-lowest"
    make_environment(environment_dir())
    run(program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    choice = ("--python", program("python"), "--resolution", "lowest-direct")
    run(program("uv"), "pip", "install", *choice, "--editable", f"{ROOT}[dev]")


def lint() -> None:
    """Format, lint, types."""
    run(program("ruff"), "format", "--check", ".")
    run(program("ruff"), "check", ".")
    run(program("mypy"))


def pytest(*words: str, **environment: str) -> None:
    """Run tests on two cores."""
    run(program("python"), "-m", "pytest", *words, **environment)


def site() -> None:
    """Build the documentation site; a broken link is an error."""
    import tomllib  # not known to the older Pythons that `main` turns away

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    run(program("python"), "-m", "pip", "install", "--quiet", "--no-compile", *extras["docs"])
    run(program("python"), "-m", "mkdocs", "build", "--strict", "--quiet", NO_MKDOCS_2_WARNING="1")


def demo(folder: str) -> None:
    """The whole tool on media of its own."""
    run(program("soundtrack"), "demo", folder, where=Path.cwd())


def bench(*words: str) -> None:
    """What each step costs beside plain ffmpeg; writes docs/benchmarks.md."""
    run(program("python"), ROOT / "benchmarks" / "speed.py", "--write", ROOT / "docs" / "benchmarks.md", *words)


def main(words: list[str]) -> None:
    """Do what the first word says."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        stop(DEPENDENCY, f"Python {sys.version.split()[0]} is too old", "use 3.11 or newer: python3.11 dev.py demo")
    match words:
        case ["demo", *folder] if len(folder) <= 1:
            install(dev=False)
            demo(folder[0] if folder else "demo")
        case ["test", *more]:
            install(dev=True)
            pytest("-m", "not slow", "-n", "2", *more)
        case ["check"]:
            install(dev=True)
            lint()
            pytest("-m", "not slow", "-n", "2")
        case ["lint"]:
            install(dev=True)
            lint()
        case ["slow", *more]:
            install(dev=True)
            pytest("-m", "slow", "-n", "2", "-rs", *more)
        case ["lowest", *more]:
            install_lowest()
            pytest("-m", "not slow", "-n", "2", *more)
        case ["bench", *more]:
            install(dev=True)
            bench(*more)
        case ["docs"]:
            install(dev=True)
            site()
        case ["goldens"]:
            install(dev=True)
            pytest("-m", "not slow", SOUNDTRACK_WRITE_GOLDENS="1")
        case _:
            sys.stderr.write(__doc__ or "")
            sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
