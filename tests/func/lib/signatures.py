"""Signatures as answered, checked with the certificate alone."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

DIGESTS = {"SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}


def verify(certificate, signature, digest, name="SHA-256", pss=False):
    """Raises InvalidSignature unless the base64 signature is that of the digest."""
    key = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
    made_with = utils.Prehashed(DIGESTS[name])
    raw = base64.b64decode(signature, validate=True)
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(raw, digest, ec.ECDSA(made_with))
    elif pss:
        key.verify(raw, digest, padding.PSS(padding.MGF1(DIGESTS[name]), len(digest)), made_with)
    else:
        key.verify(raw, digest, padding.PKCS1v15(), made_with)
