"""Statements that operators sign (hsm/statement.h), in the encoding of base/wire.h."""

import struct
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

VERSION = 1
ENROL_TEXTS = ("number", "name", "birth_date", "identity_number", "identity_place", "identity_date",
               "email", "agency_1", "agency_2", "agency_3", "agency_4", "province", "position",
               "phone", "old_serial", "budget_code")


def number(value):
    return struct.pack(">Q", value)


def field(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def head(kind, issued_at_ms):
    issued = int(time.time() * 1000) if issued_at_ms is None else issued_at_ms
    return number(VERSION) + field(kind) + number(issued)


def enrol(person, issued_at_ms=None):
    """person: a dict with the names of ENROL_TEXTS; `number` is made when it is missing."""
    texts = {"number": str(uuid.uuid4()), **person}
    return head("enrol", issued_at_ms) + b"".join(field(texts.get(name, "")) for name in ENROL_TEXTS)


def unlock(credential, issued_at_ms=None):
    return head("unlock", issued_at_ms) + field(uuid.UUID(credential).bytes)


def sign(statement, key_file):
    key = serialization.load_pem_private_key(Path(key_file).read_bytes(), None)
    return key.sign(statement, ec.ECDSA(hashes.SHA256()))
