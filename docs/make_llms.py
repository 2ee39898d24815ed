"""Write ``llms.txt`` into the documentation site: every page of the navigation with its title and first sentence.

A hook of mkdocs (``hooks`` in mkdocs.yml); `text` works without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def pages(nav: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield title and file of every page, in the order of the navigation."""
    for entry in nav:
        for title, value in entry.items():
            if isinstance(value, str):
                yield title, value
            else:
                yield from pages(value)


def first_sentence(text: str) -> str:
    """Return the first sentence of the first paragraph of a page, without links; empty if it begins otherwise."""
    for block in re.split(r"\n\s*\n", text):
        lines = " ".join(block.split())
        if lines and not lines.startswith(("#", "|", "<", "```", "!", ":::", "-")):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", lines)
            return re.split(r"(?<=[.:])\s", plain, maxsplit=1)[0].rstrip(":")
    return ""


def text(*, name: str, description: str, nav: list[Any], docs: Path) -> str:
    """Return the page."""
    lines = [f"# {name}", "", f"> {description}", "", "## Documentation", ""]
    for title, file in pages(nav):
        about = first_sentence((docs / file).read_text(encoding="utf-8"))
        lines.append(f"- [{title}]({Path(file).with_suffix('.html')})" + (f": {about}" if about else ""))
    return "\n".join(lines) + "\n"


def on_post_build(config: Any) -> None:
    """Write the page after mkdocs has built the site."""
    made = text(
        name=config["site_name"],
        description=config["site_description"],
        nav=config["nav"],
        docs=Path(config["docs_dir"]),
    )
    (Path(config["site_dir"]) / "llms.txt").write_text(made, encoding="utf-8")
