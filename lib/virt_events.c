/* virt_events.c - what happens on a host, as it happens. */
#include "config.h"

#include <stdlib.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "mem.h"
#include "virt.h"
#include "virt_private.h"

/* A dead host is noticed after three unanswered questions: within 8 s. */
enum { KEEPALIVE_INTERVAL_S = 2, KEEPALIVE_COUNT = 3 };

int virt_events_init(struct err *e)
{
	return virEventRegisterDefaultImpl() < 0 ? virt_error(e, "event loop") : 0;
}

struct watch {
	void (*readable)(void *context);
	void *context;
};

static void on_readable(int handle, int fd, int events, void *opaque)
{
	const struct watch *watch = opaque;

	(void)handle;
	(void)fd;
	(void)events;
	watch->readable(watch->context);
}

int virt_events_watch(int fd, void (*readable)(void *context), void *context, struct err *e)
{
	struct watch *watch = mem_alloc(sizeof *watch);

	*watch = (struct watch){readable, context};
	if (virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_readable, watch,
			      free) < 0) {
		free(watch);
		return virt_error(e, "event loop");
	}
	return 0;
}

int virt_events_turn(struct err *e)
{
	return virEventRunDefaultImpl() < 0 ? virt_error(e, "event loop") : 0;
}

static void pass_on(const struct virt *virt, virDomainPtr domain, enum virt_event_kind kind, int type, int detail)
{
	struct virt_event event = {.kind = kind, .event = type, .detail = detail};

	event.name = virDomainGetName(domain);
	if (event.name && virDomainGetUUID(domain, event.uuid) == 0)
		virt->listener.event(virt->listener.context, &event);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
	(void)connection;
	pass_on(opaque, domain, VIRT_EVENT_LIFECYCLE, event, detail);
	return 0;
}

static void on_device(virConnectPtr connection, virDomainPtr domain, const char *alias, void *opaque)
{
	(void)connection;
	(void)alias;
	pass_on(opaque, domain, VIRT_EVENT_DEVICES, 0, 0);
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *uri, void *opaque)
{
	(void)connection;
	(void)type;
	(void)uri;
	pass_on(opaque, domain, VIRT_EVENT_DEVICES, 0, 0);
}

static void on_close(virConnectPtr connection, int reason, void *opaque)
{
	const struct virt_listener *listener = &((const struct virt *)opaque)->listener;

	(void)connection;
	switch (reason) {
	case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
		listener->closed(listener->context, "no answer to keepalive");
		break;
	case VIR_CONNECT_CLOSE_REASON_EOF:
		listener->closed(listener->context, "the host closed the connection");
		break;
	default:
		listener->closed(listener->context, "the connection broke");
		break;
	}
}

static void on_free(void *opaque)
{
	virt_release(opaque);
}

static int add_callback(struct virt *virt, int id, virConnectDomainEventGenericCallback callback)
{
	atomic_fetch_add(&virt->references, 1);
	int handle = virConnectDomainEventRegisterAny(virt->connection, NULL, id, callback, virt, on_free);
	if (handle < 0) {
		virt_release(virt);
		return -1;
	}
	virt->callbacks[virt->callback_count++] = handle;
	return 0;
}

/* Drivers in this process (test) know neither close nor keepalive, and need none. */
static void watch_connection(struct virt *virt)
{
	atomic_fetch_add(&virt->references, 1);
	if (virConnectRegisterCloseCallback(virt->connection, on_close, virt, on_free) < 0)
		virt_release(virt);
	virConnectSetKeepAlive(virt->connection, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
}

int virt_follow(struct virt *virt, const struct virt_listener *listener, struct err *e)
{
	virt->listener = *listener;
	watch_connection(virt);
	if (add_callback(virt, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)) < 0)
		return virt_error(e, "events");
	/* Older daemons and other drivers lack these: then XML is as old as the last reread. */
	add_callback(virt, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	add_callback(virt, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	add_callback(virt, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata));
	return 0;
}

void virt_unfollow(struct virt *virt)
{
	if (!virt->listener.context)
		return;
	for (size_t i = 0; i < virt->callback_count; i++)
		virConnectDomainEventDeregisterAny(virt->connection, virt->callbacks[i]);
	virt->callback_count = 0;
	virConnectUnregisterCloseCallback(virt->connection, on_close);
}

bool virt_event_defines(const struct virt_event *event)
{
	return event->kind == VIRT_EVENT_DEVICES || event->event == VIR_DOMAIN_EVENT_DEFINED;
}

/* ---- names ---- */

#define NAME_OF(names, index)                                                                                    \
	((index) >= 0 && (size_t)(index) < sizeof(names) / sizeof((names)[0]) && (names)[index] ? (names)[index] \
												: "unknown")

static const char *const event_names[] = {
	[VIR_DOMAIN_EVENT_DEFINED] = "defined",   [VIR_DOMAIN_EVENT_UNDEFINED] = "undefined",
	[VIR_DOMAIN_EVENT_STARTED] = "started",   [VIR_DOMAIN_EVENT_SUSPENDED] = "suspended",
	[VIR_DOMAIN_EVENT_RESUMED] = "resumed",   [VIR_DOMAIN_EVENT_STOPPED] = "stopped",
	[VIR_DOMAIN_EVENT_SHUTDOWN] = "shutdown", [VIR_DOMAIN_EVENT_PMSUSPENDED] = "pmsuspended",
	[VIR_DOMAIN_EVENT_CRASHED] = "crashed",
};

static const char *const defined_details[] = {"added", "updated", "renamed", "from-snapshot"};
static const char *const undefined_details[] = {"removed", "renamed"};
static const char *const started_details[] = {"booted", "migrated", "restored", "from-snapshot", "wakeup"};
static const char *const suspended_details[] = {"paused",    "migrated",  "io-error",
						"watchdog",  "restored",  "from-snapshot",
						"api-error", "post-copy", "post-copy-failed"};
static const char *const resumed_details[] = {"unpaused", "migrated", "from-snapshot", "post-copy",
					      "post-copy-failed"};
static const char *const stopped_details[] = {"shutdown", "destroyed", "crashed",      "migrated",
					      "saved",    "failed",    "from-snapshot"};
static const char *const shutdown_details[] = {"finished", "guest", "host"};
static const char *const pmsuspended_details[] = {"memory", "disk"};
static const char *const crashed_details[] = {"panicked", "crashloaded"};

const char *virt_event_name(int event)
{
	return NAME_OF(event_names, event);
}

const char *virt_event_detail(int event, int detail)
{
	switch (event) {
	case VIR_DOMAIN_EVENT_DEFINED:
		return NAME_OF(defined_details, detail);
	case VIR_DOMAIN_EVENT_UNDEFINED:
		return NAME_OF(undefined_details, detail);
	case VIR_DOMAIN_EVENT_STARTED:
		return NAME_OF(started_details, detail);
	case VIR_DOMAIN_EVENT_SUSPENDED:
		return NAME_OF(suspended_details, detail);
	case VIR_DOMAIN_EVENT_RESUMED:
		return NAME_OF(resumed_details, detail);
	case VIR_DOMAIN_EVENT_STOPPED:
		return NAME_OF(stopped_details, detail);
	case VIR_DOMAIN_EVENT_SHUTDOWN:
		return NAME_OF(shutdown_details, detail);
	case VIR_DOMAIN_EVENT_PMSUSPENDED:
		return NAME_OF(pmsuspended_details, detail);
	case VIR_DOMAIN_EVENT_CRASHED:
		return NAME_OF(crashed_details, detail);
	default:
		return "unknown";
	}
}
