/* test_tarfile.c - what goes into an archive comes out of it, holes as holes; what an enemy has packed is refused. */
#include "config.h"

#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_kit.h"
#include "mem.h"
#include "store_kit.h"
#include "tarfile.h"

struct place {
	char *folder, *path;
};

static int set_up(void **state)
{
	struct place *place = mem_zalloc(1, sizeof *place);

	place->folder = mem_format("%s/vmroll-tar-XXXXXX", kit_base());
	if (!mkdtemp(place->folder))
		return -1;
	place->path = mem_format("%s/x.tar", place->folder);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	kit_remove(place->folder);
	free(place->folder);
	free(place->path);
	free(place);
	return 0;
}

/* ---- disks in and out ---- */

static void measure(const unsigned char *bytes, size_t length, struct tarfile_extents *extents)
{
	cleanup(cleanup_disk_writer) struct disk_writer *writer = tarfile_measure(extents);
	struct disk_kit_source source;
	struct disk_copied copied;
	struct err e = {0};

	disk_kit_source(&source, bytes, length, 1);
	assert_ok(disk_copy(&source.reader, writer, NULL, &copied, &e), &e);
}

static void add_disk(struct tarfile_writer *tar, const char *name, const unsigned char *bytes, size_t length)
{
	cleanup(tarfile_extents_done) struct tarfile_extents extents = {0};
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	struct disk_kit_source source;
	struct disk_copied copied;
	struct err e = {0};

	measure(bytes, length, &extents);
	disk_kit_source(&source, bytes, length, 2);
	assert_ok(tarfile_add_disk(tar, name, length, &extents, &writer, &e), &e);
	assert_ok(disk_copy(&source.reader, writer, NULL, &copied, &e), &e);
}

/* The next file of TAR is a disk of that content. */
static void check_disk(struct tarfile *tar, const char *name, const unsigned char *bytes, size_t length)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	struct disk_kit_sink sink;
	struct disk_copied copied;
	struct tarfile_entry entry;
	struct err e = {0};

	assert_int_equal(tarfile_next(tar, &entry, &e), 1);
	assert_string_equal(entry.name, name);
	assert_int_equal(entry.size_bytes, length);
	disk_kit_sink(&sink);
	assert_ok(tarfile_read_disk(tar, &reader, &e), &e);
	assert_ok(disk_copy(reader, &sink.writer, NULL, &copied, &e), &e);
	assert_int_equal(sink.content.length, length);
	if (length > 0)
		assert_memory_equal(sink.content.data, bytes, length);
	disk_kit_sink_done(&sink);
}

enum { SIZE = 5 * DISK_BLOCK + 1000 };

static void what_goes_in_comes_out(void **state)
{
	struct place *place = *state;
	cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
	cleanup(cleanup_mem) unsigned char *empty = mem_zalloc(SIZE, 1);
	cleanup(cleanup_mem) unsigned char *head = mem_zalloc(SIZE, 1);
	cleanup(cleanup_mem) unsigned char *tail = mem_zalloc(SIZE, 1);
	cleanup(cleanup_mem) unsigned char *full = mem_alloc(SIZE);
	cleanup(cleanup_mem) char *text = NULL;
	struct tarfile_writer *writer;
	struct tarfile_entry entry;
	size_t length;
	struct err e = {0};

	head[5] = 1;
	tail[SIZE - 1] = 1;
	memset(full, 7, SIZE);
	assert_ok(tarfile_create(&writer, place->path, &e), &e);
	assert_ok(tarfile_add_text(writer, "manifest.json", "{}\n", 3, &e), &e);
	add_disk(writer, "empty.raw", empty, SIZE);
	add_disk(writer, "head.raw", head, SIZE);
	add_disk(writer, "tail.raw", tail, SIZE);
	add_disk(writer, "full.raw", full, SIZE);
	add_disk(writer, "none.raw", full, 0);
	assert_ok(tarfile_finish(writer, &e), &e);
	tarfile_writer_free(writer);

	assert_ok(tarfile_open(&tar, place->path, &e), &e);
	assert_int_equal(tarfile_next(tar, &entry, &e), 1);
	assert_ok(tarfile_read_text(tar, 3, &text, &length, &e), &e);
	assert_string_equal(text, "{}\n");
	check_disk(tar, "empty.raw", empty, SIZE);
	check_disk(tar, "head.raw", head, SIZE);
	check_disk(tar, "tail.raw", tail, SIZE);
	check_disk(tar, "full.raw", full, SIZE);
	check_disk(tar, "none.raw", full, 0);
	assert_int_equal(tarfile_next(tar, &entry, &e), 0);
}

