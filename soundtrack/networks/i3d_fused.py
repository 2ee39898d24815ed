"""I3D for inference: equal to `soundtrack.networks.i3d.I3D`, several times faster on a CPU.

Batch norm is folded into the convolutions, tensors lie channels-last, pointwise convolutions are matrix products, and
where the processor is quicker in bf16 the whole network runs in it. Kernels whose frames are zero but for the middle
one, as `inflate` makes them, are run one frame deep, on the frames that they would have looked at. The result is always
float32.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.networks.i3d import I3D, Mixed, Unit3D, max_pool, pool
from soundtrack.networks.i3d_layers import LAYERS, Size, same_padding
from soundtrack.processes.platform import has_slow_bf16


def has_fast_bf16() -> bool:
    """Whether this processor multiplies bf16 in hardware, and quicker than float32."""
    has_it = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and ("amx" in _flags() or "bf16" in _flags())
    return has_it and not has_slow_bf16()


def _flags() -> str:
    """What PyTorch says about the processor."""
    caps = torch.backends.cpu.get_cpu_capability().lower()
    extra = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return caps + (" avx512_bf16" if extra is not None and extra() else "")


def _is_flat(weight: Tensor) -> bool:
    """Whether all frames of a kernel (n_out, n_in, t, h, w) but its middle one are zero."""
    middle = weight.shape[2] // 2
    return weight.shape[2] % 2 == 1 and not (weight[:, :, :middle].any() or weight[:, :, middle + 1 :].any())


class _Conv(nn.Module):
    """A convolution with batch norm folded in, then ReLU."""

    def __init__(self, unit: Unit3D, dtype: torch.dtype) -> None:
        super().__init__()
        weight, bias = unit.conv3d.weight.detach().float(), unit.conv3d.bias
        if unit.bn is not None:
            assert unit.bn.running_var is not None and unit.bn.running_mean is not None
            gain = unit.bn.weight / torch.sqrt(unit.bn.running_var + unit.bn.eps)
            weight = weight * gain.detach().view(-1, 1, 1, 1, 1)
            folded = unit.bn.bias - unit.bn.running_mean * gain
        else:
            folded = torch.zeros(weight.shape[0]) if bias is None else bias
        self.kernel: Size = unit.kernel
        self.stride: Size = unit.stride
        self.is_pointwise = unit.kernel == (1, 1, 1) and unit.stride == (1, 1, 1)
        self.is_flat = not self.is_pointwise and _is_flat(weight)
        if self.is_pointwise:
            weight = weight.flatten(1)
        elif self.is_flat:
            weight = weight[:, :, unit.kernel[0] // 2].contiguous(memory_format=torch.channels_last)
        else:
            weight = weight.contiguous(memory_format=torch.channels_last_3d)
        self.register_buffer("weight", weight.to(dtype))
        self.register_buffer("bias", folded.detach().float().to(dtype))
        self.weight: Tensor
        self.bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, n_in, t, h, w), channels last, to (n, n_out, t', h', w')."""
        if self.is_pointwise:
            y = F.linear(x.permute(0, 2, 3, 4, 1), self.weight, self.bias)  # (n, t, h, w, n_out)
            return F.relu_(y).permute(0, 4, 1, 2, 3)
        if self.is_flat:
            return self._flat(x)
        pads = [same_padding(x.shape[2 + i], self.kernel[i], self.stride[i]) for i in range(3)]
        if any(before != after for before, after in pads):
            x = F.pad(x, [pad for pair in reversed(pads) for pad in pair])
            x = x.contiguous(memory_format=torch.channels_last_3d)
            pads = [(0, 0)] * 3
        y = F.conv3d(x, self.weight, self.bias, self.stride, [before for before, _ in pads])
        return F.relu_(y)

    def _flat(self, x: Tensor) -> Tensor:
        """As `forward`, for a kernel that looks at nothing but its middle frame."""
        n, c, t = x.shape[:3]
        first = self.kernel[0] // 2 - same_padding(t, self.kernel[0], self.stride[0])[0]
        x = x[:, :, first :: self.stride[0]][:, :, : -(-t // self.stride[0])]
        n_frames = x.shape[2]
        planes = x.permute(0, 2, 3, 4, 1).reshape(n * n_frames, *x.shape[3:], c).permute(0, 3, 1, 2)  # (n t, c, h, w)
        before, after = zip(
            *(same_padding(x.shape[2 + i], self.kernel[i], self.stride[i]) for i in (1, 2)), strict=True
        )
        if before != after:
            planes = F.pad(planes, (before[1], after[1], before[0], after[0]))
            planes, before = planes.contiguous(memory_format=torch.channels_last), (0, 0)
        y = F.relu_(F.conv2d(planes, self.weight, self.bias, self.stride[1:], before))
        frames = y.permute(0, 2, 3, 1).reshape(n, n_frames, *y.shape[2:], y.shape[1])  # (n, t', h', w', n_out)
        return frames.permute(0, 4, 1, 2, 3)


class _Mixed(nn.Module):
    """An Inception block of folded convolutions."""

    def __init__(self, block: Mixed, dtype: torch.dtype) -> None:
        super().__init__()
        self.pool_kernel = block.pool_kernel
        self.b0, self.b3b = _Conv(block.b0, dtype), _Conv(block.b3b, dtype)
        self.b1a, self.b1b = _Conv(block.b1a, dtype), _Conv(block.b1b, dtype)
        self.b2a, self.b2b = _Conv(block.b2a, dtype), _Conv(block.b2b, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, t, h, w), channels last."""
        pooled = max_pool(x, self.pool_kernel, (1, 1, 1))
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled))
        joined = torch.cat([branch.permute(0, 2, 3, 4, 1) for branch in branches], dim=-1)  # (n, t, h, w, c)
        return joined.permute(0, 4, 1, 2, 3)


class FusedI3D(nn.Module):
    """Folded copy of a network; made by `I3D.fuse`.

    Parameters
    ----------
    model : I3D
        Left as it is.
    dtype : torch.dtype
        float32, bfloat16 or float16.
    """

    def __init__(self, model: I3D, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype, self.flat, self.dim = dtype, model.flat, model.dim
        for name in LAYERS:
            if name.startswith("MaxPool"):
                continue
            layer = model.get_submodule(name)
            if isinstance(layer, Mixed):
                self.add_module(name, _Mixed(layer, dtype))
            elif isinstance(layer, Unit3D):
                self.add_module(name, _Conv(layer, dtype))

    @property
    def is_flat(self) -> bool:
        """Whether no convolution looks at neighbouring frames."""
        return all(conv.is_pointwise or conv.is_flat for conv in self.modules() if isinstance(conv, _Conv))

    def moved(self, device: str, *, dtype: torch.dtype) -> FusedI3D:
        """The network itself, on another device and in other numbers."""
        self.to(device=device, dtype=dtype)
        self.dtype = dtype
        return self

    @torch.inference_mode()
    def features(self, clips: Tensor) -> Tensor:
        """The pooled vector, float32, shape (n, dim); `clips` (n, 3, t, side, side) in [-1, 1]."""
        x = clips.to(self.dtype).contiguous(memory_format=torch.channels_last_3d)
        for name in LAYERS:
            x = pool(x, name, flat=self.flat) if name.startswith("MaxPool") else self.get_submodule(name)(x)
        return x.float().mean(dim=(2, 3, 4))
