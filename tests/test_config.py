"""The configuration file and the environment: what they set, and what is refused with the place that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soundtrack.cli.app import main
from soundtrack.cli.choices import mix_settings
from soundtrack.cli.options import DuckName
from soundtrack.config import load_config
from soundtrack.errors import InputError
from soundtrack.pipeline.ground.defaults import with_target
from soundtrack.settings import LoudnessTarget, MixSettings

FILE_ONLY = {
    "deep nesting": "a=" + "[" * 20_000,
    "5,000 digits": "target=" + "9" * 5_000,
    "long hexadecimal": "target=0x" + "f" * 6_000,
    "not a number": "target=nan",
    "endless": "target=inf",
    "switch of a list": "cache=[1]",
    "device of a number": "device=5",
    "device of a table": "device={a=1}",
    "target of a date": "target=2026-01-01",
    "unknown user": 'index="~nosuchuser/x"',
    "NUL": 'ffmpeg="a\\u0000"',
    "long path": f'index="{"a" * 5_000}"',
    "unknown key": "a" * 5_000 + "=1",
    "not UTF-8": "\udcff",
    "endless file": "#" * (1 << 20),
}


@pytest.mark.parametrize("kind", FILE_ONLY)
def test_a_hostile_configuration_is_refused_with_its_name_and_place(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(FILE_ONLY[kind], encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=r"^/.*c\.toml: ") as refused:
        load_config({"SOUNDTRACK_CONFIG": str(path)})
    assert len(str(refused.value)) < 700
    assert "set_int_max_str_digits" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [("5", "a whole number"), ("[1]", "a list"), ("{a=1}", "a table"), ("2026-01-01", "a date or time")],
)
def test_a_wrong_type_was_called_a_int(value: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f"device={value}")
    with pytest.raises(InputError, match=f"got {said}$"):
        load_config({"SOUNDTRACK_CONFIG": str(path)})


def test_a_configuration_that_is_a_device_or_a_pipe_is_refused(tmp_path: Path) -> None:
    for place in ("/dev/zero", str(tmp_path)):
        with pytest.raises(InputError, match="not a regular file"):
            load_config({"SOUNDTRACK_CONFIG": place})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TARGET", "nan"),
        ("TARGET", "9" * 5_000),
        ("TARGET", "loud"),
        ("TARGET", "0"),
        ("INDEX", "~nosuchuser/x"),
        ("INDEX", "a" * 5_000),
        ("FFMPEG", "a\0b"),
        ("CACHE", "perhaps"),
        ("LEDGER", "2"),
    ],
)
def test_a_wrong_variable_is_named_and_no_file_is_blamed(name: str, value: str) -> None:
    env = {"SOUNDTRACK_CONFIG": os.devnull, f"SOUNDTRACK_{name}": value}
    with pytest.raises(InputError, match=f"^SOUNDTRACK_{name}: ") as refused:
        load_config(env)
    assert os.devnull not in str(refused.value)


def test_the_target_may_be_a_preset_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    env = {"SOUNDTRACK_CONFIG": str(path)}
    for text, target in (('"broadcast"', -23.0), ("-18", -18.0), ("-18.5", -18.5), ('"-20"', -20.0), ('""', None)):
        path.write_text(f"target = {text}\n")
        found = load_config(env).target
        assert (found and found.lufs) == target
    assert load_config({**env, "SOUNDTRACK_TARGET": "Cinema"}).target == LoudnessTarget(-27.0)


def test_a_dialogue_target_in_the_environment_is_that_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOUNDTRACK_TARGET=dialogue was refused, and in a file it would have been one number without its ceiling."""
    asked = mix_settings(target="dialogue", keep_original=True, keep_level=False, duck=DuckName.NORMAL)
    path = tmp_path / "c.toml"
    path.write_text('target = "dialogue"\n')
    for name, value in (("SOUNDTRACK_TARGET", "Dialogue"), ("SOUNDTRACK_CONFIG", str(path))):
        with monkeypatch.context() as here:
            here.setenv(name, value)
            assert mix_settings(target=None, keep_original=True, keep_level=False, duck=DuckName.NORMAL) == asked
            assert with_target(MixSettings()) == asked
            web = mix_settings(target="web", keep_original=True, keep_level=False, duck=DuckName.NORMAL)
            assert (web.target_lufs, web.ceiling_dbtp, web.dialogue_gated) == (-14.0, -1.0, False)


def test_a_mistyped_name_of_a_configuration_was_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOUNDTRACK_CONFIG", str(tmp_path / "confg.toml"))
    monkeypatch.setattr("sys.argv", ["soundtrack", "config"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    error, hint = capfd.readouterr().err.splitlines()
    assert error == f"error: SOUNDTRACK_CONFIG: {tmp_path}/confg.toml: no such file"
    assert hint.startswith(f"hint: correct the name or unset the variable; {os.devnull} means no configuration file")


def test_without_a_name_a_configuration_may_be_missing_and_dev_null_names_none(tmp_path: Path) -> None:
    user = tmp_path / "soundtrack" / "config.toml"
    with pytest.MonkeyPatch.context() as here:
        here.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert load_config({}).cache is True
        user.parent.mkdir()
        user.write_text("cache = false\n")
        assert load_config({"SOUNDTRACK_CONFIG": ""}).cache is False
        assert load_config({"SOUNDTRACK_CONFIG": os.devnull}).cache is True


def test_a_configuration_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfcache = false\n")
    assert load_config({"SOUNDTRACK_CONFIG": str(path)}).cache is False


def test_an_index_that_is_still_to_be_made_may_be_named(tmp_path: Path) -> None:
    env = {"SOUNDTRACK_CONFIG": os.devnull, "SOUNDTRACK_INDEX": str(tmp_path / "later" / "index")}
    assert load_config(env).index == tmp_path / "later" / "index"
