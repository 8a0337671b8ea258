"""signatures/signHash: what it gives, what it refuses, and that a refusal spends nothing."""

import base64
import hashlib
import secrets
import uuid

import pytest

from lib.api import b64, error
from lib.books import audit_of, audited, rows, value
from lib.people import SHA256_OID
from lib.signatures import verify

OIDS = {"SHA-256": SHA256_OID, "SHA-384": "2.16.840.1.101.3.4.2.2",
        "SHA-512": "2.16.840.1.101.3.4.2.3"}
RSA, PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
# RSASSA-PSS-params: SHA-256, MGF1 with SHA-256, 32 bytes of salt
PSS_256 = ("MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEFAKIDAgEg")
UNSPENT = "SELECT unspent AS count FROM rssp.sad WHERE credential = %s"


def digests(count):
    return [secrets.token_bytes(32) for _ in range(count)]


@pytest.fixture(scope="module")
def rsa(server, operator):
    """An agency's client and its subscriber with an RSA key."""
    agency = operator.add_agency()
    return operator.add_client(agency), operator.subscriber(agency, key="rsa-2048")


@pytest.fixture
def sad(client, subscriber):
    """Two hashes, authorised."""
    hashes = digests(2)
    return hashes, client.authorize(subscriber, hashes)


def signed(answer):
    return answer.json()["signatures"]


# -- what it gives --

@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("key", ["p-256", "p-384"])
def test_ecdsa_signatures_are_der_and_verify(operator, client, agency, key, version):
    subscriber = operator.subscriber(agency, key=key)
    hashes = digests(3)
    answer = client.sign(subscriber, client.authorize(subscriber, hashes, version=version), hashes,
                         version=version)
    for digest, signature in zip(hashes, signed(answer)):
        assert base64.b64decode(signature)[0] == 0x30
        verify(subscriber.certificate, signature, digest)


@pytest.mark.parametrize("algo, more, pss", [
    ("1.2.840.113549.1.1.11", {}, False), (RSA, {"hashAlgo": SHA256_OID}, False),
    (PSS, {"signAlgoParams": PSS_256}, True)])
def test_rsa_signatures_verify(rsa, algo, more, pss):
    client, subscriber = rsa
    hashes = digests(2)
    sad = client.authorize(subscriber, hashes)
    answer = client.call("signatures/signHash", {
        "credentialID": subscriber.credential, "SAD": sad, "hash": [b64(h) for h in hashes],
        "signAlgo": algo, **more})
    for digest, signature in zip(hashes, signed(answer)):
        verify(subscriber.certificate, signature, digest, pss=pss)


@pytest.mark.parametrize("name, algo", [
    ("SHA-384", "1.2.840.10045.4.3.3"), ("SHA-512", "1.2.840.10045.4.3.4")])
def test_longer_digests(client, subscriber, name, algo):
    digest = hashlib.new(name.replace("-", "").lower(), b"x").digest()
    body = {"credentialID": subscriber.credential, "numSignatures": 1, "hash": [b64(digest)],
            "PIN": subscriber.pin, "OTP": subscriber.next_otp()}
    sad = client.call("credentials/authorize", body).json()["SAD"]
    answer = client.call("signatures/signHash", {
        "credentialID": subscriber.credential, "SAD": sad, "hash": [b64(digest)], "signAlgo": algo})
    verify(subscriber.certificate, signed(answer)[0], digest, name)


def test_order_is_kept_and_duplicates_stay(client, subscriber):
    one, two = digests(2)
    sad = client.authorize(subscriber, [one, two, one])
    order = [two, one, one]
    for digest, signature in zip(order, signed(client.sign(subscriber, sad, order))):
        verify(subscriber.certificate, signature, digest)


def test_a_batch_of_500(client, subscriber):
    hashes = digests(500)
    answer = client.sign(subscriber, client.authorize(subscriber, hashes), hashes)
    assert len(signed(answer)) == 500
    for index in (0, 1, 250, 499):
        verify(subscriber.certificate, signed(answer)[index], hashes[index])


def test_several_calls_use_one_sad_until_it_is_spent(client, subscriber, superuser):
    hashes = digests(3)
    sad = client.authorize(subscriber, hashes)
    for digest in hashes:
        client.sign(subscriber, sad, [digest])
    assert error(client.sign(subscriber, sad, [hashes[0]], 400)) == (
        "invalid_request", "Invalid parameter SAD")
    assert rows(superuser, "SELECT state, seal FROM rssp.sad WHERE credential = %s",
                subscriber.credential) == [{"state": "spent", "seal": None}]
    assert value(superuser, "SELECT count(*) FROM rssp.signing WHERE credential = %s",
                 subscriber.credential) == 0


