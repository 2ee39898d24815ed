"""What every command makes of 179 odd and hostile files, which `bad_inputs.sh` makes on the spot.

    python tests/bad_inputs.py --write docs/odd-files.md     a table of all; needs bash, and Linux;
                                                             --long adds two files of ten hours

Every file goes through ``index``, ``scenes``, ``score`` and ``render``; a film that is scored is rendered from its own
cue sheet, anything else from that of the control film. The commands run in this very process, so that the networks are
loaded once.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import ExitCode
from soundtrack.media.locate import ffmpeg_path

SCRIPT = Path(__file__).with_name("bad_inputs.sh")
COMMANDS = ("index", "scenes", "score", "render")
_SPARSE_BYTES = 1 << 30
_FILMS_BY_CONTENT = ("audio/vidonly.m4a",)  # no music, but a film, whatever it is called
_PHOTOS = ("video/still.png",)
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Entry:
    """One line of the manifest."""

    path: Path
    """Absolute."""
    name: str
    """As the manifest quotes it."""
    role: str
    """``video``, ``audio`` or ``fs``."""
    expected: str
    """``ok``, ``warn``, ``ignore``, or ``skip:`` and the reason."""
    note: str
    """What it is."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def first_line(self) -> str:
        """What it said first."""
        return self.stderr.partition("\n")[0]


@dataclass
class Row:
    """What became of one file."""

    entry: Entry
    results: dict[str, str] = field(default_factory=dict)
    """By command."""
    faults: list[str] = field(default_factory=list)
    """What is not as it must be."""


@dataclass(frozen=True)
class Outcome:
    """What became of all."""

    rows: list[Row]
    slowest_s: float
    """Longest time of any ``scenes``, ``score`` or ``render``, in seconds."""
    index_s: float
    """Time of ``index``, in seconds."""
    is_untouched: bool
    """Whether the files are the same bytes as before, and no file more or less."""


def make_files(folder: Path, *, long: bool) -> list[Entry]:
    """Run the script; `long` adds the two files of ten hours."""
    environment = {**os.environ, "FFMPEG": str(ffmpeg_path()), "LONG": "1" if long else "0"}
    done = subprocess.run(["bash", SCRIPT, folder], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"not all files could be made:\n{done.stdout}{done.stderr}")
    lines = (folder / "manifest.tsv").read_text().splitlines()
    unquote = "while IFS=$'\\t' read -r name _; do eval \"printf '%s\\\\0' $name\"; done < manifest.tsv"
    names = subprocess.run(["bash", "-c", unquote], cwd=folder, capture_output=True, check=True).stdout.split(b"\0")
    return [Entry(folder / os.fsdecode(name), *line.split("\t")) for name, line in zip(names[:-1], lines, strict=True)]


@contextlib.contextmanager
def _output_to(stdout: Path, stderr: Path) -> Iterator[None]:
    """Both streams, from the numbers up, so that no C library speaks past them."""
    kept = [os.dup(number) for number in (1, 2)]
    sys.stdout.flush()
    try:
        for number, path in ((1, stdout), (2, stderr)):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, number)
            os.close(opened)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


def run(*words: str | Path) -> Ended:
    """A command line in this process."""
    from soundtrack.cli import app

    argv, streams, install = sys.argv, (sys.stdout, sys.stderr), app.ending.install
    with tempfile.TemporaryDirectory() as said:
        out, err = Path(said, "out"), Path(said, "err")
        code = -1
        began_s = time.monotonic()
        try:
            sys.argv = ["soundtrack", *map(str, words)]
            app.ending.install = lambda: None  # handlers are the caller's
            with _output_to(out, err), open(1, "w", closefd=False) as one, open(2, "w", closefd=False) as two:
                sys.stdout, sys.stderr = one, two
                try:
                    app.main()
                except SystemExit as stop:
                    code = stop.code if isinstance(stop.code, int) else -1
                finally:
                    one.flush()
                    two.flush()
                    sys.stdout, sys.stderr = streams
        finally:
            sys.argv, app.ending.install = argv, install
            sys.stdout, sys.stderr = streams
        seconds = time.monotonic() - began_s
        return Ended(code, *(path.read_text("utf-8", "backslashreplace") for path in (out, err)), seconds)


