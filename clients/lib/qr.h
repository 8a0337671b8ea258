/* QR codes (ISO/IEC 18004): text in byte mode, error correction L, versions 1 to 12, so that a
 * secret goes from a terminal into an authenticator app without being typed. */
#ifndef CLIENTS_QR_H
#define CLIENTS_QR_H

#include "base/buf.h"

#include <stdbool.h>

#define QR_SIZE_MAX 65
#define QR_TEXT_MAX 367

/* Holds what was encoded: wipe it when that was a secret (qr_wipe). */
struct qr {
	size_t size;			     /* modules a side, without the quiet zone */
	bool dark[QR_SIZE_MAX][QR_SIZE_MAX]; /* row, column */
};

/* RC_TOO_LONG: more than QR_TEXT_MAX bytes. */
must_check rc_t qr_encode(struct span text, struct qr *qr);
void qr_wipe(struct qr *qr);

#endif
