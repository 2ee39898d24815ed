"""What runs the networks, and what a network is to those who use it.

OpenVINO runs them on a CPU where it is installed, torch everywhere else. Both take weights from the same files, and
their outputs agree within the numbers that they calculate in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from soundtrack.networks.face_layers import FaceRuns, made
from soundtrack.networks.runs import openvino_core
from soundtrack.types import ByteArray, FloatArray


class PictureRun(Protocol):
    """The picture network, ready to run."""

    @property
    def device(self) -> str:
        """Where it runs: ``cpu`` or ``cuda``."""
        ...

    @property
    def is_flat(self) -> bool:
        """Whether no convolution looks at neighbouring frames."""
        ...

    def features(self, clips: ByteArray, /) -> FloatArray:
        """Pooled vectors, float32, shape (n, n_features); `clips` (n, t, side, side, 3), uint8 RGB, n at least 1."""
        ...


class MusicRun(Protocol):
    """The music network, ready to run."""

    def features(self, patches: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Features (n, n_features) and logits of the sound classes (n, n_sounds) of patches (n, frames, n_mels)."""
        ...


class StillRun(Protocol):
    """The network for stills, ready to run."""

    def features(self, pictures: ByteArray, /) -> FloatArray:
        """Pooled numbers, float32, shape (n, 1280); `pictures` (n, 260, 260, 3), uint8 RGB."""
        ...


def still_run() -> StillRun:
    """The network for stills, which always runs on the CPU.

    Raises
    ------
    DependencyError
        A package that it needs is missing, or is another than the one tested.
    """
    if openvino_core.runs_networks("cpu"):
        from soundtrack.networks.runs.stills_openvino import OpenVinoStills

        if (run := openvino_core.attempt(OpenVinoStills)) is not None:
            return run
    from soundtrack.networks.runs.stills_torch import StillNetwork

    return StillNetwork.load()


def face_runs(arrays: Mapping[str, FloatArray]) -> FaceRuns:
    """The networks of faces, made of their weights by name; they always run on the CPU."""
    if openvino_core.runs_networks("cpu"):
        from soundtrack.networks.runs.faces_openvino import OpenVinoFaces

        if (runs := openvino_core.attempt(lambda: made(OpenVinoFaces(arrays)))) is not None:
            return runs
    from soundtrack.networks.runs.faces_torch import TorchFaces

    return made(TorchFaces(arrays))


def load_library(device: str) -> None:
    """Load what runs the networks, without delaying signals.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        As asked for.
    """
    if not openvino_core.runs_networks(device):
        from soundtrack.networks.loading import load_torch_library

        load_torch_library()


def modules_of_music(device: str) -> tuple[str, ...]:
    """What a process that is going to run the music network imports, or one from which such processes are forked.

    Nothing is imported to find out: where OpenVINO is there and turns out not to work, the process itself loads torch.
    """
    if openvino_core.may_run_networks(device):
        return ("soundtrack.networks.runs.openvino_ready", "soundtrack.networks.runs.music_openvino")
    return ("soundtrack.networks.runs.music_torch",)
