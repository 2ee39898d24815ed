"""musicnn as a second teacher: its layers before pooling, averaged over any span.

Goes in: mono samples at 16 kHz, and the network's weights as an ``.npz`` of arrays (Pons and Serra 2019, ISC; trained
on the tags of the Million Song Dataset). Comes out: 753 numbers for each stretch: timbre and tempo filters of the front
end and three layers over time. The network is convolutional in time up to there, so a recording goes through it once.
Training only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.errors import ModelError
from soundtrack.types import FloatArray

SAMPLE_RATE_HZ = 16_000
N_LAYERS = 753
"""Numbers of a stretch: 561 of the front end and three times 64."""
_N_FFT, _HOP, _N_MELS = 512, 256, 96
_TIMBRE, _TEMPO = (0, 1), ((2, 128), (3, 64), (4, 32))
_EPSILON = 1e-3


class Musicnn:
    """The network up to its pooling; make one per process."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file", hint="give musicnn's weights as an .npz file with --musicnn")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self._arrays = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
            self._layers(torch.zeros(1, 1, 8, _N_MELS))
        except (KeyError, ValueError, OSError, RuntimeError) as error:
            raise ModelError(
                f"{path}: is not musicnn's network", hint="give musicnn's weights as an .npz file with --musicnn"
            ) from error

    def answer(self, samples: FloatArray, starts: Sequence[int], n_samples: int) -> FloatArray:
        """Mean of the layers over each stretch.

        Parameters
        ----------
        samples : ndarray, shape=(n,), float32
            Mono sound at 16 kHz.
        starts : sequence of int
            First sample of each stretch.
        n_samples : int
            Length of a stretch.

        Returns
        -------
        ndarray, shape=(len(starts), 753), float32
        """
        import librosa

        bands = librosa.feature.melspectrogram(
            y=np.asarray(samples, np.float32),
            sr=SAMPLE_RATE_HZ,
            n_fft=_N_FFT,
            hop_length=_HOP,
            n_mels=_N_MELS,
        )
        mel = torch.from_numpy(np.log10(10_000 * bands + 1).T.astype(np.float32))
        layers = self._layers(mel[None, None])[0].double().numpy()
        summed = np.concatenate([np.zeros((1, N_LAYERS)), np.cumsum(layers.T, axis=0)])
        first = np.minimum(np.asarray(starts) // _HOP, len(summed) - 2)
        last = np.minimum((np.asarray(starts) + n_samples) // _HOP, len(summed) - 1)
        return np.asarray((summed[last] - summed[first]) / (last - first)[:, None], np.float32)

    @torch.inference_mode()
    def _layers(self, mel: Tensor) -> Tensor:
        """(1, 1, frames, 96) to (1, 753, frames)."""
        seen = self._norm(mel, 0)
        front = [self._highest(self._convolve(F.pad(seen, (0, 0, 3, 3)), i), i + 1) for i in _TIMBRE]
        for i, height in _TEMPO:
            before = (height - 1) // 2
            heard = self._convolve(F.pad(seen, (0, 0, before, height - 1 - before)), i)
            front.append(self._highest(heard, i + 1))
        layers = [torch.cat(front, 1)]
        for i in (5, 6, 7):
            below = layers[-1]
            deeper = F.pad(below.transpose(1, 2)[:, None], (0, 0, 3, 3))
            made = self._norm(F.relu(self._convolve(deeper, i)), i + 1)[:, :, :, 0]
            layers.append(made if i == 5 else made + below)
        return torch.cat(layers, 1)

    def _convolve(self, x: Tensor, number: int) -> Tensor:
        name = "conv2d" if number == 0 else f"conv2d_{number}"
        return F.conv2d(x, self._arrays[f"{name}.kernel"].permute(3, 2, 0, 1), self._arrays[f"{name}.bias"])

    def _highest(self, x: Tensor, number: int) -> Tensor:
        """Largest value over the bands after rectifying and norm; the norm is monotone, so the extremes are enough."""
        lowest, highest = x.aminmax(dim=3)
        ends = torch.stack([lowest, highest], dim=3)
        return self._norm(F.relu(ends), number).amax(3)

    def _norm(self, x: Tensor, number: int) -> Tensor:
        name = "batch_normalization" if number == 0 else f"batch_normalization_{number}"
        a = self._arrays
        gain = a[f"{name}.gamma"] / torch.sqrt(a[f"{name}.moving_variance"] + _EPSILON)
        shift = a[f"{name}.beta"] - a[f"{name}.moving_mean"] * gain
        return x * gain.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
