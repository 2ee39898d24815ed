"""Tags in code pages of before Unicode that call themselves Latin-1 are read as meant, and Latin-1 is left alone."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import pytest

from soundtrack.files.text_encoding import repaired
from soundtrack.library.tags import read_header

FOREIGN = {
    "cp1251": ["Последний герой", "Группа крови", "Кино", "Земфира", "Мумий Тролль", "Океан Ельзи", "Без названия"],
    "koi8-r": ["Последний герой", "Группа крови", "Земфира", "Владивосток 2000"],
    "cp866": ["Последний герой", "Группа крови"],
    "cp1253": ["Το τραγούδι της λίμνης", "Μίκης Θεοδωράκης", "Χάρις Αλεξίου"],
    "cp1255": ["שלום עליכם", "ירושלים של זהב", "עידן רייכל"],
    "cp1256": ["أم كلثوم", "نسم علينا الهوى"],
    "cp932": ["さくら", "上を向いて歩こう", "坂本九", "千と千尋の神隠し", "久石譲", "アニメ"],
    "cp949": ["사랑해요", "강남스타일", "조용필"],
    "gb18030": ["月亮代表我的心", "邓丽君"],
    "utf-8": ["Последний герой", "Déjà vu", "さくら", "Mötley Crüe – Live"],
}
"""Titles by the encoding in which old programs wrote them."""

LATINS = (
    "Björk|Sigur Rós|Ágætis byrjun|Hoppípolla|Mötley Crüe|Motörhead|Édith Piaf|Non, je ne regrette rien|Céline Dion|"
    "Où est|À la claire fontaine|À|É|Ça ira|Señorita|Mañana|El Niño|Ñu|Corazón espinado|Días|Año nuevo|¿Dónde está?|"
    "¡Olé!|¿Por qué?|Zoé|Jóhann Jóhannsson|Ólafur Arnalds|Þú ert|Ö|Die Ärzte|Söhne Mannheims|Für Elise|Schöne Grüße|"
    "Straße|Über den Wolken|Größenwahn|ÆØÅ|ÅÄÖ|Åse|Ånd|Øl|Øyvind|Røyksopp|Mørke|Blåbær|Åh|Åå|Räksmörgås|Kärlek på|"
    "Göteborg|Håll käften|São Paulo|Coração|João Gilberto|Não|Canção|Águas de Março|Avô e avó|Irmãos|Beyoncé|Déjà vu|"
    "Tiësto|Noël|Haïti|L'été indien|Élégie|Prélude à l'après-midi d'un faune|Saint-Saëns|Bartók Béla|N° 5|nº 3|½|"
    "¼ Mile|2½ Minutes|20°C|100 £|© 2001 Label|® Trademark|§ 175|«Guillemets»|« Été »|±0|µ-Ziq|µ|Ænima|Æon|Ýr|Ísland|"
    "Úti|Ú|Ó|Çelik|Türkçe|Müslüm Gürses|Öykü|Être|Ô Canada|Ô|Queensrÿche|Hüsker Dü|Züri West|Löwe|Mädchen|Aïe aïe aïe|"
    "Aï|Éé|Éééé|Ööö|ÄÄÄ|Üü|Ñandú|Ñ|Ó é|à é è|ïïï|ÿ|Ångström|Hà|É isso aí|Há|Õ|Õhtu ilu|Öö|Jäääär|Töö|Äiö|Yö|Hääyöaie|"
    "Ääni|Älä|Åland|Ääliö|Ääää"
)
"""True titles and names of Latin-1."""
LATIN = re.split(r"\|", LATINS)


def read_as_latin(text: str, encoding: str) -> str:
    """A text as a reader shows it that takes its bytes for Latin-1."""
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize("encoding", FOREIGN)
def test_tags_of_old_programs_were_mojibake(encoding: str) -> None:
    texts = FOREIGN[encoding]
    assert list(repaired([read_as_latin(text, encoding) for text in texts])) == texts


CENTRAL = (
    "Příliš žluťoučký kůň|Jiří Šlitr|Dobře placená procházka",
    "Jeszcze w zielone gramy|Wojciech Młynarski|Żółć i inne piosenki",
    "Małgośka|Maryla Rodowicz|Sing-Sing",
    "Ciągle pada|Czerwone Gitary|To właśnie my",
    "Ľúbim ťa|Miroslav Žbirka|Môj čas",
    "Računajte na nas|Đorđe Balašević|Najveći hitovi",
    "Ştefan cel Mare|Ştefan Hruşcă|Colinde",
    "Čez šuštarski most|Vlado Kreslin|Najboljše",
)
CHINESE = (
    "月亮代表我的心|鄧麗君|島國之情歌",
    "七里香|周杰倫|Jay Chou",
    "倔強|五月天|神的孩子都在跳舞",
    "挪威的森林|伍佰 & China Blue|愛情的盡頭",
    "十年|陳奕迅|黑白灰",
)


@pytest.mark.parametrize(("encoding", "files"), [("cp1250", CENTRAL), ("big5", CHINESE)])
def test_polish_czech_and_traditional_chinese_tags_were_mojibake(encoding: str, files: tuple[str, ...]) -> None:
    """`M³ynarski`, `R§g`: signs among letters, which no word of Latin-1 has."""
    for file in files:
        texts = file.split("|")
        assert list(repaired([read_as_latin(text, encoding) for text in texts])) == texts


TURKISH = (
    "Barış Manço|Dağlar Dağlar|Sözüm Meclisten Dışarı",
    "Yıldız Tilbe|Delikanlım|Aşkperest",
    "Cem Karaca|Resimdeki Gözyaşları|Tamirci Çırağı",
    "Nazan Öncel|Erkekler de Yanar|Sokak Kızı",
)
LITHUANIAN = ("Hiperbolė|Tavęs čia nėra|Žvaigždžių šviesa", "Kastytis Kerbedis|Šviesoforas|Už jūrų marių")
ICELANDIC = re.split(
    r"\|",
    "Það sést ekki|Með suð í eyrum við spilum endalaust|Dýrð í dauðaþögn|Þennan dag|Þursaflokkurinn|Týr|Kvaðning|"
    "Hörður|Þöggun|Föður|Nýdönsk|Þögn|Bróðir|Garðar|Þorvaldur|Sýður|Dýrðin öll|Spáð|Þyrnirós|Ormurin langi|Hamferð|"
    "Búgv og dýr|Tíðin rennur|Ýr var hér|Þjóðhvöt|Vetrarljóð|Ást við fyrstu sýn|Skálmöld|Söngvaskáld|Öðuð|Ský|Ný dögun|"
    "Ðuro|Ðe",
)


@pytest.mark.parametrize(("encoding", "files"), [("cp1254", TURKISH), ("cp1257", LITHUANIAN)])
def test_turkish_and_lithuanian_tags_were_icelandic(encoding: str, files: tuple[str, ...]) -> None:
    """`Yýldýz`: letters in the place of letters."""
    for file in files:
        texts = file.split("|")
        assert list(repaired([read_as_latin(text, encoding) for text in texts])) == texts


def test_icelandic_is_not_taken_for_turkish() -> None:
    chance = random.Random(2)
    for _ in range(1_000):
        some = chance.sample(ICELANDIC, chance.choice((1, 2, 3, 4)))
        assert repaired(some) == tuple(some)


def test_signs_that_stand_among_letters_in_latin_are_left_alone() -> None:
    texts = "m³|E=mc³|Nº 5|Mª José|100£|¿por qué no?|Tu ¿cómo estás?|¼ mile|Don´t|col·lecció|AC¥DC|Brand®name|L'été n°1"
    assert repaired(texts.split("|")) == tuple(texts.split("|"))
    assert [text for text in texts.split("|") if repaired([text]) != (text,)] == []


def test_no_latin_title_is_taken_for_another_script() -> None:
    """Each by itself, and 3,000 files of several."""
    assert [text for text in LATIN if repaired([text]) != (text,)] == []
    assert repaired(LATIN) == tuple(LATIN)
    chance = random.Random(1)
    for _ in range(3_000):
        some = chance.sample(LATIN, chance.choice((2, 3, 4)))
        assert repaired(some) == tuple(some)
        assert repaired([" ".join(some)]) == (" ".join(some),)


def test_text_that_is_unicode_already_stays() -> None:
    texts = ["Последний герой", "さくら", "Dvořák", "Don’t", "", "plain", "Ïîñëåäíèé герой"]
    assert list(repaired(texts)) == texts


def test_quotes_of_windows_were_lost_from_titles() -> None:
    titles = ["Don’t Stop", "“Heroes”", "Part I – Intro", "…And Justice", "Cœur"]
    assert list(repaired([read_as_latin(title, "cp1252") for title in titles])) == titles
    assert repaired(["Bj\x9ark"]) == ("Bj\x9ark",), "of another system: not known"


def frame(name: bytes, text: bytes) -> bytes:
    """A text frame of ID3v2.3 that calls itself Latin-1."""
    return name + struct.pack(">IH", len(text) + 1, 0) + b"\0" + text


def test_the_tags_of_a_russian_mp3_are_shown_in_russian(tmp_path: Path) -> None:
    sound = (b"\xff\xfb\x90\x00" + bytes(413)) * 8
    frames = b"".join(
        frame(name, text.encode("cp1251"))
        for name, text in ((b"TIT2", "Группа крови"), (b"TPE1", "Кино"), (b"TALB", "Best of Rock"), (b"TYER", "1988"))
    )
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\3\0\0" + bytes([0, 0, len(frames) >> 7, len(frames) & 127]) + frames + sound)
    tags = read_header(path).tags
    assert (tags.title, tags.artist, tags.album) == ("Группа крови", "Кино", "Best of Rock")
    old = tmp_path / "b.mp3"
    fields = (("Группа крови", 30), ("Кино", 30), ("Звезда по имени", 30), ("1988", 4), ("", 30))
    old.write_bytes(sound + b"TAG" + b"".join(t.encode("cp1251").ljust(n, b"\0") for t, n in fields) + b"\x11")
    tags = read_header(old).tags
    assert (tags.title, tags.artist, tags.album) == ("Группа крови", "Кино", "Звезда по имени")