def test_a_signature_has_its_two_rows_of_the_audit(client, subscriber, sad, auditor_db, agency):
    hashes, text = sad
    answer = client.sign(subscriber, text, hashes)
    started, created = audit_of(auditor_db, answer)
    assert (started["event"], created["event"]) == ("signature.started", "signature.created")
    for row in (started, created):
        assert row["result"] == "ok"
        assert (row["client"], row["subscriber"], row["credential"], row["agency"]) == (
            client.id, subscriber.user, subscriber.credential, agency.id)
        assert row["rule"] == "permitted" and row["policy_version"] == 1
        assert [bytes(digest) for digest in row["digests"]] == hashes
    assert [bytes(digest) for digest in created["signatures"]] == [
        hashlib.sha256(base64.b64decode(signature)).digest() for signature in signed(answer)]


# -- what it refuses --

def other_bits(sad):
    raw = bytearray(base64.urlsafe_b64decode(sad))
    for at in (0, 15, 16, 47):
        changed = bytearray(raw)
        changed[at] ^= 1
        yield base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")


def test_a_sad_with_a_changed_bit_finds_nothing_and_spends_nothing(
        client, subscriber, sad, superuser, auditor_db):
    hashes, text = sad
    for wrong in [*other_bits(text), text + "=", text[:-1], text + "A", "", "é", "A" * 64]:
        answer = client.sign(subscriber, wrong, hashes, 400)
        assert error(answer) == ("invalid_request", "Invalid parameter SAD")
        audited(auditor_db, answer, "signature.requested", "refused", "SAD_INVALID")
    assert value(superuser, UNSPENT, subscriber.credential) == 2
    assert len(signed(client.sign(subscriber, text, hashes))) == 2


def test_a_sad_of_another_credential(operator, agency, client, subscriber, sad, auditor_db):
    hashes, text = sad
    other = operator.subscriber(agency)
    answer = client.sign(other, text, hashes, 400)
    assert error(answer) == ("invalid_request", "Invalid parameter SAD")
    audited(auditor_db, answer, "signature.requested", "refused")
    assert signed(client.sign(subscriber, text, hashes))


def test_a_sad_at_another_client(operator, agency, client, subscriber, sad, auditor_db):
    hashes, text = sad
    answer = operator.add_client(agency).sign(subscriber, text, hashes, 400)
    assert error(answer) == ("invalid_request", "Invalid parameter SAD")
    audited(auditor_db, answer, "signature.requested", "refused")
    assert signed(client.sign(subscriber, text, hashes))


@pytest.mark.parametrize("version", [1, 2])
def test_a_foreign_credential_looks_like_an_unknown_one(
        operator, client, subscriber, sad, version):
    hashes, text = sad
    stranger = operator.add_client(operator.add_agency())
    foreign = stranger.sign(subscriber, text, hashes, 400, version)
    subscriber_known, subscriber.credential = subscriber.credential, str(uuid.uuid4())
    unknown = stranger.sign(subscriber, text, hashes, 400, version)
    subscriber.credential = subscriber_known
    assert error(foreign) == error(unknown) == (
        "invalid_request", "Invalid parameter credentialID")
    assert signed(client.sign(subscriber, text, hashes))


@pytest.mark.parametrize("version, words", [
    (1, "Hash is not authorized by the SAD."), (2, "Hash is not authorized by the SAD")])
def test_a_hash_that_is_not_its_own(client, subscriber, sad, superuser, version, words):
    hashes, text = sad
    answer = client.sign(subscriber, text, [hashes[0], *digests(1)], 400, version)
    assert error(answer) == ("invalid_request", words)
    assert value(superuser, UNSPENT, subscriber.credential) == 2


def test_a_hash_more_often_than_authorised(client, subscriber, sad):
    hashes, text = sad
    answer = client.sign(subscriber, text, [hashes[0], hashes[0]], 400)
    assert error(answer) == ("invalid_request", "Hash is not authorized by the SAD.")


