/* fuzz_template.c - any bytes as a template: an error with its line, or one that makes bounded text of any data. */
#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "template.h"

const char fuzz_name[] = "template";

static const struct template_name vm_names[] = {
	{"name", TEMPLATE_VALUE, NULL},
	{"process", TEMPLATE_VALUE, NULL},
	{NULL, TEMPLATE_VALUE, NULL},
};
static const struct template_name host_names[] = {
	{"name", TEMPLATE_VALUE, NULL},
	{"own", TEMPLATE_LIST, vm_names},
	{NULL, TEMPLATE_VALUE, NULL},
};
static const struct template_name names[] = {
	{"person", TEMPLATE_VALUE, NULL},
	{"over", TEMPLATE_TRUTH, NULL},
	{"hosts", TEMPLATE_LIST, host_names},
	{NULL, TEMPLATE_VALUE, NULL},
};

static const char *const data[] = {
	"{}",
	"{\"person\":\"${end}\",\"over\":true,\"hosts\":[{\"name\":\"a\\tb\\n\",\"own\":[{\"name\":\"x\"},{},"
	"7]},{\"own\":\"no list\"}]}",
	"{\"person\":-1,\"over\":\"\",\"hosts\":[[],{},null,{\"name\":{},\"own\":[{},{},{},{},{},{},{},{}]}]"
	"}",
};

static void render(const struct template *template, const char *text)
{
	cleanup(str_done) struct str out = {0};
	cleanup(cleanup_json) struct json *tree = NULL;
	struct err e = {0};

	fuzz_check(json_parse(text, strlen(text), &tree, &e) == 0);
	int result = template_render(template, tree, str_add_escaped, &out, &e);
	fuzz_check(result == 0 || result == ERR_TOO_LARGE);
	fuzz_check(out.length <= TEMPLATE_OUTPUT_MAX + TEMPLATE_SIZE_MAX);
	fuzz_check(str_is_utf8(str_text(&out), out.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	cleanup(cleanup_template) struct template *template = NULL;
	struct err e = {0};
	int result = template_parse(&template, "t", (const char *)bytes, size, names, &e);

	fuzz_check(result == 0 || result == ERR_USAGE);
	fuzz_check(result == 0 || strncmp(e.text, "t:", 2) == 0);
	for (size_t i = 0; result == 0 && i < sizeof data / sizeof data[0]; i++)
		render(template, data[i]);
	return 0;
}
