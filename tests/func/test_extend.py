"""credentials/extendTransaction: a part of what is left under a new SAD; never more, never longer."""

import secrets

import pytest

from lib.api import b64, error
from lib.books import audit_of, audited, one, rows, value
from lib.people import SHA256_OID
from lib.signatures import verify

INVALID_SAD = ("invalid_request", "Invalid parameter SAD")


@pytest.fixture
def hashes():
    return [secrets.token_bytes(32) for _ in range(3)]


@pytest.fixture
def sad(client, subscriber, hashes):
    return client.authorize(subscriber, hashes)


def extend(client, subscriber, sad, hashes, expect=200, version=1, **more):
    body = {"credentialID": subscriber.credential, "SAD": sad}
    if version == 1:
        body["hash"] = [b64(digest) for digest in hashes]
    else:
        body.update(hashes=[b64(digest) for digest in hashes], hashAlgorithmOID=SHA256_OID)
    return client.call("credentials/extendTransaction", {**body, **more}, version, expect)


@pytest.mark.parametrize("version", [1, 2])
def test_the_new_sad_signs_and_the_old_one_is_dead(
        client, subscriber, sad, hashes, version, superuser, auditor_db):
    answer = extend(client, subscriber, sad, hashes[:2], version=version)
    row = audited(auditor_db, answer, "sad.extended", "ok")
    assert row["detail"] == {"signatures": 2} and row["credential"] == subscriber.credential
    assert error(client.sign(subscriber, sad, hashes[:1], 400)) == INVALID_SAD
    new = answer.json()["SAD"]
    signatures = client.sign(subscriber, new, [hashes[1], hashes[0]]).json()["signatures"]
    verify(subscriber.certificate, signatures[0], hashes[1])
    verify(subscriber.certificate, signatures[1], hashes[0])
    states = rows(superuser, "SELECT state, seal FROM rssp.sad WHERE credential = %s ORDER BY state",
                  subscriber.credential)
    assert states == [{"state": "extended", "seal": None}, {"state": "spent", "seal": None}]


def test_what_was_left_out_is_gone(client, subscriber, sad, hashes):
    new = extend(client, subscriber, sad, hashes[:2]).json()["SAD"]
    assert error(client.sign(subscriber, new, [hashes[2]], 400))[1] == (
        "Hash is not authorized by the SAD.")


def test_the_end_is_never_later(client, subscriber, sad, hashes, superuser):
    end = "SELECT end_at, start_at FROM rssp.sad WHERE credential = %s AND state = 'live'"
    before = one(superuser, end, subscriber.credential)
    answer = extend(client, subscriber, sad, hashes).json()
    assert one(superuser, end, subscriber.credential) == before
    assert 0 < answer["expiresIn"] <= 600


def test_after_some_were_signed_the_rest_is_extended(client, subscriber, sad, hashes):
    client.sign(subscriber, sad, hashes[:1])
    new = extend(client, subscriber, sad, hashes[1:]).json()["SAD"]
    assert len(client.sign(subscriber, new, hashes[1:]).json()["signatures"]) == 2


def test_an_extended_sad_is_extended_again(client, subscriber, sad, hashes):
    second = extend(client, subscriber, sad, hashes).json()["SAD"]
    third = extend(client, subscriber, second, hashes[:1]).json()["SAD"]
    assert error(extend(client, subscriber, second, hashes[:1], 400)) == INVALID_SAD
    assert client.sign(subscriber, third, hashes[:1]).json()["signatures"]


def test_a_hash_is_never_added(client, subscriber, sad, hashes, superuser):
    for asked in ([*hashes, secrets.token_bytes(32)], [hashes[0], hashes[0]]):
        answer = extend(client, subscriber, sad, asked, 400)
        assert error(answer)[1] == "Hash is not authorized by the SAD."
    assert value(superuser, "SELECT count(*) FROM rssp.sad WHERE credential = %s",
                 subscriber.credential) == 1
    assert len(client.sign(subscriber, sad, hashes).json()["signatures"]) == 3


def test_a_spent_hash_does_not_come_back(client, subscriber, sad, hashes):
    client.sign(subscriber, sad, hashes[:1])
    assert error(extend(client, subscriber, sad, hashes, 400))[1] == (
        "Hash is not authorized by the SAD.")


def test_with_scal_2_the_hashes_are_needed(client, subscriber, sad):
    answer = client.call("credentials/extendTransaction", {
        "credentialID": subscriber.credential, "SAD": sad}, expect=400)
    assert error(answer)[1] == "Missing (or invalid type) array parameter hash"


def test_a_late_sad_is_not_extended(client, subscriber, sad, hashes, superuser):
    rows(superuser, "UPDATE rssp.sad SET start_at = start_at - interval '1 hour',"
         " end_at = now() - interval '1 second' WHERE credential = %s", subscriber.credential)
    assert error(extend(client, subscriber, sad, hashes, 400)) == (
        "invalid_request", "SAD expired")


def test_an_edited_end_does_not_lengthen_it(client, subscriber, sad, hashes, superuser):
    rows(superuser, "UPDATE rssp.sad SET end_at = end_at + interval '1 hour'"
         " WHERE credential = %s", subscriber.credential)
    assert extend(client, subscriber, sad, hashes, 500).status_code == 500


@pytest.mark.parametrize("changes, words", [
    ({"SAD": "A" * 64}, "Invalid parameter SAD"),
    ({"SAD": None}, "Missing (or invalid type) string parameter SAD"),
    ({"credentialID": "x"}, "Invalid parameter credentialID"),
    ({"hash": []}, "Empty hash array"),
    ({"hash": ["*"]}, "Invalid Base64 hash string parameter"),
    ({"hash": [b64(bytes(20))]}, "Invalid digest value length"),
    ({"hash": [b64(bytes(48))]}, "Invalid digest value length")])
def test_a_malformed_request_changes_nothing(client, subscriber, sad, hashes, changes, words):
    assert error(extend(client, subscriber, sad, hashes, 400, **changes)) == (
        "invalid_request", words)
    assert len(client.sign(subscriber, sad, hashes).json()["signatures"]) == 3


def test_another_client_and_a_stranger(operator, agency, client, subscriber, sad, hashes):
    same_agency = operator.add_client(agency)
    assert error(extend(same_agency, subscriber, sad, hashes, 400)) == INVALID_SAD
    stranger = operator.add_client(operator.add_agency())
    assert error(extend(stranger, subscriber, sad, hashes, 400))[1] == (
        "Invalid parameter credentialID")
    assert client.sign(subscriber, sad, hashes).json()["signatures"]


def test_a_headmaster_cannot_extend(operator, client, subscriber, sad, hashes, auditor_db):
    operator.post("subscribers/set-position",
                  {"userID": subscriber.user, "position": "Hiệu trưởng"})
    answer = extend(client, subscriber, sad, hashes, 400)
    assert error(answer)[0] == "access_denied"
    assert audit_of(auditor_db, answer)[0]["rule"] == "authority"
