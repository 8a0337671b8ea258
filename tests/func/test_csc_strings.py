"""Error codes and strings of the CSC API, from the running service, version by version. What each
version says of the same fault stands side by side."""

import hashlib
import itertools
import uuid

import pytest

from lib.api import Api, b64, error
from lib.module_scope import agency, client


USUAL = ("The request is missing a required parameter, includes an invalid parameter value, includes "
         "a parameter more than once, or is otherwise malformed.")
REQUIRED = USUAL.replace("a required", "a REQUIRED")
V2_BEARER = "Malformed authorization header"
MISSING_ID = "Missing (or invalid type) string parameter credentialID"
INVALID_ID = "Invalid parameter credentialID"
SHA1_RSA, UNKNOWN = "1.2.840.113549.1.1.5", "1.2.3.4"
RSA, PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
_number = itertools.count(1)


def digest(name="sha256"):
    return hashlib.new(name, f"string {next(_number)}".encode()).digest()


@pytest.fixture(scope="module")
def subscriber(operator, agency):
    return operator.subscriber(agency)


@pytest.fixture(scope="module")
def rsa(operator, agency):
    return operator.subscriber(agency, key="rsa-2048")


both = pytest.mark.parametrize("version", (1, 2))


def refused(client, method, body, version, text, code="invalid_request"):
    answer = client.call(method, body, version, 400)
    assert error(answer) == (code, text)
    return answer


# -- bearer --

@pytest.mark.parametrize("method, v1", [
    ("credentials/list", USUAL), ("credentials/info", USUAL), ("credentials/authorize", USUAL),
    ("credentials/extendTransaction", REQUIRED), ("signatures/signHash", USUAL),
    ("credentials/sendOTP", "Malformed authroization header.")])
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer é"])
def test_a_malformed_bearer(server, method, v1, header):
    for version, text in ((1, v1), (2, V2_BEARER)):
        answer = Api(server).post(f"/csc/v{version}/{method}", {}, 400, headers={
            "Authorization": header.encode()} if header else {})
        assert error(answer) == ("invalid_request", text)


@both
def test_an_unknown_token(server, version):
    answer = Api(server).post(f"/csc/v{version}/credentials/list", {}, 401, token="x" * 43)
    assert error(answer)[0] == "invalid_token"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


# -- list, info --

LIST_FAULTS = [
    ({}, "Invalid parameter userID"), ({"userID": 5}, "Invalid parameter userID"),
    ({"userID": None}, "Invalid parameter userID"), ({"userID": "nobody"}, "Invalid parameter userID"),
    ({"userID": str(uuid.uuid4())}, "Invalid parameter userID"),
    ({"pageToken": "x"}, "Invalid parameter pageToken"),
    ({"certificates": "all"}, "Invalid parameter certificates"),
    ({"certificates": True}, "Invalid parameter certificates"),
]


@both
@pytest.mark.parametrize("change, text", LIST_FAULTS)
def test_list(client, subscriber, version, change, text):
    body = {"userID": subscriber.user, **change} if change.keys() != {"userID"} and change else change
    refused(client, "credentials/list", body, version, text)


INFO_FAULTS = [
    ({}, MISSING_ID), ({"credentialID": 1}, MISSING_ID), ({"credentialID": None}, MISSING_ID),
    ({"credentialID": "x"}, INVALID_ID), ({"credentialID": str(uuid.uuid4())}, INVALID_ID),
    ({"certificates": "all"}, "Invalid parameter certificates"),
]


@both
@pytest.mark.parametrize("change, text", INFO_FAULTS)
def test_credentials_info(client, subscriber, version, change, text):
    body = change if change.keys() <= {"credentialID"} else {
        "credentialID": subscriber.credential, **change}
    refused(client, "credentials/info", body, version, text)


@both
def test_foreign_looks_unknown(operator, subscriber, version):
    stranger = operator.add_client(operator.add_agency())
    for method in ("credentials/info", "credentials/authorize", "credentials/extendTransaction",
                   "signatures/signHash", "credentials/sendOTP"):
        rest = {"numSignatures": 1, "hash": [b64(digest())], "PIN": "x", "OTP": "000000", "SAD": "x",
                "signAlgo": subscriber.sign_algo}
        unknown = stranger.call(method, {"credentialID": str(uuid.uuid4()), **rest}, version, 400)
        foreign = stranger.call(method, {"credentialID": subscriber.credential, **rest}, version, 400)
        assert error(foreign) == error(unknown) == ("invalid_request", INVALID_ID), method
    listed = stranger.call("credentials/list", {"userID": subscriber.user}, version, 400)
    assert error(listed) == ("invalid_request", "Invalid parameter userID")


