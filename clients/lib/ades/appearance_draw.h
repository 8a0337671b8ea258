/* An appearance becomes objects of one PDF. */
#ifndef ADES_APPEARANCE_DRAW_H
#define ADES_APPEARANCE_DRAW_H

#include "clients/lib/ades/appearance.h"
#include "clients/lib/ades/pdf.h"

struct appearance_words {
	struct buf description; /* what widget->description points at; the caller frees it */
	struct buf *detail;	/* NULL, or gets where it would stand if that is off the page */
};

/* Adds the form and what it needs to pdf, and says where it stands. RC_PDF_NO_PAGE, RC_OFF_PAGE,
 * RC_BOX_TOO_SMALL, RC_FONT_LACKS; RC_FORMAT: the certificate does not parse. */
must_check rc_t appearance_draw(const struct appearance *appearance, struct span certificate,
	int64_t signed_at_ms, struct pdf *pdf, struct appearance_words *words,
	struct pdf_widget *widget);

#endif
