"""PIN and one-time password: what is counted, what locks, what unlocks, and what an OTP is worth."""

import re
import secrets
import time

import pytest

from lib import statement, totp
from lib.api import b64, error
from lib.books import audit_of, audited, rows, value
from lib.crowd import at_once, voices
from lib.people import GOOD_PIN
from lib.server import Server

WRONG = "wrong-PIN-37"
VERSIONS = pytest.mark.parametrize("version", [1, 2])


@pytest.fixture
def tries(client, subscriber):
    """Tries to authorise one hash: a SAD, or the refusal."""
    def attempt(pin=GOOD_PIN, otp=None, version=1):
        otp = subscriber.otp(1) if otp is None else otp
        return client.authorize(subscriber, [secrets.token_bytes(32)], pin=pin, otp=otp, version=version,
                            expect=None)
    return attempt


def failures(superuser, subscriber):
    return value(superuser, "SELECT failures FROM rssp.credential_guard WHERE credential = %s",
                 subscriber.credential)


def locked(superuser, subscriber):
    return value(superuser, "SELECT locked_at IS NOT NULL FROM rssp.credential_guard"
                 " WHERE credential = %s", subscriber.credential)


def lock(tries):
    for _ in range(5):
        tries(pin=WRONG)


def is_sad(answer):
    return isinstance(answer, str)


# -- what a wrong factor gets --

def test_a_wrong_pin_says_so(tries):
    answer = tries(pin=WRONG)
    assert (answer.status_code, *error(answer)) == (400, "invalid_pin", "The PIN is invalid")


def test_a_wrong_otp_says_so(tries, subscriber):
    answer = tries(otp=subscriber.wrong_otp())
    assert (answer.status_code, *error(answer)) == (400, "invalid_otp", "The OTP is invalid")


@pytest.mark.parametrize("factor", ["pin", "otp"])
def test_version_2_does_not_say_which_was_wrong(tries, subscriber, factor):
    answer = tries(version=2, **{factor: WRONG if factor == "pin" else subscriber.wrong_otp()})
    assert (answer.status_code, *error(answer)) == (
        400, "invalid_authentication_data", "The authentication data is invalid")


@pytest.mark.parametrize("factor", ["pin", "otp"])
def test_a_wrong_factor_is_counted(tries, subscriber, superuser, factor):
    tries(**{factor: WRONG if factor == "pin" else subscriber.wrong_otp()})
    assert failures(superuser, subscriber) == 1


@pytest.mark.parametrize("factor, code", [("pin", "PIN_WRONG"), ("otp", "OTP_WRONG")])
def test_a_wrong_factor_is_audited(tries, client, subscriber, auditor_db, factor, code):
    answer = tries(**{factor: WRONG if factor == "pin" else subscriber.wrong_otp()})
    row = audited(auditor_db, answer, result="refused", code=code)
    assert (row["client"], row["subscriber"], row["credential"]) == (
        client.id, subscriber.user, subscriber.credential)


@pytest.mark.parametrize("offset", [-10, -2, 3])
def test_an_otp_of_another_time_is_wrong(tries, subscriber, offset):
    """3, not 2: a step may end between the code's making and its check."""
    answer = tries(otp=subscriber.otp(offset))
    assert error(answer) == ("invalid_otp", "The OTP is invalid")


@pytest.mark.parametrize("otp", ["", "12345", "1234567", "12345a", "１２３４５６", " 123456"])
def test_what_is_no_otp_signs_nothing(tries, otp):
    answer = tries(otp=otp)
    assert answer.status_code == 400 and error(answer)[0] in ("invalid_otp", "invalid_request")


def test_a_right_try_ends_the_count(tries, subscriber, superuser):
    tries(pin=WRONG)
    assert is_sad(tries(otp=subscriber.next_otp()))
    assert failures(superuser, subscriber) == 0


def test_four_wrong_and_one_right_do_not_lock(tries, subscriber):
    for _ in range(4):
        tries(pin=WRONG)
    assert is_sad(tries(otp=subscriber.next_otp()))
    for _ in range(4):
        tries(pin=WRONG)
    assert is_sad(tries(otp=subscriber.next_otp()))


# -- the lock --

@pytest.mark.parametrize("factor", ["pin", "otp"])
def test_five_wrong_lock(tries, subscriber, superuser, factor):
    for _ in range(5):
        tries(**{factor: WRONG if factor == "pin" else subscriber.wrong_otp()})
    assert locked(superuser, subscriber)


@pytest.mark.parametrize("version, words", [(1, "PIN locked"), (2, "Credential locked")])
def test_locked_refuses_the_right_factors(tries, version, words):
    lock(tries)
    answer = tries(version=version)
    assert (answer.status_code, *error(answer)) == (400, "invalid_request", words)
    assert "Retry-After" not in answer.headers  # only an operator unlocks


def test_the_lock_is_audited_once(tries, subscriber, auditor_db):
    lock(tries)
    tries()
    found = rows(auditor_db, "SELECT * FROM audit.event WHERE event = 'credential.locked'"
                 " AND credential = %s", subscriber.credential)
    assert len(found) == 1


