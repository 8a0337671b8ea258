/* Lines of text set into a box. All lengths here are in em until a piece is placed: at another size
 * of the type only the box changes. */
#include "clients/lib/ades/appearance_internal.h"

#include <math.h>

#define LEADING 1.24 /* from baseline to baseline */
#define ASCENT 1.0   /* stacked marks stand higher than the font's own ascent */
#define DESCENT 0.24
#define LABEL_GAP 0.4	/* between a label and its value */
#define COMFORTABLE 0.8 /* of the wanted size: smaller only after wrapping */
#define COLUMN_MAX 0.42 /* of the width: with a wider column of labels, values follow inline */
#define CLAUSE_SHARE 0.5
#define SIZE_STEP 0.25

static const char *const labels[TEXT_LINES] = {
	[TEXT_NAME] = "Ký bởi:",
	[TEXT_EMAIL] = "Email:",
	[TEXT_AGENCY] = "Cơ quan:",
	[TEXT_TIME] = "Thời gian ký:",
};

/* How one attempt sets the lines. */
struct way {
	bool wrap;
	bool columns;	  /* values one below the other, beside the labels */
	bool whole_time;  /* on one line: it is read at a glance, or else badly */
	bool break_words; /* where nothing else helps */
};

struct setting {
	struct layout *layout;
	struct way way;
	double width;  /* em */
	double column; /* where values start; 0: after their label */
	double y;      /* em, baseline of the line at hand, downwards from the first */
	size_t lines;
	bool full; /* no room for another piece */
};

static double run_width(const struct font_run *run, size_t from, size_t to)
{
	double width = 0;

	for (size_t i = from; i < to; i++)
		width += run->glyphs[i].advance;
	return width;
}

static bool glyph_is(const struct font_glyph *glyph, const char *characters)
{
	if (glyph->text.len != 1)
		return false;
	for (; *characters != 0; characters++) {
		if (glyph->text.data[0] == (uint8_t)*characters)
			return true;
	}
	return false;
}

/* A mark stays with its letter. */
static bool may_part_before(const struct font_run *run, size_t at)
{
	return at < run->count && run->glyphs[at].text.len > 0 && run->glyphs[at].width > 0;
}

/* Places where a line may end. */
struct ends {
	size_t word;   /* after a word */
	size_t clause; /* after a comma, when the line is at least half full */
	size_t letter; /* anywhere */
};

static void note_ends(const struct font_run *run, size_t i, double share, struct ends *ends)
{
	const struct font_glyph *glyph = &run->glyphs[i];

	if (glyph_is(glyph, " "))
		ends->word = i;
	else if (glyph_is(glyph, "-@"))
		ends->word = i + 1;
	if (glyph_is(glyph, ",") && share >= CLAUSE_SHARE)
		ends->clause = i + 1;
	if (may_part_before(run, i + 1))
		ends->letter = i + 1;
}

/* Where the line that starts at from ends, in room em; from itself: nothing fits. */
static size_t line_end(const struct font_run *run, size_t from, double room, struct way way)
{
	struct ends ends = {from, from, from};
	double width = 0;
	size_t i;

	for (i = from; i < run->count; i++) {
		width += run->glyphs[i].advance;
		if (width > room && !glyph_is(&run->glyphs[i], " "))
			break;
		note_ends(run, i, width / room, &ends);
	}
	if (i == run->count)
		return run->count;
	if (!way.wrap)
		return from;
	if (ends.clause > from)
		return ends.clause;
	return ends.word > from || !way.break_words ? ends.word : ends.letter;
}

static void put_piece(struct setting *setting, const struct font_run *run, size_t from, size_t to,
	bool bold, double x)
{
	struct layout *layout = setting->layout;

	if (layout->count == PIECES_MAX) {
		setting->full = true;
		return;
	}
	layout->pieces[layout->count++] = (struct piece){
		.run = run, .from = from, .to = to, .bold = bold, .x = x, .y = setting->y};
}

static void next_line(struct setting *setting)
{
	setting->lines++;
	setting->y += LEADING;
}

/* As far as the first comma. */
static double clause_width(const struct font_run *run)
{
	size_t end = 0;

	while (end < run->count && !glyph_is(&run->glyphs[end], ","))
		end++;
	return run_width(run, 0, end < run->count ? end + 1 : end);
}

/* False: it does not go this way. */
static bool set_value(struct setting *setting, const struct font_run *run, bool bold, double x)
{
	double indent = setting->column;
	double clause = clause_width(run);
	size_t from = 0;

	/* whole below its label rather than in two beside it */
	if (x > indent && clause > setting->width - x && clause <= setting->width &&
		setting->way.wrap) {
		next_line(setting);
		x = indent;
	}
	while (from < run->count) {
		size_t end = line_end(run, from, setting->width - x, setting->way);
		if (end == from && (x <= indent || !setting->way.wrap))
			return false;
		if (end > from) {
			put_piece(setting, run, from, end, bold, x);
			from = end;
		}
		while (from < run->count && glyph_is(&run->glyphs[from], " "))
			from++;
		next_line(setting);
		x = indent;
	}
	return !setting->full;
}

/* The time is the last value that is set: its last piece is all of it, or not. */
static bool time_is_parted(const struct layout *layout)
{
	return layout->count > 0 && layout->pieces[layout->count - 1].from > 0;
}

