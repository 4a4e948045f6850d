# Tests: one line a file, in the order of the alphabet.

# Unit tests (cmocka): one program a module, tests/unit/test_MODULE.c, with
# one group of cases. Linked with libcore and whatever library is needed.
unit_tests =
unit_tests += tests/unit/test_address
unit_tests += tests/unit/test_admins
unit_tests += tests/unit/test_admins_store
unit_tests += tests/unit/test_affected
unit_tests += tests/unit/test_alert
unit_tests += tests/unit/test_command
unit_tests += tests/unit/test_call
unit_tests += tests/unit/test_call_rules
unit_tests += tests/unit/test_capture_parts
unit_tests += tests/unit/test_capture_plan
unit_tests += tests/unit/test_conf
unit_tests += tests/unit/test_dependence
unit_tests += tests/unit/test_digest
unit_tests += tests/unit/test_disk
unit_tests += tests/unit/test_deployment
unit_tests += tests/unit/test_domxml
unit_tests += tests/unit/test_domxml_rewrite
unit_tests += tests/unit/test_domxml_storage
unit_tests += tests/unit/test_err
unit_tests += tests/unit/test_group
unit_tests += tests/unit/test_grouptext
unit_tests += tests/unit/test_hosts
unit_tests += tests/unit/test_hoststate
unit_tests += tests/unit/test_http
unit_tests += tests/unit/test_http_post
unit_tests += tests/unit/test_icmp
unit_tests += tests/unit/test_image
unit_tests += tests/unit/test_imagefile
unit_tests += tests/unit/test_incident
unit_tests += tests/unit/test_json
unit_tests += tests/unit/test_ledger
unit_tests += tests/unit/test_ledger_answers
unit_tests += tests/unit/test_ledger_calls
unit_tests += tests/unit/test_ledger_record
unit_tests += tests/unit/test_lock
unit_tests += tests/unit/test_mail
unit_tests += tests/unit/test_mailhead
unit_tests += tests/unit/test_letter
unit_tests += tests/unit/test_manifest
unit_tests += tests/unit/test_message
unit_tests += tests/unit/test_named
unit_tests += tests/unit/test_notice
unit_tests += tests/unit/test_people
unit_tests += tests/unit/test_place
unit_tests += tests/unit/test_policy
unit_tests += tests/unit/test_progress
unit_tests += tests/unit/test_rate
unit_tests += tests/unit/test_rec
unit_tests += tests/unit/test_repository
unit_tests += tests/unit/test_removal
unit_tests += tests/unit/test_roll
unit_tests += tests/unit/test_roll_hostile
unit_tests += tests/unit/test_roll_kill
unit_tests += tests/unit/test_roll_random
unit_tests += tests/unit/test_roll_record
unit_tests += tests/unit/test_rows
unit_tests += tests/unit/test_serial
unit_tests += tests/unit/test_silence
unit_tests += tests/unit/test_sip
unit_tests += tests/unit/test_spoken
unit_tests += tests/unit/test_speech
unit_tests += tests/unit/test_stage
unit_tests += tests/unit/test_store
unit_tests += tests/unit/test_store_damage
unit_tests += tests/unit/test_store_faults
unit_tests += tests/unit/test_store_power
unit_tests += tests/unit/test_str
unit_tests += tests/unit/test_token
unit_tests += tests/unit/test_tarfile
unit_tests += tests/unit/test_template
unit_tests += tests/unit/test_virt
unit_tests += tests/unit/test_virt_volume
unit_tests += tests/unit/test_vm
unit_tests += tests/unit/test_watch
unit_tests += tests/unit/test_watchline
unit_tests += tests/unit/test_when
unit_tests += tests/unit/test_window
unit_tests += tests/unit/test_workers

