"""What a superuser of the database can edit: nothing of it makes a SAM open what it
must not. Each edit ends in a refusal, and no signature is recorded."""

import base64
import datetime
import hashlib
import secrets
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib.api import b64, error
from lib.books import one, rows, value
from lib.oauth import COOKIE, Browser
from lib.people import Operator

CREATED = ("SELECT count(*) FROM audit.event WHERE event = 'signature.created'"
           " AND credential = ANY (%s::uuid[])")


@pytest.fixture
def other(operator, agency):
    return operator.subscriber(agency)


@pytest.fixture
def digest():
    return secrets.token_bytes(32)


@pytest.fixture(autouse=True)
def unsigned(auditor_db, subscriber, other):
    """After each test here: nothing was signed with either key."""
    yield
    assert value(auditor_db, CREATED, [subscriber.credential, other.credential]) == 0


@pytest.fixture
def permissive(private):
    """A daemon that allows a PIN alone, and its superuser."""
    server = private(activation__pin_only="on")
    connection = server.instance.connect("postgres")
    yield server, connection
    connection.close()


def swap(superuser, table, columns, key, one_value, other_value, where="true"):
    """Exchanges columns of two rows."""
    names = ", ".join(columns)
    new = ", ".join(f"{name} = b.{name}" for name in columns)
    rows(superuser, f"""
        WITH b AS MATERIALIZED (SELECT CASE WHEN {key} = %s THEN %s ELSE %s END::uuid AS at, {names}
            FROM {table} WHERE {key} IN (%s, %s) AND {where})
        UPDATE {table} t SET {new} FROM b WHERE t.{key} = b.at AND {where}""",
         one_value, other_value, one_value, one_value, other_value)


def sad_of(superuser, subscriber):
    return one(superuser, "SELECT * FROM rssp.sad WHERE credential = %s", subscriber.credential)


# -- factors and slots --

def test_swapped_slots_open_for_neither_pin(superuser, client, subscriber, other, digest):
    swap(superuser, "rssp.slot", ["salt", "key_seal", "generation"], "credential",
         subscriber.credential, other.credential)
    for someone in (subscriber, other):
        assert error(client.authorize(someone, [digest], 400))[0] == "invalid_pin"


def test_ones_slot_and_otp_at_anothers_credential_do_not_open_with_ones_own_factors(
        superuser, client, subscriber, other, digest):
    """Mine is put in the place of hers: my PIN and my OTP do not make her signature."""
    swap(superuser, "rssp.slot", ["salt", "key_seal", "generation"], "credential",
         subscriber.credential, other.credential)
    swap(superuser, "rssp.credential", ["otp_seal"], "id", subscriber.credential, other.credential)
    answer = client.authorize(other, [digest], 500, pin=subscriber.pin, otp=subscriber.next_otp())
    assert error(answer)[0] == "server_error"


def test_swapped_otp_records_do_not_open(superuser, client, subscriber, other, digest):
    swap(superuser, "rssp.credential", ["otp_seal"], "id", subscriber.credential, other.credential)
    assert client.authorize(subscriber, [digest], 500, otp=other.next_otp()).status_code == 500
    assert client.authorize(subscriber, [digest], 500).status_code == 500


def test_another_owner_does_not_open(superuser, client, subscriber, other, digest):
    rows(superuser, "UPDATE rssp.credential SET subscriber = %s WHERE id = %s",
         other.user, subscriber.credential)
    assert client.authorize(subscriber, [digest], 400).status_code == 400


def test_another_certificate_does_not_open(superuser, client, subscriber, other, digest):
    swap(superuser, "rssp.credential", ["certificate", "certificate_sha256"], "id",
         subscriber.credential, other.credential)
    for someone in (subscriber, other):
        client.authorize(someone, [digest], 400)


def test_a_certificate_of_another_issuer_does_not_open(superuser, client, subscriber, digest):
    """Even over the right public key: the SAM knows its issuers."""
    forged = reissued(subscriber.certificate)
    rows(superuser, "UPDATE rssp.credential SET certificate = %s, certificate_sha256 = %s"
         " WHERE id = %s", forged, hashlib.sha256(forged).digest(), subscriber.credential)
    assert client.authorize(subscriber, [digest], 500).status_code == 500


def reissued(certificate):
    real = x509.load_der_x509_certificate(base64.b64decode(certificate))
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(real.subject).issuer_name(real.issuer)
            .public_key(real.public_key()).serial_number(real.serial_number)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=999))
            .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
            .public_bytes(serialization.Encoding.DER))


def test_a_factor_is_not_dropped(superuser, client, subscriber, digest):
    rows(superuser, "UPDATE rssp.credential SET factors = 'PIN', scal = 1, otp_seal = NULL"
         " WHERE id = %s", subscriber.credential)
    answer = client.authorize(subscriber, [digest], 400, otp="000000")
    assert error(answer)[1] == "The credential identified by credentialID is disabled"


