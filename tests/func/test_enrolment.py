"""Enrolment: an operator's signed line is asked about, refused, kept waiting or gets its code."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lib import statement
from lib.api import Api, b64, error
from lib.books import audited, one, rows, value
from lib.people import GOOD_PIN, Operator, Subscriber, code_for, new_person

DIGEST = bytes(range(32))
KEPT = "SELECT * FROM rssp.enrolment WHERE identity_number = %s ORDER BY created_at"
PERSON = "SELECT * FROM rssp.subscriber WHERE identity_number = %s"


def mails_to(server, person):
    return [mail for mail in server.instance.mails("codes") if person["email"] in mail]


def test_a_permitted_line_gets_a_code_by_mail_alone(server, operator, agency, superuser, auditor_db):
    person = new_person(agency)
    answer = operator.enrol(person)
    assert answer.json()["effect"] == "permit"
    kept = one(superuser, KEPT, person["identity_number"])
    assert kept["id"] == answer.json()["enrolmentID"] and kept["state"] == "coded"
    row = audited(auditor_db, answer, "enrolment.coded", "ok")
    assert row["rule"] == "permitted" and row["policy_version"] == 1
    assert row["subscriber"] == kept["subscriber"] and row["agency"] == agency.id
    assert len(mails_to(server, person)) == 1
    code = code_for(server.instance, person["email"])
    plain = code.replace("-", "")
    for text in (answer.text, server.log(), str(kept), str(row)):
        assert code not in text and plain not in text
    subscriber = one(superuser, PERSON, person["identity_number"])
    assert subscriber["name"] == person["name"] and subscriber["position"] == "Giáo viên"


@pytest.mark.parametrize("position, rule", [
    ("Hiệu trưởng", "authority"), ("Phó Giám đốc bệnh viện", "authority"),
    ("Kế toán trưởng", "finance-position"), ("Giáo viên kiêm kế toán", "finance-position")])
def test_an_excluded_position_is_refused_by_its_rule(
        server, operator, agency, superuser, auditor_db, position, rule):
    person = new_person(agency, position=position)
    answer = operator.enrol(person)
    body = answer.json()
    assert (body["effect"], body["rule"], body["policyVersion"]) == ("deny", rule, 1)
    assert body["reason"]["vi"] and body["reason"]["en"]
    assert "USB Token" in body["alternative"]["vi"] and "SIM PKI" in body["alternative"]["vi"]
    row = audited(auditor_db, answer, "enrolment.refused", "refused", "POLICY_DENIED")
    assert row["rule"] == rule
    kept = one(superuser, KEPT, person["identity_number"])
    assert (kept["state"], kept["rule"], kept["code_mac"]) == ("refused", rule, None)
    assert not mails_to(server, person)
    assert not rows(superuser, PERSON, person["identity_number"])


@pytest.mark.parametrize("position", ["Thư ký Hiệu trưởng", "Chức danh không ai biết", ""])
def test_a_position_nobody_knows_waits(server, operator, agency, superuser, auditor_db, position):
    person = new_person(agency, position=position)
    answer = operator.enrol(person)
    assert answer.json()["effect"] == "wait"
    audited(auditor_db, answer, "enrolment.waiting", "refused", "POLICY_WAIT")
    assert one(superuser, KEPT, person["identity_number"])["state"] == "waiting"
    assert not mails_to(server, person)


def test_another_sector_is_refused(operator):
    land = operator.add_agency(sector="other")
    person = new_person(land, position="Chuyên viên đăng ký đất đai")
    assert operator.enrol(person).json()["rule"] == "sector"


def test_a_budget_code_is_refused(operator, agency):
    assert operator.enrol(new_person(agency, budget_code="1234567")).json()[
        "rule"] == "finance-budget-code"


@pytest.mark.parametrize("position, effect", [
    ("Giáo viên", "permit"), ("Hiệu trưởng", "deny"), ("Chức danh không ai biết", "wait")])
def test_a_check_says_the_same_and_keeps_nothing(
        server, operator, agency, superuser, auditor_db, position, effect):
    person = new_person(agency, position=position)
    answer = operator.check(person)
    assert answer.json()["effect"] == effect
    assert "enrolmentID" not in answer.json()
    row = audited(auditor_db, answer, "enrolment.checked", "ok")
    assert row["detail"]["effect"] == effect and row["rule"] == answer.json()["rule"]
    assert not rows(superuser, KEPT, person["identity_number"])
    assert not rows(superuser, PERSON, person["identity_number"])
    assert not mails_to(server, person)


def test_a_line_of_an_unknown_agency_says_what_to_do(operator, agency):
    person = new_person(agency, agency_3="Trường Chưa Có")
    for answer in (operator.check(person, 400), operator.enrol(person, 400)):
        assert "rssp operator agency add" in error(answer)[1]


def test_a_statement_is_taken_once(operator, agency, superuser, auditor_db):
    person = new_person(agency)
    body = operator.signed(statement.enrol(person))
    operator.post("enrolments", body)
    again = operator.post("enrolments", body, 409)
    audited(auditor_db, again, "enrolment.submit", "refused", "STATEMENT_TAKEN")
    assert len(rows(superuser, KEPT, person["identity_number"])) == 1


@pytest.mark.parametrize("position", ["Giáo viên", "Hiệu trưởng"])
def test_of_many_that_send_one_statement_one_is_taken(server, operator, agency, superuser, position):
    person = new_person(agency, position=position)
    body = operator.signed(statement.enrol(person))

    def send(_):
        return Operator(server).api.post("/operator/v1/enrolments", body).status_code

    with ThreadPoolExecutor(12) as pool:
        answers = sorted(pool.map(send, range(12)))
    assert answers == [200] + [409] * 11
    assert len(rows(superuser, KEPT, person["identity_number"])) == 1


def forged(operator, person):
    encoded = statement.enrol(person)
    good = operator.signed(encoded)
    stranger = ec.generate_private_key(ec.SECP256R1()).sign(encoded, ec.ECDSA(hashes.SHA256()))
    return {
        "another key": {**good, "signature": b64(stranger)},
        "another statement's signature": {
            **good, "signature": operator.signed(statement.enrol(person))["signature"]},
        "one letter changed": {**good, "statement": b64(encoded.replace(b"mau.edu", b"mao.edu"))},
        "another kind": operator.signed(statement.unlock(str(uuid.uuid4()))),
        "bytes after it": operator.signed(encoded + b"\0"),
        "cut": operator.signed(encoded[:-1]),
        "no number": operator.signed(statement.enrol({**person, "number": ""})),
        "no name": operator.signed(statement.enrol({**person, "name": ""})),
        "no such day": operator.signed(statement.enrol({**person, "birth_date": "1987-02-30"})),
        "a level left out": operator.signed(statement.enrol({**person, "agency_2": ""})),
        "two lines": operator.signed(statement.enrol({**person, "name": "Ví\nDụ"})),
        "a header in the address": operator.signed(
            statement.enrol({**person, "email": "a@mau.edu.vn\r\nBcc: b@mau.edu.vn"})),
        "too long": operator.signed(statement.enrol({**person, "name": "a" * 256})),
    }


def test_a_line_that_the_operator_did_not_sign_so_is_refused(
        server, operator, agency, superuser, auditor_db):
    person = new_person(agency)
    for name, body in forged(operator, person).items():
        answer = operator.post("enrolments", body, 400)
        row = audited(auditor_db, answer, "enrolment.submit", "refused")
        assert row["code"] == "STATEMENT_INVALID", name
    assert not rows(superuser, KEPT, person["identity_number"])
    assert not mails_to(server, person)


@pytest.mark.parametrize("body", [{}, {"statement": 1}, {"statement": "AA=="},
                                  {"statement": "AA==", "signature": None}, []])
def test_a_malformed_submission_is_refused(operator, body):
    operator.api.post("/operator/v1/enrolments", body, 400)


def test_a_person_enrolled_again_stays_one_person_with_the_newest_facts(
        server, operator, agency, superuser):
    person = new_person(agency)
    operator.enrol(person)
    first = Subscriber.activate(server, person)
    moved = operator.add_agency()
    later = {**person, "position": "Giáo viên THPT", "email": f"moi.{person['email']}",
             **{f"agency_{level}": name for level, name in enumerate(moved.path, 1)}}
    operator.enrol(later)
    second = Subscriber.activate(server, later)
    assert second.user == first.user and second.credential != first.credential
    known = one(superuser, PERSON, person["identity_number"])
    assert (known["position"], known["agency"]) == ("Giáo viên THPT", moved.id)
    assert known["email"] == later["email"]


def test_a_newer_code_ends_the_older_one(server, operator, agency, superuser):
    person = new_person(agency)
    operator.enrol(person)
    old = code_for(server.instance, person["email"])
    later = {**person, "email": f"moi.{person['email']}"}
    operator.enrol(later)
    body = {"code": old, "identityNumber": person["identity_number"], "PIN": GOOD_PIN}
    Api(server).post("/activation/v1/activate", body, 400)
    states = rows(superuser, "SELECT state, code_expires_at > now() AS good FROM rssp.enrolment"
                  " WHERE identity_number = %s ORDER BY created_at", person["identity_number"])
    assert [(row["state"], row["good"]) for row in states] == [("coded", False), ("coded", True)]
    Subscriber.activate(server, later)


def test_what_a_refused_line_says_of_a_known_person_counts_at_once(
        operator, client, subscriber, superuser):
    """An operator's signed word that somebody became a headmaster stops that person's signing."""
    assert client.authorize(subscriber, [DIGEST])
    line = {**subscriber.person, "position": "Hiệu trưởng"}
    assert operator.enrol(line).json()["effect"] == "deny"
    assert error(client.authorize(subscriber, [DIGEST], 400))[0] == "access_denied"
    known = one(superuser, PERSON, subscriber.person["identity_number"])
    assert known["position"] == "Hiệu trưởng"


def test_a_refused_line_with_a_mistyped_number_changes_nobody(operator, client, subscriber):
    line = {**subscriber.person, "position": "Hiệu trưởng", "name": "Trần Văn Mẫu"}
    assert operator.enrol(line).json()["effect"] == "deny"
    assert client.authorize(subscriber, [DIGEST])


def test_a_disabled_person_is_not_enrolled_again(operator, subscriber):
    operator.post("subscribers/disable", {"userID": subscriber.user})
    assert operator.enrol(subscriber.person).json()["rule"] == "disabled"


def test_without_a_policy_nobody_is_enrolled(private):
    """Fails closed: the daemon has none in its program."""
    server = private()
    operator = Operator(server)
    agency = operator.add_agency()
    admin = server.instance.connect("postgres")
    document = value(admin, "SELECT document::text FROM rssp.policy")
    rows(admin, "DELETE FROM rssp.policy")
    answer = operator.enrol(new_person(agency), 503)
    assert answer.headers["Retry-After"]
    rows(admin, "INSERT INTO rssp.policy (version, document) VALUES (2, '{}')")
    operator.enrol(new_person(agency), 503)
    rows(admin, "INSERT INTO rssp.policy (version, document) VALUES (3, %s)", document)
    assert operator.enrol(new_person(agency)).json()["policyVersion"] == 3
    admin.close()
