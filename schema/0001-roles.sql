-- Who owns and who may log in. Owners cannot log in; passwords are set by whoever installs.
DO $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN SELECT * FROM (VALUES
		('rssp_owner', 'NOLOGIN'),
		('rssp_audit_owner', 'NOLOGIN'),
		('rsspd', 'LOGIN'),
		('rssp_auditor', 'LOGIN')) AS role (name, login)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
			EXECUTE format('CREATE ROLE %I %s NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE',
				wanted.name, wanted.login);
		END IF;
	END LOOP;
END $$;

COMMENT ON ROLE rssp_owner IS 'owns the service''s tables; nobody logs in as it';
COMMENT ON ROLE rssp_audit_owner IS 'owns the audit; nobody logs in as it';
COMMENT ON ROLE rsspd IS 'the daemon: the row changes it needs, no more';
COMMENT ON ROLE rssp_auditor IS 'reads the audit';

CREATE SCHEMA rssp AUTHORIZATION rssp_owner;
CREATE SCHEMA audit AUTHORIZATION rssp_audit_owner;
GRANT USAGE ON SCHEMA rssp TO rsspd;
GRANT USAGE ON SCHEMA audit TO rsspd, rssp_auditor;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
