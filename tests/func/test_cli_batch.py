"""`rssp sign` for many files: folders and lists, one authorisation, a list of results to go on from,
detached CAdES. Whatever ends a run, no file is half-written and nothing is signed twice."""

import base64
import hashlib
import json
import os
import pty
import random
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib.api import Api
from lib.books import rows
from lib.instance import SOURCE
from lib.middleman import Middleman
from lib.module_scope import agency, client
from lib.people import GOOD_PIN, Operator, code_for, new_person
from lib.rssp import PROGRAM, Rssp, finish
from lib.server import Server
from lib import totp

SAMPLE = (SOURCE / "tests" / "data" / "hoc-ba-mau.pdf").read_bytes()
SANITIZED = b"__asan_init" in Path(PROGRAM).read_bytes()
MANY = 60  # more than rssp sends in one request


@pytest.fixture
def rssp(server, client):
    return Rssp(server, client)


@pytest.fixture
def between(server, client):
    """rssp with a middleman before the service."""
    middleman = Middleman(server)
    yield SimpleNamespace(rssp=Rssp(middleman, client), middleman=middleman)
    middleman.close()


@pytest.fixture
def is_good(reader):
    """Does a reader find so many signatures, all valid, all trusted?"""
    return lambda file, signatures=1: reader.judge(file) == (signatures,) * 3


