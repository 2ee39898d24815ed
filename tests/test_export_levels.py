"""Levels in exports: keyframes follow gain, fades and ducking, and stand where the clips stand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest

from made_up import sheet, small_library
from soundtrack.export import export
from soundtrack.export.clips import music_clips
from soundtrack.export.keyframes import FLOOR_DB, gain_keys
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import frame_time_s, frames
from soundtrack.types import CueSheet, GainPoint

EVIL = 'x\x00\x1b]]>&<b>"\udcff\ufffe'


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    """A sheet with ducking between 24 and 33 seconds."""
    found = spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 200.0)]), small_library())
    ducking = tuple(GainPoint(t, g) for t, g in ((24.0, 0.0), (24.35, -9.0), (31.5, -9.0), (33.0, 0.0)))
    return replace(found, ducking=ducking)


def true_gain_db(cues: CueSheet, cue_index: int, time_s: float) -> float:
    """What the renderer does, said once more."""
    cue = cues.cues[cue_index]
    gain = cue.gain_db + np.interp(time_s, [p.time_s for p in cues.ducking], [p.gain_db for p in cues.ducking])
    for since, length in ((time_s - cue.span.start_s, cue.fade_in_s), (cue.span.end_s - time_s, cue.fade_out_s)):
        if length > 0 and since < length:
            gain += 20 * np.log10(max(1e-9, np.sin(np.pi / 2 * max(since, 0.0) / length)))
    return float(gain)


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
def test_keyframes_follow_the_level_of_the_music(cues: CueSheet, fps: Fraction) -> None:
    made = replace(cues, film=replace(cues.film, fps=fps))
    for clip in music_clips(made):
        keys = gain_keys(clip, made)
        at = [key.frame for key in keys]
        assert at == sorted(set(at))
        assert (at[0], at[-1]) == (clip.record_in, clip.record_out - 1)
        assert all(FLOOR_DB <= key.gain_db <= clip.cue.gain_db for key in keys)
        index = made.cues.index(clip.cue)
        for frame in range(clip.record_in + 1, clip.record_out):
            wanted = true_gain_db(made, index, frame_time_s(frame, fps=fps))
            got = float(np.interp(frame, at, [key.gain_db for key in keys]))
            if wanted > clip.cue.gain_db - 20:
                assert abs(got - wanted) < 1.5, (frame, got, wanted)


def test_a_fade_of_less_than_two_frames_is_none(cues: CueSheet) -> None:
    """Reported as: the music came in over half a minute in the editing program."""
    first = music_clips(cues)[0]
    assert first.cue.fade_in_s == 0.02
    assert gain_keys(first, cues)[0].gain_db == first.cue.gain_db


@pytest.mark.parametrize("size", [(853, 480), (317, 132), (640, 359)])
def test_melt_wrote_an_empty_film_where_the_pixels_of_a_film_give_an_odd_width(
    cues: CueSheet, size: tuple[int, int]
) -> None:
    """Wide NTSC is 853 pixels wide on a square grid."""
    made = replace(cues, film=replace(cues.film, width_px=size[0], height_px=size[1]))
    profile = ElementTree.fromstring(export(made, "mlt")).find("profile")
    assert profile is not None
    for name, wanted in zip(("width", "height"), size, strict=True):
        assert int(profile.attrib[name]) % 2 == 0 and abs(int(profile.attrib[name]) - wanted) <= 1
    assert (profile.attrib["display_aspect_num"], profile.attrib["display_aspect_den"]) == tuple(map(str, size))


def test_a_line_break_in_a_file_name_lost_the_music_of_an_mlt_file(cues: CueSheet) -> None:
    tracks = tuple(replace(track, path="a\nb\tc.mp3") for track in cues.tracks)
    root = ElementTree.fromstring(export(replace(cues, tracks=tracks), "mlt"))
    assert "./a\nb\tc.mp3" in [p.findtext("property[@name='resource']") for p in root.iter("producer")]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001)])
def test_the_mlt_file_has_the_clips_at_the_frames_of_the_film(cues: CueSheet, fps: Fraction) -> None:
    made = replace(cues, film=replace(cues.film, fps=fps))
    root = ElementTree.fromstring(export(made, "mlt"))
    profile = root.find("profile")
    assert profile is not None
    assert Fraction(int(profile.attrib["frame_rate_num"]), int(profile.attrib["frame_rate_den"])) == fps
    ids = {p.attrib["id"]: p.findtext("property[@name='resource']") for p in root.iterfind("producer")}
    found = []
    for playlist in root.iterfind("playlist"):
        at = 0
        for item in playlist:
            if item.tag == "blank":
                at += int(item.attrib["length"])
            elif item.tag == "entry":
                length = int(item.attrib["out"]) - int(item.attrib["in"]) + 1
                found.append((at, at + length, int(item.attrib["in"]), ids[item.attrib["producer"]]))
                at += length
    n_frames = frames(made.film.duration_s, fps=fps)
    wanted = [(c.record_in, c.record_out, c.source_in, f"./{c.track.path}") for c in music_clips(made)]
    assert sorted(found) == sorted([(0, n_frames, 0, f"./{made.film.name}"), *wanted])
    tracks = [t.attrib["producer"] for t in root.iterfind("tractor/track")]
    assert tracks == ["picture", *sorted({f"mx{'ab'[c.lane]}" for c in music_clips(made)})]
    levels = [p.text or "" for p in root.iterfind(".//filter/property[@name='level']")]
    corners = [[int(pair.split("=")[0]) for pair in level.split(";")] for level in levels]
    assert all(at == sorted(set(at)) for at in corners)
    ends = {c.lane: c.record_out - 1 for c in music_clips(made)}
    assert [at[-1] for at in corners] == [ends[lane] for lane in sorted(ends)]


@pytest.mark.parametrize("name", ["mlt", "fcpxml", "xml"])
def test_the_film_s_own_sound_and_hostile_names(cues: CueSheet, name: str) -> None:
    tracks = tuple(replace(t, title=EVIL, artist=EVIL, path=f"http://{EVIL}.mp3") for t in cues.tracks)
    hostile = replace(
        cues, tracks=tracks, film=replace(cues.film, name=EVIL), mix=replace(cues.mix, keep_original=False)
    )
    text = export(hostile, name)
    assert text == export(hostile, name)
    text.encode("utf-8")
    root = ElementTree.fromstring(text)
    if name == "mlt":
        assert root.find("tractor/track[@producer='picture'][@hide='audio']") is not None
        assert all((p.text or "").startswith("./") for p in root.iterfind(".//property[@name='resource']"))


def test_keyframes_of_final_cut_count_on_the_clock_of_the_music(cues: CueSheet) -> None:
    fps = cues.film.fps
    clips = sorted(music_clips(cues), key=lambda clip: clip.lane)
    named = {item.attrib["id"]: item for item in ElementTree.fromstring(export(cues, "xml")).iter("clipitem")}
    order = [music_clips(cues).index(clip) + 1 for clip in clips]
    old = [named[f"music-{number}-1"] for number in order]
    new = sorted(
        ElementTree.fromstring(export(cues, "fcpxml")).iterfind(".//asset-clip/asset-clip"),
        key=lambda item: -int(item.attrib["lane"]),
    )
    assert len(old) == len(new) == len(clips)
    for clip, was, now in zip(clips, old, new, strict=True):
        exact = [Fraction(now.attrib[name].rstrip("s")) * fps for name in ("offset", "start", "duration")]
        assert exact == [clip.record_in, clip.source_in, clip.n_frames]
        keys = gain_keys(clip, cues)
        at = [clip.source_in + key.frame - clip.record_in for key in keys]
        assert [int(w.text or "") for w in was.iterfind(".//keyframe/when")] == (at if len(keys) > 1 else [])
        factors = [float(v.text or "") for v in was.iterfind(".//keyframe/value")]
        assert factors == pytest.approx([10 ** (key.gain_db / 20) for key in keys if len(keys) > 1], abs=1e-4)
        times = [Fraction(k.attrib["time"].rstrip("s")) * fps for k in now.iterfind(".//keyframe")]
        assert times == (at if len({key.gain_db for key in keys}) > 1 else [])
