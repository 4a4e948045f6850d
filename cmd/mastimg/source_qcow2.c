/* source_qcow2.c - a qcow2 file by hand: looked at before anybody opens it, and made raw by qemu-img(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"
#include "source.h"
#include "str.h"

/* https://www.qemu.org/docs/master/interop/qcow2.html: offsets in the header, all big-endian. */
enum {
	AT_VERSION = 4,
	AT_BACKING_OFFSET = 8,
	AT_SIZE = 24,
	AT_CRYPT = 32,
	AT_INCOMPATIBLE = 72,
	HEADER_SIZE = 104,
	HEADER_SIZE_2 = 72
};
enum { INCOMPATIBLE_DATA_FILE = 1 << 2 };

enum { LOOK_MS = 250, WHY_MAX = 600, MODE = 0600 };

static uint64_t read_big(const unsigned char *bytes, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Other containers would be taken for raw disks that hold nothing that boots. */
static const char *name_of_container(const unsigned char *header)
{
	static const struct {
		const char *magic, *name;
	} containers[] = {
		{"KDMV", "VMDK"}, {"vhdxfile", "VHDX"}, {"conectix", "VHD"}, {"<<< ", "VDI"}, {"QED", "QED"}};

	for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
		if (memcmp(header, containers[i].magic, strlen(containers[i].magic)) == 0)
			return containers[i].name;
	return NULL;
}

static int check_header(const unsigned char *header, size_t length, const char *path, struct err *e)
{
	uint64_t version = read_big(header + AT_VERSION, 4);

	if (length < HEADER_SIZE_2 || version < 2 || version > 3 || (version == 3 && length < HEADER_SIZE))
		return err_set(e, ERR_USAGE, "%s: qcow2 of a version that is not known, or cut short", path);
	if (read_big(header + AT_BACKING_OFFSET, 8) != 0)
		return err_set(e, ERR_USAGE,
			       "%s: has a backing file, which could be any file of this machine: flatten it "
			       "first, 'qemu-img convert'",
			       path);
	if (version == 3 && (read_big(header + AT_INCOMPATIBLE, 8) & INCOMPATIBLE_DATA_FILE))
		return err_set(e, ERR_USAGE,
			       "%s: has its data in another file, which could be any file of this machine: "
			       "convert it first, 'qemu-img convert'",
			       path);
	if (read_big(header + AT_CRYPT, 4) != 0)
		return err_set(e, ERR_USAGE, "%s: is encrypted", path);
	return 1;
}

int source_qcow2_check(int fd, const char *path, uint64_t *size_bytes, struct err *e)
{
	unsigned char header[HEADER_SIZE] = {0};
	ssize_t length = pread(fd, header, sizeof header, 0);

	if (length < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	const char *container = name_of_container(header);
	if (container)
		return err_set(e, ERR_USAGE, "%s: is %s: convert it first, 'qemu-img convert -O raw'", path,
			       container);
	if (memcmp(header, "QFI\xfb", 4) != 0)
		return 0;
	*size_bytes = read_big(header + AT_SIZE, 8);
	return check_header(header, (size_t)length, path, e);
}

/* ---- conversion ---- */

/* Without a name nothing stays of it, however we end. */
static int open_temporary(struct err *e)
{
	const char *folder = getenv("TMPDIR");

	if (!folder || !*folder)
		folder = "/var/tmp";
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, MODE);
	return fd >= 0 ? fd : err_set_errno(e, ERR_ENV, errno, "%s: a file without a name", folder);
}

struct conversion {
	struct source *source;
	int fd;
	uint64_t size_bytes, seen_bytes;
	struct str why;
};

static int tell_progress(struct conversion *conversion, struct err *e)
{
	struct source *source = conversion->source;
	struct stat status;

	if (fstat(conversion->fd, &status) < 0 || !source->moved)
		return 0;
	uint64_t bytes = (uint64_t)status.st_blocks * 512;
	if (bytes == conversion->seen_bytes)
		return 0;
	conversion->seen_bytes = bytes;
	return source->moved(source->context, "converting", bytes, conversion->size_bytes, e);
}

/* Until it ends, or ERRORS does. */
static int follow(struct conversion *conversion, int errors, struct err *e)
{
	char buffer[512];

	for (;;) {
		struct pollfd ready = {.fd = errors, .events = POLLIN};
		if (poll(&ready, 1, LOOK_MS) > 0) {
			ssize_t got = read(errors, buffer, sizeof buffer);
			if (got <= 0)
				return 0;
			if (conversion->why.length < WHY_MAX)
				str_add_n(&conversion->why, buffer, (size_t)got);
		}
		if (tell_progress(conversion, e) < 0)
			return e->code;
	}
}

static int judge(struct conversion *conversion, int status, const char *path, struct err *e)
{
	struct str *why = &conversion->why;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (why->length > 0)
		why->data[strcspn(why->data, "\n")] = '\0';
	return err_set(e, strstr(str_text(why), strerror(ENOSPC)) ? ERR_FULL : ERR_ENV, "%s: %.400s", path,
		       why->length > 0 ? str_text(why) : "qemu-img failed");
}

static int run(struct conversion *conversion, char *const *argv, const char *path, struct err *e)
{
	int ends[2];
	pid_t process;
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set_errno(e, ERR_ENV, errno, "pipe");
	cleanup(cleanup_fd) int errors = ends[0];
	const int fds[3] = {conversion->fd, ends[1], ends[1]};
	int errnum = command_spawn(argv, fds, &process);
	close(ends[1]);
	if (errnum == ENOENT)
		return err_set(e, ERR_USAGE,
			       "%s: is qcow2, and qemu-img is not installed here: install it, or convert the "
			       "file to raw elsewhere",
			       path);
	if (errnum != 0)
		return err_set_errno(e, ERR_ENV, errnum, "qemu-img");
	int result = follow(conversion, errors, e);
	if (result < 0)
		kill(-process, SIGKILL);
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		continue;
	return result < 0 ? result : judge(conversion, status, path, e);
}

int source_qcow2_convert(struct source *source, const char *path, uint64_t size_bytes, struct err *e)
{
	cleanup(cleanup_mem) char *whole = realpath(path, NULL);
	struct conversion conversion = {.source = source, .fd = open_temporary(e), .size_bytes = size_bytes};

	if (conversion.fd < 0)
		return conversion.fd;
	/* An absolute path is no option, and no protocol of QEMU's. */
	const char *const argv[] = {"qemu-img", "convert", "-f",  "qcow2",      "-O", "raw",
				    "-S",       "64k",     whole, "/dev/stdin", NULL};
	int result = whole ? run(&conversion, (char *const *)argv, path, e)
			   : err_set_errno(e, ERR_ENV, errno, "%s", path);
	str_done(&conversion.why);
	if (result < 0)
		close(conversion.fd);
	return result < 0 ? result : conversion.fd;
}
