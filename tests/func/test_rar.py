"""authorization_details (RFC 9396): what an application wants signed, as one JSON text; refused in
words when it is not what is offered, given back with the token, and compared when it is repeated."""

import hashlib
import json
import uuid

import pytest

from lib import oauth
from lib.api import b64, error
from lib.oauth import Browser, b64url
from lib.people import SHA256_OID

DIGEST = hashlib.sha256(b"a document").digest()
SECOND = hashlib.sha256(b"the second document").digest()
SHA512_OID = "2.16.840.1.101.3.4.2.3"
ADDRESS = "https://cloudsignatureconsortium.org/2025/credential"


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def app(operator, school):
    return oauth.add_app(operator, school)


@pytest.fixture
def someone(operator, school):
    return operator.subscriber(school)


@pytest.fixture
def browser(server):
    return Browser(server)


def entry(**changes):
    made = {"type": "credential", "credentialID": str(uuid.uuid4()), "numSignatures": 1,
            "hashAlgorithmOID": SHA256_OID, "documentDigests": [{"hash": b64(DIGEST), "label": "Học bạ"}]}
    made.update(changes)
    return {name: value for name, value in made.items() if value is not ...}


def asking(app, details, **more):
    text = details if isinstance(details, str) else json.dumps(details)
    return app.ask(**{"scope": "credential", "authorization_details": text, **more})


def refused(app, details, **more):
    """What a push of it is answered with."""
    return error(app.push(asking(app, details, **more), expect=400))


# -- what is taken --

GOOD = {
    "an array": [entry()],
    "one object alone": entry(),
    "its long type": [entry(type=ADDRESS)],
    "no credential": [entry(credentialID=...)],
    "null for what is not said": [entry(credentialID=None, locations=None, signatureQualifier=None)],
    "no number": [entry(numSignatures=...)],
    "no algorithm": [entry(hashAlgorithmOID=...)],
    "no label": [entry(documentDigests=[{"hash": b64(DIGEST)}])],
    "an empty label": [entry(documentDigests=[{"hash": b64(DIGEST), "label": ""}])],
    "base64url": [entry(documentDigests=[{"hash": b64url(DIGEST)}])],
    "hashType in capitals": [entry(documentDigests=[{"hash": b64(DIGEST), "hashType": "DTBSR"}])],
    "members that nobody knows": [entry(documentDigests=[
        {"hash": b64(DIGEST), "circumstantialData": {"a": 1}}], locations=["https://x"])],
    "SHA-512": [entry(hashAlgorithmOID=SHA512_OID, documentDigests=[
        {"hash": b64(hashlib.sha512(b"x").digest())}])],
}


@pytest.mark.parametrize("details", GOOD.values(), ids=GOOD.keys())
def test_it_is_taken(app, browser, details):
    browser.authorize(app.push(asking(app, details)))
    assert browser.shown()["numSignatures"] == 1


def test_without_a_scope_it_is_of_scope_credential(app, browser):
    browser.authorize(app.push(asking(app, [entry()], scope=None)))
    assert browser.shown()["scope"] == "credential"


def test_it_comes_in_the_address_too(app, browser):
    browser.authorize(asking(app, [entry()]))
    assert browser.shown()["documents"][0]["label"] == "Học bạ"


# -- what is refused --

