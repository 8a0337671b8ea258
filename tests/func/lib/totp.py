"""RFC 6238: SHA-1, 6 digits, 30 s."""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30


def step_now():
    return int(time.time()) // STEP


def code(secret, step):
    """secret: base32 as in otpauth://."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


def now(secret, offset=0):
    """The code of this time step, or one `offset` steps away."""
    return code(secret, step_now() + offset)


def next_step(last):
    """The first step after `last` that is accepted now, and still will be in a second."""
    lowest = int(time.time() + 1) // STEP - 1
    step = max(last + 1, lowest)
    assert step <= lowest + 2, "three OTPs a subscriber: activate another one"
    while step > step_now() + 1:
        time.sleep(0.1)  # at most the second that is left of this step
    return step
