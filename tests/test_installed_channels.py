"""Channels of other packages: found where they are installed, named in the sheet; never from a folder of films."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from media_made import Made
from soundtrack import pipeline
from soundtrack.cli.film import cues
from soundtrack.cli.music import library
from soundtrack.documents import cuesheet
from soundtrack.errors import DependencyError
from soundtrack.export.opinions import opinions_line
from soundtrack.library.update.maintenance import index_status
from soundtrack.pipeline.ground.installed_channels import installed_channels
from soundtrack.types import ChannelSetup, ClipFormat, Span

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


TRACK_CODE = """
import numpy as np
from soundtrack.channels import digest
from soundtrack.types import Channel, Evidence, Medium

class Loud:
    channel = Channel("toy-loud", "1", Medium.TRACK, dim=1, sha256=digest("loud"), names=("loud",))

    def read(self, sound, spans):
        piece = [sound[int(span.start_s * 16_000) : int(span.end_s * 16_000)] for span in spans]
        return Evidence(self.channel, tuple(spans), np.array([[np.abs(p).mean()] for p in piece], np.float32))

def toy(setup):
    return Loud()
"""


OTHER = """
OTHER = Channel("toy-other", "1", Medium.TRACK, dim=1, sha256=digest("other"))
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
    for name in ("toy_channel_code", "toy_broken_code", "toy_track_code"):
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
        assert opinions_line(scene.opinions).endswith("one 1.00, not weighted")


@pytest.mark.parametrize("raised", ["RuntimeError", "SystemExit"])
def test_a_channel_that_fails_is_named_with_its_package(site: Path, raised: str) -> None:
    install(site, f"def toy(setup):\n    raise {raised}('no light')\n", module="toy_broken_code")
    (found,) = installed_channels()
    with pytest.raises(DependencyError, match=rf"channel toy of package toy-channel 1\.0 failed: {raised}: no light"):
        found.make(SETUP)


def test_no_channel_is_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = tmp_path / "films"
    films.mkdir()
    install(films)
    monkeypatch.chdir(films)
    monkeypatch.setattr(sys, "path", ["", *sys.path, str(films)])
    assert installed_channels() == ()


@pytest.mark.slow
def test_a_package_adds_a_channel_of_tracks_that_listens_for_itself_alone_and_is_shown(
    made: Made, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    index, sheet = tmp_path / "index", tmp_path / "cues.json"
    pipeline.build_index([made.music], index, jobs=1, device="cpu")
    install(site, TRACK_CODE, module="toy_track_code")
    assert index_status(index, channels=pipeline.music_channels())["incomplete"] == 2
    stages: list[str] = []
    report = pipeline.build_index([], index, jobs=1, device="cpu", progress=lambda stage, *_: stages.append(stage))
    assert (report.unchanged, report.completed, report.incomplete) == (2, 2, 0)
    assert {stage for stage in stages if ":" in stage} == {"indexing again: bright.flac", "indexing again: dark.mp3"}

    library.show_track(str(made.music / "dark.mp3"), index=index, as_json=True)
    (first, *_) = json.loads(capfd.readouterr().out)["segments"]
    said = {its["channel"]: its for its in first["opinions"]}
    toy, fitted = said["toy-loud"], [said[name] for name in ("harmony", "music-network")]
    assert sum(its["weight"] for its in fitted) == pytest.approx(1.0, abs=2e-3)
    assert (toy["channel"], toy["weight"], toy["measures"]["loud"] > 0) == ("toy-loud", 0.0, True)
    library.show_track(str(made.music / "dark.mp3"), index=index)
    assert "toy loud: loud 0." in capfd.readouterr().out

    scored = pipeline.spot_video(pipeline.analyse_video(made.film, device="cpu"), index=index)
    sheet.write_text(cuesheet.dumps(scored))
    cues.show(str(sheet), why=True, index=index)
    (line, *_) = [line for line in capfd.readouterr().out.splitlines() if line.startswith("  music from")]
    assert "music network: " in line
    assert "toy loud: loud 0." in line and ", not weighted" in line
    cues.show(str(sheet), why=True, index=tmp_path / "none")
    assert "music from" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (TRACK_CODE.replace("[[np.abs(p).mean()] for p in piece]", "[[1.0]]"), "ValueError: features of toy-loud must"),
        (
            TRACK_CODE.replace('dim=1, sha256=digest("loud"), names=("loud",)', 'dim=2, sha256=digest("loud")').replace(
                "Evidence(self.channel", "Evidence(OTHER"
            )
            + OTHER,
            "`read` must return (2, 2)",
        ),
        (TRACK_CODE.replace("return Evidence", "return str"), "TypeError"),
        (TRACK_CODE.replace("def read", "def reads"), "TypeError: method `read`, required for music, is missing"),
    ],
    ids=["rows", "width", "kind", "no read"],
)
def test_a_channel_of_tracks_that_fails_is_named_with_its_package(site: Path, code: str, cause: str) -> None:
    install(site, code, module="toy_track_code")
    (found,) = installed_channels()
    made = found.make_for_track(SETUP)
    with pytest.raises(DependencyError) as raised:
        made.read(np.zeros(48_000, np.float32), [Span(0, 1), Span(1, 3)])
    assert str(raised.value).startswith("channel toy of package toy-channel 1.0 failed: ")
    assert cause in str(raised.value)


def test_two_channels_of_tracks_with_one_name_are_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    install(site, TRACK_CODE.replace("toy-loud", "harmony"), module="toy_track_code")
    with pytest.raises(DependencyError, match="duplicate channel name harmony"):
        pipeline.music_channels()
