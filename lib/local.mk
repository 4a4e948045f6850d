noinst_LIBRARIES += lib/libcore.a
# One file a line, tier by tier: see HACKING.
lib_libcore_a_SOURCES = \
	lib/child.c lib/child.h \
	lib/address.c lib/address.h \
	lib/conf.c lib/conf.h \
	lib/conf_convert.c lib/conf_convert.h \
	lib/conf_scan.c lib/conf_scan.h \
	lib/domxml.c lib/domxml.h \
	lib/virt.c lib/virt.h lib/virt_private.h \
	lib/virt_events.c \
	lib/workers.c lib/workers.h \
	lib/err.c lib/err.h \
	lib/hosts.c lib/hosts.h \
	lib/json.c lib/json.h \
	lib/keys.c lib/keys.h \
	lib/log.c lib/log.h \
	lib/map.c lib/map.h \
	lib/mem.c lib/mem.h \
	lib/rec.c lib/rec.h \
	lib/mail.c lib/mail.h \
	lib/str.c lib/str.h \
	lib/table.c lib/table.h \
	lib/textfile.c lib/textfile.h \
	lib/vec.h \
	lib/vm.c lib/vm.h \
	lib/watchline.c lib/watchline.h \
	lib/when.c lib/when.h
