"""A recorded voice over a film: mixed in at its own level, ducked for like speech, kept by the sheet, never written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, ebur128, ffmpeg, make_film, make_job, write_track, write_voice
from made_up import sheet as made_up_sheet
from made_up import small_library
from soundtrack import api
from soundtrack.cli.choices import mix_settings, narration_wish
from soundtrack.cli.options import DuckName
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, SoundtrackError, UsageError
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.ducking import gain_db_at
from soundtrack.mix.render import render_film
from soundtrack.mix.report import kept_sound, sound_warnings
from soundtrack.pipeline.sheets import narration as reading
from soundtrack.pipeline.sheets.narration import (
    Narrated,
    NarrationWish,
    narrated_scenes,
    read_narration,
)
from soundtrack.pipeline.sheets.sheet_tracks import with_files_beside
from soundtrack.pipeline.sheets.swap import ducked
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.settings import MixSettings
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, Narration, Span

SPOKEN = Span(0.5, 3.5)
"""Where the recording speaks, on its own clock."""


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "voice.wav", seconds=4.0, spans=[SPOKEN], level=0.2)


@pytest.fixture
def sheet(tmp_path: Path) -> CueSheet:
    """A film of eight seconds without sound, with one piece of music throughout."""
    film = make_film(tmp_path / "film.mkv", seconds=8.0)
    return planned_for(film, write_track(tmp_path / "t.wav", seconds=12.0, level=0.3))


def planned_for(film: Path, track: Path) -> CueSheet:
    made = make_job(film, [track]).sheet
    return replace(made, cues=tuple(replace(cue, scenes=()) for cue in made.cues))


def narrated(voice: Path, start_s: float = 2.0) -> Narrated:
    spoken = Span(start_s + SPOKEN.start_s, start_s + SPOKEN.end_s)
    return Narrated(Narration(str(voice), start_s, 4.0), (spoken,))


@pytest.fixture
def heard_as_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of these tests counts as the speech that it stands in for."""
    monkeypatch.setattr(reading, "read_narration", lambda wish: narrated(wish.path, wish.start_s))


def power_db(sound: np.ndarray, start_s: float, end_s: float) -> float:
    return 10 * float(np.log10(np.mean(sound[:, int(start_s * RATE) : int(end_s * RATE)] ** 2) + 1e-12))


@pytest.mark.usefixtures("heard_as_speech")
def test_a_narration_sounds_at_its_time_and_level_and_the_music_steps_aside(
    tmp_path: Path, sheet: CueSheet, voice: Path
) -> None:
    before = voice.read_bytes()
    film = tmp_path / "film.mkv"
    report = api.render(
        film, sheet, out=tmp_path / "out.mkv", narration=voice, narration_at_s=2.0, stems=tmp_path / "stems"
    )
    music, spoken = (read_audio(path, sample_rate_hz=RATE, channels=2) for path in report.stems)
    recorded = read_audio(voice, sample_rate_hz=RATE, channels=2)
    gain = 10 ** (report.levels.master_gain_db / 20)
    np.testing.assert_allclose(spoken[:, 2 * RATE : 6 * RATE], recorded * gain, atol=1e-4)
    assert np.abs(spoken[:, : 2 * RATE]).max() < 1e-4 > np.abs(spoken[:, 6 * RATE :]).max()
    assert power_db(music, 3.0, 5.0) < power_db(music, 0.2, 1.2) - 5
    assert power_db(spoken, 3.0, 5.0) - power_db(music, 3.0, 5.0) > 8
    assert abs(ebur128(report.path).integrated_lufs + 16.0) <= 0.5
    assert any(line.startswith("narration: ") for line in report.summary())

    again = api.render(film, cuesheet.loads(cuesheet.dumps(report.sheet)), out=tmp_path / "again.mkv")
    assert again.path.read_bytes() == report.path.read_bytes(), "the sheet reproduces it without the option"
    assert voice.read_bytes() == before


@pytest.mark.usefixtures("heard_as_speech")
@pytest.mark.parametrize("option", ["out", "cues"])
def test_a_narration_is_never_overwritten(tmp_path: Path, sheet: CueSheet, voice: Path, option: str) -> None:
    own = tmp_path / "voice.mkv"
    own.write_bytes(voice.read_bytes())
    targets = {"out": tmp_path / "out.mkv", option: own}
    for given in ({"narration": own}, {}):
        one = sheet if given else reading.narrated_sheet(sheet, NarrationWish(own))
        with pytest.raises(UsageError, match="is the input itself"):
            api.render(tmp_path / "film.mkv", one, force=True, **targets, **given)
    assert own.read_bytes() == voice.read_bytes()