BAD = {
    "no JSON": ("{", "it is not JSON"),
    "a text": ('"credential"', "it is not JSON"),
    "nothing": ("[]", "an array of one object"),
    "two entries": ([entry(), entry()], "an array of one object"),
    "an entry that is none": (["credential"], "an array of one object"),
    "no type": ([entry(type=...)], "its type is not offered"),
    "another type": ([entry(type="payment")], "its type is not offered"),
    "creation of a credential": ([entry(type="credential_creation")], "its type is not offered"),
    "deletion of a credential": ([entry(
        type="https://cloudsignatureconsortium.org/2025/credential-deletion")], "its type is not offered"),
    "a number in words": ([entry(numSignatures="1")], "numSignatures is an integer"),
    "documents that are no array": ([entry(documentDigests={})], "array of at least one document"),
    "no documents": ([entry(documentDigests=[])], "array of at least one document"),
    "a document that is none": ([entry(documentDigests=["x"])], "an object with a hash"),
    "a document without hash": ([entry(documentDigests=[{"label": "x"}])], "an object with a hash"),
    "a document's own hash": ([entry(documentDigests=[{"hash": b64(DIGEST), "hashType": "sodr"}])],
                              "only dtbsr"),
    "a label too long": ([entry(documentDigests=[{"hash": b64(DIGEST), "label": "ễ" * 256}])], "a label"),
    "a label with a line": ([entry(documentDigests=[{"hash": b64(DIGEST), "label": "a\nb"}])], "a label"),
    "a label that turns the writing": ([entry(documentDigests=[
        {"hash": b64(DIGEST), "label": "hocba\u202efdp.exe"}])], "a label"),
    "a label that is no text": ([entry(documentDigests=[{"hash": b64(DIGEST), "label": 1}])], "a label"),
    "a member twice": ('[{"type":"credential","type":"credential"}]', "it is not JSON"),
}


@pytest.mark.parametrize("details, why", BAD.values(), ids=BAD.keys())
def test_it_is_refused_in_words(app, details, why):
    code, text = refused(app, details)
    assert code == "invalid_authorization_details" and why in text


INVALID = {
    "a qualifier": ([entry(signatureQualifier="eu_eidas_qes")], "signatureQualifier is not offered"),
    "a credential that is none": ([entry(credentialID="x")], "Invalid parameter credentialID"),
    "no hashes": ([entry(documentDigests=...)], "array parameter hash"),
    "more signatures than documents": ([entry(numSignatures=2)], "numSignatures"),
    "no signature": ([entry(numSignatures=0)], "numSignatures"),
    "an unknown algorithm": ([entry(hashAlgorithmOID="1.2.3")], "hashAlgo"),
    "an algorithm that is no text": ([entry(hashAlgorithmOID=1)], "hashAlgo"),
    "another algorithm than the hashes'": ([entry(hashAlgorithmOID=SHA512_OID)], "Invalid digest value length"),
    "a hash that is no base64": ([entry(documentDigests=[{"hash": "*" * 44}])], "Base64"),
    "hashes of two lengths": ([entry(numSignatures=2, hashAlgorithmOID=..., documentDigests=[
        {"hash": b64(DIGEST)}, {"hash": b64(hashlib.sha512().digest())}])], "Invalid digest value length"),
}


@pytest.mark.parametrize("details, why", INVALID.values(), ids=INVALID.keys())
def test_a_value_that_is_not_allowed_has_the_words_of_its_parameter(app, details, why):
    code, text = refused(app, details)
    assert code == "invalid_request" and why in text


@pytest.mark.parametrize("more", [
    {"credentialID": str(uuid.uuid4())}, {"numSignatures": "1"}, {"hashes": b64url(DIGEST)},
    {"hashAlgorithmOID": SHA256_OID}])
def test_it_stands_alone(app, more):
    assert refused(app, [entry()], **more)[0] == "invalid_authorization_details"


def test_it_is_not_of_scope_service(app):
    assert refused(app, [entry()], scope="service")[0] == "invalid_scope"


def test_the_fault_goes_to_the_application_by_redirect(app, browser):
    back = browser.refused(asking(app, [entry(type="payment")]))
    assert back.error == "invalid_authorization_details" and "its type" in back.description


# -- what comes of it --

def approved(app, someone, details):
    asked = asking(app, details)
    browser = Browser(app.server)
    browser.authorize(app.push(asked))
    browser.sign_in(someone)
    return asked, browser.approve(someone, credentialID=someone.credential).code


