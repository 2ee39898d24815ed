"""No file of a user is ever lost: every command and every option that writes, pointed at files of every kind.

What is real: the command line, all checks of targets, the tree with its films, tracks, index, archive and links, and
everything that writes: `safe_write`, stems by ffmpeg, exports, archives. What is not: nothing is analysed, spotted or
mixed; a scored film is a copy of the film with a few more bytes, the scenes and the cue sheet are made up, a picture is
a word, and `eval` stops where its work would begin. Whole runs are in the tests of the commands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import wave
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fake_listener as fake
from made_up import sheet as made_up_sheet
from made_up import small_library
from media_made import ffmpeg
from soundtrack.cli.app import command_line
from soundtrack.documents import cuesheet, scenesheet
from soundtrack.errors import OutputError, SoundtrackError, UsageError
from soundtrack.export import FORMATS, export
from soundtrack.export.page.page import page
from soundtrack.files.kinds import CUE_SHEET, OWN, STEM, TRAINING
from soundtrack.files.safe_write import Together, claim_folder, replacing, write_text
from soundtrack.files.targets import Target, check_targets
from soundtrack.library.update.archive import export_index
from soundtrack.library.update.build import build_index
from soundtrack.media.writing.muxers import container_for
from soundtrack.media.writing.own_mark import FILM, mark, mark_args
from soundtrack.mix.stems import StemWriter
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, SceneSheet, VideoInfo

# --- the door itself ----


def test_one_name_for_two_targets_is_refused_before_either_is_there(tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(tmp_path)
    for twin in (
        tmp_path / "x.mp4",
        tmp_path / "X.MP4",
        tmp_path / "same" / "x.mp4",
        tmp_path / "sub" / ".." / "x.mp4",
    ):
        (tmp_path / "sub").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match="would be written twice"):
            check_targets([Target(tmp_path / "x.mp4", FILM), Target(twin, CUE_SHEET, option="--cues")])


def test_a_dash_is_never_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`score film.mp4 --cues -` left a file named `-`, as did `--html -` and `--log-file -`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="--cues cannot write to stdout"):
        check_targets([Target(Path("-"), CUE_SHEET, option="--cues")])
    with pytest.raises(OutputError, match="--log-file cannot write to stdout"):
        command_line()(["--log-file", "-", "help", "times"], standalone_mode=False)
    check_targets([Target(tmp_path / "-", CUE_SHEET, option="--cues")])
    assert list(tmp_path.iterdir()) == []


def test_a_dash_as_the_output_of_a_document_is_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`scenes film.mp4 -o - | spot -` waited for nothing: the sheet went to a file named `-`."""
    monkeypatch.chdir(tmp_path)
    cues = spot_cues(made_up_sheet([("Sad", 20.0), ("Excited", 20.0)]), small_library())
    Path("film.cues.json").write_text(cuesheet.dumps(cues))
    command_line()(["cues", "export", "film.cues.json", "--to", "csv", "-o", "-"], standalone_mode=False)
    assert capfd.readouterr().out.startswith("cue,usage,")
    assert [path.name for path in tmp_path.iterdir()] == ["film.cues.json"]


