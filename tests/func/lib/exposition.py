"""The Prometheus text format 0.0.4, read as strictly as its description allows."""

import re
from collections import namedtuple

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\]|\\\\|\\n)+)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")

Family = namedtuple("Family", "name type help samples")


class Malformed(AssertionError):
    pass


def need(condition, line, what):
    if not condition:
        raise Malformed(f"{what}: {line!r}")


def labels_of(text, line):
    found, at = {}, 0
    while at < len(text):
        label = LABEL.match(text, at)
        need(label, line, "a label does not parse")
        need(label[1] not in found, line, "a label stands twice")
        found[label[1]] = label[2].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
        at = label.end()
        if at < len(text):
            need(text[at] == "," and at + 1 < len(text), line, "labels are not separated")
            at += 1
    return found


def parse(text):
    """The families by name; raises Malformed. samples: (suffix, labels, value)."""
    need(text.endswith("\n"), text[-40:], "the last line does not end")
    families, current, help_of = {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP"):
            found = HELP.fullmatch(line)
            need(found and found[1] not in families, line, "HELP is malformed or stands twice")
            help_of, current = found, None
        elif line.startswith("#"):
            found = TYPE.fullmatch(line)
            need(found and help_of and help_of[1] == found[1], line, "TYPE does not follow HELP")
            current = families[found[1]] = Family(found[1], found[2], help_of[2], [])
            help_of = None
        else:
            found = SAMPLE.fullmatch(line)
            need(found, line, "a sample does not parse")
            need(current and found[1].startswith(current.name), line, "a sample of no family")
            current.samples.append(
                (found[1][len(current.name):], labels_of(found[2] or "", line), float(found[3])))
    need(help_of is None, text[-40:], "HELP without TYPE")
    for family in families.values():
        check(family)
    return families


def check(family):
    seen = set()
    for suffix, labels, value in family.samples:
        key = (suffix, tuple(sorted(labels.items())))
        need(key not in seen, key, f"{family.name} has a series twice")
        seen.add(key)
        need(family.type == "gauge" or value >= 0, key, f"{family.name} counts below zero")
        if family.type != "histogram":
            need(suffix == "", key, f"{family.name} has a suffix")
    if family.type == "counter":
        need(family.name.endswith("_total"), family.name, "a counter without _total")
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    groups = {}
    for suffix, labels, value in family.samples:
        rest = tuple(sorted((name, text) for name, text in labels.items() if name != "le"))
        need(suffix in ("_bucket", "_sum", "_count"), suffix, family.name)
        need(("le" in labels) == (suffix == "_bucket"), labels, family.name)
        groups.setdefault(rest, []).append((suffix, labels.get("le"), value))
    for rest, samples in groups.items():
        buckets = [(float(le), value) for suffix, le, value in samples if suffix == "_bucket"]
        need([suffix for suffix, _, _ in samples[-2:]] == ["_sum", "_count"], rest, family.name)
        need(buckets == sorted(buckets) and len(dict(buckets)) == len(buckets), rest,
             "buckets do not rise")
        need([value for _, value in buckets] == sorted(value for _, value in buckets), rest,
             "buckets are not cumulative")
        need(buckets[-1] == (float("inf"), samples[-1][2]), rest, "+Inf is not the count")


def value(families, name, suffix="", **labels):
    """The one sample with exactly these labels; None if there is none."""
    found = [amount for own, given, amount in families[name].samples
             if own == suffix and given == labels]
    assert len(found) <= 1
    return found[0] if found else None
