# One block a utility; each links what it needs and nothing else.
cmd_common = cmd/cli.c cmd/cli.h cmd/rows.c cmd/rows.h

bin_PROGRAMS += bin/hostping
bin_hostping_SOURCES = $(cmd_common) \
	cmd/hostping/board.c \
	cmd/hostping/cells.h \
	cmd/hostping/confirm.c cmd/hostping/confirm.h \
	cmd/hostping/engine.c cmd/hostping/engine.h \
	cmd/hostping/fill.c \
	cmd/hostping/hostping.c cmd/hostping/hostping.h \
	cmd/hostping/lines.c cmd/hostping/lines.h \
	cmd/hostping/once.c \
	cmd/hostping/prober.c cmd/hostping/prober.h \
	cmd/hostping/recorder.c cmd/hostping/recorder.h \
	cmd/hostping/recording.c cmd/hostping/recording.h \
	cmd/hostping/screen.c cmd/hostping/screen.h \
	cmd/hostping/status.c \
	cmd/hostping/targets.c cmd/hostping/targets.h \
	cmd/hostping/tell.c cmd/hostping/tell.h
bin_hostping_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(JANSSON_LIBS) \
	$(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CAP_LIBS) $(NCURSES_LIBS)

bin_PROGRAMS += bin/vmwhere
bin_vmwhere_SOURCES = $(cmd_common) \
	cmd/vmwhere/diff.c \
	cmd/vmwhere/duplicates.c \
	cmd/vmwhere/filter.c \
	cmd/vmwhere/find.c \
	cmd/vmwhere/history.c \
	cmd/vmwhere/show.c \
	cmd/vmwhere/vmwhere.c cmd/vmwhere/vmwhere.h
bin_vmwhere_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(JANSSON_LIBS) \
	$(SMARTCOLS_LIBS) $(CONFUSE_LIBS)

bin_PROGRAMS += bin/vmsnap
bin_vmsnap_SOURCES = $(cmd_common)
bin_vmsnap_SOURCES += cmd/vmsnap/answer.c cmd/vmsnap/answer.h
bin_vmsnap_SOURCES += cmd/vmsnap/ask.c cmd/vmsnap/ask.h
bin_vmsnap_SOURCES += cmd/vmsnap/follow.c cmd/vmsnap/follow.h
bin_vmsnap_SOURCES += cmd/vmsnap/follow_links.c cmd/vmsnap/following.h
bin_vmsnap_SOURCES += cmd/vmsnap/keep.c cmd/vmsnap/keep.h
bin_vmsnap_SOURCES += cmd/vmsnap/known.c cmd/vmsnap/known.h
bin_vmsnap_SOURCES += cmd/vmsnap/line.c cmd/vmsnap/line.h
bin_vmsnap_SOURCES += cmd/vmsnap/link.c cmd/vmsnap/link.h
bin_vmsnap_SOURCES += cmd/vmsnap/reread.c cmd/vmsnap/reread.h
bin_vmsnap_SOURCES += cmd/vmsnap/session.c cmd/vmsnap/session.h
bin_vmsnap_SOURCES += cmd/vmsnap/shard.c cmd/vmsnap/shard.h
bin_vmsnap_SOURCES += cmd/vmsnap/take.c cmd/vmsnap/take.h
bin_vmsnap_SOURCES += cmd/vmsnap/uplink.c cmd/vmsnap/uplink.h
bin_vmsnap_SOURCES += cmd/vmsnap/vmsnap.c
bin_vmsnap_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(LIBVIRT_LIBS) $(LIBXML_LIBS) \
	$(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS)

