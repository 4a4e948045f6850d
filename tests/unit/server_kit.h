/* server_kit.h - a server of tests/lib for a unit test, and a certificate for it. */
#ifndef VMROLL_SERVER_KIT_H
#define VMROLL_SERVER_KIT_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

enum { WAIT_MS = 20000 };

struct server {
	char folder[PATH_MAX];
	pid_t pid;
	char *url; /* SCHEME://127.0.0.1:PORT */
};

/* The one that runs. */
extern struct server server;
/* For 127.0.0.1, after certificate_make. */
extern char certificate_file[PATH_MAX], certificate_key[PATH_MAX];

/* Starts tests/lib/PROGRAM with up to 13 OPTIONS (NULL-terminated, or NULL), and waits for its port. */
void server_start(const char *program, const char *scheme, const char *const *options);
/* A teardown; safe where none runs. */
int server_stop(void **state);
/* A file of its folder (an absolute path while none runs), which the caller frees; NULL if there is none. */
char *server_read(const char *name);
void server_write(const char *name, const char *text);
/* How often WHAT stands in that file. */
size_t server_count(const char *name, const char *what);

/* Setup and teardown of a group. */
int certificate_make(void **state);
int certificate_remove(void **state);

#endif
