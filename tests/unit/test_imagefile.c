/* test_imagefile.c - generations in layers read as they were written, whatever is folded, killed, full, damaged or missing. */
#include "config.h"

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_kit.h"
#include "imagefile.h"
#include "mem.h"
#include "steps_kit.h"
#include "store_kit.h"

enum { GENERATIONS = 6, ROUNDS = 8, LENGTH_MAX = 48 * DISK_BLOCK };

/* A disk of several generations: what each was, and the files. */
struct disk {
	char *folder;
	size_t length;
	unsigned count;
	unsigned char *contents[GENERATIONS];
	char names[GENERATIONS][16];
	const char *files[GENERATIONS];
	struct disk_kit_random random;
};

static int setup(void **state)
{
	struct disk *disk = mem_zalloc(1, sizeof *disk);

	disk->folder = mem_format("%s/vmroll-imagefile-XXXXXX", kit_base());
	if (!mkdtemp(disk->folder))
		return -1;
	disk->random.state = 20261120;
	*state = disk;
	return 0;
}

static void forget_generations(struct disk *disk)
{
	for (unsigned i = 0; i < disk->count; i++)
		free(disk->contents[i]);
	disk->count = 0;
}

static int teardown(void **state)
{
	struct disk *disk = *state;

	forget_generations(disk);
	kit_remove(disk->folder);
	free(disk->folder);
	free(disk);
	return 0;
}

static struct imagefile generation(const struct disk *disk, unsigned number)
{
	return (struct imagefile){disk->folder, disk->files, number + 1};
}

static int copy_bytes(const struct disk *disk, const unsigned char *bytes, size_t length,
		      struct disk_writer *writer, struct err *e)
{
	struct disk_kit_source source;
	struct disk_copied copied;

	disk_kit_source(&source, bytes, length, disk->random.state);
	return disk_copy(&source.reader, writer, NULL, &copied, e);
}

/* Writes the content of the next generation, a layer unless it is the first; without counting it. */
static int write_next(const struct disk *disk, uint64_t *written, struct err *e)
{
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	const char *name = disk->names[disk->count];
	struct imagefile old = generation(disk, disk->count - 1);

	int result = disk->count == 0 ? imagefile_write(&writer, disk->folder, name, e)
				      : imagefile_write_layer(&writer, &old, disk->folder, name, written, e);
	return result < 0 ? result : copy_bytes(disk, disk->contents[disk->count], disk->length, writer, e);
}

static void make_content(struct disk *disk)
{
	unsigned number = disk->count;

	disk->contents[number] = mem_zalloc(1, disk->length + 1);
	if (number == 0)
		disk_kit_fill(&disk->random, disk->contents[0], disk->length);
	else
		memcpy(disk->contents[number], disk->contents[number - 1], disk->length);
	if (number > 0 && disk->length > 0)
		disk_kit_change(&disk->random, disk->contents[number], disk->length, 5);
	snprintf(disk->names[number], sizeof disk->names[number], "%u.%s", number, number ? "layer" : "raw");
	disk->files[number] = disk->names[number];
}

static uint64_t add_generation(struct disk *disk)
{
	struct err e = {0};
	uint64_t written = 0;

	make_content(disk);
	assert_ok(write_next(disk, &written, &e), &e);
	disk->count++;
	return written;
}

static void new_disk(struct disk *disk, size_t length, unsigned generations)
{
	forget_generations(disk);
	kit_remove(disk->folder);
	assert_int_equal(mkdir(disk->folder, 0700), 0);
	disk->length = length;
	while (disk->count < generations)
		add_generation(disk);
}

static int read_file(const struct imagefile *file, struct str *content, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	struct disk_kit_sink sink;
	struct disk_copied copied;

	disk_kit_sink(&sink);
	int result = imagefile_read(&reader, file, e);
	if (result == 0)
		result = disk_copy(reader, &sink.writer, NULL, &copied, e);
	*content = sink.content;
	return result;
}

