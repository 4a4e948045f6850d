/* place.c - which host takes which virtual machine. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "place.h"
#include "str.h"

static const char *const policies[] = {
	[PLACE_FIRST_FIT] = "first-fit",
	[PLACE_BEST_FIT] = "best-fit",
	[PLACE_SPREAD] = "spread",
};

int place_policy_parse(const char *text, enum place_policy *policy, struct err *e)
{
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		if (str_equal(text, policies[i])) {
			*policy = (enum place_policy)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "'%s' is none of first-fit, best-fit and spread", text);
}

/* One try: the hosts as they fill up, and which of them has which base. */
struct attempt {
	struct place *place;
	bool *based; /* by base and host */
	size_t placed;
};

static uint64_t added(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t over_committed(uint64_t bytes, unsigned percent)
{
	unsigned __int128 all = (unsigned __int128)bytes * percent / 100;

	return all > UINT64_MAX ? UINT64_MAX : (uint64_t)all;
}

static uint64_t promisable(const struct place *place, const struct place_host *host)
{
	uint64_t all = over_committed(host->storage_bytes, place->over_commit_percent);

	return all > host->promised_bytes ? all - host->promised_bytes : 0;
}

static bool *base_on(const struct attempt *attempt, size_t base, size_t host)
{
	return &attempt->based[base * attempt->place->host_count + host];
}

static void begin(struct attempt *attempt)
{
	const struct place *place = attempt->place;

	attempt->placed = 0;
	for (size_t i = 0; i < place->host_count; i++) {
		struct place_host *host = &place->hosts[i];
		host->storage_left = promisable(place, host);
		host->memory_left = host->memory_bytes;
		host->machines = 0;
		for (size_t b = 0; b < place->base_count; b++)
			*base_on(attempt, b, i) = place->bases[b].present && place->bases[b].present[i];
	}
	for (size_t i = 0; i < place->machine_count; i++)
		place->machines[i].host = SIZE_MAX;
}

static uint64_t needed(const struct attempt *attempt, const struct place_machine *machine, size_t host)
{
	if (machine->base == SIZE_MAX || *base_on(attempt, machine->base, host))
		return machine->storage_bytes;
	return added(machine->storage_bytes, attempt->place->bases[machine->base].storage_bytes);
}

static bool looks_at_memory(const struct place_host *host, const struct place_machine *machine)
{
	return host->memory_left != PLACE_UNKNOWN && machine->memory_bytes != PLACE_UNKNOWN;
}

/* What a host has, and would have left. */
struct room {
	size_t machines;
	uint64_t storage_now, storage_left, memory_left;
};

static bool fits(const struct attempt *attempt, const struct place_machine *machine, size_t index,
		 struct room *room)
{
	const struct place_host *host = &attempt->place->hosts[index];
	uint64_t storage = needed(attempt, machine, index);
	uint64_t memory = looks_at_memory(host, machine) ? machine->memory_bytes : 0;

	if (storage > host->storage_left || memory > host->memory_left)
		return false;
	*room = (struct room){host->machines, host->storage_left, host->storage_left - storage,
			      host->memory_left - memory};
	return true;
}

/* Storage as it is now: what is left after would make a base that must be copied a reason to copy it. */
static bool fits_better(const struct room *a, const struct room *b)
{
	if (a->storage_now != b->storage_now)
		return a->storage_now < b->storage_now;
	return a->memory_left < b->memory_left;
}

static bool spreads_better(const struct room *a, const struct room *b)
{
	if (a->machines != b->machines)
		return a->machines < b->machines;
	if (a->storage_left != b->storage_left)
		return a->storage_left > b->storage_left;
	return a->memory_left > b->memory_left;
}

static bool is_better(enum place_policy policy, const struct room *a, const struct room *b)
{
	return policy == PLACE_BEST_FIT ? fits_better(a, b) : spreads_better(a, b);
}

/* The host for MACHINE, or SIZE_MAX; *LEFT is what it will have left. */
static size_t choose(const struct attempt *attempt, const struct place_machine *machine, struct room *left)
{
	const struct place *place = attempt->place;
	size_t best = SIZE_MAX;
	struct room room;

	for (size_t i = 0; i < place->host_count; i++) {
		if (!fits(attempt, machine, i, &room))
			continue;
		if (best == SIZE_MAX || is_better(place->policy, &room, left)) {
			best = i;
			*left = room;
		}
		if (place->policy == PLACE_FIRST_FIT)
			break;
	}
	return best;
}

static void put(struct attempt *attempt, struct place_machine *machine)
{
	struct room left;
	size_t index = choose(attempt, machine, &left);

	if (index == SIZE_MAX)
		return;
	struct place_host *host = &attempt->place->hosts[index];
	host->storage_left = left.storage_left;
	host->memory_left = left.memory_left;
	host->machines++;
	machine->host = index;
	attempt->placed++;
	if (machine->base != SIZE_MAX)
		*base_on(attempt, machine->base, index) = true;
}

/* ---- the second try ---- */

struct sized {
	double size;
	size_t machine;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->machine < y->machine ? -1 : x->machine > y->machine;
}

static double share(uint64_t part, double whole)
{
	return part == PLACE_UNKNOWN || whole <= 0 ? 0 : (double)part / whole;
}

/* The order of machines, the largest first; the caller frees. */
static struct sized *order_by_size(const struct place *place)
{
	struct sized *order = mem_zalloc(place->machine_count + 1, sizeof *order);
	double storage = 0, memory = 0;

	for (size_t i = 0; i < place->host_count; i++) {
		storage += (double)promisable(place, &place->hosts[i]);
		if (place->hosts[i].memory_bytes != PLACE_UNKNOWN)
			memory += (double)place->hosts[i].memory_bytes;
	}
	for (size_t i = 0; i < place->machine_count; i++) {
		double of_storage = share(place->machines[i].storage_bytes, storage);
		double of_memory = share(place->machines[i].memory_bytes, memory);
		order[i] = (struct sized){of_storage > of_memory ? of_storage : of_memory, i};
	}
	qsort(order, place->machine_count, sizeof *order, compare_sizes);
	return order;
}

static void try_largest_first(struct attempt *attempt)
{
	cleanup(cleanup_mem) struct sized *order = order_by_size(attempt->place);

	begin(attempt);
	for (size_t i = 0; i < attempt->place->machine_count; i++)
		put(attempt, &attempt->place->machines[order[i].machine]);
}

static void try_in_order(struct attempt *attempt)
{
	begin(attempt);
	for (size_t i = 0; i < attempt->place->machine_count; i++)
		put(attempt, &attempt->place->machines[i]);
}

int place_all(struct place *place)
{
	cleanup(cleanup_mem) bool *based = mem_zalloc(place->base_count + 1, place->host_count + 1);
	struct attempt attempt = {.place = place, .based = based};

	try_in_order(&attempt);
	if (attempt.placed == place->machine_count)
		return 1;
	try_largest_first(&attempt);
	if (attempt.placed == place->machine_count)
		return 1;
	/* Cheaper than to have kept it for all the times when it is not wanted. */
	try_in_order(&attempt);
	return 0;
}

static bool shares_base(const struct place *place, size_t machine, size_t host)
{
	size_t base = place->machines[machine].base;

	for (size_t i = 0; i < place->machine_count; i++)
		if (i != machine && place->machines[i].host == host && place->machines[i].base == base)
			return true;
	return false;
}

uint64_t place_need(const struct place *place, size_t machine, size_t host)
{
	const struct place_machine *wanted = &place->machines[machine];
	const struct place_base *base = wanted->base == SIZE_MAX ? NULL : &place->bases[wanted->base];

	if (!base || (base->present && base->present[host]) || shares_base(place, machine, host))
		return wanted->storage_bytes;
	return added(wanted->storage_bytes, base->storage_bytes);
}