def digests(folder: Path) -> dict[str, str]:
    """What every file is: its bytes, or size and time where it is a gigabyte of nothing."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = Path(parent, name)
            if path.is_symlink():
                what = f"link to {path.readlink()}"
            elif not path.is_file():
                what = "no file"
            elif path.stat().st_size > _SPARSE_BYTES:
                what = f"{path.stat().st_size} bytes of {path.stat().st_mtime_ns}"
            else:
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = what
    return found


def try_all(entries: list[Entry], *, folder: Path, music: Path, scratch: Path) -> Outcome:
    """Put every file through every command.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    music : Path
        An index with music to score with.
    scratch : Path
        An empty folder.
    """
    before = digests(folder)
    rows = [Row(entry) for entry in entries]
    index_s = _index(rows, folder, scratch / "index")
    control = scratch / "control.json"
    ended = run("score", folder / "video" / "ok.mp4", "--index", music, "-o", scratch / "c.mp4", "--cues", control)
    if ended.code:
        raise RuntimeError(f"the control film is not scored: {ended.stderr}")
    slowest_s = max(_watch(row, music, control, scratch) for row in rows)
    return Outcome(rows, slowest_s, index_s, is_untouched=digests(folder) == before)


def _index(rows: list[Row], folder: Path, index: Path) -> float:
    """Index the whole folder at once and say what became of each."""
    from soundtrack.library.report import shown
    from soundtrack.library.store.store import open_store

    ended = run("index", folder, "--index", index, "--jobs", "1", "--json")
    told = json.loads(ended.stdout)
    skipped = {entry["path"]: entry["reason"] for entry in told["skipped"]}
    warned: dict[str, list[str]] = {}
    for entry in told["warned"]:
        warned.setdefault(entry["path"], []).append(entry["warning"])
    with open_store(index) as store:
        known = {os.fsdecode(path) for (path,) in store.all("SELECT path FROM locations")}
    speaks_ill = _wrong_words(ended)
    for row in rows:
        name, entry = shown(row.entry.path), row.entry
        if name in skipped:
            result = f"skipped: {skipped[name]}"
        elif str(entry.path) in known:
            result = f"taken, {', '.join(sorted(warned[name]))}" if name in warned else "taken"
        else:
            result = "left out"
        row.results["index"] = result
        row.faults += [f"index {word}" for word in speaks_ill]
        if not _index_is_right(entry, result):
            row.faults.append(f"index: {entry.expected} was expected, got {result}")
    return ended.seconds


def _index_is_right(entry: Entry, result: str) -> bool:
    """Whether a file of the music library became what the manifest says."""
    if entry.role == "video":
        return True  # a film is no music; some of these suffixes hold music as well
    if entry.expected == "skip:permission" and os.geteuid() == 0:
        return True  # root may read everything
    if entry.expected.startswith("skip:"):
        return result == f"skipped: {entry.expected.removeprefix('skip:')}"
    if entry.expected == "ignore":
        return result == "left out"
    return result.startswith("taken")


def _watch(row: Row, music: Path, control: Path, scratch: Path) -> float:
    """One file through the commands for films; returns the longest time of any, in seconds."""
    film = row.entry.path
    beside = set(film.parent.iterdir()) if film.parent.is_dir() else set()
    sheet, longest_s = control, 0.0
    scored, scored_suffix = b"", ""
    for command in ("scenes", "score", "render"):
        if command == "scenes":
            ended = run("scenes", "-o", scratch / "scenes.json", "--force", "--no-cache", "--", film)
        elif command == "score":
            ended = run("score", "--index", music, "--no-cache", "--", film)
        else:
            suffix = scored_suffix or ".mkv"
            target = scratch / f"rendered{suffix}"
            ended = run("render", "--index", music, "-o", target, "--force", "--", film, sheet)
            if scored and ended.code == ExitCode.OK and hashlib.sha256(target.read_bytes()).digest() != scored:
                row.faults.append("render gives other bytes than score")
            target.unlink(missing_ok=True)
        longest_s = max(longest_s, ended.seconds)
        row.results[command] = _result(ended, film)
        row.faults += [f"{command} {word}" for word in _wrong_words(ended)]
        if not _film_is_right(row.entry, ended.code, command):
            row.faults.append(f"{command}: {row.entry.expected} was expected, got {row.results[command]}")
        if command == "score":
            new = set(film.parent.iterdir()) - beside if film.parent.is_dir() else set()
            sheets = [path for path in new if path.suffix == ".json"]
            films = sorted(new - set(sheets))
            if len(new) != (2 if ended.code == ExitCode.OK else 0):
                row.faults.append(f"score leaves {len(new)} files")
            if ended.code == ExitCode.OK and sheets and films:
                sheet = scratch / "own.json"
                sheet.write_bytes(sheets[0].read_bytes())
                scored, scored_suffix = hashlib.sha256(films[0].read_bytes()).digest(), films[0].suffix
            for path in new:
                path.unlink()
    return longest_s


def _film_is_right(entry: Entry, code: int, command: str) -> bool:
    """Whether a command for films ended as the manifest says; sound and folders are no films, photos have scenes."""
    if command == "scenes" and entry.name in _PHOTOS:
        return code == ExitCode.OK
    good = (entry.role == "video" and entry.expected in ("ok", "warn")) or entry.name in _FILMS_BY_CONTENT
    return code == (ExitCode.OK if good else ExitCode.INPUT)


def _wrong_words(ended: Ended) -> list[str]:
    """What nobody may be told."""
    wrong = {"Traceback": "shows a traceback", "internal error": "ends in a bug", "root:": "shows another file's text"}
    found = [says for word, says in wrong.items() if word in ended.stderr + ended.stdout]
    return found + (["steers the terminal"] if _STEERING.search(ended.stderr) else [])


def _result(ended: Ended, film: Path) -> str:
    """How it ended, in a few words: without the name, which the first column has."""
    if ended.code == ExitCode.OK:
        n = sum("warning: " in line for line in ended.stderr.splitlines())
        return "done" if not n else f"done, {n} warning{'s' * (n > 1)}"
    words = ended.first_line.removeprefix("error: ")
    before = f"{film.name}: " if film.name in words else ": "  # a name that steers the terminal is shown otherwise
    return f"{ended.code}: {words.rpartition(before)[2]}"


# --- the page ----

_HEAD = """# Odd and hostile files

