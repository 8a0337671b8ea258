#include "clients/demo-app/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)
#define PIECE 65536

static const struct {
	const char *file;
	struct text title;
} known[DEMO_RECORDS] = {
	{"hoc-ba", {"Học bạ lớp 11A1: Trần Văn Mẫu", "School record, class 11A1: Trần Văn Mẫu"}},
	{"bang-diem", {"Bảng điểm môn Toán, học kỳ I, lớp 11A1",
			      "Marks in mathematics, first term, class 11A1"}},
	{"phieu-nhan-xet",
		{"Phiếu nhận xét lớp 11A1: Lê Thị Thử", "Assessment, class 11A1: Lê Thị Thử"}},
};

static rc_t read_fd(int fd, struct buf *out)
{
	for (;;) {
		rc_t rc = buf_reserve(out, PIECE);
		if (rc != RC_OK)
			return rc;
		ssize_t got = read(fd, out->data + out->len, PIECE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return RC_SYSTEM;
		if (got == 0)
			return RC_OK;
		out->len += (size_t)got;
		if (out->len > FILE_MAX)
			return RC_TOO_LONG;
	}
}

static rc_t read_path(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		fprintf(stderr, "rssp-demo: %s does not open: %s\n", path, strerror(errno));
		return RC_SYSTEM;
	}
	rc_t rc = read_fd(fd, out);
	close(fd);
	if (rc != RC_OK)
		fprintf(stderr, "rssp-demo: %s does not read\n", path);
	return rc;
}

static rc_t read_in(const char *folder, const char *name, const char *ending, struct buf *out)
{
	struct buf path = BUF_INIT;
	const char *text = NULL;

	rc_t rc = buf_printf(&path, "%s/%s%s", folder, name, ending);
	if (rc == RC_OK)
		rc = buf_string(&path, &text);
	if (rc == RC_OK)
		rc = read_path(text, out);
	buf_free(&path);
	return rc;
}

/* At the lower right of the page, over the class teacher's name. */
static rc_t make_appearance(struct demo *demo)
{
	struct buf regular = BUF_INIT;
	struct buf bold = BUF_INIT;
	struct appearance_options options = {
		.show = APPEARANCE_LINES | APPEARANCE_LABELS,
		.page = APPEARANCE_LAST_PAGE,
		.corner = APPEARANCE_BOTTOM_RIGHT,
		.x = 15 * APPEARANCE_MM,
		.y = 40 * APPEARANCE_MM,
		.width = 90 * APPEARANCE_MM,
		.height = 25 * APPEARANCE_MM,
		.font_size = 9,
	};

	rc_t rc = read_in(demo->settings.fonts, "LiberationSerif-Regular", ".ttf", &regular);
	if (rc == RC_OK)
		rc = read_in(demo->settings.fonts, "LiberationSerif-Bold", ".ttf", &bold);
	options.font = buf_span(&regular);
	options.bold_font = buf_span(&bold);
	if (rc == RC_OK)
		rc = appearance_new(&options, NULL, &demo->appearance);
	buf_free(&regular);
	buf_free(&bold);
	return rc;
}

rc_t demo_load(struct demo *demo)
{
	rc_t rc = read_path(demo->settings.trust_file, &demo->trust);

	for (size_t i = 0; rc == RC_OK && i < DEMO_RECORDS; i++) {
		demo->records[i].file = known[i].file;
		demo->records[i].title = known[i].title;
		rc = read_in(demo->settings.records, known[i].file, ".pdf", &demo->records[i].pdf);
	}
	if (rc == RC_OK && make_appearance(demo) != RC_OK)
		fputs("rssp-demo: no fonts: signatures are invisible\n", stderr);
	return rc;
}

void demo_unload(struct demo *demo)
{
	for (size_t i = 0; i < DEMO_RECORDS; i++)
		buf_free(&demo->records[i].pdf);
	buf_free(&demo->trust);
	appearance_free(&demo->appearance);
}
