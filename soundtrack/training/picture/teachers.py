"""Outputs of ImageNet networks for views of every picture, stored as distillation targets.

Goes in: a data folder and a folder of two quantised TFLite networks (MobileNet v1 embeddings, MobileNet v2 embeddings
and class logits; Howard et al. 2017, Sandler et al. 2018). Comes out: one folder per pass, with memory-mapped arrays
whose rows belong together: the view as the student sees it, and what the teachers say about the very same crop. Pass 0
is the whole picture squashed to a square; odd passes are random crops, even ones blends of two crops, since a student
that must answer for blends too learns the function and not the pictures (L. Beyer et al. 2022). A pass can be broken
off and taken up again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from soundtrack.errors import DependencyError, ModelError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.vision_ops import load_torchvision
from soundtrack.progress import Progress
from soundtrack.training.picture.data import FRAME_SIDE_PX, Picture, films, frames_at, read_still, resize, stills
from soundtrack.types import ByteArray

TEACHER_SIDE_PX = 224
"""Side of what the teachers see."""
LEAST_AREA = 0.25
"""Of a picture that a random rectangle shows."""
V1_FILE = "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"
V2_FILE = "tf2_mobilenet_v2_1.0_224_ptq.tflite"
V2_POOL_TENSOR = "MobileNetV2/top/Reshape/Reshape"
V2_LOGIT_TENSOR = "MobileNetV2/top/SpatialSqueeze/Reshape"
N_RECENT = 256
"""Pictures back from which the second one of a blend is drawn."""
FRAME_RATE_HZ = 1.0
"""Frames of films that become pictures, a second; the first one half a period in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the teachers say about one view; quantised as they give it."""

    v1: npt.NDArray[np.uint8]
    """Embedding of MobileNet v1, shape (1024,), non-negative."""
    v2: npt.NDArray[np.uint8]
    """Embedding of MobileNet v2, shape (1280,), non-negative."""
    logits: npt.NDArray[np.float16]
    """Logits of MobileNet v2, shape (1001,)."""


class Teachers:
    """Both networks, on one thread.

    Parameters
    ----------
    folder : Path
        Where the two ``.tflite`` files lie.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise DependencyError(
                "--teachers requires the package ai-edge-litert", hint="run `pip install ai-edge-litert`"
            ) from error
        for name in (V1_FILE, V2_FILE):
            if not (folder / name).is_file():
                raise ModelError(f"{folder / name} is missing", hint="give the folder with --teachers FOLDER")
        self._v1: Any = Interpreter(str(folder / V1_FILE), num_threads=1)
        self._v2: Any = Interpreter(str(folder / V2_FILE), num_threads=1, experimental_preserve_all_tensors=True)
        self._v1.allocate_tensors()
        self._v2.allocate_tensors()
        details = {d["name"].split(";")[0]: d for d in self._v2.get_tensor_details()}
        self._pool, self._logit = details[V2_POOL_TENSOR], details[V2_LOGIT_TENSOR]

    def ask(self, view: ByteArray) -> Answer:
        """What both say about a view, uint8 RGB, shape (224, 224, 3)."""
        for network in (self._v1, self._v2):
            network.set_tensor(network.get_input_details()[0]["index"], view[None])
            network.invoke()
        v1 = self._v1.get_tensor(self._v1.get_output_details()[0]["index"]).reshape(-1)
        pool = self._v2.get_tensor(self._pool["index"]).reshape(-1)
        logit = self._v2.get_tensor(self._logit["index"]).reshape(-1)
        scale, zero = self._logit["quantization"]
        return Answer(
            v1=v1.astype(np.uint8),
            v2=(pool.astype(np.int16) - self._pool["quantization"][1]).clip(0, 255).astype(np.uint8),
            logits=((logit.astype(np.float32) - zero) * scale).astype(np.float16),
        )


def part_of(image: ByteArray, *, rng: np.random.Generator) -> ByteArray:
    """A random rectangle of the picture as ImageNet networks are taught with, uint8, shape (224, 224, 3)."""
    transforms = load_torchvision().transforms.v2
    cut = transforms.RandomResizedCrop(TEACHER_SIDE_PX, scale=(LEAST_AREA, 1.0), ratio=(3 / 4, 4 / 3), antialias=True)
    with torch.random.fork_rng(devices=[]):  # torchvision draws from torch's own numbers alone
        torch.manual_seed(int(rng.integers(2**63)))
        seen = cut(torch.from_numpy(image).permute(2, 0, 1))
    return np.ascontiguousarray(seen.permute(1, 2, 0).numpy())


