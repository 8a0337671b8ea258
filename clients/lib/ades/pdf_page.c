/* Which page, and how it is shown. The tree is walked as it stands in the file, by its /Kids alone:
 * qpdf's own page functions would renumber and repair what they return. */
#include "clients/lib/ades/pdf_internal.h"

#include <math.h>
#include <string.h>

#define COORDINATE_MAX 1e7
#define SIDE_MIN 1.0 /* a page thinner than this shows nothing */
#define UNIT_MAX 75000.0

struct walk {
	struct pdf *pdf;
	long wanted; /* 0: only count */
	long seen;
	unsigned nodes;
	qpdf_oh path[PDF_TREE_DEPTH_MAX]; /* from the root of the tree to the page */
	size_t depth;
	struct pdf_page *page;
	bool found;
};

static rc_t visit(struct walk *walk, qpdf_oh node);

/* what a page inherits */

/* The value of the nearest node that has it; the caller releases it. */
static qpdf_oh inherited(const struct walk *walk, const char *key)
{
	qpdf_data qpdf = walk->pdf->qpdf;

	for (size_t i = walk->depth; i > 0; i--) {
		qpdf_oh value = qpdf_oh_get_key(qpdf, walk->path[i - 1], key);
		if (!qpdf_oh_is_null(qpdf, value))
			return value;
		qpdf_oh_release(qpdf, value);
	}
	return qpdf_oh_new_null(qpdf);
}

static bool read_number(qpdf_data qpdf, qpdf_oh value, double *number)
{
	if (!qpdf_oh_is_number(qpdf, value))
		return false;
	*number = qpdf_oh_get_numeric_value(qpdf, value);
	return isfinite(*number) && fabs(*number) <= COORDINATE_MAX;
}

/* §7.9.5: any two opposite corners. False: not there, or no rectangle. */
static bool read_box(const struct walk *walk, const char *key, double box[4])
{
	qpdf_data qpdf = walk->pdf->qpdf;
	double raw[4] = {0};

	qpdf_oh array = inherited(walk, key);
	bool good = qpdf_oh_is_array(qpdf, array) && qpdf_oh_get_array_n_items(qpdf, array) == 4;
	for (int i = 0; good && i < 4; i++) {
		qpdf_oh item = qpdf_oh_get_array_item(qpdf, array, i);
		good = read_number(qpdf, item, &raw[i]);
		qpdf_oh_release(qpdf, item);
	}
	qpdf_oh_release(qpdf, array);
	box[0] = fmin(raw[0], raw[2]);
	box[1] = fmin(raw[1], raw[3]);
	box[2] = fmax(raw[0], raw[2]);
	box[3] = fmax(raw[1], raw[3]);
	return good && box[2] - box[0] >= SIDE_MIN && box[3] - box[1] >= SIDE_MIN;
}

static bool read_shown_box(const struct walk *walk, double box[4])
{
	double crop[4];

	if (!read_box(walk, "/MediaBox", box))
		return false;
	if (!read_box(walk, "/CropBox", crop))
		return true;
	crop[0] = fmax(crop[0], box[0]);
	crop[1] = fmax(crop[1], box[1]);
	crop[2] = fmin(crop[2], box[2]);
	crop[3] = fmin(crop[3], box[3]);
	if (crop[2] - crop[0] >= SIDE_MIN && crop[3] - crop[1] >= SIDE_MIN)
		memcpy(box, crop, sizeof(crop));
	return true;
}

static int read_rotate(const struct walk *walk)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	long long degrees = 0;

	qpdf_oh value = inherited(walk, "/Rotate");
	if (!qpdf_oh_get_value_as_longlong(qpdf, value, &degrees) || degrees % 90 != 0)
		degrees = 0;
	qpdf_oh_release(qpdf, value);
	return (int)((degrees % 360 + 360) % 360);
}

/* Of the page itself: it is not inherited. */
static double read_unit(const struct walk *walk)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	double unit = 1;

	qpdf_oh value = qpdf_oh_get_key(qpdf, walk->path[walk->depth - 1], "/UserUnit");
	if (!read_number(qpdf, value, &unit) || unit <= 0 || unit > UNIT_MAX)
		unit = 1;
	qpdf_oh_release(qpdf, value);
	return unit;
}

static rc_t read_page(const struct walk *walk)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	qpdf_oh leaf = walk->path[walk->depth - 1];
	double box[4];

	if (!read_shown_box(walk, box))
		return RC_PDF_DAMAGED;
	struct pdf_page page = {
		.id = qpdf_oh_get_object_id(qpdf, leaf),
		.generation = qpdf_oh_get_generation(qpdf, leaf),
		.left = box[0],
		.bottom = box[1],
		.right = box[2],
		.top = box[3],
		.rotate = read_rotate(walk),
		.unit = read_unit(walk),
	};
	bool upright = page.rotate % 180 == 0;
	double across = (page.right - page.left) * page.unit;
	double along = (page.top - page.bottom) * page.unit;
	page.width = upright ? across : along;
	page.height = upright ? along : across;
	*walk->page = page;
	return RC_OK;
}

/* the tree */