static void expect_file(const struct disk *disk, const struct imagefile *file, unsigned number)
{
	cleanup(str_done) struct str content = {0};
	struct err e = {0};
	uint64_t virtual_bytes, physical_bytes;

	assert_ok(read_file(file, &content, &e), &e);
	assert_int_equal(content.length, disk->length);
	if (disk->length && memcmp(content.data, disk->contents[number], disk->length) != 0)
		fail_msg("generation %u of %zu bytes is another", number, disk->length);
	assert_ok(imagefile_sizes(file, &virtual_bytes, &physical_bytes, &e), &e);
	assert_int_equal(virtual_bytes, disk->length);
}

static void expect_generation(const struct disk *disk, unsigned number)
{
	struct imagefile file = generation(disk, number);

	expect_file(disk, &file, number);
}

static size_t random_length(struct disk *disk, unsigned round)
{
	size_t length = 1 + (size_t)disk_kit_below(&disk->random, LENGTH_MAX);

	return round % 3 == 0 ? length - length % DISK_BLOCK + DISK_BLOCK : length;
}

static unsigned count_files(const struct disk *disk)
{
	DIR *folder = opendir(disk->folder);
	unsigned count = 0;

	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void remove_file(const struct disk *disk, const char *name, const char *suffix)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s%s", disk->folder, name, suffix);

	assert_int_equal(unlink(path), 0);
}

static uint64_t physical_bytes(const struct disk *disk, const char *name)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", disk->folder, name);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (uint64_t)status.st_blocks * 512;
}

/* ---- what is written is read ---- */

static void generations_read_as_they_were(void **state)
{
	struct disk *disk = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		new_disk(disk, random_length(disk, round), GENERATIONS);
		for (unsigned i = 0; i < disk->count; i++)
			expect_generation(disk, i);
	}
}

static void disks_of_any_length(void **state)
{
	struct disk *disk = *state;
	static const size_t lengths[] = {0, 1, 512, DISK_BLOCK - 1, DISK_BLOCK, DISK_BLOCK + 1};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct err e = {0};
		struct imagefile file = generation(disk, 1);
		new_disk(disk, lengths[i], 3);
		expect_generation(disk, 2);
		assert_ok(imagefile_fold(&file, &e), &e);
		expect_generation(disk, 2);
	}
}

static void what_did_not_change_is_not_written(void **state)
{
	struct disk *disk = *state;

	new_disk(disk, 40 * DISK_BLOCK + 17, 1);
	make_content(disk);
	memcpy(disk->contents[1], disk->contents[0], disk->length);
	struct err e = {0};
	uint64_t written = 99;
	assert_ok(write_next(disk, &written, &e), &e);
	assert_int_equal(written, 0);
	disk->count++;
	expect_generation(disk, 1);
	/* The last byte, in a block that is a short one. */
	make_content(disk);
	memcpy(disk->contents[2], disk->contents[1], disk->length);
	disk->contents[2][disk->length - 1] ^= 1;
	assert_ok(write_next(disk, &written, &e), &e);
	assert_int_equal(written, 17);
	disk->count++;
	expect_generation(disk, 2);
}

static void zeros_take_no_room(void **state)
{
	struct disk *disk = *state;
	struct imagefile both = generation(disk, 1);
	struct err e = {0};

	new_disk(disk, 64 * DISK_BLOCK, 0);
	make_content(disk);
	memset(disk->contents[0], 0, disk->length);
	memset(disk->contents[0] + 8 * DISK_BLOCK, 'x', 2 * DISK_BLOCK);
	assert_ok(write_next(disk, NULL, &e), &e);
	disk->count++;
	assert_int_equal(physical_bytes(disk, "0.raw"), 2 * DISK_BLOCK);
	make_content(disk);
	memset(disk->contents[1], 0, disk->length);
	uint64_t written = 99;
	assert_ok(write_next(disk, &written, &e), &e);
	disk->count++;
	assert_int_equal(written, 0);
	assert_int_equal(physical_bytes(disk, "1.layer"), 0);
	expect_generation(disk, 0);
	expect_generation(disk, 1);
	assert_ok(imagefile_fold(&both, &e), &e);
	assert_int_equal(physical_bytes(disk, "0.raw"), 0);
	expect_generation(disk, 1);
}

