/* Shared by verify.c, which checks, and verify_words.c, which says what was found. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "clients/cli/cli.h"
#include "clients/lib/ades/verify.h"

/* Each signature to standard output, with its faults, and into the JSON result. */
void verify_say(
	struct cli *cli, const char *path, const struct verify_report *report, uint64_t allowed);
/* The gravest of the faults in a few words. */
const char *verify_worst(const struct cli *cli, uint64_t faults);

#endif
