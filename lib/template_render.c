/* template_render.c - putting data into a template, in bounded time and space. */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "template_private.h"

/* An item of a list that is being gone through; of the data itself the only one. */
struct round {
	const struct json *item;
	bool more;
};

struct rendering {
	const struct template *template;
	template_put *put;
	struct str *out;
	size_t begun; /* length of OUT before */
	size_t steps;
	struct round rounds[TEMPLATE_DEPTH_MAX + 1];
	unsigned depth;
	struct err *e;
};

static const struct json *value_of(const struct rendering *r, const struct node *node)
{
	return json_get(r->rounds[node->scope].item, node->name);
}

static bool holds(const struct rendering *r, const struct node *node)
{
	return node->name ? json_holds(value_of(r, node)) : r->rounds[node->scope].more;
}

static void put_value(const struct rendering *r, const struct json *value)
{
	int64_t number;
	const char *text = json_text(value);

	if (text)
		r->put(r->out, text, strlen(text));
	else if (json_int(value, &number))
		str_addf(r->out, "%lld", (long long)number);
}

static int check_bounds(struct rendering *r)
{
	if (++r->steps > TEMPLATE_STEPS_MAX || r->out->length - r->begun > TEMPLATE_OUTPUT_MAX)
		return err_set(r->e, ERR_TOO_LARGE, "the text would be longer than %d MiB, or take too long",
			       TEMPLATE_OUTPUT_MAX >> 20);
	return 0;
}

static int render_nodes(struct rendering *r, size_t from, size_t to);

static int render_each(struct rendering *r, size_t place)
{
	const struct node *node = &r->template->nodes.items[place];
	const struct json *list = value_of(r, node);
	size_t count = json_count(list);

	r->depth++;
	for (size_t i = 0; i < count; i++) {
		r->rounds[r->depth] = (struct round){json_at(list, i), i + 1 < count};
		int result = render_nodes(r, place + 1, node->end);
		if (result < 0)
			return result;
	}
	r->depth--;
	return 0;
}

static int render_if(struct rendering *r, size_t place)
{
	const struct node *node = &r->template->nodes.items[place];

	return holds(r, node) ? render_nodes(r, place + 1, node->otherwise)
			      : render_nodes(r, node->otherwise, node->end);
}

static int render_nodes(struct rendering *r, size_t from, size_t to)
{
	const struct template *t = r->template;

	for (size_t i = from; i < to; i++) {
		const struct node *node = &t->nodes.items[i];
		int result = check_bounds(r);
		if (result < 0)
			return result;
		if (node->type == NODE_TEXT)
			str_add_n(r->out, t->text.data + node->start, node->length);
		else if (node->type == NODE_VALUE)
			put_value(r, value_of(r, node));
		else if (node->type == NODE_EACH)
			result = render_each(r, i);
		else if (node->type == NODE_IF)
			result = render_if(r, i);
		if (result < 0)
			return result;
		if (node->type == NODE_EACH || node->type == NODE_IF)
			i = node->end;
	}
	return 0;
}

int template_render(const struct template *template, const struct json *data, template_put *put,
		    struct str *out, struct err *e)
{
	struct rendering rendering = {.template = template,
				      .put = put,
				      .out = out,
				      .begun = out->length,
				      .rounds = {{data, false}},
				      .e = e};

	return render_nodes(&rendering, 0, template->nodes.count);
}
