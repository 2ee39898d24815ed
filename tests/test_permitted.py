"""Licences and languages of the singing: what tags state, what is left out, and that unknown is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import track
from media_made import Made, ffmpeg, make_track
from soundtrack import pipeline
from soundtrack.cli.app import run_commands
from soundtrack.errors import NothingFitsError, UsageError
from soundtrack.naming.languages import code_of, name_of, parse_languages
from soundtrack.naming.licences import licences_of, parse_licences, risk_line
from soundtrack.pipeline.library import permitted
from soundtrack.pipeline.library.permitted import Permit, language_of_track
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.queries.match import Facts, answer
from soundtrack.queries.resolve import understand
from soundtrack.queries.vocabulary import Known
from soundtrack.types import Track


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "cc-by"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/us/ Verify at x", "cc-by-nc-sa"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "public-domain"),
        ("CC BY 3.0", "cc-by"),
        ("CC-BY-SA", "cc-by-sa"),
        ("cc by nd", "cc-by-nd"),
        ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0", "cc-by-nc-nd"),
        ("Licensed under Creative Commons: By Attribution 4.0", "cc-by"),
        ("CC0 1.0 (public domain)", "cc0"),
        ("Public Domain", "public-domain"),
        ("GPLv3", "gpl"),
        ("CC-BY-SA 3.0 / GPL 2", "cc-by-sa gpl"),
        ("Own work", "own"),
        ("© 2020 Big Label, all rights reserved", "copyright"),
        ("2004 EMI Records", "copyright"),
        ("Royalty free from a shop", "other"),
        ("my own band knows", "other"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_licence_is_taken_at_its_word(text: str | None, names: str) -> None:
    assert licences_of(text) == set(names.split())


def test_lists_of_licences_and_languages_are_read_and_unknown_names_are_refused() -> None:
    assert parse_licences("own, CC-BY") == {"own", "cc-by"}
    assert {"cc0", "cc-by-nc"} < parse_licences("cc")
    assert parse_languages("German,fr,none") == {"de", "fr", "none"}
    assert (code_of("pt-BR"), code_of("Deutsch"), name_of("pt"), code_of("x")) == ("pt", "de", "Portuguese", None)
    for parse, wrong, near in ((parse_licences, "cc-bye", "cc-by"), (parse_languages, "germann", "german")):
        with pytest.raises(UsageError, match=wrong) as caught:
            parse(wrong)
        assert f"did you mean {near}?" in caught.value.hint
        with pytest.raises(UsageError, match="given"):
            parse(" , ")


def test_what_a_publisher_should_know_is_one_line() -> None:
    assert risk_line(["CC BY 4.0", "GPL"]) is None and risk_line([]) is None
    assert risk_line([None, "CC0"]) == "licence: 1 of 2 tracks states none in its file; a platform may claim the sound"
    said = risk_line([None, "© 2020 X, registered with Content ID", ""])
    assert (
        said is not None and "1 of 3 tracks registered with Content ID" in said and "2 of 3 tracks state none" in said
    )


def songs(tmp_path: Path) -> list[Track]:
    """A German song by its tag, an English one by its lyrics, one that says nothing, and one without a voice."""
    make = {"de": ("language=ger", "license=CC BY 4.0"), "en": ("copyright=2019 X",), "quiet": (), "mute": ()}
    tracks = []
    for name, tags in make.items():
        path = tmp_path / f"{name}.flac"
        words = [word for tag in tags for word in ("-metadata", tag)]
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", *words, path)
        share = 0.0 if name == "mute" else 0.6
        tracks.append(replace(track(name, ["Sad"], vocal_share=share), path=path))
    (tmp_path / "en.lrc").write_text("[00:01]the sun is shining on the water and I am waiting for you my love\n" * 3)
    licences = ("CC BY 4.0", "2019 X", None, None)
    return [replace(t, tags=replace(t.tags, licence=text)) for t, text in zip(tracks, licences, strict=True)]


def test_the_language_comes_from_tags_or_lyrics_and_else_is_unknown(tmp_path: Path) -> None:
    permitted._language_in.cache_clear()
    assert [language_of_track(t) for t in songs(tmp_path)] == ["de", "en", None, "none"]


def test_what_is_not_permitted_is_avoided_and_counted(tmp_path: Path) -> None:
    tracks = songs(tmp_path)
    by_licence = Wishes(permit=Permit(licences=frozenset({"cc-by"}))).constraints(tracks)
    assert by_licence.avoid == {t.track_id for t in tracks[1:]}
    assert "licence cc-by: 3 of 4 tracks left out, 2 of them without a statement" in by_licence.notes
    by_language = Wishes(permit=Permit(languages=frozenset({"de", "none"}))).constraints(tracks)
    assert by_language.avoid == {tracks[1].track_id, tracks[2].track_id}
    assert "sung in German, no singing: 2 of 4 tracks left out, 1 of unknown language" in by_language.notes
    assert not Wishes().constraints(tracks).avoid


def test_nothing_is_said_where_every_track_is_permitted(tmp_path: Path) -> None:
    tracks = songs(tmp_path)[:1]
    permit = Permit(licences=frozenset({"cc-by"}), languages=frozenset({"de"}))
    assert not Wishes(permit=permit).constraints(tracks).notes


def test_words_ask_for_a_language_and_unknown_is_neither_met_nor_broken() -> None:
    column = np.zeros(4, np.float32)
    languages = ["de", "en", None, "none"]
    facts = Facts(column, column, column, column, [None] * 4, column, column, {}, [frozenset()] * 4, {}, languages)
    wanted = understand("sung in German", Known())
    assert wanted.understood() == ["sung in German"]
    found = answer(wanted, facts)
    assert found.values[0].tolist() == [1.0, -1.0, 0.0, -1.0] and found.broken[0].tolist() == [False, True, False, True]
    denied = answer(understand("calm, not sung in german", Known()), facts)
    assert denied.broken[1].tolist() == [True, False, False, False]
    assert understand("lyrics in French", Known()).understood() == ["sung in French"]
    assert understand("in c minor", Known()).understood() == ["in C minor"]
    with pytest.raises(UsageError, match="unknown language 'Klingon'"):
        understand("sung in Klingon", Known())


@pytest.fixture(scope="module")
def licensed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two tracks, one with a licence."""
    folder = tmp_path_factory.mktemp("licensed")
    make_track(folder / "plain.flac", tempo_bpm=120, notes_hz=[220.0, 330.0])
    make_track(folder / "raw.flac", tempo_bpm=90, notes_hz=[262.0, 392.0])
    ffmpeg(
        "-i",
        folder / "raw.flac",
        "-metadata",
        "LICENSE=http://creativecommons.org/licenses/by/4.0/",
        folder / "free.flac",
    )
    (folder / "raw.flac").unlink()
    pipeline.build_index([folder], folder / "index", jobs=1, device="cpu")
    return folder / "index"