static bool set_lines(struct setting *setting, unsigned show)
{
	struct layout *layout = setting->layout;
	bool bold = (show & APPEARANCE_BOLD) != 0;

	layout->count = 0;
	for (size_t i = 0; i < TEXT_LINES; i++) {
		const struct font_run *label = &layout->labels[i];
		double after = 0;
		if (layout->values[i].count == 0)
			continue;
		if (label->count > 0) {
			put_piece(setting, label, 0, label->count, bold, 0);
			after = run_width(label, 0, label->count) + LABEL_GAP;
			if (after > setting->width)
				return false;
		}
		if (setting->column > 0)
			after = setting->column;
		if (!set_value(setting, &layout->values[i],
			    bold && label->count == 0 && i == TEXT_NAME, after))
			return false;
		if (i == TEXT_TIME && setting->way.whole_time && time_is_parted(layout))
			return false;
	}
	return true;
}

static double label_column(const struct layout *layout)
{
	double widest = 0;

	for (size_t i = 0; i < TEXT_LINES; i++) {
		const struct font_run *label = &layout->labels[i];
		if (label->count > 0)
			widest = fmax(widest, run_width(label, 0, label->count) + LABEL_GAP);
	}
	return widest;
}

static double lines_height(size_t lines)
{
	return lines == 0 ? 0 : ASCENT + DESCENT + (double)(lines - 1) * LEADING;
}

struct box {
	double width, height;
};

/* One size of the type, one way. */
static bool attempt(
	struct layout *layout, unsigned show, const struct box *box, struct way way, double size)
{
	struct setting setting = {.layout = layout, .way = way, .width = box->width / size};

	if (way.columns) {
		setting.column = label_column(layout);
		if (way.wrap && setting.column > COLUMN_MAX * setting.width)
			return false;
	}
	if (!set_lines(&setting, show) || lines_height(setting.lines) * size > box->height)
		return false;
	layout->size = size;
	layout->height = lines_height(setting.lines) * size;
	return true;
}

static bool find_way(struct layout *layout, unsigned show, double wanted, const struct box *box)
{
	bool labelled = (show & APPEARANCE_LABELS) != 0;
	double small = fmax(wanted * COMFORTABLE, APPEARANCE_FONT_MIN);
	const struct {
		struct way way;
		double least;
	} ways[] = {
		{{.columns = labelled}, small},
		{{.wrap = true, .columns = labelled, .whole_time = true}, small},
		{{.wrap = true, .whole_time = true}, small},
		{{.wrap = true}, APPEARANCE_FONT_MIN},
		{{.wrap = true, .break_words = true}, APPEARANCE_FONT_MIN},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (double size = wanted; size >= ways[i].least - 0.001; size -= SIZE_STEP) {
			if (attempt(layout, show, box, ways[i].way, size))
				return true;
		}
	}
	return false;
}

/* From em below the first baseline to points in the box. */
static void place(struct layout *layout, const struct box *box, enum align align)
{
	double top = box->height - (box->height - layout->height) / 2 - ASCENT * layout->size;

	for (size_t i = 0; i < layout->count; i++) {
		struct piece *piece = &layout->pieces[i];
		double width = run_width(piece->run, piece->from, piece->to) * layout->size;
		piece->x *= layout->size;
		piece->y = top - piece->y * layout->size;
		if (align == ALIGN_CENTRE)
			piece->x += (box->width - width) / 2;
	}
}

static rc_t shape_lines(const struct appearance *appearance, const struct appearance_text *text,
	struct layout *layout)
{
	unsigned show = appearance->options.show;
	const struct font *bold =
		(show & APPEARANCE_BOLD) != 0 ? appearance->bold : appearance->font;
	bool labelled = (show & APPEARANCE_LABELS) != 0;
	rc_t rc = RC_OK;

	for (unsigned i = 0; rc == RC_OK && i < TEXT_LINES; i++) {
		if ((show & APPEARANCE_NAME << i) == 0 || text->lines[i].len == 0)
			continue;
		bool bold_value = !labelled && i == TEXT_NAME;
		rc = font_shape(bold_value ? bold : appearance->font, buf_span(&text->lines[i]),
			&layout->values[i]);
		if (rc == RC_OK && labelled)
			rc = font_shape(bold, span_string(labels[i]), &layout->labels[i]);
	}
	return rc;
}

rc_t layout_make(const struct appearance *appearance, const struct appearance_text *text,
	double width, double height, enum align align, struct layout *layout)
{
	const struct box box = {width, height};
	const struct appearance_options *options = &appearance->options;

	*layout = (struct layout){0};
	rc_t rc = shape_lines(appearance, text, layout);
	if (rc == RC_OK && (width < 1 || height < 1 ||
				   !find_way(layout, options->show, options->font_size, &box)))
		rc = RC_BOX_TOO_SMALL;
	if (rc == RC_OK)
		place(layout, &box, align);
	else
		layout_free(layout);
	return rc;
}

void layout_free(struct layout *layout)
{
	for (size_t i = 0; i < TEXT_LINES; i++) {
		font_run_free(&layout->labels[i]);
		font_run_free(&layout->values[i]);
	}
	layout->count = 0;
}
