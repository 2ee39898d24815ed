"""Shell completion: moods, tracks, models and targets, through the whole command line as a shell asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def offered(*words: str, index: Path | None = None) -> list[str]:
    """What the command line offers for the last of some words."""
    asked = {"COMP_WORDS": " ".join(["soundtrack", *words]), "COMP_CWORD": str(len(words))}
    where = {"SOUNDTRACK_INDEX": str(index or ROOT / "nowhere"), "_SOUNDTRACK_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['soundtrack']; from soundtrack.cli.app import main; main()"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **asked, **where},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("sc",), "score"),
        (("search", "--mood", "ca"), "calm"),
        (("score", "f.mp4", "--mood", "0:10-0:20=te"), "0:10-0:20=tense"),
        (("score", "f.mp4", "--target", "b"), "broadcast"),
        (("score", "f.mp4", "--model", "joint"), "joint-space"),
        (("cues", "export", "f.json", "--to", "fc"), "fcpxml"),
        (("help", "mo"), "moods"),
    ],
)
def test_the_shell_is_offered_words_that_continue_what_is_typed(words: tuple[str, ...], value: str) -> None:
    found = offered(*words)
    assert value in found and all(each.startswith(words[-1]) for each in found)


def test_tracks_of_the_index_are_offered_and_a_missing_index_offers_none() -> None:
    found = offered("score", "f.mp4", "--lock", "1:05=", index=ROOT / "library_index")
    assert found and all(each.startswith("1:05=") for each in found)
    assert offered("score", "f.mp4", "--lock", "1:05=") == []
