"""`rssp sign`: the document is valid, trusted, and never lost; a refusal says why."""

import os
import stat
import subprocess

import pytest

from lib.books import rows
from lib.instance import SOURCE
from lib.module_scope import agency, client
from lib.rssp import Rssp

SAMPLE = SOURCE / "tests" / "data" / "hoc-ba-mau.pdf"


@pytest.fixture
def rssp(server, client):
    return Rssp(server, client)


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "Học bạ 9A.pdf"
    file.write_bytes(SAMPLE.read_bytes())
    return file


def sign(rssp, subscriber, file, *words, **rest):
    rest.setdefault("pin", subscriber.pin)
    if "otp" not in rest:
        rest["otp"] = subscriber.next_otp()
    return rssp.run("sign", file, "--credential", subscriber.credential, *words, **rest)


@pytest.mark.parametrize("key, scheme", [
    ("p-256", None), ("p-384", None), ("rsa-2048", "pkcs1"), ("rsa-2048", "pss")])
def test_a_document_is_valid_and_trusted(rssp, operator, agency, document, reader, key, scheme):
    subscriber = operator.subscriber(agency, key=key)
    before = document.read_bytes()
    sign(rssp, subscriber, document, *(["--scheme", scheme] if scheme else []))
    signed = document.with_name("Học bạ 9A-signed.pdf")
    assert reader.judge(signed) == (1, 1, 1)
    assert signed.read_bytes().startswith(before) and document.read_bytes() == before


def test_a_second_signature_keeps_the_first(rssp, operator, agency, document, reader, tmp_path):
    first, second = operator.subscriber(agency), operator.subscriber(agency)
    sign(rssp, first, document, "-o", tmp_path / "one.pdf")
    done = sign(rssp, second, tmp_path / "one.pdf", "-o", tmp_path / "two.pdf", "--json").json
    assert done["documents"][0]["earlierSignatures"] == 1
    assert reader.judge(tmp_path / "two.pdf") == (2, 2, 2)


def test_many_documents_take_one_otp(rssp, subscriber, tmp_path, reader, operator, auditor_db):
    files = [tmp_path / f"{number}.pdf" for number in range(5)]
    for number, file in enumerate(files):
        file.write_bytes(SAMPLE.read_bytes() + b"%% %d\n" % number)
    done = Rssp.json(rssp, "sign", *files, "--credential", subscriber.credential,
                     pin=subscriber.pin, otp=subscriber.next_otp())
    assert len(done["documents"]) == 5
    for file in files:
        assert reader.judge(file.with_name(file.stem + "-signed.pdf")) == (1, 1, 1)
    events = rows(auditor_db, "SELECT event FROM audit.event WHERE credential = %s",
                  subscriber.credential)
    assert [row["event"] for row in events].count("signature.created") == 1


def test_the_only_credential_of_a_user_is_found(rssp, subscriber, document):
    rssp.run("sign", document, "--user", subscriber.user, pin=subscriber.pin,
             otp=subscriber.next_otp())


def test_the_json_names_the_request(rssp, subscriber, document, auditor_db):
    done = sign(rssp, subscriber, document, "--json").json
    found = rows(auditor_db, "SELECT event FROM audit.event WHERE request = %s", done["requestID"])
    assert "signature.created" in {row["event"] for row in found}


@pytest.mark.parametrize("wrong", ["pin", "otp"])
def test_a_wrong_factor_is_exit_5_and_no_file(rssp, subscriber, document, wrong):
    value = "wR0ngPin!x" if wrong == "pin" else subscriber.wrong_otp()
    done = sign(rssp, subscriber, document, expect=5, **{wrong: value})
    assert wrong.upper() in done.err and "equest" in done.err
    assert os.listdir(document.parent) == [document.name]


def test_after_five_wrong_otps_an_operator_is_pointed_to_in_vietnamese(server, client, subscriber, document):
    speaker = Rssp(server, client, lang="vi")
    for _ in range(5):
        sign(speaker, subscriber, document, otp=subscriber.wrong_otp(), expect=5)
    done = sign(speaker, subscriber, document, expect=6)
    assert "khoá" in done.err and "người vận hành" in done.err


def test_a_headmaster_is_exit_6(rssp, operator, subscriber, document):
    operator.post("subscribers/set-position",
                  {"userID": subscriber.user, "position": "Hiệu trưởng"})
    sign(rssp, subscriber, document, expect=6)


def test_a_foreign_credential_looks_unknown(server, operator, subscriber, document):
    stranger = Rssp(server, operator.add_client(operator.add_agency()))
    done = sign(stranger, subscriber, document, "--json", expect=1)
    assert "credentialID" in done.json["description"]


