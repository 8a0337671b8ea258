"""What an installation brings: programs, manual pages, completion, units, users, folders, the sample
configuration; and that each of them is good by the judgement of the tool that reads it."""

import os
import pty
import re
import select
import socket
import stat
import subprocess
import time

import pytest

from lib.instance import BUILD, SOURCE
from lib.rssp import PROGRAM
from lib.server import Server

PREFIX = "usr/local"
PLACES = """
bin/rsspd bin/rssp bin/rssp-sam bin/rssp-keys libexec/rsspd/rsspd-mail
share/man/man1/rssp.1 share/man/vi/man1/rssp.1 share/man/man5/rsspd.conf.5
share/man/man8/rsspd.8 share/man/man8/rssp-keys.8
share/bash-completion/completions/rssp
lib/systemd/system/rsspd.service lib/systemd/system/rsspd-mail.service
lib/systemd/system/rsspd-mail.path lib/systemd/system/rsspd-mail.timer
lib/sysusers.d/rsspd.conf lib/tmpfiles.d/rsspd.conf
share/rsspd/rsspd.conf.sample share/rsspd/mail.conf.sample share/rsspd/openapi.yaml
share/rsspd/schema/migrate share/rsspd/schema/0001-roles.sql
share/rsspd/rsspd/policy/default.json share/rsspd/rsspd/bootstrap/packages.txt
share/rsspd/rsspd/systemd/sysusers.conf share/rsspd/docker/prepare share/rsspd/docker/steps
""".split()
PAGES = [place for place in PLACES if place.startswith("share/man")]
UNITS = [place for place in PLACES if "/systemd/system/" in place]


def run(*words, expect=0, **more):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False, **more)
    assert done.returncode == expect, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", f"/{PREFIX}", env={**os.environ, "DESTDIR": str(folder)})
    return folder


@pytest.fixture(scope="module")
def place(tree):
    return tree / PREFIX


# -- the tree --


def test_everything_is_at_its_place(place):
    assert [name for name in PLACES if not (place / name).is_file()] == []


def test_nothing_is_installed_outside_the_prefix(tree, place):
    assert [file for file in tree.rglob("*") if file.is_file() and place not in file.parents] == []


def test_what_can_be_executed_is_a_program_and_nobody_can_change_it(place):
    for file in place.rglob("*"):
        mode = stat.S_IMODE(file.stat().st_mode)
        assert not mode & 0o022, file
        if file.is_file():
            program = file.read_bytes()[:4] == b"\x7fELF" or file.read_bytes()[:2] == b"#!"
            assert bool(mode & 0o111) == program, file


def test_no_test_and_no_secret_is_installed(place):
    names = [str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()]
    assert not [name for name in names if re.search(r"test|fuzz|\.key$|\.pin$|pgpass|\.pem$", name)]


def test_the_installed_migration_finds_its_policy(place):
    shown = run(place / "share/rsspd/schema/migrate", "host=127.0.0.1 port=1 dbname=none", expect=1)
    assert "no connection to the database" in shown


# -- the configuration --


def options_of(text):
    """(section, key) of each option of a sample, commented out or not."""
    section, found = None, []
    for line in text.splitlines():
        opened, option = re.fullmatch(r"\[(.*)\]", line), re.match(r"#?([a-z][a-z-]*) =", line)
        section = opened.group(1) if opened else section
        if option:
            found.append((section, option.group(1)))
    return found


def table_of_options():
    """The rows of the table itself, as it stands in the source."""
    rows = (SOURCE / "rsspd/conf_table.c").read_text(encoding="utf-8")
    return re.findall(r'^\{"([a-z-]+)", "([a-z-]+)",', rows, re.MULTILINE)


def test_the_sample_has_every_option_of_the_table_once(place):
    shown = options_of((place / "share/rsspd/rsspd.conf.sample").read_text())
    assert shown == table_of_options() and len(set(shown)) == len(shown) > 40


def test_the_sample_needs_only_its_values_changed(place, instance):
    """Each line of an instance's own configuration takes the place of the sample's."""
    sample = (place / "share/rsspd/rsspd.conf.sample").read_text()
    own = instance.path("rsspd.conf").read_text()
    section, text = None, sample
    for line in own.splitlines():
        if line.startswith("["):
            section = line
        elif " = " in line and not line.startswith(";"):
            key = line.split(" = ")[0]
            before, opened, after = text.partition(f"\n{section}\n")
            after, count = re.subn(rf"(?m)^#?{re.escape(key)} =.*$", lambda _, line=line: line, after, count=1)
            assert count == 1, (section, key)
            text = before + opened + after
    file = instance.path("from-sample.conf")
    file.write_text(text)
    run(place / "bin/rsspd", "--check-config", "--config", file, env=instance.environment())


