/*
 * answer.h - what one host answered, and how it travels from the process that
 * asked to the one that writes: as frames, which the reader does not trust.
 */
#ifndef VMSNAP_ANSWER_H
#define VMSNAP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "roll.h"
#include "vec.h"
#include "vm.h"

enum { ANSWER_VMS_MAX = 1 << 20 };

struct answer {
	bool facts;            /* HOST is filled in; else it is as it was */
	struct roll_host host; /* what libvirt tells; names and places are hosts(5)'s */
	VEC(struct vm) vms;
	bool listed;   /* all VMs have come; XML of some may still follow */
	int64_t asked; /* when the list was asked for: it is no newer than this */
};

void answer_done(struct answer *answer);

/* A place where frames go. Returns 0 or negative. */
struct answer_sink {
	int (*send)(void *context, const void *bytes, size_t length, struct err *e);
	void *context;
};

/* The order is: facts (or none), every VM, listed; then VMs again whose XML was read. */
int answer_send_facts(const struct answer_sink *sink, const struct roll_host *host, struct err *e);
int answer_send_vm(const struct answer_sink *sink, size_t place, const struct vm *vm, struct err *e);
int answer_send_listed(const struct answer_sink *sink, int64_t asked, struct err *e);

/* Takes one frame. ERR_CORRUPT, ERR_TOO_LARGE. */
int answer_receive(struct answer *answer, const void *bytes, size_t length, struct err *e);

#endif
