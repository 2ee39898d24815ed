"""``soundtrack config``: the settings in effect, as a configuration file."""

import json
from typing import Annotated

import typer


def config(
    defaults: Annotated[bool, typer.Option("--defaults", help="Print the default settings.")] = False,
) -> None:
    """Print the current settings in the format of config.toml.

    The tables [merit] and [plan] hold the weights of the selection: each row adds weight x (measure - neutral). A line
    such as `mood = 0.7` changes a weight, `mood = { weight = 0.7, neutral = 0.6 }` also the neutral point.
    """
    from soundtrack.cli import output
    from soundtrack.config import Config, config_path, load_config

    held = Config() if defaults else load_config()
    lines = [] if defaults else [f"# {output.plain(str(config_path()))}"]
    for name in ("index", "device", "target", "ffmpeg", "model"):
        value = getattr(held, name)
        shown = json.dumps(str(value), ensure_ascii=False)
        lines.append(f"# {name} is not set" if value is None else f"{name} = {output.plain(shown)}")
    lines += [f"{name} = {str(getattr(held, name)).lower()}" for name in ("ledger", "cache", "taste")]
    for title, table in (("merit", held.merit), ("plan", held.plan)):
        lines += ["", f"[{title}]"]
        for name, row in table.rows().items():
            ranges = f"weight {row.weights[0]:g} to {row.weights[1]:g}"
            if row.neutrals[0] < row.neutrals[1]:
                ranges += f", neutral {row.neutrals[0]:g} to {row.neutrals[1]:g}"
            lines.append(f"# {row.purpose}. Measure: {row.measure}. {ranges}")
            lines.append(f"{name} = {{ weight = {row.weight!r}, neutral = {row.neutral!r} }}")
    with output.product() as stream:
        stream.write("\n".join(lines) + "\n")