def test_the_sample_says_what_each_section_is_about(place):
    lines = (place / "share/rsspd/rsspd.conf.sample").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("["):
            assert re.match(r"# [A-Z]", lines[number - 1]), line


# -- the manual --


@pytest.mark.parametrize("page", PAGES)
def test_a_manual_page_has_no_fault(place, page):
    assert run("mandoc", "-T", "lint", "-W", "warning", place / page) == ""
    assert run("groff", "-man", "-Tutf8", "-ww", "-z", place / page) == ""
    assert (place / page).read_bytes().isascii()


def rendered(page):
    """As the reader sees it, without the marks of bold."""
    return re.sub(r".\x08", "", run("mandoc", "-T", "utf8", "-O", "width=200", page))


def test_the_manual_of_the_configuration_has_every_option(place):
    shown = rendered(place / "share/man/man5/rsspd.conf.5")
    position = 0
    for section, key in table_of_options():
        heading = re.compile(rf"^ +\[{re.escape(section)}\]$", re.MULTILINE).search(shown).end()
        position = max(position, heading)
        found = re.compile(rf"^ +{re.escape(key)}\b", re.MULTILINE).search(shown, position)
        assert found, (section, key)
        position = found.end()


def commands(path=()):
    """Every command that rssp's own help names, with the options it has."""
    shown = run(PROGRAM, *path, "--help", "--lang", "en")
    below = re.search(r"\nCommands:\n(.*?)\n\n", shown, re.DOTALL)
    own = re.search(r"\nOptions:\n(.*?)\n\n", shown, re.DOTALL)
    options = re.findall(r"^  (?:-\w, |    )--([a-z-]+)", own.group(1), re.MULTILINE) if own else []
    names = re.findall(r"^  (\S+)", below.group(1), re.MULTILINE) if below else []
    yield path, names, options
    for name in names:
        yield from commands((*path, name))


@pytest.fixture(scope="module")
def tree_of_commands():
    found = list(commands())
    assert len(found) > 20
    return found


@pytest.mark.parametrize("page", ["share/man/man1/rssp.1", "share/man/vi/man1/rssp.1"])
def test_the_manual_of_rssp_has_every_command_and_option(place, page, tree_of_commands):
    shown = rendered(place / page)
    for path, names, options in tree_of_commands:
        if names:
            continue
        part = shown[re.compile(rf"^ +rssp {' '.join(path)}$", re.MULTILINE).search(shown).end():]
        part = part[:re.compile(r"^ {1,5}rssp |^[A-Z]", re.MULTILINE).search(part).start()]
        assert [name for name in options if f"--{name}" not in part] == [], path


def test_the_vietnamese_page_is_in_vietnamese(place):
    shown = rendered(place / "share/man/vi/man1/rssp.1")
    assert "ký tệp PDF" in shown and "MÃ THOÁT" in shown and "kiểm tra danh sách" in shown


@pytest.mark.parametrize("name", ["rsspd.8", "rssp-keys.8"])
def test_what_help_says_stands_in_the_manual(place, name):
    shown = re.sub(r"\s+", " ", rendered(place / "share/man/man8" / name)).replace("- ", "-")
    for line in run(place / "bin" / name[:-2], "--help").splitlines()[1:]:
        for part in re.split(r"  +|; ?\b|: (?=\d)", re.sub(r"^(usage|exit \w+): ", "", line)):
            assert re.sub(r"^\d+ ", "", part).strip("; ").replace("- ", "-") in shown, part


# -- completion --


def complete(place, *words, breaks="\" \t\n'><=;|&(:"):
    """What bash is offered for the last word, and by which means it would look for names of files."""
    script = """
        compopt() { [ "$1" = -o ] && printf 'by %s\\n' "$2"; }
        source "$1"; COMP_WORDBREAKS=$2; shift 2
        COMP_WORDS=(rssp "$@") COMP_CWORD=$#
        _rssp && printf '%s\\n' "${COMPREPLY[@]}"
    """
    shown = run("bash", "--norc", "-euc", script, "bash",
                place / "share/bash-completion/completions/rssp", breaks, *words)
    return sorted(line for line in shown.split("\n") if line)


def test_every_command_and_option_is_completed(place, tree_of_commands):
    for path, names, options in tree_of_commands:
        if names:
            assert complete(place, *path, "") == sorted(names), path
        offered = complete(place, *path, "--")
        assert {f"--{name}" for name in [*options, "env", "url", "lang", "help"]} <= set(offered), path


