"""Encodings of lyrics and subtitles: recognised, or named and ignored; never text that nobody wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.files.text_encoding import decoded
from soundtrack.library.lyrics import read_lyrics, unread_lyrics
from soundtrack.media.reading.subtitles import MOST_BYTES, read_subtitles
from soundtrack.types import VideoInfo
from test_subtitles import film, srt

LINES = {
    "russian": ("Я вышел в поле рано утром", "Туман стоял над рекой", "Дорога длинная моя"),
    "japanese": ("夜の海を見ていた", "君の声が聞こえる", "春の風が吹いている"),
    "chinese": ("我站在河边看月亮", "夜里的风吹过来", "让我再唱一首歌"),
    "korean": ("밤하늘에 별이 빛나고", "그대 목소리가 들려와", "노래를 불러 주세요"),
    "german": ("Über die Felder geht der Wind", "Schön war der Sommer", "Die Blätter fallen müde nieder"),
    "french": ("Déjà l'été s'en va", "À demain, mon amour", "Le vent a fermé la fenêtre"),
    "english": ("I don’t know where the river goes", "She said “goodbye” and let me go", "no one knows"),
    "polish": ("Wyszedłem rano na pole", "Śpiewał ptak, że już koniec", "Nie płacz, nie czekaj na mnie"),
    "greek": ("Βγήκα νωρίς στον κάμπο", "Μην κλαις, μη με περιμένεις", "Ο δρόμος είναι μεγάλος"),
}
OLD = {
    "russian": ("cp1251", "koi8_r", "cp866"),
    "japanese": ("shift_jis", "euc_jp"),
    "chinese": ("gb18030",),
    "korean": ("euc_kr",),
    "german": ("cp1252",),
    "french": ("cp1252",),
    "english": ("cp1252",),
    "polish": ("cp1250",),
    "greek": ("cp1253",),
}
CASES = [(name, encoding) for name in LINES for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", *OLD[name])]


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_lyrics_and_subtitles_are_read_in_the_encoding_that_they_have(
    tmp_path: Path, language: str, encoding: str, silent_film: VideoInfo
) -> None:
    lines = LINES[language]
    timed = "".join(f"[00:{4 * i + 1:02}.00]{line}\r\n" for i, line in enumerate(lines))
    (tmp_path / "song.lrc").write_bytes(timed.encode(encoding))
    found = read_lyrics(tmp_path / "song.mp3")
    assert found is not None and tuple(text for _, text in found.lines) == lines
    assert unread_lyrics(tmp_path / "song.mp3") is None
    beside = silent_film.path.with_suffix(".srt")
    beside.write_bytes(srt(*[(2 * i, 2 * i + 2, line) for i, line in enumerate(lines)]).encode(encoding))
    said = read_subtitles(silent_film)
    assert (tuple(line.text for line in said.lines), said.warnings) == (lines, ())


@pytest.fixture(scope="module")
def silent_film(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return film(tmp_path_factory.mktemp("said"))


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(LINES["german"]).encode("cp500"),
        "\n".join(LINES["german"]).encode("cp850"),
        "\n".join(LINES["japanese"]).encode("iso2022_jp"),
        "\n".join(LINES["japanese"]).encode("cp932") + "\n".join(LINES["russian"]).encode("cp1251"),
        bytes(range(128, 256)),
        b"\x93\x94\x85" * 30,
        bytes(100),
        b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4,
    ],
    ids=["EBCDIC", "DOS", "escapes", "two encodings", "all bytes", "signs", "zeros", "program"],
)
def test_what_is_no_text_has_no_encoding(tmp_path: Path, data: bytes, silent_film: VideoInfo) -> None:
    assert decoded(data) is None
    (tmp_path / "song.lrc").write_bytes(data)
    assert read_lyrics(tmp_path / "song.mp3") is None
    assert "song.lrc: unknown encoding (save it as UTF-8)" in (unread_lyrics(tmp_path / "song.mp3") or "")
    silent_film.path.with_suffix(".srt").write_bytes(data)
    said = read_subtitles(silent_film)
    assert said.lines == () and len(said.warnings) == 1
    assert "film.srt: unknown encoding" in said.warnings[0]


def test_a_damaged_end_does_not_cost_the_text() -> None:
    for name, encoding in [("korean", "utf-8"), ("japanese", "cp932"), ("chinese", "gb18030"), ("russian", "utf-16")]:
        whole = "\n".join(LINES[name])
        got = decoded(whole.encode(encoding)[:-1])
        assert got is not None and got[: len(whole) - 1] == whole[:-1]
    one_old_line = "\n".join(LINES["german"]).encode() + b"\nm\xfcde"
    assert (decoded(one_old_line) or "").startswith(LINES["german"][0])


def test_a_subtitle_file_that_is_too_large_is_named_before_it_is_read(silent_film: VideoInfo) -> None:
    silent_film.path.with_suffix(".srt").write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\na\n\n" * (MOST_BYTES // 30))
    said = read_subtitles(silent_film)
    assert said.lines == () and "film.srt: file too large" in said.warnings[0]


def test_a_track_whose_lyrics_cannot_be_read_says_so(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made.music, tmp_path / "music")
    shutil.copytree(made.index, tmp_path / "index")
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(tmp_path / "index"))
    song = tmp_path / "music" / "dark.mp3"
    song.with_suffix(".lrc").write_bytes("\n".join(LINES["german"]).encode("cp500"))
    assert run_commands(["index", str(tmp_path / "music")]) == 0
    capfd.readouterr()
    assert run_commands(["library", "show", str(song)]) == 0
    assert "dark.lrc: unknown encoding (save it as UTF-8)" in capfd.readouterr().out
