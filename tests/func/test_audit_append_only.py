"""What the daemon's own role can do to the audit: add rows and read them. Nothing changes one, and
the auditor reads nothing else."""

import datetime

import psycopg2
import pytest

from lib.api import Api

NOW = datetime.datetime.now(datetime.timezone.utc)
PARTITION = f"audit.event_{NOW:%Y_%m}"

CHANGES = {
    "update": "UPDATE {table} SET result = 'ok'",
    "update_of_one_row": "UPDATE {table} SET code = 'OK' WHERE id = gen_random_uuid()",
    "delete": "DELETE FROM {table}",
    "delete_of_one_row": "DELETE FROM {table} WHERE id = gen_random_uuid()",
    "merge": "MERGE INTO {table} t USING (SELECT 1) s ON false WHEN MATCHED THEN DELETE",
    "upsert": "INSERT INTO {table} (at, id, request, event, result, code)"
              " SELECT at, id, request, event, result, code FROM audit.event LIMIT 1"
              " ON CONFLICT (at, id) DO UPDATE SET code = 'X'",
    "truncate": "TRUNCATE {table}",
    "lock_out_others": "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "alter_a_column": "ALTER TABLE {table} ALTER COLUMN code DROP NOT NULL",
    "add_a_column": "ALTER TABLE {table} ADD COLUMN note text",
    "rename": "ALTER TABLE {table} RENAME TO forgotten",
    "change_owner": "ALTER TABLE {table} OWNER TO rsspd",
    "drop": "DROP TABLE {table}",
    "disable_its_trigger": "ALTER TABLE {table} DISABLE TRIGGER append_only",
    "disable_all_triggers": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "drop_its_trigger": "DROP TRIGGER append_only ON {table}",
    "add_a_trigger": "CREATE TRIGGER mine BEFORE INSERT ON {table}"
                     " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "add_a_rule": "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "copy_to_a_file": "COPY {table} TO '/tmp/event'",
    "copy_through_a_program": "COPY {table} FROM PROGRAM 'true'",
    "index": "CREATE INDEX mine ON {table} (code)",
}

OTHER_WAYS = {
    "set_role_owner": "SET ROLE rssp_audit_owner",
    "set_role_service_owner": "SET ROLE rssp_owner",
    "set_role_superuser": "SET ROLE postgres",
    "set_session_authorization": "SET SESSION AUTHORIZATION rssp_audit_owner",
    "replication_role": "SET session_replication_role = replica",
    "new_partition": "CREATE TABLE audit.mine PARTITION OF audit.event"
                     " FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')",
    "new_partition_elsewhere": "CREATE TABLE public.mine PARTITION OF audit.event"
                               " FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')",
    "new_table": "CREATE TABLE audit.mine (a integer)",
    "inherit": "CREATE TEMPORARY TABLE mine () INHERITS (audit.event)",
    "detach": f"ALTER TABLE audit.event DETACH PARTITION {PARTITION}",
    "replace_the_trigger_function":
        "CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN OLD; END $$",
    "drop_the_trigger_function": "DROP FUNCTION audit.refuse() CASCADE",
    "drop_the_schema": "DROP SCHEMA audit CASCADE",
    "rename_the_schema": "ALTER SCHEMA audit RENAME TO old_audit",
    "become_the_owner": "GRANT rssp_audit_owner TO rsspd",
    "alter_the_owner": "ALTER ROLE rssp_audit_owner LOGIN",
    "raise_itself": "ALTER ROLE rsspd SUPERUSER",
    "reassign": "REASSIGN OWNED BY rssp_audit_owner TO rsspd",
    "drop_owned": "DROP OWNED BY rssp_audit_owner",
}


@pytest.fixture
def rows(superuser, server):
    """How many the audit holds; the daemon wrote one of them just now."""
    Api(server).post("/csc/v1/info", expect=200)
    return count(superuser)


