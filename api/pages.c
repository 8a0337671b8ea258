#include "api/pages.h"

#include "api/pages_data.h"

#include <string.h>

static const struct page_file *page_find(const char *path, bool asset)
{
	for (size_t i = 0; i < page_file_count; i++) {
		if (page_files[i].asset == asset && strcmp(page_files[i].path, path) == 0)
			return &page_files[i];
	}
	return NULL;
}

/* As text of HTML, in an element or in a quoted attribute. */
static rc_t append_text(struct buf *html, const char *text)
{
	static const struct {
		char sign;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

	while (*text != 0) {
		size_t plain = strcspn(text, "&<>\"'");
		rc_t rc = buf_append(html, text, plain);
		text += plain;
		for (size_t i = 0; rc == RC_OK && *text != 0 && i < 5; i++) {
			if (entities[i].sign == *text)
				rc = buf_append_string(html, entities[i].entity);
		}
		if (rc != RC_OK)
			return rc;
		text += *text != 0;
	}
	return RC_OK;
}

struct mark {
	const char *name; /* "{{name}}" */
	const char *value;
};

static const struct mark *mark_at(
	const struct mark *marks, size_t count, const uint8_t *at, size_t left)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(marks[i].name);
		if (len <= left && memcmp(at, marks[i].name, len) == 0)
			return &marks[i];
	}
	return NULL;
}

static rc_t page_fill(
	const struct page_file *page, const struct mark *marks, size_t count, struct buf *html)
{
	size_t from = 0;
	rc_t rc = buf_reserve(html, page->len + 256);

	for (size_t at = 0; rc == RC_OK && at < page->len;) {
		const struct mark *mark =
			page->data[at] == '{'
				? mark_at(marks, count, page->data + at, page->len - at)
				: NULL;
		if (mark == NULL) {
			at++;
			continue;
		}
		rc = buf_append(html, page->data + from, at - from);
		if (rc == RC_OK)
			rc = append_text(html, mark->value);
		at += strlen(mark->name);
		from = at;
	}
	if (rc == RC_OK)
		rc = buf_append(html, page->data + from, page->len - from);
	return rc;
}

rc_t pages_render(
	const char *path, const char *service, const char *code, const char *text, struct buf *html)
{
	const struct mark marks[] = {
		{"{{service}}", service}, {"{{code}}", code}, {"{{text}}", text}};
	const struct page_file *page = page_find(path, false);

	if (page == NULL)
		return RC_NOT_FOUND;
	return page_fill(page, marks, sizeof(marks) / sizeof(marks[0]), html);
}

static const char *page_media(const char *path)
{
	const struct page_file *page = page_find(path, false);

	return page == NULL ? "" : page->media;
}

void pages_show(struct request *request)
{
	const char *path = request->message->path;
	struct buf html = BUF_INIT;

	rc_t rc = pages_render(path, request->settings->service_name, "", "", &html);
	if (rc == RC_OK)
		request_reply_page(request, 200, buf_span(&html), page_media(path), false);
	else
		request_refuse(request, rc == RC_NOT_FOUND ? RC_ROUTE_UNKNOWN : rc);
	buf_free(&html);
}

void pages_asset(struct request *request)
{
	const struct page_file *file = page_find(request->message->path, true);

	if (file == NULL) {
		request_refuse(request, RC_ROUTE_UNKNOWN);
		return;
	}
	request_reply_page(request, 200, SPAN(file->data, file->len), file->media, true);
}

/* What went wrong on our side is not the browser's business. */
static rc_t shown_rc(rc_t rc)
{
	if (rc_status(rc) < 500 || rc == RC_UNAVAILABLE || rc == RC_STORE_DOWN)
		return rc;
	return rc_status(rc) == 503 ? RC_UNAVAILABLE : RC_INTERNAL;
}

void pages_problem(struct request *request, const struct fault *fault)
{
	rc_t shown = shown_rc(fault->rc);
	const char *text = shown == fault->rc ? fault->text : NULL;
	struct buf html = BUF_INIT;

	if (text == NULL)
		text = request->call.lang == LANG_EN ? rc_text(shown, RC_CSC_V2)
						     : rc_text_vi(shown);
	rc_t rc = pages_render(
		"/problem", request->settings->service_name, rc_name(shown), text, &html);
	if (rc == RC_OK)
		request_fault_page(request, fault, buf_span(&html), page_media("/problem"));
	else
		request_fault(request, fault);
	buf_free(&html);
}
