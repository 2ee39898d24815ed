"""The ImageNet teachers as torch networks, for thousands of views a second on a GPU.

Goes in: the two quantised TFLite files that `picture_teachers` runs on a CPU. Comes out: a module that answers a batch
of views as they do. Weights are read through the interpreter of the files themselves and turned back into real
numbers; what is left out is the rounding of activations to eight bits, which is noise to a student.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.errors import DependencyError, ModelError
from soundtrack.networks.i3d_layers import same_padding
from soundtrack.training.picture.teachers import V1_FILE, V2_FILE, V2_POOL_TENSOR

V1_POOL_TENSOR = "MobilenetV1/Logits/AvgPool_1a/AvgPool"
V2_LOGIT_LAYER = "MobileNetV2/top/Conv2d_1x1_output"
_LEAST_OF_RELU6 = 5.5
"""An activation whose eight bits span zero to about six was clamped there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a network."""

    kind: str
    """``conv``, ``depthwise``, ``add`` or ``pool``."""
    inputs: tuple[int, ...]
    """Numbers of the activations that go in."""
    output: int
    """Number of the activation that comes out."""
    stride: int = 1
    """Of a convolution."""
    is_clamped: bool = False
    """Whether what comes out is cut to 0..6."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the teachers say about a batch of views; units as in `picture_teachers.Answer`."""

    embeddings: Tensor
    """Square roots of both embeddings side by side, shape (n, 2304)."""
    logits: Tensor
    """Shape (n, 1001)."""


class TeacherNetwork(nn.Module):
    """A MobileNet as a list of steps.

    Parameters
    ----------
    steps : sequence of Step
        In order.
    tensors : mapping of name to array
        ``weight.K`` and ``bias.K`` of step K, ``input`` (scale and zero of a pixel) and ``unit`` (size of one step of
        the pooled embedding's eight bits).
    """

    def __init__(self, steps: tuple[Step, ...], tensors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        super().__init__()
        self.steps = steps
        self.scale, self.zero = (float(v) for v in tensors["input"])
        self.unit = float(tensors["unit"])
        for name, values in tensors.items():
            if name.startswith(("weight", "bias")):
                self.register_buffer(name.replace(".", "_"), torch.from_numpy(values.copy()))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """The pooled embedding in units of its eight bits, and the last activation.

        Parameters
        ----------
        views : Tensor, shape=(n, 3, 224, 224)
            RGB in [0, 255].
        """
        x = (views - self.zero) * self.scale
        values = {self.steps[0].inputs[0]: x.contiguous(memory_format=torch.channels_last)}
        pooled = x
        for k, step in enumerate(self.steps):
            y = values[step.inputs[0]]
            if step.kind == "add":
                y = y + values[step.inputs[1]]
            elif step.kind == "pool":
                y = pooled = y.mean(dim=(2, 3), keepdim=True)
            else:
                y = _convolved(y, self.get_buffer(f"weight_{k}"), self.get_buffer(f"bias_{k}"), step)
            values[step.output] = y.clamp(0.0, 6.0) if step.is_clamped else y
        return pooled.flatten(1) / self.unit, y.flatten(1)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor, step: Step) -> Tensor:
    """SAME convolution, each channel by itself where the step says so."""
    kernel = weight.shape[-1]
    before, after = same_padding(x.shape[-1], kernel, step.stride)
    n_groups = x.shape[1] if step.kind == "depthwise" else 1
    if before == after:
        return F.conv2d(x, weight, bias, step.stride, before, groups=n_groups)
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, bias, step.stride, groups=n_groups)


class TeacherNetworks(nn.Module):
    """Both teachers; make one with `read_teachers` or `load`."""

    def __init__(self, v1: TeacherNetwork, v2: TeacherNetwork) -> None:
        super().__init__()
        self.v1, self.v2 = v1, v2

    def forward(self, views: Tensor) -> Answers:
        """What both say about views (n, 3, 224, 224), RGB in [0, 255]."""
        one, _ = self.v1(views)
        two, logits = self.v2(views)
        embeddings = torch.cat([one, two], dim=1).float().clamp_min(0.0).sqrt()
        return Answers(embeddings, logits.float())


Parts = dict[str, tuple[tuple[Step, ...], dict[str, npt.NDArray[np.float32]]]]


def teachers_of(parts: Parts) -> TeacherNetworks:
    """Networks from what `read_parts` found."""
    return TeacherNetworks(TeacherNetwork(*parts["v1"]), TeacherNetwork(*parts["v2"]))


def read_teachers(folder: Path) -> TeacherNetworks:
    """Both networks of a folder with the two ``.tflite`` files, float32, on the CPU.

    Raises
    ------
    DependencyError
        The interpreter that reads them is not installed.
    ModelError
        A file is missing.
    """
    return teachers_of(read_parts(folder))


