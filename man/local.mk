# One page a line, in the order of the alphabet.
dist_man_MANS += man/admins.5
dist_man_MANS += man/hostping.8
dist_man_MANS += man/hosts.5
dist_man_MANS += man/mastimg.8
dist_man_MANS += man/notify-admins.8
dist_man_MANS += man/vmgroup.8
dist_man_MANS += man/vmroll-groups.5
dist_man_MANS += man/vmroll-templates.5
dist_man_MANS += man/vmroll.7
dist_man_MANS += man/vmroll.conf.5
dist_man_MANS += man/vmsnap.8
dist_man_MANS += man/vmwhere.8
