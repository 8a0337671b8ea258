/* Why a document cannot be signed. */
#include "clients/cli/sign.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sign_set_fault(struct signing *signing, struct document *document, enum cli_exit code,
	const char *en, const char *vi, ...)
{
	va_list args;

	document->state = SIGN_FAULTY;
	if (document->fault.code != CLI_DONE)
		return;
	document->fault.code = code;
	va_start(args, vi);
	if (vasprintf(&document->fault.words, signing->cli->vietnamese ? vi : en, args) < 0)
		document->fault.words = NULL;
	else
		/* JSON takes them only as UTF-8, which a file's name need not be */
		client_text_disarm(document->fault.words, true);
	va_end(args);
}

void sign_set_fault_rc(
	struct signing *signing, struct document *document, rc_t rc, const char *detail)
{
	enum cli_exit code = CLI_LOCAL;
	const char *words = cli_refusal(signing->cli, rc, &code);

	if (detail == NULL || detail[0] == 0)
		sign_set_fault(signing, document, code, "%s: %s", "%s: %s", document->in, words);
	else
		sign_set_fault(signing, document, code, "%s: %s (%s)", "%s: %s (%s)", document->in,
			words, detail);
}
