"""Activation: the code from the mail, the identity number and a PIN make a key and its certificate."""

import base64
import os
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography import x509

from lib.api import Api, error
from lib.books import audit_of, audited, one, rows, value
from lib.people import GOOD_PIN, Operator, code_for, new_person

DIGEST = bytes(range(32))
WRONG_CODE = "00000-00000-00000-00000"
TRIES = "SELECT tries FROM rssp.enrolment WHERE identity_number = %s"
REFUSED = ("access_denied", "The activation code or the identity number is not right, "
           "or the code is no longer valid")


@pytest.fixture
def person(operator, agency):
    """Somebody with a code that waits in the mail."""
    someone = new_person(agency)
    assert operator.enrol(someone).json()["effect"] == "permit"
    return someone


def activate(server, person, expect=200, **changes):
    body = {"code": changes.pop("code", None) or code_for(server.instance, person["email"]),
            "identityNumber": person["identity_number"], "PIN": GOOD_PIN, "key": "p-256", **changes}
    return Api(server).post("/activation/v1/activate", body, expect)


def certificate_of(activated):
    return x509.load_der_x509_certificate(base64.b64decode(activated["certificate"]))


# -- what it makes --

def test_it_makes_a_credential_and_shows_the_otp_once(server, person, agency, superuser, auditor_db):
    answer = activate(server, person)
    made = answer.json()
    row = audited(auditor_db, answer, "credential.activated", "ok")
    assert (row["subscriber"], row["credential"]) == (made["userID"], made["credentialID"])
    assert row["detail"]["key"] == "p-256" and row["rule"] == "permitted"
    kept = one(superuser, "SELECT * FROM rssp.credential WHERE id = %s", made["credentialID"])
    assert (kept["factors"], kept["scal"], kept["state"]) == ("PIN AND OTP", 2, "active")
    assert bytes(kept["certificate"]) == base64.b64decode(made["certificate"])
    certificate = certificate_of(made)
    assert int.from_bytes(bytes(kept["serial"]), "big") == certificate.serial_number
    assert kept["valid_to"].timestamp() == certificate.not_valid_after.replace(
        tzinfo=kept["valid_to"].tzinfo).timestamp()
    assert value(superuser, "SELECT state FROM rssp.enrolment WHERE identity_number = %s",
                 person["identity_number"]) == "redeemed"
    assert value(superuser, "SELECT count(*) FROM rssp.slot WHERE credential = %s", kept["id"]) == 1


def test_the_subject_is_as_the_domain_has_it(server, person, agency):
    """CN, L, OU from the lowest up, O, C, as RFC 4514 writes it."""
    subject = certificate_of(activate(server, person).json()).subject.rfc4514_string()
    units = ",".join(f"OU={name}" for name in agency.path[:0:-1])
    assert subject == f"CN={person['name']},L={agency.province},{units},O={agency.path[0]},C=VN"


