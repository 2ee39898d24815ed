"""Chance that somebody speaks, for every 32 ms of 16 kHz sound, by the Silero voice network in plain numpy.

Goes in: mono sound at 16 kHz, block by block. Comes out: one probability per window of 512 samples. The weights are
those of the pinned package ``silero-vad`` (MIT, 16 kHz, version 6), read as safetensors and checked by name, shape
and hash; its code is never imported (it loads TorchScript and sets torch's thread count). All windows of a block go
through the convolutions as a few matrix products; only the recurrent cell walks step by step.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.types import FloatArray

SAMPLE_RATE_HZ = 16_000
"""The network hears nothing else."""
WINDOW = 512
"""Samples from one probability to the next: 32 ms."""
_CONTEXT = 64
_N_FFT, _STRIDE = 256, 128
_HIDDEN = 128
_WEIGHTS_SHA256 = "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1"
_SHAPES: dict[str, tuple[int, ...]] = {
    "stft_conv.weight": (258, 1, 256),
    "conv1.weight": (128, 129, 3),
    "conv1.bias": (128,),
    "conv2.weight": (64, 128, 3),
    "conv2.bias": (64,),
    "conv3.weight": (64, 64, 3),
    "conv3.bias": (64,),
    "conv4.weight": (128, 64, 3),
    "conv4.bias": (128,),
    "lstm_cell.weight_ih": (512, 128),
    "lstm_cell.weight_hh": (512, 128),
    "lstm_cell.bias_ih": (512,),
    "lstm_cell.bias_hh": (512,),
    "final_conv.weight": (1, 128, 1),
    "final_conv.bias": (1,),
}


@dataclass(frozen=True, slots=True)
class VoiceWeights:
    """The network's matrices, laid out for products from the right."""

    spectrum: FloatArray = field(repr=False, compare=False)
    """Windowed cosines and sines, shape (256, 258)."""
    conv1: FloatArray = field(repr=False, compare=False)
    """Three taps times 129 bins to 128 channels, shape (387, 128)."""
    bias1: FloatArray = field(repr=False, compare=False)
    """Shape (128,)."""
    conv2: FloatArray = field(repr=False, compare=False)
    """Three taps times 128 channels to 64, shape (384, 64)."""
    bias2: FloatArray = field(repr=False, compare=False)
    """Shape (64,)."""
    conv3: FloatArray = field(repr=False, compare=False)
    """The two taps that meet sound, times 64 channels to 64, shape (128, 64)."""
    bias3: FloatArray = field(repr=False, compare=False)
    """Shape (64,)."""
    conv4: FloatArray = field(repr=False, compare=False)
    """The middle tap, 64 channels to 128, shape (64, 128)."""
    bias4: FloatArray = field(repr=False, compare=False)
    """Shape (128,)."""
    cell_in: FloatArray = field(repr=False, compare=False)
    """Input to the four gates, shape (128, 512)."""
    cell_bias: FloatArray = field(repr=False, compare=False)
    """Shape (512,)."""
    cell_back: FloatArray = field(repr=False, compare=False)
    """Last output to the four gates, shape (512, 128), a row per gate unit."""
    out: FloatArray = field(repr=False, compare=False)
    """Shape (128,)."""
    out_bias: float
    """Added before the last sigmoid."""


@lru_cache(maxsize=1)
def load_voice_weights() -> VoiceWeights:
    """The network's weights from the installed ``silero-vad`` package.

    Raises
    ------
    DependencyError
        The package is missing or carries other weights than the ones tested.

    Examples
    --------
    >>> load_voice_weights().spectrum.shape
    (256, 258)
    """
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path

    from safetensors.numpy import load

    try:
        path = Path(str(distribution("silero-vad").locate_file("silero_vad/data/silero_vad_16k.safetensors")))
        data = path.read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DependencyError(
            f"silero-vad, which tells speech from music, is not usable: {error}",
            hint="run `pip install 'silero-vad>=6.2.3,<6.3'`",
        ) from error
    tensors = load(data) if hashlib.sha256(data).hexdigest() == _WEIGHTS_SHA256 else {}
    if {name: value.shape for name, value in tensors.items()} != _SHAPES:
        raise DependencyError(
            f"{path.name} of silero-vad is not the file this version was tested with",
            hint="run `pip install --force-reinstall 'silero-vad>=6.2.3,<6.3'`",
        )
    w = {name: np.asarray(value, np.float32) for name, value in tensors.items()}

    def taps(name: str, first: int, last: int) -> FloatArray:
        """Taps first..last of a convolution as one matrix, shape (taps * in, out)."""
        kernel = w[name][:, :, first:last]  # (out, in, taps)
        return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))  # (taps * in, out)

    return VoiceWeights(
        spectrum=np.ascontiguousarray(w["stft_conv.weight"][:, 0].T),
        conv1=taps("conv1.weight", 0, 3),
        bias1=w["conv1.bias"],
        conv2=taps("conv2.weight", 0, 3),
        bias2=w["conv2.bias"],
        conv3=taps("conv3.weight", 1, 3),
        bias3=w["conv3.bias"],
        conv4=taps("conv4.weight", 1, 2),
        bias4=w["conv4.bias"],
        cell_in=np.ascontiguousarray(w["lstm_cell.weight_ih"].T),
        cell_bias=w["lstm_cell.bias_ih"] + w["lstm_cell.bias_hh"],
        cell_back=np.ascontiguousarray(w["lstm_cell.weight_hh"]),
        out=w["final_conv.weight"][0, :, 0],
        out_bias=float(w["final_conv.bias"][0]),
    )


