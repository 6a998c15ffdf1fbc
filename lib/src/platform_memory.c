/* SPDX-License-Identifier: MIT */
/*
 * Floor 1: shared memory as Linux gives it: files of /dev/shm, with and without a name, allocated,
 * opened again, mapped. platform.h says what each function promises.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base.h"
#include "platform.h"
#include "platform_cancel.h"

/* With signals blocked nothing should interrupt at all; a debugger may. */
#define ALLOCATION_ATTEMPTS 1000

/* Of Linux 6.3, and not known to the C library of Debian 12: memory that no program is run from. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

/* Of Linux 5.14, and not known to older C libraries. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define ALLOCATION_STEP (INT64_C(16) << 20)

static int open_file(const char *path, int flags)
{
    int before = fri_hold_cancellation();
    int file = open(path, flags | O_CLOEXEC, 0600);

    fri_restore_cancellation(before);
    return file;
}

/* ---- Names -------------------------------------------------------------------------------- */

uint32_t fri_user(void)
{
    return geteuid();
}

void fri_path_make(uint32_t user, const char *name, char path[FRI_PATH_SIZE])
{
    snprintf(path, FRI_PATH_SIZE, FRI_SHM_DIRECTORY "/framering.%u.%s", user, name);
}

/* The user and the name in "framering.UID.NAME"; false if that is not what it says. */
static bool parse_file_name(const char *file, uint32_t *user, const char **name)
{
    static const char prefix[] = "framering.";
    char *end;

    if (strncmp(file, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *digits = file + sizeof prefix - 1;
    unsigned long number = strtoul(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || number > UINT32_MAX || *end != '.')
        return false;
    *user = (uint32_t)number;
    *name = end + 1;
    return true;
}

static int list(DIR *directory, int (*fn)(void *, uint32_t, const char *), void *context)
{
    int result = 0;

    for (;;) {
        errno = 0;
        /* Each has its own directory stream. NOLINTNEXTLINE(concurrency-mt-unsafe) */
        const struct dirent *entry = readdir(directory);
        const char *name;
        uint32_t user;

        if (!entry)
            return -errno;
        if (parse_file_name(entry->d_name, &user, &name))
            result = fn(context, user, name);
        if (result != 0)
            return result;
    }
}

int fri_path_list(int (*fn)(void *context, uint32_t user, const char *name), void *context)
{
    int before = fri_hold_cancellation();
    DIR *directory = opendir(FRI_SHM_DIRECTORY);
    int result = directory ? list(directory, fn, context) : -errno;

    if (directory)
        closedir(directory);
    fri_restore_cancellation(before);
    return result;
}

static void proc_path(int fd, char path[FRI_PATH_SIZE])
{
    snprintf(path, FRI_PATH_SIZE, "/proc/self/fd/%d", fd);
}

static uint64_t megabytes(uint64_t bytes)
{
    return (bytes + (UINT64_C(1) << 20) - 1) >> 20;
}

static int fail_no_space(uint64_t size)
{
    struct statvfs shm;
    uint64_t available = 0;

    if (statvfs(FRI_SHM_DIRECTORY, &shm) == 0)
        available = (uint64_t)shm.f_bavail * shm.f_frsize;
    return fri_fail(FR_ENOSPC,
                    FRI_SHM_DIRECTORY " has %llu MB free, this needs %llu MB "
                                      "(docker: --shm-size=%llum; mount -o remount,size=…)",
                    (unsigned long long)(available >> 20), (unsigned long long)megabytes(size),
                    (unsigned long long)(4 * megabytes(size)));
}

/*
 * Looking before allocating, because what cannot succeed would first fill /dev/shm to the brim, and
 * make everybody else on the machine fail. A tmpfs without a limit has no blocks.
 */
static int check_room(uint64_t size)
{
    struct statvfs shm;

    if (size > INT64_MAX)
        return fail_no_space(size);
    if (statvfs(FRI_SHM_DIRECTORY, &shm) < 0 || shm.f_blocks == 0)
        return 0;
    return size > (uint64_t)shm.f_bavail * shm.f_frsize ? fail_no_space(size) : 0;
}

/* Beyond this limit the kernel would kill us with SIGXFSZ rather than return an error. */
static int check_file_limit(uint64_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        size > limit.rlim_cur)
        return fri_fail(FR_ENOSPC,
                        "files are limited to %llu MB here, this needs %llu MB (ulimit -f)",
                        (unsigned long long)limit.rlim_cur >> 20,
                        (unsigned long long)megabytes(size));
    return 0;
}

/*
 * In steps and with signals blocked, because kernels before 6.2 give up the whole allocation when
 * a signal comes, so that a timer faster than the allocation would keep it from ever finishing.
 */
static int allocate(int fd, uint64_t size)
{
    sigset_t all;
    sigset_t before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (uint64_t done = 0; done < size && error == 0; done += ALLOCATION_STEP) {
        uint64_t step = fri_min(ALLOCATION_STEP, size - done);

        error = EINTR;
        for (int i = 0; i < ALLOCATION_ATTEMPTS && error == EINTR; i++)
            error = posix_fallocate(fd, (off_t)done, (off_t)step);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

static int fail_create(int error)
{
    if (error == -EACCES || error == -EROFS)
        return fri_fail(FR_EACCES,
                        "cannot write to " FRI_SHM_DIRECTORY " (is it mounted read-only?)");
    if (error == -ENOENT || error == -EOPNOTSUPP)
        return fri_fail(error, FRI_SHM_DIRECTORY
                        " is not a tmpfs (mount -t tmpfs tmpfs " FRI_SHM_DIRECTORY ")");
    return fri_fail(error, "cannot make a file in " FRI_SHM_DIRECTORY ": %s", fr_strerror(error));
}

/* Makes a new file what was asked for: 0 and *fd, or what the system said, and the file is closed. */
static int complete(int file, uint64_t size, uint32_t mode, int *fd)
{
    int error = allocate(file, size);

    /* fchmod, because the umask is about files, not about who may watch a stream. */
    if (error == 0 && fchmod(file, (mode_t)mode) < 0)
        error = -errno;
    if (error == 0)
        *fd = file;
    else
        fri_file_close(file);
    return error;
}

int fri_file_create(uint64_t size, uint32_t mode, int *fd)
{
    int error = check_file_limit(size);

    if (error == 0)
        error = check_room(size);
    if (error < 0)
        return error;
    int file = open_file(FRI_SHM_DIRECTORY, O_TMPFILE | O_RDWR);
    if (file < 0)
        return fail_create(-errno);
    error = complete(file, size, mode, fd);
    if (error == -ENOSPC || error == -EFBIG || error == -EDQUOT)
        return fail_no_space(size);
    return error < 0 ? fail_create(error) : 0;
}

/* ---- Memory without a name ----------------------------------------------------------------- */

static int fail_no_memory(uint64_t size)
{
    return fri_fail(FR_ENOMEM, "there are no %llu MB of memory left",
                    (unsigned long long)megabytes(size));
}

static int open_memory(void)
{
    int file = memfd_create("framering", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (file < 0 && errno == EINVAL)
        file = memfd_create("framering", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return file;
}

int fri_memory_create(uint64_t size, uint32_t mode, int *fd)
{
    if (size > INT64_MAX)
        return fail_no_memory(size);
    int error = check_file_limit(size);
    if (error < 0)
        return error;
    int file = open_memory();
    if (file < 0)
        return fri_fail(-errno, "cannot make a memfd: %s", fr_strerror(-errno));
    error = complete(file, size, mode, fd);
    if (error == -ENOSPC || error == -EFBIG || error == -ENOMEM)
        return fail_no_memory(size);
    return error < 0 ? fri_fail(error, "cannot allocate a memfd: %s", fr_strerror(error)) : 0;
}

int fri_memory_seal(int fd, bool for_reading_only)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    if (for_reading_only)
        seals |= F_SEAL_FUTURE_WRITE;
    if (fcntl(fd, F_ADD_SEALS, seals) < 0)
        return fri_fail(-errno, "cannot seal a memfd: %s (Linux 5.1 or later?)",
                        fr_strerror(-errno));
    return 0;
}

struct fri_memory_info fri_memory_info(int fd)
{
    struct statfs system;
    int seals = fcntl(fd, F_GET_SEALS);
    int flags = fcntl(fd, F_GETFL);

    /* Huge pages of a stranger's may run out when they are touched, so they are no memory to us. */
    if (seals < 0 || flags < 0 || fstatfs(fd, &system) < 0 || system.f_type != TMPFS_MAGIC)
        return (struct fri_memory_info){ 0 };
    return (struct fri_memory_info){
        .is_memory = true,
        .keeps_size = seals & F_SEAL_SHRINK,
        .is_for_reading = seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE),
        .is_writable = (flags & O_ACCMODE) == O_RDWR,
    };
}

/* ---- Files ----------------------------------------------------------------------------------- */

int fri_file_name(int fd, const char *path)
{
    char source[FRI_PATH_SIZE];

    proc_path(fd, source);
    if (linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    return errno == EEXIST ? FR_EEXIST : fail_create(-errno);
}

static int flags_of(bool writable)
{
    return writable ? O_RDWR : O_RDONLY;
}

int fri_file_open(const char *path, bool writable, int *fd)
{
    /* O_NONBLOCK: whoever put a FIFO under the name must not make us wait for him. */
    int file = open_file(path, flags_of(writable) | O_NOFOLLOW | O_NONBLOCK);

    if (file >= 0) {
        *fd = file;
        return 0;
    }
    if (errno == ELOOP || errno == EISDIR || errno == ENXIO)
        return FR_EFOREIGN;
    return errno == EROFS ? FR_EACCES : -errno;
}

int fri_file_reopen(int fd, bool writable, int *out)
{
    char path[FRI_PATH_SIZE];

    proc_path(fd, path);
    int file = open_file(path, flags_of(writable));
    if (file < 0)
        return fri_fail(-errno,
                        "cannot open the memory again: %s (is /proc mounted? does .mode allow it?)",
                        fr_strerror(-errno));
    *out = file;
    return 0;
}

void fri_file_close(int fd)
{
    int before = fri_hold_cancellation();

    close(fd);
    fri_restore_cancellation(before);
}

static void fill_info(const struct stat *from, struct fri_file_info *info)
{
    *info = (struct fri_file_info){
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = (uint64_t)from->st_size,
        .allocated = (uint64_t)from->st_blocks * 512, /* the unit of st_blocks, see stat(3) */
        .uid = from->st_uid,
        .mode = from->st_mode & 0777,
        .is_regular = S_ISREG(from->st_mode),
    };
}

int fri_file_info(int fd, struct fri_file_info *info)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    fill_info(&status, info);
    return 0;
}

int fri_path_info(const char *path, struct fri_file_info *info)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return -errno;
    fill_info(&status, info);
    return 0;
}

int fri_path_remove(const char *path)
{
    return unlink(path) == 0 ? 0 : -errno;
}

bool fri_file_read(int fd, void *buffer, size_t size)
{
    int before = fri_hold_cancellation();
    ssize_t count;

    do {
        count = pread(fd, buffer, size, 0);
    } while (count < 0 && errno == EINTR);
    fri_restore_cancellation(before);
    return count >= 0 && (size_t)count == size;
}

int fri_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload, void **out)
{
    int protection = PROT_READ | (writable ? PROT_WRITE : 0);
    void *address = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)offset);

    if (address == MAP_FAILED)
        return fri_fail(-errno, "cannot map %llu MB: %s", (unsigned long long)megabytes(size),
                        fr_strerror(-errno));
    if (madvise(address, size, MADV_DONTFORK) < 0 ||
        (is_payload && madvise(address, size, MADV_DONTDUMP) < 0)) {
        int error = -errno;

        munmap(address, size);
        return fri_fail(error, "cannot keep the memory from child processes: %s",
                        fr_strerror(error));
    }
    /* Where the administrator lets shared memory ask for huge pages. */
    if (is_payload)
        madvise(address, size, MADV_HUGEPAGE);
    *out = address;
    return 0;
}

void fri_touch(void *address, uint64_t size, bool writable)
{
    madvise(address, size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

void fri_unmap(void *address, uint64_t size)
{
    munmap(address, size);
}
