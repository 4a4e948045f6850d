/* repository.c - where the files of master images lie: what is the same in a folder and in a pool. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "repository_private.h"

#define POOL "pool:"

int repository_open(struct repository **repository, const char *setting, struct err *e)
{
	const char *at = str_starts(setting, POOL) ? strchr(setting, '@') : NULL;

	if (setting[0] == '/')
		return repository_folder_open(repository, setting, e);
	if (!at || at == setting + strlen(POOL) || !at[1])
		return err_set(e, ERR_USAGE, "repository '%s': a folder or " POOL "NAME@URI expected", setting);
	cleanup(cleanup_mem) char *pool =
		mem_string_n(setting + strlen(POOL), (size_t)(at - setting) - strlen(POOL));
	return repository_pool_open(repository, pool, at + 1, e);
}

int repository_hold(const char *setting, const unsigned char *known, enum repository_making making,
		    unsigned char *mark, struct err *e)
{
	return setting[0] == '/' ? repository_folder_hold(setting, known, making, mark, e) : 0;
}

void repository_close(struct repository *repository)
{
	if (repository)
		repository->kind->close(repository);
}

void cleanup_repository(struct repository **repository)
{
	repository_close(*repository);
}

bool repository_is_pool(const struct repository *repository)
{
	return repository->kind->is_pool;
}

int repository_room(struct repository *repository, unsigned reserve, uint64_t *bytes, struct err *e)
{
	return repository->kind->room(repository, reserve, bytes, e);
}

/* ---- writing ---- */

int repository_stage(struct repository *repository, uint64_t stage, struct err *e)
{
	return repository->kind->stage(repository, stage, e);
}

/* A word that can lead nowhere, and be mistaken for nothing of ours. */
static int check_word(const char *word, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strlen(word);

	if (length == 0 || length > 64 || word[0] == '.' || strspn(word, allowed) != length) {
		cleanup(cleanup_mem) char *escaped = str_escape(word);
		return err_set(e, ERR_USAGE,
			       "'%.80s' cannot name a file: up to 64 letters, digits, dots, hyphens and "
			       "underscores can",
			       escaped);
	}
	return 0;
}

static int write_sized(struct repository *repository, const struct repository_place *place, const char *name,
		       uint64_t size_bytes, struct disk_writer **writer, char **file, struct err *e)
{
	struct disk_writer *opened;

	int result = repository->kind->write(repository, place, name, size_bytes, &opened, file, e);
	if (result == 0)
		*writer = repository_sized_writer(opened, size_bytes, *file);
	return result;
}

int repository_write(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		     const char *target, uint64_t size_bytes, struct disk_writer **writer, char **file,
		     struct err *e)
{
	const struct repository_place place = {stage, image, generation};
	cleanup(cleanup_mem) char *name =
		mem_format("%llu-%s%s", (unsigned long long)generation, target, repository->kind->disk_suffix);

	int result = check_word(target, e);
	return result < 0 ? result : write_sized(repository, &place, name, size_bytes, writer, file, e);
}

int repository_write_layer(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			   const struct image_disk *old, struct disk_writer **writer, char **file,
			   uint64_t *written, struct err *e)
{
	const struct repository_place place = {stage, image, generation};
	cleanup(cleanup_mem) char *name =
		mem_format("%llu-%s.layer", (unsigned long long)generation, old->target);

	if (!repository->kind->write_layer)
		return err_set(e, ERR_USAGE, "a storage pool as repository has no layers");
	int result = check_word(old->target, e);
	return result < 0
		       ? result
		       : repository->kind->write_layer(repository, &place, name, old, writer, file, written, e);
}

int repository_write_text(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
			  const char *name, const char *text, size_t length, char **file, struct err *e)
{
	const struct repository_place place = {stage, image, generation};
	const struct disk_chunk chunk = {text, length};
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *written = NULL;
	cleanup(cleanup_mem) char *full = mem_format("%llu-%s", (unsigned long long)generation, name);

	if (check_word(name, e) < 0)
		return e->code;
	if (length > REPOSITORY_TEXT_MAX || memchr(text, '\0', length))
		return err_set(e, ERR_USAGE, "%s: text of at most %d MiB expected", full,
			       REPOSITORY_TEXT_MAX >> 20);
	int result = write_sized(repository, &place, full, length, &writer, &written, e);
	if (result == 0 && length > 0)
		result = writer->write(writer, &chunk, e);
	if (result == 0)
		result = writer->finish(writer, e);
	if (result < 0)
		return result;
	*file = written;
	written = NULL;
	return 0;
}

