"""The lint itself: each rule finds the fault it is there for, and is silent about clean files."""

import subprocess
import sys
from pathlib import Path

import pytest

from containers import compose_faults, dockerfile_faults

LINT = Path(__file__).with_name("lint.py")

FAULTS = [
    ("third party headers", "api/csc.c", "#include <libpq-fe.h>\n"),
    ("third party headers", "rsspd/core/a.c", "#include <event2/event.h>\n"),
    ("third party headers", "clients/cli/a.c", "#include <p11-kit/pkcs11.h>\n"),
    ("includes go one way", "rsspd/base/a.c", '#include "store/pg.h"\n'),
    ("includes go one way", "rsspd/policy/a.c", '#include "store/pg.h"\n'),
    ("includes go one way", "clients/lib/a.c", '#include "core/core.h"\n'),
    ("includes go one way", "hsm/sam/a.c", '#include "store/pg.h"\n'),
    ("includes go one way", "elsewhere/a.c", "int a;\n"),
    ("one main a program", "api/a.c", "int main(void)\n{\n}\n"),
    ("no forbidden functions", "api/a.c", "void f(char *a)\n{\n\tstrcpy(a, \"b\");\n}\n"),
    ("one clock", "rsspd/core/a.c", "long f(void)\n{\n\treturn time(NULL);\n}\n"),
    ("no environment", "rsspd/a.c", "char *f(void)\n{\n\treturn getenv(\"A\");\n}\n"),
    ("no runtime switches", "hsm/sam/a.c", "#ifdef RSSPD_SKIP_OTP\n#endif\n"),
    ("results are checked", "rsspd/base/a.h", "rc_t a_do(void);\n"),
    ("files stay short", "api/a.c", "\n" * 801),
    ("functions stay short", "api/a.c", "void f(void)\n{\n" + "\tg();\n" * 81 + "}\n"),
    ("lines stay within", "api/a.c", "/* " + "a" * 120 + " */\n"),
    ("tests name their rooms", "tests/unit/test_a.c", "int a;\n"),
    ("tests name their rooms", "tests/func/test_a.py", "pytest" + ".skip('later')\n"),
    ("no paths of one machine", "api/a.c", "/* see /" + "root/notes */\n"),
    ("the readme names tests", "README.md", "| `test_it_holds_for_ever` |\n"),
    ("errors are said in both", "rsspd/base/rc.def", 'RC(A, 400, "x", "No", 0)\n'),
    ("errors are used", "rsspd/base/rc.def", 'RC(A, 400, "x", "No", 0,\n\t"Không")\n'),
    ("shell scripts have no trap", "docker/a.sh", "#!/bin/sh\nrm -rf $1/*; cd $2; [ $unset = x ] && echo `ls`\nlocal a\n"),
    ("pages make no markup", "clients/web/src/b.ts", "a.innerHTML = b;\n"),
    ("pages make no markup", "clients/web/src/b.ts", "a.onclick = () => b();\n"),
    ("pages make no markup", "clients/web/src/b.ts", 'load("https://fonts.example/a.css");\n'),
    ("pages make no markup", "clients/web/src/b.ts", "localStorage.setItem(a, b);\n"),
    ("pages make no markup", "clients/web/a.html.in", "<p style=\"color: red\">\n"),
    ("pages make no markup", "clients/web/a.html.in", "<script>alert(1)</script>\n"),
    ("pages say the same", "clients/web/src/words/en.ts", '\t"a": "A {n}",\n\t"b": "B",\n'),
    ("pages say the same", "clients/web/src/words/en.ts", '\t"a": "A",\n'),
    ("pages say the same", "clients/web/src/a.ts", "nothing is said\n"),
    ("nothing is left", "api/a.c", "/* TO" + "DO */\n"),
]

CLEAN = {
    "rsspd/base/a.h": "must_check rc_t a_do(void);\n",
    "rsspd/store/pg.h": "#include <libpq-fe.h>\n",
    "rsspd/core/core.h": '#include "store/pg.h"\n',
    "api/a.c": '#include "core/core.h"\n/* strcpy( in a comment; */\nchar *b = "strcpy(";\n',
    "clients/web/src/words/en.ts": '\t"a": "A {n}",\n',
    "clients/web/src/words/vi.ts": '\t"a": "Một {n}",\n',
    "clients/web/src/a.ts": 'say("a"); document.createElementNS("http://www.w3.org/2000/svg", "svg");\n',
    "rsspd/quickstart": "", "tests/run": "", "tests/bench/run": "", ".ci/run": "", "schema/migrate": "",
}


DOCKERFILE = """# An image
FROM debian:12 AS build
COPY docker/steps /src/docker/steps
RUN /src/docker/steps packages \\
\tbuild
FROM debian:12-slim
COPY --from=build /image/ /
ENV SOFTHSM2_CONF=/etc/softhsm2.conf
EXPOSE 8443
HEALTHCHECK --interval=10s CMD ["curl", "--fail", "https://127.0.0.1:8443/healthz"]
USER 970:970
ENTRYPOINT ["/usr/bin/rsspd"]
"""
IMAGES = [
    ("debian:12-slim", "debian"), ("debian:12-slim", "debian:latest"), ("--from=build", "--from=nobody"),
    ("COPY docker/steps", "COPY docker/nothing"), ("COPY docker/steps", "ADD docker/steps"),
    ("RUN /src/docker/steps", "RUN curl -s https://x | sh #"), ("RUN /src/docker/steps", "RUN /src/docker/none"),
    ("ENV SOFTHSM2_CONF", "ENV API_TOKEN"), ("ENV SOFTHSM2_CONF", "ARG POSTGRES_PASSWORD"),
    ("EXPOSE 8443", "EXPOSE 443"), ("USER 970:970", "USER 0:0"), ("USER 970:970", "USER rsspd"),
    ("USER 970:970\n", ""), ("HEALTHCHECK --interval=10s CMD", "HEALTHCHECK NONE #"),
    ("ENTRYPOINT [", "ENTRYPOINT /bin/sh -c ["), ("ENTRYPOINT", "ENTRYPOINTS"), ('["/usr', "['/usr"),
    ("FROM debian:12-slim\nCOPY", "COPY"), ('rsspd"]\n', 'rsspd"] \\\n')]