@pytest.mark.parametrize("words, offered", [
    (["oper"], ["operator"]),
    (["operator", "agency", "a"], ["add"]),
    (["--lang", "vi", "operator", "a"], ["agency"]),
    (["--lang", "=", "vi", "operator", "a"], ["agency"]),
    (["operator", "--env", "operator", "cl"], ["client"]),
    (["activate", "--key", "p-"], ["p-256", "p-384"]),
    (["activate", "--key", "=", "rsa-2"], ["rsa-2048"]),
    (["activate", "--key", "="], ["p-256", "p-384", "rsa-2048", "rsa-3072", "rsa-4096"]),
    (["operator", "agency", "add", "X", "--sector", "he"], ["health"]),
    (["sign", "--lang", ""], ["en", "vi"]),
    (["completion", ""], ["bash"]),
    (["sign", "--schem"], ["--scheme"]),
    (["sign", "--json", "--scheme", "p"], ["pkcs1", "pss"]),
    (["verify", "--expect", ""], ["organisation", "person"]),
    (["sign", "--page", ""], ["first", "last"]),
    (["sign", ""], ["by default"]),
    (["sign", "-o", "x"], ["by default"]),
    (["sign", "--", "--sch"], ["by default"]),
    (["operator", "enrol", "x"], ["by default"]),
    (["sign", "--user", ""], []),
    (["sign", "--reason", "--sch"], []),
    (["operator", "client", "rotate", ""], []),
    (["nonsense", "--lan"], ["--lang"]),
])
def test_words_and_values_are_completed(place, words, offered):
    assert complete(place, *words) == offered


def test_a_value_is_completed_where_bash_does_not_part_words_at_an_equals_sign(place):
    assert complete(place, "activate", "--key=p-", breaks=" \t\n") == ["--key=p-256", "--key=p-384"]


def typed(keys, place, folder):
    """What an interactive bash has on its command line after these keys."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {
            "PS1": "> ", "TERM": "dumb", "HOME": str(folder), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
    seen = ""
    script = place / "share/bash-completion/completions/rssp"
    rssp = 'rssp() { printf "<%s>" "$@"; echo " end"; }'
    os.write(terminal, f"bind 'set bell-style none'; source {script}; {rssp}\n".encode())
    os.write(terminal, keys.encode() + b"\n")
    end = time.monotonic() + 20
    while " end\r" not in seen.replace('echo " end"', "") and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    os.close(terminal)
    os.waitpid(pid, 0)
    return re.findall(r"(<.*>) end", seen)[-1]


def test_a_real_shell_completes_commands_and_names_of_files(place, tmp_path):
    (tmp_path / "học bạ lớp 9.pdf").touch()
    assert typed("rssp op\tag\tad\t", place, tmp_path) == "<operator><agency><add>"
    assert typed("rssp sign h\t--sch\tps\t", place, tmp_path) == "<sign><học bạ lớp 9.pdf><--scheme><pss>"
    assert typed("rssp sign -o=h\t", place, tmp_path) == "<sign><-o=học bạ lớp 9.pdf>"


def test_another_shell_is_said_to_be_unknown():
    assert "bash" in run(PROGRAM, "completion", "fish", expect=2)


# -- systemd --


@pytest.fixture(scope="module")
def units(place, tmp_path_factory):
    """The units, their programs where they were installed for this test."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (place / name).read_text()
        for where in ("bin", "libexec"):
            text = text.replace(f"=/{PREFIX}/{where}/", f"={place}/{where}/")
        (folder / name.rpartition("/")[2]).write_text(text)
    return folder


def test_the_units_are_understood(units):
    """Every name is one that systemd knows, every program is there."""
    assert run("systemd-analyze", "verify", "--man=no", *sorted(units.iterdir())) == ""


@pytest.mark.parametrize("unit, most", [("rsspd.service", 20), ("rsspd-mail.service", 10)])
def test_a_unit_exposes_little(units, unit, most):
    """Of 100: the supervisor, which becomes two users, at most 2.0; the sender at most 1.0."""
    shown = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most}", units / unit)
    assert f"Overall exposure level for {unit}" in shown


def calls_allowed(unit):
    """What SystemCallFilter leaves in the end: each line adds, or takes away with ~."""
    groups, name = {}, None
    for line in run("systemd-analyze", "--no-pager", "syscall-filter").splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif name and line.strip() and not line.strip().startswith("#"):
            groups[name].add(line.strip())

    def expand(word):
        return {word} if word[0] != "@" else set().union(*map(expand, groups[word]))
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - named if line[0] == "~" else allowed | named
    return allowed


