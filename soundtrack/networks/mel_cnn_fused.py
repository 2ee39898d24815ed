"""The music network for inference: the same numbers as `soundtrack.networks.mel_cnn.MelCnn`, in less time.

Batch norm is folded into the convolutions, tensors lie channels-last, and the whole network runs in the numbers that
it is made for: bf16 where the processor is quicker with it. The result is always float32.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from soundtrack.networks.mel_cnn import MelCnn, Stage


class FusedMelCnn(nn.Module):
    """Folded copy of a network.

    Parameters
    ----------
    model : MelCnn
        Left as it is.
    dtype : torch.dtype
        float32, bfloat16 or float16.

    Examples
    --------
    >>> from soundtrack.networks.mel_config import MelCnnConfig
    >>> net = MelCnn(MelCnnConfig(widths=(4, 8), n_features=16, n_sounds=5)).eval()
    >>> FusedMelCnn(net, dtype=torch.float32)(torch.zeros(2, 1, 96, 64))[1].shape
    torch.Size([2, 5])
    """

    def __init__(self, model: MelCnn, *, dtype: torch.dtype) -> None:
        super().__init__()
        self.config, self.dtype = model.config, dtype
        self.stem, self.expand = _folded(model.stem, dtype), _folded(model.expand, dtype)
        stages = [stage for stage in model.stages if isinstance(stage, Stage)]
        self.down = nn.ModuleList([_folded(stage.down, dtype) for stage in stages])
        self.refine = nn.ModuleList([_folded(stage.refine, dtype) for stage in stages])
        self.sounds = model.sounds

    @torch.inference_mode()
    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, n_features) and logits of the sound classes (n, n_sounds) of patches (n, 1, frames, n_mels)."""
        x = ((patches - self.config.mel_mean) / self.config.mel_scale).to(self.dtype)
        x = F.relu_(self.stem(x.contiguous(memory_format=torch.channels_last)))
        for down, refine in zip(self.down, self.refine, strict=True):
            halved = F.relu_(down(x))
            x = F.relu_(refine(halved).add_(halved))
        features = F.relu_(self.expand(x)).mean(dim=(2, 3), dtype=torch.float32)
        return features, self.sounds(features)


def _folded(block: nn.Sequential, dtype: torch.dtype) -> nn.Module:
    """A convolution and its batch norm as one convolution."""
    convolution, norm = block
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    folded = fuse_conv_bn_eval(convolution, norm).to(dtype).requires_grad_(False)
    folded.weight.data = folded.weight.data.contiguous(memory_format=torch.channels_last)
    return folded