def test_a_late_sad(client, subscriber, sad, superuser, auditor_db):
    """Its end is moved back in the database: rsspd refuses it before a SAM is asked."""
    hashes, text = sad
    rows(superuser, "UPDATE rssp.sad SET start_at = start_at - interval '1 hour',"
         " end_at = now() - interval '1 second' WHERE credential = %s", subscriber.credential)
    answer = client.sign(subscriber, text, hashes, 400)
    assert error(answer) == ("invalid_request", "SAD expired")
    audited(auditor_db, answer, "signature.requested", "refused", "SAD_EXPIRED")


def test_a_late_sad_loses_its_seal_and_stays_expired(server, client, subscriber, sad, superuser):
    hashes, text = sad
    rows(superuser, "UPDATE rssp.sad SET start_at = start_at - interval '1 hour',"
         " end_at = now() - interval '1 second' WHERE credential = %s", subscriber.credential)
    server.wait_until(lambda: value(
        superuser, "SELECT state = 'expired' AND seal IS NULL FROM rssp.sad WHERE credential = %s",
        subscriber.credential), 20, "the sweeper has not come")
    assert error(client.sign(subscriber, text, hashes, 400)) == ("invalid_request", "SAD expired")


@pytest.mark.parametrize("changes, words", [
    ({"signAlgo": "1.2.840.113549.1.1.11"}, "Invalid parameter signAlgo"),
    ({"signAlgo": "1.2.840.10045.4.1"}, "Invalid parameter signAlgo"),
    ({"signAlgo": "no oid"}, "Invalid parameter signAlgo"),
    ({"signAlgo": None}, "Missing (or invalid type) string parameter signAlgo"),
    ({"signAlgo": 5}, "Missing (or invalid type) string parameter signAlgo"),
    ({"hashAlgo": "1.3.14.3.2.26"}, "String parameter hashAlgo contradicts with signAlgo parameter"),
    ({"hash": [b64(bytes(20))]}, "Invalid digest value length"),
    ({"hash": [b64(bytes(48))]}, "Invalid digest value length"),
    ({"hash": ["*"]}, "Invalid Base64 hash string parameter"),
    ({"hash": []}, "Empty hash array"),
    ({"hash": "x"}, "Missing (or invalid type) array parameter hash"),
    ({"hash": None}, "Missing (or invalid type) array parameter hash"),
    ({"SAD": None}, "Missing (or invalid type) string parameter SAD"),
    ({"SAD": 7}, "Missing (or invalid type) string parameter SAD"),
    ({"credentialID": None}, "Missing (or invalid type) string parameter credentialID"),
    ({"credentialID": "x"}, "Invalid parameter credentialID"),
    ({"clientData": 1}, "Invalid parameter clientData")])
def test_a_malformed_request_spends_nothing(client, subscriber, sad, superuser, changes, words):
    hashes, text = sad
    body = {"credentialID": subscriber.credential, "SAD": text, "signAlgo": subscriber.sign_algo,
            "hash": [b64(digest) for digest in hashes], **changes}
    answer = client.call("signatures/signHash", body, expect=400)
    assert error(answer) == ("invalid_request", words)
    assert value(superuser, UNSPENT, subscriber.credential) == 2
    assert len(signed(client.sign(subscriber, text, hashes))) == 2


@pytest.mark.parametrize("algo, more, words", [
    ("1.2.840.113549.1.1.5", {}, "Invalid parameter signAlgo"),
    (RSA, {}, "Missing (or invalid type) string parameter hashAlgo"),
    (RSA, {"hashAlgo": "1.3.14.3.2.26"}, "Invalid parameter hashAlgo"),
    (PSS, {}, "Missing (or invalid type) string parameter signAlgoParams"),
    (PSS, {"signAlgoParams": "MAA="}, "Invalid parameter signAlgoParams"),
    (PSS, {"signAlgoParams": "AAAA"}, "Invalid parameter signAlgoParams"),
    (PSS, {"signAlgoParams": PSS_256, "hashAlgo": "2.16.840.1.101.3.4.2.3"},
     "String parameter hashAlgo contradicts with signAlgo parameter")])
def test_rsa_parameters_that_are_refused(operator, superuser, rsa, algo, more, words):
    client, subscriber = rsa
    hashes = digests(1)
    sad = forged_free_sad(superuser, client, subscriber, hashes)
    answer = client.call("signatures/signHash", {
        "credentialID": subscriber.credential, "SAD": sad, "hash": [b64(hashes[0])],
        "signAlgo": algo, **more}, expect=400)
    assert error(answer) == ("invalid_request", words)


SHA_1 = {"signAlgo": "1.2.840.113549.1.1.5"}


