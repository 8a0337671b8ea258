"""Two daemons on one database and one token: what one permits the other honours, what one ends has
ended at the other: SADs and signatures from that commit on, access tokens within a second."""

import secrets

import pytest

from lib.api import b64, error
from lib.books import audited, value
from lib.soon import soon


@pytest.fixture(params=["first", "second"])
def pair(request, server, server2):
    """(where it is authorised, where it is used), both ways round."""
    return (server, server2) if request.param == "first" else (server2, server)


def digest():
    return secrets.token_bytes(32)


def test_each_serves_the_others_sad(pair, client, subscriber):
    here, there = pair
    hashes = [digest()]
    sad = client.on(here).authorize(subscriber, hashes)
    assert len(client.on(there).sign(subscriber, sad, hashes).json()["signatures"]) == 1


def test_a_sad_spent_at_one_is_spent_at_the_other(pair, client, subscriber):
    here, there = pair
    hashes = [digest()]
    sad = client.on(here).authorize(subscriber, hashes)
    client.on(here).sign(subscriber, sad, hashes)
    client.on(there).sign(subscriber, sad, hashes, expect=400)


def test_what_one_leaves_of_a_batch_the_other_signs(pair, client, subscriber):
    here, there = pair
    hashes = [digest() for _ in range(5)]
    sad = client.on(here).authorize(subscriber, hashes)
    client.on(here).sign(subscriber, sad, hashes[:2])
    client.on(there).sign(subscriber, sad, hashes[:1], expect=400)
    assert len(client.on(there).sign(subscriber, sad, hashes[2:]).json()["signatures"]) == 3


def test_a_sad_extended_at_one_is_dead_at_the_other(pair, client, subscriber):
    here, there = pair
    hashes = [digest(), digest()]
    old = client.on(here).authorize(subscriber, hashes)
    new = client.on(here).call("credentials/extendTransaction", {
        "credentialID": subscriber.credential, "SAD": old,
        "hash": [b64(one) for one in hashes]}).json()["SAD"]
    client.on(there).sign(subscriber, old, hashes, expect=400)
    client.on(there).sign(subscriber, new, hashes)


def test_an_otp_used_at_one_is_used_at_the_other(pair, client, subscriber):
    here, there = pair
    otp = subscriber.next_otp()
    client.on(here).authorize(subscriber, [digest()], otp=otp)
    again = client.on(there).authorize(subscriber, [digest()], otp=otp, expect=400)
    assert error(again)[0] == "invalid_otp"


def test_failures_at_both_count_together(pair, client, subscriber):
    here, there = client.on(pair[0]), client.on(pair[1])
    otp = subscriber.next_otp()
    for speaker in (here, there, here, there, here):
        speaker.authorize(subscriber, [digest()], pin="wrong-pin", otp=otp, expect=400)
    for speaker in (here, there):
        assert error(speaker.authorize(subscriber, [digest()], otp=otp, expect=400))[1] == "PIN locked"


def test_a_subscriber_disabled_at_one_cannot_use_a_sad_at_the_other(
        pair, client, subscriber, operator, auditor_db):
    here, there = pair
    hashes = [digest()]
    sad = client.on(there).authorize(subscriber, hashes)
    operator.on(here).post("subscribers/disable", {"userID": subscriber.user})
    answer = client.on(there).sign(subscriber, sad, hashes, expect=400)
    assert error(answer)[0] in ("access_denied", "invalid_request")
    audited(auditor_db, answer, result="refused")


def test_a_subscriber_disabled_at_one_cannot_authorise_at_the_other(
        pair, client, subscriber, operator):
    here, there = pair
    operator.on(here).post("subscribers/disable", {"userID": subscriber.user})
    client.on(there).authorize(subscriber, [digest()], expect=400)


def test_a_headmaster_since_a_moment_cannot_use_a_sad_at_the_other(
        pair, client, subscriber, operator, auditor_db):
    here, there = pair
    hashes = [digest()]
    sad = client.on(there).authorize(subscriber, hashes)
    operator.on(here).post("subscribers/set-position",
                           {"userID": subscriber.user, "position": "Hiệu trưởng"})
    answer = client.on(there).sign(subscriber, sad, hashes, expect=400, lang="vi")
    assert error(answer)[0] == "access_denied"
    assert "USB Token" in error(answer)[1]
    assert audited(auditor_db, answer, result="refused")["rule"] == "authority"


def test_a_headmaster_since_a_moment_cannot_authorise_at_the_other(pair, client, subscriber, operator):
    here, there = pair
    operator.on(here).post("subscribers/set-position",
                           {"userID": subscriber.user, "position": "Hiệu trưởng"})
    answer = client.on(there).authorize(subscriber, [digest()], expect=400)
    assert error(answer)[0] == "access_denied"


def test_a_headmasters_sad_is_not_spent_by_the_refusal(pair, client, subscriber, operator, superuser):
    here, there = pair
    hashes = [digest()]
    sad = client.on(there).authorize(subscriber, hashes)
    operator.on(here).post("subscribers/set-position",
                           {"userID": subscriber.user, "position": "Hiệu trưởng"})
    client.on(there).sign(subscriber, sad, hashes, expect=400)
    assert value(superuser, "SELECT unspent FROM rssp.sad WHERE credential = %s",
                 subscriber.credential) == 1


def test_a_client_disabled_at_one_is_refused_at_the_other(pair, client, subscriber, operator):
    here, there = pair
    hashes = [digest()]
    speaker = client.on(there)
    sad = speaker.authorize(subscriber, hashes)
    operator.on(here).post("clients/disable", {"clientID": client.id})
    assert soon(lambda: speaker.sign(subscriber, sad, hashes, expect=None).status_code == 401)


def test_a_secret_rotated_at_one_ends_the_tokens_at_the_other(pair, client, subscriber, operator):
    here, there = pair
    speaker = client.on(there)
    operator.on(here).post("clients/rotate", {"clientID": client.id})
    asked = {"credentialID": subscriber.credential}
    assert soon(lambda: speaker.call("credentials/info", asked, expect=None).status_code == 401)


def test_a_client_for_finance_is_refused_at_authorisation(
        pair, operator, agency, subscriber, auditor_db):
    here, there = pair
    finance = operator.on(here).add_client(agency, profile="finance")
    answer = finance.on(there).authorize(subscriber, [digest()], expect=400)
    assert error(answer)[0] == "access_denied"
    audited(auditor_db, answer, result="refused", code="POLICY_DENIED")


def test_a_client_for_finance_is_refused_at_signing(pair, client, subscriber, superuser):
    """Even with a SAD from the time before."""
    here, there = pair
    hashes = [digest()]
    sad = client.on(here).authorize(subscriber, hashes)
    superuser.cursor().execute(
        "UPDATE rssp.client SET profile = 'finance', version = version + 1 WHERE id = %s", (client.id,))
    answer = client.on(there).sign(subscriber, sad, hashes, expect=400)
    assert error(answer)[0] == "access_denied"