@pytest.mark.parametrize("scal", [1, 2])
def test_a_factor_is_not_dropped_where_a_pin_alone_is_allowed(permissive, scal):
    server, superuser = permissive
    operator = Operator(server)
    agency = operator.add_agency()
    client, subscriber = operator.add_client(agency), operator.subscriber(agency)
    rows(superuser, "UPDATE rssp.credential SET factors = 'PIN', scal = %s, otp_seal = NULL"
         " WHERE id = %s", scal, subscriber.credential)
    answer = client.call("credentials/authorize", {
        "credentialID": subscriber.credential, "numSignatures": 1,
        "hash": [b64(bytes(32))], "PIN": subscriber.pin}, expect=None)
    assert answer.status_code in (400, 500)


def test_weaker_kdf_parameters_do_not_open(superuser, client, subscriber, digest):
    rows(superuser, "UPDATE rssp.slot SET kdf_memory_kib = 8 WHERE credential = %s",
         subscriber.credential)
    assert client.authorize(subscriber, [digest], None).status_code in (400, 500)


def test_scal_1_is_not_put_in(superuser, client, subscriber):
    rows(superuser, "UPDATE rssp.credential SET scal = 1 WHERE id = %s", subscriber.credential)
    answer = client.call("credentials/authorize", {
        "credentialID": subscriber.credential, "numSignatures": 5, "PIN": subscriber.pin,
        "OTP": subscriber.next_otp()}, expect=500)
    assert error(answer)[0] == "server_error"


def test_a_step_put_back_does_not_make_an_otp_new(superuser, client, subscriber, digest):
    otp = subscriber.next_otp()
    client.authorize(subscriber, [digest], otp=otp)
    rows(superuser, "UPDATE rssp.credential_guard SET last_step = 0 WHERE credential = %s",
         subscriber.credential)
    assert error(client.authorize(subscriber, [digest], 400, otp=otp))[0] == "invalid_otp"


# -- accounts and sessions --

PASSWORD = ["generation", "kdf_memory_kib", "kdf_passes", "salt", "mac"]


def test_a_password_record_opens_for_nobody_else(superuser, server, subscriber, other):
    """Both have the same password: still the record is the subscriber's own."""
    assert subscriber.password == other.password
    swap(superuser, "rssp.account", PASSWORD, "subscriber", subscriber.user, other.user)
    for someone in (subscriber, other):
        assert Browser(server).sign_in(someone, 400).json()["code"] == "SIGN_IN_REFUSED"


@pytest.mark.parametrize("edit", [
    "mac = sha256('x')", "salt = sha256('x')", "kdf_memory_kib = 1024",
    "kdf_memory_kib = 1099511627776", "kdf_passes = 0", "generation = 2", "generation = -1", "generation = 0"])
def test_an_edited_password_record_does_not_open(superuser, server, subscriber, edit):
    rows(superuser, f"UPDATE rssp.account SET {edit} WHERE subscriber = %s", subscriber.user)
    assert Browser(server).sign_in(subscriber, 400).json()["code"] == "SIGN_IN_REFUSED"


def test_a_forged_session_sees_the_pages_and_signs_nothing(superuser, server, client, subscriber, digest):
    """Who writes the database can read it; a session is no factor."""
    forged = Browser(server)
    cookie = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    rows(superuser, "INSERT INTO rssp.session VALUES (%s, %s, now(), now(), now() + interval '1 hour')",
         hashlib.sha256(cookie.encode()).digest(), subscriber.user)
    forged.session.cookies.set(COOKIE, cookie)
    assert forged.signed_in()["signedIn"]
    for path, factors in (("change-pin", {"PIN": "guess 4711", "newPIN": "hT4wq9Zsm", "OTP": "000000"}),
                          ("sign-out-everywhere", {"OTP": "000000"})):
        answer = forged.post(f"/account/v1/{path}", {"credentialID": subscriber.credential, **factors}, 400)
        assert answer.json()["code"] == "OTP_WRONG"


def test_a_slot_of_ones_own_at_a_higher_revision_does_not_open_anothers_key(
        superuser, client, subscriber, other, digest):
    rows(superuser, "INSERT INTO rssp.slot SELECT %s, slot, generation, kdf_memory_kib, kdf_passes, salt,"
         " key_seal, 7 FROM rssp.slot WHERE credential = %s", other.credential, subscriber.credential)
    assert error(client.authorize(other, [digest], 400, pin=subscriber.pin))[0] == "invalid_pin"


# -- SADs --

def test_swapped_sad_seals_do_not_open(superuser, client, subscriber, other, digest):
    mine, hers = client.authorize(subscriber, [digest]), client.authorize(other, [digest])
    swap(superuser, "rssp.sad", ["seal"], "credential", subscriber.credential, other.credential)
    assert client.sign(subscriber, mine, [digest], 500).status_code == 500
    assert client.sign(other, hers, [digest], 500).status_code == 500


def test_a_sad_put_under_another_credential_does_not_open(
        superuser, client, subscriber, other, digest):
    """My SAD's row is given her credential, subscriber and certificate."""
    mine = client.authorize(subscriber, [digest])
    rows(superuser, "UPDATE rssp.sad SET credential = c.id, subscriber = c.subscriber,"
         " certificate_sha256 = c.certificate_sha256 FROM rssp.credential c"
         " WHERE sad.credential = %s AND c.id = %s", subscriber.credential, other.credential)
    assert client.sign(other, mine, [digest], 500).status_code == 500


