"""`rsspd --check-config`: all that a start would find wrong, at once."""

import os
import shlex
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from lib.instance import BUILD
from test_reload import DAY, fresh, make_certificate

PROGRAM = str(BUILD / "bin" / "rsspd")


def run(*words, code):
    done = subprocess.run([PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, timeout=30, check=False)
    assert done.returncode == code, done
    return done


def faults(file, *words):
    """The lines that say what is wrong, without time, level and program."""
    said = run("--check-config", "--config", file, *words, code=78).stderr.splitlines()
    assert all(line.split()[1:3] == ["error", "check-config"] for line in said), said
    return [line.split(" ", 3)[3] for line in said]


@pytest.fixture
def config(instance):
    """Writes a configuration that differs from a good one by these options."""
    made = []

    def make(**options):
        file = instance.config(f"check{len(made)}.conf", **options)
        made.append(file)
        return file
    yield make
    for file in made:
        file.unlink()


def test_a_good_configuration_is_valid(config):
    file = config(listen__port=18443)
    assert run("--check-config", "--config", file, code=0).stdout == f"{file}: valid\n"


def test_one_that_runs_is_valid_and_goes_on(server):
    run("--check-config", "--config", server.config_file, code=0)
    assert server.ready()


def test_it_stands_alone_and_has_one_spelling(config):
    file = config()
    run("check-config", "--config", file, code=2)
    run("run", "--check-config", "--config", file, code=2)
    run("options", "--with-database", code=2)


def test_a_file_that_is_not_there_is_said(tmp_path):
    [line] = faults(tmp_path / "none.conf")
    assert "cannot be opened" in line


def test_every_fault_is_listed_at_once(config, tmp_path):
    expired, key = make_certificate(now() - 30 * DAY, now() - DAY)
    (tmp_path / "expired.pem").write_bytes(expired)
    put_key(tmp_path / "expired.key", key)
    open_pin = tmp_path / "pin"
    open_pin.write_text("1234\n")
    open_pin.chmod(0o644)
    said = "\n".join(faults(config(
        sad__lifetime_s="many", listen__address="localhost", pki__port=7777, listen__port=7777,
        metrics__port=7777, listen__mtls_port=7777, hsm__module="/no/such/module.so", hsm__key_pin_file=open_pin,
        hsm__ca_token="keys", notices__spool="/no/such/folder", sam__codes_spool=open_pin,
        tls__certificate=tmp_path / "expired.pem", tls__key=tmp_path / "expired.key",
        operators__file=tmp_path, api__user="nobody-of-that-name",
        log__file="/no/such/folder/rsspd.log")))
    for part in ("sad.lifetime-s is not a whole number", "listen.address: localhost is no numeric",
                 "pki.port and metrics.port are both 7777",
                 "listen.port and listen.mtls-port are both 7777",
                 "hsm.module: /no/such/module.so cannot be read", "hsm.key-pin-file",
                 "hsm.ca-token", "notices.spool: /no/such/folder", "sam.codes-spool",
                 "tls.certificate is not valid at this time", "operators", "api.user", "log.file"):
        assert part in said, (part, said)


def put_key(file, content):
    file.write_bytes(content)
    file.chmod(0o600)
    return file


def now():
    return datetime.now(timezone.utc).replace(tzinfo=None)


def test_a_key_of_another_certificate_is_said(config, tmp_path):
    certificate, _ = fresh()
    _, key = fresh()
    (tmp_path / "a.pem").write_bytes(certificate)
    put_key(tmp_path / "a.key", key)
    said = faults(config(tls__certificate=tmp_path / "a.pem", tls__key=tmp_path / "a.key"))
    assert len(said) == 1 and "tls.key" in said[0]


@pytest.mark.parametrize("start, end", [(-2, -1), (1, 2)], ids=["ended", "not begun"])
def test_a_certificate_out_of_its_time_is_said(config, tmp_path, start, end):
    certificate, key = make_certificate(now() + timedelta(days=start), now() + timedelta(days=end))
    (tmp_path / "a.pem").write_bytes(certificate)
    put_key(tmp_path / "a.key", key)
    [said] = faults(config(tls__certificate=tmp_path / "a.pem", tls__key=tmp_path / "a.key"))
    assert "tls.certificate is not valid at this time" in said


def test_a_file_that_cannot_be_read_is_said_once(config):
    for option in ("tls__certificate", "tls__key"):
        [line] = faults(config(**{option: "/no/such/file.pem"}))
        assert line.startswith(f"check: {option.replace('__', '.')}: /no/such/file.pem")


def test_a_file_without_its_option_is_told_how_to_be_named():
    assert "--config FILE" in run("--check-config", "rsspd.conf", code=2).stderr


def test_a_missing_ca_is_said(config):
    assert any("rssp-keys init" in line for line in faults(config(pki__ca_certificate="/no/ca.pem")))


def test_an_operators_file_that_anybody_can_write_is_said(config, instance, tmp_path):
    file = tmp_path / "operators.pem"
    file.write_bytes(instance.path("operators.pem").read_bytes())
    file.chmod(0o666)
    assert any("nobody else can write" in line for line in faults(config(operators__file=file)))


def test_a_key_that_everybody_can_read_is_said(config, tmp_path):
    certificate, key = fresh()
    (tmp_path / "a.pem").write_bytes(certificate)
    put_key(tmp_path / "a.key", key).chmod(0o644)
    [line] = faults(config(tls__certificate=tmp_path / "a.pem", tls__key=tmp_path / "a.key"))
    assert line.startswith("check: tls.key:") and "open to everybody" in line


def test_what_is_no_file_is_said_once(config):
    [line] = faults(config(tls__key="/dev/null"))
    assert line == "check: tls.key: /dev/null is no plain file"


def test_an_empty_pin_is_said(config, tmp_path):
    file = put_key(tmp_path / "empty.pin", b"")
    assert faults(config(hsm__key_pin_file=file)) == [f"check: hsm.key-pin-file: {file} is empty"]


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_log_that_is_no_file_is_said_as_the_start_says_it(config, tmp_path, kind):
    log = tmp_path / "log"
    log.mkdir() if kind == "folder" else log.symlink_to(tmp_path / "elsewhere.log")
    file = config(log__file=log)
    assert faults(file) == [f"check: log.file: {log} is no plain file"]
    run("run", "--config", file, code=78)


def named_passfile(instance, file):
    words = [word for word in instance.conninfo("rsspd").split() if not word.startswith("passfile=")]
    return " ".join([*words, f"passfile='{file}'"])


def test_a_passfile_that_libpq_would_pass_over_is_said(config, instance, tmp_path):
    file = tmp_path / "with a blank.pgpass"
    use = config(database__conninfo=named_passfile(instance, file))
    [line] = faults(use)
    assert line.startswith(f"check: database.conninfo: {file} cannot be read")
    file.write_text("*:*:*:rsspd:x\n")
    file.chmod(0o644)
    assert faults(use) == [f"check: database.conninfo: {file} is open to others; chmod 600"]
    file.chmod(0o600)
    run("--check-config", "--config", use, code=0)


def test_a_key_under_a_passphrase_is_refused_without_asking_for_it(config, tmp_path):
    """Asked for on a terminal, it would stop a service that reads its key again."""
    certificate, key = fresh()
    (tmp_path / "a.pem").write_bytes(certificate)
    put_key(tmp_path / "plain.key", key)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "plain.key", "-out", tmp_path / "a.key", "-aes256",
                    "-passout", "pass:mau"], check=True, umask=0o077)
    file = config(tls__certificate=tmp_path / "a.pem", tls__key=tmp_path / "a.key")
    command = shlex.join([PROGRAM, "--check-config", "--config", str(file)])
    done = subprocess.run(["setsid", "--wait", "script", "-qec", command, "/dev/null"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, timeout=20, check=False)
    assert done.returncode == 78 and "tls.key" in done.stdout
    assert "pass phrase:" not in done.stdout


def test_the_database_is_asked_only_on_demand(config, instance):
    bad = instance.conninfo("rsspd").replace("dbname=", "dbname=no_such_")
    file = config(database__conninfo=bad)
    run("--check-config", "--config", file, code=0)
    assert any("database.conninfo" in line for line in faults(file, "--with-database"))


def test_a_good_database_is_found_good(config):
    run("--check-config", "--with-database", "--config", config(), code=0)


def test_a_database_role_that_can_do_too_much_is_said(config, instance):
    said = faults(config(database__conninfo=instance.conninfo("postgres")), "--with-database")
    assert any("must not be a superuser" in line for line in said)


def test_no_pin_and_no_key_is_shown(config, instance):
    done = run("--check-config", "--config", config(notices__spool="/no"), code=78)
    shown = done.stdout + done.stderr
    for name in ("keys.pin", "ca.pin"):
        assert instance.path("secrets", name).read_text().strip() not in shown


def test_nothing_is_written(config, instance):
    def content():
        return {str(file.relative_to(instance.folder)): file.stat().st_mtime_ns
                for part in ("tls", "secrets", "spool", "tokens") for file in instance.path(part).rglob("*")}
    file = config()
    before = content()
    run("--check-config", "--config", file, code=0)
    assert content() == before


def test_what_the_service_refuses_to_start_with_the_check_finds(config, tmp_path):
    """The check is no weaker than the start: exit 78 of both."""
    certificate, _ = fresh()
    (tmp_path / "a.pem").write_bytes(certificate)
    put_key(tmp_path / "a.key", b"")
    file = config(tls__certificate=tmp_path / "a.pem", tls__key=tmp_path / "a.key")
    faults(file)
    run("run", "--config", file, code=78)


def test_folders_are_looked_at_by_the_user_who_needs_them(config, tmp_path):
    """Only root can change users; for everybody else the folder is closed to himself."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    options = {"notices__spool": closed}
    if os.geteuid() == 0:
        options["api__user"] = "nobody"
    else:
        closed.chmod(0o500)
    said = faults(config(**options))
    assert any(line.startswith("check: notices.spool") and "Permission denied" in line for line in said)
