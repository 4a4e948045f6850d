/* candidates.c - mastimg candidates: every VM of every host, and whether it is registered. */
#include "config.h"

#include "mastimg.h"

const struct column candidates_columns[] = {
	{"VM", "vm", "name", ROWS_TEXT, false, false},
};
const size_t candidates_column_count = sizeof candidates_columns / sizeof candidates_columns[0];

int command_candidates(void *context)
{
	struct options *o = context;

	return err_set(o->e, ERR_USAGE, "candidates: this version cannot do it yet");
}
