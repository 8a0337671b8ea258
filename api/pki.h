/* The plain listener: what certificates point to, and nothing else (RFC 5280 §4.2.1.13, §4.2.2.1).
 */
#ifndef API_PKI_H
#define API_PKI_H

#include "api/message.h"

/* An http_handler_fn; arg is the core. */
void pki_handle(void *arg, const struct http_message *message, http_answer_fn done, void *done_arg);

#endif
