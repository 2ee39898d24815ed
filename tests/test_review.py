"""The server of the review page: whom it answers, what it serves, and that every step is saved whole or refused."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")

from films import ffmpeg
from media_made import Made
from review_made import ORIGIN, Page, lay_out, open_page, planned
from soundtrack import api, pipeline
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.documents.edits import LockCues, apply
from soundtrack.errors import DependencyError, InputError, OutputError
from soundtrack.files import safe_write
from soundtrack.mix.audition import music_between
from soundtrack.mix.plan import plan_mix
from soundtrack.review import sound
from soundtrack.review.app import STATIC, _Room, make_app
from soundtrack.review.opening import find_reviewed
from soundtrack.review.serve import serve
from soundtrack.review.session import ConflictError, Session, Step
from soundtrack.review.sound import BLOCK_S, WAVE_POINTS, Sounds, SupersededError
from soundtrack.review.steps import step_of
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import CueSheet, Span


@pytest.fixture(scope="module")
def sheet(made: Made) -> CueSheet:
    return planned(made)


@pytest.fixture
def cues(tmp_path: Path, made: Made, sheet: CueSheet) -> Path:
    return lay_out(tmp_path, made, sheet)


@pytest.fixture
def page(cues: Path, made: Made) -> Page:
    return open_page(cues, made)


def saved(path: Path) -> CueSheet:
    return cuesheet.loads(path.read_text(encoding="utf-8"))


def wait_for_job(page: Page) -> dict[str, object]:
    for _ in range(600):
        said: dict[str, object] = page.get("job").json()
        if not said["running"]:
            return said
        time.sleep(0.1)
    raise AssertionError("the job did not end")


# --- whom it answers ----


def test_only_the_address_with_the_token_is_answered(page: Page) -> None:
    assert page.get("").status_code == 200
    token = page.base.strip("/")
    for path in ("/", "/state", "/film", "/x" + token + "/", f"/{token[:-1]}/", f"/{token[:-1]}/film"):
        assert page.client.get(path).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:8765"])
def test_another_host_name_for_the_same_address_is_refused(page: Page, host: str) -> None:
    assert page.client.get(page.base, headers={"Host": host}).status_code == 400


def test_requests_of_other_sites_and_programs_are_refused(page: Page, cues: Path) -> None:
    before = cues.read_bytes()
    body = {"revision": page.state["revision"], "action": "lock", "cue": page.state["cues"][0]["id"]}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"{ORIGIN}0"}, {}):
        assert page.client.post(f"{page.base}edit", json=body, headers=headers).status_code == 403
    forged = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
    assert page.client.post(f"{page.base}edit", json=body, headers=forged).status_code == 403
    plain = {"Origin": ORIGIN, "Content-Type": "text/plain"}
    assert page.client.post(f"{page.base}edit", content=json.dumps(body), headers=plain).status_code == 403
    large = {"Origin": ORIGIN, "Content-Type": "application/json"}
    assert page.client.post(f"{page.base}edit", content=b" " * 70_000, headers=large).status_code == 413
    assert cues.read_bytes() == before


def test_the_page_may_run_and_fetch_nothing_but_its_own_files(page: Page) -> None:
    answer = page.get("")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.text.count("<script") == 1
    for name, kind in STATIC.items():
        file = page.get(f"static/{name}")
        assert file.headers["Content-Type"].startswith(kind)
        assert "http://" not in file.text.replace("http://www.w3.org/2000/svg", "") or name == "wavesurfer.esm.js"


def test_no_path_leads_to_another_file(page: Page, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for path in (
        "static/../app.py", "static/%2e%2e/app.py", "static/..%2fapp.py", "static/page.html.jinja", "../secret.txt",
        "film/../secret.txt", "%2e%2e/secret.txt", "secret.txt", "static//etc/passwd", "film.cues.json",
    ):  # fmt: skip
        assert page.get(path).status_code in (404, 307), path
    assert page.get("music/../../secret.txt").status_code == 404


def test_the_film_comes_in_ranges(page: Page, made: Made) -> None:
    data = made.film.read_bytes()
    part = page.client.get(f"{page.base}film", headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(data)}"
    assert part.content == data[100:300]
    assert page.client.get(f"{page.base}film", headers={"Range": f"bytes={len(data)}-"}).status_code == 416


# --- sound ----


def test_blocks_of_music_are_the_mix_to_the_sample(page: Page, sheet: CueSheet) -> None:
    plan = plan_mix(sheet)
    paths = {track.track_id: Path(track.path) for track in sheet.tracks}
    whole = music_between(plan, 0, plan.n_samples, track_paths=paths)
    size = BLOCK_S * MIX_RATE_HZ
    parts = []
    for n in range(-(-plan.n_samples // size)):
        block = np.frombuffer(page.get(f"music/{page.state['key']}/{n}").content, "<f4")
        parts.append(block.reshape(2, -1))
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    for number in (len(parts), 10**6):
        assert page.get(f"music/{page.state['key']}/{number}").status_code == 422
    assert page.get("music/unknown/0").status_code == 422


def test_many_steps_hold_no_more_sound_and_sheets_than_a_few(cues: Path, made: Made) -> None:
    room = _Room(find_reviewed(cues), index=made.index, nonce="")
    state = room._state()
    cue = next(c for c in state["cues"] if c["others"])  # type: ignore[attr-defined]
    for i in range(90):
        gain = {"action": "set", "cue": cue["id"], "gain_db": (i % 40) / 2}
        state = room.posts["edit"]({"revision": state["revision"], **gain})
        key = room.posts["try"]({"cue": cue["id"], "rank": cue["others"][0]["rank"]})["key"]
        if i % 3 == 0:
            for each in (key, state["key"]):
                room._sounds.block(str(each), 0)
    sounds = room._sounds
    assert len(sounds._sheets) <= sound._MOST_SHEETS
    assert len(sounds._blocks) <= sound._MOST_BLOCKS
    assert sum(thread.name == "ahead" for thread in threading.enumerate()) == 0


def test_the_cuts_of_a_film_come_from_its_kept_analysis_alone(
    page: Page, cues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_CACHE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert page.get("cuts").json() == []
    scenes = api.scenes(cues.parent / "film.mp4")
    assert len(scenes.shots) > 1
    assert page.get("cuts").json() == [shot.span.start_s for shot in scenes.shots]


def test_small_answers_are_sent_at_once(cues: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    held: list[socket.socket] = []

    def accept(_server: object, sockets: list[socket.socket]) -> None:
        with socket.create_connection(sockets[0].getsockname()):
            held.append(sockets[0].accept()[0])

    monkeypatch.setattr(uvicorn.Server, "run", accept)
    serve(lambda port: make_app(find_reviewed(cues), port=port, index=made.index), ready=lambda _: None)
    with held[0] as taken:
        assert taken.proto == socket.IPPROTO_TCP  # of other sockets asyncio does not switch delayed sending off


def test_the_page_played_and_rendered_a_replaced_song_without_a_word(
    page: Page, made: Made, sheet: CueSheet, tmp_path: Path
) -> None:
    played = {cue.track_id for cue in sheet.cues}
    song = next(Path(track.path) for track in sheet.tracks if track.track_id in played)
    other = next(path for path in sorted(made.music.iterdir()) if path != song)
    song.rename(tmp_path / song.name)
    try:
        shutil.copy(other, song)
        (line,) = page.get(f"replaced/{page.state['key']}").json()
        page.post("render")
        said = str(wait_for_job(page)["message"])
    finally:
        (tmp_path / song.name).replace(song)
    assert line.startswith(f"{song}: contains other music than when the cue sheet was made")
    assert line in said


def test_the_page_played_another_film_of_the_same_length_without_a_word(cues: Path, made: Made) -> None:
    film = cues.with_name("cut.mkv")
    ffmpeg("-i", made.film, "-c", "copy", film)
    page = open_page(cues, made, film=film)
    (line,) = page.get(f"replaced/{page.state['key']}").json()
    assert line.startswith(f"{film}: not the file that the cue sheet was made for")


def test_songs_that_were_not_replaced_are_not_named(page: Page) -> None:
    assert page.get(f"replaced/{page.state['key']}").json() == []


@pytest.mark.slow
def test_a_quick_step_left_an_error_in_the_console(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gains of the version before are not measured to the end; nothing was wrong with asking for them."""

    def superseded(_self: Sounds, _key: str) -> dict[str, float]:
        raise SupersededError

    monkeypatch.setattr(Sounds, "gains", superseded)
    answer = page.get(f"gains/{page.state['key']}")
    assert (answer.status_code, answer.json()) == (200, None)


