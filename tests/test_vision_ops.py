"""torchvision loads beside whatever build of torch there is, and its transforms are put to use."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from soundtrack.errors import DependencyError
from soundtrack.networks.vision_ops import load_torchvision


def test_transforms_work_beside_this_torch() -> None:
    functional = load_torchvision().transforms.v2.functional
    picture = torch.arange(12, dtype=torch.float32).reshape(1, 3, 4)
    assert torch.equal(functional.horizontal_flip(picture), picture.flip(-1))


def test_loading_twice_gives_the_same_package() -> None:
    assert load_torchvision() is load_torchvision()


def test_a_missing_torchvision_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(DependencyError, match="torchvision is incompatible with torch") as caught:
        load_torchvision()
    assert "pip install" in caught.value.hint


@pytest.mark.slow
def test_a_fresh_process_survives_the_cuda_wheel_beside_a_cpu_torch() -> None:
    code = (
        "from soundtrack.networks.vision_ops import load_torchvision as load\n"
        "package = load()\n"
        "assert package.models.video.r3d_18().fc.out_features == 400\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
