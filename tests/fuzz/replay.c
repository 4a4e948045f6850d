/* replay.c - gives a fuzz target each input of its corpus, and each of these cut at every byte. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "mem.h"
#include "str.h"
#include "textfile.h"

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay(const char *folder, const char *name)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder, name);
	cleanup(str_done) struct str text = {0};
	struct err e;

	fuzz_check(textfile_read(path, &text, NULL, &e) == 0);
	for (size_t length = 0; length <= text.length; length++)
		LLVMFuzzerTestOneInput((const uint8_t *)str_text(&text), length);
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	cleanup(cleanup_mem) char *folder =
		mem_format("%s/tests/fuzz/corpus/%s", source ? source : ".", fuzz_name);
	struct dirent **entries;
	int count = scandir(folder, &entries, is_input, alphasort);

	fuzz_check(count > 0);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		replay(folder, entries[i]->d_name);
		printf("ok %d - %s\n", i + 1, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
