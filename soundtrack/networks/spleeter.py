"""The separator Spleeter (Hennequin 2020; MIT): two U-Nets over magnitudes, voices and all else, that share the sound.

Goes in: the weights of the two networks. Comes out: a `Separator`. Each network gives the magnitude of its stem below
11 kHz; the squares of both divide every bin of the mixture. Above, a frame is divided as it is on average below.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundtrack.networks.devices import choose_device
from soundtrack.types import FloatArray, Separator

RATE_HZ = 44_100
"""Of the sound that the networks were trained on."""
STEMS = ("vocals", "accompaniment")
"""In the order of the networks."""
_WINDOW, _HOP = 4096, 1024
_BINS, _FRAMES = 1024, 512
"""What a network sees at a time: frequencies from 0, and frames."""
_FILTERS = (16, 32, 64, 128, 256, 512)
_LEAST = 1e-10


def _down(n_in: int, n_out: int) -> tuple[nn.Module, nn.Module]:
    """Half the size: a convolution, and what follows it on the way down."""
    convolution = nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(n_in, n_out, 5, stride=2))
    return convolution, nn.Sequential(nn.BatchNorm2d(n_out, eps=1e-3), nn.LeakyReLU(0.2))


def _up(n_in: int, n_out: int) -> nn.Module:
    """Twice the size."""
    widening = nn.ConvTranspose2d(n_in, n_out, 5, stride=2)
    return nn.Sequential(widening, nn.ZeroPad2d((-1, -2, -1, -2)), nn.ReLU(), nn.BatchNorm2d(n_out, eps=1e-3))


class UNet(nn.Module):
    """Magnitudes of a stem from those of the mixture, shape (batch, 2, frames, bins); layers named as in the files."""

    def __init__(self) -> None:
        super().__init__()
        for i, (n_in, n_out) in enumerate(zip((2, *_FILTERS), _FILTERS, strict=False), 1):
            convolution, following = _down(n_in, n_out)
            self.add_module(f"down{i}_conv", convolution)
            self.add_module(f"down{i}_act", following)
        widths = (*reversed(_FILTERS[:-1]), 1)
        for i, n_out in enumerate(widths, 1):
            n_in = _FILTERS[-1] if i == 1 else 2 * widths[i - 2]
            self.add_module(f"up{i}", _up(n_in, n_out))
        self.add_module("up7", nn.Sequential(nn.Conv2d(1, 2, 4, dilation=2, padding=3), nn.Sigmoid()))

    def forward(self, mixture: Tensor) -> Tensor:
        """The magnitudes."""
        layers = dict(self.named_children())
        skipped: list[Tensor] = []
        at = mixture
        for i in range(1, len(_FILTERS) + 1):
            skipped.append(layers[f"down{i}_conv"](at))
            at = layers[f"down{i}_act"](skipped[-1])
        at = layers["up1"](skipped.pop())
        for i in range(2, len(_FILTERS) + 1):
            at = layers[f"up{i}"](torch.cat([skipped.pop(), at], dim=1))
        return cast(Tensor, layers["up7"](at) * mixture)


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one network."""
    state = UNet().state_dict()
    return {name: tuple(v.shape) for name, v in state.items() if not name.endswith("num_batches_tracked")}


def spleeter_separator(weights: Callable[[], Mapping[str, Mapping[str, Tensor]]], *, device: str = "auto") -> Separator:
    """A separator of voices and all else.

    Parameters
    ----------
    weights : callable
        Gives the tensors of each of `STEMS` by their names; called once, at the first piece of sound.
    device : {"auto", "cpu", "cuda"}
        Where the networks run.
    """

    @functools.cache
    def networks() -> list[UNet]:
        held, made = weights(), []
        for stem in STEMS:
            network = UNet()
            network.load_state_dict(dict(held[stem]), strict=False)
            made.append(network.eval().to(choose_device(device)))
        return made

    def separate(sound: FloatArray, sample_rate_hz: int) -> dict[str, FloatArray]:
        if sample_rate_hz != RATE_HZ:
            raise ValueError(f"the networks take {RATE_HZ} Hz, got {sample_rate_hz}")
        with torch.inference_mode():
            stems = _separated(torch.from_numpy(sound).to(choose_device(device)), networks())
        return dict(zip(STEMS, (stem.cpu().numpy() for stem in stems), strict=True))

    return Separator(RATE_HZ, separate)


def _separated(sound: Tensor, networks: list[UNet]) -> list[Tensor]:
    """The stems of stereo sound, each of its shape."""
    window = torch.hann_window(_WINDOW, device=sound.device)
    padded = F.pad(sound, (0, _WINDOW))  # a short piece is shorter than the window
    spectrum = torch.stft(
        padded, _WINDOW, _HOP, window=window, center=True, pad_mode="constant", return_complex=True
    )  # (2, bins, frames)
    n = spectrum.shape[2]
    seen = F.pad(spectrum[:, :_BINS].abs(), (0, -n % _FRAMES))
    pieces = torch.stack(torch.split(seen.transpose(1, 2), _FRAMES, dim=1))  # (pieces, 2, frames, bins)
    powers = []
    for network in networks:
        found = torch.cat([network(piece[None]) for piece in pieces]) ** 2  # one at a time, to save memory
        powers.append(torch.cat(list(found), dim=1).transpose(1, 2)[:, :, :n])  # (2, bins, frames)
    whole = torch.stack(powers).sum(0) + _LEAST
    stems = []
    for power in powers:
        share = (power + _LEAST / len(powers)) / whole
        above = share.mean(dim=1, keepdim=True).expand(-1, spectrum.shape[1] - _BINS, -1)
        masked = spectrum * torch.cat([share, above], dim=1)
        wave = torch.istft(masked, _WINDOW, _HOP, window=window, center=True, length=padded.shape[1])
        stems.append(wave[:, : sound.shape[1]])
    return stems
