/* virt_control.c - what is done to domains, and asked of one. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "domxml.h"
#include "mem.h"
#include "virt_control.h"
#include "virt_private.h"
#include "when.h"

/* ASK_AGAIN: a guest that was just booting has not heard the button. */
enum { STATE_POLL_MS = 200, ASK_AGAIN_MS = 10000 };

int virt_domain_lookup(struct virt *virt, const unsigned char *uuid, virDomainPtr *domain, struct err *e)
{
	virDomainPtr found = virDomainLookupByUUID(virt->connection, uuid);

	if (!found)
		return virt_error(e, NULL);
	*domain = found;
	return 0;
}

int virt_domain_error(virDomainPtr domain, struct err *e)
{
	int result = virt_error(e, NULL);

	/* Asking for the name forgets the error. */
	err_wrap(e, "%s", virDomainGetName(domain));
	return result;
}

int virt_domain_find(struct virt *virt, const char *name, unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = virDomainLookupByName(virt->connection, name);
	unsigned char found[VIRT_UUID_SIZE];

	if (!domain || virDomainGetUUID(domain, found) < 0)
		return virt_error(e, NULL);
	memcpy(uuid, found, sizeof found);
	return 0;
}

/* ---- states ---- */

bool virt_state_is_active(int state)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_SHUTDOWN:
	case VIR_DOMAIN_PMSUSPENDED:
		return true;
	default:
		return false;
	}
}

/* 1 and *STATE; 0: it is gone. */
static int state_of(virDomainPtr domain, int *state, struct err *e)
{
	int found;

	if (virDomainGetState(domain, &found, NULL, 0) < 0) {
		int result = virt_domain_error(domain, e);
		return result == ERR_NOT_FOUND ? 0 : result;
	}
	*state = found;
	return 1;
}

int virt_domain_state(struct virt *virt, const unsigned char *uuid, int *state, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result == ERR_NOT_FOUND ? 0 : result;
	return state_of(domain, state, e);
}

/* 1: it has a process; 0: it has none, or is gone. */
static int is_active(virDomainPtr domain, struct err *e)
{
	int state = VIR_DOMAIN_NOSTATE;

	int result = state_of(domain, &state, e);
	return result <= 0 ? result : virt_state_is_active(state);
}

/* ---- definitions ---- */

static int read_definition(struct virt *virt, const unsigned char *uuid, unsigned flags, char **xml,
			   struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result;
	char *text = virDomainGetXMLDesc(domain, flags);
	if (!text)
		return virt_domain_error(domain, e);
	*xml = text;
	return 0;
}

int virt_domain_config(struct virt *virt, const unsigned char *uuid, char **xml, struct err *e)
{
	return read_definition(virt, uuid, VIR_DOMAIN_XML_INACTIVE, xml, e);
}

int virt_domain_live(struct virt *virt, const unsigned char *uuid, char **xml, struct err *e)
{
	return read_definition(virt, uuid, 0, xml, e);
}

/* ERR_CONFLICT if FOUND is a domain, 0 if the question was answered with none. */
static int check_absent(virDomainPtr found, const char *what, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = found;

	if (domain)
		return err_set(e, ERR_CONFLICT, "%s is taken by domain %s", what, virDomainGetName(domain));
	int result = virt_error(e, NULL);
	return result == ERR_NOT_FOUND ? 0 : result;
}

static int check_free(struct virt *virt, const struct domxml *wanted, struct err *e)
{
	int result = check_absent(virDomainLookupByName(virt->connection, wanted->name), "name", e);

	if (result == 0)
		result = check_absent(virDomainLookupByUUIDString(virt->connection, wanted->uuid), "UUID", e);
	if (result < 0)
		err_wrap(e, "%s", wanted->name);
	return result;
}

static bool is_about_xml(void)
{
	switch (virGetLastErrorCode()) {
	case VIR_ERR_XML_ERROR:
	case VIR_ERR_XML_DETAIL:
	case VIR_ERR_XML_INVALID_SCHEMA:
	case VIR_ERR_INVALID_ARG:
		return true;
	default:
		return virt_cannot();
	}
}

int virt_domain_define(struct virt *virt, const char *xml, struct err *e)
{
	cleanup(domxml_done) struct domxml wanted = {0};

	int result = domxml_parse(&wanted, xml, strlen(xml), e);
	if (result == 0)
		result = check_free(virt, &wanted, e);
	if (result < 0)
		return result;
	cleanup(cleanup_domain) virDomainPtr domain =
		virDomainDefineXMLFlags(virt->connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	if (domain)
		return 0;
	return is_about_xml() ? virt_error_as(e, ERR_USAGE, wanted.name) : virt_error(e, wanted.name);
}

/* Daemons before 8.9 do not know of TPM state, and the test driver not even of NVRAM: the first that is taken counts. */
static int undefine(virDomainPtr domain)
{
	enum {
		SAVED = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
			VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
		VARIABLES = SAVED | VIR_DOMAIN_UNDEFINE_NVRAM,
		ALL = VARIABLES | VIR_DOMAIN_UNDEFINE_TPM
	};
	static const unsigned ways[] = {ALL, VARIABLES, SAVED, 0};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (virDomainUndefineFlags(domain, ways[i]) == 0)
			return 0;
		if (!virt_cannot())
			break;
	}
	return -1;
}

int virt_domain_undefine(struct virt *virt, const unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result == 0 && undefine(domain) < 0)
		result = virt_domain_error(domain, e);
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* ---- power ---- */

int virt_domain_start(struct virt *virt, const unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result;
	if (virDomainCreate(domain) == 0)
		return 0;
	result = virt_domain_error(domain, e);
	return is_active(domain, NULL) == 1 ? 0 : result;
}

/* 1: it was asked; 0: there is nothing to ask any more. */
static int ask_down(virDomainPtr domain, struct err *e)
{
	int state = VIR_DOMAIN_NOSTATE;

	if (virDomainShutdown(domain) == 0)
		return 1;
	int result = virt_domain_error(domain, e);
	if (state_of(domain, &state, NULL) == 0)
		return 0;
	if (state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED)
		return err_set(e, ERR_ENV, "%s is paused, and hears nobody", virDomainGetName(domain));
	return virt_state_is_active(state) ? result : 0;
}

/* Until it is down, or NEXT: 1 it still runs. */
static int wait_down(virDomainPtr domain, int64_t next, struct err *e)
{
	for (;;) {
		int active = is_active(domain, e);
		if (active <= 0 || when_monotonic() >= next)
			return active;
		poll(NULL, 0, STATE_POLL_MS);
	}
}

static int bring_down(virDomainPtr domain, int64_t until, struct err *e)
{
	for (;;) {
		int64_t next = when_monotonic() + ASK_AGAIN_MS;
		int result = ask_down(domain, e);
		if (result > 0)
			result = wait_down(domain, next < until ? next : until, e);
		if (result <= 0)
			return result;
		if (when_monotonic() >= until)
			return err_set(e, ERR_DEADLINE, "%s still runs", virDomainGetName(domain));
	}
}

int virt_domain_shutdown(struct virt *virt, const unsigned char *uuid, int64_t until, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result == 0)
		result = is_active(domain, e);
	if (result > 0)
		result = bring_down(domain, until, e);
	return result == ERR_NOT_FOUND ? 0 : result;
}

int virt_domain_destroy(struct virt *virt, const unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result == ERR_NOT_FOUND ? 0 : result;
	if (virDomainDestroy(domain) == 0)
		return 0;
	result = virt_domain_error(domain, e);
	return is_active(domain, NULL) == 0 ? 0 : result;
}
