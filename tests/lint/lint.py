#!/usr/bin/env python3
"""The layout and conventions of the project, held by machine. Each rule is a function that yields
its faults as `file:line: what is wrong and what to do`. Prints one line a rule; fails on any fault.
    lint.py [SOURCE TREE]"""

import re
import subprocess
import sys
from pathlib import Path

from containers import compose_faults, dockerfile_faults
from pages import markup_faults, unsafe_faults, word_faults, words

SOURCE = Path(sys.argv[1] if __name__ == "__main__" and sys.argv[1:] else __file__).resolve()
SOURCE = SOURCE if SOURCE.is_dir() else SOURCE.parents[2]

# Third-party headers and the files that may include them; OpenSSL where keys, digests and TLS are.
ROOMS = [
    (r"event2/", r"rsspd/base/loop|api/http|rsspd/store/pg|hsm/client|rsspd/core/fetch|clients/demo-app/web"),
    (r"libpq-fe\.h|libpq/|pg_config", r"rsspd/store/"),
    (r"(p11-kit-1/)?(p11-kit/|pkcs11)", r"hsm/"),
    (r"argon2\.h", r"hsm/"),
    (r"liboath/", r"hsm/"),
    (r"jwt\.h", r"rsspd/core/oauth/token\.c"),
    (r"curl/", r"rsspd/core/fetch\.c|clients/lib/"),
    (r"qpdf/|png\.h|zlib\.h|hb(-[a-z]+)?\.h", r"clients/lib/ades/"),
    (r"ini_", r"rsspd/conf\.c"),
    (r"jansson\.h", r"rsspd/policy/|rsspd/core/|api/|clients/"),
    (r"utf8proc\.h", r"rsspd/policy/|clients/"),
    (r"openssl/", r"rsspd/base/|hsm/|api/(http|csc_certificate)|clients/|rsspd/core/"),
]

# Direction: main → server → api → core → {policy, store, hsm client} → base. A file belongs to the
# first room whose pattern its path matches, and may include what that room names.
LAYERS = [
    ("base", r"rsspd/base/", ()),
    ("policy", r"rsspd/policy/", ("base",)),
    ("store", r"rsspd/store/", ("base",)),
    ("core", r"rsspd/core/", ("base", "policy", "store", "frames")),
    ("sam", r"hsm/(p11|sam)/", ("base", "frames", "conf")),
    ("frames", r"hsm/", ("base",)),
    ("api", r"api/", ("base", "core", "policy", "store", "frames")),
    ("ades", r"clients/lib/ades/", ("base",)),
    ("clients", r"clients/", ("base", "ades", "frames")),
    ("main", r"rsspd/main\.c", ("base", "conf", "server")),
    ("conf", r"rsspd/conf[_a-z]*\.[ch]", ("base",)),
    ("server", r"rsspd/[a-z_]+\.[ch]", ("base", "policy", "store", "core", "frames", "api", "conf")),
]

FORBIDDEN = r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|alloca|system|popen|tmpnam|mktemp)\s*\("
CLOCKS = r"\b(time|gettimeofday|clock_gettime|clock|ftime|localtime|localtime_r)\s*\("
LONGEST_FILE, LONG_FUNCTION, LONGEST_FUNCTION = 800, 60, 80


def tracked(*patterns):
    listed = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-z", "--", *patterns],
                            capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (SOURCE / name).is_file()]


def lines(name):
    return (SOURCE / name).read_text(encoding="utf-8", errors="replace").splitlines()


def code(name):
    """A C file's lines without comments and the insides of strings; line numbers stay."""
    text = "\n".join(lines(name))
    parts = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(found):
        start = found.group()
        return re.sub(r"[^\n]", " ", start) if start.startswith("/") else '""'
    return re.sub(parts, blank, text, flags=re.DOTALL).split("\n")


def c_files():
    return tracked("*.c", "*.h")


def shipped():
    return [name for name in c_files() if not name.startswith("tests/")]


