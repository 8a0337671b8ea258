"""Registering client applications: what an operator may register, and what is refused in words."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lib import jose
from lib.api import error
from lib.books import audited, value
from lib.certificates import certificate, key_pem, pem
from lib.rssp import Rssp

BACK = "https://hocba.mau.edu.vn/ky/xong"


def body(agency, **changes):
    made = {"name": "Phần mềm Mẫu", "agencyID": agency.id, "redirectURIs": [BACK], **changes}
    return {name: one for name, one in made.items() if one is not None}


@pytest.fixture
def register(operator, agency):
    return lambda expect=200, **changes: operator.post("clients", body(agency, **changes), expect)


def shown(operator, answer):
    found = operator.get("clients", clientID=answer.json()["clientID"]).json()["clients"]
    assert len(found) == 1
    return found[0]


# -- what may be --

def test_a_client_is_oauth2code_with_a_secret_unless_it_says_otherwise(
        register, operator, agency, auditor_db):
    made = register()
    assert len(made.json()["clientSecret"]) == 43
    assert shown(operator, made) == {
        "clientID": made.json()["clientID"], "name": "Phần mềm Mẫu", "agencyID": agency.id,
        "state": "active", "mode": "oauth2code", "profile": "general", "authentication": "secret",
        "cscVersion": 2, "redirectURIs": [BACK]}
    row = audited(auditor_db, made, "client.added", "ok")
    assert row["detail"]["authentication"] == "secret" and BACK in row["detail"]["redirectURIs"]


def test_an_explicit_client_needs_no_redirect_uri(register, operator):
    assert shown(operator, register(mode="explicit", redirectURIs=None))["redirectURIs"] == []


@pytest.mark.parametrize("uri", [
    BACK, "https://mau.edu.vn", "https://mau.edu.vn:8443/", "https://mau.edu.vn/?a=1&b=%C3%A9",
    "https://[2001:db8::1]/xong", "http://127.0.0.1:9000/xong", "http://localhost/xong",
    "http://[::1]:9000/"])
def test_redirect_uris_are_https_or_loopback(register, operator, uri):
    assert shown(operator, register(redirectURIs=[uri]))["redirectURIs"] == [uri]


def test_a_client_may_have_several_redirect_uris_in_order(register, operator):
    uris = [f"{BACK}/{number}" for number in range(10)]
    assert shown(operator, register(redirectURIs=uris))["redirectURIs"] == uris


@pytest.mark.parametrize("algo", ["RS256", "PS256", "ES256"])
def test_of_a_key_set_only_the_public_keys_are_kept(register, operator, algo):
    key = jose.Key(algo, kid="k1")
    made = register(authentication="private-key-jwt",
                    jwks={"keys": [key.jwk(use="sig", x5t="AAAA")], "more": 1})
    assert "clientSecret" not in made.json()
    kept = shown(operator, made)["jwks"]
    assert kept == {"keys": [key.jwk()]}


def test_a_key_that_names_no_algorithm_gets_that_of_its_kind(register, operator):
    pair = [jose.Key("RS256", kid="r").jwk(alg=None), jose.Key("ES256", kid="e").jwk(alg=None)]
    kept = shown(operator, register(authentication="private-key-jwt", jwks={"keys": pair}))["jwks"]
    assert [one["alg"] for one in kept["keys"]] == ["RS256", "ES256"]


def test_of_a_certificate_the_sha256_of_its_der_is_kept(register, operator):
    made, _ = certificate()
    answer = register(authentication="tls", certificate=pem(made))
    assert "clientSecret" not in answer.json()
    assert shown(operator, answer)["certificateSHA256"] == made.fingerprint(hashes.SHA256()).hex()


def test_a_public_client_has_nothing_secret(register, operator):
    made = register(authentication="none")
    assert "clientSecret" not in made.json() and shown(operator, made)["authentication"] == "none"


def test_only_a_client_with_a_secret_gets_a_new_one(register, operator, auditor_db):
    made = register(authentication="none").json()
    refused = operator.post("clients/rotate", {"clientID": made["clientID"]}, 400)
    assert "no secret" in error(refused)[1]
    audited(auditor_db, refused, result="refused", code="PARAMETER_INVALID")


# -- what may not be --

@pytest.mark.parametrize("uri", [
    "http://hocba.mau.edu.vn/xong", "http://127.0.0.2/", "http://localhost.mau.vn/", "ftp://mau.vn/",
    "HTTPS://mau.edu.vn/", "https:/mau.edu.vn", "https://", "https:///xong", "https://?a",
    "https://mau.edu.vn/#", "https://mau.edu.vn/#phan", "https://ai@mau.edu.vn/", "https://mau.edu.vn:0/",
    "https://mau.edu.vn:70000/", "https://mau.edu.vn:8a/", "https://mau.edu.vn:/", "https://mẫu.vn/",
    "https://mau edu.vn/", " https://mau.edu.vn/", "https://mau.edu.vn/\n", "https://mau.edu.vn\\@x/",
    "https://[::1", "https://[::1]x/", "javascript:alert(1)", "/xong", "*", "https://*.mau.edu.vn/", "",
    "https://mau.edu.vn/" + "a" * 1024])
def test_another_redirect_uri_is_refused(register, auditor_db, uri):
    refused = register(400, redirectURIs=[BACK, uri])
    assert error(refused)[1].startswith("A redirect URI must be https")
    audited(auditor_db, refused, result="refused", code="REDIRECT_URI_REFUSED")


@pytest.mark.parametrize("changes, words", [
    ({"redirectURIs": None}, "redirectURIs"),
    ({"redirectURIs": []}, "redirectURIs"),
    ({"redirectURIs": BACK}, "redirectURIs"),
    ({"redirectURIs": [7]}, "redirectURIs"),
    ({"redirectURIs": [BACK, BACK]}, "twice"),
    ({"redirectURIs": [f"{BACK}/{number}" for number in range(11)]}, "more than 10"),
    ({"mode": "implicit"}, "mode"),
    ({"authentication": "password"}, "authentication"),
    ({"cscVersion": 3}, "cscVersion"),
    ({"cscVersion": "2"}, "cscVersion"),
    ({"authentication": "none", "mode": "explicit"}, "oauth2code only"),
    ({"authentication": "private-key-jwt"}, "jwks"),
    ({"authentication": "tls"}, "certificate"),
    ({"jwks": {"keys": []}}, "private-key-jwt only"),
    ({"certificate": "x"}, "tls only"),
])
def test_what_does_not_go_together_is_refused_in_words(register, changes, words):
    code, text = error(register(400, **changes))
    assert code == "invalid_request" and words in text


EC_KEY = jose.Key("ES256", kid="k")
OTHER_EC = jose.Key("ES256", kid="o").jwk()


@pytest.mark.parametrize("keys, words", [
    ([], "1 to 8"), ([EC_KEY.jwk()] * 9, "1 to 8"), (["text"], "no JSON object"),
    ([EC_KEY.jwk(), EC_KEY.jwk()], "same kid"),
    ([EC_KEY.jwk(d="AAAA")], "private key"), ([{"kty": "oct", "k": "AAAA"}], "private key"),
    ([{"kty": "oct"}], "kty"), ([EC_KEY.jwk(kty="OKP", crv="Ed25519")], "kty"),
    ([EC_KEY.jwk(alg="HS256")], "alg"), ([EC_KEY.jwk(alg="none")], "alg"),
    ([EC_KEY.jwk(alg="RS256")], "alg"), ([jose.Key("RS256").jwk(alg="ES256")], "alg"),
    ([EC_KEY.jwk(use="enc")], "use"), ([EC_KEY.jwk(kid=7)], "kid"), ([EC_KEY.jwk(kid="")], "kid"),
    ([EC_KEY.jwk(crv="P-384")], "P-256"), ([EC_KEY.jwk(x="AA")], "x and y"), ([EC_KEY.jwk(y=None)], "x and y"),
    ([EC_KEY.jwk(x=OTHER_EC["x"])], "x and y"),
    ([jose.Key("RS256", private=rsa.generate_private_key(65537, 1024)).jwk()], "2048"),
    ([jose.Key("RS256").jwk(e="AQ")], "e must"), ([jose.Key("RS256").jwk(n="!")], "n and e"),
], ids=lambda part: part if isinstance(part, str) else "")
def test_a_key_set_that_is_not_good_is_refused_in_words(register, auditor_db, keys, words):
    refused = register(400, authentication="private-key-jwt", jwks={"keys": keys})
    assert words in error(refused)[1].partition(": ")[2]
    audited(auditor_db, refused, result="refused", code="JWKS_INVALID")


@pytest.mark.parametrize("jwks", ["text", [], {}, {"keys": "text"}])
def test_what_is_no_key_set_is_refused(register, jwks):
    register(400, authentication="private-key-jwt", jwks=jwks)


def bad_certificates():
    good, key = certificate()
    yield "none", "no PEM at all"
    yield "private key and no certificate", key_pem(key)
    yield "private key", pem(good) + key_pem(key)
    yield "several", pem(good) + pem(good)
    yield "too short", pem(certificate(rsa.generate_private_key(65537, 1024))[0])
    yield "another curve", pem(certificate(ec.generate_private_key(ec.SECP256K1()))[0])
    yield "another kind", pem(certificate(ed25519.Ed25519PrivateKey.generate())[0])
    yield "expired", pem(certificate(days=10, begins=-30)[0])
    yield "not valid yet", pem(certificate(begins=2)[0])


@pytest.mark.parametrize("words, text", bad_certificates(), ids=lambda part: part[:20])
def test_a_certificate_that_is_not_good_is_refused_in_words(register, auditor_db, words, text):
    refused = register(400, authentication="tls", certificate=text)
    assert words in error(refused)[1].partition(": ")[2]
    audited(auditor_db, refused, result="refused", code="CLIENT_CERTIFICATE_REFUSED")


def test_an_unknown_client_is_not_shown(operator):
    operator.get("clients", 404, clientID="00000000-0000-4000-8000-000000000000")
    operator.get("clients", 400, clientID="nonsense")


# -- rssp --

@pytest.fixture
def rssp(server, operator):
    return Rssp(server, operator=operator)


@pytest.fixture
def add(rssp, agency):
    def run(*options, expect=0):
        words = ("operator", "client", "add", "--name", "Phần mềm Mẫu", "--agency", agency.id, *options)
        return rssp.json(*words) if expect == 0 else rssp.run(*words, expect=expect).err
    return run


def test_rssp_registers_and_shows_what_it_registered(add, rssp):
    made = add("--redirect-uri", BACK, "--redirect-uri", BACK + "/2", "--csc-version", "1")
    client = rssp.json("operator", "client", "show", made["clientID"])["client"]
    assert client["redirectURIs"] == [BACK, BACK + "/2"]
    assert (client["mode"], client["cscVersion"]) == ("oauth2code", 1)
    assert BACK + "/2" in rssp.run("operator", "client", "show", made["clientID"]).out
    listed = rssp.json("operator", "client", "list")["clients"]
    assert client in listed
    assert made["clientID"] in rssp.run("operator", "client", "list").out


def test_rssp_sends_keys_and_certificates_from_files(add, rssp, tmp_path):
    key, (made, _) = jose.Key("ES256"), certificate()
    (tmp_path / "keys.json").write_text(json.dumps(jose.jwks(key)))
    (tmp_path / "tls.pem").write_text(pem(made))
    by_jwt = add("--redirect-uri", BACK, "--authentication", "private-key-jwt",
                 "--jwks", tmp_path / "keys.json")
    by_tls = add("--redirect-uri", BACK, "--authentication", "tls", "--certificate", tmp_path / "tls.pem")
    assert "clientSecret" not in by_jwt and "clientSecret" not in by_tls

    def show(one):
        return rssp.json("operator", "client", "show", one["clientID"])["client"]

    assert show(by_jwt)["jwks"] == jose.jwks(key)
    assert show(by_tls)["certificateSHA256"] == made.fingerprint(hashes.SHA256()).hex()


def test_rssp_sends_no_private_key(add, superuser, tmp_path):
    count = "SELECT count(*) FROM audit.event WHERE event IN ('client.add', 'client.added')"
    before = value(superuser, count)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [EC_KEY.jwk(d="AAAA")]}))
    made, key = certificate()
    (tmp_path / "tls.pem").write_text(pem(made) + key_pem(key))
    assert "private key" in add("--redirect-uri", BACK, "--authentication", "private-key-jwt",
                                "--jwks", tmp_path / "keys.json", expect=3)
    assert "private key" in add("--redirect-uri", BACK, "--authentication", "tls",
                                "--certificate", tmp_path / "tls.pem", expect=3)
    assert value(superuser, count) == before


@pytest.mark.parametrize("options, words", [
    ([], "--redirect-uri is required"),
    (["--mode", "explicit", "--authentication", "none"], "oauth2code only"),
    (["--redirect-uri", BACK, "--authentication", "tls"], "--certificate"),
    (["--redirect-uri", BACK, "--authentication", "private-key-jwt"], "--jwks"),
    (["--redirect-uri", BACK, "--jwks", "keys.json"], "go together"),
    (["--redirect-uri", BACK, "--csc-version", "3"], "1 or 2")])
def test_rssp_says_which_options_go_together(add, options, words):
    assert words in add(*options, expect=2)


def test_a_refusal_is_said_in_vietnamese_too(rssp, agency):
    said = rssp.run("operator", "client", "add", "--name", "Phần mềm Mẫu", "--agency", agency.id,
                    "--redirect-uri", "http://mau.edu.vn/", "--lang", "vi", expect=1).err
    assert "Địa chỉ quay về phải là https" in said and "http://mau.edu.vn/" in said


# -- changes --

@pytest.fixture
def change(operator):
    return lambda made, expect=200, **changes: operator.post(
        "clients/change", {"clientID": made.json()["clientID"], **changes}, expect)


def test_redirect_uris_are_replaced_and_the_rest_stays(register, change, operator, auditor_db):
    made = register()
    before = shown(operator, made)
    changed = change(made, redirectURIs=[BACK + "/2", BACK + "/3"])
    assert shown(operator, made) == {**before, "redirectURIs": [BACK + "/2", BACK + "/3"]}
    row = audited(auditor_db, changed, "client.changed", "ok")
    assert row["client"] == before["clientID"] and BACK + "/3" in row["detail"]["redirectURIs"]


def test_keys_and_certificates_are_replaced(register, change, operator):
    keys = register(authentication="private-key-jwt", jwks=jose.jwks(EC_KEY))
    other = jose.jwks(jose.Key("ES256"))
    change(keys, jwks=other)
    assert shown(operator, keys)["jwks"] == other
    tls = register(authentication="tls", certificate=pem(certificate()[0]))
    fresh, _ = certificate()
    change(tls, certificate=pem(fresh))
    assert shown(operator, tls)["certificateSHA256"] == fresh.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize("changes, words", [
    ({}, "redirectURIs, jwks or certificate"), ({"redirectURIs": []}, "redirectURIs"),
    ({"redirectURIs": ["http://mau.edu.vn/"]}, "must be https"),
    ({"jwks": {"keys": []}}, "private-key-jwt only"), ({"certificate": "x"}, "tls only")])
def test_a_change_follows_the_rules_of_registration(register, change, operator, changes, words):
    made = register()
    assert words in error(change(made, 400, **changes))[1]
    assert shown(operator, made)["redirectURIs"] == [BACK]


def test_a_disabled_client_is_not_changed(register, change, operator):
    made = register()
    operator.post("clients/disable", {"clientID": made.json()["clientID"]})
    change(made, 404, redirectURIs=[BACK])


def test_rssp_changes_a_client(add, rssp, tmp_path):
    made = add("--redirect-uri", BACK)["clientID"]
    rssp.run("operator", "client", "change", made, "--redirect-uri", BACK + "/2")
    assert rssp.json("operator", "client", "show", made)["client"]["redirectURIs"] == [BACK + "/2"]
    assert "--certificate" in rssp.run("operator", "client", "change", made, expect=2).err
    (tmp_path / "keys.json").write_text(json.dumps(jose.jwks(EC_KEY)))
    assert "private-key-jwt only" in rssp.run(
        "operator", "client", "change", made, "--jwks", tmp_path / "keys.json", expect=1).err
