/*
 * textfile.h - reading a configuration file whole, and refusing one that is cut short.
 *
 * What can be seen of a cut: the last line does not end, or the file begins
 * with TEXTFILE_BEGIN on a line of its own and does not finish with TEXTFILE_END.
 */
#ifndef VMROLL_TEXTFILE_H
#define VMROLL_TEXTFILE_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"
#include "str.h"

#define TEXTFILE_BEGIN "# begin vmroll"
#define TEXTFILE_END "# end vmroll"

enum { TEXTFILE_MAX = 64 << 20 };

/*
 * Reads the file (or pipe) at PATH into *TEXT, which the caller frees with
 * str_done; MODE (may be NULL) gets st_mode of what was read. ERR_ENV with
 * the path and why, ERR_USAGE if it is larger than TEXTFILE_MAX.
 */
int textfile_read(const char *path, struct str *text, mode_t *mode, struct err *e);

/*
 * ERR_USAGE with PATH:LINE unless TEXT is whole lines of UTF-8 without control
 * characters (TAB aside) or a byte order mark, with its marks paired. Empty text is fine.
 */
int textfile_check(const char *path, const char *text, size_t length, struct err *e);

#endif
