# Unit tests: one program a module, tests/unit/test_MODULE.c, linked with libcore.
if HAVE_CMOCKA
unit_tests = \
	tests/unit/test_mail \
	tests/unit/test_domxml \
	tests/unit/test_err \
	tests/unit/test_rec \
	tests/unit/test_hosts \
	tests/unit/test_rows \
	tests/unit/test_str \
	tests/unit/test_vm \
	tests/unit/test_virt \
	tests/unit/test_when \
	tests/unit/test_workers
else
unit_tests =
endif
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

# The archive gives each test only what it uses, and --as-needed drops the rest.
unit_ldadd = lib/libcore.a $(CMOCKA_LIBS) $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(LIBVIRT_LIBS) \
	$(LIBXML_LIBS) $(CURL_LIBS) $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CAP_LIBS)
tests_unit_test_domxml_LDADD = $(unit_ldadd)
tests_unit_test_err_LDADD = $(unit_ldadd)
tests_unit_test_mail_LDADD = $(unit_ldadd)
tests_unit_test_rec_LDADD = $(unit_ldadd)
tests_unit_test_hosts_SOURCES = tests/unit/test_hosts.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_hosts_LDADD = $(unit_ldadd)
tests_unit_test_rows_SOURCES = tests/unit/test_rows.c cmd/rows.c
tests_unit_test_rows_LDADD = $(unit_ldadd)
tests_unit_test_str_LDADD = $(unit_ldadd)
tests_unit_test_vm_LDADD = $(unit_ldadd)
tests_unit_test_virt_LDADD = $(unit_ldadd)
tests_unit_test_when_LDADD = $(unit_ldadd)
tests_unit_test_workers_LDADD = $(unit_ldadd)

# Tests of the built utilities, and of the project's own rules.
cli_tests =
meta_tests =
if HAVE_BATS
TESTS += $(cli_tests) $(meta_tests)
endif
EXTRA_DIST += $(cli_tests) $(meta_tests)

# The lab: real hosts. Its tests need root and are run by scripts/check.
EXTRA_DIST += \
	tests/lab/README \
	tests/lab/lab \
	tests/lab/lab_self.bats \
	tests/lab/lib/base.bash \
	tests/lab/lib/delay.c \
	tests/lab/lib/guest-init \
	tests/lab/lib/guest.bash \
	tests/lab/lib/host-init \
	tests/lab/lib/host.bash \
	tests/lab/lib/lab.bash \
	tests/lab/lib/net.bash \
	tests/lab/lib/up.bash
