"""What the pages' sources must be: no text that becomes markup or program, one table of words a
language with nothing missing, nothing idle, and the same blanks to fill."""

import re

UNSAFE = re.compile(
    r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
    r"|\beval\s*\(|\bnew Function\b|setTimeout\(\s*[\"'`]|\.on[a-z]{3,}\s*=[^=]|\.style\b|[\"']style[\"']\s*:"
    r"|\blocalStorage\b|\bdocument\.cookie\b|@ts-(?:ignore|nocheck|expect-error)|\bas any\b|:\s*any\b")
ADDRESS = re.compile(r"[\"'`](?:https?:)?//(?!www\.w3\.org/2000/svg)[^\"'`$]")
MARKUP = re.compile(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)", re.IGNORECASE)
WORD = re.compile(r'^\t"([\w.-]+)": "((?:[^"\\]|\\.)*)",$')
MADE = ("account.", "fault.", "problem.", "status.")  # keys that are put together


def unsafe_faults(name, lines):
    """TypeScript makes elements by calls, keeps nothing, and loads nothing of others."""
    for number, line in enumerate(lines, 1):
        found = UNSAFE.search(line) or ADDRESS.search(line)
        if found:
            yield f"{name}:{number}: {found.group().strip()}: see clients/web/src/dom.ts"


def markup_faults(name, lines):
    for number, line in enumerate(lines, 1):
        found = MARKUP.search(line)
        if found:
            yield f"{name}:{number}: {found.group().strip()}: no script, style or handler in a page"


def words(lines):
    return {found.group(1): found.group(2) for found in map(WORD.match, lines) if found}


def word_faults(first, second, used):
    """first, second: the tables, each (name, {key: text}); used: the text of what says them."""
    (one, told), (other, again) = first, second
    if list(told) != list(again):
        differing = set(told) ^ set(again) or "their order"
        yield f"{other}:1: not the keys of {one}: {differing}"
    for key in told:
        blanks = [sorted(re.findall(r"\{\w+\}", table.get(key, ""))) for table in (told, again)]
        if blanks[0] != blanks[1]:
            yield f"{other}:1: {key} has other blanks than in {one}"
        if not key.startswith(MADE) and f'"{key}"' not in used:
            yield f"{one}:1: nothing says {key}"
