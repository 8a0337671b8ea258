#include "hsm/client_internal.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_MAX 65536
#define HELLO_MS 30000 /* a token with many objects takes seconds to open */

/*
 * A SAM works on one frame after another and answers in that order: the first ask in flight is the
 * one it is working on, and the time-out is for that one.
 *
 * A SAM that wants to be replaced shuts its reading side down, answers what it has and ends: our
 * next write fails (`retiring`), what is not wholly written goes elsewhere, nothing is lost.
 */
struct link {
	struct hsm_client *client;
	enum sam_role role;
	unsigned index;
	int fd; /* -1: no SAM there */
	bool greeted, retiring;
	bool stuck; /* the socket is full: the watch tells when it is not */
	struct loop_watch *watch;
	struct loop_timer *timer;
	struct loop_timer *flush;     /* what one turn of the loop brings is written together */
	struct ask_list queue;	      /* not begun to be written */
	struct ask_list flight;	      /* being written, or with the SAM; oldest first */
	uint64_t backlog_us, work_us; /* of the queue and the flight: cost_us, least_us */
	struct buf in;
};

static const char *const role_names[SAM_ROLES] = {"activate", "sign", "issue"};

static void link_give_up(struct link *link, const char *why);
static void link_fill(struct link *link);

/* ---- lists of asks ---- */

static void list_open(struct ask_list *list)
{
	*list = (struct ask_list){.end = &list->first};
}

static void list_put(struct ask_list *list, struct ask *ask)
{
	ask->next = NULL;
	*list->end = ask;
	list->end = &ask->next;
	list->count++;
}

static struct ask *list_take(struct ask_list *list)
{
	struct ask *ask = list->first;

	if (ask == NULL)
		return NULL;
	list->first = ask->next;
	if (list->first == NULL)
		list->end = &list->first;
	list->count--;
	return ask;
}

static void link_owes_less(struct link *link, const struct ask *ask)
{
	link->backlog_us -= ask->cost_us;
	link->work_us -= ask->least_us;
}

static struct ask *link_take(struct link *link, struct ask_list *list)
{
	struct ask *ask = list_take(list);

	if (ask != NULL)
		link_owes_less(link, ask);
	return ask;
}

/* ---- writing ---- */

static void link_want(struct link *link, int want)
{
	if (loop_watch_want(link->watch, want) != RC_OK)
		log_error("hsm: cannot watch the socket of role=%s index=%u",
			role_names[link->role], link->index);
}

/* What the SAM has not wholly got: it cannot have begun with it. */
static void link_return_unsent(struct link *link)
{
	struct ask_list flight = link->flight, unsent;
	struct ask *ask;

	list_open(&unsent);
	list_open(&link->flight);
	while ((ask = list_take(&flight)) != NULL)
		list_put(ask->frame.len == 0 ? &link->flight : &unsent, ask);
	while ((ask = list_take(&link->queue)) != NULL)
		list_put(&unsent, ask);
	while ((ask = link_take(link, &unsent)) != NULL)
		ask_returned(ask);
}

static void link_retire(struct link *link)
{
	link->retiring = true;
	log_info("hsm: sam takes no more role=%s index=%u", role_names[link->role], link->index);
	link_want(link, LOOP_READ);
	if (link->flight.first == NULL || link->flight.first->frame.len > 0)
		loop_timer_set(link->timer, link->client->limits.job_timeout_ms);
	link_return_unsent(link);
}

