"""Words of a command line that are refused, as errors with what to type instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soundtrack.cli.app import run_commands
from soundtrack.errors import InputError, UsageError


@pytest.mark.parametrize(
    "words",
    [
        ["index", "{}"],
        ["score", "{}"],
        ["score", "--batch", "{}"],
        ["score", "--watch", "{}"],
        ["search", "--picture", "{}"],
        ["eval", "playlists", "{}"],
    ],
)
def test_a_folder_that_may_not_be_read_was_an_error_of_usage(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my music"
    folder.mkdir()
    permitted = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: os.fspath(path) != str(folder) and permitted(path, mode, **more)
    )
    with pytest.raises(InputError) as refused:
        run_commands([word.format(folder) for word in words])
    assert (str(refused.value), refused.value.code) == (f"{folder}: permission denied", "E311")
    assert refused.value.hint == f"run `chmod u+rx '{folder}'`"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["watch", "film.mp4"], "use --camera film.mp4 for a film"),
        (["watch", "my film.mp4"], "use --camera 'my film.mp4' for a film"),
        (["score", "a.mp4", "b.mp4", "c.mp4"], "use --batch LIST for several films"),
        (["score", "a.mp4", "song.ogg"], "use --track song.ogg for this music"),
        (["score", "a.mp4", "--mood", "0:01-0:03=tense", "sad"], "`soundtrack score --help` lists the options"),
        (["doctor", "film.mp4"], "`soundtrack doctor --help` lists the options"),
    ],
)
def test_a_file_too_many_had_no_hint_of_the_option_that_takes_it(words: list[str], hint: str) -> None:
    with pytest.raises(UsageError, match="unexpected argument") as refused:
        run_commands(words)
    assert refused.value.hint.startswith(hint)
