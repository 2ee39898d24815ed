"""What is worked out from stills and shots: the words for what is seen, and how quickly a film is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from soundtrack.channels import aligned
from soundtrack.emotion.head import Block, Domain, Head
from soundtrack.emotion.picture_head import CUTTING, OBJECTS, STILLS
from soundtrack.emotion.seen.derived import cutting_rows, derived, object_rows
from soundtrack.naming.norms import label_norm_of, norm_of
from soundtrack.pipeline.film.album import read_album
from soundtrack.pipeline.film.photos import PhotoLook
from soundtrack.types import (
    Channel,
    ChannelSetup,
    ClipFormat,
    Evidence,
    FloatArray,
    Medium,
    PictureChannel,
    SceneSheet,
    Shot,
    Span,
)


def shots_of(*lengths_s: float) -> list[Shot]:
    ends = np.cumsum(lengths_s).tolist()
    return [Shot(i, Span(end - length, end)) for i, (end, length) in enumerate(zip(ends, lengths_s, strict=True))]


def stills_of(rows: FloatArray) -> Evidence:
    channel = Channel(STILLS, "1", Medium.PICTURE, dim=1280, sha256="0" * 64)
    return Evidence(channel, tuple(Span(4.0 * i, 4.0 * i + 4) for i in range(len(rows))), rows.astype(np.float32))


def still_like(label: str) -> FloatArray:
    """Features that the network's last layer takes for one class."""
    from importlib import resources

    from soundtrack.networks.runs.still_weights import class_shares, last_layer

    names = resources.files("soundtrack.emotion.seen").joinpath("imagenet_classes.txt").read_text().splitlines()
    row: FloatArray = np.maximum(last_layer()[0][names.index(label)], 0)[None] * 20
    assert names[int(class_shares(row).argmax())] == label
    return row


def test_a_film_in_quick_cuts_has_more_shots_a_minute_than_one_in_long_takes() -> None:
    clip = [Span(20, 22)]
    quick, slow = (float(np.exp(cutting_rows(shots_of(*lengths), clip))[0, 0]) for lengths in ([2] * 30, [15] * 4))
    assert quick == pytest.approx(30)
    assert slow == pytest.approx(6)


def test_nothing_is_said_about_the_cutting_of_a_film_of_one_shot() -> None:
    clips = [Span(0, 2), Span(2, 4)]
    (found,) = derived([], shots=shots_of(60), clips=clips, wanted={CUTTING})
    assert found.spans == ()
    assert np.isnan(aligned(found, clips)).all()


def test_a_long_take_in_a_cut_film_counts_as_slow() -> None:
    rows = cutting_rows(shots_of(*[1.0] * 30, 90.0), [Span(14, 16), Span(80, 82)])
    assert np.exp(rows[:, 0]).round(3).tolist() == [60.0, 2.0]


def test_a_film_shorter_than_the_window_is_measured_by_its_length() -> None:
    rows = cutting_rows(shots_of(5, 5), [Span(0, 2), Span(8, 10)])
    assert np.exp(rows[:, 0]).round(3).tolist() == [12.0, 12.0]


def test_flowers_please_more_than_spiders_by_their_words() -> None:
    puppy, spider = object_rows(still_like("golden retriever")), object_rows(still_like("black widow"))
    flower = object_rows(still_like("daisy"))
    assert flower[0, 0] > spider[0, 0]
    assert np.isfinite(puppy).all()


def test_the_word_of_an_object_is_its_name_or_the_last_part_of_it() -> None:
    assert label_norm_of("wolf_spider") == norm_of("spider")
    assert label_norm_of("tench") is None


def test_only_what_a_head_reads_is_worked_out() -> None:
    stills, shots, clips = stills_of(np.ones((3, 1280), np.float32)), shots_of(6, 6), [Span(0, 2)]
    assert derived([stills], shots=shots, clips=clips, wanted={STILLS}) == ()
    names = [one.channel.name for one in derived([stills], shots=shots, clips=clips, wanted={OBJECTS, CUTTING})]
    assert names == [OBJECTS, CUTTING]
    assert derived([], shots=shots, clips=clips, wanted={OBJECTS}) == ()


def test_unknown_stills_have_unknown_objects() -> None:
    assert np.isnan(object_rows(np.full((1, 1280), np.nan, np.float32))).all()


def test_a_picture_is_judged_to_be_unlike_films_without_the_columns_that_it_cannot_have() -> None:
    sample = np.zeros((8, 3), np.float32)
    sample[0], sample[1] = [9, -9, 0], [-9, 9, 1]
    head = Head(
        (Block("seen", 2), Block("cut", 1)),
        mean=np.zeros(3, np.float32),
        scale=np.ones(3, np.float32),
        weight=sample,
        bias=np.zeros(8, np.float32),
        domain=Domain(np.array([0.0, 9.0, 0.0], np.float32), -9.0),
    )
    far_out = {"seen": np.array([[1.0, 5.0]], np.float32)}
    whole = head.read(far_out | {"cut": np.zeros((1, 1), np.float32)})
    missing = head.read(far_out)
    assert missing.probabilities == pytest.approx(whole.probabilities, abs=1e-5)
    blunt = replace(head, domain=Domain(np.array([0.0, 9.0, 0.1], np.float32), -9.0)).read(far_out)
    assert np.abs(blunt.probabilities - whole.probabilities).max() > 0.1


class NoChannels:
    """A watcher that only holds the format of clips."""

    setup = ChannelSetup(device="cpu", clips=ClipFormat(4, 8.0, 2.0, 32), sample_rate_hz=16_000)

    def picture_channels(self, _setup: ChannelSetup) -> list[PictureChannel]:
        return []

    def sheet(self, *_: object) -> SceneSheet:
        raise AssertionError


def test_photos_shown_one_by_one_are_not_taken_for_quick_cuts(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 48), (200, 40, 40)).save(tmp_path / name)
    look = PhotoLook(NoChannels(), seconds_per_image=1.0)
    look.read(read_album(tmp_path), progress=lambda *_: None)
    sight = look.finish()
    assert len(sight.shots) == 2
    assert not sight.edited
