"""Pictures of 4K and 8K, ten thousand files, a hundred thousand tracks: done, and in bounded memory.

Times depend on what else the machine does, so bounds are ten times what a quiet one of two cores takes; what it takes
stands in ``docs/architecture.md``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from media_made import Made
from odd_files import ffmpeg
from soundtrack.documents import scenesheet
from soundtrack.library.identity import QuickKey
from soundtrack.library.search.library_view import open_library, write_vectors
from soundtrack.library.store.store import Store, open_store
from soundtrack.library.update.build import build_index
from soundtrack.media.checking.verify import compare_streams

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SECONDS = 2
H264 = ["-c:v", "libx264", "-preset", "ultrafast"]
HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"]
PEAK_MIB = 1500
_MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "soundtrack", *sys.argv[1:]], stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(done.returncode)
"""


def peak_mib(*words: str | Path) -> int:
    """Run a command; the most memory of any one of its processes that were waited for."""
    done = subprocess.run([sys.executable, "-c", _MEASURED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.parametrize("codec", [H264, HEVC], ids=["h264", "hevc"])
@pytest.mark.parametrize("size", ["3840x2160", "7680x4320"], ids=["4K", "8K"])
def test_pictures_of_4k_and_8k_are_scored(size: str, codec: list[str], made: Made, tmp_path: Path) -> None:
    film, scenes, scored = (tmp_path / name for name in ("film.mp4", "scenes.json", "scored.mp4"))
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=24:d={SECONDS}"]
    ffmpeg(*picture, *codec, "-pix_fmt", "yuv420p", film)
    assert peak_mib("scenes", film, "-o", scenes, "-q") < PEAK_MIB
    sheet = scenesheet.loads(scenes.read_text())
    assert f"{sheet.film.width_px}x{sheet.film.height_px}" == size
    assert sheet.film.duration_s == pytest.approx(SECONDS, abs=0.1)
    assert peak_mib("score", film, "-o", scored, "--index", made.index, "-q") < PEAK_MIB
    assert compare_streams(film, scored).is_same


def test_ten_thousand_small_files_are_indexed(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    for n in range(10_000):
        path = folder / f"{n // 100:03}" / f"{n}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("bad" if n % 1_000 == 7 else f"song {n} 1")
    began_s = sum(os.times()[:4])
    report = build_index([folder], tmp_path / "index", model=fake.MODEL, make_listener=fake.make_listener, jobs=2)
    assert sum(os.times()[:4]) - began_s < 250  # of the processor, children included: others may be busy too
    assert (report.added, len(report.skipped)) == (9_990, 10)
    again = build_index([folder], tmp_path / "index", model=fake.MODEL, make_listener=fake.make_listener, jobs=2)
    assert (again.unchanged, again.added) == (9_990, 0)


def test_a_library_of_a_hundred_thousand_tracks_is_opened_searched_and_changed(tmp_path: Path) -> None:
    heard = fake.song(1, 3)
    rng = np.random.default_rng(1)
    n = 100_000
    index = tmp_path / "index"
    index.mkdir()

    def track_id(i: int) -> str:
        return f"{i:064x}"

    def save(store: Store, i: int) -> None:
        vectors = rng.normal(size=(3, fake.DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.save_track(track_id(i), replace(heard, vectors=vectors), dim=fake.DIM)
        store.place(Path(f"/music/{i}.mp3"), track_id(i), QuickKey(1, i, 1, 1))

    with open_store(index, write=True) as store:
        store.require_model(fake.MODEL)
        with store.transaction():
            for i in range(n):
                save(store, i)
        write_vectors(store)
    began_s = time.process_time()
    with open_library(index, model=fake.MODEL) as library:
        assert time.process_time() - began_s < 20
        assert len(library) == 3 * n
        query = rng.normal(size=(1, fake.DIM)).astype(np.float32)
        began_s = time.process_time()
        for _ in range(20):
            (hits,) = library.search(query / np.linalg.norm(query), 64)
        assert time.process_time() - began_s < 20 * 0.2
        assert len(hits) == 64
    first = hits[0].track_id
    with open_store(index, write=True) as store:
        began_s = time.process_time()
        with store.transaction():
            store.forget_track(first)
            save(store, n)
        write_vectors(store)
        assert time.process_time() - began_s < 120
    with open_library(index, model=fake.MODEL) as library:
        assert len(library) == 3 * n
        assert first not in library.track_ids
        assert track_id(n) in library.track_ids
        (hits,) = library.search(query / np.linalg.norm(query), 64)
        assert first not in {hit.track_id for hit in hits}