# SAD, then algorithm, then base64, then length, then what is authorised
@pytest.mark.parametrize("wrong, words", [
    ({"SAD": "x", **SHA_1, "hash": ["*"]}, "Invalid parameter SAD"),
    ({**SHA_1, "hash": ["*"]}, "Invalid parameter signAlgo"),
    ({**SHA_1, "hash": [b64(bytes(20))]}, "Invalid parameter signAlgo"),
    ({"hash": ["*", b64(bytes(20))]}, "Invalid Base64 hash string parameter"),
    ({"hash": [b64(bytes(20))]}, "Invalid digest value length"),
    ({"hash": [b64(bytes(32))]}, "Hash is not authorized by the SAD."),
    ({"hash": [b64(bytes(32))] * 501}, "Hash is not authorized by the SAD.")])
def test_of_two_faults_the_first_in_the_order_is_told(superuser, rsa, wrong, words):
    client, subscriber = rsa
    sad = forged_free_sad(superuser, client, subscriber, digests(1))
    answer = client.call("signatures/signHash", {
        "credentialID": subscriber.credential, "SAD": sad,
        "signAlgo": "1.2.840.113549.1.1.11", **wrong}, expect=400)
    assert error(answer) == ("invalid_request", words)


def forged_free_sad(superuser, client, subscriber, hashes):
    """A row that rsspd takes for a live SAD (a SAM would not): enough to reach its own checks,
    without an OTP for each of them."""
    handle, secret = uuid.uuid4(), secrets.token_bytes(32)
    text = base64.urlsafe_b64encode(handle.bytes + secret).decode().rstrip("=")
    rows(superuser, """
        INSERT INTO rssp.sad (id, sha256, credential, subscriber, client, certificate_sha256, scal,
            digest, hash_count, unspent, hashes, spent, seal, start_at, end_at, request)
        SELECT %s, %s, c.id, c.subscriber, %s, c.certificate_sha256, 2, 'SHA-256', %s, %s, %s,
            repeat('0', %s)::varbit, 'seal', now(), now() + interval '10 minutes', gen_random_uuid()
        FROM rssp.credential c WHERE c.id = %s""",
         str(handle), hashlib.sha256(text.encode()).digest(), client.id, len(hashes), len(hashes),
         b"".join(hashes), len(hashes), subscriber.credential)
    return text


# -- what stops it --

def test_a_disabled_subscriber(operator, client, subscriber, sad, auditor_db):
    hashes, text = sad
    operator.post("subscribers/disable", {"userID": subscriber.user})
    answer = client.sign(subscriber, text, hashes, 400)
    assert error(answer)[0] == "access_denied"
    audited(auditor_db, answer, "signature.requested", "refused")


def test_an_expired_certificate(client, subscriber, sad, superuser):
    """Moved in the database: rsspd's own check (the SAM reads the certificate itself)."""
    hashes, text = sad
    rows(superuser, "UPDATE rssp.credential SET valid_to = now() WHERE id = %s",
         subscriber.credential)
    kind, words = error(client.sign(subscriber, text, hashes, 400))
    assert kind == "invalid_request"
    assert words.startswith("Signing certificate '") and words.endswith("' is expired.")


def test_a_disabled_credential(client, subscriber, sad, superuser):
    hashes, text = sad
    rows(superuser, "UPDATE rssp.credential SET state = 'disabled', version = version + 1"
         " WHERE id = %s", subscriber.credential)
    assert error(client.sign(subscriber, text, hashes, 400)) == (
        "invalid_request", "The credential identified by credentialID is disabled")


# -- what a restored or half-done database leaves behind --

def test_a_signing_without_an_end_is_written_down_as_lost(
        server, subscriber, client, superuser, auditor_db):
    request = str(uuid.uuid4())
    rows(superuser, """INSERT INTO rssp.signing (request, sad, credential, subscriber, client,
        spends, started_at) VALUES (%s, gen_random_uuid(), %s, %s, %s, '',
        now() - interval '1 hour')""", request, subscriber.credential, subscriber.user, client.id)
    lost = "SELECT event, result FROM audit.event WHERE request = %s"
    server.wait_until(lambda: rows(auditor_db, lost, request), 20, "the sweeper has not come")
    assert rows(auditor_db, lost, request) == [{"event": "signature.lost", "result": "failed"}]
    assert value(superuser, "SELECT count(*) FROM rssp.signing WHERE request = %s", request) == 0
