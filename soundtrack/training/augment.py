"""Harmless changes to training pictures: mirrored, cropped a little, lit a little differently.

A mood survives all of them; the network must not learn that a clip is sad because of the side on which the lamp stands.
One draw holds for a whole clip, so that nothing flickers that did not flicker before.
"""

from __future__ import annotations

import torch

from soundtrack.emotion.vision_ops import load_torchvision


def augment_clips(clips: torch.Tensor, *, generator: torch.Generator, strength: float = 0.2) -> torch.Tensor:
    """Clips of the same shape, each changed in its own way.

    Parameters
    ----------
    clips : Tensor, shape=(n, 3, frames, side, side), float32
        RGB in [0, 1].
    generator : torch.Generator
        Source of the draws, on the CPU.
    strength : float in [0, 0.5]
        Largest relative change of brightness, contrast and saturation, and largest share of the side that a crop
        takes away.

    Returns
    -------
    Tensor, shape=(n, 3, frames, side, side), float32
        RGB in [0, 1].

    Examples
    --------
    >>> clips = torch.rand(2, 3, 4, 16, 16)
    >>> augment_clips(clips, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 4, 16, 16])
    """
    if not 0 <= strength <= 0.5:
        raise ValueError(f"strength must be in [0, 0.5], got {strength}")
    change = load_torchvision().transforms.v2.functional
    side = clips.shape[-1]
    done = []
    for clip in clips:
        draw = torch.rand(6, generator=generator)
        frames = clip.transpose(0, 1)  # (frames, 3, side, side)
        if draw[0] < 0.5:
            frames = change.horizontal_flip(frames)
        size = side - int(draw[1] * strength * side)
        top, left = (int(d * (side - size + 1)) for d in draw[2:4])
        frames = change.resized_crop(frames, top, left, size, size, [side, side], antialias=True)
        lighter, stronger = (1 + strength * (2 * float(d) - 1) for d in draw[4:6])
        frames = change.adjust_brightness(frames, lighter)
        frames = change.adjust_contrast(frames, stronger)
        frames = change.adjust_saturation(frames, 2 - stronger)
        done.append(frames.transpose(0, 1))  # (3, frames, side, side)
    return torch.stack(done).clamp(0, 1)