/* As other programs leave them: data that begins and ends within a block. */
static void holes_that_are_no_blocks(void **state)
{
	struct disk *disk = *state;
	cleanup(cleanup_mem) char *path = mem_format("%s/0.raw", disk->folder);
	static const long places[] = {2 * DISK_BLOCK + 8192, 3 * DISK_BLOCK};
	struct err e = {0};

	new_disk(disk, 8 * DISK_BLOCK, 0);
	make_content(disk);
	memset(disk->contents[0], 0, disk->length);
	for (size_t i = 0; i < 2; i++)
		memset(disk->contents[0] + places[i], 'x', 4096);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), (off_t)disk->length), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(fseek(file, places[i], SEEK_SET), 0);
		assert_int_equal(fwrite(disk->contents[0] + places[i], 1, 4096, file), 4096);
	}
	assert_int_equal(fclose(file), 0);
	disk->count++;
	expect_generation(disk, 0);
	make_content(disk);
	memset(disk->contents[1], 0, disk->length);
	memset(disk->contents[1] + 5 * DISK_BLOCK, 'y', 1);
	uint64_t written;
	assert_ok(write_next(disk, &written, &e), &e);
	disk->count++;
	assert_int_equal(written, IMAGEFILE_BLOCK);
	expect_generation(disk, 1);
}

static void another_size_is_a_conflict(void **state)
{
	struct disk *disk = *state;
	struct imagefile old = generation(disk, 0);
	static const int more[] = {1, -1, DISK_BLOCK, -DISK_BLOCK, 5 * DISK_BLOCK};

	new_disk(disk, 10 * DISK_BLOCK + 100, 1);
	cleanup(cleanup_mem) unsigned char *bytes = mem_zalloc(1, 20 * DISK_BLOCK);
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		struct err e = {0};
		struct disk_writer *writer = NULL;
		bytes[0] = (unsigned char)i;
		assert_ok(imagefile_write_layer(&writer, &old, disk->folder, "layer", NULL, &e), &e);
		assert_error(copy_bytes(disk, bytes, disk->length + (size_t)more[i], writer, &e),
			     ERR_CONFLICT, &e, "layer: the disk is of another size");
		disk_writer_close(writer);
		assert_int_equal(count_files(disk), 1);
	}
	expect_generation(disk, 0);
}

/* ---- folding ---- */

static void folding_changes_nothing_that_is_read(void **state)
{
	struct disk *disk = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		new_disk(disk, random_length(disk, round), GENERATIONS);
		for (unsigned folded = 1; folded < disk->count; folded++) {
			const char *files[GENERATIONS] = {disk->files[0]};
			struct imagefile file = {disk->folder, files, 1};
			struct err e = {0};
			for (unsigned i = folded; i < disk->count; i++)
				files[file.count++] = disk->files[i];
			/* Twice, as after a process that was killed before it recorded that it is done. */
			assert_ok(imagefile_fold(&file, &e), &e);
			expect_file(disk, &file, disk->count - 1);
			assert_ok(imagefile_fold(&file, &e), &e);
			remove_file(disk, disk->files[folded], "");
			remove_file(disk, disk->files[folded], ".index");
			for (unsigned i = folded; i < disk->count; i++) {
				struct imagefile shorter = {disk->folder, files, 1 + i - folded};
				files[1] = folded + 1 < disk->count ? disk->files[folded + 1] : NULL;
				for (unsigned j = 1; j < shorter.count; j++)
					files[j] = disk->files[folded + j];
				expect_file(disk, &shorter, i);
			}
		}
	}
}

static void a_reader_in_the_middle_sees_no_fold(void **state)
{
	struct disk *disk = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
		cleanup(disk_kit_sink_done) struct disk_kit_sink sink;
		struct disk_copied copied;
		struct disk_chunk chunk;
		struct err e = {0};
		new_disk(disk, random_length(disk, round), 3);
		struct imagefile file = generation(disk, 2);
		assert_ok(imagefile_read(&reader, &file, &e), &e);
		assert_int_equal(reader->next(reader, &chunk, &e), 1);
		uint64_t before = chunk.length;
		assert_ok(imagefile_fold(&file, &e), &e);
		remove_file(disk, disk->files[1], "");
		remove_file(disk, disk->files[1], ".index");
		disk_kit_sink(&sink);
		assert_ok(disk_copy(reader, &sink.writer, NULL, &copied, &e), &e);
		assert_int_equal(before + copied.size_bytes, disk->length);
		if (copied.size_bytes)
			assert_memory_equal(sink.content.data, disk->contents[2] + before, copied.size_bytes);
	}
}

