"""Conversion of two public networks to the file that the channel of faces reads.

Usage: python benchmarks/face_weights.py NETS [OUT]

NETS holds tiny_face_detector_model.bin with its weights manifest (face-api 1.7.15 of V. Mandic, MIT; in the npm package
@vladmandic/face-api) and fer2013_mini_XCEPTION.102-0.66.hdf5 (O. Arriaga, MIT; in face_classification). OUT is by
default where soundtrack looks for it. Needs h5py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from soundtrack.emotion.faces.channel import weights_path

Array = npt.NDArray[np.float32]
DETECTOR, EXPRESSIONS = "tiny_face_detector_model", "fer2013_mini_XCEPTION.102-0.66.hdf5"


def detector_tensors(nets: Path) -> dict[str, Array]:
    """Arrays of the detector by their names, from quantised bytes."""
    (group,) = json.loads((nets / f"{DETECTOR}-weights_manifest.json").read_text(encoding="utf-8"))
    data, start, found = (nets / f"{DETECTOR}.bin").read_bytes(), 0, {}
    for row in group["weights"]:
        count, scale = int(np.prod(row["shape"])), row["quantization"]
        raw = np.frombuffer(data, np.uint8, count, start).astype(np.float32)
        found[row["name"]] = (raw * scale["scale"] + scale["min"]).reshape(row["shape"])
        start += count
    return found


def expression_tensors(nets: Path) -> dict[str, Array]:
    """Arrays of the network of expressions, as ``layer/array``."""
    found: dict[str, Array] = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            layer, array = Path(name).parts[0], Path(name).name.partition(":")[0]
            found[f"{layer}/{array}"] = np.array(item, np.float32)

    with h5py.File(nets / EXPRESSIONS) as file:
        file["model_weights"].visititems(note)
    return found


def converted(nets: Path) -> dict[str, npt.NDArray[np.float16]]:
    """Both networks under the names of `soundtrack.networks.faces`, batch norm folded in."""
    first, second = detector_tensors(nets), expression_tensors(nets)

    def full(kernel: Array) -> Array:
        return kernel.transpose(3, 2, 0, 1)

    def depthwise(kernel: Array) -> Array:
        return kernel.transpose(2, 3, 0, 1)

    def folded(kernel: Array, norm: int) -> tuple[Array, Array]:
        gamma, beta, mean, variance = (
            second[f"batch_normalization_{norm}/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        gain = gamma / np.sqrt(variance + 1e-3)
        return full(kernel) * gain[:, None, None, None], beta - mean * gain

    out = {"detector.0.weight": full(first["conv0/filters"]), "detector.0.bias": first["conv0/bias"]}
    for i in range(1, 6):
        out[f"detector.{i}.depthwise"] = depthwise(first[f"conv{i}/depthwise_filter"])
        out[f"detector.{i}.weight"] = full(first[f"conv{i}/pointwise_filter"])
        out[f"detector.{i}.bias"] = first[f"conv{i}/bias"]
    out["detector.6.weight"], out["detector.6.bias"] = full(first["conv8/filters"]), first["conv8/bias"]

    def put(name: str, kernel: str, norm: int) -> None:
        out[f"expression.{name}.weight"], out[f"expression.{name}.bias"] = folded(second[f"{kernel}"], norm)

    for i in range(2):
        put(f"stem{i}", f"conv2d_{i + 1}/kernel", i + 1)
    for b in range(4):
        put(f"block{b}.skip", f"conv2d_{3 + b}/kernel", 3 + 3 * b)
        for j in range(2):
            layer = f"separable_conv2d_{2 * b + 1 + j}"
            out[f"expression.block{b}.{j}.depthwise"] = depthwise(second[f"{layer}/depthwise_kernel"])
            put(f"block{b}.{j}", f"{layer}/pointwise_kernel", 4 + 3 * b + j)
    out["expression.last.weight"] = full(second["conv2d_7/kernel"])
    out["expression.last.bias"] = second["conv2d_7/bias"]
    return {name: np.ascontiguousarray(array, np.float16) for name, array in out.items()}


def main() -> None:
    """Read, convert, write."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("nets", type=Path, metavar="NETS")
    asked.add_argument("out", type=Path, metavar="OUT", nargs="?", default=weights_path())
    given = asked.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(converted(given.nets), given.out)
    print(given.out)


if __name__ == "__main__":
    main()