tests_unit_test_admins_store_SOURCES = tests/unit/test_admins_store.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_affected_SOURCES = tests/unit/test_affected.c $(roll_kit)
tests_unit_test_capture_parts_SOURCES = tests/unit/test_capture_parts.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/scratch.h tests/unit/unit.h
disk_kit = tests/unit/disk_kit.c tests/unit/disk_kit.h tests/unit/unit.h
tests_unit_test_disk_SOURCES = tests/unit/test_disk.c $(disk_kit)
tests_unit_test_tarfile_SOURCES = tests/unit/test_tarfile.c tests/unit/store_kit.c tests/unit/store_kit.h $(disk_kit)
tests_unit_test_deployment_SOURCES = tests/unit/test_deployment.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_deployment_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_batch_commit
image_kit = tests/unit/image_kit.c tests/unit/image_kit.h tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_group_SOURCES = tests/unit/test_group.c $(image_kit)
tests_unit_test_group_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_batch_commit
# Calls that change files go through steps_kit.c.
steps_kit = tests/unit/steps_kit.c tests/unit/steps_kit.h tests/unit/unit.h
steps_ldflags = $(AM_LDFLAGS) -Wl,--wrap=mkdirat,--wrap=renameat,--wrap=renameat2,--wrap=unlink,--wrap=unlinkat \
	-Wl,--wrap=ftruncate,--wrap=fallocate,--wrap=fsync,--wrap=pwrite,--wrap=openat
tests_unit_test_imagefile_SOURCES = tests/unit/test_imagefile.c tests/unit/store_kit.c tests/unit/store_kit.h $(disk_kit) $(steps_kit)
tests_unit_test_imagefile_LDFLAGS = $(steps_ldflags)
tests_unit_test_repository_SOURCES = tests/unit/test_repository.c tests/unit/store_kit.c tests/unit/store_kit.h $(disk_kit) $(steps_kit)
tests_unit_test_repository_LDFLAGS = $(steps_ldflags)
tests_unit_test_grouptext_SOURCES = tests/unit/test_grouptext.c $(image_kit)
tests_unit_test_removal_SOURCES = tests/unit/test_removal.c $(image_kit)
tests_unit_test_removal_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_batch_commit
tests_unit_test_hosts_SOURCES = tests/unit/test_hosts.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_hoststate_SOURCES = tests/unit/test_hoststate.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_image_SOURCES = tests/unit/test_image.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
server_kit = tests/unit/server_kit.c tests/unit/server_kit.h tests/unit/unit.h
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(server_kit)
tests_unit_test_http_post_SOURCES = tests/unit/test_http_post.c $(server_kit)
tests_unit_test_people_SOURCES = tests/unit/test_people.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c tests/unit/scratch.h tests/unit/unit.h
tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c $(ledger_kit)
tests_unit_test_ledger_answers_SOURCES = tests/unit/test_ledger_answers.c $(ledger_kit)
tests_unit_test_ledger_calls_SOURCES = tests/unit/test_ledger_calls.c $(ledger_kit)
tests_unit_test_ledger_record_SOURCES = tests/unit/test_ledger_record.c $(ledger_kit)
tests_unit_test_letter_SOURCES = tests/unit/test_letter.c $(notice_kit)
tests_unit_test_message_SOURCES = tests/unit/test_message.c $(notice_kit)
tests_unit_test_notice_SOURCES = tests/unit/test_notice.c $(notice_kit)
tests_unit_test_spoken_SOURCES = tests/unit/test_spoken.c $(notice_kit)
tests_unit_test_stage_SOURCES = tests/unit/test_stage.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_roll_SOURCES = tests/unit/test_roll.c $(roll_kit)
tests_unit_test_roll_hostile_SOURCES = tests/unit/test_roll_hostile.c $(roll_kit)
tests_unit_test_roll_kill_SOURCES = tests/unit/test_roll_kill.c $(roll_kit)
tests_unit_test_roll_kill_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_batch_commit
tests_unit_test_roll_random_SOURCES = tests/unit/test_roll_random.c $(roll_kit)
tests_unit_test_rows_SOURCES = tests/unit/test_rows.c cmd/rows.c
tests_unit_test_progress_SOURCES = tests/unit/test_progress.c cmd/progress.c
tests_unit_test_rate_SOURCES = tests/unit/test_rate.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_silence_SOURCES = tests/unit/test_silence.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_named_SOURCES = tests/unit/test_named.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_serial_SOURCES = tests/unit/test_serial.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_token_SOURCES = tests/unit/test_token.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_store_damage_SOURCES = tests/unit/test_store_damage.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h
tests_unit_test_store_power_SOURCES = tests/unit/test_store_power.c tests/unit/store_kit.c tests/unit/store_kit.h tests/unit/unit.h

