#!/usr/bin/env bats
# settings.bats - the settings and their defaults are those that vmroll.conf(5) describes

# shellcheck source=tests/meta/rules.bash
source "$BATS_TEST_DIRNAME/rules.bash"

plant_settings()
{
	plant lib/conf_settings.c $'\t{NULL, "store", "lmdb:" STATEDIR, conf_convert_store, FIELD(store)},' \
		$'\t{"ping", "interval", "1s", conf_convert_duration, FIELD(x)},' \
		$'\t{"ping", "reference", NULL, conf_convert_hosts, FIELD(x)},'
}

@test "each setting and its default is described" {
	holds settings
}

@test "a page that says the same is spared" {
	plant_settings
	plant man/vmroll.conf.5 '.Ss General settings' '.It Cm store No = Qq lmdb:/var/lib/vmroll' \
		'.Ss Section ping' '.It Cm interval No = Qq 1s' '.It Cm reference No = { }'
	spares settings
}

@test "a setting that is not described, one that is gone, and another default are found" {
	plant_settings
	plant man/vmroll.conf.5 '.Ss General settings' '.It Cm store No = Qq lmdb:/srv/vmroll' \
		'.It Cm reference No = { }' '.Ss Section ping' '.It Cm interval No = Qq 1s'
	finds settings "store: 'lmdb:/srv/vmroll', but the default is 'lmdb:/var/lib/vmroll'" \
		'ping.reference: not described' 'reference: no such setting'
	[[ $(wc -l <<<"$output") -eq 3 ]]
}
