noinst_LIBRARIES += lib/libcore.a
# One module a line, in the order of the alphabet; lib/tiers says which may include which.
lib_libcore_a_SOURCES =
lib_libcore_a_SOURCES += lib/address.c lib/address.h
lib_libcore_a_SOURCES += lib/child.c lib/child.h
lib_libcore_a_SOURCES += lib/conf.c lib/conf.h
lib_libcore_a_SOURCES += lib/conf_convert.c lib/conf_convert.h
lib_libcore_a_SOURCES += lib/conf_scan.c lib/conf_scan.h
lib_libcore_a_SOURCES += lib/domxml.c lib/domxml.h
lib_libcore_a_SOURCES += lib/err.c lib/err.h
lib_libcore_a_SOURCES += lib/hosts.c lib/hosts.h
lib_libcore_a_SOURCES += lib/http.c lib/http.h
lib_libcore_a_SOURCES += lib/http_smtp.c
lib_libcore_a_SOURCES += lib/icmp.c lib/icmp.h
lib_libcore_a_SOURCES += lib/json.c lib/json.h
lib_libcore_a_SOURCES += lib/keys.c lib/keys.h
lib_libcore_a_SOURCES += lib/log.c lib/log.h
lib_libcore_a_SOURCES += lib/mail.c lib/mail.h
lib_libcore_a_SOURCES += lib/map.c lib/map.h
lib_libcore_a_SOURCES += lib/mem.c lib/mem.h
lib_libcore_a_SOURCES += lib/rec.c lib/rec.h
lib_libcore_a_SOURCES += lib/str.c lib/str.h
lib_libcore_a_SOURCES += lib/table.c lib/table.h
lib_libcore_a_SOURCES += lib/textfile.c lib/textfile.h
lib_libcore_a_SOURCES += lib/vec.h
lib_libcore_a_SOURCES += lib/virt.c lib/virt.h lib/virt_private.h
lib_libcore_a_SOURCES += lib/virt_events.c
lib_libcore_a_SOURCES += lib/vm.c lib/vm.h
lib_libcore_a_SOURCES += lib/watch.c lib/watch.h
lib_libcore_a_SOURCES += lib/watchline.c lib/watchline.h
lib_libcore_a_SOURCES += lib/when.c lib/when.h
lib_libcore_a_SOURCES += lib/window.c lib/window.h
lib_libcore_a_SOURCES += lib/workers.c lib/workers.h
# One file a line, tier by tier: see HACKING.
lib_libcore_a_SOURCES = \
	lib/child.c lib/child.h \
	lib/domxml.c lib/domxml.h \
	lib/workers.c lib/workers.h \
	lib/err.c lib/err.h \
	lib/json.c lib/json.h \
	lib/log.c lib/log.h \
	lib/mem.c lib/mem.h \
	lib/rec.c lib/rec.h \
	lib/store.c lib/store.h lib/store_backend.h \
	lib/store_fault.c lib/store_fault.h \
	lib/store_folder.c lib/store_folder.h \
	lib/store_lmdb.c lib/store_lmdb.h \
	lib/store_lmdb_view.c lib/store_lmdb_write.c \
	lib/store_pages.c lib/store_pages.h \
	lib/str.c lib/str.h \
	lib/table.c lib/table.h \
	lib/vec.h \
	lib/watchline.c lib/watchline.h \
	lib/when.c lib/when.h
