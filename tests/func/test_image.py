"""The image and the composition without a container engine: a root of its own with this machine's /usr
stands for the image's, the installed steps make its users and its first instance, and the daemon runs in
it under the bounds of compose.yaml: read-only, few capabilities, no way to gain any. Needs root."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests
import yaml

from lib.instance import BUILD, SOURCE, Instance, free_ports

# whom the certificate names is not asked here
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS")

SHARE = "/usr/local/share/rsspd"
DATA = "/var/lib/rsspd"
COMPOSE = yaml.safe_load((SOURCE / "docker/compose.yaml").read_text())["services"]
API, SAM, MAIL = 970, 971, 972

# The holder of the mounts ends, and they with it, when its standard input does.
MOUNTS = """
set -e
cd "$1"
mkdir root
mount -t tmpfs -o mode=755 image root
cd root
mkdir -p usr etc proc dev var/lib tmp run root
mount --rbind /usr usr
mount -o remount,ro,bind usr
mount -t tmpfs -o mode=755 tmpfs usr/local
mount --rbind /proc proc
mount --rbind /dev dev
for link in bin sbin lib lib64; do
	ln -s "usr/$link" "$link"
done
for name in alternatives group hosts ld.so.cache login.defs nsswitch.conf passwd postgresql-common ssl/openssl.cnf; do
	[ ! -e "/etc/$name" ] || (cd /etc && cp -a --parents "$name" "$OLDPWD/etc")