def test_gains_are_those_that_render_decides(page: Page, made: Made, sheet: CueSheet, tmp_path: Path) -> None:
    found = page.get(f"gains/{page.state['key']}").json()
    rendered = pipeline.render_video(made.film, sheet, out=tmp_path / "out.mkv", index=made.index).sheet.mix
    assert found["music_gain_db"] == pytest.approx(rendered.music_gain_db, abs=0.01)
    assert found["master_gain_db"] == pytest.approx(rendered.master_gain_db, abs=1.0)


def test_a_wave_and_bars_belong_to_their_cue(page: Page) -> None:
    cue = page.state["cues"][0]
    wave = page.get(f"wave/{page.state['key']}/{cue['id']}").json()
    assert len(wave) == WAVE_POINTS
    assert min(wave) >= 0.0
    assert 0.01 < max(wave) <= 1.0
    bars = page.get(f"bars/{page.state['key']}/{cue['id']}").json()
    assert bars == sorted(bars)
    assert all(cue["start_s"] <= bar < cue["end_s"] for bar in bars)
    assert page.get(f"wave/{page.state['key']}/9m99").status_code == 422


# --- steps ----


def test_each_step_is_on_the_disk_and_can_be_undone(page: Page, cues: Path, sheet: CueSheet) -> None:
    name = sheet.cues[0].cue_id
    cues.chmod(0o640)
    texts = [cues.read_text()]
    gain = sheet.cues[0].gain_db - 1.5
    for body in ({"action": "set", "cue": name, "gain_db": gain}, {"action": "lock", "cue": name}):
        assert page.post("edit", **body).status_code == 200
        texts.append(cues.read_text())
    assert saved(cues).cues[0].gain_db == pytest.approx(gain, abs=1e-6)
    assert saved(cues).cues[0].locked
    assert stat.S_IMODE(cues.stat().st_mode) == 0o640
    assert (page.state["undo"], page.state["redo"]) == (2, 0)
    for expected in (texts[1], texts[0], texts[0]):
        assert page.post("undo").status_code == 200
        assert cues.read_text() == expected
    for expected in (texts[1], texts[2], texts[2]):
        page.post("redo")
        assert cues.read_text() == expected
    page.post("undo")
    page.post("edit", action="silence", cue=name)
    assert page.state["redo"] == 0
    assert name not in [cue.cue_id for cue in saved(cues).cues]


