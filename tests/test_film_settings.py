"""Settings for one film of a batch, in a file beside it or in the columns of a table."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.cli.film.film_settings import KNOWN, films_and_orders, order_alone, order_of
from soundtrack.cli.options import DensityName, DuckName, Layout
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.pipeline import FilmOrder, batch
from soundtrack.pipeline.batch import BatchOrder, FilmState, score_batch
from soundtrack.pipeline.ground.film_list import listed_films, settings_beside
from soundtrack.pipeline.scorer import SHARED_WISHES
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import Span

OPTIONS: dict[str, Any] = {
    **dict.fromkeys(("lock", "mood", "like", "silence", "hit", "avoid", "only", "max_cues", "keep", "track", "theme")),
    **dict.fromkeys(("narration", "narration_at", "stretch", "target", "license", "language")),
    **dict.fromkeys(
        (
            *(
                "one_track",
                "allow_spoken",
                "no_explicit",
                "allow_vocals",
                "over_music",
                "keep_level",
                "no_taste",
                "loop",
            ),
            "keep_voices",
            "duck_vocals",
        ),
        False,
    ),
    **{"avoid_recent": 0, "explore": 0.0, "seed": 3, "music_level": 0.0, "subtitles": True, "keep_original": True},
    **{
        "faces": True,
        "face_weight": 0.0,
        "density": DensityName.NORMAL,
        "duck": DuckName.NORMAL,
        "layout": Layout.AUTO,
    },
}
"""Every option of a run, as nobody changed it but for the seed."""


def films(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(b"film")
    return [folder / name for name in names]


def test_a_file_beside_a_film_changes_that_film_alone(tmp_path: Path) -> None:
    a, b = films(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "a.soundtrack.toml").write_text(
        'mood = "0-10=calm"\nsilence = ["0:10-0:12", "0:20-0:22"]\ntarget = -20\ndensity = "sparse"\nmusic-level = -3\n'
        "keep-original = false\nmax-cues = 2\n"
    )
    found, own = films_and_orders(tmp_path, OPTIONS)
    assert found == [a, b]
    assert list(own) == [a]
    order = own[a]
    assert order.wishes.silences == (Span(10.0, 12.0), Span(20.0, 22.0))
    assert len(order.wishes.moods) == 1 and order.wishes.max_cues == 2
    assert (order.mix.target_lufs, order.mix.music_level_db, order.mix.keep_original) == (-20.0, -3.0, False)
    assert (order.settings.density, order.settings.seed) == ("sparse", 3), "what is not set is as for all films"


def test_the_file_beside_a_film_was_ignored_where_it_is_scored_alone(tmp_path: Path) -> None:
    (a,) = films(tmp_path, "a.mp4")
    (tmp_path / "a.soundtrack.toml").write_text('target = -20\nsilence = "0:10-0:12"\n')
    order, said = order_alone(a, OPTIONS, given=())
    assert (order.mix.target_lufs, order.wishes.silences) == (-20.0, (Span(10.0, 12.0),))
    assert said == (f"settings of {tmp_path / 'a.soundtrack.toml'}: target, silence",)
    order, said = order_alone(a, {**OPTIONS, "target": "-14"}, given={"target", "video"})
    assert (order.mix.target_lufs, order.wishes.silences) == (-14.0, (Span(10.0, 12.0),)), "the command comes first"
    assert said[0].endswith(": silence")
    for other in (None, Path("-"), Path("/"), tmp_path / "b.mp4"):
        assert order_alone(other, OPTIONS, given=()) == (order_of(OPTIONS), ())


def test_score_names_the_settings_that_it_takes_from_the_file_beside_the_film(
    tmp_path: Path, made: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "beach.mp4"
    shutil.copy(made.film, film)
    (tmp_path / "beach.soundtrack.toml").write_text('target = -20\nsilence = "0-1"\n')
    words = ["score", str(film), "--dry-run", "--no-cache", "--index", str(made.index)]
    assert run_commands([*words, "--target", "-15"]) == 0
    said = capfd.readouterr()
    assert "beach.soundtrack.toml: silence\n" in said.err
    sheet = cuesheet.loads(said.out)
    assert sheet.mix.target_lufs == -15.0
    assert all(cue.span.start_s >= 1.0 for cue in sheet.cues)


def test_columns_of_a_table_replace_the_file_and_the_options(tmp_path: Path) -> None:
    a, b = films(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "a.soundtrack.toml").write_text('target = "-20"\nduck = "clear"\n')
    table = tmp_path / "films.csv"
    table.write_text('film,target,silence,one-track\na.mp4,-23,0:10-0:12; 0:20-0:22,yes\n"b.mp4",,,\n')
    found, own = films_and_orders(table, {**OPTIONS, "target": "-14", "silence": ["1:00-1:01"]})
    assert found == [a, b]
    assert list(own) == [a]
    assert own[a].mix.target_lufs == -23.0
    assert own[a].mix.speech_over_music_lu == 14.0
    assert own[a].wishes.silences == (Span(10.0, 12.0), Span(20.0, 22.0))
    assert own[a].wishes.one_track


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("moood = 'calm'", "unknown setting 'moood'"),
        ("narration = 'a.wav'", "unknown setting"),
        ("seed = -1", "seed: expected a whole number of at least 0, got -1"),
        ("seed = 1.5", "seed"),
        ("seed = true", "seed"),
        ("explore = 2", "from 0 to 1"),
        ("explore = nan", "explore"),
        ("max-cues = 0", "at least 1"),
        ("density = 'dense'", "one of sparse, normal, full"),
        ("density = ['full']", "density"),
        ("one-track = 'perhaps'", "true or false"),
        ("one-track = 1", "true or false"),
        ("silence = [true]", "list of texts"),
        ("silence = ['0:10']", "invalid time span"),
        ("target = []", "target"),
        ("target = 'louder'", "louder"),
        ("keep-level = true\nkeep-original = false", "--keep-level"),
        ("a = ", "a.soundtrack.toml: "),
        ("a = " + "[" * 5000, "a.soundtrack.toml: "),
    ],
)
def test_what_is_no_setting_is_refused_before_any_work_and_names_the_file(
    tmp_path: Path, written: str, named: str
) -> None:
    films(tmp_path, "a.mp4")
    (tmp_path / "a.soundtrack.toml").write_text(written)
    with pytest.raises(InputError) as refused:
        films_and_orders(tmp_path, OPTIONS)
    assert named in str(refused.value)
    assert "a.soundtrack.toml" in str(refused.value) or "settings of" in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_as_spreadsheets_write_it_is_read(tmp_path: Path, separator: str) -> None:
    films(tmp_path, "a, b.mp4", "c.mp4")
    lines = (("film", "seed"), ('"a, b.mp4"', "7"), ("c.mp4", ""))
    (tmp_path / "films.csv").write_text("".join(f"{separator.join(cells)}\r\n" for cells in lines))
    found = listed_films(tmp_path / "films.csv")
    assert {path.name: dict(cells) for path, cells in found.items()} == {"a, b.mp4": {"seed": "7"}, "c.mp4": {}}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("films.txt", "ü.mp4\r\n"), ("films.csv", "film;seed\r\nü.mp4;;;;\r\n"), ("films.csv", "film;;\r\nü.mp4;;\r\n")],
)
def test_a_list_in_utf_16_named_no_film_and_empty_cells_were_too_many(
    tmp_path: Path, name: str, text: str, encoding: str
) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert listed_films(tmp_path / name) == {tmp_path / "ü.mp4": {}}


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("name,mood\na.mp4,calm\n", "no column `film`"),
        ("film,seed\na.mp4,x\n", "seed"),
        ("film,seed\na.mp4,1,2\n", "more cells"),
        ("film,seed\na.mp4,1\na.mp4,2\n", "listed twice"),
        ("film\n", "no films"),
        ('film,seed\n"a.mp4,1\n', "films.csv"),
    ],
)
def test_what_is_no_table_of_films_is_refused(tmp_path: Path, table: str, named: str) -> None:
    films(tmp_path, "a.mp4")
    (tmp_path / "films.csv").write_text(table)
    with pytest.raises(InputError, match=named):
        films_and_orders(tmp_path / "films.csv", OPTIONS)


def test_every_setting_is_an_option_of_score() -> None:
    import inspect

    from soundtrack.cli.film.score import score

    parameters = set(inspect.signature(score).parameters)
    assert {"layout" if name == "mix" else name.replace("-", "_") for name in KNOWN} <= parameters
    assert set(OPTIONS) <= parameters
    assert order_of(OPTIONS) == FilmOrder(SpottingSettings(seed=3), MixSettings(), Wishes())


def test_a_film_is_scored_as_its_own_order_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[tuple[str, str]] = []

    class FakeScorer:
        def __init__(self, **words: Any) -> None:
            self.density = words["settings"].density

        def changed(self, *, settings: SpottingSettings, mix: MixSettings, wishes: Wishes) -> FakeScorer:
            if wishes.only == ("nothing",):
                raise InputError("nothing: unknown", hint="use another name", reason=Reason.CORRUPT)
            assert mix == MixSettings()
            return FakeScorer(settings=settings)

        def scenes(self, info: Any, **_: object) -> str:
            assert info.path in named
            return self.density

        def score(self, info: Any, *, scenes: str, **_: object) -> Any:
            scored.append((info.path.name, self.density))
            assert scenes == self.density
            return SimpleNamespace(warnings=())

    named = films(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    monkeypatch.setattr(batch, "Scorer", FakeScorer)
    monkeypatch.setattr("soundtrack.media.reading.probe.probe", lambda path: SimpleNamespace(path=path))
    monkeypatch.setattr(
        "soundtrack.pipeline.sheets.batch_names.scored_path", lambda info: info.path.with_suffix(".scored.mp4")
    )
    own = {
        named[1]: FilmOrder(SpottingSettings(density="full"), MixSettings(), Wishes()),
        named[2]: FilmOrder(SpottingSettings(), MixSettings(), Wishes(only=("nothing",))),
    }
    report = score_batch(named, BatchOrder(), own=own)
    assert [film.state for film in report.films] == [FilmState.SCORED, FilmState.SCORED, FilmState.FAILED]
    assert scored == [("a.mp4", "normal"), ("b.mp4", "full")]


def test_shared_wishes_are_wishes() -> None:
    assert set(SHARED_WISHES) <= set(Wishes.__dataclass_fields__)
    assert not {name.replace("-", "_") for name in KNOWN} & set(SHARED_WISHES)


def test_a_film_whose_settings_file_would_have_too_long_a_name_has_none(tmp_path: Path) -> None:
    assert settings_beside(tmp_path / ("L" * 251 + ".mp4")) == {}


def test_settings_of_an_edit_cannot_ask_for_what_requires_a_film(tmp_path: Path) -> None:
    (tmp_path / "cut.otio").write_text("{}")
    (tmp_path / "cut.soundtrack.toml").write_text("duck-vocals = true\n")
    with pytest.raises(UsageError, match="--duck-vocals requires a film"):
        run_commands(["score", str(tmp_path / "cut.otio")])
    assert {path.name for path in tmp_path.iterdir()} == {"cut.otio", "cut.soundtrack.toml"}
