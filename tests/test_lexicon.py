"""A word list of the user's own: read on its scale, bad rows named, and before the built-in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundtrack.cli.app import run_commands
from soundtrack.errors import InputError
from soundtrack.naming.lexicon import MOST_BYTES, read_lexicon
from soundtrack.naming.norms import norm_of, use_words
from soundtrack.naming.text_mood import text_mood

GERMAN = "Die Trauer und der Schmerz sind in meinem Herzen, die Trauer bleibt, und der Schmerz bleibt auch bei mir"


@pytest.fixture(autouse=True)
def back() -> Iterator[None]:
    yield
    use_words({})


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("word\tvalence\tarousal\tdominance\nglad\t1\t0.5\t0.3\nsad\t0.0\t0.25\t0.1\n", (0, 1)),
        ("Word,Valence,Arousal\nglad,1,0\nsad,-1,-0.5\n", (-1, 1)),
        ("id;word;arousal_sd;valence_mean;arousal_mean\n1;glad;2;9;5\n2;sad;2;1;3\n", (1, 9)),
        ('\ufeff"Word","Valence","Arousal"\r\n"glad",9,5\r\n\r\nSAD,1,3\r\n', (1, 9)),
    ],
)
def test_tables_of_several_kinds_are_read_on_their_scale(tmp_path: Path, text: str, scale: tuple[float, float]) -> None:
    (tmp_path / "words.tsv").write_text(text, encoding="utf-8")
    found = read_lexicon(tmp_path / "words.tsv")
    assert found.scale == scale and not found.bad_rows
    assert found.words == {"glad": (1.0, 0.0), "sad": (-1.0, -0.5)}
    assert f"2 words, read on a scale from {scale[0]:g} to {scale[1]:g}" in found.notes()[0]


def test_bad_rows_are_left_out_and_named(tmp_path: Path) -> None:
    rows = ["good,0.9,0.5"] + [f"word{i},0.{i % 10},0.5" for i in range(400)]
    rows += ["short", "x,abc,0.1", ",0.1,0.1", "far,7,0.1", "good,0.1,0.1", "inf,inf,0.2"]
    (tmp_path / "a.csv").write_text("word,valence,arousal\n" + "\n".join(rows) + "\n")
    found = read_lexicon(tmp_path / "a.csv")
    assert len(found.words) == 401 and len(found.bad_rows) == 6
    said = "\n".join(found.notes())
    assert "row 403 left out: too few columns" in said and "row 404 left out: 'abc' is not a number" in said
    assert "row 406 left out: 'far' is outside of 0 to 1" in said and "row 407 left out: 'good' was rated" in said
    assert "1 further row left out" in said


@pytest.mark.parametrize("kind", ["missing", "empty", "heading", "columns", "nothing", "large", "latin", "folder"])
def test_what_is_no_word_list_is_refused_with_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.csv"
    content = {
        "empty": b"",
        "heading": b"word,valence,arousal\n",
        "columns": b"word,happiness\nx,1\n",
        "nothing": b"word,valence,arousal\nx,a,b\n",
        "large": b"word,valence,arousal\n" + b"x" * MOST_BYTES,
        "latin": "word,valence,arousal\nfröhlich,1,1\n".encode("latin-1"),
    }
    if kind == "folder":
        path.mkdir()
    elif kind in content:
        path.write_bytes(content[kind])
    with pytest.raises(InputError, match=r"list\.csv") as caught:
        read_lexicon(path)
    assert caught.value.hint


def test_own_words_come_first_and_count_in_any_language(tmp_path: Path) -> None:
    before = norm_of("happy")
    assert text_mood(GERMAN, language="de").emotion is None
    (tmp_path / "de.csv").write_text(
        "word,valence,arousal\ntrauer,-0.8,-0.4\nschmerz,-0.7,-0.3\nhappy,-1,0\nbleibt,0,0\n"
    )
    use_words(read_lexicon(tmp_path / "de.csv").words)
    mood = text_mood(GERMAN, language="de")
    assert mood.n_rated == 6 and mood.emotion is not None and mood.emotion.valence < -0.6
    assert before is not None and before[0] > 0 and norm_of("happy") == (-1.0, 0.0)
    assert norm_of("sad") is not None  # the built-in words stay for English


def test_the_option_says_what_it_read_and_ends_with_its_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.csv").write_text("word,valence,arousal\nzorblig,0.9,0.8\nx,y,z\nblah,-0.5,0\n")
    index = str(Path(__file__).resolve().parent.parent / "library_index")
    run_commands(["search", "--like", "zorblig", "--lexicon", str(tmp_path / "own.csv"), "--index", index])
    said = capfd.readouterr().err
    assert "zorblig (valence +0.90, arousal +0.80)" in said and "row 3 left out: 'y' is not a number" in said
    from soundtrack.errors import UsageError

    with pytest.raises(UsageError, match="zorblig"):
        run_commands(["search", "--like", "zorblig", "--index", index])
