"""torchvision loads beside whatever build of torch there is, and its transforms are put to use."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from soundtrack.emotion.vision_ops import load_torchvision
from soundtrack.errors import DependencyError
from soundtrack.training.augment import augment_clips


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
    with pytest.raises(DependencyError, match="torchvision does not work with torch") as caught:
        load_torchvision()
    assert "pip install" in caught.value.hint


@pytest.mark.slow
def test_a_fresh_process_survives_the_cuda_wheel_beside_a_cpu_torch() -> None:
    code = (
        "from soundtrack.emotion.vision_ops import load_torchvision as load\n"
        "package = load()\n"
        "assert package.models.video.r3d_18().fc.out_features == 400\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_augmented_clips_are_the_same_again_with_the_same_seed() -> None:
    clips = torch.rand(3, 3, 4, 24, 24, generator=torch.Generator().manual_seed(1))
    first = augment_clips(clips, generator=torch.Generator().manual_seed(5))
    again = augment_clips(clips, generator=torch.Generator().manual_seed(5))
    other = augment_clips(clips, generator=torch.Generator().manual_seed(6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == clips.shape and first.min() >= 0 and first.max() <= 1


def test_a_still_clip_stays_still() -> None:
    still = torch.rand(1, 3, 1, 24, 24, generator=torch.Generator().manual_seed(2)).expand(1, 3, 5, 24, 24)
    changed = augment_clips(still, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(changed, changed[:, :, :1].expand_as(changed), atol=1e-5)


def test_no_strength_only_mirrors() -> None:
    clip = torch.rand(1, 3, 2, 8, 8, generator=torch.Generator().manual_seed(4))
    changed = augment_clips(clip, generator=torch.Generator().manual_seed(0), strength=0.0)
    assert torch.allclose(changed, clip, atol=1e-4) or torch.allclose(changed, clip.flip(-1), atol=1e-4)
