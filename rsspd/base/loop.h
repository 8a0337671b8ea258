/*
 * The event loop of a process. Every callback of the api process runs on it, never re-entrantly.
 * libevent is seen only here and where design says so; others see this header.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/rc.h"

#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_watch;
struct event_base;

typedef void (*loop_fn)(void *arg);

must_check rc_t loop_new(struct loop **loop);
void loop_free(struct loop **loop);
/* Runs until loop_stop(). */
must_check rc_t loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* For the rooms that speak libevent themselves. */
struct event_base *loop_base(struct loop *loop);

/* Calls fn once, on the next turn: how a function that must not call back before it returns does.
 */
must_check rc_t loop_defer(struct loop *loop, loop_fn fn, void *arg);

/* fn is called once, ms from now, unless the timer is set again or freed before. */
must_check rc_t loop_timer_new(struct loop *loop, loop_fn fn, void *arg, struct loop_timer **timer);
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_cancel(struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timer);

enum loop_want { LOOP_READ = 1, LOOP_WRITE = 2 };
/* fn is called whenever fd is ready for what is wanted, until changed or freed. fd stays the
 * caller's. */
must_check rc_t loop_watch_new(struct loop *loop, int fd, loop_fn on_read, loop_fn on_write,
	void *arg, struct loop_watch **watch);
must_check rc_t loop_watch_want(struct loop_watch *watch, int want);
void loop_watch_free(struct loop_watch **watch);

/* fn is called on the loop when the process gets the signal. */
must_check rc_t loop_signal(struct loop *loop, int number, loop_fn fn, void *arg);

#endif
