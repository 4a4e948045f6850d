EXTRA_DIST += scripts/deps
