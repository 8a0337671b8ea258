"""`rssp operator`, `rssp activate`, `rssp audit`: an operator's work from the command line."""

import csv
import io
import uuid

import pytest

from lib import oauth
from lib.books import rows, value
from lib.instance import SOURCE
from lib.people import GOOD_PASSWORD, GOOD_PIN, code_for, new_person
from lib.rssp import Rssp

DATA = SOURCE / "tests" / "data"
ENROLMENTS = "SELECT count(*) FROM audit.event WHERE event LIKE 'enrolment%%'"


@pytest.fixture
def rssp(server, operator):
    return Rssp(server, operator=operator)


def date(iso):
    return "/".join(reversed(iso.split("-")))


def form01(*people):
    """The CSV of these lines; `device` is RSSP unless said otherwise."""
    with open(DATA / "form01-mau.csv", encoding="utf-8-sig", newline="") as file:
        heading = next(csv.reader(file))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heading)
    for number, person in enumerate(people, 1):
        writer.writerow([
            number, person["name"], date(person["birth_date"]), person["identity_number"],
            person["identity_place"], date(person["identity_date"]), person["email"],
            *(person.get(f"agency_{level}", "") for level in range(1, 5)), person["province"],
            person["position"], person["phone"], "", "", "", person.get("device", "RSSP")])
    return out.getvalue()


@pytest.fixture
def enrol(rssp, tmp_path):
    def run(*people, expect=0, words=(), encoding="utf-8"):
        file = tmp_path / "list.csv"
        file.write_text(form01(*people), encoding=encoding)
        return rssp.json("operator", "enrol", file, *words, expect=expect)
    return run


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_permitted_lines_are_enrolled_and_others_explained(enrol, server, agency, encoding):
    teacher = new_person(agency)
    head = new_person(agency, position="Hiệu trưởng")
    unknown = new_person(agency, position="Chức danh không ai biết")
    token = new_person(agency, device="Token")
    done = enrol(teacher, head, unknown, token, expect=6, encoding=encoding)
    lines = done["lines"]
    assert [line["result"] for line in lines] == ["enrolled", "refused", "waits", "skipped"]
    assert [line["row"] for line in lines] == [2, 3, 4, 5]
    assert lines[1]["rule"] == "authority" and lines[1]["reason"] and lines[1]["alternative"]
    assert code_for(server.instance, teacher["email"])
    for person in (head, unknown, token):
        with pytest.raises(AssertionError):
            code_for(server.instance, person["email"])


def test_all_permitted_is_exit_0(enrol, agency):
    enrol(new_person(agency), new_person(agency, name="Trần Văn Mẫu"))


def test_a_dry_run_enrols_nobody(enrol, agency, superuser):
    person = new_person(agency)
    done = enrol(person, words=["--dry-run"])
    assert done["lines"][0]["result"] == "permitted"
    assert value(superuser, "SELECT count(*) FROM rssp.enrolment WHERE identity_number = %s",
                 person["identity_number"]) == 0


def test_a_code_is_seen_by_its_reader_alone(rssp, server, agency, tmp_path):
    person = new_person(agency)
    file = tmp_path / "list.csv"
    file.write_text(form01(person))
    done = rssp.run("operator", "enrol", file)
    assert code_for(server.instance, person["email"]) not in done.out + done.err


def test_with_any_fault_nothing_is_sent(enrol, agency, auditor_db):
    before = value(auditor_db, ENROLMENTS)
    done = enrol(new_person(agency), new_person(agency, birth_date="1987-02-31"),
                 new_person(agency, email="vidu@gmail.com", identity_number="12345"), expect=3)
    assert [(fault["row"], fault["column"]) for fault in done["faults"]] == [
        (3, "Ngày sinh"), (4, "Số CMND/CCCD/HC"), (4, "Địa chỉ thư điện tử công vụ")]
    assert value(auditor_db, ENROLMENTS) == before