def test_a_sad_put_under_another_client_does_not_open(
        operator, agency, superuser, client, subscriber, digest):
    sad, thief = client.authorize(subscriber, [digest]), operator.add_client(agency)
    rows(superuser, "UPDATE rssp.sad SET client = %s WHERE credential = %s",
         thief.id, subscriber.credential)
    assert thief.sign(subscriber, sad, [digest], 500).status_code == 500


@pytest.mark.parametrize("edit", [
    "UPDATE rssp.sad SET end_at = end_at + interval '1 hour' WHERE credential = %s",
    "UPDATE rssp.sad SET start_at = start_at - interval '1 minute' WHERE credential = %s",
    "UPDATE rssp.sad SET certificate_sha256 = sha256('x') WHERE credential = %s",
    "UPDATE rssp.sad SET scal = 1 WHERE credential = %s"])
def test_edited_terms_do_not_open(superuser, client, subscriber, digest, edit):
    sad = client.authorize(subscriber, [digest])
    rows(superuser, edit, subscriber.credential)
    assert client.sign(subscriber, sad, [digest], 500).status_code == 500


def test_another_hash_in_the_list_does_not_open(superuser, client, subscriber, digest):
    sad, document = client.authorize(subscriber, [digest]), secrets.token_bytes(32)
    rows(superuser, "UPDATE rssp.sad SET hashes = %s WHERE id = %s", document,
         sad_of(superuser, subscriber)["id"])
    assert client.sign(subscriber, sad, [document], 500).status_code == 500


def test_a_hash_added_to_the_list_does_not_open(superuser, client, subscriber, digest):
    sad, document = client.authorize(subscriber, [digest]), secrets.token_bytes(32)
    row = sad_of(superuser, subscriber)
    rows(superuser, "UPDATE rssp.sad SET hash_count = 2, unspent = 2, spent = '00',"
         " hashes = hashes || %s WHERE id = %s", document, row["id"])
    assert client.sign(subscriber, sad, [document], 500).status_code == 500


def test_a_forged_sad_does_not_open(superuser, client, subscriber, other, digest):
    """A row for a SAD of the forger's choice, with a seal that somebody else's SAD has."""
    client.authorize(other, [digest])
    seal = bytes(sad_of(superuser, other)["seal"])
    for forged_seal in (seal, secrets.token_bytes(len(seal)), b"x"):
        handle, secret = uuid.uuid4(), secrets.token_bytes(32)
        text = base64.urlsafe_b64encode(handle.bytes + secret).decode().rstrip("=")
        rows(superuser, """
            INSERT INTO rssp.sad (id, sha256, credential, subscriber, client, certificate_sha256,
                scal, digest, hash_count, unspent, hashes, spent, seal, start_at, end_at, request)
            SELECT %s, %s, c.id, c.subscriber, %s, c.certificate_sha256, 2, 'SHA-256', 1, 1, %s,
                '0', %s, now(), now() + interval '10 minutes', gen_random_uuid()
            FROM rssp.credential c WHERE c.id = %s""",
             str(handle), hashlib.sha256(text.encode()).digest(), client.id, digest,
             forged_seal, subscriber.credential)
        assert client.sign(subscriber, text, [digest], 500).status_code == 500


def test_failed_openings_stand_in_the_audit(superuser, client, subscriber, auditor_db, digest):
    sad = client.authorize(subscriber, [digest])
    rows(superuser, "UPDATE rssp.sad SET seal = 'x' WHERE credential = %s", subscriber.credential)
    answer = client.sign(subscriber, sad, [digest], 500)
    events = rows(auditor_db, "SELECT event, result, code FROM audit.event WHERE request = %s"
                  " ORDER BY at, id", answer.headers["X-Request-Id"])
    assert events == [
        {"event": "signature.started", "result": "ok", "code": "OK"},
        {"event": "signature.failed", "result": "failed", "code": "HSM_REFUSED"}]
    # and it stays spent
    assert error(client.sign(subscriber, sad, [digest], 400))[1] == "Invalid parameter SAD"


# -- numbers and times that nobody would write --

def test_an_absurd_step_ends_no_sam(superuser, server, client, subscriber, digest):
    before = server.sams("activate")
    rows(superuser, "UPDATE rssp.credential_guard SET last_step = 9223372036854775807"
         " WHERE credential = %s", subscriber.credential)
    assert client.authorize(subscriber, [digest], 500).status_code == 500
    assert server.sams("activate") == before


def test_a_certificate_without_end_is_listed(superuser, operator, subscriber):
    rows(superuser, "UPDATE rssp.credential SET valid_to = 'infinity' WHERE id = %s",
         subscriber.credential)
    listed = operator.get("subscribers", userID=subscriber.user).json()["subscribers"]
    assert listed[0]["credentials"][0]["validTo"].startswith("9999-12-31T23:59:59")
