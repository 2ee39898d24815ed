"""OpenVINO, where it is installed: whether it is to run the networks, and what all of them need from it.

It takes 0.1 s to import where torch takes 1.0, and runs the same layers in less time on a CPU. Networks are made from
their weights in each process (0.05 to 0.36 s); nothing is converted or kept on disk. They run in 8-bit integers where
`eight_bit` says so, else in bf16 where the processor is quicker with it, as in torch. OpenVINO reports to its makers
when it is imported and whenever it converts something; here that part of it is left out.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import platform
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from soundtrack.processes.platform import has_slow_bf16
from soundtrack.processes.surroundings import n_network_threads
from soundtrack.types import FloatArray

if TYPE_CHECKING:
    import openvino

Floats = Literal["f32", "bf16"]
Precision = Literal["f32", "bf16", "int8"]
"""What a network computes with, as OpenVINO names it."""

_REPORTING = "openvino_telemetry"
_MACHINES = ("x86_64", "AMD64")
_NEEDED = {"AVX2", "X86_V3"}
"""Names that numpy has had for AVX2."""
_GPU_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_AMD_DEVICE = Path("/dev/kfd")


def runs_networks(device: str) -> bool:
    """Whether OpenVINO runs the networks: on a CPU, where it is installed and works; torch does otherwise.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        As asked for; with ``auto``, a GPU goes to torch.
    """
    return may_run_networks(device) and not _given_up and problem() is None


def may_run_networks(device: str) -> bool:
    """Whether OpenVINO is to run the networks if it works, which is found out by importing it; otherwise as above."""
    return _is_installed() and (device == "cpu" or (device == "auto" and not _may_have_gpu()))


@cache
def problem() -> str | None:
    """Why OpenVINO cannot be used; None where it can, and an empty text where it is not installed."""
    if not _is_installed():
        return ""
    try:
        core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        opset()
    except Exception as error:  # it is optional: whatever is wrong with it, torch does the work
        return _give_up(error)
    return None


_Made = TypeVar("_Made")
_given_up: list[str] = []
"""Why torch runs the networks of this process although OpenVINO is installed; at most one text."""


def attempt(make: Callable[[], _Made]) -> _Made | None:
    """A network that OpenVINO runs; None where it cannot, and then torch runs all that follow in this process."""
    try:
        return make()
    except Exception as error:  # as above
        _give_up(error)
        return None


def given_up() -> str | None:
    """Why torch runs the networks of this process although OpenVINO is installed, if that was found out."""
    return next(iter(_given_up), None)


def try_out() -> str | None:
    """Why OpenVINO cannot be used, by compiling and running one operation; None where it can or is not installed."""

    def run() -> bool:
        entry = opset().parameter([1, 1], np.float32)
        return bool(Compiled([opset().relu(entry)], entry)(np.ones((1, 1), np.float32)))

    return problem() if problem() is not None or attempt(run) else given_up()


def give_up(reason: str) -> None:
    """Note why torch runs the networks; a process that works for this one may have found that out."""
    _given_up[:] = [reason]


def _give_up(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    give_up(lines[0] if lines else type(error).__name__)
    return _given_up[0]


def _is_installed() -> bool:
    """Whether the package is there, for a processor that it is quick on; it is not imported for this."""
    return _suits_processor() and importlib.util.find_spec("openvino") is not None


@cache
def _suits_processor() -> bool:
    """Whether OpenVINO has quick layers for this processor: without AVX2 the picture network takes 60 times as long.

    Processors of other kinds than x86 were not measured.
    """
    known = np.show_config(mode="dicts")["SIMD Extensions"]
    return platform.machine() in _MACHINES and bool(_NEEDED & {*known["baseline"], *known["found"]})


@cache
def load() -> Any:
    """The package ``openvino``, without the part that reports its use over the network."""
    if _REPORTING not in sys.modules:
        sys.modules[_REPORTING] = None  # type: ignore[assignment]  # importing it fails, for which OpenVINO has a stub
    return importlib.import_module("openvino")


def opset() -> Any:
    """Its operations, in the version that the networks are written in."""
    load()
    return importlib.import_module("openvino.opset13")


@cache
def core() -> openvino.Core:
    """What compiles networks; one for the process."""
    return load().Core()


@cache
def _may_have_gpu() -> bool:
    """Whether there is a driver that torch could use."""
    for name in _GPU_DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return _AMD_DEVICE.exists()


def quick_floats() -> Floats:
    """The quicker floats of this processor."""
    has_bf16 = "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if has_bf16 and not has_slow_bf16() else "f32"


def constant(values: FloatArray) -> Any:
    """Weights as part of a network."""
    return opset().constant(np.ascontiguousarray(values, np.float32))


class Compiled:
    """A network, ready to run.

    Parameters
    ----------
    outputs : sequence of openvino.Node
        What it gives.
    entry : openvino.Node
        Its one parameter; sides may be open.
    floats : {"f32", "bf16"}, optional
        What it computes with; by default the quicker ones of this processor.
    """

    def __init__(self, outputs: Sequence[Any], entry: Any, *, floats: Floats | None = None) -> None:
        settings = {
            "INFERENCE_PRECISION_HINT": floats or quick_floats(),
            "INFERENCE_NUM_THREADS": n_network_threads(),
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # the same cores decode, and other processes index
        }
        model = load().Model([opset().result(output) for output in outputs], [entry], "network")
        self._request = core().compile_model(model, "CPU", settings).create_infer_request()
        self._n_outputs = len(outputs)

    def __call__(self, batch: np.ndarray) -> tuple[FloatArray, ...]:
        """What it gives for one batch, each of shape (n, k), float32."""
        self._request.infer([np.ascontiguousarray(batch)], share_inputs=True)
        return tuple(np.array(self._request.get_output_tensor(i).data, np.float32) for i in range(self._n_outputs))