done
chmod 1777 tmp
echo mounted
cat
"""


class Image:
    def __init__(self, folder):
        self.root = folder / "root"
        self.port, self.pki_port = free_ports(2)
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "bash", "-c", MOUNTS, "bash", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert (line := self.holder.stdout.readline()) == "mounted\n", line + self.holder.stdout.read()

    def command(self, *words, service=None):
        """As the service of compose.yaml is bounded; without one, as root builds the image."""
        inside = ["nsenter", f"--target={self.holder.pid}", "--mount"]
        if service is not None:
            keep = [f"+{name.lower()}" for name in COMPOSE[service].get("cap_add", ())]
            inside += ["setpriv", "--no-new-privs", "--inh-caps=-all",
                       "--bounding-set=" + ",".join(["-all", *keep])]
            user = COMPOSE[service].get("user", "0:0").split(":")
            # chroot is itself a capability
            inside = inside[:3] + ["chroot", str(self.root)] + inside[3:]
            inside += [f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"] if user[0] != "0" else []
            return [*inside, "--", *map(str, words)]
        return [*inside, "chroot", str(self.root), *map(str, words)]

    def run(self, *words, service=None, **variables):
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                       "BUILD": "/usr/local", "LISTEN": "127.0.0.1", "PORT": str(self.port),
                       "PKI_PORT": str(self.pki_port), "ASAN_OPTIONS": "detect_leaks=0", **variables}
        done = subprocess.run(self.command(*words, service=service), stdin=subprocess.DEVNULL, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


@pytest.fixture(scope="module")
def image():
    with tempfile.TemporaryDirectory(prefix="rsspd-image-") as folder:
        made = Image(Path(folder))
        try:
            staged = Path(folder + ".staged")
            subprocess.run(["cmake", "--install", str(BUILD), "--prefix", "/usr/local"], check=True,
                           stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": str(staged)})
            tar = subprocess.run(["tar", "-C", str(staged / "usr/local"), "-c", "."], stdout=subprocess.PIPE, check=True).stdout
            subprocess.run(made.command("tar", "-C", "/usr/local", "--no-overwrite-dir", "-x"), input=tar, check=True)
            shutil.rmtree(staged)
            made.run("rm", "-rf", "/etc/rsspd", DATA)
            made.run(f"{SHARE}/docker/steps", "users")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A cluster of its own: the passwords of its roles become those of the image's instance."""
    made = Instance(tmp_path_factory.mktemp("image-database"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def prepared(image, database):
    port = next(word[5:] for word in database.conninfo("postgres").split() if word.startswith("port="))
    image.run(f"{SHARE}/docker/prepare", "instance", service="instance", PGHOST="127.0.0.1", PGPORT=port)
    password = database.path("secrets", "postgres.pgpass").read_text().strip().rpartition(":")[2]
    image.run("sh", "-c", 'mkdir -p /run/secrets && printf %s "$WORD" > /run/secrets/postgres', WORD=password)
    image.run(f"{SHARE}/docker/prepare", "database", service="migration")
    return image


@pytest.fixture(scope="module")
def running(prepared):
    """What the image starts, with nothing that can be written but the volume and /tmp."""
    prepared.run("sh", "-c", f"mount --bind {DATA} {DATA} && mount -o remount,ro,bind /")
    with open(prepared.root.parent.with_suffix(".log"), "w+b") as log:
        process = subprocess.Popen(
            prepared.command("/usr/local/bin/rsspd", "run", "--config", "/etc/rsspd/rsspd.conf", service="rsspd"),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin", "SOFTHSM2_CONF": "/etc/rsspd/softhsm2.conf",
                 "ASAN_OPTIONS": "detect_leaks=0"})
        try:
            wait_ready(process, prepared.port, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            os.unlink(log.name)


def wait_ready(process, port, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"https://127.0.0.1:{port}/readyz", verify=False, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    log.seek(0)
    raise AssertionError(log.read().decode())


def modes(image):
    """{path below the volume: (mode, user, group)}"""
    shown = image.run("find", DATA, "-mindepth", "1", "-printf", "%P %m %U %G\\n")
    return {name: (int(mode, 8), int(user), int(group))
            for name, mode, user, group in (line.rsplit(" ", 3) for line in shown.splitlines())}


def test_the_users_of_the_image_are_those_of_sysusers(image):
    for name, number in (("rsspd-api", API), ("rsspd-sam", SAM), ("rsspd-mail", MAIL)):
        assert image.run("id", "-u", name).strip() == str(number)
        assert image.run("id", "-G", name).split() == [str(number)]


def test_the_volume_belongs_to_those_who_need_each_part(prepared):
    has = modes(prepared)
    assert prepared.run("stat", "-c", "%a %u %g", DATA).split() == ["711", "0", "0"]
    for name, wanted in {
            "secrets": (0o711, 0, 0), "tokens": (0o700, SAM, SAM), "secrets/keys.pin": (0o600, SAM, SAM),
            "secrets/ca.pin": (0o600, SAM, SAM), "secrets/rsspd.pgpass": (0o600, API, API),
            "tls/server.key": (0o600, API, API), "rsspd.conf": (0o644, 0, 0), "operators.pem": (0o644, 0, 0),
            "spool/codes": (0o2770, SAM, MAIL), "spool/notices": (0o2770, API, MAIL)}.items():
        assert has[name] == wanted, name
    assert not [name for name, (mode, *_) in has.items() if mode & 0o002]


def test_preparing_again_changes_no_key(prepared, database):
    before = prepared.run("cat", f"{DATA}/ca.pem", f"{DATA}/secrets/keys.pin", f"{DATA}/tls/server.pem")
    port = next(word[5:] for word in database.conninfo("postgres").split() if word.startswith("port="))
    prepared.run(f"{SHARE}/docker/prepare", "instance", service="instance", PGHOST="127.0.0.1", PGPORT=port)
    assert prepared.run("cat", f"{DATA}/ca.pem", f"{DATA}/secrets/keys.pin", f"{DATA}/tls/server.pem") == before
    assert modes(prepared)["spool/codes"] == (0o2770, SAM, MAIL)


def test_the_daemon_is_ready_under_the_bounds_of_compose(running):
    listed = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    users = []
    for pid in listed:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
        has = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        assert has["NoNewPrivs"] == ["1"] and int(has["CapEff"][0], 16) == 0
        users.append(int(has["Uid"][0]))
    assert sorted(users) == [API, SAM, SAM, SAM, SAM]


def test_the_health_check_of_the_image_passes(running, image):
    """The words that the Dockerfile has, in the daemon's own surroundings."""
    text = (SOURCE / "docker/Dockerfile").read_text()
    words = yaml.safe_load(text.split("\tCMD ", 1)[1].split("\n")[0])
    assert words[-1] == "https://127.0.0.1:8443/healthz"
    image.run(*words[:-1], words[-1].replace("8443", str(image.port)), service="rsspd")


def test_the_root_file_system_is_read_only(running, image):
    assert "Read-only" in image.run("sh", "-c", "touch /etc/x 2>&1 || true", service="rsspd")


def test_the_sender_of_mails_reads_the_spool_and_nothing_else(running, image):
    shown = image.run("sh", "-c", f"ls {DATA}/spool/codes > /dev/null && "
                      f"cat {DATA}/secrets/keys.pin {DATA}/secrets/rsspd.pgpass {DATA}/tls/server.key 2>&1; "
                      f"ls {DATA}/tokens 2>&1; true", service="mail")
    assert shown.count("Permission denied") == 4 and len(shown.splitlines()) == 4


def test_the_programs_are_the_same_that_the_dockerfile_starts():
    text = (SOURCE / "docker/Dockerfile").read_text()
    assert 'ENTRYPOINT ["/usr/bin/rsspd", "run", "--config", "/etc/rsspd/rsspd.conf"]' in text
    for service in COMPOSE.values():
        for word in service.get("entrypoint", ())[:1]:
            name = word.replace("/source/", "/").replace("/usr/share/rsspd/", "/").lstrip("/")
            local = SOURCE / name.replace("usr/libexec/rsspd/", "rsspd/systemd/")
            assert stat.S_IMODE(local.stat().st_mode) & 0o111, word
