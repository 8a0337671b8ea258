-- Agencies, clients, subscribers, credentials, signature activation data. Assume that a superuser of
-- this database is hostile: what permits a signature is sealed (design §2) and checked by the SAMs.
--
-- `version` goes up with every change that may stop a signature: the commit that consumes a SAD and
-- the one that records a signature compare it under a row lock with what the policy was asked about.
SET ROLE rssp_owner;

CREATE TABLE rssp.agency (
	id uuid PRIMARY KEY,
	parent uuid REFERENCES rssp.agency,
	level smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
	name text NOT NULL CHECK (name <> ''),
	province text NOT NULL DEFAULT '',
	sector text CHECK (sector IN ('education', 'training', 'health', 'other')),
	path uuid[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((parent IS NULL) = (level = 1)),
	CHECK (cardinality(path) = level AND path[level] = id)
);
CREATE UNIQUE INDEX agency_name ON rssp.agency (coalesce(parent, '00000000-0000-0000-0000-000000000000'), name);
CREATE INDEX agency_path ON rssp.agency USING gin (path);
COMMENT ON COLUMN rssp.agency.sector IS 'null: inherited from the nearest agency above that has one; a change raises the version of every subscriber below';
COMMENT ON COLUMN rssp.agency.path IS 'level 1 first, this agency last';

CREATE TABLE rssp.policy (
	version bigint PRIMARY KEY CHECK (version > 0),
	document json NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rssp.policy IS 'the highest version is in force';

CREATE TABLE rssp.client (
	id uuid PRIMARY KEY,
	name text NOT NULL CHECK (name <> ''),
	agency uuid NOT NULL REFERENCES rssp.agency,
	mode text NOT NULL CHECK (mode IN ('explicit', 'oauth2code')),
	profile text NOT NULL CHECK (profile IN ('general', 'finance')),
	secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
	state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN rssp.client.secret_sha256 IS 'of a secret of 256 random bits that we made: no salt or stretching is needed';

CREATE TABLE rssp.client_failures (
	client uuid PRIMARY KEY REFERENCES rssp.client,
	window_start timestamptz NOT NULL,
	failures integer NOT NULL
);
COMMENT ON TABLE rssp.client_failures IS 'wrong PINs and OTPs through this client in the current minute: throttles a client that locks its agency''s credentials. A table of its own, so that signing does not wait for its row';

CREATE TABLE rssp.token (
	sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
	client uuid NOT NULL REFERENCES rssp.client,
	expires_at timestamptz NOT NULL
);
CREATE INDEX token_client ON rssp.token (client);
CREATE INDEX token_expires ON rssp.token (expires_at);

CREATE TABLE rssp.subscriber (
	id uuid PRIMARY KEY,
	agency uuid NOT NULL REFERENCES rssp.agency,
	name text NOT NULL CHECK (name <> ''),
	birth_date date NOT NULL,
	identity_number text NOT NULL UNIQUE,
	email text NOT NULL,
	phone text NOT NULL DEFAULT '',
	position text NOT NULL DEFAULT '',
	budget_code text NOT NULL DEFAULT '',
	state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subscriber_agency ON rssp.subscriber (agency);
COMMENT ON COLUMN rssp.subscriber.id IS 'the CSC userID: opaque';

CREATE TABLE rssp.enrolment (
	id uuid PRIMARY KEY,
	number uuid NOT NULL UNIQUE,
	subscriber uuid REFERENCES rssp.subscriber,
	identity_number text NOT NULL,
	statement bytea NOT NULL,
	signature bytea NOT NULL,
	operator text NOT NULL,
	operator_fingerprint bytea NOT NULL CHECK (length(operator_fingerprint) = 32),
	state text NOT NULL CHECK (state IN ('refused', 'waiting', 'coded', 'redeemed')),
	rule text NOT NULL,
	policy_version bigint NOT NULL,
	code_mac bytea CHECK (length(code_mac) = 32),
	code_expires_at timestamptz,
	tries integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
	created_at timestamptz NOT NULL DEFAULT now(),
	CHECK (state IN ('refused', 'waiting') OR (subscriber IS NOT NULL AND code_mac IS NOT NULL
		AND code_expires_at IS NOT NULL))
);
CREATE INDEX enrolment_identity ON rssp.enrolment (identity_number) WHERE state = 'coded';
COMMENT ON COLUMN rssp.enrolment.number IS 'the statement''s own id: a statement is taken once';
COMMENT ON COLUMN rssp.enrolment.code_mac IS 'HMAC of the activation code under a key that only the SAMs have';

CREATE TABLE rssp.credential (
	id uuid PRIMARY KEY,
	subscriber uuid NOT NULL REFERENCES rssp.subscriber,
	enrolment uuid NOT NULL UNIQUE REFERENCES rssp.enrolment,
	key_algo text NOT NULL CHECK (key_algo IN ('rsa-2048', 'rsa-3072', 'rsa-4096', 'p-256', 'p-384')),
	factors text NOT NULL CHECK (factors IN ('PIN AND OTP', 'PIN')),
	scal smallint NOT NULL CHECK (scal IN (1, 2)),
	certificate bytea NOT NULL,
	certificate_sha256 bytea NOT NULL CHECK (length(certificate_sha256) = 32),
	serial bytea NOT NULL UNIQUE,
	valid_from timestamptz NOT NULL,
	valid_to timestamptz NOT NULL,
	otp_seal bytea,
	wrap_generation bigint NOT NULL,
	state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'revoked')),
	revoked_at timestamptz,
	revocation_reason smallint,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
	CHECK ((factors = 'PIN') = (otp_seal IS NULL))
);
CREATE INDEX credential_subscriber ON rssp.credential (subscriber);

CREATE TABLE rssp.slot (
	credential uuid NOT NULL REFERENCES rssp.credential,
	slot smallint NOT NULL,
	generation bigint NOT NULL,
	kdf_memory_kib bigint NOT NULL,
	kdf_passes bigint NOT NULL,
	salt bytea NOT NULL,
	key_seal bytea NOT NULL,
	PRIMARY KEY (credential, slot, generation, kdf_memory_kib, kdf_passes)
);
COMMENT ON TABLE rssp.slot IS 'one way to open a credential''s key (slot 0: PIN); the private key, wrapped by the HSM, sealed under the factor. A slot that moves to newer service keys or more stretching at a right PIN is a new row: the highest one is used, and the daemon can neither change nor delete any';
COMMENT ON COLUMN rssp.slot.generation IS 'of the service keys that seal it; one that no highest row names may be destroyed, for `wrap` if no credential names it either';

CREATE TABLE rssp.credential_guard (
	credential uuid PRIMARY KEY REFERENCES rssp.credential,
	failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
	attempted_at timestamptz,
	locked_at timestamptz,
	last_step bigint NOT NULL DEFAULT 0,
	unlock bytea,
	unlock_signature bytea,
	unlock_fingerprint bytea
);
COMMENT ON TABLE rssp.credential_guard IS 'wrong factors, counted before they are checked. The SAMs keep their own count, which nobody resets from here';
COMMENT ON COLUMN rssp.credential_guard.last_step IS 'the RFC 6238 step of the last OTP that was accepted';
COMMENT ON COLUMN rssp.credential_guard.unlock IS 'the newest statement by which an operator gave the tries back';

CREATE TABLE rssp.sad (
	id uuid PRIMARY KEY,
	sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
	credential uuid NOT NULL REFERENCES rssp.credential,
	subscriber uuid NOT NULL REFERENCES rssp.subscriber,
	client uuid NOT NULL REFERENCES rssp.client,
	certificate_sha256 bytea NOT NULL,
	scal smallint NOT NULL CHECK (scal IN (1, 2)),
	digest text NOT NULL CHECK (digest IN ('SHA-256', 'SHA-384', 'SHA-512')),
	hash_count integer NOT NULL CHECK (hash_count BETWEEN 1 AND 500),
	unspent integer NOT NULL CHECK (unspent BETWEEN 0 AND hash_count),
	hashes bytea NOT NULL DEFAULT '',
	spent bit varying(500) NOT NULL DEFAULT '',
	seal bytea,
	start_at timestamptz NOT NULL,
	end_at timestamptz NOT NULL CHECK (end_at > start_at AND end_at <= start_at + interval '2 hours'),
	state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'spent', 'extended', 'expired')),
	turn bigint NOT NULL DEFAULT 0,
	request uuid NOT NULL,
	CHECK ((state = 'live') = (seal IS NOT NULL)),
	CHECK (length(spent) = CASE hashes WHEN '' THEN 0 ELSE hash_count END),
	CHECK (hashes = '' OR unspent = hash_count - bit_count(spent))
) WITH (fillfactor = 50);
ALTER TABLE rssp.sad ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE INDEX sad_end ON rssp.sad (end_at) WHERE state = 'live';
COMMENT ON TABLE rssp.sad IS 'signature activation data: the key sealed under a secret that only the SAD itself carries';
COMMENT ON COLUMN rssp.sad.sha256 IS 'of the whole SAD as the client sends it';
COMMENT ON COLUMN rssp.sad.turn IS 'goes up with every consumption and every giving back: a commit that read an older one changes nothing';
COMMENT ON COLUMN rssp.sad.hashes IS 'the authorised digests in order, one after another; empty: bound to none (SCAL 1)';
COMMENT ON COLUMN rssp.sad.spent IS 'one bit for each occurrence in hashes. Bits, not rows: a batch of 500 is written and spent by one row, and the row''s lock is the lock of all of them';
COMMENT ON COLUMN rssp.sad.seal IS 'deleted as soon as the SAD is spent or late';

