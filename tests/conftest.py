"""Shared fixtures: a seeded generator, the folder of real data, and what may be skipped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from media_made import Made, make_film, make_track

os.environ.setdefault("SOUNDTRACK_CACHE", "0")  # tests watch their films; those of the cache switch it on
os.environ.setdefault("SOUNDTRACK_TASTE", "0")  # tests leave the user's choices alone; those of taste switch it on
# Making text takes more than a second on a machine with other work, and says nothing about the tests.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell runs in the background ignores Ctrl-C, and so would all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng() -> np.random.Generator:
    """The only source of randomness in tests."""
    return np.random.default_rng(20261120)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, where `soundtrack_middle` of the examples may be put."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("soundtrack_middle", None)
    yield folder
    sys.modules.pop("soundtrack_middle", None)


def _data_dir() -> Path | None:
    value = os.environ.get("SOUNDTRACK_DATA")
    return Path(value) if value and Path(value).is_dir() else None


@pytest.fixture
def data_dir() -> Path:
    """Folder of real media; only for tests marked ``needs_data``."""
    folder = _data_dir()
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small film and a small library, listened to by the networks that `soundtrack` ships."""
    from soundtrack import pipeline

    folder = tmp_path_factory.mktemp("made")
    music = folder / "music"
    music.mkdir()
    make_track(music / "bright.flac", tempo_bpm=132, notes_hz=[523.25, 659.26, 783.99, 1046.5])
    make_track(music / "dark.mp3", tempo_bpm=66, notes_hz=[110.0, 130.81, 164.81, 155.56])
    report = pipeline.build_index([music], folder / "index", jobs=1, device="cpu")
    assert report.n_tracks == 2
    return Made(film=make_film(folder / "film.mp4"), music=music, index=folder / "index")


def pytest_report_header() -> str:
    """Which ffmpeg the tests run with; SOUNDTRACK_FFMPEG names another one."""
    from soundtrack.media.locate import ffmpeg_path, ffmpeg_version

    path = ffmpeg_path()
    return "ffmpeg: {}.{} ({})".format(*ffmpeg_version(path) or (0, 0), path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run; in CI a skip that should not be is a failure."""
    in_ci = bool(os.environ.get("CI"))
    for item in items:
        if (
            item.get_closest_marker("needs_data")
            and _data_dir() is None
            and not (in_ci and "SOUNDTRACK_DATA" in os.environ)
        ):
            item.add_marker(pytest.mark.skip(reason="SOUNDTRACK_DATA names no folder of real media"))
        if item.get_closest_marker("needs_cuda"):
            import torch

            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


NEEDED_SKIPS = (
    "no CUDA device",
    "may read everything",
    "it was faster than the signal",
    "ai_edge_litert",
    "an older",
    "networks of faces",
)
"""Parts of reasons that CI accepts: teachers are only with whoever trains, and a run may have one ffmpeg only."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, turn a run with a needless skip red and name the tests."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    accepted = NEEDED_SKIPS if "SOUNDTRACK_DATA" in os.environ else (*NEEDED_SKIPS, "SOUNDTRACK_DATA names no folder")
    skipped = [
        report for report in reporter.stats.get("skipped", ()) if not any(a in str(report.longrepr) for a in accepted)
    ]
    if skipped:
        reporter.ensure_newline()
        for report in skipped:
            reporter.write_line(f"needless skip: {report.nodeid}: {report.longrepr}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