def test_the_otpauth_uri_is_what_authenticators_read(server, person):
    uri = urlsplit(activate(server, person).json()["otpauth"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    issuer, label = unquote(uri.path[1:]).split(":", 1)
    query = parse_qs(uri.query, strict_parsing=True)
    assert query["issuer"] == [issuer] and label.startswith(person["name"])
    assert (query["algorithm"], query["digits"], query["period"]) == (["SHA1"], ["6"], ["30"])
    assert len(base64.b32decode(query["secret"][0] + "=" * (-len(query["secret"][0]) % 8))) >= 20


@pytest.mark.parametrize("key", ["rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384"])
def test_each_kind_of_key(server, person, key):
    public = certificate_of(activate(server, person, key=key).json()).public_key()
    family, size = key.split("-")
    assert public.key_size == int(size)
    assert hasattr(public, "curve") == (family == "p")


def test_the_default_key_is_p_256(server, person):
    body = {"code": code_for(server.instance, person["email"]),
            "identityNumber": person["identity_number"], "PIN": GOOD_PIN}
    made = Api(server).post("/activation/v1/activate", body, 200).json()
    assert certificate_of(made).public_key().curve.name == "secp256r1"


def test_case_dashes_and_spaces_of_the_code_do_not_matter(server, person):
    code = code_for(server.instance, person["email"])
    activate(server, person, code=f" {code.replace('-', ' ').lower()} ")


def test_nothing_secret_is_kept_or_logged(server, person, superuser, auditor_db):
    code = code_for(server.instance, person["email"])
    answer = activate(server, person, code=code)
    made = answer.json()
    secret = parse_qs(urlsplit(made["otpauth"]).query)["secret"][0]
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    kept = [server.log(), str(audit_of(auditor_db, answer))]
    for table, column, key in (("credential", "id", made["credentialID"]),
                               ("slot", "credential", made["credentialID"]),
                               ("enrolment", "subscriber", made["userID"])):
        kept.append(value(superuser, f"SELECT t::text FROM rssp.{table} t WHERE {column} = %s", key))
    for text in kept:
        for word in (code, code.replace("-", ""), GOOD_PIN, GOOD_PIN.encode().hex(), secret, raw.hex()):
            assert word not in text


# -- what it refuses --

def timed(server, person, **changes):
    start = time.monotonic()
    answer = activate(server, person, 400, **changes)
    return answer, time.monotonic() - start


def test_a_wrong_code_and_an_unknown_person_look_alike(server, person, superuser, auditor_db):
    wrong, wrong_took = timed(server, person, code=WRONG_CODE)
    unknown, unknown_took = timed(server, person, code=WRONG_CODE, identityNumber="999999999999")
    assert error(wrong) == error(unknown) == REFUSED
    assert wrong.json() == unknown.json()
    assert min(wrong_took, unknown_took) >= 0.4
    assert abs(wrong_took - unknown_took) < 0.2
    for answer in (wrong, unknown):
        audited(auditor_db, answer, "credential.activate", "refused", "ACTIVATION_REFUSED")
    assert value(superuser, TRIES, person["identity_number"]) == 1


def test_without_the_issuing_sam_nobody_learns_who_has_a_code(private):
    """A right identity number, a wrong one: both are told that the SAM is not there."""
    server = private(sam__job_timeout_ms=1000)
    operator = Operator(server)
    person = new_person(operator.add_agency())
    operator.enrol(person)
    answers = []
    for number in (person["identity_number"], "999999999999"):
        pid, = server.sams("issue")
        os.kill(pid, signal.SIGSTOP)
        answers.append(Api(server).post("/activation/v1/activate", {
            "code": WRONG_CODE, "PIN": GOOD_PIN, "identityNumber": number}, 503))
        server.wait_until(lambda old=pid: old not in server.sams("issue") and server.ready(), 20,
                          "no new SAM")
    assert error(answers[0]) == error(answers[1])


def test_another_persons_code_is_wrong(server, operator, agency, person):
    other = new_person(agency)
    operator.enrol(other)
    answer = activate(server, person, 400, code=code_for(server.instance, other["email"]))
    assert error(answer) == REFUSED


def test_after_five_wrong_codes_the_right_one_is_refused(server, operator, person, superuser):
    code = code_for(server.instance, person["email"])
    for _ in range(5):
        activate(server, person, 400, code=WRONG_CODE)
    assert error(activate(server, person, 400, code=code)) == REFUSED
    assert value(superuser, TRIES, person["identity_number"]) == 5
    operator.enrol({**person, "email": f"moi.{person['email']}"})
    activate(server, {**person, "email": f"moi.{person['email']}"})


def test_of_many_guesses_at_once_five_are_counted(server, person, superuser):
    code = code_for(server.instance, person["email"])
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(
            lambda _: activate(server, person, 400, code=WRONG_CODE), range(64)))
    assert {error(answer) for answer in answers} == {REFUSED}
    assert value(superuser, TRIES, person["identity_number"]) == 5
    activate(server, person, 400, code=code)


def test_of_many_that_redeem_one_code_one_wins(server, person, superuser):
    code = code_for(server.instance, person["email"])
    body = {"code": code, "identityNumber": person["identity_number"], "PIN": GOOD_PIN}
    with ThreadPoolExecutor(5) as pool:
        answers = [answer.status_code for answer in pool.map(
            lambda _: Api(server).post("/activation/v1/activate", body), range(5))]
    assert answers.count(200) == 1
    assert value(superuser, "SELECT count(*) FROM rssp.credential c JOIN rssp.subscriber s"
                 " ON s.id = c.subscriber WHERE s.identity_number = %s",
                 person["identity_number"]) == 1


def test_a_code_is_redeemed_once(server, person):
    code = code_for(server.instance, person["email"])
    activate(server, person, code=code)
    assert error(activate(server, person, 400, code=code)) == REFUSED


def test_a_late_code_is_refused_also_when_the_database_says_otherwise(server, person, superuser):
    change = "UPDATE rssp.enrolment SET code_expires_at = {} WHERE identity_number = %s"
    rows(superuser, change.format("now()"), person["identity_number"])
    assert error(activate(server, person, 400)) == REFUSED
    rows(superuser, change.format("now() + interval '1 year'"), person["identity_number"])
    assert error(activate(server, person, 400)) == REFUSED


@pytest.mark.parametrize("pin", ["12345", "111111", "123456", "abcdefgh", "12071987", "1987-07-12",
                                 "x" * 65, ""])
def test_a_weak_pin_is_refused_and_costs_no_try(server, person, superuser, auditor_db, pin):
    answer = activate(server, person, 400, PIN=pin)
    assert error(answer)[0] in ("weak_pin", "invalid_request")
    if error(answer)[0] == "weak_pin":
        audited(auditor_db, answer, "credential.activate", "refused", "PIN_WEAK")
    assert value(superuser, TRIES, person["identity_number"]) == 0
    activate(server, person)


def test_a_part_of_the_identity_number_is_no_pin(server, person):
    assert error(activate(server, person, 400, PIN=person["identity_number"][2:10]))[0] == "weak_pin"


def test_a_weak_pin_gives_no_try_back_to_a_wrong_code(server, person, superuser):
    assert error(activate(server, person, 400, code=WRONG_CODE, PIN="111111")) == REFUSED
    assert value(superuser, TRIES, person["identity_number"]) == 1


@pytest.mark.parametrize("body", [
    {}, [], {"code": 1}, {"code": "a" * 65}, {"code": None}, {"identityNumber": 12},
    {"identityNumber": "1" * 40}, {"PIN": 123456}, {"key": "rsa-1024"}, {"key": "ed25519"},
    {"key": 7}, {"factors": "OTP"}, {"factors": 1}])
def test_a_malformed_activation_spends_nothing(server, person, superuser, auditor_db, body):
    if body:
        body = {"code": code_for(server.instance, person["email"]), "PIN": GOOD_PIN,
                "identityNumber": person["identity_number"], **body}
    answer = Api(server).post("/activation/v1/activate", body, 400)
    assert audited(auditor_db, answer)["result"] == "refused"
    assert value(superuser, TRIES, person["identity_number"]) == 0


def test_odd_characters_in_the_identity_number_find_nobody(server, person):
    for number in ("số của tôi", "' OR 1=1 --", "%"):
        answer = activate(server, person, 400, identityNumber=number)
        assert error(answer)[0] in ("access_denied", "invalid_request")


def test_without_the_issuing_sam_nothing_is_spent(private):
    server = private()
    operator = Operator(server)
    person = new_person(operator.add_agency())
    operator.enrol(person)
    admin = server.instance.connect("postgres")
    server.kill_sam("issue", wait=False)
    answer = Api(server).post("/activation/v1/activate", {
        "code": code_for(server.instance, person["email"]), "PIN": GOOD_PIN,
        "identityNumber": person["identity_number"]})
    if answer.status_code != 200:
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        server.wait_ready()
        activate(server, person)
    assert value(admin, "SELECT count(*) FROM rssp.credential") == 1
    admin.close()


# -- the policy, again --

def known(operator, agency):
    return operator.get("subscribers", agency=agency.id).json()["subscribers"][0]["userID"]


@pytest.mark.parametrize("lang, word", [("vi", "người có thẩm quyền"), ("en", "authority")])
def test_who_became_a_headmaster_meanwhile_is_refused(
        server, operator, agency, person, auditor_db, superuser, lang, word):
    operator.post("subscribers/set-position",
                  {"userID": known(operator, agency), "position": "Hiệu trưởng"})
    answer = activate(server, person, 400, lang=lang)
    assert error(answer)[0] == "access_denied" and word in error(answer)[1]
    row = audited(auditor_db, answer, "credential.activate", "refused", "POLICY_DENIED")
    assert (row["rule"], row["policy_version"]) == ("authority", 1)
    assert not rows(superuser, "SELECT FROM rssp.credential WHERE subscriber = %s", row["subscriber"])
    assert value(superuser, TRIES, person["identity_number"]) == 0


def test_who_was_disabled_meanwhile_is_refused(server, operator, agency, person):
    operator.post("subscribers/disable", {"userID": known(operator, agency)})
    assert error(activate(server, person, 400))[0] == "access_denied"


# -- the database's superuser --

def test_an_edited_statement_is_refused(server, person, superuser):
    rows(superuser, "UPDATE rssp.enrolment SET statement ="
         " decode(replace(encode(statement, 'hex'), %s, %s), 'hex') WHERE identity_number = %s",
         b"mau.edu".hex(), b"mao.edu".hex(), person["identity_number"])
    assert error(activate(server, person, 400)) == REFUSED


def test_an_inserted_enrolment_is_refused(server, operator, agency, person, superuser):
    """Somebody else's signed line and code, put under another person's number."""
    other = new_person(agency)
    operator.enrol(other)
    rows(superuser, "UPDATE rssp.enrolment SET state = 'redeemed' WHERE identity_number = %s",
         person["identity_number"])
    rows(superuser, "INSERT INTO rssp.enrolment SELECT %s, %s, subscriber, %s, statement, signature,"
         " operator, operator_fingerprint, state, rule, policy_version, code_mac, code_expires_at"
         " FROM rssp.enrolment WHERE identity_number = %s",
         str(uuid.uuid4()), str(uuid.uuid4()), person["identity_number"], other["identity_number"])
    answer = activate(server, person, 400, code=code_for(server.instance, other["email"]))
    assert error(answer) == REFUSED


# -- a PIN alone --

def test_a_pin_alone_is_not_offered_by_default(server, person, superuser):
    answer = activate(server, person, 400, factors="PIN")
    assert error(answer)[0] == "invalid_request"
    assert value(superuser, TRIES, person["identity_number"]) == 0


def test_a_pin_alone_where_the_configuration_allows_it(private):
    server = private(activation__pin_only="on")
    operator = Operator(server)
    agency = operator.add_agency()
    client = operator.add_client(agency)
    people = [new_person(agency), new_person(agency)]
    for someone in people:
        operator.enrol(someone)
    made = activate(server, people[0], factors="PIN").json()
    assert not made["otpauth"]
    info = client.call("credentials/info", {"credentialID": made["credentialID"]}).json()
    assert info["SCAL"] == "1"
    made = activate(server, people[1]).json()
    info = client.call("credentials/info", {"credentialID": made["credentialID"]}).json()
    assert made["otpauth"] and info["SCAL"] == "2"
