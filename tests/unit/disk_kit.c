/* disk_kit.c - disks in memory for tests. */
#include "config.h"

#include "unit.h"

#include "disk_kit.h"

uint64_t disk_kit_below(struct disk_kit_random *random, uint64_t limit)
{
	random->state = random->state * 6364136223846793005 + 1442695040888963407;
	return (random->state >> 20) % limit;
}

static void fill_random(struct disk_kit_random *random, unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)disk_kit_below(random, 256);
}

/* Half of the places where things begin and end are borders of blocks. */
static size_t length_of_run(struct disk_kit_random *random, size_t at, size_t length)
{
	size_t run = 1 + (size_t)disk_kit_below(random, 4 * DISK_BLOCK);

	if (disk_kit_below(random, 2))
		run += (DISK_BLOCK - (at + run) % DISK_BLOCK) % DISK_BLOCK;
	return run < length - at ? run : length - at;
}

void disk_kit_fill(struct disk_kit_random *random, unsigned char *bytes, size_t length)
{
	for (size_t at = 0, run; at < length; at += run) {
		run = length_of_run(random, at, length);
		memset(bytes + at, 0, run);
		if (disk_kit_below(random, 2))
			fill_random(random, bytes + at, run);
	}
}

void disk_kit_change(struct disk_kit_random *random, unsigned char *bytes, size_t length, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		size_t at = (size_t)disk_kit_below(random, length);
		size_t run = length_of_run(random, at, length);
		if (disk_kit_below(random, 3))
			fill_random(random, bytes + at, run < 100 ? run : 100);
		else
			memset(bytes + at, 0, run);
	}
}

static int next(struct disk_reader *reader, struct disk_chunk *chunk, struct err *e)
{
	struct disk_kit_source *source = (struct disk_kit_source *)reader;
	size_t left = source->length - source->at;
	size_t length = 1 + (size_t)disk_kit_below(&source->random, source->chunk_max);

	if (source->at >= source->fail_at)
		return err_set(e, ERR_NET, "the source is gone");
	if (left == 0)
		return 0;
	length = length < left ? length : left;
	const unsigned char *bytes = source->bytes + source->at;
	bool hole = disk_is_zero(bytes, length) && disk_kit_below(&source->random, 2);
	*chunk = (struct disk_chunk){hole ? NULL : bytes, length};
	source->at += length;
	return 1;
}

static void close_nothing(struct disk_reader *reader)
{
	(void)reader;
}

void disk_kit_source(struct disk_kit_source *source, const unsigned char *bytes, size_t length, uint64_t seed)
{
	*source = (struct disk_kit_source){.reader = {next, close_nothing},
					   .bytes = bytes,
					   .length = length,
					   .chunk_max = 3 * DISK_BLOCK,
					   .fail_at = UINT64_MAX,
					   .random = {seed}};
}

static int keep(struct disk_writer *writer, const struct disk_chunk *chunk, struct err *e)
{
	struct disk_kit_sink *sink = (struct disk_kit_sink *)writer;
	static const char zeros[DISK_BLOCK];

	(void)e;
	assert_true(chunk->length > 0);
	assert_false(sink->ended);
	assert_false(sink->finished);
	sink->ended = chunk->length % DISK_BLOCK != 0;
	if (chunk->bytes) {
		for (uint64_t at = 0; at < chunk->length; at += DISK_BLOCK) {
			uint64_t left = chunk->length - at;
			size_t length = left < DISK_BLOCK ? (size_t)left : DISK_BLOCK;
			assert_false(disk_is_zero((const char *)chunk->bytes + at, length));
		}
		str_add_n(&sink->content, chunk->bytes, (size_t)chunk->length);
	} else {
		assert_false(sink->after_hole);
		sink->holes++;
		sink->hole_bytes += chunk->length;
		for (uint64_t left = chunk->length; left > 0;) {
			size_t length = left < sizeof zeros ? (size_t)left : sizeof zeros;
			str_add_n(&sink->content, zeros, length);
			left -= length;
		}
	}
	sink->after_hole = !chunk->bytes;
	return 0;
}

static int finish(struct disk_writer *writer, struct err *e)
{
	struct disk_kit_sink *sink = (struct disk_kit_sink *)writer;

	assert_false(sink->finished);
	sink->finished = true;
	return sink->fail ? err_set(e, sink->fail, "the sink is full") : 0;
}

static void close_sink(struct disk_writer *writer)
{
	(void)writer;
}

void disk_kit_sink(struct disk_kit_sink *sink)
{
	*sink = (struct disk_kit_sink){.writer = {keep, finish, close_sink}};
}

void disk_kit_sink_done(struct disk_kit_sink *sink)
{
	str_done(&sink->content);
}
