#!/usr/bin/env python3
"""Generate docs/cue-sheet-fields.md from the JSON Schema of the cue sheet: ``python docs/make_reference.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
HEAD = """# Fields of the cue sheet

Generated from `docs/cue-sheet.schema.json` by `python docs/make_reference.py`. See [the cue sheet](cue-sheet.md) for an
introduction. Fields marked * are required; all others have defaults.
"""


def kind(field: dict[str, Any]) -> str:  # noqa: PLR0911 - one return per type
    """Return the type of a field, with its range, as Markdown."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(kind(one) for one in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field["type"] == "array":
        return f"list of {kind(field['items'])}" if "items" in field else "list"
    if field["type"] == "object":
        return "object with " + ", ".join(f"`{name}`" for name in field["properties"])
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f"{field['type']}, {low:,.10g} to {high:,.10g}"
    bound = f", at least {low:,.10g}" if low is not None else f", at most {high:,.10g}" if high is not None else ""
    return f"{field['type']}{bound}"


def table(title: str, part: dict[str, Any]) -> str:
    """Return the section of one object."""
    rows = [f"\n## {title}\n", " ".join(part["description"].split()), "", "| field | type | meaning |", "|---|---|---|"]
    for name, field in part["properties"].items():
        mark = "*" if name in part["required"] else ""
        meaning = " ".join(field.get("description", "Format and version.").replace("``", "`").split())
        rows.append(f"| `{name}`{mark} | {kind(field)} | {meaning} |")
    return "\n".join(rows).replace("``", "`") + "\n"


def reference() -> str:
    """Return the page."""
    schema = json.loads((DOCS / "cue-sheet.schema.json").read_text(encoding="utf-8"))
    return HEAD + table("CueSheet", schema) + "".join(table(name, part) for name, part in schema["$defs"].items())


if __name__ == "__main__":
    (DOCS / "cue-sheet-fields.md").write_text(reference(), encoding="utf-8")
