"""rsspd-mail: each mail of the spool reaches the relay once; none is lost, whatever the relay says."""

import os
import re
import socketserver
import subprocess
import threading
import time

import pytest

from lib.instance import SOURCE

PROGRAM = SOURCE / "rsspd/systemd/rsspd-mail"
MAIL = """From: =?UTF-8?B?cnNzcGQ=?= <no-reply@localhost>
To: <{to}>
Subject: =?UTF-8?B?TcOj?=
Message-ID: <{name}@localhost>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Kính gửi Trần Văn Mẫu,
To: <other@mau.edu.vn>
.
Mã: AAAAA-BBBBB-CCCCC-DDDDD
"""


class Relay(socketserver.ThreadingTCPServer):
    """An SMTP server that answers as `says` tells: {recipient: {command: answer}}."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.says, self.taken, self.senders, self.sessions = {}, [], [], 0
        self.arrived, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Session(socketserver.StreamRequestHandler):
    def answer(self, command, usual):
        said = self.server.says.get(self.to, {}).get(command) or self.server.says.get("*", {}).get(command)
        self.wfile.write((said or usual).encode() + b"\r\n")
        return (said or usual).startswith(("2", "3"))

    def handle(self):
        self.server.sessions += 1
        self.to = ""
        self.wfile.write(b"220 relay\r\n")
        for line in self.rfile:
            command = line[:4].upper().decode().strip()
            if command == "MAIL":
                self.server.senders.append(line.split(b":", 1)[1].strip().decode())
            if command == "RCPT":
                self.to = re.search(r"<(.*?)>", line.decode()).group(1)
            if command == "DATA":
                self.data()
            elif command == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.answer(command, "250 good")

    def data(self):
        if not self.answer("DATA", "354 go on"):
            return
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.arrived.set()
        assert self.server.go_on.wait(20)
        if self.answer("END", "250 taken"):
            self.server.taken.append((self.to, b"".join(lines)))


@pytest.fixture
def relay():
    with Relay() as made:
        yield made
        made.go_on.set()
        made.shutdown()


@pytest.fixture
def spool(tmp_path):
    for name in ("codes", "notices"):
        (tmp_path / name).mkdir()
    return tmp_path


def put(spool, name, to="mau.giaovien@thpt-mau.edu.vn", folder="codes", text=MAIL):
    file = spool / folder / f"{name}.eml"
    file.write_text(text.format(to=to, name=name))
    return file


def start(spool, relay, *words, prefix=(), **settings):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "RSSPD_MAIL_RELAY": relay.url,
                   "RSSPD_MAIL_FROM": "no-reply@mau.edu.vn",
                   "RSSPD_MAIL_SPOOLS": f"{spool}/codes {spool}/notices", **settings}
    return subprocess.Popen([*prefix, str(PROGRAM), *words], env=environment, stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def send(spool, relay, expect=0, **settings):
    process = start(spool, relay, **settings)
    shown = process.communicate(timeout=60)[0]
    assert process.returncode == expect, shown
    return shown


def names(folder, pattern="*.eml"):
    return sorted(file.name for file in folder.glob(pattern))


def everywhere(spool):
    return sorted(file.name for file in spool.rglob("*.eml"))


def test_every_mail_reaches_its_reader_once_and_whole(spool, relay):
    put(spool, "a")
    put(spool, "b", "mau.dieuduong@benhvien-mau.gov.vn", "notices")
    send(spool, relay)
    send(spool, relay)
    assert sorted(to for to, _ in relay.taken) == [
        "mau.dieuduong@benhvien-mau.gov.vn", "mau.giaovien@thpt-mau.edu.vn"]
    text = MAIL.format(to="mau.giaovien@thpt-mau.edu.vn", name="a").replace("\n", "\r\n").encode()
    assert dict(relay.taken)["mau.giaovien@thpt-mau.edu.vn"] == text
    assert set(relay.senders) == {"<no-reply@mau.edu.vn>"}
    assert everywhere(spool) == []


@pytest.mark.parametrize("command", ["RCPT", "DATA", "END"])
def test_what_is_refused_for_good_is_put_aside_with_the_reason(spool, relay, command):
    put(spool, "a", "nobody@mau.edu.vn")
    put(spool, "b")
    relay.says["nobody@mau.edu.vn"] = {command: "550 5.1.1 no such user"}
    send(spool, relay)
    send(spool, relay)
    assert [to for to, _ in relay.taken] == ["mau.giaovien@thpt-mau.edu.vn"]
    assert names(spool / "codes/refused") == ["a.eml"] and relay.sessions == 2
    assert "550" in (spool / "codes/refused/a.eml.reason").read_text()


@pytest.mark.parametrize("command", ["RCPT", "DATA", "END"])
def test_what_is_wanted_later_waits_and_goes_then(spool, relay, command):
    put(spool, "a")
    relay.says["*"] = {command: "451 4.7.1 later"}
    send(spool, relay)
    assert names(spool / "codes/waiting") == ["a.eml"] and relay.sessions == 1
    send(spool, relay)
    assert relay.sessions == 1, "not before its time"
    relay.says.clear()
    (spool / "codes/waiting/a.eml.next").write_text(f"1 {int(time.time())}\n")
    send(spool, relay)
    assert len(relay.taken) == 1 and everywhere(spool) == []
    assert names(spool / "codes/waiting", "*") == []


def test_each_time_it_waits_longer(spool, relay):
    put(spool, "a")
    relay.says["*"] = {"RCPT": "451 4.7.1 later"}
    waits = []
    for _ in range(9):
        waits.append(int(re.search(r"wait_s=(\d+)", send(spool, relay)).group(1)))
        record = spool / "codes/waiting/a.eml.next"
        record.write_text(record.read_text().split()[0] + " 0\n")
    assert waits == [60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]


def test_a_relay_that_is_not_there_loses_nothing_and_is_asked_once(spool, relay):
    for number in range(3):
        put(spool, f"m{number}")
    relay.shutdown()
    relay.server_close()
    began = time.monotonic()
    assert send(spool, relay, expect=75).count("takes nothing") == 1
    assert names(spool / "codes") == ["m0.eml", "m1.eml", "m2.eml"] and time.monotonic() - began < 10


@pytest.mark.parametrize("command, answer", [("EHLO", "554 no service"), ("MAIL", "550 sender unknown"),
                                             ("MAIL", "530 login first")])
def test_a_refusal_that_is_not_the_recipients_puts_nothing_aside(spool, relay, command, answer):
    put(spool, "a")
    relay.says["*"] = {command: answer, "HELO": answer}
    send(spool, relay, expect=75)
    assert names(spool / "codes") == ["a.eml"] and not names(spool / "codes/refused")


def test_of_two_senders_one_sends_each_mail(spool, relay):
    for number in range(4):
        put(spool, f"m{number}")
    both = [start(spool, relay) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    assert len(relay.taken) == 4 and {process.returncode for process in both} == {0}


def test_a_mail_whose_sender_was_killed_is_sent_again(spool, relay):
    put(spool, "a")
    relay.go_on.clear()
    process = start(spool, relay)
    assert relay.arrived.wait(20)
    os.killpg(process.pid, 9)
    process.wait()
    assert names(spool / "codes/sending") == ["a.eml"]
    relay.go_on.set()
    send(spool, relay)
    assert everywhere(spool) == [] and relay.taken[-1][0] == "mau.giaovien@thpt-mau.edu.vn"
    assert {re.search(rb"Message-ID: <(.*?)>", text).group(1) for _, text in relay.taken} == {b"a@localhost"}


def await_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_sender_that_is_told_to_end_ends_the_mail_under_way(spool, relay):
    for name in ("a", "b"):
        put(spool, name)
    relay.go_on.clear()
    process = start(spool, relay)
    assert relay.arrived.wait(20)
    process.terminate()
    relay.go_on.set()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(relay.taken) == 1 and len(everywhere(spool)) == 1


def test_in_a_container_it_goes_on_until_it_is_told_to_end(spool, relay):
    put(spool, "a")
    process = start(spool, relay, "--every", "1")
    await_until(lambda: len(relay.taken) == 1)
    put(spool, "b")
    await_until(lambda: len(relay.taken) == 2)
    await_until(lambda: not everywhere(spool))
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_mail_that_is_too_old_is_put_aside(spool, relay):
    old = time.time() - 121 * 3600
    os.utime(put(spool, "a"), (old, old))
    relay.says["*"] = {"RCPT": "451 4.7.1 later"}
    send(spool, relay)
    assert names(spool / "codes/refused") == ["a.eml"]
    assert "120 hours" in (spool / "codes/refused/a.eml.reason").read_text()


@pytest.mark.parametrize("to", ["a@b.vn>, <c@d.vn", "no address", "", "a@b.vn\" -o /x", "-x", "a\\b@c.vn"])
def test_a_recipient_that_is_no_address_is_put_aside_unsent(spool, relay, to):
    put(spool, "a", to)
    send(spool, relay)
    assert relay.sessions == 0 and names(spool / "codes/refused") == ["a.eml"]


def test_two_headers_To_are_none(spool, relay):
    put(spool, "a", text="To: <a@mau.edu.vn>\n" + MAIL)
    send(spool, relay)
    assert relay.sessions == 0 and names(spool / "codes/refused") == ["a.eml"]


def test_a_mail_that_cannot_be_read_waits(spool, relay):
    put(spool, "a").chmod(0)
    bounded = ["setpriv", "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    shown = send(spool, relay, prefix=bounded)
    assert "cannot be read" in shown and names(spool / "codes/waiting") == ["a.eml"]


def test_what_is_being_written_is_not_sent(spool, relay):
    (spool / "codes/.a.eml.77").write_text("To: <a@mau.edu.vn>\n\nhalf")
    (spool / "codes/.b.tmp").write_text("To: <a@mau.edu.vn>\n\nhalf")
    send(spool, relay)
    assert relay.sessions == 0


def test_neither_address_nor_code_stands_in_log_or_arguments(spool, relay):
    put(spool, "a")
    relay.go_on.clear()
    process = start(spool, relay)
    assert relay.arrived.wait(20)
    shown = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    relay.go_on.set()
    log = process.communicate(timeout=60)[0]
    for text in (shown, log):
        assert "mau.giaovien@" not in text and "AAAAA-" not in text
    assert "mail=a.eml" in log


@pytest.mark.parametrize("settings", [
    {"RSSPD_MAIL_RELAY": "http://127.0.0.1"}, {"RSSPD_MAIL_RELAY": ""},
    {"RSSPD_MAIL_RELAY": "smtp://x\"\nurl=file:///etc/passwd"}, {"RSSPD_MAIL_FROM": ""},
    {"RSSPD_MAIL_CA": "/nonexistent"}, {"RSSPD_MAIL_GIVE_UP_HOURS": "x"},
    {"RSSPD_MAIL_SPOOLS": "/nonexistent"}])
def test_a_wrong_setting_is_said_and_touches_nothing(spool, relay, settings):
    put(spool, "a")
    assert "mail.conf" in send(spool, relay, expect=78, **settings)
    assert relay.sessions == 0 and names(spool / "codes") == ["a.eml"]


def test_to_another_machine_only_with_tls(spool, relay):
    """The loopback under a name that is not known as such: a relay without STARTTLS gets nothing."""
    put(spool, "a")
    send(spool, relay, expect=75, RSSPD_MAIL_RELAY=f"smtp://[::ffff:127.0.0.1]:{relay.server_address[1]}")
    assert relay.sessions == 1 and not relay.senders and names(spool / "codes") == ["a.eml"]
