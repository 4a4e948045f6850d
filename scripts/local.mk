EXTRA_DIST += lib/tiers scripts/check scripts/deps

dist_examples_DATA = scripts/examples/admins.csv scripts/examples/hosts scripts/examples/vmroll.conf
examplesdir = $(docdir)/examples
