"""Chance of speech, for every 32 ms of 16 kHz sound, by the Silero voice network in plain numpy.

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
_N_BINS = _N_FFT // 2 + 1
_HIDDEN = 128
_AT_ONCE = 256
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

    window: FloatArray = field(repr=False, compare=False)
    """Of the Fourier transform, shape (256,)."""
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
    >>> load_voice_weights().window.shape
    (256,)
    """
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path

    from safetensors.numpy import load

    try:
        path = Path(str(distribution("silero-vad").locate_file("silero_vad/data/silero_vad_16k.safetensors")))
        data = path.read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DependencyError(
            f"speech detection (silero-vad) is not usable: {error}",
            hint="run `pip install 'silero-vad>=6.2.3,<6.3'`",
        ) from error
    tensors = load(data) if hashlib.sha256(data).hexdigest() == _WEIGHTS_SHA256 else {}
    if {name: value.shape for name, value in tensors.items()} != _SHAPES:
        raise DependencyError(
            f"{path.name} of silero-vad does not match the version that soundtrack was tested with",
            hint="run `pip install --force-reinstall 'silero-vad>=6.2.3,<6.3'`",
        )
    w = {name: np.asarray(value, np.float32) for name, value in tensors.items()}

    def taps(name: str, first: int, last: int) -> FloatArray:
        """Taps first..last of a convolution as one matrix, shape (taps * in, out)."""
        kernel = w[name][:, :, first:last]  # (out, in, taps)
        return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))  # (taps * in, out)

    return VoiceWeights(
        window=w["stft_conv.weight"][0, 0].copy(),  # the rest of it are the cosines and sines of this window
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
        parts = [self._convolve(heard[at : at + _AT_ONCE]) for at in range(0, len(heard), _AT_ONCE)]
        return np.concatenate(parts)

    def _convolve(self, heard: FloatArray) -> FloatArray:
        """`_encode` of a few windows, whose spectra stay near the processor."""
        from scipy.fft import rfft

        w, n = self._weights, len(heard)
        mirrored = heard[:, -2 : -_CONTEXT - 2 : -1]
        padded = np.concatenate([heard, mirrored], axis=1)  # (n, 640)
        frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT, axis=1)[:, ::_STRIDE]  # (n, 4, 256)
        x = np.zeros((n, 6, _N_BINS), np.float32)  # a frame of silence before and behind
        np.abs(rfft(frames * w.window, axis=2), out=x[:, 1:5])
        y = np.zeros((n, 5, 128), np.float32)
        for i in range(4):  # neighbours lie side by side in memory: no copies for the convolution
            np.matmul(x[:, i : i + 3].reshape(n, -1), w.conv1, out=y[:, i + 1])
        y[:, 1:] += w.bias1
        np.maximum(y, 0, out=y)
        z = np.empty((n, 2, 64), np.float32)
        for i in range(2):
            np.matmul(y[:, 2 * i : 2 * i + 3].reshape(n, -1), w.conv2, out=z[:, i])
        z = np.maximum(z + w.bias2, 0).reshape(n, -1)  # (n, 128)
        z = np.maximum(z @ w.conv3 + w.bias3, 0)
        z = np.maximum(z @ w.conv4 + w.bias4, 0)
        return np.asarray(z @ w.cell_in + w.cell_bias, np.float32)

    def _recur(self, gates_in: FloatArray) -> FloatArray:
        """Probabilities from the cell's inputs, step by step, shape (n,)."""
        w, n = self._weights, _HIDDEN
        outputs = np.empty((len(gates_in), n), np.float32)
        h, c = self._hidden, self._cell.copy()
        # One tanh serves all gates: sigmoid(x) = 0.5 + 0.5 tanh(x / 2), so halve the sigmoid gates beforehand. The
        # gates' halves are put off as well: c is kept as it is, the output twice as large.
        half = np.full(4 * n, 0.5, np.float32)
        half[2 * n : 3 * n] = 1.0
        back, gates_in = w.cell_back * (0.5 * half)[:, None], gates_in * half
        gates, bent = np.empty(4 * n, np.float32), np.empty(n, np.float32)
        new, keep, fresh, out = (gates[i * n : (i + 1) * n] for i in range(4))
        one, point_five = np.float32(1.0), np.float32(0.5)
        h = 2 * h
        for gate_in, output in zip(gates_in, outputs, strict=True):
            np.dot(back, h, out=gates)
            np.add(gates, gate_in, out=gates)
            np.tanh(gates, out=gates)
            np.add(keep, one, out=keep)
            np.add(new, one, out=new)
            np.multiply(c, keep, out=c)
            np.multiply(new, fresh, out=new)
            np.add(c, new, out=c)
            np.multiply(c, point_five, out=c)
            np.tanh(c, out=bent)
            np.add(out, one, out=out)
            np.multiply(out, bent, out=output)
            h = output
        self._hidden, self._cell = 0.5 * h, c
        return _sigmoid(np.maximum(0.5 * outputs, 0) @ w.out + np.float32(w.out_bias))
