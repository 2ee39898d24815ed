"""The picture network run by torch, on a CPU or a GPU.

On a CPU that is quicker in bf16 and on a GPU it runs in bf16 (a GPU without it: fp16), in batches that fit into memory.
"""

from __future__ import annotations

import numpy as np
import torch

from soundtrack.networks.devices import Batches, fitting_batch, quick_dtype
from soundtrack.networks.i3d import I3D
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.types import ByteArray, FloatArray

_LARGEST_BATCH = {"cpu": 2, "cuda": 64}  # larger ones are no faster on a CPU and take blocks that the system clears
_BYTES_PER_PIXEL = 64


class TorchPicture:
    """The network, on its device.

    Parameters
    ----------
    network : I3D
        With its weights; left as it is.
    device : {"cpu", "cuda"}
        Where it runs at first.
    clip_px : int
        Pixels of a clip, all frames together.
    """

    def __init__(self, network: I3D, *, device: str, clip_px: int) -> None:
        self.fused = FusedI3D(network, dtype=quick_dtype(device)).to(device)
        size = fitting_batch(device, item_bytes=_BYTES_PER_PIXEL * clip_px, largest=_LARGEST_BATCH[device])
        self.batches = Batches(device, size=size, cpu_size=_LARGEST_BATCH["cpu"], to_cpu=self._to_cpu)

    @property
    def device(self) -> str:
        """Where the network is: ``cpu`` once a GPU turned out too small."""
        return self.batches.device

    @property
    def is_flat(self) -> bool:
        """Whether no convolution looks at neighbouring frames."""
        return self.fused.is_flat

    def features(self, clips: ByteArray) -> FloatArray:
        """Pooled vectors, float32, shape (n, n_features); `clips` (n, t, side, side, 3), uint8 RGB, n at least 1."""
        return np.concatenate(self.batches.run(len(clips), lambda start, stop: self._forward(clips[start:stop])))

    def _forward(self, part: ByteArray) -> FloatArray:
        """One batch through the network."""
        with torch.inference_mode():
            raw = torch.from_numpy(np.array(part)).to(self.device)
            x = raw.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1.0)  # (n, 3, t, h, w)
            return np.asarray(self.fused.features(x).cpu().numpy(), np.float32)

    def _to_cpu(self) -> None:
        """The network goes on where there is room, in the numbers that suit a CPU."""
        self.fused = self.fused.moved("cpu", dtype=quick_dtype("cpu"))
