/* Shared by appearance.c and template.c. */
#ifndef CLI_APPEARANCE_H
#define CLI_APPEARANCE_H

#include "clients/cli/cli.h"
#include "clients/lib/visible.h"

/* The options that were given go over what visible holds. */
enum cli_exit cli_visible_options(struct cli *cli, struct visible *visible);
/* Reads its files. */
enum cli_exit cli_visible_make(
	struct cli *cli, const struct visible *visible, struct appearance **appearance);

/* template.c: visible, as visible_init() left it, becomes what the template says. */
enum cli_exit cli_template_load(struct cli *cli, const char *name, struct visible *visible);
/* Without a default it stays as it is. */
enum cli_exit cli_template_load_default(struct cli *cli, struct visible *visible);

#endif
