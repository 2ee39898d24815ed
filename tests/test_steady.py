"""A film that is replaced, changed or removed while it is read: nothing is made of two films."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from media_made import Made
from soundtrack import pipeline
from soundtrack.errors import InputError, SoundtrackError
from soundtrack.media.reading.probe import probe
from soundtrack.media.reading.steady import steady


@pytest.mark.parametrize("stage", ["watching", "mixing"])
def test_a_film_replaced_by_another_of_the_same_length_got_the_music_of_the_first(
    made: Made, tmp_path: Path, stage: str
) -> None:
    film = tmp_path / "in" / "film.mp4"
    film.parent.mkdir()
    shutil.copy2(made.film, film)
    seen: list[str] = []

    def replaced(now: str, *_: object) -> None:
        if now == stage and stage not in seen:
            os.utime(film, ns=(0, 0))  # of a copy that took its place
        seen.append(now)

    out = tmp_path / "out" / "film.mp4"
    out.parent.mkdir()
    with pytest.raises(InputError, match="was replaced or changed while it was read") as raised:
        pipeline.score_video(film, out=out, index=made.index, device="cpu", progress=replaced)
    assert stage in seen and "again" in raised.value.hint
    assert list(out.parent.iterdir()) == []


def test_what_fails_because_the_film_was_removed_says_so(made: Made, tmp_path: Path) -> None:
    film = Path(shutil.copy2(made.film, tmp_path / "film.mp4"))
    info = probe(film)
    with steady(info):
        pass
    with pytest.raises(SoundtrackError, match="other error"), steady(info):
        raise SoundtrackError("other error", hint="")
    film.unlink()
    with pytest.raises(InputError, match="was removed while it was read"), steady(info):
        raise SoundtrackError("other error", hint="")
