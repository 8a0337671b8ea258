#include "clients/lib/ades/appearance_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEAL_MIN (10 * APPEARANCE_MM)
#define SEAL_MAX (100 * APPEARANCE_MM)

static bool within(double value, double least, double most)
{
	return isfinite(value) && value >= least && value <= most;
}

static bool options_are_sane(const struct appearance_options *options)
{
	bool shows = options->picture.len > 0 || options->seal.len > 0 ||
		     (options->show & APPEARANCE_LINES) != 0;

	return shows && options->page >= APPEARANCE_LAST_PAGE &&
	       options->page <= APPEARANCE_PAGE_MAX && options->corner >= APPEARANCE_TOP_LEFT &&
	       options->corner <= APPEARANCE_BOTTOM_RIGHT &&
	       within(options->x, 0, APPEARANCE_SIDE_MAX) &&
	       within(options->y, 0, APPEARANCE_SIDE_MAX) &&
	       within(options->width, APPEARANCE_SIDE_MIN, APPEARANCE_SIDE_MAX) &&
	       within(options->height, APPEARANCE_SIDE_MIN, APPEARANCE_SIDE_MAX) &&
	       within(options->font_size, APPEARANCE_FONT_MIN, APPEARANCE_FONT_MAX);
}

/* A seal is shown as large as it is: Decree 30/2020, annex I. */
static rc_t measure_seal(struct appearance *appearance)
{
	const struct picture *seal = &appearance->seal;
	double width = seal->real_width;
	double height = seal->real_height;

	if (appearance->options.seal_width > 0) {
		height = width > 0 ? appearance->options.seal_width * height / width
				   : appearance->options.seal_width * seal->height / seal->width;
		width = appearance->options.seal_width;
	}
	if (!within(width, SEAL_MIN, SEAL_MAX) || !within(height, SEAL_MIN, SEAL_MAX))
		return RC_SEAL_SIZE;
	appearance->seal_width = width;
	appearance->seal_height = height;
	return RC_OK;
}

static rc_t read_picture(struct span png, enum appearance_part part, struct appearance_fault *fault,
	struct picture *picture)
{
	struct buf words = BUF_INIT;
	const char *text = NULL;

	fault->part = part;
	rc_t rc = picture_read(png, &words, picture);
	if (rc != RC_OK && buf_string(&words, &text) == RC_OK)
		snprintf(fault->words, sizeof(fault->words), "%s", text);
	buf_free(&words);
	return rc;
}

static rc_t read_pictures(const struct appearance_options *options, struct appearance_fault *fault,
	struct appearance *appearance)
{
	rc_t rc = RC_OK;

	if (options->picture.len > 0)
		rc = read_picture(
			options->picture, APPEARANCE_PICTURE, fault, &appearance->picture);
	if (rc == RC_OK && options->seal.len > 0) {
		rc = read_picture(options->seal, APPEARANCE_SEAL, fault, &appearance->seal);
		if (rc == RC_OK)
			rc = measure_seal(appearance);
	}
	return rc;
}

static rc_t read_fonts(const struct appearance_options *options, struct appearance_fault *fault,
	struct appearance *appearance)
{
	bool bold = (options->show & APPEARANCE_BOLD) != 0 && options->bold_font.len > 0;

	if ((options->show & APPEARANCE_LINES) == 0)
		return RC_OK;
	fault->part = APPEARANCE_FONT;
	rc_t rc = font_new(options->font, &appearance->font);
	if (rc == RC_OK && bold) {
		fault->part = APPEARANCE_BOLD_FONT;
		rc = font_new(options->bold_font, &appearance->own_bold);
	}
	appearance->bold = appearance->own_bold != NULL ? appearance->own_bold : appearance->font;
	return rc;
}

rc_t appearance_new(const struct appearance_options *options, struct appearance_fault *fault,
	struct appearance **appearance)
{
	struct appearance_fault found = {0};

	if (!options_are_sane(options))
		return RC_RANGE;
	struct appearance *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->options = *options;
	fresh->options.picture = SPAN_NONE;
	fresh->options.seal = SPAN_NONE;
	fresh->options.font = SPAN_NONE;
	fresh->options.bold_font = SPAN_NONE;
	rc_t rc = read_pictures(options, &found, fresh);
	if (rc == RC_OK)
		rc = read_fonts(options, &found, fresh);
	if (rc != RC_OK) {
		if (fault != NULL)
			*fault = found;
		appearance_free(&fresh);
		return rc;
	}
	*appearance = fresh;
	return RC_OK;
}

void appearance_free(struct appearance **appearance)
{
	if (*appearance == NULL)
		return;
	picture_free(&(*appearance)->picture);
	picture_free(&(*appearance)->seal);
	font_free(&(*appearance)->font);
	font_free(&(*appearance)->own_bold);
	free(*appearance);
	*appearance = NULL;
}
