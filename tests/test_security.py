"""The threat model's own tests: no calls that run foreign code, no network, and no line without the test it names."""

from __future__ import annotations

import ast
import re
import socket
from pathlib import Path

import pytest

from soundtrack.config import load_config
from soundtrack.errors import FfmpegError, InputError
from soundtrack.media.guard import input_args
from soundtrack.media.process import run_ffmpeg
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe, probe_audio

ROOT = Path(__file__).parents[1]

FORBIDDEN_CALLS = {
    "eval", "exec", "os.system", "os.popen", "pickle.load", "pickle.loads", "marshal.load", "marshal.loads",
    "joblib.load", "torch.jit.load", "torch.export.load", "torch.hub.load", "shelve.open", "yaml.load",
}  # fmt: skip
"""Calls that run what they are given, by their full name."""
UNPACKING = frozenset({"extract", "extractall", "unpack_archive"})
"""Methods that write files where an archive says; members are read in memory instead."""


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(n.func), n) for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]


def test_nothing_calls_what_runs_foreign_code() -> None:
    found = []
    for path in sorted((ROOT / "soundtrack").rglob("*.py")):
        for name, call in calls(path):
            options = {k.arg: ast.unparse(k.value) for k in call.keywords}
            bad = (
                name in FORBIDDEN_CALLS
                or name.rpartition(".")[2] in UNPACKING
                or options.get("shell", "False") != "False"
                or options.get("allow_pickle", "False") != "False"
                or (name == "torch.load" and options.get("weights_only") != "True")
            )
            if bad:
                found.append(f"{path.name}:{call.lineno}: {name}")
    assert found == []


@pytest.mark.parametrize("name", ["song.mp3", "film.mp4", "film.mkv", "list.m3u8"])
def test_no_file_makes_the_tool_call_the_network(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        texts = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{address}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{address}'\n",
            f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{address}</BaseURL></MPD>',
        ]
        for text in texts:
            path = tmp_path / name
            path.write_text(text)
            for read in (probe, probe_audio, lambda path: read_audio(path, sample_rate_hz=8_000, channels=1)):
                with pytest.raises(InputError):
                    read(path)
            with pytest.raises(FfmpegError):
                run_ffmpeg([*input_args(path), "-f", "null", "-"], task="read")
        with pytest.raises(TimeoutError):
            server.accept()


def test_settings_in_the_working_folder_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.toml", "soundtrack.toml", ".soundtrack.toml", "soundtrack/config.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('ffmpeg = "./evil"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOUNDTRACK_CONFIG", raising=False)
    monkeypatch.delenv("SOUNDTRACK_FFMPEG", raising=False)
    for home in ("", str(tmp_path / "elsewhere")):
        monkeypatch.setenv("XDG_CONFIG_HOME", home)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert load_config().ffmpeg is None


def test_every_line_of_the_threat_model_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`(test_\w+)::(test_\w+)`", text)
    assert len(named) > 30
    for module, test in named:
        assert f"def {test}(" in (ROOT / "tests" / f"{module}.py").read_text(), f"{module}::{test}"
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| Threat", "| ---"))]
    assert [row for row in rows if "`test_" not in row and not row.endswith("| none |")] == []