bin_PROGRAMS += bin/notify-admins
bin_notify_admins_SOURCES = $(cmd_common)
bin_notify_admins_SOURCES += cmd/notify-admins/ack_mail.c
bin_notify_admins_SOURCES += cmd/notify-admins/acknowledge.c cmd/notify-admins/acknowledge.h
bin_notify_admins_SOURCES += cmd/notify-admins/again.c
bin_notify_admins_SOURCES += cmd/notify-admins/answer.c
bin_notify_admins_SOURCES += cmd/notify-admins/carrier.c cmd/notify-admins/carrier.h
bin_notify_admins_SOURCES += cmd/notify-admins/carrier_command.c
bin_notify_admins_SOURCES += cmd/notify-admins/carrier_mail.c
bin_notify_admins_SOURCES += cmd/notify-admins/carrier_voice.c
bin_notify_admins_SOURCES += cmd/notify-admins/carrier_webhook.c
bin_notify_admins_SOURCES += cmd/notify-admins/cells.c cmd/notify-admins/cells.h
bin_notify_admins_SOURCES += cmd/notify-admins/claim.c cmd/notify-admins/claim.h
bin_notify_admins_SOURCES += cmd/notify-admins/compose.c cmd/notify-admins/compose.h
bin_notify_admins_SOURCES += cmd/notify-admins/end.c
bin_notify_admins_SOURCES += cmd/notify-admins/engine.c cmd/notify-admins/engine.h
bin_notify_admins_SOURCES += cmd/notify-admins/escalate.c
bin_notify_admins_SOURCES += cmd/notify-admins/events.c cmd/notify-admins/events.h
bin_notify_admins_SOURCES += cmd/notify-admins/exchange.c cmd/notify-admins/exchange.h
bin_notify_admins_SOURCES += cmd/notify-admins/failed.c
bin_notify_admins_SOURCES += cmd/notify-admins/first.c
bin_notify_admins_SOURCES += cmd/notify-admins/follow.c
bin_notify_admins_SOURCES += cmd/notify-admins/hooks.c cmd/notify-admins/hooks.h
bin_notify_admins_SOURCES += cmd/notify-admins/import.c
bin_notify_admins_SOURCES += cmd/notify-admins/langs.c cmd/notify-admins/langs.h
bin_notify_admins_SOURCES += cmd/notify-admins/listing.c
bin_notify_admins_SOURCES += cmd/notify-admins/news.c cmd/notify-admins/news.h
bin_notify_admins_SOURCES += cmd/notify-admins/notify-admins.c cmd/notify-admins/notify.h
bin_notify_admins_SOURCES += cmd/notify-admins/outbox.c cmd/notify-admins/outbox.h
bin_notify_admins_SOURCES += cmd/notify-admins/plan.c cmd/notify-admins/plan.h
bin_notify_admins_SOURCES += cmd/notify-admins/post.c cmd/notify-admins/post.h
bin_notify_admins_SOURCES += cmd/notify-admins/programs.c cmd/notify-admins/programs.h
bin_notify_admins_SOURCES += cmd/notify-admins/recorder.c cmd/notify-admins/recorder.h
bin_notify_admins_SOURCES += cmd/notify-admins/rehearse.c
bin_notify_admins_SOURCES += cmd/notify-admins/relay.c cmd/notify-admins/relay.h
bin_notify_admins_SOURCES += cmd/notify-admins/reply.c cmd/notify-admins/reply.h
bin_notify_admins_SOURCES += cmd/notify-admins/run.c cmd/notify-admins/run.h
bin_notify_admins_SOURCES += cmd/notify-admins/silence.c
bin_notify_admins_SOURCES += cmd/speaker.c cmd/speaker.h
bin_notify_admins_SOURCES += cmd/notify-admins/standing.c cmd/notify-admins/standing.h
bin_notify_admins_SOURCES += cmd/notify-admins/state.c cmd/notify-admins/state.h
bin_notify_admins_SOURCES += cmd/notify-admins/summary.c
bin_notify_admins_SOURCES += cmd/notify-admins/services.c cmd/notify-admins/services.h
bin_notify_admins_SOURCES += cmd/notify-admins/services_watch.c
bin_notify_admins_SOURCES += cmd/notify-admins/surroundings.c cmd/notify-admins/surroundings.h
bin_notify_admins_SOURCES += cmd/notify-admins/tell.c
bin_notify_admins_SOURCES += cmd/notify-admins/telling.c cmd/notify-admins/telling.h
bin_notify_admins_SOURCES += cmd/notify-admins/told.c cmd/notify-admins/told.h
bin_notify_admins_SOURCES += cmd/notify-admins/trial.c
bin_notify_admins_SOURCES += cmd/notify-admins/trial_hooks.c cmd/notify-admins/trial_hooks.h
bin_notify_admins_SOURCES += cmd/notify-admins/trial_voice.c cmd/notify-admins/trial_voice.h
bin_notify_admins_SOURCES += cmd/notify-admins/turn.c
bin_notify_admins_SOURCES += cmd/notify-admins/webhooks.c cmd/notify-admins/webhooks.h
bin_notify_admins_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(CURL_LIBS) \
	$(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CRYPTO_LIBS) $(SIP_LIBS) $(SPEECH_LIBS)