static void holes_take_up_nothing(void **state)
{
	struct place *place = *state;
	cleanup(cleanup_mem) unsigned char *bytes = mem_zalloc(100, DISK_BLOCK);
	struct tarfile_writer *writer;
	struct stat status;
	struct err e = {0};

	for (size_t i = 0; i < 100; i += 25)
		bytes[i * DISK_BLOCK] = 1;
	assert_ok(tarfile_create(&writer, place->path, &e), &e);
	add_disk(writer, "vda.raw", bytes, 100 * DISK_BLOCK);
	assert_ok(tarfile_finish(writer, &e), &e);
	tarfile_writer_free(writer);
	assert_int_equal(stat(place->path, &status), 0);
	assert_in_range(status.st_size, 4 * DISK_BLOCK, 5 * DISK_BLOCK);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void random_disks_come_out_the_same(void **state)
{
	struct place *place = *state;
	struct disk_kit_random random = {.state = 4711};
	struct err e = {0};

	for (int i = 0; i < 30; i++) {
		size_t length = (size_t)disk_kit_below(&random, 20 * DISK_BLOCK) + 1;
		cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(length);
		cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
		struct tarfile_writer *writer;
		disk_kit_fill(&random, bytes, length);
		assert_ok(tarfile_create(&writer, place->path, &e), &e);
		add_disk(writer, "vda.raw", bytes, length);
		assert_ok(tarfile_finish(writer, &e), &e);
		tarfile_writer_free(writer);
		assert_ok(tarfile_open(&tar, place->path, &e), &e);
		check_disk(tar, "vda.raw", bytes, length);
		unlink(place->path);
	}
}

static void what_is_not_finished_goes(void **state)
{
	struct place *place = *state;
	struct tarfile_writer *writer;
	struct err e = {0};

	assert_ok(tarfile_create(&writer, place->path, &e), &e);
	assert_ok(tarfile_add_text(writer, "a", "b", 1, &e), &e);
	tarfile_writer_free(writer);
	assert_int_equal(access(place->path, F_OK), -1);
}

static int write_changed(const char *path, size_t length, size_t changed, struct err *e)
{
	cleanup(cleanup_mem) unsigned char *bytes = mem_zalloc(1, 4 * DISK_BLOCK);
	cleanup(tarfile_extents_done) struct tarfile_extents extents = {0};
	cleanup(cleanup_tarfile_writer) struct tarfile_writer *writer = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *disk = NULL;
	struct disk_kit_source source;
	struct disk_copied copied;

	bytes[0] = 1;
	measure(bytes, 3 * DISK_BLOCK, &extents);
	bytes[changed] = 2;
	disk_kit_source(&source, bytes, length, 1);
	assert_ok(tarfile_create(&writer, path, e), e);
	assert_ok(tarfile_add_disk(writer, "vda.raw", 3 * DISK_BLOCK, &extents, &disk, e), e);
	return disk_copy(&source.reader, disk, NULL, &copied, e);
}

static void what_has_changed_meanwhile_is_told(void **state)
{
	struct place *place = *state;
	struct err e = {0};

	assert_ok(write_changed(place->path, 3 * DISK_BLOCK, 5, &e), &e);
	assert_error(write_changed(place->path, 3 * DISK_BLOCK, DISK_BLOCK, &e), ERR_CONFLICT, &e, "has changed");
	assert_error(write_changed(place->path, 2 * DISK_BLOCK, 5, &e), ERR_CONFLICT, &e, "shorter");
	assert_error(write_changed(place->path, 4 * DISK_BLOCK, 5, &e), ERR_CONFLICT, &e, "has changed");
}

/* ---- what an enemy packs ---- */

struct forged {
	const char *name, *link;
	unsigned type;
};

static void forge(const char *path, const struct forged *forged, int count)
{
	struct archive *archive = archive_write_new();

	archive_write_set_format_pax(archive);
	assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
	for (int i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, forged->name);
		if (forged->type)
			archive_entry_set_filetype(entry, forged->type);
		if (forged->link && forged->type == AE_IFLNK)
			archive_entry_set_symlink(entry, forged->link);
		else if (forged->link)
			archive_entry_set_hardlink(entry, forged->link);
		archive_entry_set_size(entry, 0);
		archive_entry_set_perm(entry, 0644);
		assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
		archive_entry_free(entry);
	}
	assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

static int read_forged(const char *path, const struct forged *forged, struct err *e)
{
	cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
	struct tarfile_entry entry;

	forge(path, forged, 1);
	assert_ok(tarfile_open(&tar, path, e), e);
	return tarfile_next(tar, &entry, e);
}

static void what_leads_elsewhere_is_refused(void **state)
{
	static const struct forged bad[] = {
		{"../x", NULL, AE_IFREG},
		{"/etc/passwd", NULL, AE_IFREG},
		{"a/b", NULL, AE_IFREG},
		{"..", NULL, AE_IFREG},
		{".hidden", NULL, AE_IFREG},
		{"./../x", NULL, AE_IFREG},
		{"vda.raw", "/etc/shadow", AE_IFLNK},
		{"vda.raw", "manifest.json", AE_IFREG},
		{"vda.raw", NULL, AE_IFCHR},
		{"vda.raw", NULL, AE_IFBLK},
		{"vda.raw", NULL, AE_IFIFO},
		{"folder", NULL, AE_IFDIR},
	};
	static const struct forged good[] = {{"a", NULL, AE_IFREG}, {"./a", NULL, AE_IFREG}};
	struct place *place = *state;
	struct err e = {0};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_error(read_forged(place->path, &bad[i], &e), ERR_CORRUPT, &e, place->path);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_int_equal(read_forged(place->path, &good[i], &e), 1);
	static const struct forged folder = {"./", NULL, AE_IFDIR};
	assert_int_equal(read_forged(place->path, &folder, &e), 0);
}

static void too_many_files_are_refused(void **state)
{
	static const struct forged one = {"a", NULL, AE_IFREG};
	struct place *place = *state;
	cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
	struct tarfile_entry entry;
	struct err e = {0};
	int result;

	forge(place->path, &one, TARFILE_ENTRIES_MAX + 1);
	assert_ok(tarfile_open(&tar, place->path, &e), &e);
	while ((result = tarfile_next(tar, &entry, &e)) == 1)
		continue;
	assert_error(result, ERR_TOO_LARGE, &e, "more than");
}

static void a_text_is_bounded(void **state)
{
	struct place *place = *state;
	cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
	struct tarfile_writer *writer;
	struct tarfile_entry entry;
	char *text;
	size_t length;
	struct err e = {0};

	assert_ok(tarfile_create(&writer, place->path, &e), &e);
	assert_ok(tarfile_add_text(writer, "manifest.json", "0123456789", 10, &e), &e);
	assert_ok(tarfile_finish(writer, &e), &e);
	tarfile_writer_free(writer);
	assert_ok(tarfile_open(&tar, place->path, &e), &e);
	assert_int_equal(tarfile_next(tar, &entry, &e), 1);
	assert_error(tarfile_read_text(tar, 9, &text, &length, &e), ERR_TOO_LARGE, &e, "manifest.json");
}

static void what_is_cut_short_or_no_archive_is_told(void **state)
{
	struct place *place = *state;
	cleanup(cleanup_mem) unsigned char *bytes = mem_alloc(SIZE);
	struct tarfile_writer *writer;
	struct tarfile_entry entry;
	struct err e = {0};

	memset(bytes, 7, SIZE);
	assert_ok(tarfile_create(&writer, place->path, &e), &e);
	add_disk(writer, "vda.raw", bytes, SIZE);
	assert_ok(tarfile_finish(writer, &e), &e);
	tarfile_writer_free(writer);
	for (off_t length = SIZE; length > 0; length -= 20011) {
		cleanup(cleanup_tarfile) struct tarfile *tar = NULL;
		cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
		struct disk_copied copied;
		assert_int_equal(truncate(place->path, length), 0);
		e = (struct err){0};
		if (tarfile_open(&tar, place->path, &e) < 0)
			continue;
		int result = tarfile_next(tar, &entry, &e);
		if (result == 1) {
			assert_ok(tarfile_read_disk(tar, &reader, &e), &e);
			result = disk_copy(reader, NULL, NULL, &copied, &e);
		}
		assert_true(result < 0);
		assert_true(e.text[0] != '\0');
	}
	struct tarfile *tar;
	assert_error(tarfile_open(&tar, "/dev/null", &e), ERR_USAGE, &e, "is no regular file");
	assert_error(tarfile_open(&tar, place->folder, &e), ERR_USAGE, &e, "is no regular file");
	assert_int_equal(unlink(place->path), 0);
	assert_error(tarfile_open(&tar, place->path, &e), ERR_NOT_FOUND, &e, place->path);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(what_goes_in_comes_out),
		place_test(holes_take_up_nothing),
		place_test(random_disks_come_out_the_same),
		place_test(what_is_not_finished_goes),
		place_test(what_has_changed_meanwhile_is_told),
		place_test(what_leads_elsewhere_is_refused),
		place_test(too_many_files_are_refused),
		place_test(a_text_is_bounded),
		place_test(what_is_cut_short_or_no_archive_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
