"""``soundtrack doctor``: check the installation, with a fix for each problem."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Index
from soundtrack.naming.wording import counted

LOW_DISK_BYTES = 2 * 1024**3
"""Less free space than this is worth a word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    """What was looked at."""
    ok: bool
    """Whether it is as it should be."""
    detail: str
    """What was found."""
    fix: str = ""
    """What to do about it; empty when all is well."""


def doctor(
    index: Index = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON to stdout.")] = False,
) -> None:
    """Check the installation, the index and the disk, and suggest fixes."""
    from soundtrack.cli import output
    from soundtrack.errors import ExitCode

    findings = [finding for look in _LOOKS for finding in look(index)]
    if json:
        with output.product() as stream:
            output.write_json([asdict(finding) for finding in findings], stream)
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else "FAIL"
            sys.stdout.write(f"{mark}  {finding.what}: {output.plain(finding.detail)}\n")
            if finding.fix:
                sys.stdout.write(f"      -> {output.plain(finding.fix)}\n")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(ExitCode.DEPENDENCY)


def _python(_index: Path | None) -> Iterator[Finding]:
    import platform

    from soundtrack import __version__

    yield Finding("soundtrack", True, f"{__version__} on Python {platform.python_version()}, {platform.platform()}")


def _packages(_index: Path | None) -> Iterator[Finding]:
    from importlib import metadata

    for name in ("numpy", "torch", "torchvision", "av", "decord", "scenedetect-headless", "librosa", "faiss-cpu"):
        try:
            yield Finding(f"package {name}", True, metadata.version(name))
        except metadata.PackageNotFoundError:
            # decord has no wheels for many platforms and nothing depends on it being there
            optional = name == "decord"
            yield Finding(f"package {name}", optional, "not installed", "" if optional else f"pip install {name}")


def _ffmpeg(_index: Path | None) -> Iterator[Finding]:
    from soundtrack.errors import SoundtrackError
    from soundtrack.media.locate import ffmpeg_path, ffmpeg_version

    try:
        path = ffmpeg_path()
    except SoundtrackError as error:
        yield Finding("ffmpeg", False, str(error), error.hint)
        return
    version = ffmpeg_version(path)
    shown = "development build" if version is None or version[0] == 999 else f"{version[0]}.{version[1]}"
    yield Finding("ffmpeg", True, f"{path}, {shown}")


def _device(_index: Path | None) -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding("device", True, f"GPU: {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    elif torch.version.cuda is None:
        yield Finding("device", True, f"CPU, {torch.get_num_threads()} threads; torch is built without CUDA")
    else:
        yield Finding("device", True, f"CPU, {torch.get_num_threads()} threads; no CUDA device found")


def _networks(_index: Path | None) -> Iterator[Finding]:
    from importlib import metadata

    from soundtrack.networks.runs.eight_bit import are_exact
    from soundtrack.networks.runs.openvino_core import quick_floats, try_out

    reason = try_out()
    if reason is None:
        version = metadata.version("openvino")
        numbers = "8-bit integers" if are_exact() else {"f32": "float32", "bf16": "bf16"}[quick_floats()]
        yield Finding("networks", True, f"run by OpenVINO {version} in {numbers} on a CPU, by torch on a GPU")
    elif reason:
        hint = "run `pip install --force-reinstall 'openvino>=2025.0,<2027'`"
        yield Finding("networks", True, f"run by torch, since OpenVINO is not usable: {reason}", hint)
    else:
        yield Finding("networks", True, "run by torch; OpenVINO is not installed, or not made for this processor")


def _models(_index: Path | None) -> Iterator[Finding]:
    from soundtrack.emotion.space import JointSpace
    from soundtrack.errors import SoundtrackError

    try:
        ref = JointSpace.load().ref
    except SoundtrackError as error:
        yield Finding("models", False, str(error), error.hint)
        return
    yield Finding("models", True, f"{ref.name} {ref.version}, {ref.dim} dimensions, sha256 {ref.sha256[:12]}")


def _library(index: Path | None) -> Iterator[Finding]:
    from soundtrack import pipeline
    from soundtrack.errors import SoundtrackError
    from soundtrack.library.store.store import open_store

    folder = pipeline.index_dir(index)
    if not folder.exists():
        yield Finding("library", True, f"no index at {folder}", "soundtrack index ~/Music")
        return
    try:
        with pipeline.open_library(index) as library, open_store(folder) as store:
            have = f"{counted(len(library.track_ids), 'track')}, {counted(len(library), 'segment')}"
            n_failed = store.counts()["failures"]
    except SoundtrackError as error:
        yield Finding("library", False, str(error), error.hint)
        return
    failed = f"; {counted(n_failed, 'file')} failed, see `soundtrack index --verbose`" if n_failed else ""
    yield Finding("library", True, f"{folder}: {have}{failed}")


def _disk(index: Path | None) -> Iterator[Finding]:
    import shutil

    from soundtrack import config, pipeline

    folder = pipeline.index_dir(index).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    fix = "" if free >= LOW_DISK_BYTES else "free some disk space; a scored film needs as much space as the original"
    yield Finding("disk", free >= LOW_DISK_BYTES, f"{free / 1024**3:.1f} GiB free at {folder}", fix)
    path = config.config_path()
    yield Finding("configuration", True, f"{path}{'' if path.is_file() else ' (missing; using defaults)'}")


_LOOKS: tuple[Callable[[Path | None], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _ffmpeg,
    _device,
    _networks,
    _models,
    _library,
    _disk,
)