static bool is_own_ancestor(const struct walk *walk, qpdf_oh node)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	int id = qpdf_oh_get_object_id(qpdf, node);

	for (size_t i = 0; i < walk->depth; i++) {
		if (id != 0 && qpdf_oh_get_object_id(qpdf, walk->path[i]) == id)
			return true;
	}
	return false;
}

static rc_t visit_leaf(struct walk *walk, qpdf_oh node)
{
	if (!qpdf_oh_is_indirect(walk->pdf->qpdf, node))
		return RC_PDF_DAMAGED;
	walk->seen++;
	if (walk->seen != walk->wanted)
		return RC_OK;
	walk->found = true;
	return read_page(walk);
}

static rc_t visit_kids(struct walk *walk, qpdf_oh node, qpdf_oh kids)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	long before = walk->seen;
	long long said = 0;
	rc_t rc = RC_OK;

	int count = qpdf_oh_get_array_n_items(qpdf, kids);
	for (int i = 0; rc == RC_OK && !walk->found && i < count; i++) {
		qpdf_oh kid = qpdf_oh_get_array_item(qpdf, kids, i);
		rc = visit(walk, kid);
		qpdf_oh_release(qpdf, kid);
	}
	if (rc != RC_OK || walk->found)
		return rc;
	qpdf_oh value = qpdf_oh_get_key(qpdf, node, "/Count");
	bool right =
		qpdf_oh_get_value_as_longlong(qpdf, value, &said) && said == walk->seen - before;
	qpdf_oh_release(qpdf, value);
	return right ? RC_OK : RC_PDF_DAMAGED;
}

static rc_t visit(struct walk *walk, qpdf_oh node)
{
	qpdf_data qpdf = walk->pdf->qpdf;
	rc_t rc = RC_PDF_DAMAGED;

	if (walk->depth == PDF_TREE_DEPTH_MAX || ++walk->nodes > PDF_TREE_NODES_MAX ||
		!qpdf_oh_is_dictionary(qpdf, node) || is_own_ancestor(walk, node))
		return RC_PDF_DAMAGED;
	walk->path[walk->depth++] = node;
	qpdf_oh kids = qpdf_oh_get_key(qpdf, node, "/Kids");
	if (qpdf_oh_is_array(qpdf, kids))
		rc = visit_kids(walk, node, kids);
	else if (qpdf_oh_is_null(qpdf, kids))
		rc = visit_leaf(walk, node);
	qpdf_oh_release(qpdf, kids);
	walk->depth--;
	return rc;
}

rc_t pdf_page_find(struct pdf *pdf, long number, struct pdf_page *page)
{
	struct pdf_page fresh = {0};
	struct walk count = {.pdf = pdf};
	qpdf_oh root = qpdf_get_root(pdf->qpdf);
	qpdf_oh pages = qpdf_oh_get_key_if_dict(pdf->qpdf, root, "/Pages");

	/* first all of it: a wrong /Count after the page matters as well */
	rc_t rc = visit(&count, pages);
	if (rc != RC_OK)
		return rc;
	if (number < 0 || number > count.seen || count.seen == 0)
		return RC_PDF_NO_PAGE;
	struct walk find = {.pdf = pdf, .wanted = number, .page = &fresh};
	if (number == PDF_LAST_PAGE)
		find.wanted = count.seen;
	rc = visit(&find, pages);
	if (rc != RC_OK)
		return rc;
	*page = fresh;
	return RC_OK;
}

qpdf_oh pdf_page_handle(struct pdf *pdf, const struct pdf_page *page)
{
	return qpdf_get_object_by_id(pdf->qpdf, page->id, page->generation);
}

/* geometry */

/* A point of the page as it is shown, in the page's own units. */
static void unturn(const struct pdf_page *page, double x, double y, double out[2])
{
	x /= page->unit;
	y /= page->unit;
	switch (page->rotate) {
	case 90:
		out[0] = page->right - y;
		out[1] = page->bottom + x;
		break;
	case 180:
		out[0] = page->right - x;
		out[1] = page->top - y;
		break;
	case 270:
		out[0] = page->left + y;
		out[1] = page->top - x;
		break;
	default:
		out[0] = page->left + x;
		out[1] = page->bottom + y;
		break;
	}
}

void pdf_page_rect(const struct pdf_widget *widget, double rect[4])
{
	double one[2];
	double other[2];

	unturn(&widget->page, widget->x, widget->y, one);
	unturn(&widget->page, widget->x + widget->width, widget->y + widget->height, other);
	rect[0] = fmin(one[0], other[0]);
	rect[1] = fmin(one[1], other[1]);
	rect[2] = fmax(one[0], other[0]);
	rect[3] = fmax(one[1], other[1]);
}

void pdf_page_upright(const struct pdf_page *page, double width, double height, double matrix[6])
{
	const double turned[4][6] = {
		{1, 0, 0, 1, 0, 0},
		{0, 1, -1, 0, height, 0},
		{-1, 0, 0, -1, width, height},
		{0, -1, 1, 0, 0, width},
	};

	memcpy(matrix, turned[page->rotate / 90], sizeof(turned[0]));
}
