"""A new PIN: by the old one and an OTP, counted as in credentials/authorize; the old one opens no
more, and the key stays what it was."""

import os
import secrets
import signal
from email import message_from_string, policy

import pytest

from lib import totp
from lib.api import Api
from lib.books import audited, one, rows, value
from lib.crowd import at_once
from lib.oauth import Browser
from lib.people import GOOD_PASSWORD, GOOD_PIN, Operator, code_for, new_person
from lib.server import Server

NEW_PIN = "hT4wq9Zsm"
WRONG = "wrong-PIN-37"
GUARD = "SELECT failures, locked_at IS NOT NULL AS locked FROM rssp.credential_guard WHERE credential = %s"
SLOTS = "SELECT revision FROM rssp.slot WHERE credential = %s ORDER BY revision"


def told(answer):
    return answer.status_code, answer.json().get("code")


@pytest.fixture
def browser(server, subscriber):
    made = Browser(server)
    made.sign_in(subscriber)
    return made


@pytest.fixture
def change(browser, subscriber):
    """Changes the PIN; the answer. Right in every part but what is given."""
    def attempt(expect=None, **parts):
        body = {"credentialID": subscriber.credential, "PIN": subscriber.pin, "newPIN": NEW_PIN,
                "OTP": parts["OTP"] if "OTP" in parts else subscriber.next_otp(), **parts}
        return browser.post("/account/v1/change-pin", {
            name: value for name, value in body.items() if value is not None}, expect)
    return attempt


def authorises(client, subscriber, pin, expect=200):
    return client.authorize(subscriber, [secrets.token_bytes(32)], pin=pin, expect=expect)


# -- what it does --

def test_the_new_pin_signs_and_the_old_one_does_not(change, client, subscriber):
    change(200)
    assert authorises(client, subscriber, GOOD_PIN, 400).json()["error"] == "invalid_pin"
    digest = secrets.token_bytes(32)
    sad = client.authorize(subscriber, [digest], pin=NEW_PIN)
    client.sign(subscriber, sad, [digest])


def test_what_the_old_pin_permitted_signs_no_more(change, client, subscriber):
    digests = [secrets.token_bytes(32), secrets.token_bytes(32)]
    sad = client.authorize(subscriber, digests)
    client.sign(subscriber, sad, digests[:1])
    change(200)
    answer = client.sign(subscriber, sad, digests[1:], expect=400)
    assert answer.json()["error_description"] == "Invalid parameter SAD"


def test_the_certificate_and_the_key_stay(change, client, subscriber, superuser):
    before = value(superuser, "SELECT c::text FROM rssp.credential c WHERE id = %s", subscriber.credential)
    change(200)
    assert value(superuser, "SELECT c::text FROM rssp.credential c WHERE id = %s",
                 subscriber.credential) == before


def test_a_second_daemon_takes_the_new_pin_alone(change, client, subscriber, server2):
    change(200)
    there = client.on(server2)
    assert authorises(there, subscriber, GOOD_PIN, 400).json()["error"] == "invalid_pin"
    authorises(there, subscriber, NEW_PIN)


def test_it_can_be_changed_again(change, client, subscriber, superuser):
    change(200)
    change(200, PIN=NEW_PIN, newPIN="pQ81tzz4")
    assert [row["revision"] for row in rows(superuser, SLOTS, subscriber.credential)] == [0, 1, 2]
    authorises(client, subscriber, "pQ81tzz4")


def test_it_is_told_by_mail(change, subscriber, server):
    change(200)
    server.wait_until(lambda: [mail for mail in server.instance.mails("notices")
                               if subscriber.person["email"] in mail and "Signing factor changed" in header(mail)],
                      20, "no notice")


def header(mail):
    return message_from_string(mail, policy=policy.default)["Subject"]


def test_it_is_audited_with_its_commit(change, subscriber, auditor_db):
    row = audited(auditor_db, change(200), "account.pin-changed", "ok")
    assert (row["subscriber"], row["credential"], row["client"]) == (
        subscriber.user, subscriber.credential, None)