@pytest.mark.parametrize("folder", ["new films", "it's", "~"])
def test_the_command_of_a_hint_makes_the_folder_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """`mkdir -p new films` made two folders, and the next run failed again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(OutputError) as error:
        check_targets([Target(Path(folder) / "out.mp4", FILM)])
    command = (error.value.hint or "").split("`")[1]
    subprocess.run(command, shell=True, check=True)
    check_targets([Target(Path(folder) / "out.mp4", FILM)])


def test_a_target_cannot_be_the_folder_of_another(tmp_path: Path) -> None:
    stem = Target(tmp_path / "x.mp4" / "x.MX.flac", STEM, option="--stems", makes_folder=True)
    with pytest.raises(UsageError, match="both a file and a folder"):
        check_targets([Target(tmp_path / "x.mp4", FILM), stem])


def test_a_missing_folder_is_made_only_where_that_is_said_and_only_its_last_level(tmp_path: Path) -> None:
    check_targets([Target(tmp_path / "a" / "x", OWN, makes_folder=True)])
    for target in (Target(tmp_path / "a" / "x", OWN), Target(tmp_path / "a" / "b" / "x", OWN, makes_folder=True)):
        with pytest.raises(OutputError, match="does not exist"):
            check_targets([target])


@pytest.mark.parametrize("name", ["/", ".", "..", "", "sub/.."])
def test_a_folder_is_called_one_whatever_its_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="is a folder"):
        check_targets([Target(Path(name), FILM)], force=True)


def test_a_file_of_another_kind_that_appears_while_the_work_is_done_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    with pytest.raises(OutputError, match="is not a cue sheet"), replacing(target, kind=CUE_SHEET, force=True) as part:
        part.write_text("new")
        target.write_text("somebody's")
    assert target.read_text() == "somebody's"
    with pytest.raises(OutputError, match="is not a cue sheet"):
        write_text(target, "new", kind=CUE_SHEET, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_files_that_are_known_are_asked_for_only_where_a_target_is_there(tmp_path: Path) -> None:
    def known() -> Iterator[Path]:
        yield tmp_path / "track"

    def never() -> Iterator[Path]:
        raise AssertionError("asked")

    check_targets([Target(tmp_path / "x", OWN)], known=never, force=True)
    (tmp_path / "track").touch()
    os.link(tmp_path / "track", tmp_path / "x")
    with pytest.raises(UsageError, match="input itself"):
        check_targets([Target(tmp_path / "x", OWN)], known=known, force=True)


# --- every command at every file ----


@dataclass(frozen=True)
class Tree:
    """A folder with files of every kind."""

    folder: Path
    scenes: SceneSheet
    cues: CueSheet

    def state(self) -> dict[str, tuple[str, str]]:
        """What every name in it holds."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = os.fsencode(path.readlink())
            else:
                content = path.read_bytes() if stat.S_ISREG(mode) else b""
            found[str(path.relative_to(self.folder))] = (oct(stat.S_IFMT(mode)), hashlib.sha256(content).hexdigest())
        return found


SAME_KIND = {
    "film": {"scored.mkv"},
    "cue sheet": {"other.cues.json", "film.cues.json"},
    "scene sheet": {"scenes.json", "old.scenes.json"},
    "archive": {"carried.zip"},
    "page": {"page.html"},
    "png": {"plot.png", "photo.png", "still.png"},
    "svg": {"plot.svg"},
    **{name: {f"export.{name}"} for name in FORMATS},
    "nothing": set[str](),
}
"""What may be replaced with --force by what kind of file."""

OTHERS = {
    "labels.csv": "file,class,source_id\nfilm.mp4,Sad,a\nsecond.mkv,Excited,b\n",
    "ratings.csv": "file,valence,arousal\nstill.png,0.1,0.2\n",
    "config.toml": "",
    "notes.txt": "notes\n",
    "package.json": '{"name": "x"}',
    "empty": "",
    "films.list": "film.mp4",
    "list.m3u8": "music/0.mp3\n",
    "web.html": "<!DOCTYPE html><title>x</title>",
    "table.csv": "a,b\n1,2\n",
    "drawing.svg": "an <svg> in words",
    "project.mlt": "<?xml version='1.0'?><project/>",
    "model.safetensors": "x",
}
"""Files of other programs."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Films, tracks, sheets, an index, an archive, exports, links and files of others."""
    folder = tmp_path_factory.mktemp("tree") / "tree"
    (folder / "music").mkdir(parents=True)
    film = folder / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48:rate=12:duration=1", "-pix_fmt", "yuv420p", film)
    ffmpeg("-i", film, "-c", "copy", folder / "second.mkv")
    ffmpeg("-i", film, "-c", "copy", *mark_args("matroska"), folder / "scored.mkv")
    ffmpeg("-i", film, "-c", "copy", "-f", "matroska", folder / "new.DX.flac")
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(8_000))
    for seed in range(2):
        (folder / "music" / f"{seed}.mp3").write_text(f"song {seed} 2")
    (folder / "new.MX.flac").write_text("song 7 2")
    build_index(
        [folder / "music", folder / "new.MX.flac"],
        folder / "index",
        model=fake.MODEL,
        make_listener=fake.make_listener,
        jobs=1,
    )
    ffmpeg("-i", folder / "voice.wav", "-sample_fmt", "s32", "-ar", "48000", folder / "new.MX.flac")  # like a stem
    export_index(folder / "index", folder / "carried.zip")
    scenes = made_up_sheet([("Sad", 20.0), ("Excited", 20.0)])
    cues = spot_cues(scenes, small_library())
    (folder / "other.cues.json").write_text(cuesheet.dumps(cues) + "\n")
    for name in FORMATS:
        (folder / f"export.{name}").write_text(export(cues, name) + "\n", encoding="utf-8")
    (folder / "page.html").write_text(page(cues) + "\n", encoding="utf-8")
    for name in ("scenes.json", "old.scenes.json"):
        (folder / name).write_text(scenesheet.dumps(scenes) + "\n")
    (folder / "plot.svg").write_text('<?xml version="1.0"?><svg></svg>')
    for name in ("plot.png", "photo.png", "still.png"):
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("photo.jpg", "")
    for name, text in OTHERS.items():
        (folder / name).write_text(text)
    (folder / "link").symlink_to("notes.txt")
    (folder / "link.mp4").symlink_to("film.mp4")
    (folder / "nowhere").symlink_to("gone")
    return Tree(folder, scenes, cues)


