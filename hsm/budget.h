/*
 * The memory that outlives a SAM: failures and last OTP steps by credential. The supervisor makes
 * it (a memfd of BUDGET_AREA_SIZE bytes, zeroed), passes it to each activate SAM as fd 4 and
 * keeps it across that SAM's deaths. No caller and no database resets it.
 */
#ifndef HSM_BUDGET_H
#define HSM_BUDGET_H

#define SAM_SOCKET_FD 3
#define SAM_AREA_FD 4

#define BUDGET_SLOTS 1048576
/* A header of one page, and 64 bytes for each of BUDGET_SLOTS credentials. */
#define BUDGET_AREA_SIZE (4096 + 64L * BUDGET_SLOTS)

#endif
