#include "hsm/sam/budget.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "hsm/sam/otp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUDGET_MAGIC 0x5253424447310001ULL
#define BUDGET_PROBES 128u
#define HOUR_MS 3600000
#define UNLOCK_AHEAD_MS 300000
#define FULL_RETRY_S 60

struct entry {
	uint8_t credential[ID_LEN];
	int64_t last_step;	/* step + 1; 0: none, as a zeroed area says */
	int64_t last_unlock_ms; /* 0: none */
	uint32_t failures;
	uint32_t used; /* written last: an entry without it does not exist */
	uint8_t spare[24];
};

struct header {
	uint64_t magic;
	int64_t born_ms;       /* wall clock: unlocks before it were for an earlier area */
	int64_t hour_start_ms; /* monotonic: who sets the wall clock gains no tries */
	uint32_t hour_failures;
	uint8_t spare[4096 - 28];
};

struct area {
	struct header header;
	struct entry entries[BUDGET_SLOTS];
};

_Static_assert(sizeof(struct entry) == 64 && sizeof(struct header) == 4096 &&
		       sizeof(struct area) == BUDGET_AREA_SIZE,
	"the area's layout is fixed");

struct budget {
	int fd;
	struct budget_limits limits;
	struct area *area;
};

/* POSIX record locks: of the process, not of the file description that all SAMs inherit, and freed
 * by the kernel when the process dies. */
static void area_lock(const struct budget *budget, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

	while (fcntl(budget->fd, F_SETLKW, &lock) != 0) {
		if (errno == EINTR)
			continue;
		/* going on without the lock could lose a count */
		log_error("budget: lock failed error=\"%s\"", strerror(errno));
		abort();
	}
}