bin_PROGRAMS += bin/vmgroup
bin_vmgroup_SOURCES = $(cmd_common) cmd/speaker.c cmd/speaker.h cmd/progress.c cmd/progress.h
bin_vmgroup_SOURCES += cmd/interrupt.c cmd/interrupt.h
bin_vmgroup_SOURCES += cmd/vmgroup/ask.c cmd/vmgroup/ask.h
bin_vmgroup_SOURCES += cmd/vmgroup/build.c cmd/vmgroup/build.h
bin_vmgroup_SOURCES += cmd/vmgroup/common.c cmd/vmgroup/common.h
bin_vmgroup_SOURCES += cmd/vmgroup/copy.c
bin_vmgroup_SOURCES += cmd/vmgroup/create.c
bin_vmgroup_SOURCES += cmd/vmgroup/crew.c cmd/vmgroup/crew.h
bin_vmgroup_SOURCES += cmd/vmgroup/deploy.c
bin_vmgroup_SOURCES += cmd/vmgroup/domains.c
bin_vmgroup_SOURCES += cmd/vmgroup/fit.c cmd/vmgroup/fit.h
bin_vmgroup_SOURCES += cmd/vmgroup/identity.c cmd/vmgroup/identity.h
bin_vmgroup_SOURCES += cmd/vmgroup/listing.c
bin_vmgroup_SOURCES += cmd/vmgroup/member.c cmd/vmgroup/member.h
bin_vmgroup_SOURCES += cmd/vmgroup/plan.c cmd/vmgroup/plan.h
bin_vmgroup_SOURCES += cmd/vmgroup/power.c cmd/vmgroup/power.h
bin_vmgroup_SOURCES += cmd/vmgroup/remove.c
bin_vmgroup_SOURCES += cmd/vmgroup/rename.c
bin_vmgroup_SOURCES += cmd/vmgroup/session.c cmd/vmgroup/session.h
bin_vmgroup_SOURCES += cmd/vmgroup/source.c cmd/vmgroup/source.h
bin_vmgroup_SOURCES += cmd/vmgroup/status.c
bin_vmgroup_SOURCES += cmd/vmgroup/step.c cmd/vmgroup/step.h
bin_vmgroup_SOURCES += cmd/vmgroup/taking.c cmd/vmgroup/taking.h
bin_vmgroup_SOURCES += cmd/vmgroup/text.c
bin_vmgroup_SOURCES += cmd/vmgroup/tree.c
bin_vmgroup_SOURCES += cmd/vmgroup/undeploy.c
bin_vmgroup_SOURCES += cmd/vmgroup/forget.c cmd/vmgroup/forget.h
bin_vmgroup_SOURCES += cmd/vmgroup/leftover.c cmd/vmgroup/leftover.h
bin_vmgroup_SOURCES += cmd/vmgroup/undo.c cmd/vmgroup/undo.h
bin_vmgroup_SOURCES += cmd/vmgroup/update.c
bin_vmgroup_SOURCES += cmd/vmgroup/vmgroup.c cmd/vmgroup/vmgroup.h
bin_vmgroup_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(LIBVIRT_LIBS) $(LIBXML_LIBS) \
	$(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CRYPTO_LIBS)

bin_PROGRAMS += bin/mastimg
bin_mastimg_SOURCES = $(cmd_common) cmd/speaker.c cmd/speaker.h cmd/progress.c cmd/progress.h
bin_mastimg_SOURCES += cmd/interrupt.c cmd/interrupt.h
bin_mastimg_SOURCES += cmd/mastimg/candidates.c
bin_mastimg_SOURCES += cmd/mastimg/changed.c
bin_mastimg_SOURCES += cmd/mastimg/delete.c
bin_mastimg_SOURCES += cmd/mastimg/export.c
bin_mastimg_SOURCES += cmd/mastimg/export_place.c cmd/mastimg/export_place.h
bin_mastimg_SOURCES += cmd/mastimg/gc.c
bin_mastimg_SOURCES += cmd/mastimg/import.c
bin_mastimg_SOURCES += cmd/mastimg/listing.c
bin_mastimg_SOURCES += cmd/mastimg/mastimg.c cmd/mastimg/mastimg.h
bin_mastimg_SOURCES += cmd/mastimg/register.c
bin_mastimg_SOURCES += cmd/mastimg/rename.c
bin_mastimg_SOURCES += cmd/mastimg/rollback.c
bin_mastimg_SOURCES += cmd/mastimg/source.c cmd/mastimg/source.h
bin_mastimg_SOURCES += cmd/mastimg/source_disk.c
bin_mastimg_SOURCES += cmd/mastimg/source_folder.c
bin_mastimg_SOURCES += cmd/mastimg/source_qcow2.c
bin_mastimg_SOURCES += cmd/mastimg/source_tar.c
bin_mastimg_SOURCES += cmd/mastimg/survey.c cmd/mastimg/survey.h
bin_mastimg_SOURCES += cmd/mastimg/verify.c
bin_mastimg_LDADD = lib/libcore.a $(LMDB_LIBS) $(CBOR_LIBS) $(ISAL_LIBS) $(LIBVIRT_LIBS) $(LIBXML_LIBS) \
	$(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(CONFUSE_LIBS) $(CRYPTO_LIBS) $(ARCHIVE_LIBS)