static void a_base_alone_cannot_be_folded(void **state)
{
	struct disk *disk = *state;
	struct imagefile file = generation(disk, 0);
	struct err e = {0};

	new_disk(disk, 10, 1);
	assert_error(imagefile_fold(&file, &e), ERR_USAGE, &e, "has no layer");
}

/* ---- killed, and full ---- */

static void what_is_finished_lies_on_disk(void **state)
{
	struct disk *disk = *state;
	struct imagefile file = generation(disk, 1);
	struct err e = {0};

	new_disk(disk, 12 * DISK_BLOCK + 999, 0);
	for (unsigned i = 0; i < 2; i++) {
		steps_watch();
		add_generation(disk);
		assert_int_equal(steps_unsynced(), 0);
	}
	steps_watch();
	assert_ok(imagefile_fold(&file, &e), &e);
	assert_int_equal(steps_unsynced(), 0);
}

static int act_write(void *context)
{
	struct err e = {0};

	return -write_next(context, NULL, &e);
}

static int act_fold(void *context)
{
	struct imagefile file = generation(context, 2);
	struct err e = {0};

	return -imagefile_fold(&file, &e);
}

/* What a process that was killed has left, as `mastimg gc` does. */
static void remove_leftovers(const struct disk *disk)
{
	cleanup(cleanup_mem) char *blocks = mem_format("%s/%s", disk->folder, disk->names[disk->count]);
	cleanup(cleanup_mem) char *index = mem_format("%s" IMAGEFILE_INDEX, blocks);

	unlink(blocks);
	unlink(index);
}

static void try_writing_at_each_step(struct disk *disk, enum steps_fate fate)
{
	bool reached = true;
	unsigned step = 1;

	for (; reached; step++) {
		int result = steps_run(act_write, disk, fate, step, &reached);
		assert_int_equal(result, !reached ? 0 : fate == STEPS_KILLED ? STEPS_ENDED : -ERR_FULL);
		if (reached && fate == STEPS_FULL)
			assert_int_equal(count_files(disk), disk->count ? 2 * disk->count - 1 : 0);
		if (!reached)
			disk->count++;
		if (disk->count)
			expect_generation(disk, disk->count - 1);
		if (reached)
			remove_leftovers(disk);
	}
	/* A file or two made, written, cut, synced, and the folder; else the test has no hold of it. */
	assert_true(step > 5);
}

static void at_each_step_of_writing(struct disk *disk, enum steps_fate fate)
{
	new_disk(disk, 12 * DISK_BLOCK + 999, 0);
	make_content(disk);
	try_writing_at_each_step(disk, fate);
	make_content(disk);
	try_writing_at_each_step(disk, fate);
	make_content(disk);
	try_writing_at_each_step(disk, fate);
	expect_generation(disk, 0);
	expect_generation(disk, 1);
}

static void a_killed_writer_harms_nothing(void **state)
{
	at_each_step_of_writing(*state, STEPS_KILLED);
}

static void a_full_disk_is_told_and_left_clean(void **state)
{
	at_each_step_of_writing(*state, STEPS_FULL);
}

static void at_each_step_of_folding(struct disk *disk, enum steps_fate fate)
{
	bool reached = true;

	for (unsigned step = 1; reached; step++) {
		new_disk(disk, 12 * DISK_BLOCK + 999, 3);
		int result = steps_run(act_fold, disk, fate, step, &reached);
		assert_int_equal(result, !reached ? 0 : fate == STEPS_KILLED ? STEPS_ENDED : -ERR_FULL);
		assert_true(reached || step > 3);
		expect_generation(disk, 1);
		expect_generation(disk, 2);
		assert_int_equal(act_fold(disk), 0);
		expect_generation(disk, 1);
		expect_generation(disk, 2);
	}
}

static void a_killed_fold_harms_nothing(void **state)
{
	at_each_step_of_folding(*state, STEPS_KILLED);
}

