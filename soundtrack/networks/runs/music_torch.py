"""The music network run by torch, on a CPU or a GPU.

On a CPU that is quicker in bf16 and on a GPU it runs in bf16 (a GPU without it: fp16), in batches that fit into memory.
"""

from __future__ import annotations

import numpy as np
import torch

from soundtrack.networks.devices import Batches, fitting_batch, quick_dtype
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.networks.mel_cnn_fused import FusedMelCnn
from soundtrack.types import FloatArray

_LARGEST_BATCH = {"cpu": 64, "cuda": 256}  # more than 64 at once outgrow the caches of a CPU
_BYTES_PER_CELL = 256


class TorchMusic:
    """The network, on its device.

    Parameters
    ----------
    network : MelCnn
        With its weights; moved to the device.
    device : {"cpu", "cuda"}
        Where it runs at first.
    dtype : torch.dtype, optional
        Numbers that it runs in; by default those that suit the device.
    """

    def __init__(self, network: MelCnn, *, device: str, dtype: torch.dtype | None = None) -> None:
        self._network = network.eval().to(device)
        patch_bytes = _BYTES_PER_CELL * network.config.patch_frames * network.config.n_mels
        size = fitting_batch(device, item_bytes=patch_bytes, largest=_LARGEST_BATCH[device])
        self.batches = Batches(device, size=size, cpu_size=_LARGEST_BATCH["cpu"], to_cpu=self._to_cpu)
        self._fused = FusedMelCnn(self._network, dtype=quick_dtype(device) if dtype is None else dtype)

    def features(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Features (n, n_features) and logits of the sound classes (n, n_sounds) of patches (n, frames, n_mels)."""
        parts = self.batches.run(len(patches), lambda start, stop: self._forward(patches[start:stop]))
        features, sounds = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(sounds)

    def _forward(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """One batch through the network."""
        batch = torch.from_numpy(np.array(patches, order="C"))[:, None]  # (n, 1, frames, n_mels)
        features, sounds = self._fused(batch.to(self.batches.device))
        return features.cpu().numpy(), sounds.cpu().numpy()

    def _to_cpu(self) -> None:
        """The network goes on where there is room, in the numbers that suit a CPU."""
        self._network = self._network.to("cpu")
        self._fused = FusedMelCnn(self._network, dtype=quick_dtype("cpu"))
