#include "base/log_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEYS_MAX 32
#define KEY_LEN 40
#define CLOSING 64 /* kept free: a value that is cut is still closed, and so is the object */

struct json {
	char *out;
	size_t size, used;
	char keys[KEYS_MAX][KEY_LEN]; /* a member stands once */
	size_t key_count;
};

/* Bytes of a message, not terminated. */
struct piece {
	const char *text;
	size_t len;
};

static struct piece piece_of(const char *text)
{
	return (struct piece){text, strlen(text)};
}

/* ---- strings ---- */

/* How many bytes the character at text has, 0 where it is no UTF-8 (RFC 3629). */
static size_t utf8_len(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte; of the second */
		size_t len;
	} forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	if (text[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (text[0] < forms[i].first || text[0] > forms[i].last)
			continue;
		if (left < forms[i].len || text[1] < forms[i].low || text[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

static void put(struct json *json, const char *bytes, size_t len)
{
	if (json->used + len > json->size)
		return;
	memcpy(json->out + json->used, bytes, len);
	json->used += len;
}

/* Without its quotes. */
static void put_escaped(struct json *json, struct piece piece)
{
	char escape[8];

	while (piece.len > 0 && json->used + CLOSING < json->size) {
		unsigned char c = (unsigned char)*piece.text;
		size_t len = utf8_len((const unsigned char *)piece.text, piece.len);
		if (len == 0 || c < 0x20 || c == 0x7f) {
			put(json, escape, (size_t)snprintf(escape, sizeof(escape), "\\\\x%02x", c));
			len = 1;
		} else {
			if (c == '"' || c == '\\')
				put(json, "\\", 1);
			put(json, piece.text, len);
		}
		piece.text += len;
		piece.len -= len;
	}
}

static void put_string(struct json *json, struct piece piece)
{
	put(json, "\"", 1);
	put_escaped(json, piece);
	put(json, "\"", 1);
}

/* ---- members ---- */

static bool has_key(const struct json *json, const char *key)
{
	for (size_t i = 0; i < json->key_count; i++) {
		if (strcmp(json->keys[i], key) == 0)
			return true;
	}
	return false;
}

/* `"key":` with a comma before it; false when there is no room for one more. */
static bool put_key(struct json *json, struct piece piece)
{
	char *key = json->keys[json->key_count];
	int len = (int)(piece.len < KEY_LEN - 4 ? piece.len : KEY_LEN - 4);

	if (json->key_count == KEYS_MAX || json->used + 2 * CLOSING + KEY_LEN > json->size)
		return false;
	snprintf(key, KEY_LEN, "%.*s", len, piece.text);
	for (int again = 2; has_key(json, key) && again < 10; again++)
		snprintf(key, KEY_LEN, "%.*s_%d", len, piece.text, again);
	if (has_key(json, key))
		return false;
	put(json, json->key_count == 0 ? "{" : ",", 1);
	json->key_count++;
	put_string(json, piece_of(key));
	put(json, ":", 1);
	return true;
}

static void put_member(struct json *json, const char *key, struct piece value)
{
	if (put_key(json, piece_of(key)))
		put_string(json, value);
}

/* JSON's form of an integer, and one that every reader holds exactly. */
static bool is_number(struct piece piece)
{
	size_t sign = piece.len > 0 && piece.text[0] == '-';
	size_t digits = piece.len - sign;

	if (digits == 0 || digits > 15 || (piece.text[sign] == '0' && piece.len > 1))
		return false;
	for (size_t i = sign; i < piece.len; i++) {
		if (piece.text[i] < '0' || piece.text[i] > '9')
			return false;
	}
	return true;
}

/* ---- the message ---- */

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static size_t name_len(const char *text)
{
	size_t len = 0;

	while (is_name(text[len]))
		len++;
	return len;
}

/* Does a key begin here? */
static size_t key_len(const char *text)
{
	size_t len = name_len(text);

	return len > 0 && text[len] == '=' ? len : 0;
}

static size_t word_len(const char *text)
{
	return strcspn(text, " ");
}

/* key=value or key="value"; returns what follows. A quote that is not closed ends with the line. */
static const char *put_pair(struct json *json, const char *at, size_t len)
{
	struct piece key = {at, len}, value = {at + len + 1, 0};
	bool quoted = *value.text == '"';

	value.text += quoted;
	value.len = quoted ? strcspn(value.text, "\"") : word_len(value.text);
	at = value.text + value.len;
	if (quoted && *at == '"')
		at++;
	if (put_key(json, key)) {
		if (!quoted && is_number(value))
			put(json, value.text, value.len);
		else
			put_string(json, value);
	}
	return at;
}

/* Words up to the next key, without the blanks around them; returns what follows. */
static const char *take_words(const char *at, struct piece *words)
{
	at += strspn(at, " ");
	words->text = at;
	words->len = 0;
	while (*at != 0 && key_len(at) == 0) {
		at += word_len(at);
		words->len = (size_t)(at - words->text);
		at += strspn(at, " ");
	}
	return at;
}

static void put_message(struct json *json, const char *message)
{
	size_t module = name_len(message);
	char text[LOG_MESSAGE];
	size_t text_len = 0;
	struct piece words;

	if (module > 0 && strncmp(message + module, ": ", 2) == 0) {
		put_member(json, "module", (struct piece){message, module});
		message += module + 2;
	}
	message = take_words(message, &words);
	put_member(json, "event", words);
	while (*message != 0) {
		size_t len = key_len(message);
		if (len > 0)
			message = put_pair(json, message, len);
		message = take_words(message, &words);
		if (words.len > 0 && text_len + words.len + 2 < sizeof(text)) {
			if (text_len > 0)
				text[text_len++] = ' ';
			memcpy(text + text_len, words.text, words.len);
			text_len += words.len;
		}
	}
	if (text_len > 0)
		put_member(json, "text", (struct piece){text, text_len});
}

size_t log_json(char *out, size_t size, const char *time, const char *level, const char *process,
	const char *message)
{
	struct json json = {.out = out, .size = size};
	char pid[24];

	put_member(&json, "time", piece_of(time));
	put_member(&json, "level", piece_of(level));
	put_member(&json, "process", piece_of(process));
	if (put_key(&json, piece_of("pid")))
		put(&json, pid, (size_t)snprintf(pid, sizeof(pid), "%d", (int)getpid()));
	put_message(&json, message);
	put(&json, "}", 1);
	return json.used;
}