def includes(name):
    for number, line in enumerate(lines(name), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found.group(1) == '"', found.group(2)


def matches(pattern, name):
    return re.match(pattern, name) is not None


def third_party_headers_stay_in_their_rooms():
    for name in shipped():
        for number, own, header in includes(name):
            for pattern, rooms in ROOMS:
                if not own and matches(pattern, header) and not matches(rooms, name):
                    yield f"{name}:{number}: <{header}> is for {rooms}"


def layer_of(name):
    return next(((layer, may) for layer, pattern, may in LAYERS if matches(pattern, name)), None)


def included_file(name, header):
    for folder in ("", "rsspd/", str(Path(name).parent) + "/"):
        if (SOURCE / (folder + header)).is_file():
            return folder + header
    return None


def includes_go_one_way():
    for name in shipped():
        layer, may = layer_of(name) or (None, ())
        if layer is None:
            yield f"{name}:1: no layer of the table in tests/lint/lint.py holds this file"
            continue
        for number, own, header in includes(name):
            target = included_file(name, header) if own else None
            of = layer_of(target) if target else None
            if of and of[0] != layer and of[0] not in may:
                yield f"{name}:{number}: {layer} may not include {header} of {of[0]}"


def one_main_a_program():
    mains = r"rsspd/main\.c|hsm/sam/main\.c|hsm/p11/main_keys\.c|clients/(cli|demo-app)/main\.c|tests/"
    for name in tracked("*.c"):
        for number, line in enumerate(code(name), 1):
            if re.match(r"(int|void)\s+main\s*\(", line) and not matches(mains, name):
                yield f"{name}:{number}: main() stands in a program's main file only"


def each_match(names, pattern, message, exempt=r"(?!)"):
    for name in names:
        if matches(exempt, name):
            continue
        for number, line in enumerate(code(name), 1):
            found = re.search(pattern, line)
            if found:
                yield f"{name}:{number}: {found.group().rstrip('(').strip()}: {message}"


def no_forbidden_functions():
    yield from each_match(c_files(), FORBIDDEN, "unsafe; use base/buf.h, snprintf, strtol")


def one_clock():
    yield from each_match(shipped(), CLOCKS, "use base/clock.h", r"rsspd/base/clock\.c|clients/cli/")


def no_environment_in_the_daemon():
    """But for the one variable by which a service manager says where it listens."""
    yield from each_match(shipped(), r"\b(secure_)?getenv\s*\(", "options come from the one table",
                          r"clients/cli/|rsspd/notify\.c")


def no_runtime_switches_in_the_build():
    """No build flag may turn off OTP, policy, audit or verification, or set the clock."""
    pattern = r"#\s*if(def|ndef)?\b.*\b\w*(DISABLE|SKIP|NO|FAKE|INSECURE|TEST(ING)?)_?(OTP|PIN|POLICY|AUDIT|VERIFY|CLOCK|TIME)"
    yield from each_match(shipped(), pattern, "what protects is not conditional")


def results_are_checked():
    for name in tracked("*.h"):
        for number, line in enumerate(code(name), 1):
            if re.match(r"(static inline\s+)?rc_t\s+(?!rc_from_name)\w+\s*\(", line):
                yield f"{name}:{number}: a function that can fail is declared must_check rc_t"


def files_stay_short():
    for name in tracked("*.c", "*.h", "*.py", "*.sh", "*.ts", "*.tsx", "*.mjs", "rsspd/quickstart",
                        "tests/run", "tests/bench/run"):
        count = len(lines(name))
        if count > LONGEST_FILE:
            yield f"{name}:1: {count} lines; {LONGEST_FILE} at most"


def functions():
    names = "\n".join(tracked("*.c"))
    tags = subprocess.run(
        ["ctags", "-L", "-", "--languages=C", "--c-kinds=f", "--fields=+ne", "-f", "-"],
        input=names, capture_output=True, text=True, check=True, cwd=SOURCE).stdout
    for row in tags.splitlines():
        cells = row.split("\t")
        found = dict(cell.split(":", 1) for cell in cells[3:] if ":" in cell)
        if "end" in found:
            yield cells[1], int(found["line"]), cells[0], int(found["end"]) - int(found["line"]) + 1


def functions_stay_short():
    for name, number, function, count in functions():
        if count > LONGEST_FUNCTION:
            yield f"{name}:{number}: {function} has {count} lines; about 30 are right, 80 the end"


def lines_stay_within_100_columns():
    for name in c_files():
        for number, line in enumerate(lines(name), 1):
            if len(line.expandtabs(8)) > 110:
                yield f"{name}:{number}: {len(line.expandtabs(8))} columns; 100 are right, 110 the end"


def tests_name_their_rooms_and_are_never_skipped():
    for name in tracked("tests/unit/test_*.c"):
        if not any("link: " in line for line in lines(name)[:10]):
            yield f"{name}:1: the first comment says `link: <rooms>`"
    skip = re.compile(r"pytest\.(mark\.)?(skip|xfail)|importorskip|\bskip\(\)")
    for name in tracked("tests/*.py", "tests/*.c"):
        for number, line in enumerate(lines(name), 1):
            if skip.search(line) and name != "tests/lint/lint.py":
                yield f"{name}:{number}: a test is never skipped"


def no_paths_of_one_machine():
    paths = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+)/")
    for name in tracked("."):
        if name in ("tests/lint/lint.py", ".gitignore") or (SOURCE / name).suffix in (".pdf", ".der"):
            continue
        for number, line in enumerate(lines(name), 1):
            if paths.search(line):
                yield f"{name}:{number}: a path of one machine"


