"""A foreign credential looks like an unknown one in time, too: the medians of many interleaved calls
differ by no more than noise."""

import secrets
import statistics
import time
import uuid

import pytest

from lib.api import b64, error

pytestmark = pytest.mark.slow

CALLS = 100
ROUNDS = 5  # a busy machine may spoil some


@pytest.fixture(scope="module")
def foreign(operator):
    """The credential of another agency."""
    return operator.subscriber(operator.add_agency()).credential


def body(method, credential):
    digest = [b64(secrets.token_bytes(32))]
    return {
        "credentials/info": {"credentialID": credential},
        "credentials/authorize": {"credentialID": credential, "numSignatures": 1, "hash": digest,
                                  "PIN": "kP7vRm2xWq", "OTP": "123456"},
        "credentials/extendTransaction": {"credentialID": credential, "hash": digest, "SAD": "A" * 64},
        "signatures/signHash": {"credentialID": credential, "hash": digest, "SAD": "A" * 64,
                                "signAlgo": "1.2.840.10045.4.3.2"},
    }[method]


def seconds(client, method, credential):
    sent = body(method, credential)
    began = time.perf_counter()
    answer = client.call(method, sent, expect=400)
    took = time.perf_counter() - began
    assert error(answer) == ("invalid_request", "Invalid parameter credentialID")
    return took


def medians(client, method, foreign):
    times = {"foreign": [], "unknown": []}
    for _ in range(CALLS):
        times["foreign"].append(seconds(client, method, foreign))
        times["unknown"].append(seconds(client, method, str(uuid.uuid4())))
    return [statistics.median(times[kind]) for kind in ("foreign", "unknown")]


@pytest.mark.parametrize("method", ["credentials/info", "credentials/authorize",
                                    "credentials/extendTransaction", "signatures/signHash"])
def test_a_foreign_credential_takes_as_long_as_an_unknown_one(client, foreign, method):
    seen = []
    for _ in range(ROUNDS):
        foreign_s, unknown_s = medians(client, method, foreign)
        seen.append((foreign_s, unknown_s))
        if abs(foreign_s - unknown_s) < 0.2 * unknown_s:
            return
    raise AssertionError(f"medians in seconds, foreign and unknown: {seen}")
