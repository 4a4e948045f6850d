/* virt_stream.c - the content of volumes, over the connection itself. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "mem.h"
#include "virt_private.h"
#include "virt_volume.h"

/*
 * RECEIVE: a few of the daemon's packets (256 KiB less 24 bytes of header each) a call.
 * SEND: what every daemon takes in one packet.
 */
enum { RECEIVE_BYTES = 1 << 20, SEND_BYTES = (256 << 10) - 24, AT_HOLE = -3 };

struct end {
	virStreamPtr stream;
	char *subject; /* of errors */
	bool finished;
};

struct reader {
	struct disk_reader disk;
	struct end end;
	char *bytes;
};

struct writer {
	struct disk_writer disk;
	struct end end;
	char *zeros; /* what holes are sent as, SEND_BYTES; NULL: as holes */
};

static int stream_error(const struct end *end, struct err *e)
{
	return virt_error(e, end->subject);
}

static void end_done(struct end *end)
{
	if (end->stream && !end->finished)
		virStreamAbort(end->stream);
	if (end->stream)
		virStreamFree(end->stream);
	free(end->subject);
}

static int finish_stream(struct end *end, struct err *e)
{
	if (virStreamFinish(end->stream) < 0)
		return stream_error(end, e);
	end->finished = true;
	return 0;
}

/* ---- opening ---- */

typedef int transfer(virStorageVolPtr volume, virStreamPtr stream, unsigned long long offset,
		     unsigned long long length, unsigned flags);

static int begin(struct end *end, virStorageVolPtr volume, transfer *open, unsigned flags, struct err *e)
{
	end->stream = virStreamNew(virStorageVolGetConnect(volume), 0);
	if (!end->stream)
		return virt_error(e, end->subject);
	if (open(volume, end->stream, 0, 0, flags) == 0)
		return 0;
	bool is_too_old = virt_cannot();
	int result = virt_error(e, end->subject);
	virStreamFree(end->stream);
	end->stream = NULL;
	return is_too_old ? ERR_USAGE : result;
}

static int begin_sparse(struct virt *virt, const char *pool, const char *name, transfer *open,
			unsigned sparse, struct end *end, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = NULL;

	int result = virt_volume_lookup(virt, pool, name, &volume, e);
	if (result < 0)
		return result;
	end->subject = mem_format("volume %s in pool %s", name, pool);
	result = begin(end, volume, open, sparse, e);
	if (result == ERR_USAGE)
		result = begin(end, volume, open, 0, e);
	return result;
}

/* ---- reading ---- */

static int next_hole(struct reader *reader, struct disk_chunk *chunk, struct err *e)
{
	long long length;

	if (virStreamRecvHole(reader->end.stream, &length, 0) < 0)
		return stream_error(&reader->end, e);
	*chunk = (struct disk_chunk){NULL, (uint64_t)length};
	return length > 0;
}

/* 1: *CHUNK; 0: a hole of no length; 2: the end. */
static int next_part(struct reader *reader, struct disk_chunk *chunk, struct err *e)
{
	int got = virStreamRecvFlags(reader->end.stream, reader->bytes, RECEIVE_BYTES,
				     VIR_STREAM_RECV_STOP_AT_HOLE);

	if (got == AT_HOLE)
		return next_hole(reader, chunk, e);
	if (got < 0)
		return stream_error(&reader->end, e);
	if (got == 0)
		return 2;
	*chunk = (struct disk_chunk){reader->bytes, (uint64_t)got};
	return 1;
}

static int reader_next(struct disk_reader *disk, struct disk_chunk *chunk, struct err *e)
{
	struct reader *reader = (struct reader *)disk;
	int result;

	if (reader->end.finished)
		return 0;
	do
		result = next_part(reader, chunk, e);
	while (result == 0);
	if (result == 2)
		return finish_stream(&reader->end, e);
	return result;
}

static void reader_close(struct disk_reader *disk)
{
	struct reader *reader = (struct reader *)disk;

	end_done(&reader->end);
	free(reader->bytes);
	free(reader);
}

int virt_volume_read(struct disk_reader **reader, struct virt *virt, const char *pool, const char *name,
		     struct err *e)
{
	struct end end = {0};

	int result = begin_sparse(virt, pool, name, virStorageVolDownload,
				  VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, &end, e);
	if (result < 0) {
		end_done(&end);
		return result;
	}
	struct reader *made = mem_alloc(sizeof *made);
	*made = (struct reader){{reader_next, reader_close}, end, mem_alloc(RECEIVE_BYTES)};
	*reader = &made->disk;
	return 0;
}

/* ---- writing ---- */

static int send_bytes(struct end *end, const char *bytes, uint64_t length, struct err *e)
{
	while (length > 0) {
		int sent = virStreamSend(end->stream, bytes, length < SEND_BYTES ? length : SEND_BYTES);
		if (sent < 0)
			return stream_error(end, e);
		bytes += sent;
		length -= (uint64_t)sent;
	}
	return 0;
}

static int send_zeros(struct writer *writer, uint64_t length, struct err *e)
{
	int result = 0;

	while (length > 0 && result == 0) {
		uint64_t step = length < SEND_BYTES ? length : SEND_BYTES;
		result = send_bytes(&writer->end, writer->zeros, step, e);
		length -= step;
	}
	return result;
}

static int writer_write(struct disk_writer *disk, const struct disk_chunk *chunk, struct err *e)
{
	struct writer *writer = (struct writer *)disk;

	if (chunk->bytes)
		return send_bytes(&writer->end, chunk->bytes, chunk->length, e);
	if (writer->zeros)
		return send_zeros(writer, chunk->length, e);
	if (virStreamSendHole(writer->end.stream, (long long)chunk->length, 0) < 0)
		return stream_error(&writer->end, e);
	return 0;
}

static int writer_finish(struct disk_writer *disk, struct err *e)
{
	return finish_stream(&((struct writer *)disk)->end, e);
}

static void writer_close(struct disk_writer *disk)
{
	struct writer *writer = (struct writer *)disk;

	end_done(&writer->end);
	free(writer->zeros);
	free(writer);
}

/* The daemon leaves out holes of files and writes zeros to devices: what a file held before would show through. */
static int keeps_old(struct virt *virt, const char *pool, const char *name, bool *keeps, struct err *e)
{
	cleanup(cleanup_volume) virStorageVolPtr volume = NULL;
	virStorageVolInfo info;

	int result = virt_volume_lookup(virt, pool, name, &volume, e);
	if (result < 0)
		return result;
	if (virStorageVolGetInfo(volume, &info) < 0)
		return virt_volume_error(pool, name, e);
	*keeps = info.type == VIR_STORAGE_VOL_FILE && info.allocation > 0;
	return 0;
}

int virt_volume_write(struct disk_writer **writer, struct virt *virt, const char *pool, const char *name,
		      struct err *e)
{
	struct end end = {0};
	bool keeps = false;

	int result = keeps_old(virt, pool, name, &keeps, e);
	if (result == 0)
		result = begin_sparse(virt, pool, name, virStorageVolUpload,
				      VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, &end, e);
	if (result < 0) {
		end_done(&end);
		return result;
	}
	struct writer *made = mem_alloc(sizeof *made);
	*made = (struct writer){
		.disk = {writer_write, writer_finish, writer_close},
		.end = end,
		.zeros = keeps ? mem_zalloc(SEND_BYTES, 1) : NULL,
	};
	*writer = &made->disk;
	return 0;
}
