"""clients/README.md as tests read it: its blocks of commands, and its table of errors."""

import re
from collections import namedtuple
from functools import lru_cache

from .instance import SOURCE

README = SOURCE / "clients" / "README.md"
Block = namedtuple("Block", "name code expected")
Refusal = namedtuple("Refusal", "name status error v1 v2 todo vietnamese")

# Words that are not of the one list: reasons of the policy, names of parameters, times to wait.
OWN_WORDS = re.compile(r"Parameter \w+: |The parameter \w+ |Mã OTP đã được dùng; |The OTP was used already; |"
                       r"Signing certificate 'O=")
ROW = re.compile(r"\| `(\w+)` \| (\d+) `(\w+)` \| `([^`]+)`(?: · v2: `([^`]+)`)? \| (.+) \| (.+) \|")


@lru_cache
def blocks():
    """Each `sh` block, named by its heading, and the `text` block below it ("" without one)."""
    found = []
    text = README.read_text(encoding="utf-8")
    fences = re.finditer(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", text, re.M | re.S)
    for number, fence in enumerate(fences, 1):
        heading = re.findall(r"^##+ (.*)$", text[:fence.start()], re.M)[-1]
        name = re.sub(r"\W+", "-", heading).strip("-").lower()
        found.append(Block(f"{number:02d}-{name}", fence.group(1), fence.group(2) or ""))
    return found


@lru_cache
def refusals():
    text = README.read_text(encoding="utf-8")
    return [Refusal(name, int(status), error, v1, v2 or v1, todo, vietnamese)
            for name, status, error, v1, v2, todo, vietnamese in ROW.findall(text)]


def exit_codes(lang):
    rows = re.findall(r"^\| (\d) \| (.*) \| (.*) \|$", README.read_text(encoding="utf-8"), re.M)
    return [(code, words[lang == "vi"]) for code, *words in rows]


def is_documented(status, code, text):
    """Does the table hold this answer, in either language? Some texts say more than the table: a name after a
    colon, the policy's own reasons."""
    for row in refusals():
        words = text in (row.v1, row.v2, row.vietnamese) or text.startswith((row.v1 + ": ", row.v2 + ": "))
        if row.status == status and row.error == code and (words or code == "access_denied"):
            return True
    return status == 400 and OWN_WORDS.match(text) is not None