def test_the_page_and_the_commands_write_the_same_bytes(page: Page, cues: Path, sheet: CueSheet) -> None:
    other = cues.with_name("other.json")
    other.write_bytes(cues.read_bytes())
    name = sheet.cues[0].cue_id
    page.post("edit", action="set", cue=name, gain_db=-3.25)
    page.post("edit", action="lock", cue=name)
    run_commands(["cues", "set", str(other), name, "--gain-db=-3.25", "-q"])
    run_commands(["cues", "lock", str(other), name, "-q"])
    assert cues.read_bytes() == other.read_bytes()


def test_an_alternative_is_heard_without_being_saved_and_then_used(page: Page, cues: Path, made: Made) -> None:
    cue = next(c for c in page.state["cues"] if c["others"])
    before, rank = cues.read_bytes(), cue["others"][0]["rank"]
    key = page.post("try", cue=cue["id"], rank=rank).json()["key"]
    assert cues.read_bytes() == before
    n = int(cue["start_s"] // BLOCK_S)
    assert page.get(f"music/{key}/{n}").content != page.get(f"music/{page.state['key']}/{n}").content
    expected = pipeline.swap_music(saved(cues), [(cue["id"], rank)], index=made.index)
    tried = {i: page.get(f"music/{key}/{i}").content for i in range(int(cue["end_s"] // BLOCK_S) + 1)}
    assert page.post("edit", action="swap", cue=cue["id"], rank=rank).status_code == 200
    assert tried == {i: page.get(f"music/{page.state['key']}/{i}").content for i in tried}
    assert cues.read_text() == cuesheet.dumps(expected)


def test_the_alternatives_of_a_locked_cue_are_heard_and_not_used(page: Page, cues: Path) -> None:
    cue = next(c for c in page.state["cues"] if c["others"])
    rank = cue["others"][0]["rank"]
    unlocked = page.post("try", cue=cue["id"], rank=rank).json()["key"]
    page.post("edit", action="lock", cue=cue["id"])
    before, n = cues.read_bytes(), int(cue["start_s"] // BLOCK_S)
    heard = page.post("try", cue=cue["id"], rank=rank)
    assert heard.status_code == 200
    assert page.get(f"music/{heard.json()['key']}/{n}").content == page.get(f"music/{unlocked}/{n}").content
    assert page.post("edit", action="swap", cue=cue["id"], rank=rank).status_code == 422
    assert cues.read_bytes() == before


def test_the_saved_sheet_is_heard_however_many_alternatives_were_tried(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundtrack.review.sound._MOST_SHEETS", 1)
    wanted = [(cue["id"], other["rank"]) for cue in page.state["cues"] for other in cue["others"]]
    keys = {page.post("try", cue=cue, rank=rank).json()["key"] for cue, rank in wanted}
    assert keys and page.state["key"] not in keys
    assert page.get(f"music/{page.state['key']}/0").status_code == 200


def test_what_cannot_be_done_is_said_and_nothing_is_written(page: Page, cues: Path) -> None:
    name, before = page.state["cues"][0]["id"], cues.read_bytes()
    for body in (
        {"action": "lock", "cue": "9m99"}, {"action": "swap", "cue": name, "rank": 77}, {"action": "nothing"}, {},
        {"action": "set", "cue": name, "gain_db": 1e6}, {"action": "set", "cue": name, "gain_db": "loud"},
        {"action": "lock"}, {"action": "lock", "cue": 7}, {"action": "mood", "scene": 0, "words": "hapy"},
        {"action": "mood", "scene": 99, "words": "happy"}, {"action": "hit", "time_s": 1e5},
        {"action": "hit", "time_s": True}, {"action": "set", "cue": name, "gain_db": None},
    ):  # fmt: skip
        answer = page.post("edit", **body)
        assert answer.status_code == 422, body
        assert answer.json()["error"] and answer.json()["hint"]
    for text in (b"[]", b"nonsense", b"\xff"):
        headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
        assert page.client.post(f"{page.base}edit", content=text, headers=headers).status_code == 422
    assert cues.read_bytes() == before


def test_two_windows_do_not_overwrite_each_other(page: Page, cues: Path) -> None:
    name = page.state["cues"][0]["id"]
    second = page.another()
    assert page.post("edit", action="lock", cue=name).status_code == 200
    after = cues.read_bytes()
    answer = second.post("edit", action="silence", cue=name)
    assert answer.status_code == 409
    assert "another window" in answer.json()["error"]
    assert cues.read_bytes() == after
    for path in ("undo", "redo", "plan"):
        assert second.post(path).status_code == 409
    second = second.another()
    assert second.post("edit", action="unlock", cue=name).status_code == 200


def test_a_sheet_that_another_program_changed_is_not_overwritten(page: Page, cues: Path) -> None:
    name = page.state["cues"][0]["id"]
    run_commands(["cues", "set", str(cues), name, "--gain-db=-7", "-q"])
    theirs = cues.read_bytes()
    answer = page.post("edit", action="lock", cue=name)
    assert answer.status_code == 409
    assert "another program" in answer.json()["error"]
    assert cues.read_bytes() == theirs
    fresh = page.another()
    assert fresh.state["cues"][0]["gain_db"] == -7
    assert fresh.post("edit", action="lock", cue=name).status_code == 200
    assert saved(cues).cues[0].gain_db == -7
    assert saved(cues).cues[0].locked


def test_a_save_that_fails_leaves_the_old_sheet_and_state(
    page: Page, cues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, before = page.state["cues"][0]["id"], cues.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(safe_write, "_flush", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        answer = page.post("edit", action="lock", cue=name)
    assert answer.status_code == 422
    assert "No space left" in answer.json()["error"] or "disk" in answer.json()["error"]
    assert cues.read_bytes() == before
    assert sorted(p.name for p in cues.parent.iterdir()) == ["film.cues.json", "film.mp4"]
    assert page.another().state["cues"][0]["locked"] is False


def test_a_sheet_with_a_byte_order_mark_was_always_changed_by_another_program(cues: Path) -> None:
    """The page refused every edit of a sheet that an editor of Windows had saved."""
    cues.write_bytes(b"\xef\xbb\xbf" + cues.read_bytes())
    session = Session(cues)
    name = session.step.sheet.cues[0].cue_id
    session.change(session.revision, lambda step: replace(step, sheet=apply(step.sheet, LockCues((name,)))))
    assert saved(cues).cues[0].locked


def test_a_sheet_that_is_gone_is_said(cues: Path) -> None:
    session = Session(cues)
    cues.unlink()
    with pytest.raises(InputError):
        session.change(session.revision, lambda step: step)
    cues.write_text("{}")
    with pytest.raises((InputError, ConflictError)):
        session.undo(session.revision)


@pytest.mark.slow
def test_plan_again_keeps_locked_cues_and_silences_and_can_be_undone(page: Page, cues: Path) -> None:
    first = page.state["cues"][0]
    page.post("edit", action="set", cue=first["id"], gain_db=first["gain_db"] - 2)
    page.post("edit", action="lock", cue=first["id"])
    page.post("edit", action="mood", scene=page.state["scenes"][-1]["index"], words="tense")
    assert page.state["scenes"][-1]["words"] == "tense"
    before = cues.read_bytes()
    assert page.post("plan").status_code == 200
    said = wait_for_job(page)
    assert "planned again" in str(said.get("message")), said
    locked = next(cue for cue in saved(cues).cues if cue.locked)
    assert locked.gain_db == pytest.approx(first["gain_db"] - 2, abs=1e-6)
    assert (locked.span.start_s, locked.span.end_s) == (first["start_s"], first["end_s"])
    page = page.another()
    page.post("undo")
    assert cues.read_bytes() == before


@pytest.mark.slow
def test_plan_again_put_music_over_a_silence_that_score_was_asked_for(tmp_path: Path, made: Made) -> None:
    wanted = Span(3.0, 5.0)
    sheet = pipeline.plan_video(made.film, index=made.index, device="cpu", wishes=pipeline.Wishes(silences=(wanted,)))
    path = lay_out(tmp_path, made, sheet)
    page = open_page(path, made)
    assert page.post("plan").status_code == 200
    assert "planned again" in str(wait_for_job(page).get("message"))
    after = saved(path)
    assert after.cues and all(cue.span.overlap_s(wanted) <= 1e-6 for cue in after.cues)
    assert any(s.is_demanded and s.span.overlap_s(wanted) > 0 for s in after.silences)


@pytest.mark.slow
def test_more_and_less_like_this_change_the_music_at_once_and_can_be_undone(page: Page, cues: Path, made: Made) -> None:
    first, before = saved(cues).cues[0], cues.read_bytes()
    name, locked = first.cue_id, [c.cue_id for c in saved(cues).cues[1:]]
    for other in locked:
        page.post("edit", action="lock", cue=other)
    rest = saved(cues).cues[1:]
    key, title = page.state["key"], page.state["cues"][0]["title"]
    n = int(first.span.start_s // BLOCK_S)
    for action, text in (("more", "like"), ("less", "not like")):
        answer = page.post("edit", action=action, cue=name)
        assert answer.status_code == 200, answer.json()
        assert saved(cues).cues[0].track_id != first.track_id
        assert saved(cues).cues[1:] == rest
        assert page.state["cues"][0]["others"][0]["title"] == title
        assert page.get(f"music/{page.state['key']}/{n}").content != page.get(f"music/{key}/{n}").content
        words = [page.state["scenes"][i]["words"] for i in first.scenes]
        assert any(w == f'{text} "{title}"' for w in words), words
        if action == "more":
            page.post("undo")
            assert saved(cues).cues[0] == first
    page.post("plan")
    assert "planned again" in str(wait_for_job(page).get("message"))
    assert all(c.track_id != first.track_id for c in saved(cues).cues if c.span.overlap_s(first.span) > 3)
    page = page.another()
    for _ in range(2 + len(locked)):
        page.post("undo")
    assert cues.read_bytes() == before
    assert all(not scene["words"] for scene in page.state["scenes"])
    page.post("edit", action="lock", cue=name)
    answer = page.post("edit", action="more", cue=name)
    assert answer.status_code == 422
    assert "is locked" in answer.json()["error"]
    assert page.post("edit", action="less", cue="9m99").status_code == 422


@pytest.mark.slow
def test_refusing_every_track_says_so_and_leaves_the_last(page: Page, cues: Path) -> None:
    name = page.state["cues"][0]["id"]
    assert page.post("edit", action="less", cue=name).status_code == 200
    before = cues.read_bytes()
    answer = page.post("edit", action="less", cue=name)
    assert answer.status_code == 422
    assert "no other track" in answer.json()["error"]
    assert cues.read_bytes() == before


@pytest.mark.slow
def test_render_from_the_page_says_how_far_it_is_and_never_replaces_unasked(page: Page, cues: Path) -> None:
    out = cues.parent / "film.scored.mp4"
    out.write_bytes(b"mine")
    page.post("render")
    assert "exists" in str(wait_for_job(page)["error"]) or "film.scored.mp4" in str(wait_for_job(page)["error"])
    assert out.read_bytes() == b"mine"
    out.unlink()
    page.post("render")
    said = wait_for_job(page)
    assert "film.scored.mp4" in str(said["message"])
    assert out.stat().st_size > 10_000
    mix = saved(cues).mix
    assert mix.music_gain_db is not None  # what was rendered is what is saved
    assert page.another().state["undo"] == 0


# --- the command ----


@pytest.mark.slow
def test_the_command_prints_an_address_that_answers_and_ends_by_ctrl_c(cues: Path, made: Made) -> None:
    words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", str(made.index)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address + "state", timeout=30) as answer:
            assert json.load(answer)["cues"]
        port = int(address.split(":")[2].split("/")[0])
        taken = subprocess.run([*words, "--port", str(port)], capture_output=True, text=True, check=False, timeout=60)
        assert taken.returncode == 2
        assert f"port {port}" in taken.stderr
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
        assert "review ended" in (running.stderr.read() if running.stderr else "")
    with socket.socket() as free, pytest.raises(ConnectionRefusedError):
        free.connect(("127.0.0.1", port))


def test_without_the_extra_the_command_says_what_to_install(cues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    with pytest.raises(DependencyError) as error:
        run_commands(["review", str(cues)])
    assert "soundtrack[review]" in error.value.hint


def test_a_film_is_reviewed_with_the_sheet_beside_it_or_the_cause_is_said(
    cues: Path, made: Made, tmp_path: Path
) -> None:
    from soundtrack.review.opening import find_reviewed

    assert find_reviewed(cues.parent / "film.mp4").cues == cues
    of_a_batch = cues.with_name("film.mp4.scored.cues.json")  # beside film.mov, whose sheet the other one may be
    shutil.copy(cues, of_a_batch)
    assert find_reviewed(cues.parent / "film.mp4").cues == of_a_batch
    with pytest.raises(InputError, match="no cue sheet"):
        find_reviewed(made.film)
    (cues.parent / "film.mp4").unlink()
    with pytest.raises(InputError, match=r"film\.mp4: no such file") as error:
        find_reviewed(cues)
    assert "--film" in error.value.hint
    assert find_reviewed(cues, film=made.film).film.path == made.film


def test_a_read_only_sheet_was_opened_for_steps_that_failed(cues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("soundtrack.files.targets.tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="cannot be edited in place") as error:
        find_reviewed(cues)
    assert "--film" in error.value.hint, "review has no -o"
    assert find_reviewed(cues, edits=False).cues == cues, "blind comparisons only read it"


def test_less_like_the_short_cue_of_a_long_scene_asks_that_scene(sheet: CueSheet, made: Made) -> None:
    """The page said that it was asked for, and no scene was: the cue covered less than half of its scene."""
    cue = sheet.cues[0]
    whole = replace(sheet.scenes[0], span=Span(0.0, sheet.film.duration_s))
    asked = step_of({"action": "less", "cue": cue.cue_id}, index=made.index)(Step(replace(sheet, scenes=(whole,))))
    assert [(wish.span, wish.text.startswith("not like ")) for wish in asked.moods] == [(whole.span, True)]