def test_a_right_change_gives_all_tries_back(change, client, subscriber, superuser):
    for _ in range(3):
        change(400, PIN=WRONG, OTP=subscriber.otp())
    change(200)
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0


# -- what it refuses --

def test_a_wrong_old_pin_is_counted_and_says_how_many_tries_are_left(change, subscriber, superuser, auditor_db):
    answer = change(400, PIN=WRONG)
    assert told(answer) == (400, "PIN_WRONG") and answer.json()["triesLeft"] == 4
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 1
    row = audited(auditor_db, answer, "account.change-pin", "refused", "PIN_WRONG")
    assert row["credential"] == subscriber.credential


def test_a_wrong_otp_is_counted_and_comes_before_the_pin(change, subscriber, superuser):
    answer = change(400, PIN=WRONG, OTP=subscriber.wrong_otp())
    assert told(answer) == (400, "OTP_WRONG") and answer.json()["triesLeft"] == 4
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 1


def test_tries_here_and_in_authorize_are_the_same_ones(change, client, subscriber, superuser):
    for _ in range(2):
        change(400, PIN=WRONG, OTP=subscriber.otp(1))
    for _ in range(2):
        client.authorize(subscriber, [bytes(32)], pin=WRONG, otp=subscriber.otp(1), expect=400)
    answer = change(400, PIN=WRONG, OTP=subscriber.otp(1))
    assert told(answer) == (400, "PIN_WRONG") and answer.json()["triesLeft"] == 0
    assert one(superuser, GUARD, subscriber.credential)["locked"]
    assert told(change(400)) == (400, "PIN_LOCKED")
    assert client.authorize(subscriber, [bytes(32)], expect=400).json()["error_description"] == "PIN locked"


def test_an_unlock_statement_opens_this_way_too(change, operator, subscriber):
    for _ in range(5):
        change(400, PIN=WRONG, OTP=subscriber.otp(1))
    operator.unlock(subscriber.credential)
    change(200)


def test_many_wrong_pins_at_once_are_not_more_than_five(browser, subscriber, superuser):
    otp = subscriber.otp(1)

    def attempt():
        return told(browser.post("/account/v1/change-pin", {
            "credentialID": subscriber.credential, "PIN": WRONG, "newPIN": NEW_PIN, "OTP": otp}, None))
    answers = at_once([attempt] * 24)
    assert answers.count((400, "PIN_WRONG")) <= 5
    assert one(superuser, GUARD, subscriber.credential)["locked"]


def test_an_otp_serves_once(change, client, subscriber):
    otp = subscriber.next_otp()
    change(200, OTP=otp)
    answer = change(400, PIN=NEW_PIN, newPIN="pQ81tzz4", OTP=otp)
    assert told(answer) == (400, "OTP_REPLAYED") and 1 <= answer.json()["retryAfter"] <= 60


@pytest.mark.parametrize("weak", ["", "12345", "234567", "582582", "12071987", "120787", GOOD_PIN])
def test_a_weak_pin_costs_no_try(change, subscriber, superuser, weak):
    """The rules of activation; and a new PIN is another one."""
    answer = change(400, newPIN=weak)
    assert told(answer) == (400, "PIN_WEAK")
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0
    assert len(rows(superuser, SLOTS, subscriber.credential)) == 1


def test_part_of_the_identity_number_is_weak(change, subscriber):
    assert told(change(400, newPIN=f"x{subscriber.person['identity_number'][3:8]}y")) == (400, "PIN_WEAK")


def test_another_persons_credential_is_unknown(change, operator, agency, superuser):
    other = operator.subscriber(agency)
    answer = change(400, credentialID=other.credential, PIN=other.pin, OTP=other.next_otp())
    assert told(answer) == (400, "CREDENTIAL_ID_INVALID")
    assert one(superuser, GUARD, other.credential)["failures"] == 0


@pytest.mark.parametrize("absent, code", [
    ("PIN", "PIN_INVALID_TYPE"), ("OTP", "OTP_INVALID_TYPE"), ("newPIN", "PIN_INVALID_TYPE"),
    ("credentialID", "CREDENTIAL_ID_MISSING")])
