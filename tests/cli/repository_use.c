/*
 * repository_use.c - does one thing to a repository, for tests:
 *
 *   repository_use SETTING room RESERVE | ids
 *   repository_use SETTING write IMAGE GENERATION TARGET FILE     prints the file and its SHA-256
 *   repository_use SETTING layer IMAGE GENERATION FILE            over 1-vda.raw; prints the file and the bytes of its blocks
 *   repository_use SETTING text IMAGE GENERATION NAME TEXT        prints the file
 *   repository_use SETTING read IMAGE FILE SIZE                   prints size, data and SHA-256
 *   repository_use SETTING read-text IMAGE FILE                   prints the text
 *   repository_use SETTING physical IMAGE FILE
 *   repository_use SETTING publish|unstage IMAGE GENERATION
 *   repository_use SETTING tidy IMAGE [GENERATION FILE CONFIG]    the one generation that is recorded
 *
 * The stage is that of the number of the image.
 */
#include "config.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "imagefile.h"
#include "mem.h"
#include "repository.h"

struct use {
	struct repository *repository;
	int count;
	char **arguments; /* after the command */
};

static uint64_t number(const struct use *use, int place)
{
	return place < use->count ? strtoull(use->arguments[place], NULL, 10) : 0;
}

static const char *text(const struct use *use, int place)
{
	return place < use->count ? use->arguments[place] : "";
}

static int use_room(const struct use *use, struct err *e)
{
	uint64_t bytes;

	int result = repository_room(use->repository, (unsigned)number(use, 0), &bytes, e);
	if (result == 0)
		printf("%" PRIu64 "\n", bytes);
	return result;
}

static int use_ids(const struct use *use, struct err *e)
{
	cleanup(cleanup_mem) uint64_t *ids = NULL;
	size_t count = 0;

	int result = repository_ids(use->repository, &ids, &count, e);
	for (size_t i = 0; i < count; i++)
		printf("%" PRIu64 "\n", ids[i]);
	return result;
}

static int open_source(const char *path, struct disk_reader **reader, uint64_t *size_bytes, struct err *e)
{
	cleanup(cleanup_mem) char *folder = mem_string(path), *file = mem_string(path);
	const char *name = basename(file);
	const struct imagefile source = {dirname(folder), &name, 1};
	uint64_t physical_bytes;

	int result = imagefile_sizes(&source, size_bytes, &physical_bytes, e);
	return result < 0 ? result : imagefile_read(reader, &source, e);
}

static int use_write(const struct use *use, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *file = NULL;
	struct disk_copied copied;
	char sha256[DIGEST_TEXT_SIZE];
	uint64_t size_bytes;

	int result = open_source(text(use, 3), &reader, &size_bytes, e);
	if (result == 0)
		result = repository_stage(use->repository, number(use, 0), e);
	if (result == 0)
		result = repository_write(use->repository, number(use, 0), number(use, 0), number(use, 1),
					  text(use, 2), size_bytes, &writer, &file, e);
	if (result == 0)
		result = disk_copy(reader, writer, NULL, &copied, e);
	if (result == 0)
		printf("%s %s\n", file, digest_format(copied.sha256, sha256));
	return result;
}

static int use_layer(const struct use *use, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *file = NULL;
	char base[] = "1-vda.raw", *base_file = base;
	const struct image_disk old = {.target = (char *)"vda", .files = {&base_file, 1, 1}};
	struct disk_copied copied;
	uint64_t size_bytes, written = 0;

	int result = open_source(text(use, 2), &reader, &size_bytes, e);
	if (result == 0)
		result = repository_stage(use->repository, number(use, 0), e);
	if (result == 0)
		result = repository_write_layer(use->repository, number(use, 0), number(use, 0),
						number(use, 1), &old, &writer, &file, &written, e);
	if (result == 0)
		result = disk_copy(reader, writer, NULL, &copied, e);
	if (result == 0)
		printf("%s %" PRIu64 "\n", file, written);
	return result;
}

