/* link: conf */
#include "conf_table.h"

#include "base/log.h"

#include <stdlib.h>

/* Any text gives a configuration with every text set, or a refusal. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char needed[] =
		"[tls]\ncertificate=a\nkey=a\n[operators]\nfile=a\n[database]\nconninfo=a\n"
		"[hsm]\nmodule=a\nkey-token=a\nkey-pin-file=a\nca-token=a\nca-pin-file=a\n"
		"[sam]\ncodes-spool=a\n[notices]\nspool=a\n";
	struct conf *conf = NULL;
	FILE *file = tmpfile();

	if (file == NULL)
		abort();
	log_open("fuzz", LOG_ERROR + 1);
	fwrite(needed, 1, sizeof(needed) - 1, file);
	fwrite(data, 1, size, file);
	rewind(file);
	rc_t rc = conf_parse(&conf, file, "fuzz.conf", "/folder");
	if ((rc == RC_OK) != (conf != NULL) ||
		(rc == RC_OK && (conf->log_level == NULL || conf->listen_port < 1)))
		abort();
	conf_free(&conf);
	fclose(file);
	return 0;
}
