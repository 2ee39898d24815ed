"""The plan: best of all plans on small cases, obedient to every demand, and the same every time."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import MadeUpLibrary, library, sheet, small_library, track
from soundtrack.cli.words import parse_lock, parse_mood, parse_span
from soundtrack.documents import cuesheet
from soundtrack.errors import LibraryError, NothingFitsError, UsageError
from soundtrack.naming.mood_words import mood_at
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, Lock, MoodWish
from soundtrack.spotting.merit.eligibility import allowed_tracks
from soundtrack.spotting.merit.intervals import Film, divide
from soundtrack.spotting.plan.beam import solve
from soundtrack.spotting.plan.problem import NO_TRACK, Choice, Problem, plan_value
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.spotting.plan.worth import Worth
from soundtrack.types import CueSheet, SceneSheet, Span

MOODS = ("Excited", "Fear", "Neutral", "Relaxation", "Sad", "Tension")


def problem(
    rng: np.random.Generator, *, n: int, n_tracks: int, max_cues: int | None = None, lock: bool = False
) -> Problem:
    """A small plan with everything in it drawn by lot."""
    lengths = rng.integers(5, 30, n).astype(np.float64)
    vectors = rng.standard_normal((n, 4)).astype(np.float32) + np.float32(1)
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    silent = rng.random(n) < 0.15
    film = Film(
        edges_s=edges,
        scene=np.arange(n),
        probabilities=np.full((n, 6), 1 / 6, np.float32),
        valence=np.zeros(n, np.float32),
        arousal=rng.uniform(-1, 1, n).astype(np.float32),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        cuts_per_min=np.zeros(n, np.float32),
        speech=np.zeros(n, np.float32),
        silent=silent,
        demanded=np.zeros(n, np.bool_),
        contrast=np.concatenate([[1], rng.random(n - 1), [1]]).astype(np.float32),
        speaking=rng.random(n + 1) < 0.2,
    )
    counts = np.array([next((k for k in range(n - i) if silent[i + k]), n - i) for i in range(n)])
    values, cells = [], []
    for start, count in enumerate(counts):
        per_s = rng.normal(0.1, 0.4, (int(count), n_tracks))
        spans = np.array([edges[start + k + 1] - edges[start] for k in range(int(count))])
        values.append((per_s * spans[:, None]).astype(np.float32).reshape(int(count), n_tracks))
        cells.append(rng.integers(0, 10, (int(count), n_tracks)))
    groups = np.array([0, 0, *range(2, n_tracks)])[:n_tracks] if n_tracks > 2 else np.arange(n_tracks)
    locked = np.full(n, NO_TRACK)
    if lock and not silent.all():
        locked[rng.choice(np.flatnonzero(~silent))] = rng.integers(n_tracks)
    return Problem(
        film=film,
        worth=Worth(cell_s=5.0, n_stretches=counts, value=values, cell=cells),
        silence=np.where(silent, 0.0, rng.normal(0.05, 0.1, n)).astype(np.float32),
        joins=rng.random((n_tracks, n_tracks)).astype(np.float32),
        arousal=rng.uniform(-1, 1, (n_tracks, 60)).astype(np.float32),
        groups=groups,
        artists=np.zeros(n_tracks, np.int64),
        locked=locked,
        allowed=np.ones(n_tracks, np.bool_),
        min_cue_s=12.0,
        preferred_cue_s=45.0,
        max_cues=max_cues,
    )


def every_plan(of: Problem, first: int = 0) -> Iterator[tuple[Choice, ...]]:
    """All plans there are from a stretch on, forbidden ones included."""
    n = len(of.film)
    if first == n:
        yield ()
        return
    for rest in every_plan(of, first + 1):
        yield rest
    for run in range(int(of.worth.n_stretches[first])):
        for rest in every_plan(of, first + run + 1):
            for one in range(len(of.groups)):
                yield (Choice(first, first + run + 1, one), *rest)


@pytest.mark.parametrize(
    ("seed", "max_cues", "lock"), [(s, m, k) for s in range(8) for m, k in ((None, False), (2, False), (None, True))]
)
def test_no_plan_is_better_than_the_one_found(seed: int, max_cues: int | None, lock: bool) -> None:
    of = problem(np.random.default_rng(seed), n=4, n_tracks=3, max_cues=max_cues, lock=lock)
    best = max(plan_value(of, plan) for plan in every_plan(of))
    found = solve(of, beam=5_000)
    assert plan_value(of, found) == pytest.approx(best, abs=1e-4)
    assert plan_value(of, solve(of)) == pytest.approx(best, abs=1e-4)


def film() -> SceneSheet:
    """Five scenes of plainly different mood."""
    return sheet([("Relaxation", 30.0), ("Excited", 25.0), ("Sad", 40.0), ("Tension", 20.0), ("Neutral", 30.0)])


def titles(of: CueSheet) -> list[str]:
    """What sounds, in order."""
    names = {t.track_id: t.title or "" for t in of.tracks}
    return [names[c.track_id] for c in of.cues]


def check_sheet(of: CueSheet, source: SceneSheet) -> None:
    """What holds for every sheet."""
    assert list(cuesheet.faults(of)) == []
    assert cuesheet.loads(cuesheet.dumps(of)) == of
    cuts = {shot.span.start_s for shot in source.shots}
    for before, after in itertools.pairwise(of.cues):
        assert before.span.start_s < after.span.start_s
    for cue in of.cues:
        assert cue.merit == pytest.approx(sum(t.value for t in cue.why), abs=1e-3)
        waits = 2.0 if cue is of.cues[-1] and cue.fade_out_s == 0 else 0.0
        assert any(cut <= cue.span.start_s <= cut + waits for cut in cuts)


def test_each_scene_gets_music_of_its_mood_and_enters_on_the_cut() -> None:
    made = spot_cues(film(), small_library())
    check_sheet(made, film())
    assert [t.split()[0] for t in titles(made)] == ["relaxation", "excited", "sad", "tension", "neutral"]
    assert [c.span.start_s for c in made.cues] == [0.0, 30.0, 55.0, 95.0, 115.0]
    assert made.ducking == ()
    assert all(c.gain_db == -6.0 for c in made.cues)


def test_scenes_of_one_mood_share_one_cue() -> None:
    made = spot_cues(sheet([("Sad", 15.0)] * 4), small_library())
    assert len(made.cues) == 1
    assert made.cues[0].scenes == (0, 1, 2, 3)


def test_the_same_film_gets_the_same_sheet() -> None:
    first, second = (cuesheet.dumps(spot_cues(film(), small_library())) for _ in range(2))
    assert first == second


def test_the_order_of_the_rows_of_the_library_does_not_matter() -> None:
    class Shuffled(MadeUpLibrary):
        """The same library with its rows in another order."""

        @property
        def rows(self) -> tuple[list[str], list[int]]:
            ids, indices = super().rows
            return ids[::-1], indices[::-1]

    plain = small_library()
    turned = Shuffled(plain.all_tracks, plain.embeddings[::-1])
    assert spot_cues(film(), turned) == spot_cues(film(), plain)


@pytest.mark.parametrize("length_s", [0.04, 0.5, 3.0, 11.0])
def test_a_very_short_film_gets_one_cue_of_its_length(length_s: float) -> None:
    made = spot_cues(sheet([("Sad", length_s)]), small_library())
    check_sheet(made, sheet([("Sad", length_s)]))
    assert len(made.cues) == 1


def test_one_long_shot_gets_music_throughout() -> None:
    source = sheet([("Sad", 900.0)])
    source = replace(source, shots=(replace(source.shots[0], span=Span(0.0, 900.0)),))
    made = spot_cues(source, small_library())
    assert list(cuesheet.faults(made)) == []
    covered = sum(c.span.duration_s for c in made.cues)
    assert covered > 880.0


def test_music_that_the_film_has_is_left_alone() -> None:
    source = sheet([("Sad", 30.0), ("Excited", 30.0), ("Sad", 30.0)], music=[0.0, 0.9, 0.0])
    made = spot_cues(source, small_library())
    check_sheet(made, source)
    assert all(c.span.end_s <= 30.0 or c.span.start_s >= 60.0 for c in made.cues)
    assert any("already has music" in line for line in made.warnings)
    replaced = spot_cues(source, small_library(), mix=MixSettings(keep_original=False))
    assert sum(c.span.duration_s for c in replaced.cues) >= 89.0


def test_singing_stays_out_of_speech_unless_allowed() -> None:
    sung = track("sung", ["Sad"] * 12, bpm=100, vocal_share=0.9)
    played = track("played", ["Sad"] * 11 + ["Neutral"], bpm=170, vocal_share=0.0)
    made = library([sung, played])
    source = sheet([("Sad", 40.0)], speech=[0.8])
    kept = spot_cues(source, made)
    assert titles(kept) == ["played"]
    assert "would win with --allow-vocals" in kept.alternatives[0].note
    assert titles(spot_cues(source, made, settings=SpottingSettings(allow_vocals=True))) == ["sung"]


def test_speech_gets_the_part_of_a_song_in_which_nobody_sings() -> None:
    """Both halves suit the mood; the song ends with singing."""
    shares = [0.0] * 12 + [0.7] * 12
    song = track("song", ["Sad"] * 24, vocal_share=0.35, vocal_shares=shares)
    source = sheet([("Sad", 60.0)], speech=[0.8])
    cue = spot_cues(source, library([song])).cues[0]
    assert cue.sections[-1].track.end_s <= 125.0
    assert -0.16 < {term.name: term.value for term in cue.why}["vocals"] < 0
    allowed = spot_cues(source, library([song]), settings=SpottingSettings(allow_vocals=True)).cues[0]
    assert allowed.sections[0].track.start_s >= 120.0  # where the track ends
    unknown = spot_cues(source, library([track("song", ["Sad"] * 24, vocal_share=0.35)])).cues[0]
    by_name = {term.name: term.value for term in unknown.why}
    assert by_name["vocals"] < -0.2


def test_who_asks_for_music_gets_the_best_there_is_and_is_told_that_it_fits_badly() -> None:
    wild = library([track("wild", ["Excited"] * 12, vocal_share=0.3)])
    made = spot_cues(sheet([("Sad", 40.0)], speech=[0.9]), wild)
    assert titles(made) == ["wild"]
    assert any("the best match" in line for line in made.warnings)


def test_a_film_without_a_place_for_music_is_refused() -> None:
    calm = library([track("calm", ["Sad"] * 12)])
    with pytest.raises(NothingFitsError, match="covers the whole film"):
        spot_cues(sheet([("Sad", 40.0)]), calm, constraints=Constraints(silences=(Span(0.0, 40.0),)))


def test_a_mood_for_three_seconds_of_a_short_film_leaves_it_music() -> None:
    moods = (MoodWish(Span(2.0, 5.0), mood_at(0.6, 0.2)),)
    tracks = library([track("calm", ["Sad"] * 12), track("glad", ["Excited"] * 12)])
    made = spot_cues(sheet([("Tension", 10.0)]), tracks, constraints=Constraints(moods=moods))
    assert len(made.cues) == 1
    assert made.cues[0].span.start_s <= 2.0 and made.cues[0].span.end_s >= 5.0


def test_a_film_without_sound_gets_music_even_if_it_is_dull() -> None:
    assert len(spot_cues(sheet([("Sad", 40.0)], has_audio=False), library([track("dull", ["Neutral"] * 12)])).cues) == 1


def test_locks_hold() -> None:
    made = small_library()
    wanted = next(t for t in made.all_tracks if t.tags.title == "fear 2")
    (lock,) = Wishes(locks=(parse_lock("0:40=fear 2.flac"),)).constraints(made.all_tracks).locks
    assert lock == Lock(40.0, wanted.track_id)
    result = spot_cues(film(), made, constraints=Constraints(locks=(lock,)))
    check_sheet(result, film())
    cue = next(c for c in result.cues if c.span.start_s <= 40.0 < c.span.end_s)
    assert cue.track_id == wanted.track_id
    assert cue.locked


def test_kept_cues_never_move() -> None:
    made = small_library()
    before = spot_cues(film(), made)
    for i, kept in enumerate(before.cues):
        silence = (Span(0.0, 20.0),) if i else ()
        after = spot_cues(film(), made, constraints=Constraints(kept=(kept,), silences=silence))
        assert list(cuesheet.faults(after)) == []
        assert replace(kept, locked=True) in after.cues


def test_demanded_silence_is_silent() -> None:
    result = spot_cues(film(), small_library(), constraints=Constraints(silences=(parse_span("0:40-1:10"),)))
    assert list(cuesheet.faults(result)) == []
    assert all(c.span.end_s <= 40.0 or c.span.start_s >= 70.0 for c in result.cues)


def test_a_named_mood_overrules_the_picture() -> None:
    wish = parse_mood("0:55-1:35=scary")
    result = spot_cues(film(), small_library(), constraints=Constraints(moods=(wish,)))
    names = dict(zip([c.span.start_s for c in result.cues], titles(result), strict=True))
    assert names[55.0].startswith("fear")


def test_avoided_tracks_are_avoided_and_only_the_allowed_are_used() -> None:
    made = small_library()
    ids = {t.tags.title: t.track_id for t in made.all_tracks}
    first = titles(spot_cues(film(), made))[0]
    without = spot_cues(film(), made, constraints=Constraints(avoid=frozenset({ids[first]})))
    assert first not in titles(without)
    assert titles(without)[0].startswith("relaxation")
    only = frozenset(v for k, v in ids.items() if k and k.startswith("sad"))
    assert {t.split()[0] for t in titles(spot_cues(film(), made, constraints=Constraints(only=only)))} == {"sad"}
    with pytest.raises(NothingFitsError, match=r"no eligible tracks: all \d+ tracks of the library are excluded$"):
        spot_cues(film(), made, constraints=Constraints(only=frozenset()))


def test_a_library_of_one_track_was_called_all_1_tracks() -> None:
    tracks = list(small_library().all_tracks)[:1]
    with pytest.raises(NothingFitsError, match=r"the only track of the library is excluded$"):
        allowed_tracks(tracks, Constraints(only=frozenset()))


def test_a_licence_that_excluded_every_track_was_called_a_fault_of_only() -> None:
    said = ("'calm' understood as: calm", "licence own: 5 of 5 tracks left out, 5 of them without a statement")
    with pytest.raises(NothingFitsError, match=r"are excluded \(licence own: 5 of 5 tracks left out, 5 ") as caught:
        spot_cues(film(), small_library(), constraints=Constraints(only=frozenset(), notes=said))
    assert "--license" in caught.value.hint and "calm" not in str(caught.value)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_there_are_never_more_cues_than_allowed(n: int) -> None:
    result = spot_cues(film(), small_library(), constraints=Constraints(max_cues=n))
    assert 1 <= len(result.cues) <= n
    check_sheet(result, film())


def test_one_track_is_one_track() -> None:
    result = spot_cues(film(), small_library(), constraints=Constraints(one_track=True))
    assert len({c.track_id for c in result.cues}) == 1


def test_exploring_finds_other_music_by_its_seed_and_stays_near_the_best() -> None:
    made = small_library()
    constraints = Constraints(explore=0.5)
    found = set()
    for seed in range(8):
        result = spot_cues(film(), made, settings=SpottingSettings(seed=seed), constraints=constraints)
        assert result == spot_cues(film(), made, settings=SpottingSettings(seed=seed), constraints=constraints)
        assert [t.split()[0] for t in titles(result)] == ["relaxation", "excited", "sad", "tension", "neutral"]
        found.add(tuple(titles(result)))
    assert len(found) > 2


def test_demands_that_cannot_be_met_say_so() -> None:
    made = small_library()
    one, two = made.all_tracks[0].track_id, made.all_tracks[1].track_id
    bad = {
        "past the end of the film": Constraints(locks=(Lock(500.0, one),)),
        "silence or a kept cue": Constraints(locks=(Lock(40.0, one),), silences=(Span(35.0, 50.0),)),
        "two tracks are locked": Constraints(locks=(Lock(31.0, one), Lock(32.0, two))),
        "exceed --max-cues 1": Constraints(locks=(Lock(1.0, one), Lock(100.0, two)), max_cues=1),
        "one-track conflicts with locks": Constraints(locks=(Lock(1.0, one), Lock(100.0, two)), one_track=True),
        "is not in the library": Constraints(locks=(Lock(1.0, "f" * 64),)),
    }
    for message, constraints in bad.items():
        with pytest.raises(UsageError, match=message):
            spot_cues(film(), made, constraints=constraints)


@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(moods=(parse_mood("20:00-21:00=sad"),)),
        Constraints(silences=(Span(900.0, 910.0),)),
        Constraints(hits=(900.0,)),
    ],
    ids=["mood", "silence", "hit"],
)
def test_a_time_past_the_end_of_the_film_is_not_swallowed(constraints: Constraints) -> None:
    with pytest.raises(UsageError, match="past the end of the film"):
        spot_cues(film(), small_library(), constraints=constraints)


def test_vectors_of_two_models_are_never_compared() -> None:
    other = replace(small_library(), model=replace(small_library().model, sha256="1" * 64))
    with pytest.raises(LibraryError, match="different weights"):
        spot_cues(film(), other)


def test_stretches_tile_the_film() -> None:
    source = sheet([("Sad", 100.0), ("Fear", 8.0), ("Neutral", 400.0)])
    constraints = Constraints(silences=(Span(3.3, 4.4),), moods=(parse_mood("0:50-5:00=calm"),))
    made = divide(source, constraints, keep_original=True)
    assert made.edges_s[0] == 0.0
    assert made.edges_s[-1] == 508.0
    assert np.all(np.diff(made.edges_s) > 0)
    assert {3.3, 4.4, 50.0, 300.0} <= set(made.edges_s.tolist())


def spot_an_hour_from_ten_thousand_tracks() -> tuple[float, int, list[str]]:
    """CPU seconds, highest memory in KiB, and faults; alone in a process, since memory counts from its start."""
    rng = np.random.default_rng(1)
    base = track("base", ["Sad"] * 24, bpm=100)
    tracks = []
    for i in range(10_000):
        mood = track(f"{i}", [MOODS[i % 6]], bpm=60 + i % 100, artist=f"artist {i % 700}")
        segments = tuple(replace(s, emotion=mood.emotion) for s in base.segments)
        tracks.append(replace(base, track_id=mood.track_id, tags=mood.tags, segments=segments))
    vectors = rng.standard_normal((240_000, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    source = sheet([(MOODS[int(k)], 18.0) for k in rng.integers(0, 6, 200)])
    picture = rng.standard_normal((200, 128)).astype(np.float32)
    picture /= np.linalg.norm(picture, axis=1, keepdims=True)
    model = replace(source.model, dim=128)
    source = replace(source, model=model, embeddings=picture, readings=())
    made = MadeUpLibrary(tuple(tracks), vectors, model)
    start = time.process_time()
    result = spot_cues(source, made)
    cpu_s = time.process_time() - start
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return cpu_s, int(peak.split()[1]), list(cuesheet.faults(result))


@pytest.mark.slow
def test_an_hour_of_film_meets_ten_thousand_tracks_in_seconds() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        cpu_s, peak_kib, faults = alone.submit(spot_an_hour_from_ten_thousand_tracks).result()
    assert cpu_s < 15.0  # 4 to 5 on a quiet machine; a busy one shares its caches
    assert peak_kib < 1_000_000
    assert faults == []


def test_a_library_without_the_wanted_mood_still_gets_its_nearest_music_heard() -> None:
    made = library([track("mild", ["Tension"] * 12), track("sweet", ["Relaxation"] * 12)])
    result = spot_cues(sheet([("Relaxation", 40.0), ("Fear", 40.0)]), made)
    assert titles(result) == ["sweet", "mild"]
    assert sum(c.span.duration_s for c in result.cues) >= 75.0
