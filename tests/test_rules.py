"""What counts as music: patterns, lengths and spoken word, decided when the index is opened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.errors import UsageError
from soundtrack.library.heard import Warned
from soundtrack.library.identity import QuickKey
from soundtrack.library.report import IndexReport
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.offer import LeftOut, judge, sounds_spoken
from soundtrack.library.search.rules import EVERYTHING, IGNORE_NAME, NameRules, RuleChange, Rules, read_rules
from soundtrack.library.store.store import open_store
from soundtrack.library.update.build import build_index
from soundtrack.library.update.maintenance import set_rules

Run = Callable[..., IndexReport]
NAMES = ("Albums/1.mp3", "Albums/live/2.mp3", "Books/3.mp3", "Books/4.m4b", "5.wav")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for seed, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"song {seed} {1 + seed}")
    return folder


@pytest.fixture
def run(tmp_path: Path, music: Path) -> Run:
    def index(**options: object) -> IndexReport:
        settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, **options}
        return build_index([music], tmp_path / "index", **settings)  # type: ignore[arg-type]

    return index


def offered(index: Path, **options: object) -> list[str]:
    """Names of the files that a film is offered."""
    with open_library(index, **options) as view:  # type: ignore[arg-type]
        return sorted(track.path.name for track in view.tracks().values())


def why(index: Path) -> dict[str, str]:
    """What is left out, and why."""
    with open_store(index) as store:
        names = {track_id: track.path.name for track_id, track in store.tracks().items()}
        return {names[verdict.track_id]: verdict.why.value for verdict in judge(store) if verdict.why is not None}


# --- names ----


def test_an_ignore_file_written_later_needs_no_run(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    index = tmp_path / "index"
    assert offered(index) == ["1.mp3", "2.mp3", "3.mp3", "5.wav"]  # an .m4b is an audiobook
    (music / IGNORE_NAME).write_text("# spoken\nBooks/\n*.wav\n!5.wav\n")
    assert offered(index) == ["1.mp3", "2.mp3", "5.wav"]
    (music / "Albums" / IGNORE_NAME).write_bytes(b"\xef\xbb\xbflive/\r\n")
    assert offered(index) == ["1.mp3", "5.wav"]
    assert why(index) == {"2.mp3": "excluded", "3.mp3": "excluded", "4.m4b": "excluded"}
    (music / IGNORE_NAME).unlink()
    assert offered(index) == ["1.mp3", "3.mp3", "5.wav"]


def test_the_deeper_ignore_file_has_the_last_word(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / IGNORE_NAME).write_text("*.mp3\n")
    (music / "Albums" / IGNORE_NAME).write_text("!*.mp3\n")
    (music / "Albums" / "live" / IGNORE_NAME).write_text("/2.mp3\n")
    assert offered(tmp_path / "index") == ["1.mp3", "5.wav"]


def test_what_is_excluded_before_anybody_heard_it_is_not_listened_to(tmp_path: Path, music: Path, run: Run) -> None:
    (music / "Books" / "bad.mp3").write_text("bad")
    report = run(change=RuleChange(exclude=("Books/",)))
    assert (report.added, report.excluded, report.skipped) == (3, 3, ())
    report = run(change=RuleChange(drop=("Books/",)))
    assert (report.added, report.excluded, len(report.skipped)) == (2, 0, 1)
    report = run(change=RuleChange(exclude=("Books/",)))
    assert (report.unchanged, report.excluded, report.missing, report.n_tracks) == (5, 1, 0, 5)
    assert offered(tmp_path / "index") == ["1.mp3", "2.mp3", "5.wav"]


def test_an_included_name_overrules_exclusion_and_the_guess_of_speech(tmp_path: Path, run: Run) -> None:
    run()
    index = tmp_path / "index"
    set_rules(index, RuleChange(exclude=("Books", "Albums"), include=("4.*", "/Albums/live/**")))
    assert offered(index) == ["2.mp3", "4.m4b", "5.wav"]
    assert offered(index, rules=EVERYTHING) == ["1.mp3", "2.mp3", "3.mp3", "4.m4b", "5.wav"]


def test_a_copy_outside_keeps_a_track_in(tmp_path: Path, music: Path, run: Run) -> None:
    (music / "5.mp3").write_bytes((music / "Books" / "3.mp3").read_bytes())
    run(change=RuleChange(exclude=("Books/",)))
    assert "excluded" not in why(tmp_path / "index").values()


def test_a_file_that_was_given_by_itself_is_not_left_out_by_name(music: Path) -> None:
    names = NameRules(Rules(exclude=("*.wav",)), [music, music / "5.wav"])
    assert not names.leaves_out(str(music / "5.wav"))
    assert names.leaves_out(str(music / "other.wav"))


def test_odd_ignore_files_are_passed_over_and_never_block(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    os.mkfifo(music / IGNORE_NAME)
    (music / "Albums" / IGNORE_NAME).write_bytes(b"\\\n!!\n[\n\xff\xfe\0bad\n" + b"*a" * 40 + b"\nlive/\n")
    (music / "Books" / IGNORE_NAME).mkdir()
    assert offered(tmp_path / "index") == ["1.mp3", "3.mp3", "5.wav"]


def test_names_that_are_no_text_and_deep_folders(tmp_path: Path) -> None:
    deep = "/".join([str(tmp_path), *["d"] * 1500, os.fsdecode(b"\xff\n.wav")])
    assert NameRules(Rules(exclude=("*.wav",)), [tmp_path]).leaves_out(deep)
    assert not NameRules(Rules(exclude=("*.mp3",)), [tmp_path]).leaves_out(deep)


def test_no_pattern_takes_long_on_a_name_made_for_it(tmp_path: Path) -> None:
    name = f"{tmp_path}/{'a' * 250}"
    start = time.process_time()
    NameRules(Rules(exclude=("*a*a*ab",)), [tmp_path]).leaves_out(name)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("pattern", ["", "# note", "!", "\\", "a\0b", "*a*a*a*b", "   "])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="not a valid pattern") as caught:
        Rules(exclude=(pattern,))
    assert "gitignore" in caught.value.hint


# --- lengths ----


def test_lengths_are_rules_and_no_reason_to_listen_again(tmp_path: Path, run: Run) -> None:
    run(change=RuleChange(min_length_s=15.0, max_length_s=45.0))
    index = tmp_path / "index"
    assert why(index) == {"1.mp3": "too_short", "5.wav": "too_long", "4.m4b": "spoken"}
    set_rules(index, RuleChange(min_length_s=0.0, max_length_s=0.0, allow_spoken=True))
    assert why(index) == {}
    with open_store(index) as store:
        assert read_rules(store) == Rules(min_length_s=0.0, allow_spoken=True)


@pytest.mark.parametrize("limits", [(float("nan"), None), (float("inf"), None), (-1.0, None), (9.0, 8.0)])
def test_lengths_that_make_no_sense_are_refused(limits: tuple[float, float | None]) -> None:
    with pytest.raises(UsageError):
        Rules(min_length_s=limits[0], max_length_s=limits[1])


def test_rules_survive_a_rebuild_and_nonsense_from_a_stranger_does_not_stop_a_film(tmp_path: Path, run: Run) -> None:
    run(change=RuleChange(exclude=("Books/",), max_length_s=45.0))
    run(rebuild=True)
    index = tmp_path / "index"
    with open_store(index, write=True) as store:
        assert read_rules(store) == Rules(exclude=("Books/",), max_length_s=45.0)
        for nonsense in ("[", "{}", '"nan"', "-1", "[1, null]", "[" * 100_000):
            store.execute("UPDATE rules SET value = ?", (nonsense,))
            assert read_rules(store).min_length_s == 3.0


def test_dropping_an_unknown_pattern_is_refused(tmp_path: Path, run: Run) -> None:
    run()
    with pytest.raises(UsageError, match="unknown rule"):
        set_rules(tmp_path / "index", RuleChange(drop=("x",)))


# --- spoken word ----


@pytest.mark.parametrize(
    ("share", "tempo", "key", "length_s", "spoken"),
    [
        (0.87, None, 0.12, 60.0, True),  # read aloud
        (0.91, None, 0.48, 60.0, False),  # a song without a pulse has a key
        (0.91, None, 0.48, 3000.0, True),  # a programme with music under the voice
        (0.82, 83.0, 0.51, 200.0, False),  # a sung ballad
        (0.95, 92.0, 0.0, 200.0, False),  # rap
        (0.43, None, 0.0, 60.0, False),  # now and then a voice
        (None, None, 0.0, 60.0, False),
    ],
)
def test_speech_is_told_from_song_by_pulse_and_key(
    share: float | None, tempo: float | None, key: float, length_s: float, spoken: bool
) -> None:
    said = sounds_spoken(vocal_share=share, tempo_bpm=tempo, key_confidence=key, duration_s=length_s)
    assert said is spoken


@pytest.mark.parametrize(
    ("genre", "spoken"),
    [
        *(("Audiobook", True), ("Audio Book", True), ("Hörbuch", True), ("hoerspiel", True), ("Podcast", True)),
        *(("Speech", True), ("Spoken Word", True), ("Lecture", True), ("Audio Theatre", True)),
        *(("Rap", False), ("Hip-Hop", False), ("Vocal", False), ("Speechless Pop", False), (None, False)),
    ],
)
def test_a_genre_may_say_that_it_is_spoken(tmp_path: Path, genre: str | None, spoken: bool) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    with open_store(folder, write=True) as store:
        store.require_model(fake.MODEL)
        heard = fake.song(1, 2)
        with store.transaction():
            store.save_track("1" * 64, replace(heard, tags=replace(heard.tags, genre=genre)), dim=fake.DIM)
            store.place(tmp_path / "a.mp3", "1" * 64, QuickKey(1, 2, 3, 4))
        (verdict,) = judge(store)
        assert verdict.why is (LeftOut.SPOKEN if spoken else None)
    with open_library(folder, allow_spoken=True) as view:
        assert len(view.track_ids) == 1


def test_voices_without_music_are_not_offered_whatever_their_pulse(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    with open_store(folder, write=True) as store:
        store.require_model(fake.MODEL)
        talk = replace(fake.song(1, 2), warnings=(Warned.SPEECH,))
        with store.transaction():
            store.save_track("1" * 64, talk, dim=fake.DIM)
            store.place(tmp_path / "a.mp3", "1" * 64, QuickKey(1, 2, 3, 4))
        assert talk.analysis.tempo_bpm is not None
        assert judge(store)[0].why is LeftOut.SPOKEN
        assert judge(store, Rules(allow_spoken=True))[0].why is None


@pytest.mark.needs_data
@pytest.mark.slow
def test_no_real_music_is_taken_for_speech(data_dir: Path) -> None:
    import numpy as np

    from soundtrack.audio.music.analyse import analyse_music
    from soundtrack.audio.voices.speech import vocal_share
    from soundtrack.media.reading.audio import iter_audio

    def heard(path: Path, rate_hz: int) -> np.ndarray:
        return np.concatenate(list(iter_audio(path, sample_rate_hz=rate_hz, channels=1, block_s=10.0)), axis=1)

    paths = sorted(path for path in (data_dir / "music").iterdir() if path.suffix in (".ogg", ".mp3"))
    for path in paths[::9]:
        share = vocal_share(heard(path, 16_000)[0])
        found = analyse_music(heard(path, 24_000), sample_rate_hz=24_000).analysis
        assert not sounds_spoken(
            vocal_share=share, tempo_bpm=found.tempo_bpm, key_confidence=found.key_confidence, duration_s=60.0
        ), path.name
