/*
 * The demonstration of an application that has its users sign through the service: a school whose
 * teacher signs records in the browser. What the files share. The application sees no PIN, password
 * or one-time password; it keeps tokens, hashes and files, in memory alone.
 *
 * Every visitor has a session of an opaque cookie. A flow is one journey of the browser to the
 * service and back; it belongs to the session that began it, by its state, and ends once.
 */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

#include "base/digest.h"
#include "base/loop.h"
#include "clients/lib/ades/pades.h"
#include "clients/lib/ades/verify.h"
#include "clients/lib/oauth.h"

#include <stdbool.h>

#define DEMO_RECORDS 3
#define DEMO_FLOWS 8	/* of one session under way at once: tabs */
#define DEMO_VISITS 256 /* beyond it the one that is silent longest ends */
#define DEMO_NOTICE 2048

enum lang { LANG_VI, LANG_EN, LANGS };

struct text {
	const char *vi;
	const char *en;
};

struct demo_settings {
	const char *service; /* https://host:port, also the issuer that answers must name */
	const char *ca_file;
	const char *trust_file; /* roots of signers' certificates, PEM */
	const char *client_id;
	const char *records;
	const char *fonts;
	uint16_t port;
	struct secret secret;
};

/* A document of the school, as it is before anybody signs. */
struct record {
	const char *file; /* its name, without the ending */
	struct text title;
	struct buf pdf;
};

/* What was made of a record in one session. */
struct result {
	struct buf pdf; /* empty: not signed */
	bool judged;
	bool holds;
	struct verify_signature signature; /* the last one */
};

enum flow_kind { FLOW_NONE, FLOW_SERVICE, FLOW_SIGN };
struct flow {
	enum flow_kind kind;
	struct oauth_pending pending;
	int64_t ends_ms; /* monotonic */
	unsigned chosen; /* records, a bit each */
	bool visible;
	struct pades *pades[DEMO_RECORDS]; /* FLOW_SIGN: of the chosen ones */
};

struct notice {
	bool good;
	char words[DEMO_NOTICE];
};

struct visit {
	uint8_t cookie_sha256[SHA256_LEN];
	char csrf[OAUTH_RANDOM];
	enum lang lang;
	int64_t seen_ms; /* monotonic */
	struct oauth_tokens tokens;
	int64_t tokens_end_ms; /* monotonic */
	struct csc_credential credential;
	struct flow flows[DEMO_FLOWS];
	struct result results[DEMO_RECORDS];
	struct notice notice; /* shown once */
};

struct demo {
	struct demo_settings settings;
	struct loop *loop;
	struct client *clients[LANGS];
	char origin[64];
	char redirect_uri[96];
	struct oauth_client who;
	struct record records[DEMO_RECORDS];
	struct buf trust;
	struct appearance *appearance; /* NULL: no font, no visible signatures */
	struct visit *visits[DEMO_VISITS];
};

/* records.c: the files of the school, the roots, the fonts. */
must_check rc_t demo_load(struct demo *demo);
void demo_unload(struct demo *demo);

/* visit.c */
/* NULL: none of that cookie, or it was silent too long. */
struct visit *visit_find(struct demo *demo, const char *cookie);
/* A new one, and its cookie. */
must_check rc_t visit_new(struct demo *demo, char cookie[OAUTH_RANDOM], struct visit **visit);
/* Another cookie for the same session: who knew the old one is out. */
must_check rc_t visit_renew(struct visit *visit, char cookie[OAUTH_RANDOM]);
void visit_end(struct demo *demo, struct visit *visit);
void visits_free(struct demo *demo);
/* RC_RANGE: as many are under way as may be. */
must_check rc_t visit_flow_new(struct visit *visit, enum flow_kind kind, struct flow **flow);
/* Whose state that is; NULL: none, or it is over. */
struct flow *visit_flow_find(struct visit *visit, const char *state);
void flow_end(struct flow *flow);
const char *visit_text(const struct visit *visit, struct text text);

/* flow.c: each says by visit->notice what went wrong, or gives the address to go to. */
/* The teacher pressed "Ký". RC_OK: url. */
must_check rc_t flow_begin(
	struct demo *demo, struct visit *visit, unsigned chosen, bool visible, struct buf *url);
/* The browser came back. RC_OK with an empty url: all is done. */
must_check rc_t flow_return(
	struct demo *demo, struct visit *visit, const char *query, struct buf *url);
/* The session gives back what it was granted. */
void flow_forget(struct demo *demo, struct visit *visit);

/* signing.c */
must_check rc_t signing_prepare(struct demo *demo, const struct visit *visit, struct flow *flow);
/* The hashes and labels of what is prepared; room for DEMO_RECORDS. How many they are. */
size_t signing_hashes(const struct demo *demo, const struct visit *visit, const struct flow *flow,
	struct span hashes[], const char *labels[]);
/* Signatures in that order into files, which are checked. All of them, or none. */
must_check rc_t signing_finish(
	struct demo *demo, struct visit *visit, struct flow *flow, const struct buf signatures[]);
enum ades_scheme signing_scheme(const struct csc_credential *credential);
enum ades_digest signing_digest(const struct csc_credential *credential);

/* words.c: what went wrong, for people. */
enum trouble {
	TROUBLE_NOTHING_CHOSEN,
	TROUBLE_UNKNOWN_RETURN,
	TROUBLE_OTHER_ISSUER,
	TROUBLE_NO_CREDENTIAL,
	TROUBLE_DISABLED,
	TROUBLE_TOO_MANY,
	TROUBLE_DOCUMENT,
	TROUBLE_OUR_FAULT,
};
void notice_good(struct visit *visit, size_t count);
void notice_trouble(struct visit *visit, enum trouble trouble, rc_t rc);
/* error: of OAuth or of the API; its own words may be empty. */
void notice_error(struct visit *visit, const char *error, const char *own);
/* What a call of clients/lib gave. */
void notice_answer(struct visit *visit, rc_t rc, const struct client_answer *answer);

/* page.c: HTML. */
struct page {
	struct buf out;
	rc_t rc; /* of the first failure */
};
void page_records(struct page *page, const struct demo *demo, const struct visit *visit);
/* A page that says one thing. */
void page_words(struct page *page, enum lang lang, struct text words);
extern const char demo_style[];

/* web.c: pages on 127.0.0.1:port until the loop ends. */
struct web;
must_check rc_t web_open(struct demo *demo, struct web **web);
void web_close(struct web **web);

#endif
