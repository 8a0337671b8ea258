"""Keys and compact JWS as an application makes them, and as somebody makes them who should not.

    key = jose.Key("ES256", kid="1")
    jose.jwks(key)                                  # the JWK Set to register
    assertion = key.assertion(client_id, audience)  # RFC 7523; changes to claims and header by name
    jose.hs256(secret, claims)
"""

import base64
import hashlib
import hmac
import json
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_rsa = {}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def part(value):
    return b64url(json.dumps(value).encode())


def join(header, claims, sign):
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64url(sign(signed.encode()))}"


def rsa_key(bits=2048):
    """One a size: they take long to make."""
    if bits not in _rsa:
        _rsa[bits] = rsa.generate_private_key(65537, bits)
    return _rsa[bits]


class Key:
    """A key pair of an application. private: another one than a fresh one."""

    def __init__(self, algo, kid=None, private=None):
        self.algo, self.kid = algo, kid
        self.private = private or (
            ec.generate_private_key(ec.SECP256R1()) if algo == "ES256" else rsa_key())

    def jwk(self, **changes):
        public = self.private.public_key().public_numbers()
        if self.algo == "ES256":
            made = {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)}
        else:
            made = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
        made |= {"alg": self.algo, **({"kid": self.kid} if self.kid else {}), **changes}
        return {name: value for name, value in made.items() if value is not None}

    def sign(self, message, algo=None):
        algo = algo or self.algo
        if algo == "ES256":
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if algo == "PS256":
            return self.private.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def jws(self, claims, algo=None, **header):
        made = {"alg": algo or self.algo, **({"kid": self.kid} if self.kid else {}), **header}
        return join({name: value for name, value in made.items() if value is not None}, claims,
                    lambda signed: self.sign(signed, algo))

    def assertion(self, client, audience, header=None, algo=None, **changes):
        return self.jws(assertion_claims(client, audience, **changes), algo, **(header or {}))


def assertion_claims(client, audience, **changes):
    now = int(time.time())
    made = {"iss": client, "sub": client, "aud": audience, "jti": str(uuid.uuid4()), "iat": now,
            "exp": now + 60, **changes}
    return {name: value for name, value in made.items() if value is not None}


def jwks(*keys):
    return {"keys": [key.jwk() for key in keys]}


def hs256(key, claims, **header):
    return join({"alg": "HS256", **header}, claims,
                lambda signed: hmac.new(key, signed, hashlib.sha256).digest())


def unsigned(claims, algo="none"):
    return f"{part({'alg': algo})}.{part(claims)}."
