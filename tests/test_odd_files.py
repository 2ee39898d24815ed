"""Odd and hostile films: the exit code, the two lines, nothing left behind, the film untouched, the result checked."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import odd_files
import test_decode
from media_made import Made
from odd_files import NOT_FILES, REFUSED, TAKEN, Odd, Plain
from soundtrack.errors import ExitCode

Run = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this very process, so that the networks are loaded once."""
    from soundtrack.cli import app

    monkeypatch.setattr(app.ending, "install", lambda: None)

    def run(*args: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["soundtrack", *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            app.main()
        said = capfd.readouterr()
        assert isinstance(stop.value.code, int)
        return Ended(int(stop.value.code), said.out, said.err)

    return run


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plain:
    return odd_files.make_plain(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "films"
    folder.mkdir()
    yield folder
    assert not [p.name for p in folder.iterdir() if p.name.endswith(".part")]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_refused(ended: Ended, code: ExitCode, says: str) -> None:
    lines = ended.stderr.split("\n")
    assert ended.code == code, ended.stderr
    assert ended.stdout == ""
    assert len(lines) == 3 and lines[0].startswith("error: ") and lines[1].startswith("hint: ") and not lines[2], lines
    assert says in lines[0]
    assert "\x1b" not in ended.stderr and "\u202e" not in ended.stderr
    assert "root:" not in ended.stderr


def assert_scored(film: Path, folder: Path) -> None:
    """One scored film and one cue sheet beside the film; all its packets are there; new sound from start to end."""
    from soundtrack.documents import cuesheet
    from soundtrack.media.checking.verify import compare_streams
    from soundtrack.media.reading.probe import probe

    beside = sorted(p for p in folder.iterdir() if p != film)
    assert len(beside) == 2, beside
    sheet_path, scored = sorted(beside, key=lambda p: p.suffix != ".json")
    sheet = cuesheet.loads(sheet_path.read_text())
    cuesheet.check(sheet)
    found = compare_streams(film, scored)
    assert found.is_same, [str(d) for d in found.differences]
    assert found.mix_stream >= 0
    info = probe(scored)
    assert abs(sheet.film.duration_s - info.duration_s) <= 0.1 + float(1 / info.fps)


@pytest.mark.parametrize("odd", REFUSED, ids=lambda odd: odd.label)
def test_what_is_no_film_is_refused_in_two_lines(odd: Odd, plain: Plain, made: Made, folder: Path, run: Run) -> None:
    film = folder / odd.name
    odd.make(film, plain)
    before = digest(film)
    is_photo = odd.says == "still image" and not odd.name.endswith(".gif")  # `scenes` reads those
    for command in ([] if is_photo else [["scenes"]]) + [["score", "--index", made.index]]:
        assert_refused(run(*command, "--", film), odd.code, odd.says)
    assert digest(film) == before
    assert list(folder.iterdir()) == [film]


@pytest.mark.parametrize("kind", NOT_FILES)
def test_what_is_no_file_is_never_opened(kind: str, made: Made, folder: Path, run: Run) -> None:
    make, says = NOT_FILES[kind]
    film = folder / "film.mp4"
    make(film)
    before = sorted(folder.iterdir())
    for command in (["scenes"], ["score", "--index", made.index]):
        assert_refused(run(*command, film), ExitCode.INPUT, says)
    assert sorted(folder.iterdir()) == before


def quick_or_slow(odd: Odd) -> object:
    return pytest.param(odd, id=odd.label, marks=[] if odd.in_quick_set else [pytest.mark.slow])


@pytest.mark.parametrize("odd", [quick_or_slow(odd) for odd in TAKEN])
def test_what_is_an_odd_film_is_scored_whole(odd: Odd, plain: Plain, made: Made, folder: Path, run: Run) -> None:
    film = folder / odd.name
    odd.make(film, plain)
    before = digest(film)
    ended = run("score", "--index", made.index, "--", film)
    assert ended.code == ExitCode.OK, ended.stderr
    assert odd.says in ended.stderr
    assert digest(film) == before
    assert_scored(film, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", test_decode.CODINGS)
def test_every_frame_of_a_scored_film_is_the_right_one_at_the_right_time(
    name: str, made: Made, folder: Path, run: Run
) -> None:
    film = test_decode.film(folder / name, *test_decode.CODINGS[name])
    before = digest(film)
    ended = run("score", "--index", made.index, film)
    assert ended.code == ExitCode.OK, ended.stderr
    assert digest(film) == before
    assert_scored(film, folder)
    numbers, times_s, report = test_decode.decode(film.with_name(f"{film.stem}.scored{film.suffix}"))
    assert numbers == list(range(100))
    assert np.abs(times_s - np.arange(100) / 25).max() < 2e-3
    assert report.warnings == []


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("kind", ["mp4", "late_index", "mkv"])
def test_a_film_cut_at_any_tenth_is_scored_or_refused(
    kind: str, tenths: int, plain: Plain, made: Made, folder: Path, run: Run
) -> None:
    whole: Path = getattr(plain, kind)
    film = folder / f"cut{whole.suffix}"
    data = whole.read_bytes()
    film.write_bytes(data[: len(data) * tenths // 10])
    ended = run("score", "--index", made.index, film)
    if ended.code == ExitCode.OK:
        assert_scored(film, folder)
    else:
        assert_refused(ended, ExitCode.INPUT, "cut")
        assert list(folder.iterdir()) == [film]
    assert (ended.code == ExitCode.OK) == (kind != "late_index"), ended.stderr


@pytest.mark.slow
def test_films_with_random_bytes_turned_over_never_end_in_a_crash(
    plain: Plain, made: Made, folder: Path, run: Run, rng: np.random.Generator
) -> None:
    whole = plain.mp4.read_bytes()
    ends = []
    for turn in range(60):
        film = folder / f"{turn}.mp4"
        data = np.frombuffer(whole, np.uint8).copy()
        places = rng.integers(0, len(data) if turn % 2 else 4_000, size=int(rng.integers(1, 40)))
        data[places] ^= rng.integers(1, 256, size=len(places), dtype=np.uint8)
        film.write_bytes(data.tobytes())
        ended = run("scenes", film)
        ends.append(ended.code)
        assert ended.code in (ExitCode.OK, ExitCode.INPUT), ended.stderr
        if ended.code != ExitCode.OK:
            assert_refused(ended, ExitCode.INPUT, film.name)
        film.unlink()
    assert set(ends) == {ExitCode.OK, ExitCode.INPUT}


@pytest.mark.slow
def test_music_cut_at_any_tenth_is_indexed_or_named(plain: Plain, folder: Path, tmp_path: Path, run: Run) -> None:
    for source in (plain.mp3, plain.flac):
        data = source.read_bytes()
        for tenths in range(1, 10):
            (folder / f"{tenths}{source.suffix}").write_bytes(data[: len(data) * tenths // 10])
    (folder / bytes_name()).write_bytes(plain.mp3.read_bytes())
    before = {p: digest(p) for p in folder.iterdir()}
    ended = run("index", folder, "--index", tmp_path / "index", "--jobs", "1", "--json")
    told = json.loads(ended.stdout)
    assert ended.code in (ExitCode.OK, ExitCode.PARTIAL), ended.stderr
    assert "Traceback" not in ended.stderr and "internal" not in ended.stderr
    assert told["n_tracks"] + len(told["skipped"]) == len(before)
    assert told["n_tracks"] >= 12, told
    assert {p: digest(p) for p in folder.iterdir()} == before


def bytes_name() -> str:
    """A name that is not UTF-8."""
    return b"caf\xe9-\xff.mp3".decode("utf-8", "surrogateescape")


# --- hostile cue sheets ----


@pytest.fixture(scope="session")
def sheet_text(made: Made) -> str:
    from soundtrack import pipeline
    from soundtrack.documents import cuesheet

    scenes = pipeline.analyse_video(made.film, device="cpu")
    return cuesheet.dumps(pipeline.spot_video(scenes, index=made.index))


HOSTILE_VALUES: list[object] = [
    None, True, "", "x" * 100_000, "\ud800", "\n\x1b[31m", "0/0", "1/0", "9" * 5_000 + "/1", "../../etc/passwd", "\0",
    [], {}, [[[[]]]], {"a": {"b": 1}}, 0, -1, -0.0, 1e-320, 1e308, -1e308, 10**30, 10**400, 2**63,
    float("nan"), float("inf"),
]  # fmt: skip


def damaged(data: object, rng: np.random.Generator) -> None:
    """Drop, replace or add something somewhere inside."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data))) if isinstance(data, list) else []
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        inside = data[key]  # type: ignore[index]  # a dict or a list, as the keys are
        if isinstance(inside, dict | list) and inside and rng.random() < 0.8:
            data = inside
            continue
        value = HOSTILE_VALUES[int(rng.integers(len(HOSTILE_VALUES)))]
        match int(rng.integers(4)):
            case 0:
                del data[key]  # type: ignore[attr-defined]  # as above
            case 1 if isinstance(data, dict):
                data[["gain_bd", "__class__", "x" * 1_000][int(rng.integers(3))]] = value
            case _:
                data[key] = value  # type: ignore[index]  # as above
        return


def test_two_thousand_damaged_cue_sheets_are_read_or_refused_with_a_place(
    sheet_text: str, rng: np.random.Generator
) -> None:
    from soundtrack.documents import cuesheet
    from soundtrack.errors import InputError
    from soundtrack.mix.plan import plan_mix

    refused = 0
    for _ in range(2_000):
        data = json.loads(sheet_text)
        for _ in range(int(rng.integers(1, 4))):
            damaged(data, rng)
        try:
            sheet = cuesheet.loads(json.dumps(data), name="a.json")
            cuesheet.check(sheet, name="a.json")
            plan_mix(sheet)
        except InputError as error:
            refused += 1
            assert str(error).startswith("a.json") and len(str(error)) < 1_000
    assert refused > 1_000


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "\0", "\ufeff{}", "[" * 1_000_000, '{"a":' * 100_000, "1" * 100_000, "x" * 10_000_000,
        '{"schema": "soundtrack.cuesheet/' + "1" * 5_000 + '"}',
        '{"schema": "soundtrack.cuesheet/1", "' + "x" * 10_000_000 + '": 1}',
    ],
    ids=range(12),
)  # fmt: skip
def test_render_refuses_a_hostile_cue_sheet_in_two_lines(text: str, made: Made, folder: Path, run: Run) -> None:
    sheet = folder / "sheet.json"
    sheet.write_text(text)
    ended = run("render", made.film, sheet, "-o", folder / "out.mp4")
    assert_refused(ended, ExitCode.INPUT, "sheet.json")
    assert len(ended.stderr) < 2_000
    assert list(folder.iterdir()) == [sheet]


@pytest.mark.slow
def test_render_obeys_or_refuses_every_damaged_cue_sheet(
    sheet_text: str, made: Made, folder: Path, run: Run, rng: np.random.Generator
) -> None:
    sheet = folder / "sheet.json"
    for _ in range(120):
        data = json.loads(sheet_text)
        damaged(data, rng)
        sheet.write_text(json.dumps(data))
        ended = run("render", made.film, sheet, "-o", folder / "out.mp4", "--index", made.index)
        if ended.code == ExitCode.OK:
            (folder / "out.mp4").unlink()
        else:
            assert ended.code in (ExitCode.INPUT, ExitCode.OUTPUT), ended.stderr
            assert_refused(ended, ExitCode(ended.code), "")
        assert list(folder.iterdir()) == [sheet]


@pytest.mark.parametrize(
    "place", ["/dev/zero", "/etc/passwd", "film-with-\0.mp3", "\udcff.mp3", "http://127.0.0.1:9/a.mp3"]
)
def test_a_cue_sheet_cannot_name_something_that_is_no_music(
    place: str, sheet_text: str, made: Made, folder: Path, run: Run
) -> None:
    data = json.loads(sheet_text)
    for track in data["tracks"]:
        track["path"] = place
    sheet = folder / "sheet.json"
    sheet.write_text(json.dumps(data))
    ended = run("render", made.film, sheet, "-o", folder / "out.mp4", "--index", folder / "no-index")
    assert_refused(ended, ExitCode.INPUT, "")
    assert list(folder.iterdir()) == [sheet]


# --- the stall guard ----


@pytest.mark.parametrize("side", ["the process apart", "the thread before it"])
def test_a_decoder_that_stands_still_is_given_up(side: str, plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from soundtrack.errors import InputError, Reason
    from soundtrack.media.reading.probe import probe
    from soundtrack.video import decode

    never = threading.Event()
    info = probe(plain.mp4)
    if side == "the process apart":
        monkeypatch.setattr(decode, "STALL_S", 0.3)
        monkeypatch.setattr(decode, "_batches_and_report", stand_still)
        batches = decode.iter_frames(info, side_px=16)
    else:
        batches = decode._in_background((None for _ in "a" if never.wait()), info=info, stall_s=0.3)
    with pytest.raises(InputError) as refused:
        next(batches)
    assert refused.value.reason is Reason.TIMEOUT
    never.set()


def stand_still(_info: object, **_words: object) -> Iterator[None]:
    """A decode out of which nothing comes; the process apart finds it here by its name."""
    time.sleep(60)
    yield None
