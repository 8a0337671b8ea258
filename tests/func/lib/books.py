"""What the database says: audit rows of a request, and counts."""

from psycopg2.extras import RealDictCursor


def rows(connection, sql, *values):
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def one(connection, sql, *values):
    found = rows(connection, sql, *values)
    assert len(found) == 1, f"{len(found)} rows: {sql} {values}"
    return found[0]


def value(connection, sql, *values):
    return next(iter(one(connection, sql, *values).values()))


def audit_of(connection, answer):
    """The audit rows of the request that got this answer."""
    return rows(connection, "SELECT * FROM audit.event WHERE request = %s ORDER BY at, id",
                answer.headers["X-Request-Id"])


def audited(connection, answer, event=None, result=None, code=None):
    """The one row that says so."""
    found = [row for row in audit_of(connection, answer)
             if (event is None or row["event"] == event)
             and (result is None or row["result"] == result)
             and (code is None or row["code"] == code)]
    assert len(found) == 1, f"{event} {result} {code}: {audit_of(connection, answer)}"
    return found[0]
