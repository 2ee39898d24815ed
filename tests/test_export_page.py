"""The page of a cue sheet: complete, well nested, and nothing in it that a tag could bring to life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from made_up import sheet, small_library
from soundtrack.export.page.page import POLICY, page
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

EVIL = "\"><script>alert(1)</script><img src=x onerror='x'>&amp;\u202e\x1b\udcff"
_VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Keeps tags, attributes and text, and fails where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text.append(data)


@pytest.fixture(scope="module")
def cues() -> Iterator[CueSheet]:
    found = spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), small_library())
    yield replace(found, warnings=("something & something",))


def test_the_page_tells_every_cue_its_reasons_and_the_runners_up(cues: CueSheet) -> None:
    text = page(cues)
    assert text == page(cues)
    read = Reader(text)
    said = "\n".join(read.text)
    assert [tag for tag, _ in read.tags].count("tr") == 1 + len(cues.cues)
    assert [tag for tag, _ in read.tags].count("li") == len(cues.alternatives) + len(cues.silences) + 1
    for silence in cues.silences:
        assert silence.reason in said
    for cue in cues.cues:
        assert cue.cue_id in said
        for term in cue.why:
            assert f"{term.name} {term.value:+.3f}" in said
    for other in cues.alternatives:
        assert other.note in said
    assert "something & something" in said
    image = next(attributes for tag, attributes in read.tags if tag == "img")
    assert image["alt"]
    assert (image["src"] or "").startswith("data:image/svg+xml;base64,")


def test_hostile_texts_stay_texts_and_the_policy_forbids_scripts(cues: CueSheet) -> None:
    plain = Reader(page(cues))
    evil = replace(
        cues,
        film=replace(cues.film, name=EVIL),
        tracks=tuple(replace(t, title=EVIL, artist=EVIL) for t in cues.tracks),
        cues=tuple(replace(c, why=tuple(replace(t, name=EVIL) for t in c.why)) for c in cues.cues),
        alternatives=tuple(replace(a, note=EVIL) for a in cues.alternatives),
        warnings=(EVIL,),
    )
    text = page(evil)
    text.encode("utf-8")
    read = Reader(text)
    assert [tag for tag, _ in read.tags] == [tag for tag, _ in plain.tags]
    assert [set(a) for _, a in read.tags] == [set(a) for _, a in plain.tags]
    policies = [a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert "default-src 'none'" in POLICY
    assert "script-src" not in POLICY
    assert any("<script>alert(1)</script>" in said for said in read.text)
    assert not any(a.get("src", "").startswith("http") for _, a in read.tags if a.get("src"))


def test_a_request_that_was_understood_is_not_among_what_could_not_be_done(cues: CueSheet) -> None:
    note, warning = "'hopeful, no drums' understood as: hopeful; no drums", "no close match"
    text = page(replace(cues, warnings=(note, warning)))
    assert text.index("Requests") < text.index("understood as") < text.index("What could not") < text.index(warning)
    assert "What could not be done" not in page(replace(cues, warnings=(note,)))


def test_a_sheet_without_cues_makes_a_page(cues: CueSheet) -> None:
    bare = replace(cues, cues=(), alternatives=(), ducking=(), speech=(), warnings=())
    assert "0 cues from 0 tracks" in page(bare)