Written by `python tests/bad_inputs.py --write docs/odd-files.md`, which creates the files
(`tests/bad_inputs.sh`), runs four commands on each and checks exit code, messages and the files on disk afterwards;
`--long` adds two files of ten hours. `tests/test_bad_inputs.py` is the same as a slow test.

A number is an exit code; 3 means that the file cannot be used. `index` runs on all files at once and leaves out files
that are not music. A scored film is rendered from its own cue sheet, and the result must have the same bytes as that of
`score`; any other file is rendered with the cue sheet of `ok.mp4`.

"""


def page(outcome: Outcome) -> str:
    """The table as Markdown."""
    faults = [(row.entry.name, fault) for row in outcome.rows for fault in row.faults]
    lines = [
        f"- {len(outcome.rows)} files, {4 * len(outcome.rows)} results, {len(faults)} not as expected",
        f"- files afterwards: {'the same bytes, none added, none removed' if outcome.is_untouched else 'CHANGED'}",
        "- tracebacks, control characters, text of other files on the terminal, half-written files: "
        + ("none" if not faults else "see below"),
        *(f"- {_cell(name)}: {_cell(fault)}" for name, fault in faults),
        "",
    ]
    for role, title in (("video", "Films"), ("audio", "Music"), ("fs", "Directories, devices and wrong kinds")):
        lines += [
            f"## {title}",
            "",
            "| file | what it is | index | scenes | score | render |",
            "|" + " --- |" * 6,
        ]
        for row in outcome.rows:
            if row.entry.role == role:
                cells = [row.entry.name, row.entry.note, *(row.results[command] for command in COMMANDS)]
                lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        lines.append("")
    return _HEAD + "\n".join(lines)


def _cell(text: str) -> str:
    """Text that breaks no table."""
    plain = text.encode("ascii", "backslashreplace").decode().replace("|", "\\|").replace("<", "&lt;")
    return plain if len(plain) <= 90 else f"{plain[:60]}... ({len(plain)} characters)"


BY_HAND = "<!-- Written by hand from here on; --write keeps it. -->"


def _by_hand(target: Path) -> str:
    """The part of the page that no program writes."""
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    return f"\n{BY_HAND}{before.partition(BY_HAND)[2]}" if BY_HAND in before else ""


def main() -> None:
    """Make, try, write."""
    from soundtrack.demo.make import make_demo

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="page to write")
    parser.add_argument("--long", action="store_true", help="with the two files of ten hours")
    options = parser.parse_args()
    os.environ |= {"SOUNDTRACK_CONFIG": os.devnull, "SOUNDTRACK_CACHE": "0"}
    with tempfile.TemporaryDirectory(prefix="soundtrack-odd-") as place:
        here = Path(place)
        (here / "scratch").mkdir()
        library = make_demo(here / "demo").library
        if run("index", library, "--index", here / "music", "--jobs", "1", "-q").code:
            sys.exit("the demo's music could not be indexed")
        entries = make_files(here / "files", long=options.long)
        outcome = try_all(entries, folder=here / "files", music=here / "music", scratch=here / "scratch")
        subprocess.run(["chmod", "-R", "u+rwX", here / "files"], check=False)
    text = page(outcome)
    if options.write:
        options.write.write_text(text + _by_hand(options.write), encoding="utf-8")
    sys.stderr.write(
        f"index took {outcome.index_s:.0f} s, the slowest of the other commands {outcome.slowest_s:.0f} s\n"
    )
    for row in outcome.rows:
        for fault in row.faults:
            sys.stderr.write(f"{row.entry.name}: {fault}\n")


if __name__ == "__main__":
    main()
