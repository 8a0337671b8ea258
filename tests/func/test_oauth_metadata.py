"""RFC 8414: what the authorisation server says of itself is what it does."""

import os
import signal
import subprocess

import pytest
import requests

from lib import jose, oauth
from lib.api import Api
from lib.books import audit_of
from lib.certificates import files, pem
from lib.crowd import background
from lib.instance import Instance, free_ports
from lib.people import GOOD_PIN, Operator
from lib.server import Server

WELL_KNOWN = "/.well-known/oauth-authorization-server"


class Listener:
    """The second listener of a daemon, as Api() is given a server."""

    def __init__(self, server, port):
        self.url, self.cacert = f"https://127.0.0.1:{port}", server.cacert


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A daemon with the second listener, that a test may end."""
    instance = Instance(tmp_path_factory.mktemp("mtls"))
    (port,) = free_ports(1)
    started = Server(instance, listen__mtls_port=port)
    started.mtls = Listener(started, port)
    try:
        yield started.start()
    finally:
        started.stop()
        instance.close()


def metadata(server):
    answer = Api(server).get(WELL_KNOWN, 200)
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_it_needs_no_proof_and_leaves_no_row(server, auditor_db):
    assert audit_of(auditor_db, Api(server).get(WELL_KNOWN, 200)) == []
    Api(server).post(WELL_KNOWN, {}, 405)


def test_every_endpoint_is_there(server):
    said = metadata(server)
    assert said["issuer"] == server.url
    api = Api(server).session
    for name, method in (("authorization_endpoint", "GET"), ("token_endpoint", "POST"),
                         ("revocation_endpoint", "POST"), ("pushed_authorization_request_endpoint", "POST"),
                         ("jwks_uri", "GET")):
        assert said[name].startswith(server.url + "/oauth2/")
        answer = api.request(method, said[name], timeout=10)
        assert answer.status_code not in (404, 405, 501), name


def test_info_names_the_issuer(server):
    assert Api(server).post("/csc/v2/info").json()["oauth2"] == metadata(server)["issuer"]


def test_every_grant_is_known_and_no_other(server, operator, agency):
    app = oauth.add_app(operator, agency)
    texts = {}
    for grant in [*metadata(server)["grant_types_supported"], "password", "implicit"]:
        answer = app.token(None, grant_type=grant)
        texts[grant] = answer.json().get("error_description")
    assert {grant for grant, text in texts.items() if text == "Invalid parameter grant_type"} == {
        "password", "implicit"}
    assert texts["client_credentials"] is None


def test_every_way_to_authenticate_works(own, tmp_path):
    operator = Operator(own)
    agency = operator.add_agency()
    said = metadata(own)
    grant = {"grant_type": "client_credentials"}
    secret = oauth.add_app(operator, agency)
    made, certificate = files(tmp_path)
    tls = oauth.add_app(operator, agency, authentication="tls", certificate=pem(made))
    keys = {algo: jose.Key(algo, kid=algo)
            for algo in said["token_endpoint_auth_signing_alg_values_supported"]}
    jwt = oauth.add_app(operator, agency, authentication="private-key-jwt", jwks=jose.jwks(*keys.values()))

    def token(proof, **options):
        api = Api(own, certificate=options.get("certificate"))
        api.session.auth = options.get("auth")
        return api.post("/oauth2/token", data={**grant, **proof}).status_code

    ways = {
        "client_secret_basic": lambda: token({}, auth=(secret.id, secret.secret)),
        "client_secret_post": lambda: token(secret.proof()),
        "self_signed_tls_client_auth": lambda: token({"client_id": tls.id}, certificate=certificate),
        "private_key_jwt": lambda: max(token({
            "client_assertion_type": jose.ASSERTION_TYPE,
            "client_assertion": key.assertion(jwt.id, said["issuer"])}) for key in keys.values()),
    }
    for name in said["token_endpoint_auth_methods_supported"]:
        assert name == "none" or ways[name]() == 200, name
    assert set(ways) | {"none"} == set(said["revocation_endpoint_auth_methods_supported"])


def test_only_s256_and_codes_are_offered(server, operator, agency):
    said = metadata(server)
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"] and said["response_modes_supported"] == ["query"]
    app = oauth.add_app(operator, agency)
    browser = oauth.Browser(server)
    assert browser.refused(app.ask(code_challenge_method="plain")).error == "invalid_request"
    assert browser.refused(app.ask(response_type="token")).error == "unsupported_response_type"


def test_both_names_of_the_type_are_taken(server, operator, agency, subscriber):
    app = oauth.add_app(operator, agency)
    for kind in metadata(server)["authorization_details_types_supported"]:
        wish = oauth.details(subscriber.credential, [bytes(32)], kind=kind)
        oauth.Browser(server).authorize(app.ask("credential", authorization_details=wish))


def test_the_issuer_comes_back_with_each_answer(server, operator, agency):
    assert metadata(server)["authorization_response_iss_parameter_supported"] is True
    app = oauth.add_app(operator, agency)
    back = oauth.Browser(server).refused(app.ask(response_type="token"))
    assert back.iss == metadata(server)["issuer"]


# -- the second listener --

def test_aliases_are_named_where_there_is_a_second_listener(server, own):
    assert "mtls_endpoint_aliases" not in metadata(server)
    said = metadata(own)["mtls_endpoint_aliases"]
    assert said == {"token_endpoint": f"{own.mtls.url}/oauth2/token",
                    "revocation_endpoint": f"{own.mtls.url}/oauth2/revoke",
                    "pushed_authorization_request_endpoint": f"{own.mtls.url}/oauth2/pushed_authorize"}
    assert metadata(own.mtls)["issuer"] == own.url


def test_the_second_listener_is_the_same_service(own):
    for path in ("/healthz", "/readyz", "/csc/v2/info"):
        assert Api(own.mtls).get(path, 200).json() == Api(own).get(path, 200).json()


def test_both_listeners_refuse_old_protocols(own):
    for listener in (own, own.mtls):
        tried = subprocess.run(
            ["openssl", "s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-connect",
             listener.url.removeprefix("https://")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
        assert tried.returncode != 0


def test_a_port_that_is_taken_does_not_start(own, tmp_path):
    other = Server(own.instance, "rsspd-taken", listen__mtls_port=own.mtls.url.rpartition(":")[2])
    other.start(ready=False)
    assert other.process.wait(30) != 0
    assert "cannot listen" in other.log()


def is_refused(listener):
    try:
        Api(listener).get("/healthz")
        return False
    except requests.ConnectionError:
        return True


def test_the_second_listener_drains_too(own):
    """A request that came by it is answered before the daemon ends; a new one is not taken."""
    operator, stopped = Operator(own), own.sams("issue")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = background(lambda: Api(own.mtls).post("/activation/v1/activate", {
            "code": "AAAAA-BBBBB-CCCCC-DDDDD", "identityNumber": "012345678901", "PIN": GOOD_PIN}))
        own.wait_until(lambda: operator.get("status").json()["requests"]["inFlight"] > 1, 30,
                       "nothing under way")
        own.process.terminate()
        own.wait_until(lambda: is_refused(own.mtls), 30, "connections are taken")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert asked.result(30).status_code == 400
    assert own.process.wait(30) == 0
    own.start()
    Api(own.mtls).get("/readyz", 200)
