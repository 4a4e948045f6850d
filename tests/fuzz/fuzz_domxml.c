/* fuzz_domxml.c - any bytes as the definition of a domain: turned into another one that is whole, or an error. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "domxml_rewrite.h"
#include "fuzz.h"
#include "mem.h"
#include "str.h"

const char fuzz_name[] = "domxml";

#define UUID "0c0ffee0-aaaa-4bbb-8ccc-ddddeeee0001"

/* All that has a target is wanted, all interfaces get the same address. */
struct wish {
	struct domxml_change change;
	VEC(struct domxml_new_disk) disks;
	VEC(const char *) macs;
};

static void wish_init(struct wish *wish, const struct domxml *old)
{
	*wish = (struct wish){.change = {.name = "D-<web>1", .uuid = UUID}};
	vec_foreach(&old->disks, disk)
		if (disk->target)
			vec_push(&wish->disks, (struct domxml_new_disk){disk->target, "/p/\"&", "file", "raw"});
	vec_foreach(&old->nics, nic)
		vec_push(&wish->macs, nic->mac ? "52:54:00:00:00:01" : "52:54:00:00:00:02");
	wish->change.disks = wish->disks.items;
	wish->change.disk_count = wish->disks.count;
	wish->change.macs = wish->macs.items;
	wish->change.mac_count = wish->macs.count;
	wish->change.nvram = old->loader ? "/p/nvram" : NULL;
	wish->change.metadata = "<v:vm xmlns:v='urn:v'/>";
}

static void wish_done(struct wish *wish)
{
	vec_done(&wish->disks);
	vec_done(&wish->macs);
}

static void check_kept(const struct str *kept)
{
	const char *text = str_text(kept);

	fuzz_check(strlen(text) == kept->length && str_is_utf8(text, kept->length));
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		fuzz_check(end && memchr(text, ':', (size_t)(end - text)));
	}
}

static char *canonical(const struct str *xml)
{
	struct str text = {0};
	struct err e = {0};

	fuzz_check(domxml_canonical(str_text(xml), xml->length, &text, &e) == 0);
	return str_take(&text);
}

/* What came out is the domain that was wanted, and to want it again changes nothing. */
static void check_result(const struct domxml *old, const struct wish *wish, const struct str *out)
{
	cleanup(domxml_done) struct domxml new = {0};
	cleanup(str_done) struct str again = {0};
	struct err e = {0};

	fuzz_check(domxml_parse(&new, str_text(out), out->length, &e) == 0);
	fuzz_check(str_equal(new.name, wish->change.name) && str_equal(new.uuid, UUID));
	fuzz_check(!new.genid &&new.nics.count == old->nics.count);
	vec_foreach(&new.disks, disk) {
		fuzz_check(!disk->backing && !disk->encrypted);
		fuzz_check(!disk->source || str_equal(disk->source, "/p/\"&"));
	}
	fuzz_check(domxml_rewrite(str_text(out), out->length, &wish->change, &again, NULL, &e) == 0);
	cleanup(cleanup_mem) char *once = canonical(out);
	cleanup(cleanup_mem) char *twice = canonical(&again);
	fuzz_check(strcmp(once, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(domxml_done) struct domxml old = {0};
	cleanup(str_done) struct str out = {0}, kept = {0}, text = {0};
	cleanup(wish_done) struct wish wish = {0};
	const char *xml = (const char *)data;
	struct err e = {0};

	int result = domxml_parse(&old, xml, size, &e);
	fuzz_check(result == 0 || result == ERR_CORRUPT || result == ERR_TOO_LARGE);
	fuzz_check(domxml_canonical(xml, size, &text, &e) == result);
	wish_init(&wish, &old);
	if (result < 0)
		return 0;
	result = domxml_rewrite(xml, size, &wish.change, &out, &kept, &e);
	check_kept(&kept);
	if (result == 0)
		check_result(&old, &wish, &out);
	else
		fuzz_check(result == ERR_CORRUPT || result == ERR_TOO_LARGE ||
			   (result == ERR_USAGE && wish.change.nvram));
	return 0;
}
