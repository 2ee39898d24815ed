"""Music under talk: it leaves between two sentences, comes back, and is a bed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from made_up import library, sheet, small_library, track
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import divide
from soundtrack.spotting.merit.talk import bedded, rests, same_shot, spoken_share, talk_cuts, talks, under_words
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import EMOTIONS, EmotionState, SceneSheet, Shot, Span

SENTENCES = tuple(Span(start + 1.0, start + 9.5) for start in range(60, 150, 10))
"""Ninety seconds of talk from 1:00, half a second or more between two sentences."""


def talking_film() -> SceneSheet:
    film = sheet([("Relaxation", 60.0), ("Excited", 90.0), ("Relaxation", 60.0)], speech=[0.0, 0.85, 0.0])
    return replace(film, speech=SENTENCES)


def test_only_long_talk_gets_a_rest() -> None:
    assert talks([Span(0, 8), Span(9, 14.5)]) == []
    assert talks([Span(0, 8), Span(9, 16), Span(30, 50)]) == [Span(0, 16), Span(30, 50)]
    assert rests([Span(0, 8), Span(9, 14.5)], [0.0]) == []


def test_music_may_leave_and_come_back_at_ends_of_sentences_only() -> None:
    found = rests(SENTENCES, [0.0, 60.0, 150.0, 210.0])
    assert found
    assert not [t for t in found if any(s.start_s < t < s.end_s for s in SENTENCES)]
    assert all(abs(t - mark) >= 3.0 for t in found for mark in (60.0, 150.0))


def test_an_interview_is_neither_silent_throughout_nor_scored_throughout() -> None:
    made = spot_cues(talking_film(), small_library())
    silent_s = 210.0 - sum(cue.span.duration_s for cue in made.cues)
    talk_with_music_s = sum(cue.span.overlap_s(Span(60.0, 150.0)) for cue in made.cues)
    assert 0.1 * 210 < silent_s < 0.6 * 210
    assert talk_with_music_s < 60.0
    assert any("speech in" in silence.reason for silence in made.silences)
    assert not [c for c in made.cues if any(s.start_s + 0.3 < c.span.start_s < s.end_s - 0.3 for s in SENTENCES)]


def test_a_bed_under_the_opening_of_a_talk_unless_the_mood_turns_with_it() -> None:
    edges = np.array([0.0, 60.0, 75.0, 120.0, 150.0])
    talk = [Span(60.5, 90.0), Span(90.8, 149.0)]
    assert bedded(edges, talk, np.array([150.0])).tolist() == [False, True, False, False]
    assert not bedded(edges, talk, np.array([60.0])).any()
    made = spot_cues(talking_film(), small_library())  # from Relaxation to Excited
    assert any(abs(cue.span.end_s - 60.0) < 1.0 for cue in made.cues)


def test_an_hour_of_talk_keeps_a_bed_now_and_then() -> None:
    sentences = [Span(i * 10.0 + 1.0, i * 10.0 + 9.5) for i in range(360)]
    edges = np.array([0.0, *rests(sentences, [0.0, 3600.0]), 3600.0])
    lengths = np.diff(edges)
    assert 0.2 < float(lengths[bedded(edges, sentences, edges[:0])].sum()) / 3600 < 0.5


def test_a_speaking_face_does_not_ask_for_a_party() -> None:
    film = divide(talking_film(), Constraints(), keep_original=True)
    talk = [i for i in range(len(film)) if 60.0 <= film.edges_s[i] < 149.0]
    alone = divide(talking_film(), Constraints(), keep_original=False)
    assert max(film.arousal[talk]) < 0.1 < max(alone.arousal)
    assert np.isclose(film.probabilities.sum(axis=1), 1.0).all()


def test_music_calmer_than_a_bed_stays_so_and_silence_of_voices_changes_nothing() -> None:
    probabilities = np.full((2, 6), 1 / 6, np.float32)
    valence, arousal = np.array([-0.6, -0.6], np.float32), np.array([-0.8, 0.7], np.float32)
    mixed, near, calm = under_words(probabilities, valence, arousal, np.array([1.0, 0.0], np.float32))
    assert calm.tolist() == arousal.tolist()
    assert near[0] > valence[0] and near[1] == valence[1]
    assert mixed[0, EMOTIONS.index("Relaxation")] > 1 / 6 and np.allclose(mixed[1], 1 / 6)


def between_talks(*, talk: bool) -> SceneSheet:
    """Machines at work between two talks, read as neutral by half and as tense by half, as a scene in the middle."""
    half = EmotionState((0.0, 0.04, 0.44, 0.04, 0.04, 0.44), -0.1, 0.3, 0.4)
    film = sheet([("Neutral", 60.0), ("Tension", 60.0), ("Neutral", 60.0)], speech=[0.8 * talk, 0.0, 0.8 * talk])
    said = tuple(Span(t + 0.5, t + 9.5) for start in (0, 120) for t in range(start, start + 50, 10)) if talk else ()
    scenes = (film.scenes[0], replace(film.scenes[1], emotion=half), film.scenes[2])
    return replace(film, speech=said, scenes=scenes)


def test_pictures_between_talks_that_say_little_get_the_bed_of_the_talk() -> None:
    """Half neutral and half tense is no threat: neither the music nor a change of it follows the tense half."""
    middle = {talk: divide(between_talks(talk=talk), Constraints(), keep_original=True) for talk in (True, False)}
    place = {talk: int(np.searchsorted(film.edges_s, 90.0)) - 1 for talk, film in middle.items()}
    tense = {talk: film.probabilities[place[talk], EMOTIONS.index("Tension")] for talk, film in middle.items()}
    assert tense[True] < 0.2
    assert tense[False] > 0.4
    assert middle[True].arousal[place[True]] < 0.0 < middle[False].arousal[place[False]]
    tracks = library([track(mood, [mood] * 20) for mood in ("Tension", "Relaxation")])
    playing = [
        c.track_id for c in spot_cues(between_talks(talk=True), tracks).cues if c.span.overlap_s(Span(65, 115)) > 0
    ]
    assert playing == [tracks.track_ids[1]]


def test_a_picture_between_talks_that_says_something_keeps_its_mood() -> None:
    grief = np.array([[0.04, 0.04, 0.3, 0.04, 0.54, 0.04]], np.float32)
    low = np.array([-0.5], np.float32)
    mixed, near, calm = under_words(grief, low, low, np.zeros(1, np.float32), talk=1.0)
    assert mixed[0].argmax() == EMOTIONS.index("Sad")
    plain = np.array([[0.04, 0.04, 0.2, 0.04, 0.64, 0.04]], np.float32)
    assert np.allclose(under_words(plain, low, low, np.zeros(1, np.float32), talk=1.0)[0], plain)
    assert near[0] > low[0] and calm[0] == low[0]


def test_pauses_of_a_talk_in_one_shot_ask_for_the_same_music() -> None:
    edges = np.array([0.0, 20.0, 30.0, 60.0])
    share = spoken_share(edges, [Span(2.0, 18.0)])
    assert np.allclose(share, [0.8, 0.0, 0.0])
    assert np.allclose(same_shot(share, edges, np.array([0.0, 30.0])), [0.8, 0.8, 0.0])


def test_calm_film_asks_for_calm_music_in_its_liveliest_scene() -> None:
    film = sheet([("Relaxation", 60.0), ("Neutral", 60.0)])
    liveliest = replace(film.scenes[1].emotion, arousal=0.1)
    film = replace(film, scenes=(film.scenes[0], replace(film.scenes[1], emotion=liveliest)))
    assert divide(film, Constraints(), keep_original=True).arousal.max() < 0.1


def grief_after_talk(cut_s: float) -> SceneSheet:
    """A scene of 59 s that begins with a talk of 28 s in one shot; the next shot begins at `cut_s`."""
    film = sheet([("Relaxation", 60.0), ("Sad", 59.0)], speech=[0.0, 0.45])
    shots = (Shot(0, Span(0.0, 60.0)), Shot(1, Span(60.0, cut_s)), Shot(2, Span(cut_s, 119.0)))
    scenes = (film.scenes[0], replace(film.scenes[1], n_shots=2))
    return replace(film, shots=shots, scenes=scenes, speech=tuple(Span(t + 1.0, t + 9.5) for t in (60, 70, 80)))


def test_after_a_talk_music_waits_for_the_cut_to_another_mood_that_comes_soon() -> None:
    made = spot_cues(grief_after_talk(100.0), small_library())
    starts = [cue.span.start_s for cue in made.cues]
    assert 100.0 in starts
    assert not [start for start in starts if 89.0 < start < 100.0]
    assert [s for s in made.silences if "waits for the next cut" in s.reason and s.span.end_s == 100.0]


def test_after_a_talk_music_does_not_wait_for_a_cut_that_is_far() -> None:
    film = divide(grief_after_talk(112.0), Constraints(), keep_original=True)
    assert not film.waiting.any()
    assert 112.0 not in film.edges_s


def test_a_cut_beside_a_talk_divides_a_scene_only_where_the_mood_changes() -> None:
    sad = divide(grief_after_talk(100.0), Constraints(), keep_original=True)
    assert 100.0 in sad.edges_s
    film = grief_after_talk(100.0)
    neutral = sheet([("Relaxation", 60.0), ("Neutral", 59.0)]).scenes[1]
    film = replace(film, scenes=(film.scenes[0], replace(film.scenes[1], emotion=neutral.emotion)))
    calm = divide(film, Constraints(), keep_original=True)
    assert 100.0 not in calm.edges_s
    assert not calm.waiting.any()


def test_a_talk_belongs_to_the_cut_before_its_first_word_and_to_the_one_after_its_last() -> None:
    assert talk_cuts([Span(11.0, 30.0)], [4.0, 10.0, 20.0, 49.0]) == [10.0, 49.0]
    assert talk_cuts([Span(11.0, 30.0)], [4.0, 20.0, 60.0]) == []
