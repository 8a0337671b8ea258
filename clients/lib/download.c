#include "clients/lib/download.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>

#define CONNECT_TIMEOUT_S 5L
#define TOTAL_TIMEOUT_S 30L
#define STATUS_OK 200

struct sink {
	struct buf *out;
	size_t max;
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct sink *sink = arg;
	size_t len = size * count;

	if (len > sink->max - sink->out->len || buf_append(sink->out, data, len) != RC_OK)
		return 0;
	return len;
}

static bool set_options(CURL *curl, const char *url, struct sink *sink, char error[CURL_ERROR_SIZE])
{
	return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_USERAGENT, "rssp/" RSSPD_VERSION) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink) == CURLE_OK;
}

rc_t download(const char *url, size_t max, struct buf *out, char text[DOWNLOAD_TEXT])
{
	struct sink sink = {.out = out, .max = max};
	char error[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURL *curl = curl_easy_init();

	buf_clear(out);
	if (curl == NULL || !set_options(curl, url, &sink, error)) {
		curl_easy_cleanup(curl);
		return RC_NO_MEMORY;
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK && status == STATUS_OK)
		return RC_OK;
	if (code != CURLE_OK)
		snprintf(text, DOWNLOAD_TEXT, "%s",
			error[0] != 0 ? error : curl_easy_strerror(code));
	else
		snprintf(text, DOWNLOAD_TEXT, "HTTP %ld", status);
	return RC_SERVER_UNREACHABLE;
}