CREATE TABLE rssp.signing (
	request uuid PRIMARY KEY,
	sad uuid NOT NULL,
	credential uuid NOT NULL,
	subscriber uuid NOT NULL,
	client uuid NOT NULL,
	spends bit varying(500) NOT NULL,
	started_at timestamptz NOT NULL
);
COMMENT ON COLUMN rssp.signing.spends IS 'the bits of sad.spent that it set: what giving back clears';
COMMENT ON TABLE rssp.signing IS 'signatures started and not yet recorded. Recording deletes the row; the sweeper deletes what is left over and writes it down as lost, so that exactly one of them happens';

CREATE TABLE rssp.notice (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subscriber uuid NOT NULL REFERENCES rssp.subscriber,
	kind text NOT NULL CHECK (kind IN ('activated', 'locked', 'factor-changed', 'unlocked')),
	detail json NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	claimed_at timestamptz,
	sent_at timestamptz
);
CREATE INDEX notice_unsent ON rssp.notice (id) WHERE sent_at IS NULL;
COMMENT ON TABLE rssp.notice IS 'outbox: written in the commit that it tells of, then put into the mail spool';
COMMENT ON COLUMN rssp.notice.claimed_at IS 'when a daemon took it to write the mail; after a minute another one may';

-- What the daemon may change, column by column: never a key, a certificate, an enrolment's statement.
-- (SELECT … FOR SHARE needs UPDATE on some column of the row it locks.)
GRANT SELECT ON ALL TABLES IN SCHEMA rssp TO rsspd;
GRANT INSERT ON rssp.agency, rssp.client, rssp.client_failures, rssp.token, rssp.subscriber,
	rssp.enrolment, rssp.credential, rssp.slot, rssp.credential_guard, rssp.sad, rssp.signing,
	rssp.notice TO rsspd;
GRANT DELETE ON rssp.token, rssp.signing TO rsspd;
GRANT UPDATE (sector, province) ON rssp.agency TO rsspd;
GRANT UPDATE (secret_sha256, state, version) ON rssp.client TO rsspd;
GRANT UPDATE (window_start, failures) ON rssp.client_failures TO rsspd;
GRANT UPDATE (failures, attempted_at, locked_at, last_step, unlock, unlock_signature,
	unlock_fingerprint) ON rssp.credential_guard TO rsspd;
GRANT UPDATE (agency, name, birth_date, email, phone, position, budget_code, state, version)
	ON rssp.subscriber TO rsspd;
GRANT UPDATE (state, code_expires_at, tries) ON rssp.enrolment TO rsspd;
GRANT UPDATE (version) ON rssp.credential TO rsspd;
GRANT UPDATE (unspent, spent, seal, state, turn) ON rssp.sad TO rsspd;
GRANT UPDATE (claimed_at, sent_at) ON rssp.notice TO rsspd;

RESET ROLE;