def test_a_missing_part_costs_no_try(change, subscriber, superuser, absent, code):
    assert told(change(400, **{absent: None})) == (400, code)
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0


def test_a_revoked_credential_keeps_its_pin(change, subscriber, superuser):
    rows(superuser, "UPDATE rssp.credential SET state = 'revoked', revoked_at = now() WHERE id = %s",
         subscriber.credential)
    assert told(change(400)) == (400, "CREDENTIAL_DISABLED")


def test_two_changes_at_once_leave_one_pin(browser, subscriber, client):
    """Each with an OTP of its own: one of them wins, and its PIN opens."""
    pins, otps = ["nM3xx7Qa", "bV6yy2Rt"], [subscriber.otp(-1), subscriber.otp(0)]

    def attempt(pin, otp):
        return lambda: browser.post("/account/v1/change-pin", {
            "credentialID": subscriber.credential, "PIN": GOOD_PIN, "newPIN": pin, "OTP": otp}, None)
    answers = at_once([attempt(pin, otp) for pin, otp in zip(pins, otps)])
    changed = [pin for pin, answer in zip(pins, answers) if answer.status_code == 200]
    assert changed
    subscriber.last_step = totp.step_now()
    pin, = {pin for pin in changed if opens(client, subscriber, pin)}
    assert pin in pins


def opens(client, subscriber, pin):
    answer = client.authorize(subscriber, [bytes(32)], pin=pin, otp=subscriber.otp(1), expect=None)
    return isinstance(answer, str)


@pytest.fixture
def impatient(instance):
    """A daemon of its own, whose SAMs a test may stop."""
    started = Server(instance, "impatient-pin", sam__job_timeout_ms=1000).start()
    yield started
    assert started.stop() == 0


def test_a_sam_that_dies_leaves_the_try_counted_and_the_old_pin(impatient, client, subscriber, superuser):
    """It may have checked the factors: nothing was stored."""
    browser = Browser(impatient)
    browser.sign_in(subscriber)
    pid, = impatient.sams("activate")
    os.kill(pid, signal.SIGSTOP)
    answer = browser.post("/account/v1/change-pin", {
        "credentialID": subscriber.credential, "PIN": GOOD_PIN, "newPIN": NEW_PIN,
        "OTP": subscriber.next_otp()}, 503)
    assert told(answer) == (503, "HSM_LOST")
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 1
    impatient.wait_until(lambda: pid not in impatient.sams("activate") and impatient.ready(), 20, "no new SAM")
    authorises(client, subscriber, GOOD_PIN)


# -- a credential without an OTP --

@pytest.fixture(scope="module")
def pin_only(instance):
    """A daemon whose operator allows a PIN alone."""
    permissive = Server(instance, "pin-only-account", activation__pin_only="on").start()
    yield permissive
    assert permissive.stop() == 0


def test_a_pin_alone_changes_itself(pin_only):
    operator = Operator(pin_only)
    person = new_person(operator.add_agency())
    operator.enrol(person)
    made = Api(pin_only).post("/activation/v1/activate", {
        "code": code_for(pin_only.instance, person["email"]), "factors": "PIN", "PIN": GOOD_PIN,
        "identityNumber": person["identity_number"], "password": GOOD_PASSWORD}, 200).json()
    browser = Browser(pin_only)
    browser.csrf = browser.post("/account/v1/sign-in", {
        "login": person["email"], "password": GOOD_PASSWORD}).json()["csrfToken"]
    asked = {"credentialID": made["credentialID"], "newPIN": NEW_PIN}
    assert told(browser.post("/account/v1/change-pin", {**asked, "PIN": WRONG}, 400)) == (400, "PIN_WRONG")
    browser.post("/account/v1/change-pin", {**asked, "PIN": GOOD_PIN})
    late = {**asked, "PIN": GOOD_PIN, "newPIN": "bV6yy2Rt"}
    assert told(browser.post("/account/v1/change-pin", late, 400)) == (400, "PIN_WRONG")
