#include "clients/lib/http.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define CONNECT_TIMEOUT_S 10L
#define TOTAL_TIMEOUT_S 120L /* a batch of 500 RSA-4096 signatures fits */

struct http {
	CURL *curl;
	struct buf url;
	char error[CURL_ERROR_SIZE];
	client_stop_fn stop;
	void *stop_arg;
};

rc_t http_global_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? RC_OK : RC_SYSTEM;
}

static bool set_files(CURL *curl, const struct client_config *config)
{
	if (config->ca_file != NULL &&
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file) != CURLE_OK)
		return false;
	if (config->operator_certificate == NULL || config->operator_key == NULL)
		return true;
	return curl_easy_setopt(curl, CURLOPT_SSLCERT, config->operator_certificate) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSLKEY, config->operator_key) == CURLE_OK;
}

/* A server on this machine is never behind a proxy, whatever the environment says. */
static bool is_loopback(const char *url)
{
	static const char *const hosts[] = {
		"https://127.0.0.1", "https://localhost", "https://[::1]"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t len = strlen(hosts[i]);
		if (strncasecmp(url, hosts[i], len) == 0 && strchr(":/", url[len]) != NULL)
			return true;
	}
	return false;
}

static int on_progress(
	void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct http *http = arg;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return http->stop != NULL && http->stop(http->stop_arg) ? 1 : 0;
}

/* On a connection that was kept, curl sends a request once more when no byte of an answer comes;
 * what authorises or signs must not be sent twice. TLS sessions are resumed, so that a new one
 * costs little. */
static bool set_options(struct http *http, const struct client_config *config)
{
	CURL *curl = http->curl;

	return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		       CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_USERAGENT, "rssp/" RSSPD_VERSION) == CURLE_OK &&
	       (!is_loopback(config->url) ||
		       curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK) &&
	       set_files(curl, config);
}

rc_t http_new(const struct client_config *config, struct http **http)
{
	if (strncasecmp(config->url, "https://", 8) != 0)
		return RC_CONFIG;
	struct http *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	rc_t rc = buf_append_string(&fresh->url, config->url);
	while (fresh->url.len > 0 && fresh->url.data[fresh->url.len - 1] == '/')
		fresh->url.len--;
	fresh->curl = curl_easy_init();
	if (rc == RC_OK && (fresh->curl == NULL || !set_options(fresh, config)))
		rc = RC_NO_MEMORY;
	if (rc != RC_OK) {
		http_free(&fresh);
		return rc;
	}
	*http = fresh;
	return RC_OK;
}

void http_free(struct http **http)
{
	if (*http == NULL)
		return;
	curl_easy_cleanup((*http)->curl);
	buf_free(&(*http)->url);
	free(*http);
	*http = NULL;
}

void http_watch(struct http *http, client_stop_fn stop, void *arg)
{
	http->stop = stop;
	http->stop_arg = arg;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct buf *body = arg;
	size_t len = size * count;

	if (body->len + len > ANSWER_MAX || buf_append(body, data, len) != RC_OK)
		return 0;
	return len;
}

static bool header_value(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return false;
	const char *from = line + name_len + 1;
	const char *end = line + len;
	while (from < end && *from == ' ')
		from++;
	while (end > from && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	snprintf(out, size, "%.*s", (int)(end - from), from);
	return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct client_answer *answer = arg;
	char text[ID_TEXT];
	struct id id;

	if (header_value(line, size * count, "X-Request-Id", text, sizeof(text)) &&
		id_parse(&id, text) == RC_OK)
		id_format(&id, answer->request);
	if (header_value(line, size * count, "Retry-After", text, sizeof(text)))
		answer->retry_after_s = (unsigned)strtoul(text, NULL, 10);
	return size * count;
}

/* The list is curl's; NULL if memory ran out. */
static struct curl_slist *make_headers(const struct http_request *request)
{
	struct buf line = BUF_INIT;
	const char *text = NULL;
	struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");

	if (request->content_type != NULL &&
		buf_printf(&line, "Content-Type: %s", request->content_type) == RC_OK &&
		buf_string(&line, &text) == RC_OK)
		list = curl_slist_append(list, text);
	buf_clear(&line);
	if (request->bearer.len > 0 &&
		buf_append_string(&line, "Authorization: Bearer ") == RC_OK &&
		buf_append_span(&line, request->bearer) == RC_OK &&
		buf_string(&line, &text) == RC_OK)
		list = curl_slist_append(list, text);
	buf_free(&line);
	return list;
}

static CURLcode transfer(struct http *http, const struct http_request *request, const char *url,
	struct curl_slist *headers, struct buf *body, struct client_answer *answer)
{
	CURL *curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	if (request->content_type == NULL) {
		curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body.data);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	}
	return curl_easy_perform(curl);
}

rc_t http_perform(struct http *http, const struct http_request *request, struct buf *body,
	struct client_answer *answer)
{
	struct buf url = BUF_INIT;
	const char *text = NULL;
	struct curl_slist *headers = NULL;

	rc_t rc = buf_append_span(&url, buf_span(&http->url));
	if (rc == RC_OK)
		rc = buf_append_string(&url, request->path);
	if (rc == RC_OK)
		rc = buf_string(&url, &text);
	if (rc != RC_OK)
		goto out;
	headers = make_headers(request);
	http->error[0] = 0;
	CURLcode code = transfer(http, request, text, headers, body, answer);
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	if (code != CURLE_OK) {
		snprintf(answer->text, sizeof(answer->text), "%s",
			http->error[0] != 0 ? http->error : curl_easy_strerror(code));
		rc = RC_SERVER_UNREACHABLE;
		goto out;
	}
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
out:
	curl_slist_free_all(headers);
	buf_free(&url);
	return rc;
}

rc_t http_form_add(struct http *http, struct buf *form, const char *name, struct span value)
{
	/* curl takes length 0 for "measure it" */
	char *escaped = value.len == 0 ? NULL
				       : curl_easy_escape(http->curl, (const char *)value.data,
						 (int)value.len);

	if (value.len > 0 && escaped == NULL)
		return RC_NO_MEMORY;
	rc_t rc = buf_printf(form, "%s%s=", form->len == 0 ? "" : "&", name);
	if (rc == RC_OK && escaped != NULL)
		rc = buf_append_string(form, escaped);
	if (escaped != NULL)
		explicit_bzero(escaped, strlen(escaped));
	curl_free(escaped);
	return rc;
}
