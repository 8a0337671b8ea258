-- Subscribers approve in their own browser: accounts and sessions of the pages, authorisation
-- requests, codes, refresh tokens, and what was revoked before its end. Of codes, tokens, cookies
-- and handles only the SHA-256 is kept. Access tokens are signed, not stored.
SET ROLE rssp_owner;

-- How a client proves who it is, and where its subscribers' browsers may be sent back to.
ALTER TABLE rssp.client
	ALTER secret_sha256 DROP NOT NULL,
	ADD authentication text NOT NULL DEFAULT 'secret'
		CHECK (authentication IN ('secret', 'private-key-jwt', 'tls', 'none')),
	ADD csc_version smallint NOT NULL DEFAULT 2 CHECK (csc_version IN (1, 2)),
	ADD redirect_uris text[] NOT NULL DEFAULT '{}',
	ADD jwks json,
	ADD tls_sha256 bytea CHECK (length(tls_sha256) = 32),
	ADD CHECK ((authentication = 'secret') = (secret_sha256 IS NOT NULL)),
	ADD CHECK ((authentication = 'private-key-jwt') = (jwks IS NOT NULL)),
	ADD CHECK ((authentication = 'tls') = (tls_sha256 IS NOT NULL));
COMMENT ON COLUMN rssp.client.authentication IS 'secret: client_secret_basic or _post; tls: the certificate of tls_sha256 (RFC 8705); none: a public client';
COMMENT ON COLUMN rssp.client.csc_version IS 'whose words the OAuth endpoints use; only a confidential client of version 1 may leave PKCE out';
COMMENT ON COLUMN rssp.client.redirect_uris IS 'compared as they stand (RFC 6749 §3.1.2.3)';

CREATE TABLE rssp.seen_jti (
	client uuid NOT NULL REFERENCES rssp.client,
	sha256 bytea NOT NULL CHECK (length(sha256) = 32),
	ends_at timestamptz NOT NULL,
	PRIMARY KEY (client, sha256)
);
CREATE INDEX seen_jti_end ON rssp.seen_jti (ends_at);
COMMENT ON TABLE rssp.seen_jti IS 'client assertions and account tokens that were used: each counts once';