static void a_fold_on_a_full_disk_harms_nothing(void **state)
{
	at_each_step_of_folding(*state, STEPS_FULL);
}

/* In a child with a mount namespace of its own: a disk of 1 MiB. 0 if all is as it should be. */
static int fill_disk(struct disk *disk)
{
	struct err e = {0};

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("vmroll-test", disk->folder, "tmpfs", 0, "size=1m") < 0)
		return 2;
	disk->length = 24 * DISK_BLOCK;
	make_content(disk);
	memset(disk->contents[0], 0, disk->length);
	memset(disk->contents[0], 'x', 10 * DISK_BLOCK);
	if (write_next(disk, NULL, &e) < 0)
		return 3;
	disk->count++;
	make_content(disk);
	memset(disk->contents[1], 'y', disk->length);
	if (write_next(disk, NULL, &e) != ERR_FULL || !strstr(e.text, "1.layer: No space left on device"))
		return 4;
	cleanup(str_done) struct str content = {0};
	struct imagefile file = generation(disk, 0);
	if (count_files(disk) != 1 || read_file(&file, &content, &e) < 0)
		return 5;
	return content.length != disk->length || memcmp(content.data, disk->contents[0], disk->length) != 0;
}

static void a_disk_that_is_really_full(void **state)
{
	int status;

	if (geteuid() != 0) {
		print_message("needs root: mounts a disk of its own\n");
		skip();
	}
	pid_t child = fork();
	if (child == 0)
		_exit(fill_disk(*state));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- damaged, missing, hostile ---- */

static unsigned char *map_file(const struct disk *disk, const char *name, struct str *bytes)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", disk->folder, name);
	FILE *file = fopen(path, "r");
	char block[4096];

	assert_non_null(file);
	for (size_t length; (length = fread(block, 1, sizeof block, file)) > 0;)
		str_add_n(bytes, block, length);
	fclose(file);
	return (unsigned char *)bytes->data;
}

static void put_file(const struct disk *disk, const char *name, const void *bytes, size_t length)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", disk->folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void expect_corrupt(const struct disk *disk, unsigned number, const char *name)
{
	cleanup(str_done) struct str content = {0};
	struct imagefile file = generation(disk, number);
	struct err e = {0};

	assert_error(read_file(&file, &content, &e), ERR_CORRUPT, &e, name);
}

