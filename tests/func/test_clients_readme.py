"""clients/README.md against the real service: each `sh` block is run as printed, in order and in one
shell, and answers what stands below it; its table of errors is what the service sends."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from test_quickstart import NAMES

from lib.api import b64
from lib.instance import BUILD
from lib.people import SHA256_OID
from lib.readme import blocks, exit_codes, refusals
from lib.rssp import Rssp

AGENCY = ["UBND TỈNH MẪU", "SỞ GIÁO DỤC VÀ ĐÀO TẠO", "TRƯỜNG THPT MẪU"]
MARK = "==== block ended:"


def write_env(folder, server, operator, people):
    """.run/env as quickstart writes it, with what the text uses of it."""
    values = {"URL": server.url, "CACERT": server.cacert, "TRUST": server.instance.path("ca.pem"),
              "OPERATOR_CERT": operator.certificate, "OPERATOR_KEY": operator.key}
    for kind, someone in people.items():
        values |= {f"USER_{kind}": someone.user, f"CREDENTIAL_{kind}": someone.credential,
                   f"PIN_{kind}": someone.pin, f"TOTP_{kind}": someone.secret,
                   f"LOGIN_{kind}": someone.person["identity_number"],
                   f"PASSWORD_{kind}": someone.password}
    lines = [f"RSSP_{name}={shlex.quote(str(value))}\n" for name, value in values.items()]
    assert {line.split("=")[0] for line in lines} <= NAMES, "quickstart writes no such line"
    (folder / ".run").mkdir()
    (folder / ".run" / "env").write_text("".join(lines), encoding="utf-8")
    (folder / ".run" / "env").chmod(0o600)


def run_blocks(folder, exchange):
    """The output of each block, with what it said on standard error, and its exit status."""
    script = ""
    for block in blocks():
        text = block.code
        if exchange:
            text = re.sub("_(RSA|EC)", lambda kind: {"_RSA": "_EC", "_EC": "_RSA"}[kind.group()], text)
        script += f"{text}\nprintf '\\n{MARK} %s\\n' $?\n"
    (folder / "blocks.sh").write_text(script, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)}
    done = subprocess.run(["sh", "blocks.sh"], cwd=folder, env=environment, check=False, timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    parts = re.split(rf"\n{MARK} (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(blocks()) + 1, done.stdout
    return [(out.strip("\n"), int(status)) for out, status in zip(parts[::2], parts[1::2])]


def pattern(expected):
    """`…` is anything within a line; alone in a line, any number of lines."""
    lines = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
             for line in expected.splitlines()]
    return re.compile("".join(lines))


class Session:
    def __init__(self, folder, server, operator, people, exchange=False):
        self.folder = folder / ".run" / "client"
        (folder / "build").symlink_to(BUILD)
        write_env(folder, server, operator, people)
        self.answers = run_blocks(folder, exchange)


@pytest.fixture(scope="module")
def agency(operator):
    return operator.add_agency(AGENCY)


def people(operator, agency):
    return {"RSA": operator.subscriber(agency, key="rsa-2048"), "EC": operator.subscriber(agency)}


@pytest.fixture(scope="module")
def session(server, operator, agency, tmp_path_factory):
    return Session(tmp_path_factory.mktemp("printed"), server, operator, people(operator, agency))


@pytest.mark.parametrize("number", range(len(blocks())), ids=lambda number: blocks()[number].name)
def test_a_block_answers_what_stands_below_it(session, number):
    block, (out, status) = blocks()[number], session.answers[number]
    as_printed = pattern(block.expected).fullmatch(out + "\n" if out else "")
    assert as_printed is not None, f"it answers:\n{out}"
    assert status == 0, f"status {status}:\n{out}"


def test_the_signed_pdf_is_a_sound_pdf(session):
    subprocess.run(["qpdf", "--check", session.folder / "signed.pdf"], check=True)


def test_no_secret_is_left_where_others_read(session):
    for file in session.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_the_same_commands_serve_the_other_kind_of_key(server, operator, agency, tmp_path):
    other = Session(tmp_path, server, operator, people(operator, agency), exchange=True)
    shown = "\n".join(out for out, _ in other.answers)
    assert "Verified OK" in shown and "CAdES Verification successful" in shown
    assert "Signature is Valid." in shown and "Certificate is Trusted." in shown


def test_what_one_version_authorises_the_other_signs(client, subscriber):
    digests = [os.urandom(32), os.urandom(32)]
    sad = client.authorize(subscriber, digests, version=1)
    client.sign(subscriber, sad, digests[:1], version=2)
    client.sign(subscriber, sad, digests[1:], version=1)


def test_each_version_takes_the_others_names(client, subscriber):
    digest = b64(os.urandom(32))
    common = {"credentialID": subscriber.credential, "numSignatures": 1}
    client.call("credentials/authorize", {**common, "hash": [digest], "PIN": subscriber.pin,
                                          "OTP": subscriber.next_otp()}, version=2)
    factors = [{"id": "PIN", "value": subscriber.pin}, {"id": "OTP", "value": subscriber.next_otp()}]
    client.call("credentials/authorize", {**common, "hashes": [digest], "authData": factors,
                                          "hashAlgorithmOID": SHA256_OID}, version=1)


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_exit_codes_are_those_that_rssp_prints(lang):
    shown = subprocess.run([BUILD / "bin" / "rssp", "--help", "--lang", lang], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    assert exit_codes(lang) == re.findall(r"^  (\d)  (.*)$", shown, re.MULTILINE)


def vietnamese(name):
    return next(row.vietnamese for row in refusals() if row.name == name)


def test_rssp_says_the_tables_words_in_vietnamese(server, client, subscriber):
    rssp = Rssp(server, client, lang="vi")
    rssp.environment["RSSP_CLIENT_SECRET"] = "x"
    assert vietnamese("CLIENT_SECRET_INVALID") in rssp.run("list", "--user", subscriber.user, expect=1).err


def test_rssp_adds_the_name_of_the_parameter(server, operator):
    done = Rssp(server, operator=operator, lang="vi").run(
        "operator", "client", "rotate", "nonsense", expect=1)
    assert vietnamese("PARAMETER_INVALID") + ": clientID" in done.err