# -- authorize --

AUTHORIZE_FAULTS = [
    ({"credentialID": None}, MISSING_ID), ({"credentialID": str(uuid.uuid4())}, INVALID_ID),
    ({"numSignatures": None}, "Missing (or invalid type) integer parameter numSignatures"),
    ({"numSignatures": "1"}, "Missing (or invalid type) integer parameter numSignatures"),
    ({"numSignatures": 1.5}, "Missing (or invalid type) integer parameter numSignatures"),
    ({"numSignatures": 0}, "Invalid value for parameter numSignatures"),
    ({"numSignatures": -1}, "Invalid value for parameter numSignatures"),
    ({"numSignatures": 2}, "Invalid value for parameter numSignatures"),
    ({"numSignatures": 501}, "Numbers of signatures is too high"),
    ({"hash": "text"}, "Missing (or invalid type) array parameter hash"),
    ({"hash": []}, "Empty hash array"), ({"hash": [5]}, "Invalid Base64 hash string parameter"),
    ({"hash": ["???"]}, "Invalid Base64 hash string parameter"),
    ({"hash": [b64(digest()).rstrip("=")]}, "Invalid Base64 hash string parameter"),
    ({"hash": [b64(digest("sha1"))]}, "Invalid digest value length"),
    ({"hash": [b64(digest()), b64(digest("sha512"))], "numSignatures": 2}, "Invalid digest value length"),
    ({"PIN": 123456}, "Invalid parameter PIN"), ({"OTP": 123456}, "Invalid parameter OTP"),
    ({"PIN": None}, "Invalid parameter PIN"), ({"OTP": None}, "Invalid parameter OTP"),
    ({"clientData": 1}, "Invalid parameter clientData"),
]


@both
@pytest.mark.parametrize("change, text", AUTHORIZE_FAULTS, ids=lambda value: str(value)[:50])
def test_authorize(client, subscriber, version, change, text):
    body = {"credentialID": subscriber.credential, "numSignatures": 1, "hash": [b64(digest())],
            "PIN": subscriber.pin, "OTP": subscriber.otp(), **change}
    refused(client, "credentials/authorize", body, version, text)


def test_a_hash_algorithm_of_another_length(client, subscriber):
    body = {"credentialID": subscriber.credential, "numSignatures": 1, "hashes": [b64(digest())],
            "PIN": subscriber.pin, "OTP": subscriber.otp()}
    sha512 = "2.16.840.1.101.3.4.2.3"
    refused(client, "credentials/authorize", {**body, "hashAlgorithmOID": sha512}, 2,
            "Invalid digest value length")
    refused(client, "credentials/authorize", {**body, "hashAlgorithmOID": UNKNOWN}, 2,
            "Invalid parameter hashAlgorithmOID")
    refused(client, "credentials/authorize", {**body, "hash": [b64(digest())]}, 2,
            "The parameters hash and hashes are both present and differ")


def test_wrong_factors_in_each_versions_words(client, operator, agency):
    someone = operator.subscriber(agency)

    def ask(version, text, code, **factors):
        answer = client.authorize(someone, [digest()], 400, version, **factors)
        assert error(answer) == (code, text)
    ask(1, "The OTP is invalid", "invalid_otp", otp=someone.wrong_otp())
    ask(2, "The authentication data is invalid", "invalid_authentication_data", otp=someone.wrong_otp())
    ask(1, "The PIN is invalid", "invalid_pin", pin="wrong pin 1", otp=someone.otp())
    ask(2, "The authentication data is invalid", "invalid_authentication_data", pin="wrong pin 1",
        otp=someone.otp())
    client.authorize(someone, [digest()], 400, pin="wrong pin 1", otp=someone.otp())
    ask(1, "PIN locked", "invalid_request")
    ask(2, "Credential locked", "invalid_request")