static void a_flipped_bit_of_an_index_is_found(void **state)
{
	struct disk *disk = *state;
	cleanup(str_done) struct str bytes = {0};

	new_disk(disk, 20 * DISK_BLOCK, 2);
	unsigned char *index = map_file(disk, "1.layer.index", &bytes);
	for (size_t bit = 0; bit < bytes.length * 8; bit++) {
		index[bit / 8] ^= (unsigned char)(1 << bit % 8);
		put_file(disk, "1.layer.index", index, bytes.length);
		expect_corrupt(disk, 1, "1.layer.index: damaged");
		index[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t length = 0; length < bytes.length; length++) {
		put_file(disk, "1.layer.index", index, length);
		expect_corrupt(disk, 1, "1.layer.index: damaged");
	}
	put_file(disk, "1.layer.index", index, bytes.length);
	expect_generation(disk, 1);
}

/* Larger than what waits in memory: it is read back while it grows. */
static void what_is_written_is_read_back(void **state)
{
	struct disk *disk = *state;
	struct imagefile old = generation(disk, 0);
	enum { BLOCKS = 1300 };
	cleanup(cleanup_mem) unsigned char *block = mem_alloc(DISK_BLOCK);
	const struct disk_chunk chunk = {block, DISK_BLOCK};

	new_disk(disk, 0, 0);
	disk->length = (size_t)BLOCKS * DISK_BLOCK;
	disk->contents[0] = mem_zalloc(1, disk->length);
	disk->files[0] = strcpy(disk->names[0], "0.raw");
	struct err e = {0};
	assert_ok(write_next(disk, NULL, &e), &e);
	disk->count++;
	for (unsigned damaged = 0; damaged <= 1; damaged++) {
		cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
		cleanup(cleanup_mem) char *name = mem_format("layer%u", damaged);
		cleanup(cleanup_mem) char *path = mem_format("%s/%s", disk->folder, name);
		assert_ok(imagefile_write_layer(&writer, &old, disk->folder, name, NULL, &e), &e);
		for (unsigned i = 0; i < BLOCKS; i++) {
			memset(block, 1 + i % 200, DISK_BLOCK);
			assert_ok(writer->write(writer, &chunk, &e), &e);
		}
		if (damaged) {
			cleanup(cleanup_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
			assert_int_equal(pwrite(fd, "?", 1, (off_t)disk->length - 1), 1);
			assert_error(writer->finish(writer, &e), ERR_CORRUPT, &e,
				     "layer1: what was written there reads differently");
		} else {
			assert_ok(writer->finish(writer, &e), &e);
		}
	}
}

static void an_index_of_another_disk_is_refused(void **state)
{
	struct disk *disk = *state;
	/* A disk of 4 blocks: the fifth; not rising; the same twice. */
	static const uint64_t numbers[][2] = {{1, 4}, {2, 1}, {3, 3}};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		unsigned char index[2 * sizeof(uint64_t) + DIGEST_SIZE] = {0};
		struct err e = {0};
		new_disk(disk, 4 * IMAGEFILE_BLOCK, 2);
		index[7] = (unsigned char)numbers[i][0];
		index[15] = (unsigned char)numbers[i][1];
		assert_ok(digest_of(index, 16, index + 16, &e), &e);
		put_file(disk, "1.layer.index", index, sizeof index);
		expect_corrupt(disk, 1, "1.layer.index: damaged: it is not of this disk");
	}
}

static void a_flipped_bit_of_a_block_changes_the_digest(void **state)
{
	struct disk *disk = *state;
	cleanup(str_done) struct str base = {0}, layer = {0};

	new_disk(disk, 6 * DISK_BLOCK + 5, 2);
	map_file(disk, "0.raw", &base);
	map_file(disk, "1.layer", &layer);
	assert_true(layer.length > 0);
	for (unsigned i = 0; i < 200; i++) {
		cleanup(str_done) struct str content = {0};
		bool of_layer = i % 2;
		struct str *bytes = of_layer ? &layer : &base;
		size_t bit = (size_t)disk_kit_below(&disk->random, bytes->length * 8);
		struct imagefile file = generation(disk, of_layer);
		struct err e = {0};
		bytes->data[bit / 8] = (char)(bytes->data[bit / 8] ^ 1 << bit % 8);
		put_file(disk, disk->files[of_layer], bytes->data, bytes->length);
		assert_ok(read_file(&file, &content, &e), &e);
		assert_int_equal(content.length, disk->length);
		assert_memory_not_equal(content.data, disk->contents[of_layer], disk->length);
		bytes->data[bit / 8] = (char)(bytes->data[bit / 8] ^ 1 << bit % 8);
		put_file(disk, disk->files[of_layer], bytes->data, bytes->length);
	}
	expect_generation(disk, 1);
}

static void a_file_that_was_cut_is_found(void **state)
{
	struct disk *disk = *state;
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(str_done) struct str layer = {0}, base = {0};
	struct disk_copied copied;
	struct err e = {0};

	new_disk(disk, 6 * DISK_BLOCK + 5, 2);
	map_file(disk, "1.layer", &layer);
	put_file(disk, "1.layer", layer.data, layer.length - 1);
	expect_corrupt(disk, 1, "1.layer: damaged: ");
	map_file(disk, "0.raw", &base);
	memset(base.data, 'x', base.length);
	put_file(disk, "0.raw", base.data, base.length);
	struct imagefile file = generation(disk, 0);
	assert_ok(imagefile_read(&reader, &file, &e), &e);
	put_file(disk, "0.raw", base.data, 1000);
	assert_error(disk_copy(reader, NULL, NULL, &copied, &e), ERR_CORRUPT, &e,
		     "0.raw: ends at byte 1000: it was cut short");
}

static void what_is_missing_is_named(void **state)
{
	struct disk *disk = *state;
	static const char *const names[] = {"0.raw", "1.layer", "1.layer.index"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(str_done) struct str content = {0};
		cleanup(cleanup_mem) char *wanted = mem_format("%s: is missing", names[i]);
		uint64_t virtual_bytes, physical;
		struct err e = {0};
		new_disk(disk, 6 * DISK_BLOCK, 2);
		struct imagefile file = generation(disk, 1);
		remove_file(disk, names[i], "");
		assert_error(read_file(&file, &content, &e), ERR_NOT_FOUND, &e, wanted);
		assert_error(imagefile_sizes(&file, &virtual_bytes, &physical, &e), ERR_NOT_FOUND, &e, wanted);
		assert_error(imagefile_fold(&file, &e), ERR_NOT_FOUND, &e, wanted);
	}
}

static void what_is_there_is_not_overwritten(void **state)
{
	struct disk *disk = *state;
	struct imagefile old = generation(disk, 0);
	struct disk_writer *writer = NULL;
	struct err e = {0};

	new_disk(disk, 100, 2);
	assert_error(imagefile_write(&writer, disk->folder, "0.raw", &e), ERR_CONFLICT, &e,
		     "0.raw: is there already");
	assert_error(imagefile_write_layer(&writer, &old, disk->folder, "1.layer", NULL, &e), ERR_CONFLICT,
		     &e, "1.layer: is there already");
	expect_generation(disk, 1);
}

static void files_are_the_owners_alone(void **state)
{
	struct disk *disk = *state;
	static const char *const names[] = {"0.raw", "1.layer", "1.layer.index"};
	mode_t before = umask(0);

	new_disk(disk, 100, 2);
	umask(before);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cleanup(cleanup_mem) char *path = mem_format("%s/%s", disk->folder, names[i]);
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0600);
	}
}

