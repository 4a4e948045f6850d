/* carrier_voice.c - stand-in */
#include "config.h"
#include "carrier.h"
static int no_open(void **self, const struct conf *conf, struct err *e) { (void)conf; (void)e; *self = NULL; return 0; }
static void no_close(void *self) { (void)self; }
static int no_submit(void *self, struct state *state, struct plans *plans, uint64_t tag, struct ledger *cells, struct err *e) { (void)self;(void)state;(void)plans;(void)tag;(void)cells; return err_set(e, ERR_PERMANENT, "not yet"); }
static bool no_finished(void *self, uint64_t *tag, struct delivery_outcome *o) { (void)self;(void)tag;(void)o; return false; }
static int no_fd(const void *self) { (void)self; return -1; }
static int no_show(struct state *state, struct plans *plans, struct ledger *cells, struct str *text, struct err *e) { (void)state;(void)plans;(void)e; str_addf(text, "call %s\n", cells->items[0].address); return 0; }
static const char *no_address(const struct state *state, const struct delivery *cell) { (void)state; return cell->address; }
const struct carrier carrier_voice = {no_open, no_close, no_submit, no_finished, no_fd, no_show, no_address};
