EXTRA_DIST += lib/tiers scripts/check scripts/deps
