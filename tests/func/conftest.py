"""Fixtures of the functional tests.

instance, server  one for the session: for tests that break nothing for others
server2           a second daemon on the same database and tokens
private           a factory: an instance and a daemon of its own, for tests that stop PostgreSQL,
                  end SAMs or need other options: private(sad__lifetime_s=2)
operator, agency, client, subscriber
                  an operator; each test has its own agency, client and subscriber (P-256)
superuser, daemon_db, auditor_db
                  connections to the session's database
reader            a reader of signed PDFs that trusts the session's root
window            a factory: windows of a real browser, each with cookies of its own; none of them may
                  have logged an error of script or content policy: window(width=360)
"""

import os
import signal

import pytest

from lib.browser import Chromium
from lib.instance import Instance
from lib.people import Operator
from lib.reader import Reader
from lib.server import Server

# Only root can start processes under other users, or bound them.
collect_ignore = [] if os.geteuid() == 0 else ["test_image.py", "test_privileges.py"]


def pytest_report_header():
    return [f"without root, not run: {name}" for name in collect_ignore]

# An end from outside still ends the daemons and clusters that were started.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def instance(tmp_path_factory):
    made = Instance(tmp_path_factory.mktemp("instance"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def server(instance):
    started = Server(instance).start()
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="session")
def server2(instance, server):
    started = Server(instance, "rsspd2", listen__public_url=server.url).start()
    yield started
    assert started.stop() == 0


@pytest.fixture
def private(tmp_path):
    """Makes daemons that a test may break; ends them and their clusters."""
    made = []

    def make(**options):
        own = Instance(tmp_path / f"private{len(made)}")
        started = Server(own, **options)
        made.append(started)
        return started.start()

    yield make
    for started in made:
        try:
            started.stop()
        finally:
            started.instance.close()


@pytest.fixture(scope="session")
def operator(server):
    return Operator(server)


@pytest.fixture
def agency(operator):
    return operator.add_agency()


@pytest.fixture
def client(operator, agency):
    return operator.add_client(agency)


@pytest.fixture
def subscriber(operator, agency):
    return operator.subscriber(agency)


@pytest.fixture(scope="session")
def reader(instance, tmp_path_factory):
    return Reader(tmp_path_factory.mktemp("nss"), instance.path("ca.pem"))


@pytest.fixture(scope="session")
def chromium(server, tmp_path_factory):
    with Chromium(server.cacert, tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def window(chromium):
    made = []

    def make(**settings):
        made.append(chromium.page(**settings))
        return made[-1]

    yield make
    problems = [problem for page in made for problem in page.problems()]
    for page in made:
        page.close()
    assert not problems, problems


def connection(role):
    @pytest.fixture
    def connect(instance):
        opened = instance.connect(role)
        yield opened
        opened.close()
    return connect


superuser = connection("postgres")
daemon_db = connection("rsspd")
auditor_db = connection("rssp_auditor")