def nothing_is_left_for_later():
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for name in c_files() + tracked("*.py", "*.sh"):
        for number, line in enumerate(lines(name), 1):
            if words.search(line) and name != "tests/lint/lint.py":
                yield f"{name}:{number}: finish it, or write an issue"


def scripts_can_run():
    for name in ("rsspd/quickstart", "tests/run", "tests/bench/run", ".ci/run", "schema/migrate"):
        path = SOURCE / name
        if not path.is_file() or not path.stat().st_mode & 0o111:
            yield f"{name}:1: missing, or without its run bit"


def the_readme_names_tests_that_exist():
    """What the threat model says is shown must be shown by a test of that name."""
    tests = "\n".join("\n".join(lines(name)) for name in tracked("tests/unit/*.c", "tests/func/*.py"))
    for name in tracked("README.md"):
        for number, line in enumerate(lines(name), 1):
            for test in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", line):
                if not re.search(rf"\b{test}\s*\(", tests):
                    yield f"{name}:{number}: no such test: {test}"


ERROR_ROW = re.compile(r'RC\((\w+),\s*(\d+),\s*"([^"]*)",\s*"([^"]*)",\s*(?:0|"([^"]*)"),\s*"([^"]*)"\)')
README_ROW = re.compile(r"\| `(\w+)` \| (\d+) `(\w*)` \| `([^`]*)`(?: · v2: `([^`]*)`)? \| [^|]+ \| ([^|]+) \|")


def error_list():
    """(line, row) of rsspd/base/rc.def, and whether the API sends it: what follows is ours alone."""
    sent, text = True, "\n".join(lines("rsspd/base/rc.def"))
    for found in re.finditer(rf"^/\* (documents|inside only)|^{ERROR_ROW.pattern}|^RC\(", text, re.M):
        number = text.count("\n", 0, found.start()) + 1
        if found.group(1):
            sent = False
        elif found.group(2):
            yield number, sent, tuple(cell or "" for cell in found.groups()[1:])
        else:
            yield number, sent, None


def errors_are_said_in_both_languages():
    for name in tracked("rsspd/base/rc.def"):
        for number, _, row in error_list():
            if row is None:
                yield f"{name}:{number}: RC(name, status, \"error\", \"v1\", 0 or \"v2\", \"tiếng Việt\")"
            elif row[0] != "OK" and (not row[3] or not row[5]):
                yield f"{name}:{number}: {row[0]} has no words"


