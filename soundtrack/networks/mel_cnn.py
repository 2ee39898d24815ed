"""Music network: a 2D convolutional network over log-mel patches, pooled over time.

Goes in: log-mel patches ``(n, 1, frames, n_mels)``, about a second each. Comes out: one feature vector a patch; a
linear head turns the mean and spread of a stretch's features into classes, valence and arousal. Five stages halve
time and frequency each; residual shortcuts keep the gradient alive. Torch and numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from soundtrack.networks.mel_config import MelCnnConfig, expected_shapes
from soundtrack.types import FloatArray


def _convolution(n_in: int, n_out: int, *, size: int, stride: int) -> nn.Sequential:
    """Convolution without bias and its batch norm."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride=stride, padding=size // 2, bias=False), nn.BatchNorm2d(n_out)
    )


class Stage(nn.Module):
    """Two 3 x 3 convolutions, the first with stride 2, and a shortcut."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.down = _convolution(n_in, n_out, size=3, stride=2)
        self.refine = _convolution(n_out, n_out, size=3, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """Halve both sides: (n, n_in, h, w) -> (n, n_out, ceil(h / 2), ceil(w / 2))."""
        halved = torch.relu(self.down(x))
        return torch.relu(self.refine(halved) + halved)


class MelCnn(nn.Module):
    """Patches to features and sound classes.

    Parameters
    ----------
    config : MelCnnConfig
        Shape of the network.

    Examples
    --------
    >>> net = MelCnn(MelCnnConfig(widths=(4, 8), n_features=16, n_sounds=5)).eval()
    >>> net.features(torch.zeros(2, 1, 96, 64)).shape
    torch.Size([2, 16])
    """

    def __init__(self, config: MelCnnConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = _convolution(1, config.widths[0], size=5, stride=2)
        self.stages = nn.Sequential(*(Stage(a, b) for a, b in zip(config.widths[:-1], config.widths[1:], strict=True)))
        self.expand = _convolution(config.widths[-1], config.n_features, size=1, stride=1)
        self.sounds = nn.Linear(config.n_features, config.n_sounds)

    def features(self, patches: Tensor) -> Tensor:
        """Feature vector of each patch.

        Parameters
        ----------
        patches : Tensor, shape=(n, 1, frames, n_mels), float32
            Log-mel values, time first.

        Returns
        -------
        Tensor, shape=(n, n_features), float32, at least 0
        """
        x = (patches - self.config.mel_mean) / self.config.mel_scale
        x = torch.relu(self.stem(x))
        x = self.stages(x)
        x = torch.relu(self.expand(x))
        return x.mean(dim=(2, 3), dtype=torch.float32)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, n_features) and logits of the sound classes (n, n_sounds)."""
        features = self.features(patches)
        return features, self.sounds(features)


def network_of(arrays: Mapping[str, FloatArray], config: MelCnnConfig) -> MelCnn:
    """The network with weights as `mel_config.expected_shapes` names them."""
    network = MelCnn(config)
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}, strict=False)
    return network.eval()


def arrays_of(network: MelCnn) -> dict[str, FloatArray]:
    """Weights of a network, as `mel_config.expected_shapes` names them."""
    state = network.state_dict()
    return {name: state[name].float().cpu().numpy() for name in expected_shapes(network.config)}
