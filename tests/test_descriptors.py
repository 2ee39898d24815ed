"""Eight numbers about a track, confusion matrices, AUC over pairs, and answers for several pictures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_up import state, track
from media_made import Made
from soundtrack.cli.app import main
from soundtrack.evaluation.confusions import MERGED_CLASSES, document, lines, merged
from soundtrack.library.descriptors import describe
from soundtrack.types import EMOTIONS, Track
from soundtrack.yardsticks.metrics import pair_auc


def played(*, bpm: float, jitter: float = 0.0, confidence: float = 0.9, title: str = "x") -> Track:
    """A track with beats that drift by a share of their length."""
    made = track(title, ["Excited"] * 6, bpm=bpm)
    rng = np.random.default_rng(5)
    lengths = 60 / bpm * (1 + jitter * rng.standard_normal(200))
    beats = tuple(float(t) for t in np.cumsum(np.abs(lengths)))
    analysis = replace(made.analysis, beats_s=beats, downbeats_s=beats[::4], tempo_confidence=confidence)
    return replace(made, analysis=analysis)


def test_all_eight_are_there_and_in_their_ranges() -> None:
    found = describe(played(bpm=120)).as_dict()
    assert list(found) == [
        *("tempo_bpm", "tonic", "mode", "loudness_lufs"),
        *("instrumental_share", "speech_share", "danceability", "liveness"),
    ]
    assert found["mode"] in ("major", "minor")
    for name in ("instrumental_share", "speech_share", "danceability", "liveness"):
        assert 0 <= float(str(found[name])) <= 1


def test_a_steady_dance_beat_dances_and_a_slow_or_drifting_one_less() -> None:
    dance = describe(played(bpm=120)).danceability or 0.0
    assert dance > 0.9
    assert (describe(played(bpm=120, jitter=0.1)).danceability or 0.0) < dance - 0.2
    assert (describe(played(bpm=85)).danceability or 0.0) < dance
    assert (
        describe(replace(played(bpm=120), analysis=replace(played(bpm=120).analysis, tempo_bpm=None))).danceability
        is None
    )


def test_what_is_named_live_or_drifts_is_livelier_than_a_sequencer() -> None:
    still = describe(played(bpm=100)).liveness
    assert still == pytest.approx(0.0, abs=0.01)
    assert describe(played(bpm=100, jitter=0.05)).liveness > 0.1
    assert describe(played(bpm=100, title="Song (Live in Oslo)")).liveness >= 0.8
    assert describe(played(bpm=100, title="Alive")).liveness == still


def test_only_spoken_word_has_speech() -> None:
    made = played(bpm=100)
    sung = replace(made, analysis=replace(made.analysis, vocal_share=0.7))
    assert (describe(sung).speech_share, describe(sung, spoken=True).speech_share) == (0.0, 0.7)
    assert describe(sung).instrumental_share == pytest.approx(0.3)


def test_fear_and_tension_merge_and_nothing_gets_lost(rng: np.random.Generator) -> None:
    table = rng.integers(0, 9, (6, 6)).astype(np.int64)
    small = merged(table)
    assert small.shape == (5, 5) and small.sum() == table.sum()
    fear, tension = EMOTIONS.index("Fear"), EMOTIONS.index("Tension")
    both = MERGED_CLASSES.index("Fear/Tension")
    assert small[both, both] == table[np.ix_([fear, tension], [fear, tension])].sum()
    sad = MERGED_CLASSES.index("Sad")
    assert small[sad, both] == table[EMOTIONS.index("Sad"), [fear, tension]].sum()
    assert document(table)["accuracy"] >= table.trace() / table.sum()
    shown = lines("picture", small, MERGED_CLASSES)
    assert len({len(line) for line in shown[1:]}) == 1


def test_auc_of_pairs_is_that_of_counting(rng: np.random.Generator) -> None:
    n = 12
    similarity, classes = rng.integers(0, 5, (n, n)) / 5, rng.integers(0, 3, n)
    excluded = np.eye(n, dtype=bool)
    same, other = [], []
    for i in range(n):
        for j in range(n):
            if i != j:
                (same if classes[i] == classes[j] else other).append(similarity[i, j])
    counted = np.mean([(s > o) + 0.5 * (s == o) for s in same for o in other])
    assert pair_auc(similarity, classes, excluded) == pytest.approx(counted)
    assert np.isnan(pair_auc(similarity, np.zeros(n, np.int64), excluded))
    twice = pair_auc(similarity, classes, excluded, rows=np.repeat(np.arange(n), 2))
    assert twice == pytest.approx(counted)


def test_the_three_most_probable_classes_are_named_in_order() -> None:
    top = state("Sad", sure=0.5).top()
    assert top[0] == ("Sad", 0.5)
    assert len(top) == 3 and [name for name, _ in top[1:]] == ["Excited", "Fear"]


def test_several_pictures_have_a_code_each_and_a_broken_one_does_not_stop_the_others(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good, broken = tmp_path / "good.png", tmp_path / "broken.jpg"
    Image.new("RGB", (64, 48), (200, 120, 40)).save(good)
    broken.write_bytes(b"\xff\xd8\xff no picture")
    command = ["soundtrack", "search", "--picture", str(good), str(broken), "--index", str(made.index)]
    monkeypatch.setattr("sys.argv", [*command, "--device", "cpu", "--json"])
    with pytest.raises(SystemExit) as done:
        main()
    out, err = capfd.readouterr()
    assert done.value.code == 10
    first, second = json.loads(out)
    assert (first["exit_code"], second["exit_code"]) == (0, 3)
    assert len(first["moods"]) == 3 and sum(first["moods"].values()) <= 1.0001
    assert "broken.jpg" in second["error"] and second["hint"]
    assert "1 of 2 inputs could not be read" in err


def test_library_show_prints_the_eight(
    made: Made, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["soundtrack", "library", "show", "bright", "--index", str(made.index)])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    line = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("descriptors: "))
    assert len(re.findall(r"\b(tempo_bpm|tonic|mode|loudness_lufs|danceability|liveness)\b", line)) == 6