static void only_plain_files_are_read(void **state)
{
	struct disk *disk = *state;
	cleanup(cleanup_mem) char *link_path = mem_format("%s/link", disk->folder);
	cleanup(cleanup_mem) char *fifo = mem_format("%s/fifo", disk->folder);
	static const struct {
		const char *name;
		int code;
		const char *text;
	} cases[] = {
		{"link", ERR_ENV, "link: Too many levels of symbolic links"},
		{"fifo", ERR_ENV, "fifo: is no regular file"},
		{"../passwd", ERR_CORRUPT, "'../passwd' is not the name of a file there"},
		{"/etc/passwd", ERR_CORRUPT, "'/etc/passwd' is not the name of a file there"},
		{"..", ERR_ENV, "..: is no regular file"},
		{"", ERR_CORRUPT, "'' is not the name of a file there"},
	};

	new_disk(disk, 100, 1);
	assert_int_equal(symlink("0.raw", link_path), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct imagefile file = {disk->folder, &cases[i].name, 1};
		struct disk_reader *reader = NULL;
		struct err e = {0};
		assert_error(imagefile_read(&reader, &file, &e), cases[i].code, &e, cases[i].text);
	}
}

#define disk_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		disk_test(generations_read_as_they_were),
		disk_test(disks_of_any_length),
		disk_test(what_did_not_change_is_not_written),
		disk_test(zeros_take_no_room),
		disk_test(holes_that_are_no_blocks),
		disk_test(another_size_is_a_conflict),
		disk_test(folding_changes_nothing_that_is_read),
		disk_test(a_reader_in_the_middle_sees_no_fold),
		disk_test(a_base_alone_cannot_be_folded),
		disk_test(what_is_finished_lies_on_disk),
		disk_test(a_killed_writer_harms_nothing),
		disk_test(a_full_disk_is_told_and_left_clean),
		disk_test(a_killed_fold_harms_nothing),
		disk_test(a_fold_on_a_full_disk_harms_nothing),
		disk_test(a_disk_that_is_really_full),
		disk_test(a_flipped_bit_of_an_index_is_found),
		disk_test(what_is_written_is_read_back),
		disk_test(an_index_of_another_disk_is_refused),
		disk_test(a_flipped_bit_of_a_block_changes_the_digest),
		disk_test(a_file_that_was_cut_is_found),
		disk_test(what_is_missing_is_named),
		disk_test(what_is_there_is_not_overwritten),
		disk_test(files_are_the_owners_alone),
		disk_test(only_plain_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
