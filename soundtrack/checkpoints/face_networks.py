"""The public networks of faces: fetched on request, checked, converted to one file of the user's models folder.

Goes in: two archives of the npm registry whose bytes are pinned by SHA-256, face-api 1.7.15 and human 3.3.6 (both by V.
Mandic, MIT). Four networks are read from them: the tiny face detector, 68 facial points and seven expressions of
face-api, and the network of expressions in human, which is that of O. Arriaga's face_classification (MIT). Comes out:
the model ``faces``, plain tensors, batch norm folded in. Of an archive only the named members are read, in memory,
each of a known size; nothing is unpacked to the disk and no code is run.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundtrack.checkpoints.manifest import ModelEntry, sha256_of
from soundtrack.errors import ModelError
from soundtrack.progress import Progress
from soundtrack.resources import cache_dir, user_models_dir
from soundtrack.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from soundtrack.checkpoints.fetch import Opener

FACES = "faces"
"""Name of the model, and its role."""
VERSION = "2"
"""Of the file; changes with the networks in it."""
LICENCE = "MIT"
"""Of all four networks."""
_KINDS: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "uint8": np.dtype("u1"),
}
_XCEPTION = "StatefulPartitionedCall/model_1"


@dataclass(frozen=True, slots=True)
class Archive:
    """A package of the npm registry."""

    file: str
    """Name of the file."""
    url: str
    """Where it is published."""
    sha256: str
    """Of its bytes, lower-case hex."""
    size: int
    """In bytes."""
    members: Mapping[str, int]
    """What is read of it, with the size of each in bytes."""


ARCHIVES = (
    Archive(
        "face-api-1.7.15.tgz",
        "https://registry.npmjs.org/@vladmandic/face-api/-/face-api-1.7.15.tgz",
        "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
        12_677_476,
        {
            "package/model/tiny_face_detector_model-weights_manifest.json": 3_219,
            "package/model/tiny_face_detector_model.bin": 193_321,
            "package/model/face_expression_model-weights_manifest.json": 6_980,
            "package/model/face_expression_model.bin": 329_468,
            "package/model/face_landmark_68_tiny_model-weights_manifest.json": 4_806,
            "package/model/face_landmark_68_tiny_model.bin": 77_224,
        },
    ),
    Archive(
        "human-3.3.6.tgz",
        "https://registry.npmjs.org/@vladmandic/human/-/human-3.3.6.tgz",
        "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7",
        28_615_417,
        {"package/models/emotion.json": 17_980, "package/models/emotion.bin": 820_516},
    ),
)
"""What is fetched: 41 MB, of which 1.5 MB are read."""


def faces_path() -> Path:
    """File of the networks of faces, in the folder of the user's models; need not exist."""
    return user_models_dir() / FACES / "weights.safetensors"


def pull_faces(
    *, folder: Path | None = None, open_url: Opener | None = None, progress: Progress | None = None
) -> ModelEntry:
    """Fetch the networks of faces, check them, convert them, and keep them as a model; returns its entry.

    Parameters
    ----------
    folder : Path, optional
        Instead of the user's models folder.
    open_url : callable, optional
        Instead of the https opener.
    progress : callable, optional
        Called with (stage, bytes so far, bytes in all or 0).

    Raises
    ------
    ModelError
        An archive cannot be reached, or is not what it should be.
    """
    from soundtrack.checkpoints.fetch import fetch  # with it come http and ssl, which no film needs

    downloads = cache_dir() / "downloads"
    try:
        for archive in ARCHIVES:
            target = downloads / archive.file
            fetch(
                archive.url,
                target,
                sha256=archive.sha256,
                max_bytes=archive.size,
                open_url=open_url,
                progress=progress,
                otherwise=f"download {' and '.join(other.url for other in ARCHIVES)} into one folder and run "
                f"`soundtrack models add {FACES} FOLDER`",
            )
        return add_faces(downloads, folder=folder)
    finally:
        for archive in ARCHIVES:
            (downloads / archive.file).unlink(missing_ok=True)


def add_faces(archives: Path, *, folder: Path | None = None) -> ModelEntry:
    """Convert the archives of a folder, and keep them as a model; returns its entry.

    Parameters
    ----------
    archives : Path
        Folder with the files of `ARCHIVES`.
    folder : Path, optional
        Instead of the user's models folder.

    Raises
    ------
    ModelError
        An archive is missing or is not what it should be.
    """
    from soundtrack.checkpoints.weights import save_weights

    found: dict[str, bytes] = {}
    for archive in ARCHIVES:
        path = archives / archive.file
        if not path.is_file():
            raise ModelError(f"{path}: no such file", hint=f"download {archive.url} into {archives}")
        if path.stat().st_size != archive.size or sha256_of(path) != archive.sha256:
            raise ModelError(
                f"{path}: SHA-256 mismatch, expected {archive.sha256}",
                hint=f"do not use this file; download {archive.url} again",
            )
        found |= members_of(path, archive.members)
    return save_weights(
        face_tensors(found),
        user_models_dir() if folder is None else folder,
        name=FACES,
        version=VERSION,
        role=FACES,
        licence=LICENCE,
        source=", ".join(archive.url for archive in ARCHIVES),
        embedding_dim=7,
    )


