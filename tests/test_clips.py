"""Clips by time: the frame that a viewer would see, at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.types import Clip, FrameBatch, Span, TimeArray
from soundtrack.video.clips import ClipSampler

SIDE = 4


def batch(times_s: TimeArray, first: int = 0) -> FrameBatch:
    """Frames whose pixels hold their own number."""
    numbers = (first + np.arange(len(times_s))).astype(np.uint8)
    frames = np.broadcast_to(numbers[:, None, None, None], (len(times_s), SIDE, SIDE, 3)).copy()
    return FrameBatch(times_s=times_s, frames=frames)


def sample(
    times_s: TimeArray,
    duration_s: float,
    *,
    n_frames: int = 16,
    rate_hz: float = 8.0,
    stride_s: float = 2.0,
    size: int = 32,
) -> list[Clip]:
    """All clips of a film."""
    sampler = ClipSampler(n_frames=n_frames, frame_rate_hz=rate_hz, stride_s=stride_s, side_px=SIDE)
    clips: list[Clip] = []
    for start in range(0, len(times_s), size):
        clips += sampler.push(batch(times_s[start : start + size], start))
    return clips + sampler.finish(duration_s)


def numbers(clip: Clip) -> list[int]:
    """Which frames a clip holds."""
    return [int(v) for v in clip.frames[:, 0, 0, 0]]


def test_frames_are_taken_at_their_times() -> None:
    clips = sample(np.arange(100) / 25, 4.0)
    assert [clip.span for clip in clips] == [Span(0.0, 2.0), Span(2.0, 4.0)]
    assert numbers(clips[0]) == [int(j / 8 * 25) for j in range(16)]
    assert numbers(clips[1]) == [50 + int(j / 8 * 25) for j in range(16)]


def test_a_slow_film_repeats_frames() -> None:
    (clip,) = sample(np.arange(10) / 5, 2.0)
    assert numbers(clip) == [int(j / 8 * 5) for j in range(16)]


def test_a_very_slow_film_fills_whole_clips_with_one_frame() -> None:
    clips = sample(np.array([0.0, 10.0]), 20.0)
    assert [set(numbers(clip)) for clip in clips] == [{0}] * 5 + [{1}] * 5


def test_a_single_frame_is_a_clip() -> None:
    (clip,) = sample(np.array([0.0]), 0.04)
    assert clip.span == Span(0.0, 0.04)
    assert clip.frames.shape == (16, SIDE, SIDE, 3)
    assert numbers(clip) == [0] * 16


def test_the_last_clip_repeats_its_last_frame() -> None:
    clips = sample(np.arange(75) / 25, 3.0)
    assert clips[1].span == Span(2.0, 3.0)
    assert numbers(clips[1]) == [50, 53, 56, 59, 62, 65, 68, 71] + [71] * 8


def test_variable_frame_rate_follows_the_clock() -> None:
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(6) / 6])
    (clip,) = sample(times, 2.0)
    assert numbers(clip) == [int(np.searchsorted(times, j / 8 + 1e-9, side="right")) - 1 for j in range(16)]


def test_no_frames_no_clips() -> None:
    assert ClipSampler(n_frames=2, frame_rate_hz=1, stride_s=2, side_px=SIDE).finish(1.0) == []


def test_overlapping_clips() -> None:
    clips = sample(np.arange(100) / 25, 4.0, stride_s=1.0)
    assert [clip.span.start_s for clip in clips] == [0, 1, 2, 3]
    assert numbers(clips[1])[:8] == numbers(clips[0])[8:]


def test_wrong_sizes_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ClipSampler(n_frames=0, frame_rate_hz=1, stride_s=2, side_px=SIDE)
    sampler = ClipSampler(n_frames=2, frame_rate_hz=1, stride_s=2, side_px=SIDE + 1)
    with pytest.raises(ValueError, match="frames must be"):
        sampler.push(batch(np.array([0.0])))


@given(
    gaps=st.lists(st.floats(0.004, 3.0), min_size=0, max_size=60),
    tail=st.floats(0.01, 1.0),
    n_frames=st.integers(1, 8),
    rate_hz=st.sampled_from([1.0, 3.0, 8.0]),
    stride_s=st.sampled_from([0.5, 1.0, 2.0]),
    size=st.integers(1, 64),
)
def test_every_clip_holds_the_frames_a_viewer_sees(
    gaps: list[float], tail: float, n_frames: int, rate_hz: float, stride_s: float, size: int
) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    duration_s = float(times[-1] + tail)
    clips = sample(times, duration_s, n_frames=n_frames, rate_hz=rate_hz, stride_s=stride_s, size=size)
    starts = [i * stride_s for i in range(10_000) if i * stride_s < duration_s - 1e-6]
    assert sorted(clip.span.start_s for clip in clips) == pytest.approx(starts)
    for clip in clips:
        assert clip.span.end_s == pytest.approx(min(clip.span.start_s + n_frames / rate_hz, duration_s))
        wanted = clip.span.start_s + np.arange(n_frames) / rate_hz
        shown = np.searchsorted(times, np.minimum(wanted, duration_s - 2e-6) + 1e-6, side="right") - 1
        inside = wanted < duration_s - 2e-6
        assert [n for n, ok in zip(numbers(clip), inside, strict=True) if ok] == [int(i) for i in shown[inside]]


def test_a_frame_that_stands_for_hours_costs_the_memory_of_one() -> None:
    sampler = ClipSampler(n_frames=16, frame_rate_hz=8.0, stride_s=2.0, side_px=32)
    frames = np.stack([np.full((32, 32, 3), value, np.uint8) for value in (10, 200)])
    clips = sampler.push(FrameBatch(times_s=np.array([0.0, 7_200.5]), frames=frames))
    clips += sampler.finish(7_203.0)
    assert [clip.span.start_s for clip in clips] == [2.0 * i for i in range(3_602)]
    assert len({clip.frames.__array_interface__["data"][0] for clip in clips}) <= 4
    assert all((clip.frames == 10).all() for clip in clips[:3_600])
    assert [int(value) for value in clips[3_600].frames[:, 0, 0, 0]] == [10] * 4 + [200] * 12
    assert (clips[3_601].frames == 200).all()