def test_the_token_says_what_was_granted(app, someone):
    details = [entry(credentialID=someone.credential, type=ADDRESS, numSignatures=2, documentDigests=[
        {"hash": b64(DIGEST), "label": "Học bạ"}, {"hash": b64url(SECOND)}])]
    asked, code = approved(app, someone, details)
    granted = app.redeem(asked, code).json()["authorization_details"]
    assert granted == [{
        "type": ADDRESS, "credentialID": someone.credential, "numSignatures": 2,
        "hashAlgorithmOID": SHA256_OID, "documentDigests": [
            {"hash": b64(DIGEST), "label": "Học bạ"}, {"hash": b64(SECOND)}]}]


def test_the_token_names_the_credential_that_was_chosen(app, someone):
    asked, code = approved(app, someone, [entry(credentialID=...)])
    body = app.redeem(asked, code).json()
    assert body["credentialID"] == someone.credential
    assert body["authorization_details"][0]["credentialID"] == someone.credential


def test_a_token_asked_without_them_has_none(app, someone):
    grant = app.grant(someone, app.ask("credential", credentialID=someone.credential,
                                       hashes=b64url(DIGEST)))
    assert "authorization_details" not in grant.answer.json()


def repeated(someone, **changes):
    made = {"credentialID": someone.credential, "numSignatures": 2, "documentDigests": [
        {"hash": b64(SECOND)}, {"hash": b64(DIGEST), "label": "otherwise"}], **changes}
    return json.dumps([entry(**made)], indent=3)


SAME = {
    "in another order and layout": {},
    "without its credential": {"credentialID": ...},
    "under its long name": {"type": ADDRESS},
    "without its number": {"numSignatures": ...},
    "in the other alphabet": {"documentDigests": [{"hash": b64url(DIGEST)}, {"hash": b64url(SECOND)}]},
}
OTHER = {
    "another document": {"documentDigests": [{"hash": b64(SECOND)}, {"hash": b64(SECOND)}]},
    "one document less": {"numSignatures": 1, "documentDigests": [{"hash": b64(SECOND)}]},
    "another credential": {"credentialID": str(uuid.uuid4())},
    "another type": {"type": "payment"},
}


@pytest.fixture(scope="module")
def coded(operator, school, app):
    """One code for all misfits: none of them spends it."""
    someone = operator.subscriber(school)
    details = [entry(credentialID=someone.credential, numSignatures=2, documentDigests=[
        {"hash": b64(DIGEST), "label": "Học bạ"}, {"hash": b64(SECOND)}])]
    return someone, *approved(app, someone, details)


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER.keys())
def test_other_details_than_those_approved_are_refused_and_spend_nothing(app, coded, changes):
    someone, asked, code = coded
    answer = app.redeem(asked, code, 400, authorization_details=repeated(someone, **changes))
    assert error(answer)[0] == "invalid_authorization_details"


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME.keys())
def test_the_same_details_written_otherwise_are_the_same(app, someone, changes):
    details = [entry(credentialID=someone.credential, numSignatures=2, documentDigests=[
        {"hash": b64(DIGEST), "label": "Học bạ"}, {"hash": b64(SECOND)}])]
    asked, code = approved(app, someone, details)
    grant = oauth.grant_of(app.redeem(asked, code, authorization_details=repeated(someone, **changes)))
    assert len(app.sign(someone, grant, [DIGEST, SECOND])) == 2


def test_details_at_the_token_endpoint_give_nothing_to_a_token_of_scope_service(app, someone):
    browser = Browser(app.server)
    asked = app.ask()
    browser.authorize(asked)
    browser.sign_in(someone)
    code = browser.approve().code
    answer = app.redeem(asked, code, 400, authorization_details=repeated(someone))
    assert error(answer)[0] == "invalid_authorization_details"


def test_equal_documents_are_signed_as_often_as_they_were_approved(app, someone):
    grant = app.grant_signing(someone, [DIGEST, DIGEST])
    assert len(app.sign(someone, grant, [DIGEST, DIGEST])) == 2