def members_of(path: Path, members: Mapping[str, int]) -> dict[str, bytes]:
    """Some regular members of a gzip-compressed archive, read in memory.

    Parameters
    ----------
    path : Path
        The archive.
    members : mapping of str to int
        Names with the size of each in bytes; every other member is skipped, whatever its name or kind.

    Raises
    ------
    ModelError
        It cannot be read, or a member is missing, not a regular file, or of another size.
    """
    import tarfile

    hint = "download it again from the published address"
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            for member in archive:
                if member.name not in members:
                    continue
                file = archive.extractfile(member) if member.isreg() and member.size == members[member.name] else None
                if file is None:
                    raise ModelError(f"{path}: {member.name} is not a file of {members[member.name]} bytes", hint=hint)
                found[member.name] = file.read()
                if len(found) == len(members):
                    break
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ModelError(f"{path}: damaged archive: {error}", hint=hint) from error
    if missing := sorted(members.keys() - found.keys()):
        raise ModelError(f"{path}: {missing[0]} is missing", hint=hint)
    return found


def face_tensors(files: Mapping[str, bytes]) -> dict[str, Tensor]:
    """All networks under the names of `soundtrack.networks.faces`, from the members of the archives.

    Raises
    ------
    ModelError
        A network is not the one that was tested.
    """
    import torch

    try:
        arrays = {
            **_detector(_arrays(files, "package/model/tiny_face_detector_model")),
            **_dense(
                _arrays(files, "package/model/face_expression_model"), "expression2", n_blocks=4, n_convolutions=4
            ),
            **_dense(
                _arrays(files, "package/model/face_landmark_68_tiny_model"), "points", n_blocks=3, n_convolutions=3
            ),
            **_xception(_arrays(files, "package/models/emotion")),
        }
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise ModelError(
            f"networks of faces: unknown format: {error!r}", hint="download them again from the published address"
        ) from error
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _arrays(files: Mapping[str, bytes], stem: str) -> dict[str, FloatArray]:
    """Arrays of a network of TensorFlow.js by their names, quantised ones restored."""
    named = stem + ".json" if stem + ".json" in files else stem + "-weights_manifest.json"
    document: Any = json.loads(files[named])
    groups = document["weightsManifest"] if isinstance(document, dict) else document
    data, start = files[stem + ".bin"], 0
    found: dict[str, FloatArray] = {}
    for row in (row for group in groups for row in group["weights"]):
        quantised = row.get("quantization")
        kind = _KINDS[quantised["dtype"] if quantised else row["dtype"]]
        count = math.prod(row["shape"])
        array = np.frombuffer(data, kind, count, start).astype(np.float32)
        found[row["name"]] = (array * quantised["scale"] + quantised["min"] if quantised else array).reshape(
            row["shape"]
        )
        start += count * kind.itemsize
    return found


def _full(kernel: FloatArray) -> FloatArray:
    """Weights of a convolution: (height, width, in, out) to (out, in, height, width)."""
    return kernel.transpose(3, 2, 0, 1)


def _depthwise(kernel: FloatArray) -> FloatArray:
    """Weights of a depthwise convolution: (height, width, in, 1) to (in, 1, height, width)."""
    return kernel.transpose(2, 3, 0, 1)


def _separable(arrays: Mapping[str, FloatArray], name: str, ours: str) -> dict[str, FloatArray]:
    """A depthwise and a pointwise convolution of face-api."""
    return {
        f"{ours}.depthwise": _depthwise(arrays[f"{name}/depthwise_filter"]),
        f"{ours}.weight": _full(arrays[f"{name}/pointwise_filter"]),
        f"{ours}.bias": arrays[f"{name}/bias"],
    }


def _detector(arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The tiny face detector."""
    out = {
        "detector.0.weight": _full(arrays["conv0/filters"]),
        "detector.0.bias": arrays["conv0/bias"],
        "detector.6.weight": _full(arrays["conv8/filters"]),
        "detector.6.bias": arrays["conv8/bias"],
    }
    for i in range(1, 6):
        out |= _separable(arrays, f"conv{i}", f"detector.{i}")
    return out


def _dense(arrays: Mapping[str, FloatArray], ours: str, *, n_blocks: int, n_convolutions: int) -> dict[str, FloatArray]:
    """Blocks whose convolutions add up, and the products at their end."""
    out = {
        f"{ours}.0.0.weight": _full(arrays["dense0/conv0/filters"]),
        f"{ours}.0.0.bias": arrays["dense0/conv0/bias"],
        f"{ours}.last.weight": arrays["fc/weights"].T,
        f"{ours}.last.bias": arrays["fc/bias"],
    }
    for i in range(n_blocks):
        for j in range(n_convolutions):
            if i or j:
                out |= _separable(arrays, f"dense{i}/conv{j}", f"{ours}.{i}.{j}")
    return out


def _xception(arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The network of expressions of face_classification, whose batch norm is folded in already."""
    depthwise = ("unknown_9", "unknown_15", "unknown_26", "unknown_32")
    out = {"expression.last.weight": _full(arrays["unknown_43"]), "expression.last.bias": arrays["unknown_44"]}

    def put(ours: str, convolution: str) -> None:
        out[f"expression.{ours}.weight"] = _full(arrays[f"{_XCEPTION}/{convolution}_weights"])
        out[f"expression.{ours}.bias"] = arrays[f"{_XCEPTION}/{convolution}_bn_offset"]

    for i in range(2):
        put(f"stem{i}", f"conv2d_{i + 1}/Conv2D")
        put(f"block{i}.skip", f"conv2d_{i + 3}/Conv2D")
        for j in range(2):
            k = 2 * i + j
            out[f"expression.block{i}.{j}.depthwise"] = _depthwise(arrays[depthwise[k]])
            put(f"block{i}.{j}", f"separable_conv2d_{k + 1}/separable_conv2d")
    return out
