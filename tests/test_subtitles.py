"""Subtitles as evidence: which are read and how, what they change in a scene sheet, and bad ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from films import ffmpeg
from soundtrack.errors import InputError
from soundtrack.media.reading.probe import probe
from soundtrack.media.reading.subtitles import MOST_BYTES, Subtitles, parse_subtitles, read_subtitles
from soundtrack.naming.mood_words import mood_at
from soundtrack.pipeline.film.said import SUBTITLES, WEIGHT, with_subtitles
from soundtrack.types import FilmNumbers, FilmRef, ModelRef, Opinion, Scene, SceneSheet, Shot, Span, VideoInfo

SAD = "We cry in sorrow and pain, our lonely mother is dead and the grief and misery of this funeral will never end."
GLAD = "What a wonderful happy day, we laugh and dance and sing with joy and love and friends at the party!"


def srt(*lines: tuple[float, float, str]) -> str:
    """Subtitles in SRT."""

    def clock(time_s: float) -> str:
        return f"00:{int(time_s) // 60:02}:{int(time_s) % 60:02},{round(time_s % 1 * 1000):03}"

    return "\n".join(f"{i}\n{clock(a)} --> {clock(b)}\n{text}\n" for i, (a, b, text) in enumerate(lines, 1))


def film(folder: Path, name: str = "film.mkv", *more: object) -> VideoInfo:
    """A film of 20 seconds, perhaps with further inputs and options."""
    picture = ("-f", "lavfi", "-i", "color=blue:s=64x48:r=5:d=20")
    ffmpeg(*picture, *more, "-c:v", "libx264", "-preset", "ultrafast", folder / name)
    return probe(folder / name)


def sheet(*, has_audio: bool = True) -> SceneSheet:
    """Two scenes of one mood, with speech from 2 to 4 s."""
    mood = mood_at(0.0, 0.1, confidence=0.6)
    spans = (Span(0.0, 10.0), Span(10.0, 20.0))
    scenes = tuple(
        Scene(i, span, i, 1, mood, FilmNumbers(0.0, 0.5, 0.5, 0.1), opinions=(Opinion("picture-network", 1.0, mood),))
        for i, span in enumerate(spans)
    )
    return SceneSheet(
        film=FilmRef("film.mkv", 20.0, Fraction(25), 64, 48, has_audio, "sha256:" + "0" * 64),
        model=ModelRef("joint-space", "1", "0" * 64, 2),
        shots=tuple(Shot(i, span) for i, span in enumerate(spans)),
        scenes=scenes,
        readings=(),
        speech=(Span(2.0, 4.0),),
        speech_lufs=None,
        original_lufs=None,
        embeddings=np.eye(2, dtype=np.float32),
    )


def test_a_scene_with_sad_words_is_read_sadder_and_why_names_the_subtitles() -> None:
    lines = parse_subtitles(srt((11, 18, SAD)), name="a", end_s=20)
    said = with_subtitles(sheet(), Subtitles(lines))
    before, after = sheet().scenes[1].emotion, said.scenes[1].emotion
    assert after.valence < before.valence - 0.01
    assert said.scenes[0].emotion == before
    picture, words = said.scenes[1].opinions
    assert (words.channel, words.emotion is not None and words.emotion.valence < -0.3) == (SUBTITLES, True)
    assert 0 < words.weight <= WEIGHT
    assert picture.weight + words.weight == pytest.approx(1.0)


def test_glad_words_are_not_read_as_sad_ones() -> None:
    glad = with_subtitles(sheet(), Subtitles(parse_subtitles(srt((11, 18, GLAD)), name="a", end_s=20)))
    assert glad.scenes[1].emotion.valence > sheet().scenes[1].emotion.valence


def test_dialogue_is_speech_while_it_is_said_and_only_in_a_film_with_sound() -> None:
    lines = parse_subtitles(srt((3, 5, "Where have you been all day?"), (12, 19, "Home.")), name="a", end_s=20)
    assert with_subtitles(sheet(), Subtitles(lines)).speech == (Span(2.0, 5.0), Span(12.0, 13.0))
    assert with_subtitles(sheet(), Subtitles(lines)).scenes[0].speech_share == pytest.approx(0.3)
    assert with_subtitles(sheet(has_audio=False), Subtitles(lines)).speech == (Span(2.0, 4.0),)


def test_sounds_in_brackets_and_sung_lines_are_not_said() -> None:
    text = srt((1, 2, "[door slams]"), (3, 4, "♪ la la la ♪"), (5, 6, "<i>(sighs)</i> Go."), (7, 8, "{\\an8}Up."))
    assert [line.text for line in parse_subtitles(text, name="a", end_s=20)] == ["Go.", "Up."]


def test_a_film_whose_name_is_as_long_as_a_name_may_be_has_no_file_beside_it(tmp_path: Path) -> None:
    """With ``.en.srt`` the name would be too long for the file system."""
    longest = tmp_path / ("L" * 251 + ".mp4")
    film(tmp_path).path.rename(longest)
    assert read_subtitles(probe(longest)).warnings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_beside_the_film_is_read_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    info = film(tmp_path)
    (tmp_path / "film.srt").write_bytes(srt((1, 2, "Ça va, André?")).encode(encoding))
    found = read_subtitles(info)
    assert ([line.text for line in found.lines], found.warnings) == (["Ça va, André?"], ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("film.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello there\n"),
        (
            "film.en.ass",
            "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n[Events]\n"
            "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Hello\\Nthere\n"
            "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,not shown\n",
        ),
    ],
)
def test_web_and_styled_subtitles_are_read_too(tmp_path: Path, name: str, text: str) -> None:
    info = film(tmp_path)
    (tmp_path / name).write_text(text)
    assert [line.text for line in read_subtitles(info).lines] == ["Hello there"]


@pytest.mark.parametrize(("name", "codec"), [("film.mkv", "subrip"), ("film.mp4", "mov_text"), ("ass.mkv", "ass")])
def test_subtitles_inside_the_film_are_read_english_first(tmp_path: Path, name: str, codec: str) -> None:
    (tmp_path / "de.srt").write_text(srt((1, 2, "Guten Tag")))
    (tmp_path / "en.srt").write_text(srt((1, 2, "Good day")))
    inputs = ("-i", tmp_path / "de.srt", "-i", tmp_path / "en.srt", "-map", "0", "-map", "1", "-map", "2")
    marks = ("-c:s", codec, "-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng")
    found = read_subtitles(film(tmp_path, name, *inputs, *marks))
    assert [(line.span.start_s, line.text) for line in found.lines] == [(1.0, "Good day")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff" * 1000,
        b"no subtitles at all\n",
        b"x" * (MOST_BYTES + 1),
        srt(*[(1, 2, "a")] * 60_000).encode(),
    ],
    ids=["noise", "prose", "too large", "too many lines"],
)
def test_a_bad_file_beside_the_film_is_named_and_the_film_is_still_scored(tmp_path: Path, data: bytes) -> None:
    info = film(tmp_path)
    (tmp_path / "film.srt").write_bytes(data)
    found = read_subtitles(info)
    assert found.lines == ()
    assert len(found.warnings) == 1
    assert "film.srt" in found.warnings[0]
    assert with_subtitles(sheet(), found).warnings == found.warnings


@pytest.mark.parametrize("data", [b"", b"WEBVTT\n\n" + b"x" * 100_000, srt((90, 95, "after the end")).encode()])
def test_a_file_without_lines_is_named_and_does_not_hide_the_subtitles_inside(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "en.srt").write_text(srt((1, 2, "Good day")))
    info = film(tmp_path, "film.mkv", "-i", tmp_path / "en.srt", "-map", "0", "-map", "1", "-c:s", "subrip")
    (tmp_path / "film.vtt").write_bytes(data)
    found = read_subtitles(info)
    assert [line.text for line in found.lines] == ["Good day"]
    assert len(found.warnings) == 1 and "film.vtt" in found.warnings[0]


def test_times_that_no_film_has_are_left_out() -> None:
    text = "1\n99:59:59,000 --> 99:59:59,900\nlate\n\n2\n00:00:05,000 --> 00:00:04,000\nbackwards\n"
    assert parse_subtitles(text, name="a", end_s=20) == ()
    with pytest.raises(InputError, match="more than"):
        parse_subtitles("-->" * 50_001, name="a", end_s=20)


def test_a_sheet_without_subtitles_stays_as_it_is() -> None:
    assert with_subtitles(sheet(), Subtitles()) == replace(sheet(), warnings=())
