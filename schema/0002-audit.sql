-- The audit: every operation and refusal, append-only. Rows are canonical and immutable: later they
-- become leaves of an RFC 9162 tree. Never a PIN, OTP, SAD, token, code or document.
SET ROLE rssp_audit_owner;

CREATE TABLE audit.event (
	at timestamptz NOT NULL,
	id uuid NOT NULL,
	request uuid NOT NULL,
	event text NOT NULL CHECK (event ~ '^[a-z]+(\.[a-z-]+)+$'),
	result text NOT NULL CHECK (result IN ('ok', 'refused', 'failed')),
	code text NOT NULL,
	client uuid,
	operator text,
	subscriber uuid,
	credential uuid,
	agency uuid,
	address inet,
	rule text,
	policy_version bigint,
	detail json NOT NULL DEFAULT '{}',
	digests bytea[],
	signatures bytea[],
	PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);

COMMENT ON TABLE audit.event IS 'who did what, on which credential, by which rule, with what result';
COMMENT ON COLUMN audit.event.at IS 'when, by the clock of the daemon that wrote it';
COMMENT ON COLUMN audit.event.request IS 'the X-Request-Id that the answer carried';
COMMENT ON COLUMN audit.event.code IS 'name of the error of rsspd/base/rc.def, OK without one';
COMMENT ON COLUMN audit.event.operator IS 'the operator''s name, from the certificate';
COMMENT ON COLUMN audit.event.detail IS 'what else belongs to the event; json, kept as it was written';
COMMENT ON COLUMN audit.event.digests IS 'the digests to be signed, in the order of the request';
COMMENT ON COLUMN audit.event.signatures IS 'SHA-256 of each signature, in the same order';

CREATE INDEX event_request ON audit.event (request);
CREATE INDEX event_subscriber ON audit.event (subscriber, at) WHERE subscriber IS NOT NULL;
CREATE INDEX event_digests ON audit.event USING gin (digests) WHERE event = 'signature.created';

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
	FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

-- The daemon cannot create tables; it calls this at start and once a day.
CREATE FUNCTION audit.ensure_partitions(first timestamptz, months integer) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	month timestamp;
	name text;
	made integer := 0;
BEGIN
	IF months NOT BETWEEN 1 AND 24 THEN
		RAISE EXCEPTION 'between 1 and 24 months at a time';
	END IF;
	FOR ahead IN 0 .. months - 1 LOOP
		month := date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => ahead);
		name := 'event_' || to_char(month, 'YYYY_MM');
		CONTINUE WHEN to_regclass(format('audit.%I', name)) IS NOT NULL;
		PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
		CONTINUE WHEN to_regclass(format('audit.%I', name)) IS NOT NULL;
		EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.event FOR VALUES FROM (%L) TO (%L)',
			name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
		EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.%I '
			'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()', name);
		made := made + 1;
	END LOOP;
	RETURN made;
END $$;
COMMENT ON FUNCTION audit.ensure_partitions IS 'makes the monthly partitions that are missing; how many it made';

REVOKE ALL ON FUNCTION audit.ensure_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions TO rsspd;
GRANT INSERT, SELECT ON audit.event TO rsspd;
GRANT SELECT ON audit.event TO rssp_auditor;

RESET ROLE;
