"""The command line tool, run as people and scripts run it."""

import fcntl
import json
import os
import pty
import resource
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


def _word(word):
    return word if isinstance(word, (bytes, os.PathLike)) else str(word)


def finish(process, expect=0, words=(), feed=None):
    """The end of what begin() started."""
    try:
        out, err = process.communicate(feed, timeout=60)
    finally:
        process.kill()
    done = Done(process.returncode, out, err)
    assert expect is None or done.code == expect, f"{words}: {done}"
    return done


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

    def begin(self, *words, feed=None, limits=None, wrapper=(), **lines):
        """Starts it. lines: pin="…", otp="…", code="…", identity="…", client_secret="…": each by a
        descriptor of its own. feed: standard input; limits: {resource.RLIMIT_…: value}; wrapper:
        the program that starts it."""
        command, descriptors = [*wrapper, PROGRAM, *map(os.fspath, map(_word, words))], []
        for name, text in lines.items():
            reader, writer = os.pipe()
            os.write(writer, text.encode() + b"\n")
            os.close(writer)
            descriptors.append(reader)
            command += [f"--{name.replace('_', '-')}-fd", str(reader)]

        def restrict():
            for kind, value in (limits or {}).items():
                resource.setrlimit(kind, (value, value))
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
                pass_fds=descriptors, start_new_session=True, preexec_fn=restrict)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return process

    def run(self, *words, expect=0, feed=None, **rest):
        """Runs it to its end; the rest as for begin()."""
        process = self.begin(*words, feed=feed, **rest)
        return finish(process, expect, words, feed)

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
