"""Lyrics: where they are found, what they say, and that the choice of music and ``why`` know them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from made_up import library, sheet, track
from soundtrack import resources
from soundtrack.library.lyrics import LYRICS, MOST_BYTES, is_explicit, parse_lyrics, read_lyrics
from soundtrack.library.store.store import open_store
from soundtrack.naming.text_mood import text_mood
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.pipeline.track_opinions import with_opinions
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import Span

SORROW = "Tears and sorrow, lonely and cold\nI cry alone in the dark\nGrief and pain, my broken heart is dead"
JOY = "Happy sunshine, love and laughter\nWe dance and sing with joy tonight\nBeautiful smile, wonderful party"


def syncsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


def mp3_with_uslt(path: Path, text: str) -> Path:
    """A file with an ID3 tag that holds lyrics, and no sound worth the name."""
    body = b"\x01eng\xff\xfe\x00\x00" + text.encode("utf-16")
    frame = b"USLT" + syncsafe(len(body)) + b"\0\0" + body
    path.write_bytes(b"ID3\x04\0\0" + syncsafe(len(frame)) + frame + b"\xff\xfb\x90\x00" + bytes(413))
    return path


def test_lyrics_of_an_id3_tag_are_read(tmp_path: Path) -> None:
    found = read_lyrics(mp3_with_uslt(tmp_path / "a.mp3", SORROW))
    assert found is not None
    assert found.text.splitlines()[0] == SORROW.splitlines()[0]
    assert found.lines == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_beside_the_track_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.lrc").write_bytes("[00:01.00]Déjà vu, mon amour\n[00:12.00]Café noir".encode(encoding))
    found = read_lyrics(tmp_path / "a.mp3")
    assert found is not None
    assert found.lines == ((1.0, "Déjà vu, mon amour"), (12.0, "Café noir"))


def test_timed_lines_beside_the_track_come_before_the_tag_and_that_before_plain_text(tmp_path: Path) -> None:
    song = mp3_with_uslt(tmp_path / "a.mp3", "from the tag")
    (tmp_path / "a.txt").write_text("from the text")
    assert (read_lyrics(song) or pytest.fail()).text == "from the tag"
    (tmp_path / "a.lrc").write_text("[00:01]from the times")
    assert (read_lyrics(song) or pytest.fail()).text == "from the times"
    assert (read_lyrics(tmp_path / "b.mp3")) is None


@pytest.mark.parametrize("kind", ["large", "binary", "folder", "pipe", "empty", "times only", "prose"])
def test_what_is_no_lyrics_counts_as_none_and_never_blocks(tmp_path: Path, kind: str) -> None:
    beside = tmp_path / "a.lrc"
    if kind == "large":
        beside.write_bytes(b"la " * (MOST_BYTES // 3 + 1))
    elif kind == "binary":
        beside.write_bytes(bytes(100))
    elif kind == "folder":
        beside.mkdir()
    elif kind == "pipe":
        os.mkfifo(beside)
    elif kind == "empty":
        beside.write_bytes(b"")
    elif kind == "times only":
        beside.write_text("[00:01.00]\n[ar:Somebody]\n")
    else:
        (tmp_path / "a.txt").write_text("word " * 500)
    assert read_lyrics(tmp_path / "a.mp3") is None


def test_the_mood_of_words_with_its_coverage() -> None:
    sad, glad = text_mood(SORROW), text_mood(JOY)
    assert sad.language == glad.language == "en"
    assert sad.emotion is not None and glad.emotion is not None
    assert sad.emotion.valence < -0.3 < 0.3 < glad.emotion.valence
    assert 0.3 < sad.coverage < 1.0
    german = text_mood("Freude, schöner Götterfunken, Tochter aus Elysium, wir betreten feuertrunken dein Heiligtum")
    assert german.language == "de" and german.emotion is None
    assert text_mood("la la").emotion is None


def test_what_is_denied_is_not_taken_as_said() -> None:
    words = "happy love sunshine laughter beautiful joy"
    said, denied = (
        text_mood(words, language="en"),
        text_mood("not happy, no love, no sunshine, never laughter, not beautiful, no joy", language="en"),
    )
    assert said.emotion is not None and denied.emotion is not None
    assert said.emotion.valence > 0.5 and denied.emotion.valence < -0.2
    ended = text_mood("No. " + words, language="en")
    assert ended.emotion is not None and ended.emotion.valence == said.emotion.valence


def test_exclamations_raise_the_arousal_and_nothing_else() -> None:
    calm, cried = text_mood(SORROW + ".", language="en"), text_mood(SORROW + "!", language="en")
    assert calm.emotion is not None and cried.emotion is not None
    assert cried.emotion.arousal > calm.emotion.arousal + 0.3
    assert cried.emotion.valence == calm.emotion.valence
    assert (cried.n_words, cried.n_rated) == (calm.n_words, calm.n_rated)


def test_each_segment_has_the_mood_of_its_own_lines() -> None:
    lines = [f"[00:{5 + i:02}.00]{text}" for i, text in enumerate(JOY.splitlines())]
    lines += [f"[01:{5 + i:02}.00]{text}" for i, text in enumerate(SORROW.splitlines())]
    found = parse_lyrics("\n".join(lines))
    assert found is not None
    first, none, last = found.moods([Span(0, 30), Span(30, 60), Span(60, 90)])
    assert none is None and first is not None and last is not None
    assert first.emotion is not None and last.emotion is not None
    assert first.emotion.valence > 0.3 > last.emotion.valence


def test_explicit_lyrics_and_titles_are_known(tmp_path: Path) -> None:
    (tmp_path / "rude.lrc").write_text("[00:01]what the fuck")
    (tmp_path / "mild.lrc").write_text("[00:01]Scunthorpe on a shitake day")
    assert is_explicit(tmp_path / "rude.mp3")
    assert not is_explicit(tmp_path / "mild.mp3", "A plain title", None)
    assert is_explicit(tmp_path / "mild.mp3", "Song (Explicit)")


def test_no_explicit_leaves_those_out_and_says_so(tmp_path: Path) -> None:
    rude, mild = (replace(track(n, ["Sad"] * 6, vocal_share=0.5), path=tmp_path / f"{n}.mp3") for n in ("rude", "mild"))
    (tmp_path / "rude.lrc").write_text("[00:01]what the fuck")
    found = Wishes(no_explicit=True).constraints([rude, mild])
    assert found.avoid == {rude.track_id}
    assert any("explicit" in note for note in found.notes)
    assert Wishes().constraints([rude, mild]).avoid == frozenset()


def test_only_instrumental_takes_what_nobody_sings() -> None:
    sung, unsung = track("sung", ["Sad"] * 6, vocal_share=0.6), track("unsung", ["Sad"] * 6, vocal_share=0.01)
    assert Wishes(only=("instrumental",)).constraints([sung, unsung]).only == {unsung.track_id}


def test_of_two_songs_alike_the_one_whose_words_match_the_scene_is_chosen_and_why_names_it(tmp_path: Path) -> None:
    glad, sad = (replace(track(n, ["Neutral"] * 12, vocal_share=0.3), path=tmp_path / f"{n}.mp3") for n in ("g", "s"))
    (tmp_path / "g.lrc").write_text("[00:01]" + JOY * 3)
    (tmp_path / "s.lrc").write_text("[00:01]" + SORROW * 3)
    sung = Wishes().constraints([glad, sad]).sung
    assert set(sung) == {glad.track_id, sad.track_id}
    found = spot_cues(sheet([("Sad", 60.0)]), library([glad, sad]), constraints=Constraints(sung=sung))
    assert [cue.track_id for cue in found.cues] == [sad.track_id]
    assert any(term.name == "lyrics" and term.value > 0 for term in found.cues[0].why)


def test_what_the_lyrics_say_is_shown_beside_what_the_networks_say(tmp_path: Path) -> None:
    folder = shutil.copytree(resources.example_index_dir(), tmp_path / "index")
    with open_store(folder) as store:
        found = next(iter(store.tracks().values()))
        song = replace(found, path=tmp_path / "a.mp3", analysis=replace(found.analysis, vocal_share=0.4))
        (tmp_path / "a.lrc").write_text(SORROW * 2)
        said = with_opinions(store, song).segments[0].opinions[-1]
        silent = with_opinions(store, replace(song, path=tmp_path / "b.mp3")).segments[0].opinions
    assert said.channel == LYRICS and said.emotion is not None and said.emotion.valence < 0
    assert {m.name for m in said.measures} == {"words", "coverage", "explicit words"}
    assert LYRICS not in [its.channel for its in silent]