def _sigmoid(x: FloatArray) -> FloatArray:
    """Logistic function that cannot overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), np.float32)


class VoiceNetwork:
    """The network with its memory, fed in order.

    Parameters
    ----------
    weights : VoiceWeights, optional
        From `load_voice_weights`, which is the default.

    Examples
    --------
    >>> VoiceNetwork().push(np.zeros(1600, np.float32)).shape
    (3,)
    """

    def __init__(self, weights: VoiceWeights | None = None) -> None:
        self._weights = weights or load_voice_weights()
        self._rest: FloatArray = np.zeros(0, np.float32)
        self._context: FloatArray = np.zeros(_CONTEXT, np.float32)
        self._hidden: FloatArray = np.zeros(_HIDDEN, np.float32)
        self._cell: FloatArray = np.zeros(_HIDDEN, np.float32)

    def push(self, samples: FloatArray) -> FloatArray:
        """Probabilities of all windows that are now complete.

        Parameters
        ----------
        samples : ndarray, shape=(n,), float32
            The next sound at 16 kHz in [-1, 1].

        Returns
        -------
        ndarray, shape=(windows,), float32
            In [0, 1], one per 512 samples; what is left over waits for the next call.
        """
        if samples.ndim != 1:
            raise ValueError(f"samples must have shape (n,), got {samples.shape}")
        sound = np.concatenate([self._rest, samples.astype(np.float32, copy=False)])
        n = len(sound) // WINDOW
        self._rest = sound[n * WINDOW :].copy()
        if n == 0:
            return np.zeros(0, np.float32)
        windows = sound[: n * WINDOW].reshape(n, WINDOW)
        before = np.vstack([self._context[None], windows[:-1, -_CONTEXT:]])
        self._context = windows[-1, -_CONTEXT:].copy()
        heard = np.concatenate([before, windows], axis=1)  # (n, 576)
        return self._recur(self._encode(heard))

    def _encode(self, heard: FloatArray) -> FloatArray:
        """What the cell gets at each window, shape (n, 512)."""
        w, n = self._weights, len(heard)
        mirrored = heard[:, -2 : -_CONTEXT - 2 : -1]
        padded = np.concatenate([heard, mirrored], axis=1)  # (n, 640)
        frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT, axis=1)[:, ::_STRIDE]  # (n, 4, 256)
        waves = frames.reshape(-1, _N_FFT) @ w.spectrum
        bins = _N_FFT // 2 + 1
        size = np.sqrt(waves[:, :bins] ** 2 + waves[:, bins:] ** 2)
        x = np.zeros((n, 6, bins), np.float32)
        x[:, 1:5] = size.reshape(n, 4, bins)
        joined = np.concatenate([x[:, 0:4], x[:, 1:5], x[:, 2:6]], axis=2)  # (n, 4, 387)
        y = np.zeros((n, 5, 128), np.float32)
        y[:, 1:] = np.maximum((joined.reshape(n * 4, -1) @ w.conv1).reshape(n, 4, -1) + w.bias1, 0)
        pairs = np.stack([y[:, 0:3], y[:, 2:5]], axis=1).reshape(n * 2, -1)  # (2 n, 384)
        z = np.maximum(pairs @ w.conv2 + w.bias2, 0).reshape(n, -1)  # (n, 128)
        z = np.maximum(z @ w.conv3 + w.bias3, 0)
        z = np.maximum(z @ w.conv4 + w.bias4, 0)
        return np.asarray(z @ w.cell_in + w.cell_bias, np.float32)

    def _recur(self, gates_in: FloatArray) -> FloatArray:
        """Probabilities from the cell's inputs, step by step, shape (n,)."""
        w, h, c = self._weights, self._hidden, self._cell
        outputs = np.empty((len(gates_in), _HIDDEN), np.float32)
        # One tanh serves all gates: sigmoid(x) = 0.5 + 0.5 tanh(x / 2), so halve the sigmoid gates beforehand.
        half = np.full(4 * _HIDDEN, 0.5, np.float32)
        half[2 * _HIDDEN : 3 * _HIDDEN] = 1.0
        back, gates_in = w.cell_back * half[:, None], gates_in * half
        for i, gate_in in enumerate(gates_in):
            t = np.tanh(gate_in + back @ h)
            keep, new = 0.5 + 0.5 * t[_HIDDEN : 2 * _HIDDEN], 0.5 + 0.5 * t[:_HIDDEN]
            c = keep * c + new * t[2 * _HIDDEN : 3 * _HIDDEN]
            h = (0.5 + 0.5 * t[3 * _HIDDEN :]) * np.tanh(c)
            outputs[i] = h
        self._hidden, self._cell = h, c
        return _sigmoid(np.maximum(outputs, 0) @ w.out + np.float32(w.out_bias))
