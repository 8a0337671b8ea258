"""schema/migrate: each file once, a changed one refused, the first policy loaded once."""

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import psycopg2
import pytest

from lib.books import rows, value
from lib.instance import SOURCE


@pytest.fixture
def schema(tmp_path):
    """A copy of the folder that a test may edit."""
    shutil.copytree(SOURCE / "schema", tmp_path / "schema")
    (tmp_path / "rsspd/policy").mkdir(parents=True)
    shutil.copy(SOURCE / "rsspd/policy/default.json", tmp_path / "rsspd/policy/default.json")
    return tmp_path / "schema"


@pytest.fixture
def database(instance, superuser):
    """An empty database of the session's cluster: its conninfo."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    rows(superuser, f"CREATE DATABASE {name}")
    yield instance.conninfo("postgres").replace("dbname=rssp", f"dbname={name}")
    rows(superuser, f"DROP DATABASE {name} WITH (FORCE)")


def migrate(schema, conninfo, expect=0):
    done = subprocess.run([str(schema / "migrate"), *([conninfo] if conninfo else [])],
                          capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stderr


def test_each_file_is_applied_once(schema, database):
    first = migrate(schema, database)
    files = sorted(path.name for path in schema.glob("[0-9]*.sql"))
    assert [line.split()[-1] for line in first.splitlines()[:-1]] == files
    assert migrate(schema, database) == ""
    connection = psycopg2.connect(database)
    assert [row["name"] for row in rows(
        connection, "SELECT name FROM rssp_migration ORDER BY version")] == files
    assert value(connection, "SELECT count(*) FROM rssp.policy") == 1
    connection.close()


def test_a_changed_file_is_refused(schema, database):
    migrate(schema, database)
    changed = sorted(schema.glob("[0-9]*.sql"))[1]
    changed.write_text(changed.read_text() + "-- later thought\n", encoding="utf-8")
    said = migrate(schema, database, 1)
    assert changed.name in said and "new numbered file" in said


def test_a_new_file_is_applied_and_a_broken_one_changes_nothing(schema, database):
    migrate(schema, database)
    Path(schema / "0098-more.sql").write_text("CREATE TABLE rssp.more (x int);", encoding="utf-8")
    Path(schema / "0099-broken.sql").write_text(
        "CREATE TABLE rssp.half (x int);\nSELEKT 1;", encoding="utf-8")
    said = migrate(schema, database, 1)
    assert "0099-broken.sql could not be applied" in said
    connection = psycopg2.connect(database)
    assert value(connection, "SELECT to_regclass('rssp.more') IS NOT NULL")
    assert value(connection, "SELECT to_regclass('rssp.half') IS NULL")
    assert value(connection, "SELECT max(version) FROM rssp_migration") == 98
    connection.close()


def test_an_operators_policy_is_left_alone(schema, database):
    migrate(schema, database)
    connection = psycopg2.connect(database)
    connection.autocommit = True
    rows(connection, "INSERT INTO rssp.policy SELECT 2, document FROM rssp.policy")
    rows(connection, "DELETE FROM rssp.policy WHERE version = 1")
    migrate(schema, database)
    assert rows(connection, "SELECT version FROM rssp.policy") == [{"version": 2}]
    connection.close()


def test_it_says_what_to_do(schema, instance, database):
    assert "superuser" in migrate(schema, instance.conninfo("rsspd"), 1)
    assert "connection string" in migrate(schema, None, 1)
    assert "is the server running" in migrate(
        schema, "host=127.0.0.1 port=1 dbname=x user=x connect_timeout=2", 1)


def test_two_at_once_apply_each_file_once(schema, database):
    migrate(schema, database)
    Path(schema / "0098-more.sql").write_text("CREATE TABLE rssp.more (x int);", encoding="utf-8")
    runs = [subprocess.Popen([str(schema / "migrate"), database], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    for run in runs:
        said = run.communicate(timeout=60)[0]
        assert run.returncode == 0, said