/* What is written of the flight; *full: nothing more fits. False when the SAM takes no more. */
static bool link_write(struct link *link, size_t *written, bool *full)
{
	struct iovec parts[IN_FLIGHT_MAX];
	struct msghdr message = {.msg_iov = parts};
	ssize_t done;

	for (struct ask *ask = link->flight.first; ask != NULL; ask = ask->next) {
		if (ask->frame.len > 0)
			parts[message.msg_iovlen++] = (struct iovec){
				ask->frame.data + ask->written, ask->frame.len - ask->written};
	}
	*written = 0;
	*full = false;
	if (message.msg_iovlen == 0)
		return true;
	do {
		done = sendmsg(link->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (done < 0 && errno == EINTR);
	*full = done == 0 || (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
	if (done > 0)
		*written = (size_t)done;
	return done >= 0 || *full;
}

/* The next bytes of the flight are with the SAM; true: so is all of it. */
static bool link_written(struct link *link, size_t bytes)
{
	for (struct ask *ask = link->flight.first; ask != NULL; ask = ask->next) {
		size_t rest = ask->frame.len - ask->written;
		if (bytes < rest) {
			ask->written += bytes;
			return false;
		}
		bytes -= rest;
		buf_free(&ask->frame); /* PINs and secrets live no longer than needed */
		ask->written = 0;
	}
	return true;
}

/* False when the SAM takes no more. */
static bool link_flush(struct link *link)
{
	bool all = false, full = false;

	while (!all && !full) {
		size_t bytes;
		if (!link_write(link, &bytes, &full))
			return false;
		all = link_written(link, bytes);
	}
	if (link->stuck == full)
		return true;
	link->stuck = full;
	link_want(link, full ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	return true;
}

static void link_on_write(void *arg)
{
	struct link *link = arg;

	if (link->greeted && !link->retiring && !link_flush(link))
		link_retire(link);
}

/* Besides what the SAM has, without others' having to wait long behind it? */
static bool link_has_room(const struct link *link, const struct ask *ask)
{
	const struct ask *first = link->flight.first;
	uint64_t us = ask->least_us;

	if (link->flight.count < IN_FLIGHT_MIN)
		return true;
	if (link->flight.count >= IN_FLIGHT_MAX)
		return false;
	for (const struct ask *other = first->next; other != NULL; other = other->next)
		us += other->least_us;
	return us <= IN_FLIGHT_US;
}

/* Keeps the SAM supplied. Does not end the link: it runs inside of callers' calls, too. */
static void link_fill(struct link *link)
{
	bool idle = link->flight.first == NULL, more = false;

	if (!link->greeted || link->retiring)
		return;
	while (link->queue.first != NULL && link_has_room(link, link->queue.first)) {
		struct ask *ask = list_take(&link->queue);
		if (!ask_pointless(ask)) {
			list_put(&link->flight, ask);
			more = true;
			continue;
		}
		link_owes_less(link, ask);
		ask_returned(ask);
	}
	if (more && idle)
		loop_timer_set(link->timer, link->client->limits.job_timeout_ms);
	if (more && !link->stuck)
		loop_timer_set(link->flush, 0);
}

void link_put(struct link *link, struct ask *ask)
{
	ask->link_index = link->index;
	link->backlog_us += ask->cost_us;
	link->work_us += ask->least_us;
	list_put(&link->queue, ask);
	link_fill(link);
}

/* ---- reading ---- */

static bool link_greet(struct link *link, const struct frame_header *header, struct span body)
{
	struct frame_hello hello;

	if (link->greeted || header->job != 0 || proto_hello_decode(&hello, body) != RC_OK)
		return false;
	if (hello.role != link->role || hello.index != link->index)
		return false;
	link->greeted = true;
	loop_timer_cancel(link->timer);
	log_info("hsm: sam is ready role=%s index=%u sam_pid=%llu", role_names[link->role],
		link->index, (unsigned long long)hello.pid);
	link_fill(link);
	return true;
}

static bool link_answer(struct link *link, const struct frame_header *header, struct span body)
{
	const struct ask *head = link->flight.first;

	if (head == NULL || head->frame.len != 0 || head->job != header->job ||
		head->task->kind != header->kind)
		return false;
	struct ask *ask = link_take(link, &link->flight);
	/* one that takes no more has to end soon */
	if (link->flight.first != NULL || link->retiring)
		loop_timer_set(link->timer, link->client->limits.job_timeout_ms);
	else
		loop_timer_cancel(link->timer);
	if (ask_answered(ask, body) != RC_OK) {
		ask_lost(ask);
		return false;
	}
	link_fill(link);
	return true;
}

/* The first frame in the buffer: its length, 0 if it is not whole yet, -1 if it is none of ours. */
static ssize_t link_frame(struct link *link, struct span bytes)
{
	struct frame_header header;

	if (bytes.len < FRAME_HEADER_LEN)
		return 0;
	if (frame_header_decode(bytes.data, &header) != RC_OK)
		return -1;
	size_t len = FRAME_HEADER_LEN + header.body_len;
	if (bytes.len < len)
		return 0;
	struct span body = SPAN(bytes.data + FRAME_HEADER_LEN, header.body_len);
	bool fits = header.kind == FRAME_HELLO ? link_greet(link, &header, body)
					       : link_answer(link, &header, body);
	return fits ? (ssize_t)len : -1;
}

static void link_parse(struct link *link)
{
	size_t used = 0;
	ssize_t len;

	while ((len = link_frame(link, SPAN(link->in.data + used, link->in.len - used))) > 0)
		used += (size_t)len;
	if (len < 0) {
		link_give_up(link, "bad frame");
		return;
	}
	if (used == 0)
		return;
	size_t rest = link->in.len - used;
	memmove(link->in.data, link->in.data + used, rest);
	OPENSSL_cleanse(link->in.data + rest, used); /* it held secrets */
	link->in.len = rest;
}

static void link_on_read(void *arg)
{
	struct link *link = arg;

	if (buf_reserve(&link->in, READ_MAX) != RC_OK) {
		link_give_up(link, "no memory");
		return;
	}
	ssize_t got = recv(link->fd, link->in.data + link->in.len, READ_MAX, MSG_DONTWAIT);
	if (got > 0) {
		link->in.len += (size_t)got;
		link_parse(link);
		return;
	}
	if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		link_give_up(link, "closed");
}

/* ---- beginning and end ---- */

static void link_on_timeout(void *arg)
{
	struct link *link = arg;

	link_give_up(link, link->greeted ? "time-out" : "no greeting");
}

/* Closes; what the SAM had is lost, what it had not is placed elsewhere. */
static void link_detach(struct link *link)
{
	struct ask *ask;

	if (link->fd < 0)
		return;
	loop_timer_cancel(link->timer);
	loop_timer_cancel(link->flush);
	loop_watch_free(&link->watch);
	close(link->fd);
	link->fd = -1;
	link->greeted = false;
	link->retiring = false;
	link->stuck = false;
	buf_free(&link->in);
	link_return_unsent(link);
	while ((ask = link_take(link, &link->flight)) != NULL)
		ask_lost(ask);
}

static void link_give_up(struct link *link, const char *why)
{
	struct hsm_client *client = link->client;
	bool quiet = link->flight.first == NULL && link->greeted;

	log_write(quiet ? LOG_INFO : LOG_WARNING,
		"hsm: sam given up role=%s index=%u why=\"%s\" "
		"in_flight=%zu waiting=%zu",
		role_names[link->role], link->index, why, link->flight.count, link->queue.count);
	link_detach(link);
	if (client->on_lost != NULL)
		client->on_lost(client->on_lost_arg, link->role, link->index);
}

rc_t link_attach(struct link *link, int fd)
{
	link_detach(link);
	int flags = fcntl(fd, F_GETFL);
	rc_t rc = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? RC_SYSTEM : RC_OK;

	if (rc == RC_OK)
		rc = loop_watch_new(
			link->client->loop, fd, link_on_read, link_on_write, link, &link->watch);
	if (rc == RC_OK)
		rc = loop_watch_want(link->watch, LOOP_READ);
	if (rc != RC_OK) {
		loop_watch_free(&link->watch);
		close(fd);
		return rc;
	}
	link->fd = fd;
	loop_timer_set(link->timer, HELLO_MS);
	return RC_OK;
}

rc_t link_new(struct hsm_client *client, enum sam_role role, unsigned index, struct link **link)
{
	struct link *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->client = client;
	fresh->role = role;
	fresh->index = index;
	fresh->fd = -1;
	list_open(&fresh->queue);
	list_open(&fresh->flight);
	rc_t rc = loop_timer_new(client->loop, link_on_timeout, fresh, &fresh->timer);
	if (rc == RC_OK)
		rc = loop_timer_new(client->loop, link_on_write, fresh, &fresh->flush);
	if (rc != RC_OK) {
		loop_timer_free(&fresh->timer);
		free(fresh);
		return rc;
	}
	*link = fresh;
	return RC_OK;
}

void link_free(struct link **link)
{
	if (*link == NULL)
		return;
	link_detach(*link);
	loop_timer_free(&(*link)->timer);
	loop_timer_free(&(*link)->flush);
	free(*link);
	*link = NULL;
}

/* ---- what the choice of a SAM asks ---- */

bool link_takes(const struct link *link)
{
	return link != NULL && link->fd >= 0 && !link->retiring;
}

bool link_ready(const struct link *link)
{
	return link_takes(link) && link->greeted;
}

bool link_full(const struct link *link)
{
	return link->queue.count >= link->client->limits.queue_max;
}

uint64_t link_backlog_us(const struct link *link)
{
	return link->backlog_us;
}

uint64_t link_work_us(const struct link *link)
{
	return link->work_us;
}

size_t link_waiting(const struct link *link)
{
	return link->queue.count;
}

size_t link_in_flight(const struct link *link)
{
	return link->flight.count;
}
