"""Captions: what a picture says as a request in words, and whether words and picture agree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import soundtrack
from made_up import state
from media_made import Made
from soundtrack.cli.app import main
from soundtrack.errors import UsageError
from soundtrack.pipeline.pictured import scene_caption
from soundtrack.queries.caption import WORDS, caption
from soundtrack.queries.resolve import understand
from soundtrack.queries.vocabulary import Known
from soundtrack.types import EMOTIONS


@pytest.mark.parametrize("mood", EMOTIONS)
@pytest.mark.parametrize("tempo_bpm", [None, 60.0, 100.0, 140.0])
@pytest.mark.parametrize("speech_share", [0.0, 0.9])
def test_every_caption_is_a_request_that_is_understood(mood: str, tempo_bpm: float | None, speech_share: float) -> None:
    text = caption(state(mood), tempo_bpm=tempo_bpm, speech_share=speech_share)
    query = understand(text, Known(frozenset({"vocals"})))
    assert len(query.clauses) == len(text.split(", "))
    assert ("slow" in text) == (tempo_bpm == 60.0) and ("fast" in text) == (tempo_bpm == 140.0)
    assert ("instrumental" in text) == (speech_share > 0.5)
    assert query.mood() is not None


def test_words_are_of_the_mood_and_cutting_makes_it_fast() -> None:
    assert caption(state("Sad")) in WORDS
    assert scene_caption(state("Excited"), cuts_per_min=40).startswith("fast, ")
    assert scene_caption(state("Relaxation")).startswith("slow, ")


def test_a_picture_is_captioned_and_its_words_are_compared_with_its_music(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 48), (60, 60, 80)).save(tmp_path / "a.png")
    command = ["soundtrack", "search", "--picture", str(tmp_path / "a.png"), "--index", str(made.index)]
    for more in (["--json"], []):
        monkeypatch.setattr("sys.argv", [*command, "--device", "cpu", *more])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        out = capfd.readouterr().out
        if more:
            (found,) = json.loads(out)
            assert found["caption"] and found["caption_agrees"] in (True, False)
        else:
            assert "caption" in out.splitlines()[0] and found["caption"] in out


def test_a_picture_is_searched_from_python_as_on_the_command_line(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 48), (180, 60, 80)).save(picture)
    found = soundtrack.search(picture=str(picture), n=2, index=made.index, device="cpu")
    command = ["soundtrack", "search", "--picture", str(picture), "--index", str(made.index), "-n", "2", "--json"]
    monkeypatch.setattr("sys.argv", [*command, "--device", "cpu"])
    with pytest.raises(SystemExit):
        main()
    (shown,) = json.loads(capfd.readouterr().out)
    assert [f.track.track_id for f in found] == [f["track_id"] for f in shown["tracks"]]
    np.testing.assert_allclose([f.similarity for f in found], [f["similarity"] for f in shown["tracks"]], atol=1e-4)
    with pytest.raises(UsageError, match="one search criterion"):
        soundtrack.search(picture=picture, mood="sad", index=made.index)
