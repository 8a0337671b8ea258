-- A signing is looked for by its SAD: is anything of this SAD still under way?
SET ROLE rssp_owner;

ALTER TABLE rssp.signing DROP CONSTRAINT signing_pkey, ADD PRIMARY KEY (sad, request);

RESET ROLE;
