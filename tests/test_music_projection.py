"""From evidence to readings with the networks that `soundtrack` ships: the same bytes whatever is read at once."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from media_made import Made
from soundtrack import pipeline
from soundtrack.emotion import space
from soundtrack.emotion.music_channels import HARMONY, NETWORK
from soundtrack.emotion.music_projection import MusicProjection, in_context
from soundtrack.library.store import rows
from soundtrack.library.store.store import open_store
from soundtrack.types import EMOTIONS, FloatArray, ReadingBatch

N_ROWS = 150


@pytest.fixture(scope="module")
def projection() -> MusicProjection:
    return pipeline.music_projection()


@pytest.fixture
def blocks(projection: MusicProjection, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Evidence as an index keeps it, spread as widely as music is."""
    head, found, start = projection.head, {}, 0
    for channel in projection.channels:
        width = channel.dim - (channel.name == NETWORK)
        columns = slice(start, start + width)
        features = head.mean[columns] + head.scale[columns] * rng.normal(0, 1.5, (N_ROWS, width))
        if channel.name == NETWORK:
            features = np.concatenate([features, rng.choice([0.0, 0.5, 1.0], (N_ROWS, 1))], axis=1)
        kept = rows.table16_values(features.astype(np.float32))
        found[channel.name] = rows.table16(kept, "numbers", n=N_ROWS, width=channel.dim)
        start += width
    return found


def columns(batch: ReadingBatch) -> list[FloatArray]:
    return [getattr(batch, column.name) for column in dataclasses.fields(batch)]


def part(blocks: Mapping[str, FloatArray], start: int, end: int) -> dict[str, FloatArray]:
    return {name: features[start:end].copy() for name, features in blocks.items()}


@pytest.mark.parametrize("at_once", [1, 2, 7, 31, 64])
def test_a_track_reads_the_same_bytes_alone_and_among_ten_thousand(
    projection: MusicProjection, blocks: dict[str, FloatArray], at_once: int
) -> None:
    whole = columns(projection.read(blocks))
    for start in range(0, N_ROWS, at_once):
        end = min(start + at_once, N_ROWS)
        alone = columns(projection.read(part(blocks, start, end)))
        assert [column.tobytes() for column in alone] == [column[start:end].tobytes() for column in whole]


def test_readings_are_those_of_the_former_formula(
    projection: MusicProjection, blocks: dict[str, FloatArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = projection.read(blocks)
    monkeypatch.setattr(space, "row_products", lambda rows, weight: rows @ weight.T)
    inputs = np.concatenate([blocks[NETWORK][:, :-1], blocks[HARMONY]], axis=1)
    audible = blocks[NETWORK][:, -1]
    mood = projection.head.read({NETWORK: blocks[NETWORK][:, :-1], HARMONY: blocks[HARMONY]})
    neutral = np.full(len(EMOTIONS), 0.16, np.float32)
    neutral[EMOTIONS.index("Neutral")] = 0.2
    probabilities = audible[:, None] * mood.probabilities + (1 - audible[:, None]) * neutral
    valence, arousal = mood.valence * audible, mood.arousal * audible
    calibrated = mood.confidence - mood.probabilities.max(axis=1)
    confidence = probabilities.max(axis=1) + audible * calibrated
    vectors = projection.space.project_music(probabilities, valence, arousal, inputs)
    for former, now in zip([probabilities, valence, arousal, confidence, vectors], columns(found), strict=True):
        np.testing.assert_allclose(now, former, rtol=0, atol=1e-6)


def test_a_track_without_one_channel_is_read_with_less_confidence(
    projection: MusicProjection, blocks: dict[str, FloatArray]
) -> None:
    alone = projection.read({HARMONY: blocks[HARMONY]})
    leading = alone.probabilities.max(axis=1)
    assert (alone.confidence <= leading + 1e-6).all()
    assert (alone.confidence < leading - 1e-3).any()
    with pytest.raises(ValueError, match="missing evidence: needs music-network or harmony"):
        projection.read({"lyrics": blocks[HARMONY]})


def derived(index: Path) -> list[tuple[object, ...]]:
    """Whatever follows from evidence."""
    with open_store(index) as store:
        return [
            *store.all("SELECT probabilities, valence, arousal, confidence FROM segments ORDER BY track, position"),
            *store.all("SELECT probabilities, valence, arousal, confidence FROM tracks ORDER BY id"),
            *store.all("SELECT segments, whole FROM vectors ORDER BY track"),
        ]


def test_reading_the_evidence_again_gives_the_bytes_of_listening(made: Made, tmp_path: Path) -> None:
    index, music = tmp_path / "index", tmp_path / "music"
    shutil.copytree(made.index, index)
    shutil.copytree(made.music, music)
    listened = derived(index)
    with open_store(index, write=True) as store, store.transaction():
        store.sign(dataclasses.replace(pipeline.current_model(), version="0", sha256="0" * 64))
        store.execute("UPDATE segments SET valence = 0, arousal = 0, confidence = 0.5")
        store.execute("UPDATE tracks SET valence = 0, arousal = 0, confidence = 0.5")
    assert derived(index) != listened
    report = pipeline.build_index([music], index, jobs=1, device="cpu")
    assert (report.projected, report.unchanged, report.completed) == (2, 2, 0)
    assert derived(index) == listened


def test_a_quiet_intro_that_sounds_unlike_the_rest_keeps_its_own_reading() -> None:
    intro, song = np.zeros((2, 4), np.float32), np.full((3, 4), 9.0, np.float32)
    rows = np.concatenate([intro, song])
    found = in_context({"x": rows}, np.ones(5, np.float32), (5,), by=rows)["x"]
    np.testing.assert_allclose(found, rows, atol=1e-6)


def test_a_stretch_among_its_likes_is_read_as_their_mean() -> None:
    rows = np.array([[0.0], [0.3], [0.6]], np.float32)
    found = in_context({"x": rows}, np.ones(3, np.float32), (3,), by=np.zeros((3, 1), np.float32))["x"]
    np.testing.assert_allclose(found[:, 0], [0.15, 0.3, 0.45], atol=1e-6)


def test_neither_another_track_nor_silence_is_context() -> None:
    rows = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    alike = np.zeros((4, 1), np.float32)
    found = in_context({"x": rows}, np.array([1, 1, 1, 0], np.float32), (2, 2), by=alike)["x"]
    np.testing.assert_allclose(found[:, 0], [0.5, 0.5, 2.0, 2.5], atol=1e-6)
    with pytest.raises(ValueError, match="must add up to 4"):
        in_context({"x": rows}, np.ones(4, np.float32), (3,), by=alike)


def test_tracks_read_the_same_bytes_together_and_one_by_one(
    projection: MusicProjection, blocks: dict[str, FloatArray]
) -> None:
    counts = [1, 2, 40, N_ROWS - 43]
    whole = columns(projection.read(blocks, counts))
    ends = np.cumsum(counts).tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        alone = columns(projection.read(part(blocks, start, end), (end - start,)))
        assert [column.tobytes() for column in alone] == [column[start:end].tobytes() for column in whole]
