-- Versions go up by themselves: a daemon compares them, under lock, with those of what it decided
-- by, and may have read that some requests ago. A change made by hand counts like any other.
SET ROLE rssp_owner;

CREATE FUNCTION rssp.raise_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	NEW.version := OLD.version + 1;
	RETURN NEW;
END $$;
CREATE TRIGGER version BEFORE UPDATE ON rssp.client FOR EACH ROW
	WHEN (NEW IS DISTINCT FROM OLD AND NEW.version = OLD.version) EXECUTE FUNCTION rssp.raise_version();
CREATE TRIGGER version BEFORE UPDATE ON rssp.subscriber FOR EACH ROW
	WHEN (NEW IS DISTINCT FROM OLD AND NEW.version = OLD.version) EXECUTE FUNCTION rssp.raise_version();
CREATE TRIGGER version BEFORE UPDATE ON rssp.credential FOR EACH ROW
	WHEN (NEW IS DISTINCT FROM OLD AND NEW.version = OLD.version) EXECUTE FUNCTION rssp.raise_version();

-- What the policy was told of the people below, and of the clients there, is no longer so.
CREATE FUNCTION rssp.raise_below() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	UPDATE rssp.subscriber s SET version = s.version + 1 FROM rssp.agency g
		WHERE g.path @> ARRAY[NEW.id] AND s.agency = g.id;
	RETURN NULL;
END $$;
CREATE TRIGGER version AFTER UPDATE ON rssp.agency FOR EACH ROW
	WHEN (NEW.sector IS DISTINCT FROM OLD.sector OR NEW.path IS DISTINCT FROM OLD.path)
	EXECUTE FUNCTION rssp.raise_below();

-- A signing is looked for by its SAD: is anything of this SAD still under way?
ALTER TABLE rssp.signing DROP CONSTRAINT signing_pkey, ADD PRIMARY KEY (sad, request);

RESET ROLE;
