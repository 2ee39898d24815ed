"""The documentation site: every page is in the navigation, links lead somewhere, and nothing is loaded when viewed."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation_and_every_entry_a_page() -> None:
    listed = set(re.findall(r"^ +- [^:\n]+: (\S+\.md)$", CONFIG, flags=re.MULTILINE))
    assert listed == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_links_between_pages_lead_somewhere() -> None:
    lost = [
        f"{path.name}: {target}"
        for path in DOCS.rglob("*.md")
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists() or DOCS not in (path.parent / target).resolve().parents
    ]
    assert not lost, "\n".join(lost)


def test_nothing_is_loaded_from_the_network_when_a_page_is_viewed() -> None:
    assert "font: false" in CONFIG
    for word in ("analytics", "extra_javascript", "extra_css", "cdn", "http"):
        assert word not in CONFIG.split("site_name")[1]


def test_the_picture_of_the_demo_names_no_place_of_the_machine_it_was_drawn_on() -> None:
    text = (DOCS / "images" / "demo.svg").read_text(encoding="utf-8")
    assert "/tmp/" not in text and "/home/" not in text and "Lonely Street" in text


def test_the_page_of_the_cue_sheets_fields_is_the_one_of_its_schema() -> None:
    made = runpy.run_path(str(DOCS / "make_reference.py"))["reference"]()
    assert made == (DOCS / "cue-sheet-fields.md").read_text(encoding="utf-8"), "run: python docs/make_reference.py"


def test_the_site_gets_a_list_of_its_pages_for_language_models() -> None:
    text = runpy.run_path(str(DOCS / "make_llms.py"))["text"]
    nav = [{"First film": "first-film.md"}, {"Python": [{"Guide": "python.md"}]}]
    lines = text(name="soundtrack", description="Scores films.", nav=nav, docs=DOCS).splitlines()
    assert lines[:3] == ["# soundtrack", "", "> Scores films."]
    assert [line.partition(")")[0] for line in lines[6:]] == ["- [First film](first-film.html", "- [Guide](python.html"]
    assert "hooks: [docs/make_llms.py]" in CONFIG
