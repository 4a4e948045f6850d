EXTRA_DIST += lib/tiers scripts/check scripts/demo scripts/demo.d scripts/deps

dist_pkglibexec_SCRIPTS = scripts/vmroll-watch

# Examples to copy; the manual pages show some of them.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	scripts/examples/admins.csv \
	scripts/examples/crontab \
	scripts/examples/hosts \
	scripts/examples/logrotate \
	scripts/examples/sysctl.conf \
	scripts/examples/vmroll.conf

# One completion, under the name of each utility that bash-completion may load.
completions = scripts/completions/vmroll.bash
EXTRA_DIST += $(completions)
install-completions:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	@for program in $(bin_PROGRAMS); do \
		program=`basename $$program`; \
		echo " $(INSTALL_DATA) $(completions) $(DESTDIR)$(bashcompletiondir)/$$program"; \
		$(INSTALL_DATA) '$(srcdir)/$(completions)' "$(DESTDIR)$(bashcompletiondir)/$$program" || exit; \
	done
uninstall-completions:
	@for program in $(bin_PROGRAMS); do \
		rm -f "$(DESTDIR)$(bashcompletiondir)/`basename $$program`"; \
	done

# systemd: services know where the utilities were installed.
services = \
	scripts/systemd/notify-admins.service \
	scripts/systemd/notify-admins-import.service \
	scripts/systemd/vmroll-watch.service \
	scripts/systemd/vmsnap.service \
	scripts/systemd/vmsnap-follow.service \
	scripts/systemd/vmsnap-prune.service
timers = \
	scripts/systemd/notify-admins.timer \
	scripts/systemd/notify-admins-import.timer \
	scripts/systemd/vmsnap.timer \
	scripts/systemd/vmsnap-prune.timer
systemdsystemunitdir = $(prefix)/lib/systemd/system
nodist_systemdsystemunit_DATA = $(services)
dist_systemdsystemunit_DATA = $(timers)
EXTRA_DIST += $(services:.service=.service.in) \
	scripts/systemd/vmroll.sysusers.conf \
	scripts/systemd/vmroll.tmpfiles.conf
CLEANFILES += $(services)
SUFFIXES = .service.in .service
.service.in.service:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' $< >$@.tmp && \
	mv $@.tmp $@

sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
install-accounts:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/scripts/systemd/vmroll.sysusers.conf '$(DESTDIR)$(sysusersdir)/vmroll.conf'
	$(INSTALL_DATA) $(srcdir)/scripts/systemd/vmroll.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/vmroll.conf'
uninstall-accounts:
	rm -f '$(DESTDIR)$(sysusersdir)/vmroll.conf' '$(DESTDIR)$(tmpfilesdir)/vmroll.conf'

install-data-hook: install-completions install-accounts
uninstall-hook: uninstall-completions uninstall-accounts

# The step after `make install`, as root on the machine itself: the user and
# group vmroll, the store's folder, and what hostping may do without root.
setup:
	test -z '$(DESTDIR)'
	getent passwd vmroll >/dev/null || \
		useradd --system --user-group --home-dir '$(localstatedir)/lib/vmroll' --shell /usr/sbin/nologin vmroll
	install -d -m 2770 -o vmroll -g vmroll '$(localstatedir)/lib/vmroll' '$(localstatedir)/log/vmroll'
	chgrp vmroll '$(bindir)/hostping'
	chmod 0750 '$(bindir)/hostping'
	setcap cap_net_raw,cap_net_admin+ep '$(bindir)/hostping'
.PHONY: install-accounts install-completions setup uninstall-accounts uninstall-completions