@pytest.fixture
def accepts(instance):
    """Does openssl accept the detached signature?"""
    def ask(signature, content):
        return subprocess.run(
            ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", signature,
             "-content", content, "-CAfile", instance.path("ca.pem"), "-purpose", "any", "-out", os.devnull],
            check=False, capture_output=True).returncode == 0
    return ask


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of so many PDFs, all different."""
    def make(count, name="lớp 9A"):
        made = tmp_path / name
        made.mkdir(parents=True)
        for number in range(count):
            (made / f"hs-{number:03}.pdf").write_bytes(SAMPLE + b"%% %d\n" % number)
        return made
    return make


def padded(size):
    """A PDF with a stream of so many zeros."""
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate((
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (size, bytes(size))), 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    return (out + b"xref\n0 5\n0000000000 65535 f \n"
            + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
            + b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out))


def lasting_otp(subscriber):
    """One that is still good when many documents have been read: not of the last time step."""
    subscriber.last_step = max(subscriber.last_step, totp.step_now() - 1)
    return subscriber.next_otp()


def sign(rssp, subscriber, *words, **rest):
    rest.setdefault("pin", subscriber.pin)
    if "otp" not in rest:
        rest["otp"] = lasting_otp(subscriber)
    return rssp.run("sign", *words, "--credential", subscriber.credential, **rest)


def unasked(rssp, subscriber, *words, **rest):
    """Neither PIN nor OTP is to be had: asking for one fails."""
    return rssp.run("sign", *words, "--credential", subscriber.credential, **rest)


def results_of(file):
    """The rows of a result list by the names of the inputs; the last one counts."""
    found = {}
    for line in file.read_text().splitlines():
        row = json.loads(line)
        found[os.path.basename(row["input"])] = row
    return found


def states(file):
    return sorted(row["state"] for row in results_of(file).values())


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def signatures_made(auditor_db, subscriber):
    """How many hashes the service signed, by its own audit trail."""
    found = rows(auditor_db, "SELECT signatures FROM audit.event WHERE credential = %s "
                             "AND event = 'signature.created'", subscriber.credential)
    return sum(len(row["signatures"]) for row in found)


# which files


def test_a_folder_gives_its_pdfs_by_name_and_leaves_out_what_is_signed(
        rssp, subscriber, folder, is_good):
    place = folder(2)
    (place / "HS-B.PDF").write_bytes(SAMPLE)
    (place / "cu-signed.pdf").write_bytes(SAMPLE)
    (place / "ghi chú.txt").write_text("x")
    (place / ".an.pdf").write_bytes(SAMPLE)
    (place / "dưới").mkdir()
    (place / "dưới" / "khác.pdf").write_bytes(SAMPLE)
    done = sign(rssp, subscriber, place, "--json")
    assert [os.path.basename(row["output"]) for row in done.json["documents"]] == [
        "HS-B-signed.pdf", "hs-000-signed.pdf", "hs-001-signed.pdf"]
    assert "left out: 1 file" in done.err
    assert names(place / "dưới") == ["khác.pdf"]
    assert is_good(place / "HS-B-signed.pdf") and is_good(place / "hs-001-signed.pdf")


def test_recursive_signs_the_folders_below_and_output_dir_mirrors_them(
        rssp, subscriber, folder, tmp_path):
    place = folder(1, "trường")
    folder(2, "trường/9A")
    folder(1, "trường/9A/tổ 1")
    (place / "9A" / "lên").symlink_to(place)  # a loop
    out = tmp_path / "đã ký" / "2026"
    sign(rssp, subscriber, place, "--recursive", "--output-dir", out)
    assert sorted(str(file.relative_to(out)) for file in out.rglob("*.pdf")) == [
        "9A/hs-000-signed.pdf", "9A/hs-001-signed.pdf", "9A/tổ 1/hs-000-signed.pdf",
        "hs-000-signed.pdf"]
    assert not list(place.rglob("*-signed.pdf"))


@pytest.mark.parametrize("from_where", ["file", "standard input"])
def test_a_list_names_the_files_one_a_line(rssp, subscriber, folder, tmp_path, from_where):
    place = folder(3)
    lines = "\ufeff" + f"{place}/hs-002.pdf\r\n\n{place}/hs-000.pdf\n"
    (tmp_path / "tệp.txt").write_text(lines)
    more = ({"feed": lines} if from_where == "standard input" else {})
    sign(rssp, subscriber, "--list", "-" if more else tmp_path / "tệp.txt", **more)
    assert names(place) == ["hs-000-signed.pdf", "hs-000.pdf", "hs-001.pdf", "hs-002-signed.pdf",
                            "hs-002.pdf"]


def test_as_many_names_as_a_shell_gives_for_a_class_are_taken(rssp, subscriber, tmp_path):
    names = [tmp_path / f"{i}.pdf" for i in range(600)]
    done = unasked(rssp, subscriber, *names, expect=3)
    assert "600 of 600 cannot be signed" in done.err


def test_a_file_given_twice_is_signed_once(rssp, subscriber, folder, auditor_db):
    place = folder(1)
    (place / "lại.pdf").symlink_to(place / "hs-000.pdf")
    done = sign(rssp, subscriber, place, place / "hs-000.pdf")
    assert "twice" in done.err and names(place) == ["hs-000-signed.pdf", "hs-000.pdf", "lại.pdf"]
    assert signatures_made(auditor_db, subscriber) == 1


def test_two_files_with_one_output_are_refused(rssp, subscriber, folder, tmp_path):
    one, two = folder(1, "a"), folder(1, "b")
    done = unasked(rssp, subscriber, one / "hs-000.pdf", two / "hs-000.pdf", "--output-dir",
                   tmp_path / "ra", expect=2)
    assert "would both become" in done.err and not (tmp_path / "ra").exists()


def test_nothing_to_sign_is_said(rssp, subscriber, tmp_path):
    unasked(rssp, subscriber, expect=2)
    assert "no PDF" in unasked(rssp, subscriber, tmp_path, expect=3).err


# how many


@pytest.mark.slow
def test_500_documents_take_one_pin_and_one_otp(between, subscriber, folder, is_good):
    place = folder(500)
    done = sign(between.rssp, subscriber, place, "--json", otp=lasting_otp(subscriber))
    assert [row["state"] for row in done.json["documents"]] == ["done"] * 500
    assert between.middleman.count("credentials/authorize") == 1
    assert between.middleman.hashes() == [50] * 10
    assert is_good(place / "hs-000-signed.pdf") and is_good(place / "hs-499-signed.pdf")


@pytest.fixture(scope="module")
def few(instance, server):
    """A daemon that allows three signatures an authorisation."""
    started = Server(instance, "few", sad__multisign=3).start()
    yield started
    assert started.stop() == 0


def test_more_than_an_authorisation_allows_takes_another_with_its_own_pin_and_otp(
        few, client, subscriber, folder):
    place = folder(7)
    otps = "\n".join(subscriber.next_otp() for _ in range(3))
    done = Rssp(few, client).run(
        "sign", place, "--credential", subscriber.credential,
        pin="\n".join([subscriber.pin] * 3), otp=otps)
    assert "7 signed, " in done.out


def test_the_signer_is_told_how_many_each_authorisation_is_for(few, client, subscriber, folder):
    place = folder(4)
    code, shown, _ = Rssp(few, client).talk(
        "sign", place, "--credential", subscriber.credential,
        answers=[("PIN: ", subscriber.pin + "\n"), ("password: ", subscriber.next_otp() + "\n"),
                 ("PIN: ", subscriber.pin + "\n"), ("password: ", subscriber.next_otp() + "\n")])
    assert code == 0, shown
    assert "authorisation 1 of 2: 3 of 4" in shown and "authorisation 2 of 2: 1 of 4" in shown


def test_a_refused_second_authorisation_keeps_what_the_first_signed(
        few, client, subscriber, folder, tmp_path):
    place, listed = folder(5), tmp_path / "kq.jsonl"
    Rssp(few, client).run(
        "sign", place, "--credential", subscriber.credential, "--results", listed, expect=5,
        pin="\n".join([subscriber.pin] * 2), otp=f"{subscriber.next_otp()}\n{subscriber.wrong_otp()}")
    assert states(listed) == ["done"] * 3 + ["pending"] * 2
    assert len(list(place.glob("*-signed.pdf"))) == 3


# formats and schemes


@pytest.mark.parametrize("key, scheme", [
    ("p-256", None), ("p-384", None), ("rsa-2048", "pkcs1"), ("rsa-2048", "pss")])
def test_a_detached_signature_of_any_file_is_accepted_by_openssl(
        rssp, operator, agency, tmp_path, accepts, key, scheme):
    subscriber = operator.subscriber(agency, key=key)
    file = tmp_path / "bệnh án.zip"
    file.write_bytes(os.urandom(70000))
    done = sign(rssp, subscriber, file, "--format", "cades", "--json",
                *(["--scheme", scheme] if scheme else []))
    signature = tmp_path / "bệnh án.zip.p7s"
    assert done.json["format"] == "cades" and done.json["documents"][0]["output"] == str(signature)
    assert accepts(signature, file)
    file.write_bytes(file.read_bytes()[:-1])
    assert not accepts(signature, file)


def test_a_detached_signature_does_not_hold_the_file_in_memory(rssp, subscriber, tmp_path, accepts):
    file = tmp_path / "lớn.bin"
    with open(file, "wb") as out:
        out.truncate(400 << 20)
    process = rssp.begin("sign", file, "--format", "cades", "--credential", subscriber.credential,
                         pin=subscriber.pin, otp=lasting_otp(subscriber))
    process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0 and usage.ru_maxrss < 300 << 10  # kB; with AddressSanitizer too
    assert accepts(f"{file}.p7s", file)


@pytest.mark.parametrize("scheme", ["pkcs1", "pss"])
def test_a_batch_of_rsa_signatures_is_good_in_both_formats(
        rssp, operator, agency, folder, is_good, accepts, scheme):
    subscriber, place = operator.subscriber(agency, key="rsa-2048"), folder(3)
    sign(rssp, subscriber, place, "--scheme", scheme)
    assert all(is_good(place / f"hs-00{number}-signed.pdf") for number in range(3))
    sign(rssp, subscriber, *sorted(place.glob("hs-00?.pdf")), "--scheme", scheme, "--format", "cades")
    assert all(accepts(place / f"hs-00{number}.pdf.p7s", place / f"hs-00{number}.pdf")
               for number in range(3))


@pytest.mark.slow
def test_a_batch_is_never_in_memory_as_a_whole(rssp, subscriber, tmp_path, is_good):
    for number in range(12):
        (tmp_path / f"{number:02}.pdf").write_bytes(padded(16 << 20))
    process = rssp.begin("sign", tmp_path, "--credential", subscriber.credential,
                         pin=subscriber.pin, otp=lasting_otp(subscriber))
    process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    # kB, of rssp or one child; AddressSanitizer keeps what is freed
    assert status == 0 and usage.ru_maxrss < (600 << 10 if SANITIZED else 150 << 10)
    assert is_good(tmp_path / "11-signed.pdf")


def test_a_folder_in_cades_is_all_its_files_without_signatures(rssp, subscriber, tmp_path):
    place = tmp_path / "hồ sơ"
    place.mkdir()
    for name in ("a.xml", "b.pdf", "cũ.p7s", ".ẩn"):
        (place / name).write_text(name)
    sign(rssp, subscriber, place, "--format", "cades")
    assert names(place) == [".ẩn", "a.xml", "a.xml.p7s", "b.pdf", "b.pdf.p7s", "cũ.p7s"]


def test_what_is_no_pdf_is_told_the_way_to_cades(rssp, subscriber, tmp_path):
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04")
    done = unasked(rssp, subscriber, tmp_path / "a.docx", expect=3)
    assert "--format cades" in done.err and "a.docx.p7s" in done.err


def test_another_format_is_exit_2(rssp, subscriber, folder):
    unasked(rssp, subscriber, folder(1), "--format", "xades", expect=2)


# what is asked for


@pytest.fixture(scope="module")
def pin_only(instance, server):
    """A daemon that allows credentials with a PIN alone, and such a subscriber."""
    permissive = Server(instance, "pin-only-cli", activation__pin_only="on").start()
    operator = Operator(permissive)
    agency = operator.add_agency()
    person = new_person(agency)
    operator.enrol(person)
    made = Api(permissive).post("/activation/v1/activate", {
        "code": code_for(instance, person["email"]), "identityNumber": person["identity_number"],
        "PIN": GOOD_PIN, "key": "p-256", "factors": "PIN"}, expect=200).json()
    yield SimpleNamespace(rssp=Rssp(permissive, operator.add_client(agency)),
                          credential=made["credentialID"])
    assert permissive.stop() == 0


def test_where_a_pin_is_enough_no_otp_is_asked_for(pin_only, folder, is_good):
    place = folder(2)
    pin_only.rssp.run("sign", place, "--credential", pin_only.credential, pin=GOOD_PIN)
    assert is_good(place / "hs-001-signed.pdf")


def test_where_a_pin_is_enough_the_terminal_asks_for_nothing_else(pin_only, folder):
    code, shown, _ = pin_only.rssp.talk("sign", folder(1), "--credential", pin_only.credential,
                                        answers=[("PIN: ", GOOD_PIN + "\n")])
    assert code == 0 and "password" not in shown


# faults among many


def test_one_bad_document_is_said_before_the_pin_and_nothing_is_signed(rssp, subscriber, folder):
    place = folder(3)
    (place / "hs-001.pdf").write_bytes(b"%PDF-1.7\nbroken")
    (place / "hs-002.pdf").write_bytes(b"")
    done = unasked(rssp, subscriber, place, expect=3)
    assert "hs-001.pdf" in done.err and "hs-002.pdf" in done.err and "--keep-going" in done.err
    assert not list(place.glob("*-signed.pdf"))


def test_keep_going_signs_the_others_and_exits_with_the_first_failure(
        rssp, subscriber, folder, is_good):
    place = folder(3)
    (place / "hs-000.pdf").unlink()
    (place / "hs-001.pdf").write_bytes(b"%PDF-1.7\nbroken")
    (place / "hs-002-signed.pdf").write_text("precious")
    (place / "hs-003.pdf").write_bytes(SAMPLE)
    done = sign(rssp, subscriber, place, "--keep-going", "--json", expect=3)
    assert [row["state"] for row in done.json["documents"]] == ["failed", "failed", "done"]
    assert [row.get("error") for row in done.json["documents"]] == ["input", "usage", None]
    assert done.json["exit"] == 3 and is_good(place / "hs-003-signed.pdf")
    assert (place / "hs-002-signed.pdf").read_text() == "precious"


def test_keep_going_with_nothing_left_asks_for_nothing(rssp, subscriber, tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\n")
    unasked(rssp, subscriber, tmp_path, "--keep-going", expect=3)


def test_a_file_that_changes_meanwhile_is_not_written(between, subscriber, folder):
    between.middleman.at("credentials/authorize", 1, "hold")
    place = folder(2)
    process = between.rssp.begin("sign", place, "--credential", subscriber.credential,
                                 pin=subscriber.pin, otp=lasting_otp(subscriber))
    assert between.middleman.held.wait(30)
    with open(place / "hs-000.pdf", "ab") as out:
        out.write(b"% more\n")
    between.middleman.release()
    done = finish(process, 3)
    assert "has changed" in done.err
    assert names(place) == ["hs-000.pdf", "hs-001-signed.pdf", "hs-001.pdf"]


# the list of results


def test_the_list_of_results_says_all_of_a_document(
        rssp, subscriber, folder, tmp_path, is_good, auditor_db):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    found = results_of(listed)
    assert sorted(found) == ["hs-000.pdf", "hs-001.pdf"]
    assert len(listed.read_text().splitlines()) == 2
    row, file = found["hs-000.pdf"], place / "hs-000.pdf"
    assert row["input"] == str(file) and row["state"] == "done"
    assert row["inputSha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    signed = place / "hs-000-signed.pdf"
    assert row["output"] == str(signed)
    assert row["outputSha256"] == hashlib.sha256(signed.read_bytes()).hexdigest()
    assert len(row["digest"]) == 64 and row["signingTime"].endswith("Z")
    assert (row["format"], row["scheme"]) == ("pades", "ECDSA")
    events = rows(auditor_db, "SELECT event FROM audit.event WHERE request = %s", row["requestID"])
    assert "signature.created" in {event["event"] for event in events}


def test_the_same_command_again_signs_nothing(rssp, subscriber, folder, tmp_path, auditor_db):
    place, listed = folder(3), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    before = {file: file.stat().st_mtime_ns for file in place.iterdir()}
    done = unasked(rssp, subscriber, place, "--results", listed, "--json")
    assert [row["state"] for row in done.json["documents"]] == ["kept"] * 3
    assert {file: file.stat().st_mtime_ns for file in place.iterdir()} == before
    assert signatures_made(auditor_db, subscriber) == 3


def test_what_was_added_since_is_signed_alone(between, subscriber, folder, tmp_path):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    sign(between.rssp, subscriber, place, "--results", listed)
    (place / "hs-009.pdf").write_bytes(SAMPLE)
    sign(between.rssp, subscriber, place, "--results", listed)
    assert between.middleman.hashes() == [2, 1] and states(listed) == ["done"] * 3


@pytest.mark.parametrize("words", [
    [], ["--format", "cades"], ["--visible", "--show", "name,time,labels", "--reason", "Ký học bạ"]])
def test_an_output_that_is_gone_is_made_again_without_a_signature(
        rssp, subscriber, folder, tmp_path, words):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed, *words)
    out = place / ("hs-001.pdf.p7s" if "cades" in words else "hs-001-signed.pdf")
    before = out.read_bytes()
    out.unlink()
    unasked(rssp, subscriber, place, "--results", listed, *words)
    assert out.read_bytes() == before


def test_an_input_that_changed_is_signed_anew(rssp, subscriber, folder, tmp_path, is_good):
    place, listed = folder(1), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    (place / "hs-000.pdf").write_bytes(SAMPLE + b"% new\n")
    done = unasked(rssp, subscriber, place, "--results", listed, expect=2)
    assert "--force" in done.err
    sign(rssp, subscriber, place, "--results", listed, "--force")
    assert (place / "hs-000-signed.pdf").read_bytes().startswith(SAMPLE + b"% new\n")
    assert is_good(place / "hs-000-signed.pdf") and states(listed) == ["done"]


def test_another_signer_with_the_same_list_signs_too(
        rssp, operator, agency, subscriber, folder, tmp_path, is_good):
    place, listed = folder(1), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    other = operator.subscriber(agency)
    sign(rssp, other, place, "--results", listed, "--output-dir", tmp_path / "hai")
    assert is_good(tmp_path / "hai" / "hs-000-signed.pdf")


def test_a_file_that_is_no_list_of_results_is_refused_and_stays(rssp, subscriber, folder, tmp_path):
    place = folder(1)
    for content in (SAMPLE, b'{"other": 1}\n', b"text without an end", b'{"input": broken\n'):
        (tmp_path / "khác").write_bytes(content)
        unasked(rssp, subscriber, place, "--results", tmp_path / "khác", expect=2)
        assert (tmp_path / "khác").read_bytes() == content


def test_a_line_that_was_cut_off_is_dropped(rssp, subscriber, folder, tmp_path):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    whole = listed.read_text()
    listed.write_text(whole + '{"input":"/x')
    unasked(rssp, subscriber, place, "--results", listed)
    assert listed.read_text() == whole


def test_one_list_serves_one_run_at_a_time(between, rssp, subscriber, folder, tmp_path):
    between.middleman.at("credentials/authorize", 1, "hold")
    place, listed = folder(1), tmp_path / "kq.jsonl"
    process = between.rssp.begin("sign", place, "--credential", subscriber.credential, "--results",
                                 listed, pin=subscriber.pin, otp=lasting_otp(subscriber))
    assert between.middleman.held.wait(30)
    assert "another rssp" in unasked(rssp, subscriber, place, "--results", listed, expect=2).err
    between.middleman.release()
    finish(process)


def test_what_cannot_be_signed_stands_in_the_list_with_its_reason(
        rssp, subscriber, folder, tmp_path):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    (place / "hs-000.pdf").write_bytes(b"%PDF-1.7\nbroken")
    unasked(rssp, subscriber, place, place / "không có.pdf", "--results", listed, expect=3)
    found = results_of(listed)
    assert [found[name]["state"] for name in sorted(found)] == ["failed", "pending", "failed"]
    assert found["hs-000.pdf"]["error"] == "input" and "damaged" in found["hs-000.pdf"]["description"]
    assert "there is no file" in found["không có.pdf"]["description"]
    sign(rssp, subscriber, place, "--results", listed, "--keep-going", expect=3)
    assert results_of(listed)["hs-001.pdf"]["state"] == "done"


def test_a_document_that_cannot_be_read_now_stays_done_in_the_list(
        rssp, subscriber, folder, tmp_path):
    place, listed = folder(1), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    before = (place / "hs-000.pdf").read_bytes()
    (place / "hs-000.pdf").write_bytes(b"%PDF-1.7\nbroken")
    unasked(rssp, subscriber, place, "--results", listed, expect=3)
    (place / "hs-000.pdf").write_bytes(before)
    unasked(rssp, subscriber, place, "--results", listed)


def test_the_list_is_neither_signed_nor_replaced(rssp, subscriber, tmp_path):
    place = tmp_path / "hồ sơ"
    place.mkdir()
    (place / "a.txt").write_text("a")
    listed = place / "kq.jsonl"
    sign(rssp, subscriber, place, "--format", "cades", "--results", listed)
    unasked(rssp, subscriber, place, "--format", "cades", "--results", listed)
    assert names(place) == ["a.txt", "a.txt.p7s", "kq.jsonl"]
    unasked(rssp, subscriber, place / "a.txt", "--format", "cades", "--results", listed, "-o",
            listed, "--force", expect=2)


def test_a_list_with_random_damage_never_signs_by_itself_nor_spoils_an_output(
        rssp, subscriber, folder, tmp_path):
    place, listed = folder(2), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    whole, outputs = listed.read_bytes(), {
        file: file.read_bytes() for file in place.glob("*-signed.pdf")}
    chance = random.Random(3)
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'"{}:,0az\n\xff')
        listed.write_bytes(damaged)
        done = unasked(rssp, subscriber, place, "--results", listed, expect=None)
        assert done.code in (0, 2), done
        assert {file: file.read_bytes() for file in place.glob("*-signed.pdf")} == outputs


def test_a_wrong_signature_is_not_written_nor_kept_for_the_next_run(
        between, subscriber, folder, tmp_path, is_good):
    between.middleman.at("signatures/signHash", 1, "spoil")
    place, listed = folder(2), tmp_path / "kq.jsonl"
    done = sign(between.rssp, subscriber, place, "--results", listed, expect=1)
    assert "did not verify" in done.err
    assert states(listed) == ["done", "failed"] and not (place / "hs-000-signed.pdf").exists()
    sign(between.rssp, subscriber, place, "--results", listed)
    assert is_good(place / "hs-000-signed.pdf") and states(listed) == ["done"] * 2


def test_a_document_that_fails_in_one_authorisation_does_not_stop_the_next(
        few, client, subscriber, folder):
    middleman = Middleman(few).at("credentials/authorize", 1, "hold")
    place = folder(4)
    process = Rssp(middleman, client).begin(
        "sign", place, "--credential", subscriber.credential, pin="\n".join([subscriber.pin] * 2),
        otp=f"{subscriber.next_otp()}\n{subscriber.next_otp()}")
    assert middleman.held.wait(30)
    (place / "hs-000.pdf").write_bytes(SAMPLE + b"% changed\n")
    middleman.release()
    finish(process, 3)
    middleman.close()
    assert len(list(place.glob("*-signed.pdf"))) == 3


def test_copies_of_one_document_are_each_signed(rssp, subscriber, tmp_path, is_good):
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        (tmp_path / name).write_bytes(SAMPLE)
    sign(rssp, subscriber, tmp_path)
    assert all(is_good(tmp_path / f"{name}-signed.pdf") for name in "abc")


# runs that are cut off


@pytest.mark.parametrize("what, signed_by_service", [("cut", MANY), ("lose", MANY + 10)])
def test_a_lost_connection_leaves_the_rest_to_the_next_run(
        between, subscriber, folder, tmp_path, auditor_db, is_good, what, signed_by_service):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    between.middleman.at("signatures/signHash", 2, what)
    done = sign(between.rssp, subscriber, place, "--results", listed, expect=4)
    assert "10 of 60" in done.err and "same command" in done.err and "is lost" in done.err
    assert "50 signed, 0 signed earlier, 0 failed, 10 not yet" in done.out
    assert states(listed) == ["done"] * 50 + ["pending"] * 10
    written = {file: file.read_bytes() for file in place.glob("*-signed.pdf")}
    assert len(written) == 50
    sign(between.rssp, subscriber, place, "--results", listed)
    assert states(listed) == ["done"] * MANY and between.middleman.hashes()[-1] == 10
    assert all(file.read_bytes() == content for file, content in written.items())
    assert is_good(place / "hs-059-signed.pdf")
    assert signatures_made(auditor_db, subscriber) == signed_by_service


def test_the_row_of_a_lost_answer_says_so(between, subscriber, folder, tmp_path):
    between.middleman.at("signatures/signHash", 1, "lose")
    place, listed = folder(1), tmp_path / "kq.jsonl"
    sign(between.rssp, subscriber, place, "--results", listed, expect=4)
    row = results_of(listed)["hs-000.pdf"]
    assert (row["state"], row["error"]) == ("pending", "unreachable") and row["description"]


def stopped(between, subscriber, place, listed):
    """A run that waits for its second answer."""
    between.middleman.at("signatures/signHash", 2, "hold")
    process = between.rssp.begin("sign", place, "--credential", subscriber.credential, "--results",
                                 listed, pin=subscriber.pin, otp=lasting_otp(subscriber))
    assert between.middleman.held.wait(30)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_answer_come_and_the_next_run_only_writes(
        between, subscriber, folder, tmp_path, number):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    process = stopped(between, subscriber, place, listed)
    process.send_signal(number)
    between.middleman.release()
    finish(process, 8)
    assert states(listed) == ["signed"] * MANY
    assert not [name for name in names(place) if name.startswith(".") or "signed" in name]
    unasked(between.rssp, subscriber, place, "--results", listed)
    assert states(listed) == ["done"] * MANY and between.middleman.hashes() == [50, 10]
    assert len(list(place.glob("*-signed.pdf"))) == MANY


def test_a_second_signal_does_not_wait_for_the_answer(between, subscriber, folder, tmp_path):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    process = stopped(between, subscriber, place, listed)
    process.send_signal(signal.SIGINT)
    assert "once more" in process.stderr.readline() + process.stderr.readline()
    process.send_signal(signal.SIGINT)
    finish(process, 8)
    assert states(listed) == ["pending"] * 10 + ["signed"] * 50


def test_a_killed_run_is_gone_on_with(between, subscriber, folder, tmp_path, is_good):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    process = stopped(between, subscriber, place, listed)
    process.kill()
    finish(process, -signal.SIGKILL)
    between.middleman.release()
    assert states(listed) == ["pending"] * 10 + ["signed"] * 50
    sign(between.rssp, subscriber, place, "--results", listed)
    assert between.middleman.hashes()[-1] == 10 and states(listed) == ["done"] * MANY
    assert is_good(place / "hs-000-signed.pdf") and is_good(place / "hs-059-signed.pdf")


@pytest.mark.parametrize("written", [1, 7, 23])
def test_killed_while_it_writes_it_leaves_whole_files_alone(
        rssp, subscriber, folder, tmp_path, is_good, written):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    process = rssp.begin("sign", place, "--credential", subscriber.credential, "--results", listed,
                         pin=subscriber.pin, otp=lasting_otp(subscriber))
    while process.poll() is None and (
            not listed.exists() or listed.read_bytes().count(b'"done"') < written):
        pass
    os.killpg(process.pid, signal.SIGKILL)  # and the child that writes
    finish(process, -signal.SIGKILL)
    assert set(names(place)) <= {f"hs-{number:03}{end}.pdf" for number in range(MANY)
                                 for end in ("", "-signed")}
    assert all(is_good(file) for file in place.glob("*-signed.pdf"))
    unasked(rssp, subscriber, place, "--results", listed)
    assert states(listed) == ["done"] * MANY and len(names(place)) == 2 * MANY


def test_an_output_written_by_a_run_that_was_killed_before_noting_it_is_recognised(
        rssp, subscriber, folder, tmp_path):
    place, listed = folder(1), tmp_path / "kq.jsonl"
    sign(rssp, subscriber, place, "--results", listed)
    row = json.loads(listed.read_text())
    del row["outputSha256"]
    listed.write_text(json.dumps(row | {"state": "signed"}, separators=(",", ":")) + "\n")
    before = (place / "hs-000-signed.pdf").read_bytes()
    unasked(rssp, subscriber, place, "--results", listed)
    assert states(listed) == ["done"] and (place / "hs-000-signed.pdf").read_bytes() == before


def test_a_terminal_that_closes_leaves_a_run_to_go_on_with(between, subscriber, folder, tmp_path):
    place, listed = folder(MANY), tmp_path / "kq.jsonl"
    between.middleman.at("signatures/signHash", 2, "hold")
    child, terminal = pty.fork()
    if child == 0:
        os.execve(PROGRAM, [PROGRAM, "sign", str(place), "--credential", subscriber.credential,
                            "--results", str(listed)], between.rssp.environment)
    shown = b""
    for prompt, answer in ((b"PIN: ", subscriber.pin), (b"password: ", lasting_otp(subscriber))):
        while prompt not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, answer.encode() + b"\n")
    assert between.middleman.held.wait(30)
    os.close(terminal)
    between.middleman.release()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 8
    assert states(listed) == ["signed"] * MANY and len(names(place)) == MANY


def test_the_progress_bar_is_for_terminals_and_for_what_takes_longer_than_a_second(
        between, subscriber, folder):
    between.middleman.at("signatures/signHash", 1, "slow")
    code, shown, _ = between.rssp.talk(
        "sign", folder(MANY), "--credential", subscriber.credential,
        answers=[("PIN: ", subscriber.pin + "\n"), ("password: ", lasting_otp(subscriber) + "\n")])
    assert code == 0 and "signing " in shown and "50/60" in shown and "█" in shown
    between.middleman.counts.clear()
    done = sign(between.rssp, subscriber, folder(MANY, "lần hai"))
    assert "\r" not in done.err and "50/60" not in done.err


def test_help_teaches_the_exit_codes_and_the_ways(rssp):
    for words in ("--results", "--keep-going", "--output-dir", "--recursive", "--list", "cades"):
        assert words in rssp.run("sign", "--help").out
    assert "8  stopped" in rssp.run("--help").out