# Fuzz targets give the inputs of their corpus here; tests/fuzz/run looks for more.
fuzz_tests =
fuzz_tests += tests/fuzz/fuzz_admins
fuzz_tests += tests/fuzz/fuzz_conf
fuzz_tests += tests/fuzz/fuzz_grouptext
fuzz_tests += tests/fuzz/fuzz_domxml
fuzz_tests += tests/fuzz/fuzz_hosts
fuzz_tests += tests/fuzz/fuzz_mailhead
fuzz_tests += tests/fuzz/fuzz_template

fuzz_common = tests/fuzz/fuzz.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_admins_SOURCES = tests/fuzz/fuzz_admins.c $(fuzz_common)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_common)
tests_fuzz_fuzz_grouptext_SOURCES = tests/fuzz/fuzz_grouptext.c $(fuzz_common)
tests_fuzz_fuzz_domxml_SOURCES = tests/fuzz/fuzz_domxml.c $(fuzz_common)
tests_fuzz_fuzz_hosts_SOURCES = tests/fuzz/fuzz_hosts.c $(fuzz_common)
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c $(fuzz_common)
tests_fuzz_fuzz_mailhead_SOURCES = tests/fuzz/fuzz_mailhead.c $(fuzz_common)
# What fills stores for the tests of utilities.
ledger_kit = tests/unit/ledger_kit.c tests/unit/ledger_kit.h tests/unit/unit.h
notice_kit = tests/unit/notice_kit.c tests/unit/notice_kit.h tests/unit/scratch.h tests/unit/unit.h
roll_kit = tests/unit/roll_kit.c tests/unit/roll_kit.h tests/unit/store_kit.c tests/unit/store_kit.h
helpers =
helpers += tests/bench/roll_fill
helpers += tests/cli/call_people
helpers += tests/cli/image_put
helpers += tests/cli/repository_use
helpers += tests/cli/image_update
helpers += tests/cli/roll_script
helpers += tests/cli/sip_call
helpers += tests/cli/store_dump
helpers += tests/cli/store_hold
helpers += tests/cli/surroundings_show
helpers += tests/cli/virt_do
helpers += tests/lib/fixture
tests_cli_image_put_SOURCES = tests/cli/image_put.c $(image_kit)
tests_cli_image_put_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_cli_image_update_SOURCES = tests/cli/image_update.c tests/unit/store_kit.c tests/unit/store_kit.h
tests_cli_image_update_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_cli_roll_script_SOURCES = tests/cli/roll_script.c $(roll_kit)
tests_cli_surroundings_show_SOURCES = tests/cli/surroundings_show.c \
	cmd/notify-admins/services.c cmd/notify-admins/services_watch.c cmd/notify-admins/surroundings.c
tests_cli_roll_script_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit

# Tests of the built utilities, one file a utility (bats).
cli_tests =
cli_tests += tests/cli/notify-ack.bats
cli_tests += tests/cli/notify-admins.bats
cli_tests += tests/cli/notify-escalate.bats
cli_tests += tests/cli/notify-silence.bats
cli_tests += tests/cli/vmgroup.bats
cli_tests += tests/cli/vmwhere.bats
cli_tests += tests/cli/call.bats
cli_tests += tests/cli/configuration.bats
cli_tests += tests/cli/copies.bats
cli_tests += tests/cli/hostping.bats
cli_tests += tests/cli/import.bats
cli_tests += tests/cli/mastimg.bats
cli_tests += tests/cli/conventions.bats
cli_tests += tests/cli/sip.bats
cli_tests += tests/cli/surroundings.bats
cli_tests += tests/cli/vmroll-watch.bats
cli_tests += tests/cli/vmsnap.bats
cli_tests += tests/cli/webhook.bats