def test_every_fault_of_the_faulty_list_is_named(server, operator):
    done = Rssp(server, operator=operator, lang="vi").run(
        "operator", "enrol", DATA / "form01-loi.csv", expect=3)
    expected = (DATA / "form01-loi.expected.txt").read_text().splitlines()[1:]
    assert [line.split(",")[0].split(":")[0].split()[1] for line in done.out.splitlines()] == [
        line.split()[0] for line in expected]
    assert "chưa gửi gì" in done.err


def test_a_line_enrolled_twice_is_no_second_subscriber(enrol, agency, superuser):
    person = new_person(agency)
    enrol(person)
    enrol(person, expect=None)
    assert value(superuser, "SELECT count(*) FROM rssp.subscriber WHERE identity_number = %s",
                 person["identity_number"]) == 1


@pytest.fixture
def coded(operator, agency, server):
    """Somebody whose code has come by mail."""
    person = new_person(agency)
    operator.enrol(person)
    return person, code_for(server.instance, person["email"])


@pytest.mark.parametrize("key", ["p-256", "rsa-2048"])
def test_a_subscriber_activates(server, coded, key):
    person, code = coded
    done = Rssp(server).json("activate", "--key", key, code=code,
                             identity=person["identity_number"], pin=GOOD_PIN)
    assert done["otpauth"].startswith("otpauth://totp/") and done["userID"] and done["certificate"]


def test_activation_sets_the_password_of_ones_own_pages(server, coded):
    person, code = coded
    Rssp(server).run("activate", code=code, identity=person["identity_number"], pin=GOOD_PIN,
                     password=GOOD_PASSWORD)
    oauth.Browser(server).post("/account/v1/sign-in", {"login": person["email"], "password": GOOD_PASSWORD})


def test_activation_at_a_terminal_asks_pin_and_password_twice(server, coded):
    person, code = coded
    answers = [("e-mail: ", code + "\n"), ("number: ", person["identity_number"] + "\n"),
               ("characters): ", GOOD_PIN + "\n")]
    code, shown, echoes = Rssp(server).talk("activate", answers=[*answers, ("again: ", "other1\n")])
    assert code == 2 and "differ" in shown and echoes[2:] == [False, False]
    answers += [("PIN again: ", GOOD_PIN + "\n"), ("or more): ", GOOD_PASSWORD + "\n")]
    code, shown, echoes = Rssp(server).talk("activate", answers=[*answers, ("again: ", "other2\n")])
    assert code == 2 and "differ" in shown and echoes[4:] == [False, False]
    code, shown, _ = Rssp(server).talk("activate", answers=[*answers, ("password again: ", GOOD_PASSWORD + "\n")])
    assert code == 0 and "otpauth://" in shown
    assert GOOD_PIN not in shown and GOOD_PASSWORD not in shown
    assert "▀▀" in shown and "█" in shown, "no QR code"


def test_a_wrong_code_is_exit_5(server, coded):
    person, _ = coded
    Rssp(server).run("activate", code="AAAAA-AAAAA-AAAAA-AAAAA", pin=GOOD_PIN, expect=5,
                     identity=person["identity_number"])


def test_a_weak_pin_is_exit_5_and_the_code_stays_good(server, coded):
    person, code = coded
    weak = Rssp(server).run("activate", code=code, identity=person["identity_number"], pin="123456",
                            expect=5)
    assert "PIN" in weak.err
    Rssp(server).run("activate", code=code, identity=person["identity_number"], pin=GOOD_PIN)


def test_agencies_are_added_and_listed(rssp):
    names = ["UBND tỉnh Mẫu", f"Sở Ví dụ {uuid.uuid4().hex[:8]}"]
    added = rssp.json("operator", "agency", "add", *names, "--sector", "health", "--province", "Mẫu")
    listed = rssp.json("operator", "agency", "list")["agencies"]
    mine = next(row for row in listed if row["agencyID"] == added["agencyID"])
    assert mine["path"] == names and mine["sector"] == "health"
    assert names[1] in rssp.run("operator", "agency", "list").out