def errors_are_used():
    """An error that nothing answers is a line that a client's author reads in vain."""
    used = set()
    for name in shipped():
        used.update(re.findall(r"\bRC_(\w+)", "\n".join(code(name))))
    for name in tracked("rsspd/base/rc.def"):
        for number, _, row in error_list():
            if row and row[0] not in used:
                yield f"{name}:{number}: no code says RC_{row[0]}"


def the_integrators_table_is_the_error_list():
    """clients/README.md has each error that the API sends, in the list's order and words."""
    for name in tracked("clients/README.md"):
        told = [(number, tuple(cell or "" for cell in found.groups())) for number, line
                in enumerate(lines(name), 1) for found in [README_ROW.fullmatch(line)] if found]
        due = [row for _, sent, row in error_list() if sent and row and row[0] != "OK"]
        for number, row in told:
            if row not in due:
                yield f"{name}:{number}: {row[0]} is not so in rsspd/base/rc.def"
        for row in due:
            if row not in [row for _, row in told]:
                yield f"{name}:1: {row[0]} of rsspd/base/rc.def is missing"
        if [row[0] for row in due] != [row[0] for _, row in told]:
            yield f"{name}:1: the errors stand in another order than in rsspd/base/rc.def"


def shell_scripts_have_no_trap():
    """What shellcheck warns of."""
    names = [name for name in tracked("*") if (SOURCE / name).suffix in ("", ".sh") and re.match(
        r"#!.*\bsh\b|#!.*\bbash\b|# shellcheck shell=", "\n".join(lines(name)[:1]))]
    if names:
        shown = subprocess.run(["shellcheck", "--severity=warning", "--format=gcc", *names], cwd=SOURCE,
                               capture_output=True, text=True, check=False).stdout
        yield from shown.splitlines()


def images_are_built_with_care():
    for name in tracked("*Dockerfile"):
        yield from dockerfile_faults(SOURCE, name)


def services_are_bounded():
    for name in tracked("*compose.yaml"):
        yield from compose_faults(SOURCE, name)


def pages_make_no_markup_or_program_from_text():
    for name in tracked("clients/web/*.ts"):
        yield from unsafe_faults(name, lines(name))
    for name in tracked("clients/web/*.html.in", "clients/web/*.svg"):
        yield from markup_faults(name, lines(name))


def pages_say_the_same_in_both_languages():
    tables = [(name, words(lines(name))) for name in tracked("clients/web/src/words/*.ts")]
    used = "\n".join("\n".join(lines(name)) for name in tracked("clients/web/src/*.ts")
                     if "/words/" not in name)
    for other in tables[:-1]:
        yield from word_faults(tables[-1], other, used)


RULES = [third_party_headers_stay_in_their_rooms, includes_go_one_way, one_main_a_program,
         no_forbidden_functions, one_clock, no_environment_in_the_daemon,
         no_runtime_switches_in_the_build, results_are_checked, files_stay_short,
         functions_stay_short, lines_stay_within_100_columns,
         tests_name_their_rooms_and_are_never_skipped, no_paths_of_one_machine,
         nothing_is_left_for_later, scripts_can_run, the_readme_names_tests_that_exist,
         images_are_built_with_care, services_are_bounded, shell_scripts_have_no_trap, errors_are_said_in_both_languages, errors_are_used, the_integrators_table_is_the_error_list,
         pages_make_no_markup_or_program_from_text, pages_say_the_same_in_both_languages]


def main():
    failed = 0
    for rule in RULES:
        faults = list(rule())
        failed += bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {rule.__name__.replace('_', ' ')}")
        for fault in faults:
            print("     " + fault)
    long = [row for row in functions() if LONG_FUNCTION < row[3] <= LONGEST_FUNCTION]
    for name, number, function, count in sorted(long, key=lambda row: -row[3]):
        print(f"note {name}:{number}: {function} has {count} lines")
    print(f"lint: {len(RULES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
