"""For a module whose tests share one agency and one client: `from lib.module_scope import …` puts
these in the place of the fixtures of conftest.py, which each test has anew."""

import pytest


@pytest.fixture(scope="module")
def agency(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def client(operator, agency):
    return operator.add_client(agency)
