"""Odd and hostile music: every file is indexed, indexed with a warning, or named with a reason; nothing is changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from odd_music import ODD_MUSIC
from soundtrack.errors import ExitCode
from soundtrack.library.report import shown


def index(folder: Path, where: Path) -> tuple[dict[str, Any], str]:
    """What ``soundtrack index`` tells on stdout and on stderr."""
    command = [sys.executable, "-m", "soundtrack", "index", folder, "--index", where, "--jobs", "1", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=280)
    assert done.returncode in (ExitCode.OK, ExitCode.PARTIAL), done.stderr.decode()
    return json.loads(done.stdout), done.stderr.decode()


def digests(folder: Path) -> dict[str, str]:
    """Of everything in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.slow
def test_every_odd_file_becomes_what_it_must(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for place, odd in enumerate(ODD_MUSIC):
        odd.make(folder / odd.name, 220 + 7 * place)
    before = digests(folder)
    assert len(before) == len(ODD_MUSIC)
    began_s = time.monotonic()
    told, stderr = index(folder, tmp_path / "index")
    assert time.monotonic() - began_s < 30 + 10 * len(ODD_MUSIC)
    skipped = {entry["path"]: entry["reason"] for entry in told["skipped"]}
    warned: dict[str, set[str]] = {}
    for entry in told["warned"]:
        warned.setdefault(entry["path"], set()).add(entry["warning"])
    got, wanted = {}, {}
    for odd in ODD_MUSIC:
        name = shown(folder / odd.name)
        kind, _, word = odd.becomes.partition(":")
        wanted[odd.name] = odd.becomes
        warnings = warned.get(name, set())
        if name in skipped:
            got[odd.name] = f"skip:{skipped[name]}"
        elif kind == "warn" and word in warnings:
            got[odd.name] = odd.becomes
        else:
            got[odd.name] = f"warn:{','.join(sorted(warnings))}" if warnings else "ok"
    assert got == wanted
    assert told["n_tracks"] == sum(not odd.becomes.startswith("skip") for odd in ODD_MUSIC)
    assert "Traceback" not in stderr and "internal" not in stderr and "\x1b" not in stderr and "root:" not in stderr
    assert digests(folder) == before


@pytest.mark.slow
def test_a_second_run_listens_to_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for odd in [odd for odd in ODD_MUSIC if odd.becomes != "ok"][4:12]:
        odd.make(folder / odd.name, 300)
    first, _ = index(folder, tmp_path / "index")
    content = (tmp_path / "index" / "segments.faiss").read_bytes()
    again, _ = index(folder, tmp_path / "index")
    assert first["added"] == first["n_tracks"] == again["n_tracks"]
    assert again["added"] == again["updated"] == 0
    assert (tmp_path / "index" / "segments.faiss").read_bytes() == content