def test_the_sams_may_stand_behind_the_others_under_the_unit(place):
    """The rates of README.md are those of SAMs that do."""
    allowed = calls_allowed((place / "lib/systemd/system/rsspd.service").read_text())
    assert {"sched_setscheduler", "setpriority", "setuid"} <= allowed
    assert not {"setrlimit", "nice", "reboot", "chroot", "mount", "ptrace", "sched_setattr"} & allowed


def test_the_unit_has_descriptors_for_every_connection(place):
    """Two listeners of the API, each with as many connections as api/http.h says, and the rest."""
    unit = (place / "lib/systemd/system/rsspd.service").read_text()
    header = (SOURCE / "api/http.h").read_text()
    most = int(re.search(r"#define HTTP_CONNECTIONS_MAX (\d+)", header)[1])
    assert int(re.search(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)[1]) >= 2 * most + 1024


def test_the_check_before_a_start_keeps_nothing_down(place):
    """It is stricter than the start, which goes on with what serves in part."""
    unit = (place / "lib/systemd/system/rsspd.service").read_text()
    [check] = re.findall(r"^ExecStartPre=(.*)$", unit, re.MULTILINE)
    assert check.startswith("-") and " --check-config " in check


def test_the_manual_pages_that_the_units_name_are_there(place):
    for unit in UNITS:
        for name, section in re.findall(r"man:(\S+)\((\d)\)", (place / unit).read_text()):
            assert (place / f"share/man/man{section}/{name}.{section}").is_file()


def test_users_and_folders_are_made(tree, tmp_path):
    (tree / "etc").mkdir()
    run("systemd-sysusers", f"--root={tree}")
    users = dict(line.split(":")[0:3:2] for line in (tree / "etc/passwd").read_text().splitlines())
    assert users == {"rsspd-api": "970", "rsspd-sam": "971", "rsspd-mail": "972"}
    run("systemd-tmpfiles", f"--root={tree}", "--create")
    for name, mode, owner, group in [
            ("", 0o711, 0, 0), ("secrets", 0o711, 0, 0), ("tokens", 0o700, 971, 971), ("spool", 0o711, 0, 0),
            ("spool/codes", 0o2770, 971, 972), ("spool/notices", 0o2770, 970, 972)]:
        found = (tree / "var/lib/rsspd" / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, owner, group), name


@pytest.fixture
def manager(tmp_path, monkeypatch, request):
    """The socket of a service manager, by path or in the abstract namespace."""
    name = str(tmp_path / "notify")
    name = "\0" + name if request.param == "abstract" else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        yield listening


def told(manager, state):
    while True:
        lines = manager.recv(4096).decode().split("\n")
        if state in lines:
            return lines


@pytest.mark.parametrize("manager", ["path", "abstract"], indirect=True)
def test_the_service_manager_hears_when_it_serves_and_when_it_stops(instance, manager):
    server = Server(instance, "notified").start(ready=False)
    try:
        told(manager, "READY=1")
        with socket.create_connection(("127.0.0.1", server.port), timeout=1):
            pass
    finally:
        assert server.stop() == 0
    told(manager, "STOPPING=1")


def test_a_socket_that_is_none_is_said(instance, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "nonsense")
    server = Server(instance, "unheard").start(ready=False)
    assert server.process.wait(20) == 1 and "NOTIFY_SOCKET" in server.log()


# -- the image --


def libraries(program):
    """What it is linked with itself, but for the compiler's own and the sanitizers'."""
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))
    return [name for name in names if not re.match(r"lib(c|m|asan|ubsan|gcc_s|dl|stdc\+\+)\.so|ld-", name)]


@pytest.mark.parametrize("name", ["rsspd", "rssp", "rssp-sam", "rssp-keys"])
def test_the_image_has_every_library_that_a_program_needs(name):
    rows = (SOURCE / "rsspd/bootstrap/packages.txt").read_text().splitlines()
    image = {row.split("\t")[1] for row in rows if row.startswith("image\t")}
    for library in libraries(BUILD / "bin" / name):
        owners = {line.split(":")[0] for line in run("dpkg", "-S", f"*/{library}").splitlines()}
        assert owners & image, f"{library} is of {owners}"


# -- the composition --


def test_docker_compose_understands_the_composition(tmp_path):
    text = (SOURCE / "docker/compose.yaml").read_text()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/compose.yaml").write_text(text)
    (tmp_path / "docker/postgres.password").write_text("x")
    run("docker-compose", "-p", "rsspd", "-f", tmp_path / "docker/compose.yaml", "config", "--quiet")