def planted(original: Tree, folder: Path) -> Tree:
    """A fresh copy of the tree, hard links and a pipe included; its cue sheet names its own tracks."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original.folder, folder, symlinks=True)
    for name, source in (("hard.mp4", "film.mp4"), ("hard.mp3", "music/0.mp3")):
        os.link(folder / source, folder / name)
    os.mkfifo(folder / "pipe")
    tracks = tuple(replace(track, path=str(folder / "music" / "1.mp3")) for track in original.cues.tracks)
    cues = replace(original.cues, tracks=tracks)
    (folder / "film.cues.json").write_text(cuesheet.dumps(cues) + "\n")
    return Tree(folder, original.scenes, cues)


def commands(tree: Path) -> Iterator[tuple[str, list[str], str]]:
    """What is written, and a command with TARGET in the place of a file to be written."""
    film, index, cues = (str(tree / name) for name in ("film.mp4", "index", "film.cues.json"))
    score = ["score", film, "--index", index]
    render = ["render", film, cues, "--index", index]
    yield "film", [*score, "-o", "TARGET"], "-f"
    yield "cue sheet", [*score, "-o", str(tree / "new.mp4"), "--cues", "TARGET"], "-f"
    yield "nothing", [*score, "-o", str(tree / "new.mp4"), "--stems", "TARGET"], "-f"
    yield "film", [*render, "-o", "TARGET"], "-f"
    yield "cue sheet", [*render, "-o", str(tree / "new.mp4"), "--cues", "TARGET"], "-f"
    yield "nothing", [*render, "-o", str(tree / "new.mp4"), "--stems", "TARGET"], "-f"
    yield "nothing", ["score", "--batch", str(tree / "films.list"), "--index", index, "-o", "TARGET"], "-f"
    yield "scene sheet", ["scenes", film, "-o", "TARGET"], "-f"
    yield "cue sheet", ["spot", str(tree / "scenes.json"), "--index", index, "-o", "TARGET"], "-f"
    for name in FORMATS:
        yield name, ["cues", "export", cues, "--to", name, "-o", "TARGET"], "-f"
    yield "page", ["cues", "show", cues, "--html", "TARGET"], "-f"
    yield "picture", ["cues", "show", cues, "--plot", "TARGET"], "-f"
    yield "archive", ["library", "export", "TARGET", "--index", index], "-f"
    yield "nothing", ["library", "import", str(tree / "carried.zip"), "--index", "TARGET"], "-f"
    yield "nothing", ["index", str(tree / "music"), "--index", "TARGET"], "--rebuild"
    yield "nothing", ["train", "space", str(tree / "labels.csv"), "-o", "TARGET"], "-q"
    yield "nothing", ["demo", "TARGET"], "-q"
    yield "png", ["eval", "labels", str(tree / "labels.csv"), "--plot", "TARGET"], "-f"
    yield "png", ["eval", "va", str(tree / "ratings.csv"), "--plot", "TARGET"], "-f"


@dataclass(frozen=True)
class Report:
    """What is said of a film that was not mixed."""

    path: Path
    sheet: Any
    warnings: tuple[str, ...] = ()

    def summary(self) -> list[str]:
        """Nothing."""
        return []

    def as_dict(self) -> dict[str, object]:
        """Nothing."""
        return {}


def fake_render(
    info: VideoInfo, sheet: Any, out: Path, *, force: bool, stems: Path | None, cues: Path | None, **_: object
) -> Any:
    """Writes a film and stems by the real door, without mixing anything."""
    container_for(out)
    with Together() as files:
        part = files.part(out, kind=FILM, force=force)
        part.write_bytes(info.path.read_bytes() + bytes(8))
        mark(part, "mp4")
        if stems is not None:
            with StemWriter(stems, out.stem, files=files, force=force) as writer:
                writer.restart()
                writer.write(np.zeros((2, 480), np.float32), None)
                writer.finish()
        if cues is not None:
            files.text(cues, cuesheet.dumps(sheet), kind=CUE_SHEET, force=force)
    return Report(out, sheet)


class ReachedError(SoundtrackError):
    """The check let the command pass, and its long work would begin."""


@pytest.fixture
def tree(original: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """The tree, and a command line without what takes long; what checks and what writes is real."""
    tree = planted(original, tmp_path / "tree")
    library = SimpleNamespace(tracks=dict, track_ids=(), playlists=dict, former_names=dict, close=lambda: None)

    def reached(*_: object, **__: object) -> None:
        raise ReachedError("reached", hint="")

    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SOUNDTRACK_CONFIG", str(tree.folder / "config.toml"))
    monkeypatch.setattr("soundtrack.pipeline.film.analyse.Watcher.analyse", lambda *_, **__: tree.scenes)
    for module in ("score", "scorer"):
        monkeypatch.setattr(f"soundtrack.pipeline.{module}.spot_with", lambda *_, **__: tree.cues)
    monkeypatch.setattr("soundtrack.pipeline.given.open_library", lambda *_, **__: library)
    monkeypatch.setattr("soundtrack.library.search.library_view.require_music", lambda *_: None)
    monkeypatch.setattr("soundtrack.mix.render.render_film", fake_render)
    monkeypatch.setattr("soundtrack.export.page.picture.picture", lambda *_, **__: b"a new picture")
    monkeypatch.setattr("soundtrack.yardsticks.plot.check_plotting", lambda: None)
    for name in ("_towers", "_video", "_music"):
        monkeypatch.setattr(f"soundtrack.cli.models.eval.{name}", reached)
    return tree


def run(arguments: Sequence[str]) -> bool:
    """Whether the command ended well."""
    try:
        command_line()(list(arguments), standalone_mode=False)
    except SoundtrackError:
        return False
    return True


@pytest.mark.parametrize("number", range(len(list(commands(Path())))), ids=lambda number: _label(number))  # noqa: PLW0108
def test_nothing_but_a_file_of_the_same_kind_is_ever_replaced(original: Tree, tree: Tree, number: int) -> None:
    before, replaced = tree.state(), set[str]()
    kind, words, force = list(commands(tree.folder))[number]
    files = [name for name, (what, _) in before.items() if what != oct(stat.S_IFDIR)]
    assert len(files) >= 40
    reads = {name for name in files if str(tree.folder / name) in words}
    for name in files:
        written = name.rpartition(".")[2] if kind == "picture" else kind
        allowed = (SAME_KIND.get(written, set()) & {name}) - reads
        for options in ([], [force]):
            target = str(tree.folder / name)
            passed = run([target if word == "TARGET" else word for word in words] + options)
            after = tree.state()
            changed = {path for path in before if after.get(path) != before[path]}
            assert changed <= (allowed if options else set()), (name, options)
            assert not passed or changed, (name, options)  # whatever is refused is said to be
            replaced |= changed
            if after != before:
                planted(original, tree.folder)
    if kind not in ("nothing", "picture", "png"):
        assert replaced == SAME_KIND[kind] - reads  # --force does replace what it may


def _label(number: int) -> str:
    kind, words, _ = list(commands(Path()))[number]
    option = next(word for at, word in enumerate(words) if words[(at + 1) % len(words)] == "TARGET")
    return f"{words[0]}-{option}-{kind}"


def test_stems_beside_a_film_or_a_track_of_their_name_leave_both_alone(tree: Tree) -> None:
    film, index = tree.folder / "film.mp4", tree.folder / "index"
    words = ["score", str(film), "--index", str(index), "-o", str(tree.folder / "new.mp4"), "-f", "--stems"]
    before = tree.state()
    assert not run([*words, str(tree.folder)])  # new.DX.flac is a film there, and new.MX.flac a track of the index
    (tree.folder / "new.DX.flac").rename(tree.folder / "aside")
    assert not run([*words, str(tree.folder)])
    (tree.folder / "aside").rename(tree.folder / "new.DX.flac")
    assert tree.state() == before
    stems = tree.folder / "stems"
    for _ in range(2):  # made if missing, and stems are replaced by stems
        assert run([*words, str(stems)])
        assert sorted(path.name for path in stems.iterdir()) == ["new.DX.flac", "new.MX.flac"]
    assert not run([*words, str(tree.folder / "no" / "such")])


def test_a_training_run_and_the_demo_touch_no_folder_of_others(tree: Tree, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "report.json").write_text("mine")
    with pytest.raises(OutputError, match="contains other files"):
        claim_folder(mine, mark="training.json", text="{}", kind=TRAINING, option="--out DIR")
    shutil.copy(tree.folder / "film.mp4", mine / "film.mp4")
    (mine / "film.scored.mp4").write_text("mine")
    with pytest.raises(OutputError, match="is not the demo film"):
        command_line()(["demo", str(mine)], standalone_mode=False)
    assert (mine / "report.json").read_text() == (mine / "film.scored.mp4").read_text() == "mine"
