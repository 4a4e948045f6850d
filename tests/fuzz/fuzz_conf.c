/* fuzz_conf.c - any bytes as vmroll.conf(5): settings within their ranges, or an error with its line. */
#include "config.h"

#include <string.h>

#include "conf.h"
#include "fuzz.h"
#include "str.h"

const char fuzz_name[] = "conf";

static void check_settings(const struct conf *conf)
{
	fuzz_check(conf->store && conf->hosts);
	fuzz_check(conf->parallel >= 1 && conf->parallel <= 1024);
	fuzz_check(conf->ping.interval_ms >= 10 && conf->ping.timeout_ms >= 1);
	fuzz_check(conf->ping.window_lost >= 1 && conf->ping.window_lost <= conf->ping.window_size);
	fuzz_check(conf->ping.window_size <= 64);
	for (size_t i = 0; i < conf->notify.on_incident.count; i++)
		fuzz_check(conf->notify.on_incident.items[i].items[0]);
	for (size_t i = 0; i < conf->notify.fallback.count; i++)
		fuzz_check(!str_has_control(conf->notify.fallback.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct conf conf = {0};
	struct err e = {0};
	int result = conf_read(&conf, path, &e);

	if (result == 0) {
		check_settings(&conf);
		conf_done(&conf);
	} else {
		fuzz_check(result == ERR_USAGE);
		fuzz_check(str_starts(e.text, path) && strchr("123456789", e.text[strlen(path) + 1]));
		fuzz_check(!conf.store);
	}
	return 0;
}