int repository_publish(struct repository *repository, uint64_t stage, uint64_t image, struct err *e)
{
	return repository->kind->publish(repository, stage, image, e);
}

int repository_unstage(struct repository *repository, uint64_t stage, uint64_t image, uint64_t generation,
		       struct err *e)
{
	return repository->kind->unstage(repository, stage, image, generation, e);
}

/* ---- reading ---- */

int repository_read(struct repository *repository, const struct image *image, const struct image_disk *disk,
		    struct disk_reader **reader, struct err *e)
{
	struct disk_reader *opened;

	if (disk->files.count == 0)
		return err_set(e, ERR_CORRUPT, "image %s: its disk %s has no file", image->name, disk->target);
	int result = repository->kind->read(repository, image->id, &disk->files, &opened, e);
	if (result == 0)
		*reader = repository_sized_reader(opened, disk->virtual_bytes, disk->files.items[0]);
	return result;
}

/* Up to the first zero, after which nothing may follow: what a pool has put there to fill its volume. */
static int add_text(struct str *text, const struct disk_chunk *chunk, bool *ended, const char *file,
		    struct err *e)
{
	const char *bytes = chunk->bytes;
	size_t length = bytes ? strnlen(bytes, (size_t)chunk->length) : 0;

	if (length > 0 && *ended)
		return err_set(e, ERR_CORRUPT, "%s: damaged: is no text", file);
	*ended = *ended || length < chunk->length;
	if (length < chunk->length && bytes && !disk_is_zero(bytes + length, (size_t)chunk->length - length))
		return err_set(e, ERR_CORRUPT, "%s: damaged: is no text", file);
	str_add_n(text, bytes ? bytes : "", length);
	return text->length > REPOSITORY_TEXT_MAX
		       ? err_set(e, ERR_CORRUPT, "%s: larger than %d MiB", file, REPOSITORY_TEXT_MAX >> 20)
		       : 0;
}

static int read_text(struct disk_reader *reader, const char *file, struct str *text, struct err *e)
{
	struct disk_chunk chunk;
	bool ended = false;
	int result;

	while ((result = reader->next(reader, &chunk, e)) > 0)
		if (add_text(text, &chunk, &ended, file, e) < 0)
			return e->code;
	return result;
}

static int check_text(const struct str *text, const unsigned char *sha256, const char *file, struct err *e)
{
	unsigned char found[DIGEST_SIZE];

	if (!sha256)
		return 0;
	if (digest_of(str_text(text), text->length, found, e) < 0)
		return e->code;
	return memcmp(found, sha256, DIGEST_SIZE) == 0
		       ? 0
		       : err_set(e, ERR_CORRUPT, "%s: damaged: its digest does not fit", file);
}

int repository_read_text(struct repository *repository, const struct image *image, const char *file,
			 const unsigned char *sha256, char **text, size_t *length, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(str_done) struct str read = {0};
	char *name = (char *)file;
	const struct image_texts files = {&name, 1, 1};
	cleanup(cleanup_mem) char *path = repository->kind->where(repository, image->id, file);

	int result = repository->kind->read(repository, image->id, &files, &reader, e);
	if (result == 0)
		result = read_text(reader, path, &read, e);
	if (result == 0)
		result = check_text(&read, sha256, path, e);
	if (result < 0)
		return result;
	str_add(&read, "");
	*length = read.length;
	*text = str_take(&read);
	return 0;
}

int repository_physical(struct repository *repository, uint64_t image, const struct image_disk *disk,
			uint64_t *bytes, struct err *e)
{
	return repository->kind->physical(repository, image, disk, bytes, e);
}

char *repository_where(const struct repository *repository, const struct image *image,
		       const struct image_disk *disk)
{
	return repository->kind->where(repository, image->id, disk->files.count > 0 ? disk->files.items[0] : "-");
}

/* ---- keeping order ---- */

int repository_fold(struct repository *repository, const struct image *image, struct image *folded, struct err *e)
{
	return repository->kind->fold ? repository->kind->fold(repository, image, folded, e) : 0;
}

int repository_tidy(struct repository *repository, const struct image *image, uint64_t *removed_bytes,
		    struct err *e)
{
	return repository->kind->tidy(repository, image, removed_bytes, e);
}

int repository_ids(struct repository *repository, uint64_t **ids, size_t *count, struct err *e)
{
	return repository->kind->ids(repository, ids, count, e);
}
