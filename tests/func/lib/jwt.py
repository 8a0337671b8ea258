"""JSON Web Tokens taken apart, and put together as an attacker would."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header(token):
    return json.loads(unb64url(token.split(".")[0]))


def claims(token):
    return json.loads(unb64url(token.split(".")[1]))


def public_key(jwk):
    x, y = (int.from_bytes(unb64url(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def verify(token, jwk):
    """Raises unless the key made the token."""
    signed, signature = token.rsplit(".", 1)
    raw = unb64url(signature)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public_key(jwk).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))


def unsigned(head, body):
    return ".".join(b64url(json.dumps(part).encode()) for part in (head, body))


def with_es256(head, body, key):
    text = unsigned(head, body)
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def with_hs256(head, body, key):
    text = unsigned(head, body)
    return f"{text}.{b64url(hmac.new(key, text.encode(), hashlib.sha256).digest())}"
