"""Music that a film has already is found, talk and noise are not, and blocks make no difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_up import sheet, small_library
from soundtrack.audio.voices.music_detection import MusicDetector, music_spans
from soundtrack.audio.voices.music_features import N_MARKS, SAMPLE_RATE_HZ, WINDOW, music_marks
from soundtrack.errors import NothingFitsError
from soundtrack.media.reading.audio import read_audio
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import FloatArray, Span

CHORDS = ((220.0, 261.63, 329.63), (174.61, 220.0, 261.63), (261.63, 329.63, 392.0), (196.0, 246.94, 293.66))


def song(seconds: float) -> FloatArray:
    """Plucked chords, one a second, with a bass and a tick on the beat."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.zeros_like(t)
    for beat in range(int(2 * seconds)):
        since = t - 0.5 * beat
        on = (since >= 0) & (since < 1.5)
        for hertz in (*CHORDS[beat // 4 % 4], CHORDS[beat // 4 % 4][0] / 2):
            for harmonic in range(1, 6):
                sound[on] += np.sin(2 * np.pi * hertz * harmonic * since[on]) * np.exp(-2.5 * since[on]) / harmonic
        sound[on] += np.random.default_rng(beat).normal(0, 0.5, int(on.sum())) * np.exp(-60 * since[on])
    return (0.05 * sound).astype(np.float32)


def heard(sound: FloatArray, *, block: int = 160_000) -> list[Span]:
    detector = MusicDetector()
    for start in range(0, len(sound), block):
        detector.push(sound[start : start + block])
    return detector.finish()


def test_a_song_between_noises_is_found_where_it_is() -> None:
    rng = np.random.default_rng(1)
    hiss = (0.02 * rng.normal(0, 1, 20 * SAMPLE_RATE_HZ)).astype(np.float32)
    spans = heard(np.concatenate([hiss, song(24.0), hiss]))
    assert len(spans) == 1
    assert abs(spans[0].start_s - 20.0) <= 3.0
    assert abs(spans[0].end_s - 44.0) <= 3.0


def test_blocks_make_no_difference() -> None:
    sound = song(15.3)
    assert heard(sound, block=999) == heard(sound, block=10**6) != []


@pytest.mark.parametrize("name", ["silence", "hiss", "dark noise", "hum", "tone", "knocks", "nothing", "no numbers"])
def test_what_is_no_music_is_not_called_music(name: str) -> None:
    rng = np.random.default_rng(2)
    n = 20 * SAMPLE_RATE_HZ
    t = np.arange(n) / SAMPLE_RATE_HZ
    sounds = {
        "silence": np.zeros(n),
        "hiss": 0.1 * rng.normal(0, 1, n),
        "dark noise": 0.01 * np.cumsum(rng.normal(0, 1, n)) % 1 - 0.5,
        "hum": 0.05 * sum(np.sin(2 * np.pi * 50 * k * t) / k for k in range(1, 8)) + 0.002 * rng.normal(0, 1, n),
        "tone": 0.05 * np.sin(2 * np.pi * 180 * t),
        "knocks": rng.normal(0, 0.2, n) * np.exp(-30 * (t % 0.7)),
        "nothing": np.zeros(0),
        "no numbers": np.full(n, np.nan),
    }
    assert heard(sounds[name].astype(np.float32)) == []


def test_the_marks_are_finite_and_know_no_level() -> None:
    sound = song(4.0)
    loud, quiet = music_marks(sound), music_marks(0.1 * sound)
    assert loud.shape == (N_MARKS,)
    assert np.isfinite(music_marks(np.zeros(WINDOW, np.float32))).all()
    np.testing.assert_allclose(loud, quiet, atol=0.05)


def test_spans_begin_high_end_low_and_forgive_one_doubt() -> None:
    sure, doubt, no = 0.99, 0.8, 0.1
    assert music_spans(np.full(5, doubt, np.float32), duration_s=10.0) == []
    one = np.array([no, no, sure, no, no], np.float32)
    assert music_spans(one, duration_s=10.0) == []
    long = np.array([no, sure, sure, no, sure, sure, doubt, no, no], np.float32)
    assert music_spans(long, duration_s=18.0) == [Span(2.0, 14.0)]
    assert music_spans(np.full(4, sure, np.float32), duration_s=7.3) == [Span(0.0, 7.3)]


def test_scenes_with_music_are_left_alone() -> None:
    part = spot_cues(sheet([("Sad", 30.0), ("Excited", 30.0)], music=[0.0, 0.9]), small_library())
    assert max(c.span.end_s for c in part.cues) <= 31.0
    assert any("already has music" in line for line in part.warnings)


def test_a_film_with_music_throughout_gets_no_second_music_unless_asked_for() -> None:
    full = sheet([("Sad", 30.0), ("Excited", 30.0)], music=[1.0, 0.9])
    with pytest.raises(NothingFitsError, match="nothing to score") as caught:
        spot_cues(full, small_library())
    assert "--over-music" in caught.value.hint and "--replace" in caught.value.hint
    asked = spot_cues(full, small_library(), settings=SpottingSettings(over_music=True))
    scored_s = sum(c.span.duration_s for c in asked.cues)
    rests_s = sum(gap.span.duration_s for gap in asked.silences)
    assert scored_s + rests_s >= 59.0
    assert rests_s <= 6.0  # between moods that are unlike
    replaced = spot_cues(full, small_library(), mix=MixSettings(keep_original=False))
    assert replaced.cues
    locked = Constraints(locks=(Lock(40.0, small_library().track_ids[0]),))
    assert spot_cues(full, small_library(), constraints=locked).cues[0].span.start_s >= 29.0


@pytest.mark.slow
@pytest.mark.needs_data
def test_on_real_films(data_dir: Path) -> None:
    """Talk is never taken for music, a cartoon's score is found; music videos are, most of them."""

    def share(path: Path) -> float:
        sound = read_audio(path, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]
        return sum(s.duration_s for s in heard(sound)) / (len(sound) / SAMPLE_RATE_HZ)

    for talk in ("talking_face_60fps.mp4", "his_girl_friday.mp4", "constructed_known_cuts.mp4"):
        assert share(data_dir / "video" / talk) == 0.0
    assert share(data_dir / "video" / "big_buck_bunny_0_30.webm") > 0.7
    videos = sorted((data_dir / "mved").glob("Validation/*/*.mp4"))[::4]
    assert np.mean([share(path) >= 0.5 for path in videos]) >= 0.8