@pytest.mark.usefixtures("heard_as_speech")
def test_voices_that_moved_with_film_and_sheet_were_missing(tmp_path: Path, sheet: CueSheet, voice: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    (old / "film.voices.wav").write_bytes(voice.read_bytes())
    planned = reading.narrated_sheet(sheet, NarrationWish(old / "film.voices.wav"))
    moved = (old / "film.voices.wav").rename(new / "film.voices.wav")
    for file in ("film.mkv", "other.cues.json"):  # the sheet need not be beside the film
        near = [old / "film.mkv", new / file]
        assert with_files_beside(planned, near).narration == replace(planned.narration, path=str(moved))
    assert with_files_beside(planned, [old / "film.mkv"]) is planned


@pytest.mark.usefixtures("heard_as_speech")
def test_voices_beside_a_sheet_elsewhere_were_not_found_and_called_narration(
    tmp_path: Path, sheet: CueSheet, voice: Path
) -> None:
    kept = tmp_path / "sheets" / "film.voices.flac"
    kept.parent.mkdir()
    kept.write_bytes(voice.read_bytes())
    planned = reading.narrated_sheet(sheet, NarrationWish(kept))
    planned = replace(planned, narration=replace(planned.narration, path=str(tmp_path / "gone" / kept.name)))
    words = {"out": tmp_path / "out.mkv", "inputs": [kept.with_name("film.cues.json")]}
    assert kept_sound(planned) == "voices"
    with pytest.raises(InputError, match=r"voices\.flac: missing voices of the cue sheet"):
        api.render(tmp_path / "film.mkv", planned)
    write_voice(kept.with_suffix(".wav"), seconds=6.0, spans=[SPOKEN])
    kept.with_suffix(".wav").replace(kept)
    with pytest.raises(InputError, match=r"voices\.flac: duration 6\.0 s, but 4\.0 s in the cue sheet"):
        api.render(tmp_path / "film.mkv", planned, **words)
    kept.write_bytes(voice.read_bytes())
    api.render(tmp_path / "film.mkv", planned, **words)


@pytest.mark.usefixtures("heard_as_speech")
def test_a_sheet_whose_narration_is_gone_or_another_recording_is_refused(
    tmp_path: Path, sheet: CueSheet, voice: Path
) -> None:
    own = tmp_path / "voice.wav"
    own.write_bytes(voice.read_bytes())
    planned = reading.narrated_sheet(sheet, NarrationWish(own))
    write_voice(own, seconds=6.0, spans=[SPOKEN])
    with pytest.raises(InputError, match=r"voice\.wav: duration 6\.0 s, but 4\.0 s in the cue sheet"):
        api.render(tmp_path / "film.mkv", planned)
    own.unlink()
    with pytest.raises(InputError, match=r"voice\.wav: missing narration of the cue sheet"):
        api.render(tmp_path / "film.mkv", planned)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "t.wav"]


@pytest.mark.usefixtures("heard_as_speech")
def test_a_second_narration_is_refused(tmp_path: Path, sheet: CueSheet, voice: Path) -> None:
    once = reading.narrated_sheet(sheet, NarrationWish(voice))
    with pytest.raises(UsageError, match="has a narration already"):
        reading.narrated_sheet(once, NarrationWish(voice))


def test_a_voice_without_speech_counts_as_a_whole_and_silence_is_refused(tmp_path: Path) -> None:
    tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE)
    wavfile.write(tmp_path / "hum.wav", RATE, tone.astype(np.float32))
    found = read_narration(NarrationWish(tmp_path / "hum.wav", 1.5))
    assert found.speech == (Span(1.5, 3.5),)
    assert found.warnings == (f"{tmp_path / 'hum.wav'}: no speech detected; all of it counts as speech",)
    wavfile.write(tmp_path / "nothing.wav", RATE, np.zeros(2 * RATE, np.float32))
    with pytest.raises(InputError, match=r"nothing\.wav: silent"):
        read_narration(NarrationWish(tmp_path / "nothing.wav"))


@pytest.mark.parametrize("content", [None, b"", b"no sound at all"])
def test_what_is_no_recording_is_refused_with_its_name(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "voice.wav").write_bytes(content)
    with pytest.raises(SoundtrackError, match=r"voice\.wav") as found:
        read_narration(NarrationWish(tmp_path / "voice.wav"))
    assert found.value.exit_code == 3 and found.value.hint


def test_a_narration_after_the_film_and_a_time_without_a_narration_are_refused(tmp_path: Path, voice: Path) -> None:
    film = made_up_sheet([("Sad", 40.0)])
    with pytest.raises(UsageError, match="past the end of the film"):
        narrated_scenes(film, narrated(voice, 41.0), keep_original=True)
    with pytest.raises(UsageError, match="--narration-at requires --narration"):
        narration_wish(None, "0:05")
    assert narration_wish(voice, "0:05.5") == NarrationWish(voice, 5.5)
    assert Wishes(narration=NarrationWish(Path("v.wav"))).absolute().narration == NarrationWish(
        Path("v.wav").absolute()
    )