# The project's own rules (bats), with the checkers in tests/meta/rules.
meta_tests =
meta_tests += tests/meta/install.bats
meta_tests += tests/meta/manual.bats
meta_tests += tests/meta/settings.bats
meta_tests += tests/meta/source.bats

# Real hosts (bats): as root, by `make check-lab`.
lab_tests =
lab_tests += tests/lab/hostping.bats
lab_tests += tests/lab/examples.bats
lab_tests += tests/lab/notify-admins.bats
lab_tests += tests/lab/install.bats
lab_tests += tests/lab/mastimg.bats
lab_tests += tests/lab/mastimg-pool.bats
lab_tests += tests/lab/repository.bats
lab_tests += tests/lab/vmgroup-capture.bats
lab_tests += tests/lab/virt.bats
lab_tests += tests/lab/vmgroup.bats
lab_tests += tests/lab/vmsnap.bats
lab_tests += tests/lab/vmsnap-follow.bats

# The lab and the demo themselves, as root, too.
lab_self_tests =
lab_self_tests += tests/lab/demo.bats
lab_self_tests += tests/lab/lab_self.bats

# The archive gives each test only what it uses, and --as-needed drops the rest.
unit_ldadd = lib/libcore.a $(CMOCKA_LIBS) $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(LIBVIRT_LIBS) \
	$(LIBXML_LIBS) $(CURL_LIBS) $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CAP_LIBS) \
	$(CRYPTO_LIBS) $(SIP_LIBS) $(SPEECH_LIBS) $(ARCHIVE_LIBS)
LDADD = $(unit_ldadd)
check_PROGRAMS += $(fuzz_tests)
# The longest come first.
program_tests =
tree_tests =
if HAVE_BATS
program_tests += $(cli_tests)
tree_tests += $(meta_tests)
endif
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests) $(helpers)
program_tests += $(unit_tests)
endif
program_tests += $(fuzz_tests)
TESTS += $(program_tests) $(tree_tests)

# Measures, by hand.
benches =
benches += tests/bench/farm.bash
benches += tests/bench/group_linked
benches += tests/bench/hostping_cpu
benches += tests/bench/hostping_detection
benches += tests/bench/hostping_rate
benches += tests/bench/image_deploy
benches += tests/bench/image_lib.bash
benches += tests/bench/image_register
benches += tests/bench/image_update
benches += tests/bench/image_write
benches += tests/bench/notify_latency
benches += tests/bench/notify_msmtp
benches += tests/bench/notify_ring
benches += tests/bench/vmsnap_latency
benches += tests/bench/vmsnap_lib.bash
benches += tests/bench/vmsnap_mute
benches += tests/bench/vmsnap_unchanged
benches += tests/bench/vmwhere_speed
benches += tests/bench/voice_rtp

# Folders are distributed whole.
EXTRA_DIST += $(cli_tests) $(meta_tests) $(lab_tests) $(lab_self_tests) $(benches) \
	tests/cli/board \
	tests/unit/scratch.h \
	tests/unit/run \
	tests/unit/unit.h \
	tests/fuzz/corpus \
	tests/fuzz/run \
	tests/lab/README \
	tests/lab/lab \
	tests/lab/lib \
	tests/lib/list-server \
	tests/lib/mail-show \
	tests/lib/sip \
	tests/lib/sip-phone \
	tests/lib/name-server \
	tests/lib/smtp-server \
	tests/lib/wait.bash \
	tests/lib/webhook-server \
	tests/lib/wav-find \
	tests/meta/rules \
	tests/meta/rules.bash

# A lab is many processes, which mostly wait: some files at a time.
lab_jobs = 3
check-lab: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) -j$(lab_jobs) check-TESTS TESTS='$(lab_self_tests) $(lab_tests)'

# What looks at the tree or at the lab says the same of any build: these leave it out.
check-programs: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(program_tests)'
check-lab-programs: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) -j$(lab_jobs) check-TESTS TESTS='$(lab_tests)'
.PHONY: check-lab check-programs check-lab-programs