def test_the_output_is_not_replaced_unless_forced(rssp, subscriber, document, tmp_path, reader):
    out = tmp_path / "out.pdf"
    out.write_text("precious")
    done = rssp.run("sign", document, "-o", out, "--credential", subscriber.credential, expect=2,
                    pin="not asked", otp="not asked")
    assert "--force" in done.err and out.read_text() == "precious"
    sign(rssp, subscriber, document, "-o", out, "--force")
    assert reader.judge(out) == (1, 1, 1)
    assert stat.S_IMODE(out.stat().st_mode) & 0o111 == 0


def test_a_folder_that_is_not_there_is_exit_7_before_anything_is_asked(
        rssp, subscriber, document, tmp_path):
    rssp.run("sign", document, "-o", tmp_path / "none" / "out.pdf", "--credential",
             subscriber.credential, expect=7)


def test_the_input_is_never_replaced(rssp, subscriber, document):
    before = document.read_bytes()
    link = document.with_name("link.pdf")
    link.symlink_to(document)
    for out in (document, link):
        rssp.run("sign", document, "-o", out, "--force", "--credential", subscriber.credential,
                 expect=2, pin="not asked", otp="not asked")
    assert document.read_bytes() == before


@pytest.mark.parametrize("content, word", [
    (b"", "PDF"), (b"%PDF-1.7\nno more", "damaged"), (b"PK\x03\x04", "not a PDF")])
def test_a_faulty_input_is_exit_3_and_spends_nothing(
        rssp, subscriber, tmp_path, auditor_db, content, word):
    file = tmp_path / "bad.pdf"
    file.write_bytes(content)
    done = rssp.run("sign", file, "--credential", subscriber.credential, expect=3,
                    pin=subscriber.pin, otp=subscriber.next_otp())
    assert word in done.err
    assert not rows(auditor_db, "SELECT 1 FROM audit.event WHERE credential = %s "
                                "AND event LIKE 'credential.authori%%'", subscriber.credential)


def test_an_encrypted_input_says_so(rssp, subscriber, document, tmp_path):
    locked = tmp_path / "locked.pdf"
    subprocess.run(["qpdf", "--encrypt", "", "owner", "256", "--", document, locked], check=True)
    done = rssp.run("sign", locked, "--credential", subscriber.credential, expect=3, pin="-", otp="-")
    assert "encrypted" in done.err


def test_no_option_takes_a_secret(rssp, document):
    for option in ("--pin", "--otp", "--client-secret"):
        assert "no option" in rssp.run("sign", document, option, "123456", expect=2).err


def test_the_client_secret_comes_by_a_descriptor(server, client, subscriber):
    speaker = Rssp(server, client)
    del speaker.environment["RSSP_CLIENT_SECRET"]
    assert "RSSP_CLIENT_SECRET" in speaker.run("list", "--user", subscriber.user, expect=2).err
    shown = speaker.json("list", "--user", subscriber.user, client_secret=client.secret)
    assert [row["credentialID"] for row in shown["credentials"]] == [subscriber.credential]
    speaker.run("list", "--user", subscriber.user, client_secret="wrong", expect=1)


def test_the_list_names_states_in_ones_language_and_json_as_the_api_does(server, client, subscriber):
    speaker = Rssp(server, client, lang="vi")
    shown = speaker.run("list", "--user", subscriber.user).out
    assert "ký được" in shown and "còn hiệu lực" in shown
    row, = speaker.json("list", "--user", subscriber.user)["credentials"]
    assert (row["status"], row["certificate"]) == ("enabled", "valid")


def test_the_terminal_does_not_echo_pin_and_otp(rssp, subscriber, document):
    code, shown, echoes = rssp.talk(
        "sign", document, "--credential", subscriber.credential,
        answers=[("PIN: ", subscriber.pin + "\n"), ("password: ", subscriber.next_otp() + "\n")])
    assert code == 0 and echoes == [False, False], shown
    assert subscriber.pin not in shown and "signed" in shown


def test_an_interrupt_at_the_prompt_restores_the_echo(rssp, subscriber, document):
    code, _, echoes = rssp.talk("sign", document, "--credential", subscriber.credential,
                                answers=[("PIN: ", "half\x03")])
    assert code == -2 and echoes == [False]
    assert os.listdir(document.parent) == [document.name]


def test_no_server_is_exit_4(rssp, subscriber):
    rssp.environment["RSSP_URL"] = "https://127.0.0.1:1"
    assert "running" in rssp.run("list", "--user", subscriber.user, expect=4).err


def test_a_server_with_another_root_is_exit_4(rssp, subscriber, instance):
    rssp.environment["RSSP_CACERT"] = str(instance.path("ca.pem"))
    rssp.run("list", "--user", subscriber.user, expect=4)
