"""`rssp` without a server: help, usage, configuration."""

import os
import subprocess

import pytest

from lib.rssp import PROGRAM


def run(*words, expect=0, **environment):
    done = subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                          check=False, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                                            **environment})
    assert done.returncode == expect, done
    return done


COMMANDS = ["", "sign", "activate", "list", "operator", "operator enrol", "operator agency",
            "operator agency add", "operator agency list", "operator client",
            "operator client add", "operator client change", "operator client list", "operator client show",
            "operator client rotate", "operator client disable",
            "operator subscriber", "operator subscriber list", "operator subscriber set-position",
            "operator subscriber unlock", "operator subscriber disable", "audit", "audit show",
            "completion", "manual"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_level_has_help_with_an_example(command):
    shown = run(*command.split(), "--help").stdout
    assert "Usage: rssp" in shown and "Example:\n  rssp" in shown
    assert "--env FILE" in shown and "\033" not in shown
    assert "Cách dùng: rssp" in run(*command.split(), "-h", "--lang", "vi").stdout


def test_the_help_documents_the_exit_codes():
    shown = run("--help").stdout
    for code in range(8):
        assert f"\n  {code}  " in shown


@pytest.mark.parametrize("variables", [
    {"LC_ALL": "vi_VN.UTF-8"}, {"LC_MESSAGES": "vi"}, {"LANG": "vi_VN"}])
def test_messages_follow_the_locale(variables):
    assert "Cách dùng" in run("--help", **variables).stdout
    assert "Usage" in run("--help", "--lang", "en", **variables).stdout


@pytest.mark.parametrize("words", [
    ["nonsense"], ["operator"], ["operator", "nonsense"], ["sign"], ["sign", "--nonsense", "a.pdf"],
    ["sign", "a.pdf", "-x"], ["sign", "a.pdf", "--user"], ["list", "--json=1"], [],
    ["list", "--lang", "fr"], ["operator", "client", "rotate"], ["operator", "client", "rotate", "a", "b"]])
def test_wrong_usage_is_exit_2_and_says_what(words):
    done = run(*words, expect=2)
    assert done.stderr.startswith("rssp: ") and not done.stdout


@pytest.mark.parametrize("option, value, allowed", [
    ("width", "5000", "5 to 1000 mm"), ("x", "-5", "0 to 1000 mm"), ("font-size", "4", "5 to 72"),
    ("page", "0", "first, last"), ("show", "all", "name,email,agency,time"), ("seal-width", "3", "10 to 100 mm")])
def test_a_wrong_value_is_answered_with_what_is_allowed(option, value, allowed):
    assert allowed in run("template", "save", "mau", f"--{option}", value, expect=2).stderr


def test_a_service_that_is_not_there_is_told_in_ones_language():
    done = run("list", "--user", "x", "--client-id", "x", "--url", "https://127.0.0.1:1", "--lang", "vi",
               expect=4, RSSP_CLIENT_SECRET="x")
    assert "Không kết nối được máy chủ" in done.stderr and "127.0.0.1" in done.stderr


def test_a_failure_is_json_too():
    shown = run("list", "--user", "x", "--json", expect=2)
    assert '"error": "usage"' in shown.stdout and '"exit": 2' in shown.stdout


def test_only_https_is_spoken():
    done = run("activate", "--url", "http://127.0.0.1:1", expect=2)
    assert "https://" in done.stderr


def test_an_env_file_is_read_as_sh_would(tmp_path):
    file = tmp_path / "env"
    file.write_text("# a comment\n\nRSSP_URL='https://127.0.0.1:1'\nRSSP_CLIENT_ID=a'b c'\\''d'\n"
                    "RSSP_CLIENT_SECRET=x\n")
    file.chmod(0o600)
    assert "127.0.0.1 port 1" in run("list", "--user", "x", "--env", file, expect=4).stderr


@pytest.mark.parametrize("line", ["RSSP_URL", "RSSP URL=x", "A=$(id)", "A='x", "A=\"x\"", "=x"])
def test_a_faulty_env_file_is_exit_3_by_line(tmp_path, line):
    file = tmp_path / "env"
    file.write_text(f"A=1\n{line}\n")
    file.chmod(0o600)
    assert "2" in run("list", "--user", "x", "--env", file, expect=3).stderr


def test_an_env_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "env"
    file.write_text("RSSP_URL=https://127.0.0.1:1\n")
    file.chmod(0o644)
    assert "chmod 600" in run("list", "--user", "x", "--env", file, expect=3).stderr


def test_the_version_is_printed():
    assert run("--version").stdout.startswith("rssp ")
