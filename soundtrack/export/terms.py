"""Terms of a cue's merit as a plain-text table: name, weight, measure, neutral point, contribution.

Goes in: a cue, and the weights that its sheet was made with. Comes out: lines. A term adds weight times what the
measure is above its neutral point; a measure that was at this point, or is not known, is called neutral.
"""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.merit_table import MeritTable, PlanTable
from soundtrack.types import Cue

_ALSO = {"join": "leap", "repeat": "artist"}
"""Terms that two rows of the plan add up to, and the second of these."""


def term_lines(cue: Cue, weights: tuple[MeritTable, PlanTable] | None) -> Sequence[str]:
    """The table of one cue; without weights the terms in one line, and nothing for a cue without reasons.

    Parameters
    ----------
    cue : Cue
        With its terms.
    weights : (MeritTable, PlanTable) or None
        Those of its sheet; None where they are not known.
    """
    if weights is None or not cue.why:
        return [", ".join(f"{term.name} {term.value:+.3f}" for term in cue.why)] if cue.why else []
    added = {term.name: term.value for term in cue.why}
    merit, plan = (table.rows() for table in weights)
    rows = [("term", "weight", "value", "neutral", "adds")]
    for name, row in merit.items():
        value = added.pop(name, 0.0)
        measured = f"{row.neutral + value / row.weight:.3f}" if value and row.weight else "neutral"
        rows.append((name, f"{row.weight:+g}", measured, f"{row.neutral:g}", f"{value:+.3f}"))
    for name, value in added.items():
        counted = [plan[part] for part in (name, _ALSO.get(name, "")) if part in plan]
        rows.append((name, " ".join(f"{row.weight:+g}" for row in counted), "", "", f"{value:+.3f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
