/* store_folder.c - the folder that a store lives in. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mem.h"
#include "store_folder.h"

static const struct {
	unsigned long type;
	const char *name;
} network[] = {
	{NFS_SUPER_MAGIC, "NFS"},   {SMB_SUPER_MAGIC, "SMB"},   {0xFF534D42, "CIFS"},
	{0xFE534D42, "SMB2"},       {CEPH_SUPER_MAGIC, "Ceph"}, {V9FS_MAGIC, "9P"},
	{FUSE_SUPER_MAGIC, "FUSE"}, {AFS_SUPER_MAGIC, "AFS"},   {AFS_FS_MAGIC, "AFS"},
	{CODA_SUPER_MAGIC, "Coda"}, {NCP_SUPER_MAGIC, "NCP"},   {0x0BD00BD0, "Lustre"},
	{0x47504653, "GPFS"},       {0x01161970, "GFS2"},       {0x7461636F, "OCFS2"},
	{0x19830326, "BeeGFS"},     {0x013111A8, "IBRIX"},
};

const char *folder_network_name(unsigned long type)
{
	for (size_t i = 0; i < sizeof network / sizeof *network; i++)
		if (network[i].type == type)
			return network[i].name;
	return NULL;
}

static int make_folder(const char *folder, struct err *e)
{
	if (mkdir(folder, FOLDER_MODE & 0777) < 0)
		return errno == EEXIST ? 0
				       : err_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_ENV, errno,
						       "store %s", folder);
	if (chmod(folder, FOLDER_MODE) < 0)
		return err_set_errno(e, ERR_ENV, errno, "store %s", folder);
	return 0;
}

static int stat_system(const char *folder, bool create, struct statfs *system, struct err *e)
{
	if (statfs(folder, system) == 0)
		return 0;
	if (errno != ENOENT)
		return err_set_errno(e, ERR_ENV, errno, "store %s", folder);
	if (!create)
		return err_set(e, ERR_ENV, "store %s: does not exist: run vmsnap first", folder);
	int made = make_folder(folder, e);
	if (made < 0)
		return made;
	if (statfs(folder, system) < 0)
		return err_set_errno(e, ERR_ENV, errno, "store %s", folder);
	return 0;
}

int folder_open(const char *folder, bool create, int *fd, struct err *e)
{
	struct statfs system;

	if (folder[0] != '/')
		return err_set(e, ERR_USAGE, "store '%s': an absolute path expected", folder);
	/* Asked first: on a network file system the rest may hang. */
	int result = stat_system(folder, create, &system, e);
	if (result < 0)
		return result;
	const char *name = folder_network_name((unsigned long)system.f_type & 0xFFFFFFFF);
	if (name)
		return err_set(e, ERR_ENV, "store %s: lies on a network file system (%s): a local disk expected",
			       folder, name);
	int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (opened < 0)
		return err_set_errno(e, ERR_ENV, errno, "store %s%s", folder,
				     errno == EACCES ? ": only members of its group (vmroll) may use it" : "");
	*fd = opened;
	return 0;
}

int folder_open_file(int folder_fd, const char *name, unsigned mode, int *fd, struct err *e)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int opened = openat(folder_fd, name, flags | O_CREAT | O_EXCL, mode);

	if (opened >= 0 && fchmod(opened, mode) < 0) {
		err_set_errno(e, ERR_ENV, errno, "%s", name);
		close(opened);
		return ERR_ENV;
	}
	if (opened < 0 && errno == EEXIST)
		opened = openat(folder_fd, name, flags);
	if (opened < 0)
		return err_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_ENV, errno, "%s", name);
	*fd = opened;
	return 0;
}
