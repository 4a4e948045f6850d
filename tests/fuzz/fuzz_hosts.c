/* fuzz_hosts.c - any bytes as hosts(5): hosts that are found by their names, or an error with its line. */
#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "hosts.h"
#include "str.h"

const char fuzz_name[] = "hosts";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct hosts hosts = {0};
	struct err e = {0};
	int result = hosts_read(&hosts, path, &e);

	fuzz_check(result == 0 || result == ERR_USAGE);
	fuzz_check(result == 0 || strchr("123456789", e.text[strlen(path) + 1]));
	for (size_t i = 0; i < hosts.count; i++) {
		const struct host *host = &hosts.items[i];
		fuzz_check(hosts_find(&hosts, host->name) == host);
		fuzz_check(host->name[0] != '-' && !strpbrk(host->name, " \t/"));
		fuzz_check(!host->mac || strlen(host->mac) == 17);
		for (size_t port = 0; port < host->confirm_count; port++)
			fuzz_check(host->confirm[port] > 0);
	}
	hosts_done(&hosts);
	return 0;
}
