"""Certificates of client applications: self-signed, as RFC 8705 §2.2 has them."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID


def certificate(key=None, days=30, begins=0):
    """One and its key. begins: days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Phần mềm Mẫu")])
    start = datetime.datetime.utcnow() + datetime.timedelta(days=begins, hours=-1)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=days))
            .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()))
    return made, key


def pem(made):
    return made.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def files(folder):
    """Another one, and the paths that requests wants."""
    made, key = certificate()
    (folder / "tls.pem").write_text(pem(made))
    (folder / "tls.key").write_text(key_pem(key))
    return made, (str(folder / "tls.pem"), str(folder / "tls.key"))
