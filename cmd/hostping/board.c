/* board.c - all hosts on a full screen, live. */
#include "config.h"

#include "hostping.h"

int run_board(const struct options *o, struct err *e)
{
	(void)o;
	return err_set(e, ERR_USAGE, "not built yet");
}
