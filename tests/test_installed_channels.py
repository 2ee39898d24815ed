"""Channels of other packages: found where they are installed, named in the sheet; never from a folder of films."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from media_made import Made
from soundtrack import pipeline
from soundtrack.errors import DependencyError
from soundtrack.export.opinions import opinions_line
from soundtrack.pipeline.installed_channels import installed_channels
from soundtrack.types import ChannelSetup, ClipFormat

SETUP = ChannelSetup("cpu", ClipFormat(16, 8.0, 2.0, 64), 16_000)
CODE = """
import numpy as np
from soundtrack.channels import ClipByClip, digest
from soundtrack.types import Channel, Medium

def toy(setup):
    sha256 = digest("toy", setup.clips)
    channel = Channel("toy-light", "1", Medium.PICTURE, dim=2, sha256=sha256, names=("light", "one"))
    return ClipByClip(channel, lambda clips: np.array([[clip.frames.mean() / 255, 1.0] for clip in clips]))
"""


def install(folder: Path, code: str = CODE, *, package: str = "toy-channel", module: str = "toy_channel_code") -> None:
    """A distribution as pip leaves it."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[soundtrack.channels]\ntoy = {module}:toy\n")
    (folder / f"{module}.py").write_text(code)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in ("toy_channel_code", "toy_broken_code"):
        sys.modules.pop(name, None)


def test_a_package_adds_a_channel_and_its_name_is_in_the_sheet_and_in_why(
    made: Made, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    before = pipeline.analyse_video(made.film, device="cpu")
    install(site)
    sheet = pipeline.analyse_video(made.film, device="cpu")
    for scene, former in zip(sheet.scenes, before.scenes, strict=True):
        (*fitted, toy) = scene.opinions
        assert (tuple(fitted), scene.emotion) == (former.opinions, former.emotion)
        assert (toy.channel, toy.weight, toy.emotion) == ("toy-light", 0.0, None)
        assert [measure.name for measure in toy.measures] == ["light", "one"]
        assert toy.measures[0].value == pytest.approx(scene.film.brightness, abs=0.1)
        assert opinions_line(scene.opinions).endswith("one 1.00, not weighed")


def test_a_channel_that_fails_is_named_with_its_package(site: Path) -> None:
    install(site, "def toy(setup):\n    raise RuntimeError('no light')\n", module="toy_broken_code")
    (found,) = installed_channels()
    with pytest.raises(
        DependencyError, match=r"channel toy of package toy-channel 1\.0 failed: RuntimeError: no light"
    ):
        found.make(SETUP)


def test_no_channel_is_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = tmp_path / "films"
    films.mkdir()
    install(films)
    monkeypatch.chdir(films)
    monkeypatch.setattr(sys, "path", ["", *sys.path, str(films)])
    assert installed_channels() == ()
