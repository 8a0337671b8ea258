"""The command line tool, run as people and scripts run it."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from .instance import BUILD

PROGRAM = str(BUILD / "bin" / "rssp")


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Rssp:
    """A server, and who calls it: a client application, an operator, or nobody."""

    def __init__(self, server, client=None, operator=None, lang="en"):
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("RSSP_", "LC_", "LANG"))}
        self.environment |= {"LANG": "C.UTF-8", "RSSP_URL": server.url, "RSSP_CACERT": server.cacert}
        if lang != "en":
            self.environment["LC_MESSAGES"] = f"{lang}_VN.UTF-8"
        if client:
            self.environment |= {"RSSP_CLIENT_ID": client.id, "RSSP_CLIENT_SECRET": client.secret}
        if operator:
            self.environment |= {"RSSP_OPERATOR_CERT": operator.certificate,
                                 "RSSP_OPERATOR_KEY": operator.key}

    def run(self, *words, expect=0, **lines):
        """lines: pin="…", otp="…", code="…", identity="…", client_secret="…": each by a descriptor
        of its own."""
        command, descriptors = [PROGRAM, *map(str, words)], []
        for name, text in lines.items():
            reader, writer = os.pipe()
            os.write(writer, text.encode() + b"\n")
            os.close(writer)
            descriptors.append(reader)
            command += [f"--{name.replace('_', '-')}-fd", str(reader)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                                  env=self.environment, pass_fds=descriptors,
                                  start_new_session=True)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        done = Done(done.returncode, done.stdout, done.stderr)
        assert expect is None or done.code == expect, f"{words}: {done}"
        return done

    def json(self, *words, **rest):
        """What --json prints."""
        return self.run(*words, "--json", **rest).json

    def talk(self, *words, answers):
        """At a terminal: answers are (prompt, what is typed); gives exit status, all that the
        terminal showed, and whether it echoed at each prompt. A signal is minus its number."""
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 120, 0, 0))
            os.execve(PROGRAM, [PROGRAM, *map(str, words)], self.environment)
        shown, echoes, seen, end = b"", [], 0, time.monotonic() + 60
        answers = list(answers)
        while time.monotonic() < end and select.select([terminal], [], [], 60)[0]:
            try:
                got = os.read(terminal, 4096)
            except OSError:
                break
            if not got:
                break
            shown += got
            if answers and answers[0][0].encode() in shown[seen:]:
                seen = len(shown)
                echoes.append(bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
                os.write(terminal, answers.pop(0)[1].encode())
        else:
            os.kill(child, signal.SIGKILL)  # it waits for more than was answered: the test fails
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown.decode(), echoes