def view_of(recent: Sequence[ByteArray], *, number: int, rng: np.random.Generator) -> ByteArray:
    """What the teachers are shown of the last of some pictures in a pass, uint8, shape (224, 224, 3)."""
    if number == 0:
        return resize(recent[-1], TEACHER_SIDE_PX)
    view = part_of(recent[-1], rng=rng)
    if number % 2:
        return view
    other = part_of(recent[int(rng.integers(len(recent)))], rng=rng)
    share = rng.uniform(0.5, 1.0)
    return np.asarray(np.rint(view * share + other * (1.0 - share)), np.uint8)


def all_pictures(data_dir: Path, *, rate_hz: float = FRAME_RATE_HZ) -> Iterator[tuple[Picture, ByteArray]]:
    """Every still and every sampled frame, at a given rate, with its RGB."""
    for picture in stills(data_dir):
        yield picture, read_still(data_dir / picture.file)
    for film in films(data_dir):
        half_s = 0.5 / rate_hz
        moments = frames_at(data_dir / film.file, side_px=FRAME_SIDE_PX, rate_hz=rate_hz, first_s=half_s)
        for time_s, frame in moments:
            yield Picture(film.file, film.source, time_s), frame


def write_pass(
    folder: Path, *, data_dir: Path, teachers_dir: Path, number: int, side_px: int, progress: Progress | None = None
) -> int:
    """One view of every picture and the teachers' answers, written to `folder`; returns the number of rows.

    Parameters
    ----------
    folder : Path
        Made if need be. Holds ``rows.jsonl`` and one ``.bin`` per array afterwards; ``done`` when complete.
    data_dir, teachers_dir : Path
        Pictures and networks.
    number : int >= 0
        0 takes whole pictures, odd ones crops, even ones blends of two crops; also the seed of the crops.
    side_px : int > 0
        Side of the student's view.
    progress : callable, optional
        Called with (stage, done, total); the total is 0 while unknown.
    """
    done = folder / "done"
    if done.is_file():
        return int(done.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    teachers = Teachers(teachers_dir)
    names = ("view", "v1", "v2", "logits")
    rows = folder / "rows.jsonl"
    row_bytes = {"view": side_px * side_px * 3, "v1": 1024, "v2": 1280, "logits": 2002}
    kept = 0
    if rows.is_file() and all((folder / f"{name}.bin").is_file() for name in names):
        counts = [(folder / f"{name}.bin").stat().st_size // row_bytes[name] for name in names]
        kept = min(*counts, rows.read_bytes().count(b"\n"))
    files = {name: (folder / f"{name}.bin").open("r+b" if kept else "wb") for name in names}
    lines = rows.read_text().splitlines()[:kept] if kept else []
    write_text(rows, "".join(line + "\n" for line in lines), kind=OWN, force=True)
    for name in names:
        files[name].truncate(kept * row_bytes[name])
        files[name].seek(kept * row_bytes[name])
    n = 0
    recent: deque[ByteArray] = deque(maxlen=N_RECENT)
    with rows.open("a", encoding="utf-8") as log:
        for picture, image in all_pictures(data_dir):
            n += 1
            recent.append(image)
            if n <= kept:
                continue
            view = view_of(recent, number=number, rng=np.random.default_rng((number, n)))
            answer = teachers.ask(view)
            files["view"].write(resize(view, side_px).tobytes())
            files["v1"].write(answer.v1.tobytes())
            files["v2"].write(answer.v2.tobytes())
            files["logits"].write(answer.logits.tobytes())
            log.write(json.dumps(asdict(picture)) + "\n")
            if n % 100 == 0:
                log.flush()
                for file in files.values():
                    file.flush()
                if progress is not None:
                    progress(f"teachers, pass {number}", n, 0)
    for file in files.values():
        file.close()
    write_text(done, str(n), kind=OWN, force=True)
    return n


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass as memory maps; rows belong together."""

    pictures: tuple[Picture, ...]
    """Which picture each row is a view of, n of them."""
    view: ByteArray
    """RGB, shape (n, side, side, 3)."""
    v1: npt.NDArray[np.uint8]
    """Shape (n, 1024)."""
    v2: npt.NDArray[np.uint8]
    """Shape (n, 1280)."""
    logits: npt.NDArray[np.float16]
    """Shape (n, 1001)."""


def read_pass(folder: Path, *, side_px: int) -> Pass:
    """A complete pass that `write_pass` wrote."""
    n = int((folder / "done").read_text())
    lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return Pass(
        pictures=tuple(Picture(**json.loads(line)) for line in lines),
        view=np.memmap(folder / "view.bin", np.uint8, "r", shape=(n, side_px, side_px, 3)),
        v1=np.memmap(folder / "v1.bin", np.uint8, "r", shape=(n, 1024)),
        v2=np.memmap(folder / "v2.bin", np.uint8, "r", shape=(n, 1280)),
        logits=np.memmap(folder / "logits.bin", np.float16, "r", shape=(n, 1001)),
    )