COMPOSE = """
services:
  one:
    image: postgres:15
    read_only: true
    cap_drop: [ALL]
    cap_add: [SETUID]
    security_opt: ["no-new-privileges:true"]
    environment: {POSTGRES_PASSWORD_FILE: /run/secrets/postgres, PLACE: x}
    secrets: [postgres]
    ports: ["127.0.0.1:8443:8443"]
    volumes: ["data:/data", "..:/source:ro"]
    networks: [inside]
    entrypoint: [/source/docker/steps]
    depends_on: [one]
secrets: {postgres: {file: ./postgres.password}}
networks: {inside: {internal: true}}
volumes: {data: {}}
"""
SERVICES = [
    ("read_only: true", "read_only: false"), ("cap_drop: [ALL]", "cap_drop: []"), ("[SETUID]", "[SYS_ADMIN]"),
    ("no-new-privileges:true", "seccomp:unconfined"), ("postgres:15", "postgres"), ("postgres:15", "postgres:latest"),
    ("POSTGRES_PASSWORD_FILE", "POSTGRES_PASSWORD"), ("127.0.0.1:8443:8443", "8443:8443"),
    ("data:/data", "/srv:/data"), ("..:/source:ro", "..:/source"), ("secrets: [postgres]", "secrets: [other]"),
    ("networks: [inside]", "network_mode: host"), ("depends_on: [one]", "depends_on: [two]"),
    ("docker/steps", "docker/nothing"), ("    cap_drop", "    privileged: true\n    cap_drop"),
    ("file: ./postgres.password", "external: true"), ("services:", "service:"), ("    image", "   image")]


def lint(tree, extra):
    subprocess.run(["git", "init", "-q", tree], check=True)
    for name, text in {**CLEAN, **extra}.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    subprocess.run(["git", "-C", tree, "add", "."], check=True)
    return subprocess.run([sys.executable, LINT, tree], stdout=subprocess.PIPE, text=True, check=False)


def test_clean_files_pass(tmp_path):
    done = lint(tmp_path, {})
    assert done.returncode == 0 and "FAIL" not in done.stdout, done.stdout


@pytest.mark.parametrize("rule, name, text", FAULTS)
def test_each_rule_finds_its_fault(tmp_path, rule, name, text):
    done = lint(tmp_path, {name: text})
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert done.returncode == 1
    assert len(failed) == 1 and rule in failed[0], done.stdout


@pytest.mark.parametrize("name, good, faults, rule", [
    ("docker/Dockerfile", DOCKERFILE, IMAGES, dockerfile_faults),
    ("docker/compose.yaml", COMPOSE, SERVICES, compose_faults)])
def test_every_fault_of_an_image_or_service_is_found(tmp_path, name, good, faults, rule):
    file = tmp_path / name
    file.parent.mkdir()
    (tmp_path / "docker/steps").touch(mode=0o755)
    file.write_text(good)
    assert not list(rule(tmp_path, name))
    for right, wrong in faults:
        assert right in good, right
        file.write_text(good.replace(right, wrong, 1))
        assert list(rule(tmp_path, name)), (right, wrong)


@pytest.mark.parametrize("name, text", [("docker/Dockerfile", "FROM debian\n"), ("docker/compose.yaml", "x: 1\n")])
def test_the_lint_reads_image_and_services(tmp_path, name, text):
    assert "FAIL" in lint(tmp_path, {name: text}).stdout


def test_an_error_has_words_in_vietnamese(tmp_path):
    done = lint(tmp_path, {"rsspd/base/rc.def": 'RC(A, 400, "x", "No", 0,\n\t"")\n', "api/b.c": "int a = RC_A;\n"})
    assert "FAIL errors are said in both" in done.stdout and "A has no words" in done.stdout, done.stdout


@pytest.mark.parametrize("row", [
    "", "| `A` | 400 `x` | `No` | repeat | Có |", "| `A` | 401 `x` | `No` | repeat | Không |",
    "| `A` | 400 `x` | `No` · v2: `Na` | repeat | Không |"])
def test_the_integrators_table_has_the_lists_words(tmp_path, row):
    sent = 'RC(A, 400, "x", "No", 0,\n\t"Không")\n'
    ours = '/* documents */\nRC(B, 400, "x", "Never", 0,\n\t"Chưa")\n'
    good = "| `A` | 400 `x` | `No` | repeat | Không |\n"
    files = {"rsspd/base/rc.def": sent + ours, "api/b.c": "int a = RC_A + RC_B;\n"}
    assert "FAIL" not in lint(tmp_path / "good", {**files, "clients/README.md": good}).stdout
    done = lint(tmp_path / "bad", {**files, "clients/README.md": row + "\n"})
    assert "FAIL the integrators table" in done.stdout, done.stdout