-- The password opens the pages; it gives no power to sign.
CREATE TABLE rssp.account (
	subscriber uuid PRIMARY KEY REFERENCES rssp.subscriber,
	generation bigint NOT NULL,
	kdf_memory_kib bigint NOT NULL,
	kdf_passes bigint NOT NULL,
	salt bytea NOT NULL CHECK (length(salt) = 32),
	mac bytea NOT NULL CHECK (length(mac) = 32),
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN rssp.account.version IS 'goes up with every change of the password: a commit that read an older one changes nothing';
COMMENT ON COLUMN rssp.account.mac IS 'HMAC of the stretched password under a key that only the SAMs have: a copy of this table cannot be guessed at';

CREATE TABLE rssp.sign_in_failure (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	failures integer NOT NULL CHECK (failures >= 0),
	attempted_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failure_attempted ON rssp.sign_in_failure (attempted_at);
COMMENT ON TABLE rssp.sign_in_failure IS 'wrong passwords, counted before they are checked, by what was typed as the login: so a login that is nobody''s waits like any other, and the wait does not tell who exists';
CREATE INDEX subscriber_email ON rssp.subscriber (lower(email));

CREATE TABLE rssp.session (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	subscriber uuid NOT NULL REFERENCES rssp.subscriber,
	created_at timestamptz NOT NULL,
	seen_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL
);
CREATE INDEX session_subscriber ON rssp.session (subscriber);
CREATE INDEX session_end ON rssp.session (ends_at);
COMMENT ON COLUMN rssp.session.sha256 IS 'of the cookie';

CREATE TABLE rssp.authorization_request (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	client uuid NOT NULL REFERENCES rssp.client,
	parameters json NOT NULL,
	state text NOT NULL CHECK (state IN ('pushed', 'shown', 'approved', 'declined')),
	subscriber uuid REFERENCES rssp.subscriber,
	created_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL
);
CREATE INDEX authorization_request_end ON rssp.authorization_request (ends_at);
COMMENT ON COLUMN rssp.authorization_request.sha256 IS 'of the handle in request_uri (RFC 9126), then of the one in the page''s address';
COMMENT ON COLUMN rssp.authorization_request.parameters IS 'as they were checked when the request came, with a MAC under a key that only the page''s handle gives';

-- What a subscriber has granted to a client: the family of a refresh token.
CREATE TABLE rssp.consent (
	id uuid PRIMARY KEY,
	client uuid NOT NULL REFERENCES rssp.client,
	subscriber uuid NOT NULL REFERENCES rssp.subscriber,
	scope text NOT NULL CHECK (scope IN ('service', 'credential')),
	created_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL,
	revoked_at timestamptz
);
CREATE INDEX consent_subscriber ON rssp.consent (subscriber);
CREATE INDEX consent_end ON rssp.consent (ends_at);

CREATE TABLE rssp.authorization_code (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	consent uuid NOT NULL REFERENCES rssp.consent ON DELETE CASCADE,
	redirect_uri text NOT NULL,
	redirect_uri_given boolean NOT NULL,
	challenge bytea CHECK (length(challenge) = 32),
	sad uuid,
	sad_seal bytea,
	parameters json NOT NULL,
	ends_at timestamptz NOT NULL,
	used_at timestamptz,
	CHECK ((sad IS NULL) = (sad_seal IS NULL) OR used_at IS NOT NULL)
);
CREATE INDEX authorization_code_end ON rssp.authorization_code (ends_at);
COMMENT ON COLUMN rssp.authorization_code.sad_seal IS 'the SAD, sealed under a key that is derived from the code itself: without the code it opens for nobody';
COMMENT ON COLUMN rssp.authorization_code.challenge IS 'PKCE S256 (RFC 7636)';

CREATE TABLE rssp.refresh_token (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	consent uuid NOT NULL REFERENCES rssp.consent ON DELETE CASCADE,
	ends_at timestamptz NOT NULL,
	used_at timestamptz
);
CREATE INDEX refresh_token_consent ON rssp.refresh_token (consent);
CREATE INDEX refresh_token_end ON rssp.refresh_token (ends_at);
COMMENT ON COLUMN rssp.refresh_token.used_at IS 'each is used once; one that comes again revokes its consent (RFC 9700 §4.14)';

DROP TABLE rssp.token;

-- Access tokens that end before their time. Few, and short-lived: each daemon holds them all.
CREATE TABLE rssp.token_revocation (
	kind text NOT NULL CHECK (kind IN ('token', 'consent', 'client', 'subscriber')),
	subject uuid NOT NULL,
	before timestamptz NOT NULL,
	ends_at timestamptz NOT NULL,
	PRIMARY KEY (kind, subject, before)
);
CREATE INDEX token_revocation_end ON rssp.token_revocation (ends_at);
COMMENT ON COLUMN rssp.token_revocation.subject IS 'the token''s jti, its consent, its client or its subscriber';
COMMENT ON COLUMN rssp.token_revocation.before IS 'tokens issued up to this instant have ended';

ALTER TABLE rssp.sad
	ADD consent uuid,
	ADD tls_sha256 bytea CHECK (length(tls_sha256) = 32);
COMMENT ON COLUMN rssp.sad.consent IS 'of a SAD that is a credential-scope token';
COMMENT ON COLUMN rssp.sad.tls_sha256 IS 'the client certificate that the token is bound to (RFC 8705); null: none';

-- What ends tokens is written down by the change itself, whoever makes it, and told to every daemon.
-- Access tokens live for an hour; clocks may differ a little.
CREATE FUNCTION rssp.end_tokens(kind text, subject uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
	INSERT INTO rssp.token_revocation (kind, subject, before, ends_at)
		VALUES (kind, subject, clock_timestamp(), clock_timestamp() + interval '65 minutes')
		ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION rssp.end_tokens IS 'ends the access tokens that a consent, a client or a subscriber has had until now';

CREATE FUNCTION rssp.tell_revocation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	PERFORM pg_notify('rssp_token_revocation', format('%s %s %s %s', NEW.kind, NEW.subject,
		floor(extract(epoch FROM NEW.before) * 1000), floor(extract(epoch FROM NEW.ends_at) * 1000)));
	RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT ON rssp.token_revocation FOR EACH ROW
	EXECUTE FUNCTION rssp.tell_revocation();

CREATE FUNCTION rssp.client_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	PERFORM rssp.end_tokens('client', NEW.id);
	RETURN NULL;
END $$;
CREATE TRIGGER tokens_end AFTER UPDATE ON rssp.client FOR EACH ROW
	WHEN ((NEW.state, NEW.agency, NEW.mode, NEW.authentication, NEW.secret_sha256, NEW.jwks::text,
		NEW.tls_sha256) IS DISTINCT FROM (OLD.state, OLD.agency, OLD.mode, OLD.authentication,
		OLD.secret_sha256, OLD.jwks::text, OLD.tls_sha256))
	EXECUTE FUNCTION rssp.client_changed();

CREATE FUNCTION rssp.subscriber_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	PERFORM rssp.end_tokens('subscriber', NEW.id);
	RETURN NULL;
END $$;
CREATE TRIGGER tokens_end AFTER UPDATE ON rssp.subscriber FOR EACH ROW
	WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION rssp.subscriber_changed();

-- A consent that ends takes along what it gave: access tokens, SADs, and by its revoked_at the codes
-- and refresh tokens that nobody has used yet.
CREATE FUNCTION rssp.consent_revoked() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	PERFORM rssp.end_tokens('consent', NEW.id);
	UPDATE rssp.sad d SET state = 'revoked', seal = NULL, turn = d.turn + 1
		WHERE d.consent = NEW.id AND d.state = 'live';
	RETURN NULL;
END $$;
CREATE TRIGGER tokens_end AFTER UPDATE ON rssp.consent FOR EACH ROW
	WHEN (NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL)
	EXECUTE FUNCTION rssp.consent_revoked();

ALTER TABLE rssp.sad DROP CONSTRAINT sad_state_check,
	ADD CONSTRAINT sad_state_check CHECK (state IN ('live', 'spent', 'extended', 'expired', 'revoked'));
CREATE INDEX sad_consent ON rssp.sad (consent) WHERE consent IS NOT NULL;

-- A changed PIN is a new row, too: the highest revision is used.
ALTER TABLE rssp.slot
	ADD revision bigint NOT NULL DEFAULT 0,
	DROP CONSTRAINT slot_pkey,
	ADD PRIMARY KEY (credential, slot, revision, generation, kdf_memory_kib, kdf_passes);

-- What the pages change is told by mail, too.
ALTER TABLE rssp.notice
	DROP CONSTRAINT notice_kind_check,
	ADD CHECK (kind IN ('activated', 'locked', 'factor-changed', 'unlocked', 'password-changed',
		'signed-out'));

GRANT SELECT ON ALL TABLES IN SCHEMA rssp TO rsspd;
GRANT UPDATE (redirect_uris, jwks, tls_sha256) ON rssp.client TO rsspd;
GRANT INSERT ON rssp.seen_jti, rssp.account, rssp.sign_in_failure, rssp.session, rssp.authorization_request, rssp.consent,
	rssp.authorization_code, rssp.refresh_token, rssp.token_revocation TO rsspd;
GRANT DELETE ON rssp.seen_jti, rssp.sign_in_failure, rssp.session, rssp.authorization_request, rssp.consent,
	rssp.authorization_code, rssp.refresh_token, rssp.token_revocation TO rsspd;
GRANT UPDATE (generation, kdf_memory_kib, kdf_passes, salt, mac, version, changed_at)
	ON rssp.account TO rsspd;
GRANT UPDATE (failures, attempted_at) ON rssp.sign_in_failure TO rsspd;
GRANT UPDATE (seen_at) ON rssp.session TO rsspd;
GRANT UPDATE (sha256, state, subscriber, ends_at) ON rssp.authorization_request TO rsspd;
GRANT UPDATE (revoked_at, ends_at) ON rssp.consent TO rsspd;
GRANT UPDATE (used_at, sad_seal) ON rssp.authorization_code TO rsspd;
GRANT UPDATE (used_at) ON rssp.refresh_token TO rsspd;
GRANT UPDATE (consent, tls_sha256) ON rssp.sad TO rsspd;

RESET ROLE;
