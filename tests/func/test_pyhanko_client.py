"""Documents signed through the service by a client that speaks as pyHanko does are valid, and trusted
when the signing root is."""

import pytest
from asn1crypto import pem

from lib.module_scope import agency, client
from lib.pdf_builder import PdfToSign
from lib.pyhanko_like import PyhankoLike, Refused, suitable_digest

KEYS = {"p-256": "SHA-256", "p-384": "SHA-384", "rsa-2048": "SHA-256", "rsa-3072": "SHA-384"}


@pytest.fixture(scope="module")
def subscribers(operator, agency):
    """One of each kind of key and purpose, made when first asked for: each has three OTPs."""
    made = {}

    def get(key, purpose=""):
        if (key, purpose) not in made:
            made[key, purpose] = operator.subscriber(agency, key=key)
        return made[key, purpose]
    return get


@pytest.fixture
def signs(server, client, subscribers, reader, tmp_path):
    """Signs a document; what pdfsig says of it."""
    def sign(key, version, prefer_pss=False):
        subscriber = subscribers(key, "pss" if prefer_pss else "")
        speaker = PyhankoLike(server, client.api.token, subscriber.credential, version)
        file = tmp_path / "signed.pdf"
        file.write_bytes(speaker.sign_pdf(PdfToSign(), subscriber, prefer_pss))
        return reader.shown(file)
    return sign


VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@VERSIONS
@pytest.mark.parametrize("key", KEYS)
def test_a_signed_document_is_valid_and_trusted(signs, key, version):
    shown = signs(key, version)
    assert "Signature is Valid." in shown and "Certificate is Trusted." in shown, shown
    assert "Total document signed" in shown


@VERSIONS
def test_a_document_signed_with_pss_is_valid_and_trusted(signs, version):
    shown = signs("rsa-2048", version, prefer_pss=True)
    assert "Signature is Valid." in shown and "Certificate is Trusted." in shown, shown


@pytest.mark.parametrize("key", KEYS)
def test_the_digest_suits_the_key(server, client, subscribers, key):
    speaker = PyhankoLike(server, client.api.token, subscribers(key).credential)
    certificates, mechanisms, _, _ = speaker.fetch_certificates()
    digest = suitable_digest(certificates[0])
    assert digest == KEYS[key].lower().replace("-", "")
    assert f"{digest}_{'ecdsa' if key.startswith('p-') else 'rsa'}" in mechanisms


@VERSIONS
def test_the_chain_ends_at_the_signing_root(server, client, subscribers, instance, version):
    speaker = PyhankoLike(server, client.api.token, subscribers("p-256").credential, version)
    certificates = speaker.fetch_certificates()[0]
    root = pem.unarmor(instance.path("ca.pem").read_bytes())[2]
    assert certificates[0].issuer == certificates[-1].subject
    assert certificates[-1].dump() == root


@VERSIONS
def test_a_refusal_is_an_error_status(server, subscribers, version):
    speaker = PyhankoLike(server, "x" * 43, subscribers("p-256").credential, version)
    with pytest.raises(Refused, match="401"):
        speaker.fetch_certificates()