def read_parts(folder: Path) -> Parts:
    """Steps and weights of both networks."""
    return {
        "v1": _read(folder / V1_FILE, pool=V1_POOL_TENSOR, last=V1_POOL_TENSOR),
        "v2": _read(folder / V2_FILE, pool=V2_POOL_TENSOR, last=V2_LOGIT_LAYER),
    }


def _read(path: Path, *, pool: str, last: str) -> tuple[tuple[Step, ...], dict[str, npt.NDArray[np.float32]]]:
    """Steps and weights of one file, up to the step that writes `last`."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise DependencyError(
            "--teachers requires the package ai-edge-litert", hint="run `pip install ai-edge-litert`"
        ) from error
    if not path.is_file():
        raise ModelError(f"{path} is missing", hint="give the folder with --teachers FOLDER")
    network: Any = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
    network.allocate_tensors()
    details = {d["index"]: d for d in network.get_tensor_details()}
    scale, zero = network.get_input_details()[0]["quantization"]
    tensors = {"input": np.array([scale, zero], np.float32)}
    steps: list[Step] = []
    for op in network._get_ops_details():
        name = op["op_name"]
        ins, out = [int(i) for i in op["inputs"]], details[int(op["outputs"][0])]
        k = len(steps)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            is_deep = name != "CONV_2D"
            weight, bias = (_real(network.get_tensor(i), details[i]) for i in ins[1:3])
            order = (3, 0, 1, 2) if is_deep else (0, 3, 1, 2)
            tensors[f"weight.{k}"] = np.ascontiguousarray(weight.transpose(order))
            tensors[f"bias.{k}"] = bias
            stride = int(details[ins[0]]["shape"][1]) // int(out["shape"][1])
            steps.append(
                Step("depthwise" if is_deep else "conv", (ins[0],), out["index"], stride, is_clamped=_is_relu6(out))
            )
        elif name == "ADD":
            steps.append(Step("add", (ins[0], ins[1]), out["index"]))
        elif name in ("AVERAGE_POOL_2D", "MEAN"):
            tensors["unit"] = np.array(out["quantization"][0], np.float32)
            steps.append(Step("pool", (ins[0],), out["index"]))
        if last in out["name"] and name in ("CONV_2D", "AVERAGE_POOL_2D", "MEAN"):
            break
    if "unit" not in tensors or not any(pool in details[step.output]["name"] for step in steps):
        raise ModelError(f"{path} is not the expected network", hint="give the folder with --teachers FOLDER")
    return tuple(steps), tensors


def _real(values: npt.NDArray[Any], detail: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """Real numbers of a quantised tensor, channel by channel where it was quantised so."""
    words = detail["quantization_parameters"]
    shape = [1] * values.ndim
    if len(words["scales"]) > 1:
        shape[words["quantized_dimension"]] = -1
    scales, zeros = words["scales"].reshape(shape), words["zero_points"].reshape(shape)
    return np.asarray((values.astype(np.float32) - zeros) * scales, np.float32)


def _is_relu6(detail: Mapping[str, Any]) -> bool:
    """Whether the eight bits of an activation span 0 to 6."""
    scale, zero = detail["quantization"]
    least = 0 if detail["dtype"] == np.uint8 else -128
    return bool(zero == least and _LEAST_OF_RELU6 < scale * 255 < 6.5)


def as_bytes(parts: Parts) -> bytes:
    """Steps and weights as one file without code in it, for a machine that lacks the interpreter."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, (steps, tensors) in parts.items():
        rows = [(s.kind, ",".join(map(str, s.inputs)), s.output, s.stride, int(s.is_clamped)) for s in steps]
        arrays[f"{name}/steps"] = np.array([[str(v) for v in row] for row in rows])
        halves = {k: v.astype(np.float16) if k.startswith("weight") else v for k, v in tensors.items()}
        arrays |= {f"{name}/{key}": value for key, value in halves.items()}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_bytes(data: bytes) -> Parts:
    """What `as_bytes` wrote."""
    parts: Parts = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        for name in ("v1", "v2"):
            steps = tuple(
                Step(str(k), tuple(int(i) for i in str(ins).split(",")), int(out), int(stride), bool(int(clamped)))
                for k, ins, out, stride, clamped in file[f"{name}/steps"]
            )
            tensors = {
                key.split("/")[1]: np.asarray(file[key], np.float32)
                for key in file.files
                if key.startswith(f"{name}/") and not key.endswith("/steps")
            }
            parts[name] = (steps, tensors)
    return parts
