/*
 * image_put.c - makes images in the store URI, records without files: image_put URI NAME...
 *
 * Each as image_kit.h has them; prints their numbers, a line each.
 */
#include "config.h"

#include "unit.h"

#include "image_kit.h"

int main(int argc, char **argv)
{
	struct kit kit = {.uri = argv[1]};

	kit_reopen(&kit, STORE_WRITE);
	for (int i = 2; i < argc; i++)
		printf("%llu\n", (unsigned long long)image_kit_make(&kit, argv[i]));
	kit_close(&kit);
	return 0;
}
