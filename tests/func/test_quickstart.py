"""rsspd/quickstart, the README's first command: in a deep folder whose name has a space, with the
programs that are built already."""

import os
import re
import socket
import stat
import subprocess
import time
import uuid
from pathlib import Path

import psycopg2
import pytest
import requests

from lib import totp
from lib.instance import BUILD, SOURCE, free_ports
from lib.reader import Reader

pytestmark = pytest.mark.slow

NAMES = {"RSSP_URL", "RSSP_CACERT", "RSSP_TRUST", "RSSP_CLIENT_ID", "RSSP_CLIENT_SECRET",
         "RSSP_SIGNED", "RSSP_DATABASE", "RSSP_OPERATOR_CERT", "RSSP_OPERATOR_KEY", "RSSP_DEMO",
         *(f"RSSP_{name}_{kind}" for name in ("USER", "CREDENTIAL", "PIN", "TOTP", "LOGIN", "PASSWORD")
           for kind in ("RSA", "EC"))}


class Quickstart:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_ports(1)[0]
        self.env_file = folder / ".run" / "env"

    def run(self, *words, port=None, timeout=280):
        return subprocess.run(
            [str(self.folder / "rsspd" / "quickstart"), *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
            check=False, cwd="/",
            env={**os.environ, "RSSP_BUILD": str(BUILD), "RSSP_PORT": str(port or self.port)})

    def env(self):
        """The file as sh reads it."""
        shown = subprocess.run(
            ["env", "-i", "sh", "-c", 'set -a; . "$0"; /usr/bin/env -0', str(self.env_file)],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        pairs = dict(pair.split("=", 1) for pair in shown.split("\0") if pair)
        return {name: value for name, value in pairs.items() if name.startswith("RSSP_")}

    def pid(self):
        return int((self.folder / ".run" / "rsspd.pid").read_text().split()[0])

    def processes(self):
        """Everything that has this folder in its arguments: the daemon, its SAMs, PostgreSQL."""
        needle, found = os.fsencode(str(self.folder)), []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and needle in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
        return found


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deep") / ("a folder with spaces " + "d" * 100) / "it's rsspd"
    folder.mkdir(parents=True)
    listed = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-z"], check=True,
                            stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-C", str(SOURCE), "--null", "-T", "-", "-cf", str(folder / "source.tar")],
                   input=listed, check=True)
    subprocess.run(["tar", "-xf", "source.tar"], cwd=folder, check=True)
    made = Quickstart(folder)
    made.first = made.run("--no-install")
    yield made
    made.run("stop")
    assert not made.processes()


def test_first_start_shows_the_main_job(quickstart):
    assert quickstart.first.returncode == 0, quickstart.first.stdout
    assert "✓" in quickstart.first.stdout
    assert requests.get(quickstart.env()["RSSP_URL"] + "/readyz", timeout=5,
                        verify=quickstart.env()["RSSP_CACERT"]).status_code == 200


def test_env_is_lines_that_sh_reads(quickstart):
    assert stat.S_IMODE(quickstart.env_file.stat().st_mode) == 0o600
    for line in quickstart.env_file.read_text().splitlines():
        assert re.fullmatch(r"RSSP_[A-Z_]+='.*'", line), line
    env = quickstart.env()
    assert set(env) == NAMES
    for name in ("RSSP_CACERT", "RSSP_TRUST", "RSSP_SIGNED", "RSSP_OPERATOR_CERT", "RSSP_OPERATOR_KEY"):
        assert env[name].startswith("/") and Path(env[name]).is_file(), name
    for kind in ("RSA", "EC"):
        assert len(totp.now(env[f"RSSP_TOTP_{kind}"])) == 6
        user = env[f"RSSP_USER_{kind}"]
        assert str(uuid.UUID(user)) == user, "not an id that tells nothing"


def test_database_is_an_auditor_who_may_only_read(quickstart):
    connection = psycopg2.connect(quickstart.env()["RSSP_DATABASE"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM audit.event")
    assert cursor.fetchone()[0] > 0
    with pytest.raises(psycopg2.Error):
        cursor.execute("DELETE FROM audit.event")
    connection.close()


def test_signed_document_is_valid_and_trusted(quickstart, tmp_path):
    env = quickstart.env()
    assert Reader(tmp_path, env["RSSP_TRUST"]).judge(env["RSSP_SIGNED"]) == (1, 1, 1)


def test_the_demonstration_application_lists_its_records(quickstart):
    shown = requests.get(quickstart.env()["RSSP_DEMO"], timeout=5)
    assert shown.status_code == 200 and "Hồ sơ chờ ký" in shown.text
    assert quickstart.env()["RSSP_DEMO"] in quickstart.first.stdout


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_its_people_sign_in_on_the_pages(quickstart, kind):
    env = quickstart.env()
    answer = requests.post(env["RSSP_URL"] + "/account/v1/sign-in", timeout=10, verify=env["RSSP_CACERT"],
                           json={"login": env[f"RSSP_LOGIN_{kind}"], "password": env[f"RSSP_PASSWORD_{kind}"]},
                           headers={"Origin": env["RSSP_URL"]})
    assert answer.status_code == 200 and answer.json()["name"], answer.text


def test_the_demonstration_application_is_sent_to_the_services_page(quickstart):
    demo = requests.Session()
    page = demo.get(quickstart.env()["RSSP_DEMO"], timeout=10).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    sent = demo.post(quickstart.env()["RSSP_DEMO"] + "/sign", data={"csrf": csrf, "record": "0"},
                     timeout=10, allow_redirects=False).headers["Location"]
    shown = requests.get(sent, timeout=10, verify=quickstart.env()["RSSP_CACERT"], allow_redirects=False)
    assert shown.status_code == 303 and "/consent?request=" in shown.headers["Location"]


def test_second_start_is_quick_and_keeps_the_service(quickstart):
    pid, before, env = quickstart.pid(), time.monotonic(), quickstart.env()
    again = quickstart.run("--no-install")
    assert again.returncode == 0, again.stdout
    assert time.monotonic() - before < 15
    assert quickstart.pid() == pid and quickstart.env() == env


def test_a_taken_port_is_said_with_what_to_do(quickstart):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = quickstart.run("--no-install", port=taken.getsockname()[1])
    assert refused.returncode != 0
    assert "taken" in refused.stdout and "RSSP_PORT=" in refused.stdout


def test_after_stop_nothing_runs_and_a_start_brings_it_back(quickstart):
    env = quickstart.env()
    assert quickstart.run("stop").returncode == 0
    assert not quickstart.processes()
    began = time.monotonic()
    again = quickstart.run("--no-install", "--once")
    assert again.returncode == 0, again.stdout
    assert time.monotonic() - began < 15
    assert not quickstart.processes()
    assert {name: value for name, value in quickstart.env().items() if name != "RSSP_DATABASE"} == {
        name: value for name, value in env.items() if name != "RSSP_DATABASE"}


def test_help_and_unknown_words(quickstart):
    assert "quickstart stop" in quickstart.run("--help").stdout
    assert quickstart.run("--nonsense").returncode != 0