def count(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM audit.event")
    return cursor.fetchone()[0]


def refused(connection, statement):
    with pytest.raises(psycopg2.Error) as caught:
        connection.cursor().execute(statement)
    assert caught.value.pgcode[:2] in ("42", "0A", "22", "55"), caught.value
    return caught.value


@pytest.mark.parametrize("table", ["audit.event", PARTITION])
@pytest.mark.parametrize("change", CHANGES)
def test_the_daemon_cannot(daemon_db, superuser, rows, change, table):
    refused(daemon_db, CHANGES[change].format(table=table))
    assert count(superuser) >= rows > 0


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_the_daemon_has_no_other_way(daemon_db, rows, way):
    refused(daemon_db, OTHER_WAYS[way])


@pytest.mark.parametrize("table", ["audit.event", PARTITION])
def test_the_daemon_grants_itself_nothing(daemon_db, superuser, rows, table):
    """PostgreSQL only warns of a GRANT by somebody who may not."""
    try:
        daemon_db.cursor().execute(f"GRANT ALL ON {table} TO rsspd")
    except psycopg2.Error as caught:
        assert caught.pgcode == "42501"
    cursor = superuser.cursor()
    cursor.execute("SELECT has_table_privilege('rsspd', %s, 'UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')",
                   (table,))
    assert cursor.fetchone() == (False,) and rows


def test_the_daemon_adds_rows_and_reads_them(daemon_db, rows):
    cursor = daemon_db.cursor()
    cursor.execute("INSERT INTO audit.event (at, id, request, event, result, code)"
                   " VALUES (now(), gen_random_uuid(), gen_random_uuid(), 'test.row', 'ok', 'OK')"
                   " RETURNING id")
    added = cursor.fetchone()[0]
    cursor.execute("SELECT count(*) FROM audit.event WHERE id = %s", (added,))
    assert cursor.fetchone()[0] == 1 and rows


@pytest.mark.parametrize("change", ["UPDATE audit.event SET code = 'X'", "DELETE FROM audit.event",
                                    "TRUNCATE audit.event"])
def test_even_the_owner_is_stopped_by_the_trigger(superuser, rows, change):
    """Whoever becomes the owner by mistake still changes nothing with these words."""
    cursor = superuser.cursor()
    cursor.execute("BEGIN; SET LOCAL ROLE rssp_audit_owner")
    with pytest.raises(psycopg2.Error, match="append-only"):
        cursor.execute(change)
    cursor.execute("ROLLBACK")
    assert rows


@pytest.mark.parametrize("role", ["rssp_owner", "rssp_audit_owner"])
def test_nobody_logs_in_as_an_owner(superuser, role):
    cursor = superuser.cursor()
    cursor.execute("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = %s", (role,))
    assert cursor.fetchone() == (False, False)


@pytest.mark.parametrize("role", ["rsspd", "rssp_auditor"])
def test_who_logs_in_is_a_member_of_nothing(superuser, role):
    cursor = superuser.cursor()
    cursor.execute("SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
                   " (SELECT count(*) FROM pg_auth_members WHERE member = r.oid)"
                   " FROM pg_roles r WHERE rolname = %s", (role,))
    assert cursor.fetchone() == (False, False, False, False, False, 0)


def test_the_auditor_reads_the_audit(auditor_db, rows):
    assert count(auditor_db) >= rows > 0


@pytest.mark.parametrize("statement", [
    "INSERT INTO audit.event (at, id, request, event, result, code)"
    " VALUES (now(), gen_random_uuid(), gen_random_uuid(), 'test.row', 'ok', 'OK')",
    "UPDATE audit.event SET code = 'X'", "DELETE FROM audit.event", "TRUNCATE audit.event",
    "SELECT audit.ensure_partitions(now(), 3)", "CREATE TABLE public.mine (a integer)"])
def test_the_auditor_cannot_write(auditor_db, rows, statement):
    refused(auditor_db, statement)


def test_the_auditor_sees_no_table_of_the_service(auditor_db, superuser):
    cursor = superuser.cursor()
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'rssp'")
    tables = [row[0] for row in cursor.fetchall()]
    assert tables
    for table in tables:
        assert refused(auditor_db, f"SELECT 1 FROM rssp.{table}").pgcode == "42501", table


@pytest.mark.parametrize("statement", [
    "UPDATE rssp.credential SET certificate = ''", "UPDATE rssp.slot SET key_seal = ''",
    "UPDATE rssp.credential SET subscriber = gen_random_uuid()",
    "UPDATE rssp.enrolment SET statement = ''", "UPDATE rssp.sad SET sha256 = ''",
    "UPDATE rssp.sad SET end_at = now() + interval '1 hour'", "DELETE FROM rssp.sad",
    "INSERT INTO rssp.policy (version, document) VALUES (99, '{}')", "DELETE FROM rssp.slot"])
def test_the_daemon_changes_no_key_certificate_or_statement(daemon_db, server, statement):
    assert refused(daemon_db, statement).pgcode == "42501" and server
