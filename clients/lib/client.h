/*
 * One connection to an rsspd: HTTPS, JSON in and out, a bearer token or an operator's certificate.
 * Blocking; for programs of a single purpose, not for the daemon.
 *
 * RC_SERVER_UNREACHABLE  no connection, or its certificate is not trusted; answer->text says which
 * RC_SERVER_REFUSED      an error answer; the fields of answer say what
 * RC_SERVER_ANSWER       an answer that is no JSON object
 */
#ifndef CLIENTS_CLIENT_H
#define CLIENTS_CLIENT_H

#include "base/buf.h"
#include "base/id.h"
#include "base/secret.h"

#include <jansson.h>
#include <stdbool.h>

struct client;

struct client_config {
	const char *url;		  /* https://host:port, without a path */
	const char *ca_file;		  /* NULL: the system's roots */
	const char *operator_certificate; /* PEM files, or NULL */
	const char *operator_key;
	const char *lang; /* "vi", "en": the language of refusals */
};

/* Once, before anything else of this room or of jansson: JSON memory is wiped when released. */
must_check rc_t client_global_init(void);
/* For what json_dumps() gives: free() does not know jansson's memory any more. NULL is allowed. */
void client_text_free(char *text);
/* NULL if memory ran out. */
json_t *client_json_base64(struct span bytes);
/* Words from outside, a server's or a file's name, go to a terminal: what steers it, or turns the
 * direction of writing, becomes spaces, what is no UTF-8 a "?". Ends of lines stay if lines. */
void client_text_disarm(char *text, bool lines);

/* The strings are copied. RC_CONFIG: url is not an https:// address. */
must_check rc_t client_new(const struct client_config *config, struct client **client);
void client_free(struct client **client);
/* While a call waits, stop is asked about every second; true ends the call, RC_SERVER_UNREACHABLE.
 * NULL: nobody is asked. */
typedef bool (*client_stop_fn)(void *arg);
void client_watch(struct client *client, client_stop_fn stop, void *arg);

#define ANSWER_ERROR 64
#define ANSWER_TEXT 1024

/* What the server said. The texts come from outside: no control characters, but any words. */
struct client_answer {
	json_t *body;	       /* an object, owned; NULL if there was none */
	long status;	       /* HTTP; 0 without an answer */
	char request[ID_TEXT]; /* X-Request-Id, or empty */
	char error[ANSWER_ERROR];
	char text[ANSWER_TEXT]; /* error_description, or what hindered the connection */
	unsigned retry_after_s; /* 0: not said */
};

#define CLIENT_ANSWER_INIT ((struct client_answer){0})
void client_answer_free(struct client_answer *answer);
/* A string member of the body; NULL if it is missing or of another type. */
const char *client_answer_string(const struct client_answer *answer, const char *name);

/* POST /oauth2/token, client_credentials (CSC 1.0.4.0 §8.3.3); the token is kept for client_post.
 */
must_check rc_t client_login(struct client *client, const char *client_id, struct span secret,
	struct client_answer *answer);

/* The bearer of what follows; empty: none. What client_login() kept is replaced. */
must_check rc_t client_bearer(struct client *client, struct span token);

/* path starts with '/'. body is taken over, also on failure; NULL, as json_pack() gives for text
 * that is not UTF-8, is RC_FORMAT. answer is emptied first. */
must_check rc_t client_post(
	struct client *client, const char *path, json_t *body, struct client_answer *answer);

struct client_parameter {
	const char *name;
	const char *value; /* NULL: left out */
};
must_check rc_t client_get(struct client *client, const char *path,
	const struct client_parameter *parameters, size_t count, struct client_answer *answer);
/* Appends them as application/x-www-form-urlencoded; with '&' before the first unless form is empty
 * or ends with '?'. */
must_check rc_t client_form(struct client *client, const struct client_parameter *parameters,
	size_t count, struct buf *form);
/* Such a form, without a bearer: the OAuth endpoints. An answer without a body is good, too. */
must_check rc_t client_post_form(
	struct client *client, const char *path, struct span form, struct client_answer *answer);

#endif
