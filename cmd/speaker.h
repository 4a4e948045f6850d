/* speaker.h - who gives a command, and what they may say. */
#ifndef VMROLL_SPEAKER_H
#define VMROLL_SPEAKER_H

#include "err.h"

/* The person behind sudo(8) rather than root; borrowed. */
const char *speaker_name(void);
/* ERR_USAGE unless TEXT (NULL: nothing was said) fits on a line: for `--by`, `--note`, `--why`, `--comment`. */
int speaker_check(const char *option, const char *text, struct err *e);

#endif
