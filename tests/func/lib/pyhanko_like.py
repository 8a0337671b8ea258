"""A client that sends byte for byte what pyHanko's CSC signer sends through aiohttp: version 1's
field names under either version, a space after `,` and `:`, its headers in its order."""

import base64
import hashlib
import http.client
import json
import ssl
from urllib.parse import urlsplit

from asn1crypto import algos

from . import pdf_builder


class Refused(Exception):
    """What aiohttp's raise_for_status makes of a status from 400 on."""


class PyhankoLike:
    def __init__(self, server, token, credential, version="v1"):
        self.url = urlsplit(server.url)
        self.trust = ssl.create_default_context(cafile=server.cacert)
        self.token, self.credential, self.version = token, credential, version

    def post(self, method, body):
        data = json.dumps(body).encode()
        connection = http.client.HTTPSConnection(
            self.url.hostname, self.url.port, context=self.trust, timeout=30)
        connection.putrequest("POST", f"/csc/{self.version}/{method}", skip_host=True,
                              skip_accept_encoding=True)
        for name, value in (
                ("Host", self.url.netloc), ("Authorization", f"Bearer {self.token}"),
                ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"),
                ("User-Agent", "Python/3.11 aiohttp/3.9.5"),
                ("Content-Length", str(len(data))), ("Content-Type", "application/json")):
            connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 400:
            raise Refused(f"{method}: {answer.status} {text.decode(errors='replace')}")
        kind = answer.getheader("Content-Type", "").partition(";")[0].strip()
        assert kind == "application/json", f"aiohttp refuses Content-Type {kind!r}"
        return json.loads(text)

    def fetch_certificates(self):
        """credentials/info; what pyHanko reads of it, as strictly."""
        info = self.post("credentials/info", {
            "credentialID": self.credential, "certificates": "chain", "certInfo": False})
        certificates = [pdf_builder.load_certificate(text) for text in info["cert"]["certificates"]]
        assert isinstance(info["key"]["algo"], list)
        mechanisms = {algos.SignedDigestAlgorithmId(oid).native for oid in info["key"]["algo"]}
        multisign = int(info["multisign"])
        pinned = str(info.get("SCAL", "1")) == "2"
        return certificates, mechanisms, multisign, pinned

    def authorize(self, hashes, pin, otp):
        answer = self.post("credentials/authorize", {
            "credentialID": self.credential, "hash": hashes, "numSignatures": len(hashes),
            "PIN": pin, "OTP": otp})
        assert int(answer.get("expiresIn", 3600)) > 0
        return str(answer["SAD"])

    def sign_hashes(self, sad, hashes, digest, mechanism):
        body = {
            "credentialID": self.credential, "SAD": sad,
            "hashAlgo": algos.DigestAlgorithmId(digest).dotted,
            "signAlgo": mechanism["algorithm"].dotted,
            "hash": hashes,
        }
        if mechanism["parameters"].native is not None:
            body["signAlgoParams"] = base64.b64encode(mechanism["parameters"].dump()).decode()
        signatures = self.post("signatures/signHash", body)["signatures"]
        assert len(signatures) == len(hashes)
        return [base64.b64decode(signature) for signature in signatures]

    def sign_pdf(self, document, subscriber, prefer_pss=False):
        """document: a PdfToSign; the signed file."""
        certificates, mechanisms, multisign, pinned = self.fetch_certificates()
        assert multisign >= 1 and pinned
        digest = suitable_digest(certificates[0])
        kind = certificates[0].public_key.algorithm
        mechanism = pdf_builder.mechanism(
            "pss" if kind == "rsa" and prefer_pss else {"ec": "ecdsa"}.get(kind, kind), digest)
        assert mechanism["algorithm"].native in mechanisms, f"{mechanisms} do not serve pyHanko"
        attributes = pdf_builder.signed_attributes(document.signed_bytes, certificates[0], digest)
        hashes = [base64.b64encode(hashlib.new(digest, attributes.dump()).digest()).decode()]
        sad = self.authorize(hashes, subscriber.pin, subscriber.next_otp())
        signature = self.sign_hashes(sad, hashes, digest, mechanism)[0]
        return document.finish(pdf_builder.signed_data(
            certificates, attributes, digest, mechanism, signature))


def suitable_digest(certificate):
    """The digest that pyHanko takes for a key when nobody names one."""
    bits, ec = certificate.public_key.bit_size, certificate.public_key.algorithm == "ec"
    if bits <= (256 if ec else 2048):
        return "sha256"
    return "sha384" if bits <= (384 if ec else 3072) else "sha512"