def test_a_narration_longer_than_the_film_is_cut_off_with_a_warning(voice: Path) -> None:
    film = narrated_scenes(made_up_sheet([("Sad", 40.0)]), narrated(voice, 38.0), keep_original=True)
    assert film.speech == (Span(38.5, 40.0),)
    assert film.warnings == (f"{voice}: ends 2.0 s after the film; the rest is left out",)


def test_render_cut_a_narration_off_at_the_end_of_the_film_without_a_word(
    tmp_path: Path, sheet: CueSheet, voice: Path
) -> None:
    said = replace(sheet, warnings=("of the plan",))
    report = api.render(tmp_path / "film.mkv", said, out=tmp_path / "o.mkv", narration=voice, narration_at_s=6.0)
    assert f"{voice}: ends 2.0 s after the film; the rest is left out" in report.warnings
    assert "of the plan" not in report.warnings


@pytest.mark.parametrize("keep_original", [True, False])
def test_the_plan_counts_a_narration_as_speech_also_where_the_film_loses_its_sound(
    voice: Path, keep_original: bool
) -> None:
    film = made_up_sheet([("Sad", 60.0), ("Excited", 60.0)])
    told = Narrated(Narration(str(voice), 20.0, 30.0), (Span(20.0, 50.0),))
    mix = MixSettings(keep_original=keep_original)
    scenes = narrated_scenes(replace(film, speech=(Span(80.0, 90.0),)), told, keep_original=keep_original)
    assert scenes.scenes[0].speech_share == pytest.approx(0.5)
    library = small_library()
    planned = ducked(spot_cues(scenes, library, mix=mix, narration=told.narration), library.tracks(), mix)
    assert planned.narration == told.narration
    assert (Span(80.0, 90.0) in planned.speech) == keep_original
    assert Span(20.0, 50.0) in planned.speech
    sounding = [t for t in np.arange(21.0, 49.0) if any(c.span.start_s < t < c.span.end_s for c in planned.cues)]
    assert not sounding or gain_db_at(planned.ducking, np.array(sounding)).max() < -3
    assert cuesheet.loads(cuesheet.dumps(planned)) == planned


def test_a_narration_that_keeps_the_mix_quiet_was_called_the_original_sound(sheet: CueSheet, voice: Path) -> None:
    levels = SimpleNamespace(
        original_lufs=-29.0, is_silent=False, is_too_quiet=False, master_gain_db=2.0, master_cap_db=2.0
    )
    said = narrated(voice).narration
    (line,) = sound_warnings(levels, {}, replace(sheet, narration=said), -26.0)  # type: ignore[arg-type]
    assert "more gain would limit the narration (" in line


@pytest.mark.slow
@pytest.mark.usefixtures("heard_as_speech")
def test_a_dialogue_target_is_met_by_the_narration(tmp_path: Path, sheet: CueSheet, voice: Path) -> None:
    mix = mix_settings(target="dialogue", keep_original=True, keep_level=False, duck=DuckName.NORMAL)
    notes = replace(sheet.mix, target_lufs=mix.target_lufs, ceiling_dbtp=mix.ceiling_dbtp, dialogue_gated=True)
    planned = reading.narrated_sheet(replace(sheet, mix=notes), NarrationWish(voice, 2.0))
    film = tmp_path / "film.mkv"
    report = render_film(
        probe(film), planned, tmp_path / "o.mkv", track_paths={"t": tmp_path / "t.wav"}, narration_path=voice
    )
    ffmpeg("-ss", 2.5, "-t", 3.0, "-i", report.path, "-vn", tmp_path / "spoken.wav")
    assert ebur128(tmp_path / "spoken.wav").integrated_lufs == pytest.approx(-27.0, abs=1.0)


@pytest.mark.slow
@pytest.mark.usefixtures("heard_as_speech")
def test_a_narration_is_placed_to_the_sample_across_blocks_in_surround_too(tmp_path: Path, voice: Path) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=20.0)
    planned = planned_for(film, write_track(tmp_path / "t.wav", seconds=24.0))
    report = api.render(
        film, planned, out=tmp_path / "o.mkv", narration=voice, narration_at_s=6.3, stems=tmp_path / "s", layout="5.1"
    )
    spoken = read_audio(report.stems[1], sample_rate_hz=RATE, channels=6)
    recorded = read_audio(voice, sample_rate_hz=RATE, channels=6) * 10 ** (report.levels.master_gain_db / 20)
    first = round(6.3 * RATE)
    np.testing.assert_allclose(spoken[:, first : first + recorded.shape[1]], recorded, atol=1e-4)
