"""SCAL 1: a PIN alone, where the operator's configuration allows it; the SAD need not name hashes."""

import secrets
from types import SimpleNamespace

import pytest

from lib import oauth
from lib.api import Api, b64, error
from lib.people import GOOD_PASSWORD, GOOD_PIN, Operator, SIGN_ALGO, code_for, new_person
from lib.server import Server
from lib.signatures import verify


@pytest.fixture(scope="module")
def pin_only(instance, server):
    """A second daemon on the session's instance that allows it; its client, a subscriber."""
    permissive = Server(instance, "pin-only", activation__pin_only="on").start()
    operator = Operator(permissive)
    agency = operator.add_agency()
    person = new_person(agency)
    operator.enrol(person)
    made = Api(permissive).post("/activation/v1/activate", {
        "code": code_for(instance, person["email"]), "identityNumber": person["identity_number"],
        "PIN": GOOD_PIN, "key": "p-256", "factors": "PIN", "password": GOOD_PASSWORD}, expect=200).json()
    subscriber = SimpleNamespace(credential=made["credentialID"], certificate=made["certificate"],
                                 sign_algo=SIGN_ALGO["p-2"], person=person, password=GOOD_PASSWORD)
    client = operator.add_client(agency)
    yield SimpleNamespace(server=permissive, client=client, subscriber=subscriber, strict=server)
    assert permissive.stop() == 0


def authorize(pin_only, count, hashes=None, expect=200, client=None):
    body = {"credentialID": pin_only.subscriber.credential, "numSignatures": count, "PIN": GOOD_PIN}
    if hashes is not None:
        body["hash"] = [b64(digest) for digest in hashes]
    answer = (client or pin_only.client).call("credentials/authorize", body, expect=expect)
    return answer.json().get("SAD") if expect == 200 else answer


def test_a_sad_without_hashes_signs_as_many_as_it_says(pin_only):
    digests = [secrets.token_bytes(32) for _ in range(4)]
    sad = authorize(pin_only, 3)
    for batch in (digests[:2], digests[2:3]):
        signed = pin_only.client.sign(pin_only.subscriber, sad, batch).json()["signatures"]
        for digest, signature in zip(batch, signed):
            verify(pin_only.subscriber.certificate, signature, digest)
    answer = pin_only.client.sign(pin_only.subscriber, sad, digests[3:], 400)
    assert error(answer)[1] == "Invalid parameter SAD"


def test_a_consent_without_hashes_gives_as_many_signatures_as_it_says(pin_only):
    """The browser's way, by the PIN alone: the page says how many, and of no document."""
    operator = Operator(pin_only.server)
    app = oauth.add_app(operator, pin_only.client.agency)
    asked = app.ask("credential", credentialID=pin_only.subscriber.credential, numSignatures="2")
    browser = oauth.Browser(pin_only.server)
    browser.authorize(asked)
    browser.sign_in(pin_only.subscriber)
    shown = browser.shown()
    assert (shown["numSignatures"], shown["documents"]) == (2, [])
    assert shown["credential"]["factors"] == "PIN"
    answer = browser.post("/consent/v1/approve", {"request": browser.handle, "PIN": GOOD_PIN})
    grant = oauth.grant_of(app.redeem(asked, oauth.back_of(answer.json()["redirect"]).code))
    digests = [secrets.token_bytes(32) for _ in range(3)]
    assert len(app.sign(pin_only.subscriber, grant, digests[:2])) == 2
    app.sign(pin_only.subscriber, grant, digests[2:], 400)


def test_a_credential_of_scal_1_alone_is_approved_without_hashes(operator, server, agency, subscriber):
    """Where PIN alone is not allowed, hashes are asked for at once."""
    app = oauth.add_app(operator, agency)
    browser = oauth.Browser(server)
    assert browser.refused(app.ask("credential", credentialID=subscriber.credential,
                                   numSignatures="1")).error == "invalid_request"


def test_more_than_the_budget_is_refused_and_spends_nothing(pin_only):
    digests = [secrets.token_bytes(32) for _ in range(3)]
    sad = authorize(pin_only, 2)
    answer = pin_only.client.sign(pin_only.subscriber, sad, digests, 400)
    assert error(answer)[1] == "Hash is not authorized by the SAD."
    assert len(pin_only.client.sign(
        pin_only.subscriber, sad, digests[:2]).json()["signatures"]) == 2


def test_hashes_that_were_named_bind_all_the_same(pin_only):
    digest, other = secrets.token_bytes(32), secrets.token_bytes(32)
    sad = authorize(pin_only, 1, [digest])
    assert error(pin_only.client.sign(pin_only.subscriber, sad, [other], 400))[1] == (
        "Hash is not authorized by the SAD.")
    assert pin_only.client.sign(pin_only.subscriber, sad, [digest]).json()["signatures"]


def test_named_hashes_are_signed_one_by_one_in_any_order(pin_only):
    digests = [secrets.token_bytes(32) for _ in range(3)]
    sad = authorize(pin_only, 3, digests)
    for digest in (digests[2], digests[0], digests[1]):
        signed = pin_only.client.sign(pin_only.subscriber, sad, [digest]).json()["signatures"]
        verify(pin_only.subscriber.certificate, signed[0], digest)


def test_extending_keeps_what_is_left_of_the_budget(pin_only):
    digests = [secrets.token_bytes(32) for _ in range(3)]
    sad = authorize(pin_only, 3)
    pin_only.client.sign(pin_only.subscriber, sad, digests[:1])
    new = pin_only.client.call("credentials/extendTransaction", {
        "credentialID": pin_only.subscriber.credential, "SAD": sad}).json()["SAD"]
    assert error(pin_only.client.sign(pin_only.subscriber, new, digests, 400))[1] == (
        "Hash is not authorized by the SAD.")
    assert len(pin_only.client.sign(
        pin_only.subscriber, new, digests[1:]).json()["signatures"]) == 2


def test_a_daemon_that_does_not_allow_it_refuses(pin_only):
    client = pin_only.client.on(pin_only.strict)
    answer = authorize(pin_only, 1, [secrets.token_bytes(32)], 400, client)
    assert error(answer)[1] == "The credential identified by credentialID is disabled"
    info = client.call("credentials/info", {"credentialID": pin_only.subscriber.credential}).json()
    assert info["key"]["status"] == "disabled"