static int use_text(const struct use *use, struct err *e)
{
	cleanup(cleanup_mem) char *file = NULL;

	int result = repository_write_text(use->repository, number(use, 0), number(use, 0), number(use, 1),
					   text(use, 2), text(use, 3), strlen(text(use, 3)), &file, e);
	if (result == 0)
		printf("%s\n", file);
	return result;
}

static int use_read(const struct use *use, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	char *file = (char *)text(use, 1);
	const struct image image = {.id = number(use, 0)};
	const struct image_disk disk = {.virtual_bytes = number(use, 2), .files = {&file, 1, 1}};
	struct disk_copied copied;
	char sha256[DIGEST_TEXT_SIZE];

	int result = repository_read(use->repository, &image, &disk, &reader, e);
	if (result == 0)
		result = disk_copy(reader, NULL, NULL, &copied, e);
	if (result == 0)
		printf("%" PRIu64 " %" PRIu64 " %s\n", copied.size_bytes, copied.data_bytes,
		       digest_format(copied.sha256, sha256));
	return result;
}

static int use_read_text(const struct use *use, struct err *e)
{
	cleanup(cleanup_mem) char *found = NULL;
	const struct image image = {.id = number(use, 0)};
	size_t length;

	int result = repository_read_text(use->repository, &image, text(use, 1), NULL, &found, &length, e);
	if (result == 0)
		printf("%s\n", found);
	return result;
}

static int use_physical(const struct use *use, struct err *e)
{
	char *file = (char *)text(use, 1);
	const struct image_disk disk = {.files = {&file, 1, 1}};
	uint64_t bytes;

	int result = repository_physical(use->repository, number(use, 0), &disk, &bytes, e);
	if (result == 0)
		printf("%" PRIu64 "\n", bytes);
	return result;
}

static int use_publish(const struct use *use, struct err *e)
{
	return repository_publish(use->repository, number(use, 0), number(use, 0), e);
}

static int use_unstage(const struct use *use, struct err *e)
{
	return repository_unstage(use->repository, number(use, 0), number(use, 0), number(use, 1), e);
}

static int use_tidy(const struct use *use, struct err *e)
{
	char *file = (char *)text(use, 2);
	struct image_disk disk = {.files = {&file, 1, 1}};
	struct image_generation generation = {
		.number = number(use, 1), .config = (char *)text(use, 3), .disks = {&disk, 1, 1}};
	struct image image = {.id = number(use, 0), .generations = {&generation, use->count > 1, 1}};
	uint64_t removed_bytes = 0;

	return repository_tidy(use->repository, &image, &removed_bytes, e);
}

static const struct {
	const char *name;
	int (*act)(const struct use *use, struct err *e);
} commands[] = {
	{"room", use_room},           {"ids", use_ids},           {"write", use_write},
	{"layer", use_layer},         {"text", use_text},         {"read", use_read},
	{"read-text", use_read_text}, {"physical", use_physical}, {"publish", use_publish},
	{"unstage", use_unstage},     {"tidy", use_tidy},
};

static int run(const char *command, const struct use *use, struct err *e)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, command) == 0)
			return commands[i].act(use, e);
	return err_set(e, ERR_USAGE, "no command '%s'", command);
}

int main(int count, char **arguments)
{
	cleanup(cleanup_repository) struct repository *repository = NULL;
	struct err e = {0};

	if (count < 3) {
		fputs("usage: repository_use SETTING COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	unsigned char mark[REPOSITORY_MARK_SIZE];
	int result = repository_hold(arguments[1], NULL, REPOSITORY_MAKE, mark, &e);
	if (result >= 0)
		result = repository_open(&repository, arguments[1], &e);
	if (result == 0)
		result = run(arguments[2], &(struct use){repository, count - 3, arguments + 3}, &e);
	if (result < 0)
		fprintf(stderr, "repository_use: %s\n", e.text);
	return err_exit_status(result);
}
