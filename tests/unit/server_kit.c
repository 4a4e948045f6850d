/* server_kit.c - a server of tests/lib for a unit test, and a certificate for it. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "mem.h"
#include "server_kit.h"
#include "str.h"
#include "when.h"

struct server server;
char certificate_file[PATH_MAX], certificate_key[PATH_MAX];

char *server_read(const char *name)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", server.folder, name);
	cleanup(cleanup_file) FILE *file = fopen(path, "r");
	struct str text = {0};
	char buffer[4096];
	size_t length;

	if (!file)
		return NULL;
	while ((length = fread(buffer, 1, sizeof buffer, file)) > 0)
		str_add_n(&text, buffer, length);
	return str_take(&text);
}

void server_write(const char *name, const char *text)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", server.folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

size_t server_count(const char *name, const char *what)
{
	cleanup(cleanup_mem) char *text = server_read(name);
	size_t count = 0;

	for (const char *found = text; found && (found = strstr(found, what)); found++)
		count++;
	return count;
}

static pid_t spawn(const char *const *arguments)
{
	pid_t pid = fork();

	if (pid == 0) {
		execvp(arguments[0], (char *const *)arguments);
		_exit(127);
	}
	return pid;
}

static void run(const char *const *arguments)
{
	int status;

	assert_int_equal(waitpid(spawn(arguments), &status, 0) > 0, 1);
	assert_int_equal(status, 0);
}

void server_start(const char *program, const char *scheme, const char *const *options)
{
	const char *source = getenv("top_srcdir");
	cleanup(cleanup_mem) char *path = mem_format("%s/tests/lib/%s", source ? source : "..", program);
	const char *arguments[16] = {path};
	size_t count = 1;

	snprintf(server.folder, sizeof server.folder, "/tmp/vmroll-test-server.XXXXXX");
	assert_non_null(mkdtemp(server.folder));
	while (options && *options)
		arguments[count++] = *options++;
	arguments[count] = server.folder;
	server.pid = spawn(arguments);
	cleanup(cleanup_mem) char *port = NULL;
	for (int64_t end = when_monotonic() + WAIT_MS; !port && when_monotonic() < end; poll(NULL, 0, 20))
		port = server_read("port");
	assert_non_null(port);
	server.url = mem_format("%s://127.0.0.1:%d", scheme, (int)strtol(port, NULL, 10));
}

int server_stop(void **state)
{
	(void)state;
	if (server.pid) {
		kill(server.pid, SIGTERM);
		waitpid(server.pid, NULL, 0);
		run((const char *const[]){"rm", "-rf", server.folder, NULL});
	}
	free(server.url);
	server = (struct server){0};
	return 0;
}

int certificate_make(void **state)
{
	static char folder[] = "/tmp/vmroll-test-cert.XXXXXX";

	if (!mkdtemp(folder))
		return -1;
	*state = folder;
	snprintf(certificate_file, sizeof certificate_file, "%s/cert.pem", folder);
	snprintf(certificate_key, sizeof certificate_key, "%s/key.pem", folder);
	run((const char *const[]){"openssl",
				  "req",
				  "-x509",
				  "-newkey",
				  "ec",
				  "-pkeyopt",
				  "ec_paramgen_curve:prime256v1",
				  "-nodes",
				  "-days",
				  "2",
				  "-subj",
				  "/CN=relay.test",
				  "-addext",
				  "subjectAltName=IP:127.0.0.1",
				  "-keyout",
				  certificate_key,
				  "-out",
				  certificate_file,
				  "-batch",
				  NULL});
	return 0;
}

int certificate_remove(void **state)
{
	run((const char *const[]){"rm", "-rf", *state, NULL});
	return 0;
}