def test_a_try_at_a_locked_credential_is_audited(tries, auditor_db):
    lock(tries)
    audited(auditor_db, tries(), result="refused", code="PIN_LOCKED")


def test_a_locked_credential_shows_as_disabled(tries, client, subscriber):
    lock(tries)
    info = client.call("credentials/info", {"credentialID": subscriber.credential}).json()
    assert info["key"]["status"] == "disabled"


def test_a_sad_from_before_the_lock_still_signs(tries, client, subscriber):
    """Whoever guesses PINs does not undo what the signer has authorised already."""
    hashes = [secrets.token_bytes(32)]
    sad = client.authorize(subscriber, hashes)
    lock(tries)
    client.sign(subscriber, sad, hashes)


def test_the_lock_sends_a_notice(tries, server, subscriber):
    lock(tries)
    server.wait_until(
        lambda: [mail for mail in server.instance.mails("notices")
                 if f"To: <{subscriber.person['email']}>" in mail
                 and re.search("khoá|khóa|lock", mail, re.IGNORECASE)],
        20, "no notice of the lock")


def test_activation_sends_a_notice(server, subscriber):
    server.wait_until(
        lambda: [mail for mail in server.instance.mails("notices")
                 if f"To: <{subscriber.person['email']}>" in mail], 20, "no notice of the activation")


# -- unlocking --

def test_an_operators_statement_unlocks(tries, operator, subscriber):
    lock(tries)
    operator.unlock(subscriber.credential)
    assert is_sad(tries(otp=subscriber.next_otp()))


def test_after_unlocking_there_are_five_tries_again(tries, operator, subscriber, superuser):
    lock(tries)
    operator.unlock(subscriber.credential)
    for _ in range(4):
        tries(pin=WRONG)
    assert not locked(superuser, subscriber)
    tries(pin=WRONG)
    assert locked(superuser, subscriber)


def test_a_statement_of_before_the_lock_unlocks_once(tries, operator, subscriber):
    """It is spent by its first use, not kept for the next lock."""
    signed = operator.signed(statement.unlock(subscriber.credential))
    lock(tries)
    operator.post("subscribers/unlock", signed)
    assert is_sad(tries(otp=subscriber.next_otp()))
    lock(tries)
    operator.post("subscribers/unlock", signed, expect=None)
    assert error(tries())[1] == "PIN locked"


def test_a_statement_for_another_credential_unlocks_nothing(
        tries, operator, agency, subscriber, superuser):
    other = operator.subscriber(agency)
    lock(tries)
    operator.unlock(other.credential)
    assert locked(superuser, subscriber)
    assert error(tries())[1] == "PIN locked"


def test_a_statement_with_a_strangers_signature_unlocks_nothing(tries, operator, subscriber, superuser):
    lock(tries)
    encoded = statement.unlock(subscriber.credential)
    stranger = operator.server.instance.operator(f"stranger-{secrets.token_hex(4)}")[1]
    operator.post("subscribers/unlock", {
        "statement": b64(encoded), "signature": b64(statement.sign(encoded, stranger))}, expect=400)
    assert locked(superuser, subscriber)


def test_the_database_cannot_unlock(tries, subscriber, superuser):
    """The SAM keeps its own count, which no row resets."""
    lock(tries)
    superuser.cursor().execute(
        "UPDATE rssp.credential_guard SET failures = 0, locked_at = NULL WHERE credential = %s",
        (subscriber.credential,))
    assert error(tries())[1] == "PIN locked"


def test_the_database_cannot_give_tries_back(tries, subscriber, superuser):
    for _ in range(4):
        tries(pin=WRONG)
    superuser.cursor().execute(
        "UPDATE rssp.credential_guard SET failures = 0 WHERE credential = %s", (subscriber.credential,))
    tries(pin=WRONG)
    assert error(tries())[1] == "PIN locked"


# -- what an OTP is worth --

@VERSIONS
def test_a_used_otp_is_refused(tries, subscriber, version):
    otp = subscriber.next_otp()
    assert is_sad(tries(otp=otp))
    answer = tries(otp=otp, version=version)
    assert error(answer)[0] == ("invalid_otp" if version == 1 else "invalid_authentication_data")


@VERSIONS
def test_the_refusal_of_a_used_otp_says_how_long_to_wait(tries, subscriber, version):
    otp = subscriber.next_otp()
    tries(otp=otp)
    answer = tries(otp=otp, version=version)
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 90
    assert str(wait) in error(answer)[1]


def test_after_that_wait_the_authenticator_shows_a_code_that_is_accepted(tries, subscriber):
    otp = subscriber.next_otp()
    tries(otp=otp)
    now = time.time()
    wait = int(tries(otp=otp).headers["Retry-After"])
    assert int(now + wait + 1) // totp.STEP > subscriber.last_step


