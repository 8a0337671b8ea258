/*
 * The memory that outlives a SAM: failures and last OTP steps by credential. The supervisor makes
 * it (a memfd of budget_area_size() bytes, zeroed), passes it to each activate SAM as fd 4 and
 * keeps it across that SAM's deaths. No caller and no database resets it.
 */
#ifndef HSM_BUDGET_H
#define HSM_BUDGET_H

#include <stddef.h>

#define SAM_SOCKET_FD 3
#define SAM_AREA_FD 4

size_t budget_area_size(void);

#endif
