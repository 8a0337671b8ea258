#include "base/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#define LOOP_SIGNALS 8

/* Our own watches and timers come first: PostgreSQL and the SAMs wait for them and could work
 * meanwhile. Whatever else uses the loop (evhttp) has libevent's own priority, and is asked to
 * pause after so many callbacks, so that what has come for the first meanwhile is seen. */
enum { LOOP_FIRST, LOOP_OTHERS, LOOP_PRIORITIES = 3 };
#define LOOP_OTHERS_MAX 64

struct loop {
	struct event_base *base;
	struct event *signals[LOOP_SIGNALS];
	size_t signal_count;
};

/* one callback with its argument: what libevent's three-argument form is mapped to */
struct loop_call {
	loop_fn fn;
	void *arg;
};

struct loop_timer {
	struct loop_call call;
	struct event *event;
};

struct loop_watch {
	struct loop_call on_read, on_write;
	struct event *read, *write;
};

static void loop_on_event(evutil_socket_t fd, short what, void *arg)
{
	const struct loop_call *call = arg;

	(void)fd;
	(void)what;
	call->fn(call->arg);
}

static void loop_on_once(evutil_socket_t fd, short what, void *arg)
{
	struct loop_call call = *(struct loop_call *)arg;

	(void)fd;
	(void)what;
	free(arg);
	call.fn(call.arg);
}

/* What is wanted of a descriptor changes several times a request: the kernel is told once a turn.
 * No descriptor of ours is a copy of another one, which this would not bear. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL &&
		event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0 &&
		event_config_set_max_dispatch_interval(
			config, NULL, LOOP_OTHERS_MAX, LOOP_OTHERS) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	/* the middle one is that of who does not choose */
	if (base != NULL && event_base_priority_init(base, LOOP_PRIORITIES) != 0) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

rc_t loop_new(struct loop **loop)
{
	struct loop *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->base = base_new();
	if (fresh->base == NULL) {
		free(fresh);
		return RC_NO_MEMORY;
	}
	*loop = fresh;
	return RC_OK;
}

static void loop_signal_free(struct event *event)
{
	if (event == NULL)
		return;
	void *call = event_get_callback_arg(event);
	event_free(event);
	free(call);
}

void loop_free(struct loop **loop)
{
	if (*loop == NULL)
		return;
	for (size_t i = 0; i < (*loop)->signal_count; i++)
		loop_signal_free((*loop)->signals[i]);
	event_base_free((*loop)->base);
	free(*loop);
	*loop = NULL;
}

rc_t loop_run(struct loop *loop)
{
	return event_base_dispatch(loop->base) < 0 ? RC_SYSTEM : RC_OK;
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

rc_t loop_defer(struct loop *loop, loop_fn fn, void *arg)
{
	static const struct timeval at_once = {0, 0};
	struct loop_call *call = malloc(sizeof(*call));

	if (call == NULL)
		return RC_NO_MEMORY;
	*call = (struct loop_call){fn, arg};
	if (event_base_once(loop->base, -1, EV_TIMEOUT, loop_on_once, call, &at_once) != 0) {
		free(call);
		return RC_NO_MEMORY;
	}
	return RC_OK;
}

rc_t loop_timer_new(struct loop *loop, loop_fn fn, void *arg, struct loop_timer **timer)
{
	struct loop_timer *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->call = (struct loop_call){fn, arg};
	fresh->event = event_new(loop->base, -1, 0, loop_on_event, &fresh->call);
	if (fresh->event == NULL || event_priority_set(fresh->event, LOOP_FIRST) != 0) {
		loop_timer_free(&fresh);
		return RC_NO_MEMORY;
	}
	*timer = fresh;
	return RC_OK;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	int64_t wait = ms > 0 ? ms : 0;
	struct timeval after = {wait / 1000, wait % 1000 * 1000};

	event_add(timer->event, &after);
}

void loop_timer_cancel(struct loop_timer *timer)
{
	event_del(timer->event);
}

void loop_timer_free(struct loop_timer **timer)
{
	if (*timer == NULL)
		return;
	if ((*timer)->event != NULL)
		event_free((*timer)->event);
	free(*timer);
	*timer = NULL;
}

rc_t loop_watch_new(struct loop *loop, int fd, loop_fn on_read, loop_fn on_write, void *arg,
	struct loop_watch **watch)
{
	struct loop_watch *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->on_read = (struct loop_call){on_read, arg};
	fresh->on_write = (struct loop_call){on_write, arg};
	fresh->read =
		event_new(loop->base, fd, EV_READ | EV_PERSIST, loop_on_event, &fresh->on_read);
	fresh->write =
		event_new(loop->base, fd, EV_WRITE | EV_PERSIST, loop_on_event, &fresh->on_write);
	if (fresh->read == NULL || fresh->write == NULL ||
		event_priority_set(fresh->read, LOOP_FIRST) != 0 ||
		event_priority_set(fresh->write, LOOP_FIRST) != 0) {
		loop_watch_free(&fresh);
		return RC_NO_MEMORY;
	}
	*watch = fresh;
	return RC_OK;
}

static rc_t loop_event_switch(struct event *event, int on)
{
	int failed = on ? event_add(event, NULL) : event_del(event);

	return failed ? RC_SYSTEM : RC_OK;
}

rc_t loop_watch_want(struct loop_watch *watch, int want)
{
	rc_t rc = loop_event_switch(watch->read, want & LOOP_READ);

	return rc != RC_OK ? rc : loop_event_switch(watch->write, want & LOOP_WRITE);
}

void loop_watch_free(struct loop_watch **watch)
{
	if (*watch == NULL)
		return;
	if ((*watch)->read != NULL)
		event_free((*watch)->read);
	if ((*watch)->write != NULL)
		event_free((*watch)->write);
	free(*watch);
	*watch = NULL;
}

rc_t loop_signal(struct loop *loop, int number, loop_fn fn, void *arg)
{
	struct loop_call *call = malloc(sizeof(*call));

	if (call == NULL || loop->signal_count == LOOP_SIGNALS)
		goto fail;
	*call = (struct loop_call){fn, arg};
	struct event *event = evsignal_new(loop->base, number, loop_on_event, call);
	if (event == NULL)
		goto fail;
	if (event_add(event, NULL) != 0) {
		event_free(event);
		goto fail;
	}
	loop->signals[loop->signal_count++] = event;
	return RC_OK;
fail:
	free(call);
	return RC_NO_MEMORY;
}