def test_a_used_otp_is_not_counted(tries, subscriber, superuser):
    otp = subscriber.next_otp()
    tries(otp=otp)
    for _ in range(6):
        assert error(tries(otp=otp))[0] == "invalid_otp"
    assert failures(superuser, subscriber) == 0
    assert is_sad(tries(otp=subscriber.next_otp()))


def test_a_used_otp_is_audited(tries, subscriber, auditor_db):
    otp = subscriber.next_otp()
    tries(otp=otp)
    audited(auditor_db, tries(otp=otp), result="refused", code="OTP_REPLAYED")


def test_an_earlier_otp_than_the_last_one_is_refused(tries, subscriber):
    earlier, later = subscriber.next_otp(), subscriber.next_otp()
    assert is_sad(tries(otp=later))
    assert error(tries(otp=earlier))[0] == "invalid_otp"


def test_a_used_otp_does_not_tell_whether_the_pin_is_right(tries, subscriber):
    otp = subscriber.next_otp()
    tries(otp=otp)
    right, wrong = tries(otp=otp), tries(otp=otp, pin=WRONG)
    assert error(right)[0] == error(wrong)[0] == "invalid_otp"


def test_a_right_otp_with_a_wrong_pin_is_not_used_up(tries, subscriber):
    otp = subscriber.next_otp()
    assert error(tries(pin=WRONG, otp=otp))[0] == "invalid_pin"
    assert is_sad(tries(otp=otp))


def test_activation_uses_no_step(tries, subscriber):
    for _ in range(3):
        assert is_sad(tries(otp=subscriber.next_otp()))


def test_an_otp_of_another_subscriber_is_wrong(tries, operator, agency):
    other = operator.subscriber(agency)
    assert error(tries(otp=other.otp()))[0] == "invalid_otp"


# -- many at once --

def test_of_64_uses_of_one_otp_one_wins(client, subscriber, server, server2, superuser):
    crowd = voices(client, [server, server2], 64)
    otp = subscriber.next_otp()

    def use(speaker):
        """As often as it is told to come again."""
        while True:
            answer = speaker.authorize(subscriber, [secrets.token_bytes(32)], otp=otp, expect=None)
            if is_sad(answer) or answer.status_code != 429:
                return answer
            time.sleep(0.02)
    answers = at_once([lambda s=speaker: use(s) for speaker in crowd])
    assert len([answer for answer in answers if is_sad(answer)]) == 1
    assert {error(answer)[0] for answer in answers if not is_sad(answer)} == {"invalid_otp"}
    assert failures(superuser, subscriber) == 0
    assert is_sad(client.authorize(subscriber, [secrets.token_bytes(32)]))


def test_of_64_wrong_pins_at_most_five_reach_a_sam(client, subscriber, server, server2, superuser):
    crowd = voices(client, [server, server2], 64)
    otp = subscriber.next_otp()
    answers = at_once([
        lambda s=speaker: s.authorize(subscriber, [secrets.token_bytes(32)], pin=WRONG, otp=otp,
                                      expect=None) for speaker in crowd])
    judged = [answer for answer in answers if error(answer)[0] == "invalid_pin"]
    assert 1 <= len(judged) <= 5
    others = {(answer.status_code, error(answer)[1]) for answer in answers if answer not in judged}
    assert {status for status, _ in others} <= {400, 429}
    assert {words for status, words in others if status == 400} <= {"PIN locked"}
    assert locked(superuser, subscriber)
    assert error(client.authorize(subscriber, [secrets.token_bytes(32)], otp=otp, expect=400))[1] == (
        "PIN locked")


def test_64_wrong_pins_leave_64_audit_rows(client, subscriber, server, server2, auditor_db):
    crowd = voices(client, [server, server2], 64)
    otp = subscriber.next_otp()
    answers = at_once([
        lambda s=speaker: s.authorize(subscriber, [secrets.token_bytes(32)], pin=WRONG, otp=otp,
                                      expect=None) for speaker in crowd])
    assert all(audit_of(auditor_db, answer) for answer in answers)


# -- the throttle of a client --

@pytest.fixture(scope="module")
def strict(instance, server):
    """A daemon that lets a client fail three times a minute."""
    started = Server(instance, "strict", limits__client_failures_per_minute=3).start()
    yield started
    assert started.stop() == 0


def test_a_client_that_fails_often_has_to_wait(strict, operator, agency):
    client = operator.add_client(agency).on(strict)
    people = [operator.subscriber(agency) for _ in range(4)]
    for someone in people[:3]:
        client.authorize(someone, [secrets.token_bytes(32)], pin=WRONG, expect=400)
    answer = client.authorize(people[3], [secrets.token_bytes(32)], expect=429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_client_that_has_to_wait_does_not_hold_up_another(strict, operator, agency):
    bad, good = (operator.add_client(agency).on(strict) for _ in range(2))
    people = [operator.subscriber(agency) for _ in range(2)]
    for _ in range(3):
        bad.authorize(people[0], [secrets.token_bytes(32)], pin=WRONG, otp=people[0].otp(), expect=400)
    assert is_sad(good.authorize(people[1], [secrets.token_bytes(32)]))