rc_t budget_open(int fd, struct budget_limits limits, int64_t now_ms, struct budget **budget)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_size < (off_t)sizeof(struct area))
		return RC_SYSTEM;
	struct budget *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return RC_NO_MEMORY;
	made->fd = fd;
	made->limits = limits;
	made->area = mmap(NULL, sizeof(struct area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (made->area == MAP_FAILED) {
		free(made);
		return RC_NO_MEMORY;
	}
	area_lock(made, F_WRLCK);
	struct header *header = &made->area->header;
	bool strange = header->magic != 0 && header->magic != BUDGET_MAGIC;
	if (header->magic == 0) {
		header->born_ms = now_ms;
		header->hour_start_ms = clock_monotonic_ms();
		__atomic_store_n(&header->magic, BUDGET_MAGIC, __ATOMIC_RELEASE);
	}
	area_lock(made, F_UNLCK);
	if (strange) {
		budget_close(&made);
		return RC_SYSTEM;
	}
	*budget = made;
	return RC_OK;
}

void budget_close(struct budget **budget)
{
	if (*budget == NULL)
		return;
	munmap((*budget)->area, sizeof(struct area));
	free(*budget);
	*budget = NULL;
}

static size_t entry_start(const struct id *credential)
{
	uint8_t digest[SHA256_LEN] = {0};

	if (digest_sha256(id_span(credential), digest) != RC_OK)
		return 0;
	return ((size_t)digest[0] << 16 | (size_t)digest[1] << 8 | digest[2]) % BUDGET_SLOTS;
}

static struct entry *entry_find(struct budget *budget, const struct id *credential)
{
	size_t start = entry_start(credential);

	for (size_t i = 0; i < BUDGET_PROBES; i++) {
		struct entry *entry = &budget->area->entries[(start + i) % BUDGET_SLOTS];
		if (entry->used == 0)
			return NULL; /* entries are replaced, never emptied */
		if (memcmp(entry->credential, credential->bytes, ID_LEN) == 0)
			return entry;
	}
	return NULL;
}

static bool entry_is_idle(const struct entry *entry, int64_t now_ms)
{
	return entry->used == 0 || (entry->failures == 0 && entry->last_unlock_ms == 0 &&
					   entry->last_step < now_ms / 1000 / OTP_STEP_S - 2);
}

/* NULL: the table is full. */
static struct entry *entry_make(struct budget *budget, const struct id *credential, int64_t now_ms)
{
	size_t start = entry_start(credential);

	for (size_t i = 0; i < BUDGET_PROBES; i++) {
		struct entry *entry = &budget->area->entries[(start + i) % BUDGET_SLOTS];
		if (!entry_is_idle(entry, now_ms))
			continue;
		/* killed in here, a new entry does not exist yet, and an old one has lost only
		 * what told nothing */
		entry->last_step = 0;
		memcpy(entry->credential, credential->bytes, ID_LEN);
		__atomic_store_n(&entry->used, 1, __ATOMIC_RELEASE);
		return entry;
	}
	return NULL;
}

static rc_t hour_check(struct budget *budget, unsigned *retry_after_s)
{
	struct header *header = &budget->area->header;
	int64_t now = clock_monotonic_ms();
	int64_t age = now - header->hour_start_ms;

	if (age < 0 || age >= HOUR_MS) {
		header->hour_failures = 0;
		header->hour_start_ms = now;
		age = 0;
	}
	if (header->hour_failures < budget->limits.per_hour)
		return RC_OK;
	*retry_after_s = (unsigned)((HOUR_MS - age) / 1000) + 1;
	return RC_TOO_MANY;
}

static rc_t count_locked(struct budget *budget, const struct id *credential, int64_t now_ms,
	struct budget_try *attempt)
{
	struct entry *entry = entry_find(budget, credential);

	if (entry != NULL && entry->failures >= budget->limits.per_credential)
		return RC_PIN_LOCKED;
	rc_t rc = hour_check(budget, &attempt->retry_after_s);
	if (rc != RC_OK)
		return rc;
	if (entry == NULL)
		entry = entry_make(budget, credential, now_ms);
	if (entry == NULL) {
		log_error("budget: table is full, the try is refused");
		attempt->retry_after_s = FULL_RETRY_S;
		return RC_TOO_MANY;
	}
	__atomic_add_fetch(&entry->failures, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&budget->area->header.hour_failures, 1, __ATOMIC_RELEASE);
	attempt->last_step = entry->last_step - 1;
	return RC_OK;
}

rc_t budget_count(struct budget *budget, const struct id *credential, int64_t now_ms,
	struct budget_try *attempt)
{
	area_lock(budget, F_WRLCK);
	rc_t rc = count_locked(budget, credential, now_ms, attempt);
	area_lock(budget, F_UNLCK);
	return rc;
}

static void hour_uncount(struct budget *budget)
{
	/* the hour may have changed since it was counted */
	if (budget->area->header.hour_failures > 0)
		budget->area->header.hour_failures--;
}

void budget_uncount(struct budget *budget, const struct id *credential)
{
	area_lock(budget, F_WRLCK);
	struct entry *entry = entry_find(budget, credential);
	if (entry != NULL && entry->failures > 0)
		entry->failures--;
	hour_uncount(budget);
	area_lock(budget, F_UNLCK);
}

static rc_t right(struct budget *budget, const struct id *credential, int64_t step, bool all)
{
	area_lock(budget, F_WRLCK);
	struct entry *entry = entry_find(budget, credential);
	if (step >= 0 && (entry == NULL || step + 1 <= entry->last_step)) {
		area_lock(budget, F_UNLCK);
		return RC_OTP_REPLAYED;
	}
	if (entry != NULL) {
		uint32_t left = all || entry->failures == 0 ? 0 : entry->failures - 1;
		/* the step first: killed between the two, no code is good twice */
		if (step >= 0)
			__atomic_store_n(&entry->last_step, step + 1, __ATOMIC_RELEASE);
		__atomic_store_n(&entry->failures, left, __ATOMIC_RELEASE);
	}
	hour_uncount(budget);
	area_lock(budget, F_UNLCK);
	return RC_OK;
}

rc_t budget_success(struct budget *budget, const struct id *credential, int64_t step)
{
	return right(budget, credential, step, true);
}

rc_t budget_proved(struct budget *budget, const struct id *credential, int64_t step)
{
	return right(budget, credential, step, false);
}

static bool unlock_is_new(const struct budget *budget, const struct entry *entry,
	int64_t issued_at_ms, int64_t now_ms)
{
	return issued_at_ms > budget->area->header.born_ms &&
	       (entry == NULL || issued_at_ms > entry->last_unlock_ms) &&
	       issued_at_ms <= now_ms + UNLOCK_AHEAD_MS;
}

bool budget_unlock_is_new(
	struct budget *budget, const struct id *credential, int64_t issued_at_ms, int64_t now_ms)
{
	area_lock(budget, F_WRLCK);
	bool is_new = unlock_is_new(budget, entry_find(budget, credential), issued_at_ms, now_ms);
	area_lock(budget, F_UNLCK);
	return is_new;
}

rc_t budget_unlock(
	struct budget *budget, const struct id *credential, int64_t issued_at_ms, int64_t now_ms)
{
	rc_t rc = RC_STALE;

	area_lock(budget, F_WRLCK);
	struct entry *entry = entry_find(budget, credential);
	bool is_new = unlock_is_new(budget, entry, issued_at_ms, now_ms);
	/* an unlock that finds nothing to give back is remembered too, or it could be kept for
	 * later */
	if (is_new && entry == NULL)
		entry = entry_make(budget, credential, now_ms);
	if (is_new && entry != NULL) {
		/* remembered first: killed between the two, it is spent and gave nothing */
		__atomic_store_n(&entry->last_unlock_ms, issued_at_ms, __ATOMIC_RELEASE);
		__atomic_store_n(&entry->failures, 0, __ATOMIC_RELEASE);
		rc = RC_OK;
	}
	area_lock(budget, F_UNLCK);
	return rc;
}