def test_what_csc_says_of_a_policys_refusal(client, operator, agency):
    someone = operator.subscriber(agency)
    operator.post("subscribers/set-position", {"userID": someone.user, "position": "Hiệu trưởng"})
    said = {}
    for lang in ("vi", "en"):
        answer = client.authorize(someone, [digest()], 400, lang=lang)
        assert error(answer)[0] == "access_denied"
        said[lang] = error(answer)[1]
    assert said["vi"] != said["en"]
    assert "USB" in said["vi"] and "USB" in said["en"]
    by_header = client.call("credentials/authorize", {
        "credentialID": someone.credential, "numSignatures": 1, "hash": [b64(digest())],
        "PIN": someone.pin, "OTP": someone.otp()}, expect=400, headers={"Accept-Language": "en-GB,vi;q=0.5"})
    assert error(by_header)[1] == said["en"]
    shown = client.call("credentials/info", {"credentialID": someone.credential}).json()
    assert shown["key"]["status"] == "disabled"


# -- signHash --

@pytest.fixture(scope="module")
def authorised(client, rsa):
    """A SAD that no refused request may spend."""
    value = digest()
    return value, client.authorize(rsa, [value])


SIGN_FAULTS = [
    ({"credentialID": 7}, MISSING_ID, MISSING_ID),
    ({"credentialID": str(uuid.uuid4())}, INVALID_ID, INVALID_ID),
    ({"SAD": None}, *["Missing (or invalid type) string parameter SAD"] * 2),
    ({"SAD": 5}, *["Missing (or invalid type) string parameter SAD"] * 2),
    ({"SAD": "x"}, *["Invalid parameter SAD"] * 2),
    ({"hash": None}, *["Missing (or invalid type) array parameter hash"] * 2),
    ({"hash": {}}, *["Missing (or invalid type) array parameter hash"] * 2),
    ({"hash": []}, *["Empty hash array"] * 2),
    ({"hash": ["*"]}, *["Invalid Base64 hash string parameter"] * 2),
    ({"hash": [b64(digest("sha1"))]}, *["Invalid digest value length"] * 2),
    ({"hash": [b64(digest("sha512"))]}, *["Invalid digest value length"] * 2),
    ({"hash": [b64(digest())]}, "Hash is not authorized by the SAD.", "Hash is not authorized by the SAD"),
    ({"signAlgo": None}, *["Missing (or invalid type) string parameter signAlgo"] * 2),
    ({"signAlgo": 1}, *["Missing (or invalid type) string parameter signAlgo"] * 2),
    ({"signAlgo": UNKNOWN}, *["Invalid parameter signAlgo"] * 2),
    ({"signAlgo": SHA1_RSA}, *["Invalid parameter signAlgo"] * 2),
    ({"signAlgo": "1.2.840.10045.4.3.2"}, *["Invalid parameter signAlgo"] * 2),
    ({"signAlgo": PSS}, *["Missing (or invalid type) string parameter signAlgoParams"] * 2),
    ({"signAlgo": PSS, "signAlgoParams": "%"}, *["Invalid parameter signAlgoParams"] * 2),
    ({"signAlgo": PSS, "signAlgoParams": "MAA="}, *["Invalid parameter signAlgoParams"] * 2),
    ({"signAlgo": RSA}, "Missing (or invalid type) string parameter hashAlgo",
     "Missing (or invalid type) string parameter hashAlgorithmOID"),
    ({"signAlgo": RSA, "hashAlgo": "1.3.14.3.2.26"}, "Invalid parameter hashAlgo",
     "Invalid parameter hashAlgorithmOID"),
    ({"clientData": []}, *["Invalid parameter clientData"] * 2),
    ({"operationMode": "A"}, *["Invalid parameter operationMode"] * 2),
]


@pytest.mark.parametrize("change, v1, v2", SIGN_FAULTS, ids=lambda value: str(value)[:50])
def test_sign_hash(client, rsa, authorised, change, v1, v2):
    value, sad = authorised
    for version, text in ((1, v1), (2, v2)):
        body = {"credentialID": rsa.credential, "SAD": sad, "hash": [b64(value)],
                "signAlgo": rsa.sign_algo, **change}
        refused(client, "signatures/signHash", body, version, text)


