"""The I3D: public names and shapes, TensorFlow's padding, inflation, and the fast form against the plain one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.networks.i3d import I3D, backbone, expected_state, inflate, max_pool
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.networks.i3d_layers import expected_shapes, n_features, same_padding


@pytest.fixture(scope="module")
def network() -> I3D:
    """A narrow network whose batch norms are not the identity."""
    torch.manual_seed(1)
    model = I3D(width=0.125, n_classes=5).eval()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif name.endswith("running_var"):
                value.uniform_(0.02, 0.1)
            elif name.endswith("bn.bias"):
                value.normal_(0, 0.1)
    return model


def clips(n: int = 2, frames: int = 16, side: int = 64, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, frames, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_full_network_has_the_public_names_and_shapes() -> None:
    state = expected_state(I3D())
    assert state["Conv3d_1a_7x7.conv3d.weight"] == (64, 3, 7, 7, 7)
    assert state["Conv3d_2c_3x3.conv3d.weight"] == (192, 64, 3, 3, 3)
    assert state["Mixed_3b.b2b.conv3d.weight"] == (32, 16, 3, 3, 3)
    assert state["Mixed_4f.b1a.bn.running_var"] == (160,)
    assert state["Mixed_5c.b0.conv3d.weight"] == (384, 832, 1, 1, 1)
    assert state["logits.conv3d.weight"] == (400, 1024, 1, 1, 1)
    assert state["logits.conv3d.bias"] == (400,)
    assert len(state) == 57 * 5 + 2
    assert not any(name.endswith("conv3d.bias") for name in state if not name.startswith("logits."))
    assert sum(torch.Size(shape).numel() for name, shape in state.items() if "running" not in name) == 12_697_264


@pytest.mark.parametrize(("width", "dim"), [(1.0, 1024), (0.5, 512), (0.25, 256)])
def test_width_scales_the_features(width: float, dim: int) -> None:
    with torch.device("meta"):
        assert I3D(width=width, n_classes=1).dim == dim


def test_shapes_through_the_network(network: I3D) -> None:
    with torch.inference_mode():
        assert network.maps(clips()).shape == (2, network.dim, 2, 2, 2)
        assert network.features(clips(frames=9, side=45)).shape == (2, network.dim)
        assert network(clips()).shape == (2, 5)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [(112, 7, 2, (2, 3)), (7, 3, 2, (1, 1)), (56, 3, 2, (0, 1)), (9, 3, 1, (1, 1))],
)
def test_same_padding_gives_the_ceiling(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == pads
    assert (size + sum(pads) - kernel) // stride + 1 == -(-size // stride)


@pytest.mark.parametrize("width", [1 / 16, 0.5, 1.0])
def test_layers_are_described_as_they_are(width: float) -> None:
    with torch.device("meta"):
        network = backbone(width)
    assert expected_state(network) == expected_shapes(width)
    assert network.dim == n_features(width)


@pytest.mark.parametrize(
    ("kernel", "stride"),
    [((1, 3, 3), (1, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((2, 2, 2), (2, 2, 2)), ((3, 3, 3), (1, 1, 1))],
)
@pytest.mark.parametrize("shape", [(2, 5, 8, 14, 14), (1, 3, 5, 7, 9), (1, 2, 1, 4, 3)])
def test_pooling_agrees_with_three_dimensional_pooling(
    kernel: tuple[int, int, int], stride: tuple[int, int, int], shape: tuple[int, ...]
) -> None:
    x = torch.rand(*shape, generator=torch.Generator().manual_seed(3))
    pads = [p for i in (2, 1, 0) for p in same_padding(shape[2 + i], kernel[i], stride[i])]
    assert torch.equal(max_pool(x, kernel, stride), F.max_pool3d(F.pad(x, pads), kernel, stride))


def test_pooling_has_the_right_gradient() -> None:
    x = torch.rand(1, 2, 4, 6, 6, requires_grad=True)
    max_pool(x, (3, 3, 3), (2, 2, 2)).sum().backward()
    assert x.grad is not None
    y = x.detach().clone().requires_grad_()
    F.max_pool3d(F.pad(y, [0, 1, 0, 1, 0, 1]), 3, 2).sum().backward()
    assert y.grad is not None
    assert torch.equal(x.grad, y.grad)


def test_fused_form_gives_the_same_features(network: I3D) -> None:
    x = clips()
    with torch.inference_mode():
        plain = network.features(x)
    fused = FusedI3D(network).features(x)
    assert plain.std(dim=0).mean() > 1e-3, "a dead network would make this test empty"
    torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-5)
    half = FusedI3D(network, dtype=torch.bfloat16).features(x)
    assert half.dtype == torch.float32
    assert F.cosine_similarity(half, plain).min() > 0.995


def test_fusing_leaves_the_network_alone(network: I3D) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    FusedI3D(network, dtype=torch.bfloat16)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_clip_is_read_alike_alone_and_in_company(network: I3D) -> None:
    x = clips(3)
    fused = FusedI3D(network)
    torch.testing.assert_close(fused.features(x[1:2]), fused.features(x)[1:2], rtol=1e-4, atol=1e-6)


def flat_and_deep(how: str) -> tuple[I3D, I3D]:
    torch.manual_seed(2)
    flat = I3D(width=0.125, n_classes=3, flat=True).eval()
    deep = I3D(width=0.125, n_classes=3).eval()
    deep.load_state_dict(inflate(flat.state_dict(), how=how))  # type: ignore[arg-type]  # the parameter is a plain str
    return flat, deep


def test_inflation_on_the_middle_frame_keeps_what_a_still_gives() -> None:
    flat, deep = flat_and_deep("centre")
    picture = clips(2, frames=1)
    with torch.inference_mode():
        torch.testing.assert_close(
            deep.features(picture.expand(-1, -1, 16, -1, -1)), flat.features(picture), rtol=1e-4, atol=1e-5
        )


def test_inflation_by_the_mean_keeps_it_away_from_the_ends() -> None:
    flat, deep = flat_and_deep("mean")
    picture = clips(1, frames=1)
    with torch.inference_mode():
        first = deep.Conv3d_1a_7x7(picture.expand(-1, -1, 32, -1, -1))
        torch.testing.assert_close(first[:, :, 8:9], flat.Conv3d_1a_7x7(picture), rtol=1e-4, atol=1e-5)


def test_full_network_sees_time() -> None:
    torch.manual_seed(5)
    network = I3D(width=0.125).eval()
    x = clips(1)
    with torch.inference_mode():
        assert not torch.allclose(network.features(x), network.features(x.flip(2)), atol=1e-7)