def test_a_client_lives_and_ends(rssp, server, operator, agency, subscriber):
    added = rssp.json("operator", "client", "add", "--name", "Phần mềm Mẫu", "--agency", agency.id,
                      "--mode", "explicit")

    def works(secret, expect):
        speaker = Rssp(server)
        speaker.environment["RSSP_CLIENT_ID"] = added["clientID"]
        speaker.run("list", "--user", subscriber.user, client_secret=secret, expect=expect)

    works(added["clientSecret"], 0)
    rotated = rssp.json("operator", "client", "rotate", added["clientID"])
    works(added["clientSecret"], 1)
    works(rotated["clientSecret"], 0)
    rssp.run("operator", "client", "disable", added["clientID"])
    works(rotated["clientSecret"], 1)


def test_a_subscriber_is_found_changed_and_disabled(rssp, agency, subscriber):
    found = rssp.json("operator", "subscriber", "list", "--agency", agency.id)["subscribers"]
    assert [(row["userID"], row["position"]) for row in found] == [(subscriber.user, "Giáo viên")]
    assert found[0]["credentials"][0]["credentialID"] == subscriber.credential
    assert subscriber.credential in rssp.run("operator", "subscriber", "list", "--user",
                                             subscriber.user).out
    changed = rssp.json("operator", "subscriber", "set-position", subscriber.user, "Hiệu trưởng")
    assert changed["effect"] == "deny" and changed["rule"] == "authority"
    rssp.run("operator", "subscriber", "disable", subscriber.user)
    found = rssp.json("operator", "subscriber", "list", "--user", subscriber.user)["subscribers"]
    assert found[0]["state"] == "disabled" and found[0]["position"] == "Hiệu trưởng"


def test_a_locked_credential_is_unlocked(rssp, client, subscriber):
    digest = bytes(32)
    for _ in range(5):
        client.authorize(subscriber, [digest], expect=400, otp=subscriber.wrong_otp())
    client.authorize(subscriber, [digest], expect=400)
    rssp.run("operator", "subscriber", "unlock", subscriber.credential)
    client.authorize(subscriber, [digest])


def test_without_the_operators_certificate_nothing_is_done(rssp, client, server):
    rssp.environment |= {"RSSP_OPERATOR_KEY": "/nonexistent"}
    rssp.run("operator", "agency", "list", expect=4)
    del rssp.environment["RSSP_OPERATOR_CERT"]
    assert "RSSP_OPERATOR_CERT" in rssp.run("operator", "agency", "list", expect=2).err


def test_the_signature_of_a_document_is_found_in_the_trail(
        rssp, server, client, subscriber, tmp_path):
    out = tmp_path / "signed.pdf"
    signed = Rssp(server, client).json(
        "sign", DATA / "hoc-ba-mau.pdf", "-o", out, "--credential", subscriber.credential,
        pin=subscriber.pin, otp=subscriber.next_otp())
    events = rssp.json("audit", "show", "--digest", out)["events"]
    created = [event for event in events if event["event"] == "signature.created"]
    assert [event["request"] for event in created] == [signed["requestID"]]
    assert created[0]["subscriber"] == subscriber.user
    by_hash = rssp.json("audit", "show", "--digest", created[0]["digests"][0])["events"]
    assert created[0] in by_hash
    shown = rssp.run("audit", "show", "--request", signed["requestID"]).out
    assert "signature.created" in shown and subscriber.credential in shown
    by_subscriber = rssp.json("audit", "show", "--subscriber", subscriber.user, "--from", "2020-01-01")
    assert created[0] in by_subscriber["events"]
    assert not rssp.json("audit", "show", "--subscriber", subscriber.user, "--to", "2020-01-01Z",
                         expect=None).get("events")


def test_an_unsigned_document_has_no_trail(rssp):
    rssp.run("audit", "show", "--digest", DATA / "hoc-ba-mau.pdf", expect=3)