@pytest.mark.parametrize("how", [["--mood", "calm"], ["--valence", "0.1"], ["--like", "slow"]])
def test_search_finds_only_what_is_permitted(licensed: Path, how: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    run_commands(["search", *how, "--index", str(licensed), "--license", "own,cc-by", "--json"])
    out, err = capfd.readouterr()
    found = json.loads(out)
    tracks = found["tracks"] if isinstance(found, dict) else found
    assert [Path(one["path"]).name for one in tracks] == ["free.flac"]
    assert "licence cc-by, own: 1 of 2 tracks left out, 1 of them without a statement" in err
    with pytest.raises(NothingFitsError, match="no track of the library is permitted"):
        run_commands(["search", *how, "--index", str(licensed), "--license", "gpl"])


def test_a_plan_says_what_was_left_out_and_what_may_be_claimed(
    licensed: Path, made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scenes, cues = tmp_path / "film.scenes.json", tmp_path / "film.cues.json"
    run_commands(["scenes", str(made.film), "-o", str(scenes), "-q"])
    run_commands(["spot", str(scenes), "--index", str(licensed), "--license", "cc-by", "-o", str(cues)])
    sheet = json.loads(cues.read_text())
    assert any("left out" in line for line in sheet["warnings"])
    assert {Path(t["path"]).name for t in sheet["tracks"]} == {"free.flac"}
    capfd.readouterr()
    run_commands(["cues", "show", str(cues)])
    assert "may claim" not in capfd.readouterr().err
    run_commands(["spot", str(scenes), "--index", str(made.index), "-o", str(cues), "--force"])
    capfd.readouterr()
    run_commands(["cues", "show", str(cues)])
    assert "in its file; a platform may claim" in capfd.readouterr().err
    run_commands(["cues", "export", str(cues), "--to", "txt"])
    assert "licence: none stated in the file; a platform may claim this sound" in capfd.readouterr().out