def test_none_of_these_spent_the_sad(client, rsa, authorised):
    value, sad = authorised
    assert len(client.sign(rsa, sad, [value]).json()["signatures"]) == 1
    again = client.sign(rsa, sad, [value], 400)
    assert error(again)[0] == "invalid_request"


# -- extendTransaction --

def test_extend(client, subscriber):
    body = {"credentialID": subscriber.credential, "hash": [b64(digest())]}
    for version in (1, 2):
        refused(client, "credentials/extendTransaction", body, version,
                "Missing (or invalid type) string parameter SAD")
        refused(client, "credentials/extendTransaction", {**body, "SAD": "x"}, version,
                "Invalid parameter SAD")


# -- clients that are lenient, or ask more than is offered --

@both
@pytest.mark.parametrize("sent", [{}, {"json": {}}, {"data": b"{}", "headers": {
    "Content-Type": "application/json; charset=UTF-8"}}, {"json": {"lang": None, "x": {"y": 1}}}])
def test_info_is_tolerant(server, version, sent):
    answer = Api(server).request("POST", f"/csc/v{version}/info", 200, **sent)
    assert answer.json() == Api(server).get(f"/csc/v{version}/info", 200).json()
    assert answer.json()["specs"] == ("1.0.4.0", "2.0.0.2")[version - 1]
    assert answer.json()["oauth2"] == server.url


@both
@pytest.mark.parametrize("method", ["auth/login", "signatures/timestamp", "signatures/signDoc",
                                    "credentials/authorizeCheck", "signatures/signPolling"])
def test_501_and_not_in_methods(client, version, method):
    answer = client.call(method, {}, version, 501)
    assert error(answer)[0] == "invalid_request"
    assert method not in client.call("info", {}, version).json()["methods"]


# -- oauth2/token --

TOKEN_FAULTS = [
    ({"client_id": None}, 400, "Missing parameter client_id"),
    ({"grant_type": None}, 400, "Missing parameter grant_type"),
    ({"grant_type": "password"}, 400, "Invalid parameter grant_type"),
    ({"grant_type": "authorization_code"}, 400, "Missing parameter code"),
    ({"grant_type": "authorization_code", "code": "x"}, 400, "Invalid parameter code"),
    ({"grant_type": "authorization_code", "code": "A" * 43}, 400,
     "Authorization code is invalid or expired"),
    ({"grant_type": "refresh_token"}, 400, "Missing parameter refresh_token"),
    ({"client_id": "x"}, 400, "Invalid parameter client_id"),
    ({"client_id": str(uuid.uuid4())}, 400, "Invalid parameter client_id"),
    ({"client_secret": None}, 401, "Client authorization required"),
    ({"client_secret": "x"}, 400, "Invalid parameter client_secret"),
]


@pytest.mark.parametrize("change, status, text", TOKEN_FAULTS, ids=lambda value: str(value)[:50])
def test_token(server, client, change, status, text):
    form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret,
            **change}
    answer = Api(server).post("/oauth2/token", data=form, expect=status)
    grant = text in ("Invalid parameter code", "Authorization code is invalid or expired")
    assert error(answer) == ("invalid_grant" if grant else "invalid_request", text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_token_by_basic_header_and_scope(server, client):
    api = Api(server)
    api.session.auth = (client.id, client.secret)
    answer = api.post("/oauth2/token", data={"grant_type": "client_credentials", "scope": "service"},
                      expect=200).json()
    assert answer["token_type"] == "Bearer" and answer["expires_in"] > 0
    query = api.post("/oauth2/token?grant_type=client_credentials", data=b"", expect=200)
    Api(server).post("/csc/v1/credentials/list", {}, 400, token=query.json()["access_token"])
    refused_scope = api.post("/oauth2/token", expect=400, data={
        "grant_type": "client_credentials", "scope": "credential"})
    assert error(refused_scope)[0] == "invalid_scope"
    api.session.auth = (client.id, "wrong")
    api.post("/oauth2/token", data={"grant_type": "client_credentials"}, expect=400)


def test_a_secret_in_the_query_is_not_read(server, client):
    answer = Api(server).post(
        f"/oauth2/token?grant_type=client_credentials&client_id={client.id}"
        f"&client_secret={client.secret}", data=b"", expect=401)
    assert error(answer) == ("invalid_request", "Client authorization required")
    assert client.secret not in server.log()
