/* SPDX-License-Identifier: MIT */
/*
 * Floor 1: Linux. The only file of the library that includes its headers; platform.h says what each
 * function promises, this file how Linux keeps the promise.
 */
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "log.h"

#define SHM_DIRECTORY "/dev/shm"

/* Lock bytes lie beyond any data, so that they never meet a lock that a tool puts on the data. */
#define LOCK_SPACE ((off_t)1 << 40)

/* With signals blocked nothing should interrupt at all; a debugger may. */
#define ALLOCATION_ATTEMPTS 1000

#define ALLOCATION_STEP (INT64_C(16) << 20)

/* Signals interrupt the generator only before it is seeded, early in the life of the machine. */
#define RANDOM_ATTEMPTS 100

/* ---- Cancellation ---------------------------------------------------------------------- */

/*
 * A thread that was cancelled in the middle of the library would leave its descriptors, memory and
 * locks behind. So no function is a cancellation point: all calls here that are one stand between
 * these two, and the thread ends after it has left the library.
 */
static int hold_cancellation(void)
{
    int before = PTHREAD_CANCEL_ENABLE;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static void restore_cancellation(int before)
{
    pthread_setcancelstate(before, NULL);
}

static int open_file(const char *path, int flags)
{
    int before = hold_cancellation();
    int file = open(path, flags | O_CLOEXEC, 0600);

    restore_cancellation(before);
    return file;
}

/* ---- Time ------------------------------------------------------------------------------ */

int64_t fri_clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t fri_deadline(int64_t timeout_ns)
{
    if (timeout_ns < 0)
        return INT64_MAX;
    int64_t now = fri_clock_now();
    return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

int64_t fri_remaining(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return INT64_MAX;
    int64_t rest = deadline_ns - fri_clock_now();
    return rest > 0 ? rest : 0;
}

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* ---- Files of shared memory ------------------------------------------------------------ */

uint32_t fri_user(void)
{
    return geteuid();
}

void fri_path_make(uint32_t user, const char *name, char path[FRI_PATH_SIZE])
{
    snprintf(path, FRI_PATH_SIZE, SHM_DIRECTORY "/framering.%u.%s", user, name);
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

    if (statvfs(SHM_DIRECTORY, &shm) == 0)
        available = (uint64_t)shm.f_bavail * shm.f_frsize;
    return fri_fail(FR_ENOSPC,
                    SHM_DIRECTORY " has %llu MB free, this needs %llu MB "
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
    if (statvfs(SHM_DIRECTORY, &shm) < 0 || shm.f_blocks == 0)
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
        return fri_fail(FR_EACCES, "cannot write to " SHM_DIRECTORY " (is it mounted read-only?)");
    if (error == -ENOENT || error == -EOPNOTSUPP)
        return fri_fail(error,
                        SHM_DIRECTORY " is not a tmpfs (mount -t tmpfs tmpfs " SHM_DIRECTORY ")");
    return fri_fail(error, "cannot make a file in " SHM_DIRECTORY ": %s", fr_strerror(error));
}

int fri_file_create(uint64_t size, uint32_t mode, int *fd)
{
    int error = check_file_limit(size);

    if (error == 0)
        error = check_room(size);
    if (error < 0)
        return error;
    int file = open_file(SHM_DIRECTORY, O_TMPFILE | O_RDWR);
    if (file < 0)
        return fail_create(-errno);
    error = allocate(file, size);
    /* fchmod, because the umask is about files, not about who may watch a stream. */
    if (error == 0 && fchmod(file, (mode_t)mode) < 0)
        error = -errno;
    if (error == 0) {
        *fd = file;
        return 0;
    }
    fri_file_close(file);
    if (error == -ENOSPC || error == -EFBIG || error == -EDQUOT)
        return fail_no_space(size);
    return fail_create(error);
}

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
    return -errno;
}

int fri_file_reopen(int fd, bool writable, int *out)
{
    char path[FRI_PATH_SIZE];

    proc_path(fd, path);
    int file = open_file(path, flags_of(writable));
    if (file < 0)
        return fri_fail(-errno, "cannot open the memory again: %s (is /proc mounted?)",
                        fr_strerror(-errno));
    *out = file;
    return 0;
}

void fri_file_close(int fd)
{
    int before = hold_cancellation();

    close(fd);
    restore_cancellation(before);
}

static void fill_info(const struct stat *from, struct fri_file_info *info)
{
    *info = (struct fri_file_info){
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = (uint64_t)from->st_size,
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
    int before = hold_cancellation();
    ssize_t count;

    do {
        count = pread(fd, buffer, size, 0);
    } while (count < 0 && errno == EINTR);
    restore_cancellation(before);
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
    *out = address;
    return 0;
}

void fri_unmap(void *address, uint64_t size)
{
    munmap(address, size);
}

/* ---- Liveness -------------------------------------------------------------------------- */

static struct flock lock_range(uint32_t first, uint32_t count)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_SPACE + first, .l_len = count
    };
}

/* Without waiting; some file systems let a signal interrupt even that. */
static bool set_lock(int fd, short type, uint32_t first, uint32_t count)
{
    struct flock lock = lock_range(first, count);
    int result;

    lock.l_type = type;
    do {
        result = fcntl(fd, F_OFD_SETLK, &lock);
    } while (result < 0 && errno == EINTR);
    return result == 0;
}

bool fri_lock_try(int fd, uint32_t first, uint32_t count)
{
    return set_lock(fd, F_WRLCK, first, count);
}

bool fri_lock_share(int fd, uint32_t byte)
{
    return set_lock(fd, F_RDLCK, byte, 1);
}

void fri_lock_drop(int fd, uint32_t byte)
{
    set_lock(fd, F_UNLCK, byte, 1);
}

bool fri_lock_is_held(int fd, uint32_t first, uint32_t count)
{
    struct flock lock = lock_range(first, count);

    /* When the kernel cannot say, "alive" is the answer that does no harm. */
    return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* ---- Waiting --------------------------------------------------------------------------- */

void fri_futex_wait(fri_word32 *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec timeout = to_timespec(timeout_ns);

    syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0);
}

void fri_futex_wake_all(fri_word32 *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void fri_watch_open(struct fri_watch *watch)
{
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;

    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd >= 0 && inotify_add_watch(watch->fd, SHM_DIRECTORY, events) < 0)
        fri_watch_close(watch);
    if (watch->fd < 0)
        fri_log(FR_LOG_INFO, "no inotify watch left: looking for names every 50 ms instead");
}

static void drain(int fd)
{
    char buffer[4096];

    while (read(fd, buffer, sizeof buffer) > 0)
        continue;
}

static void watch_wait(struct fri_watch *watch, int64_t timeout_ns)
{
    if (watch->fd < 0) {
        struct timespec nap = to_timespec((int64_t)fri_min((uint64_t)timeout_ns, FR_MS(50)));

        nanosleep(&nap, NULL);
        return;
    }
    struct timespec timeout = to_timespec(timeout_ns);
    struct pollfd poll_fd = { .fd = watch->fd, .events = POLLIN };
    if (ppoll(&poll_fd, 1, &timeout, NULL) > 0)
        drain(watch->fd);
}

void fri_watch_wait(struct fri_watch *watch, int64_t timeout_ns)
{
    int before = hold_cancellation();

    watch_wait(watch, timeout_ns);
    restore_cancellation(before);
}

void fri_watch_close(struct fri_watch *watch)
{
    if (watch->fd >= 0)
        fri_file_close(watch->fd);
    watch->fd = -1;
}

/* ---- Odds and ends --------------------------------------------------------------------- */

uint64_t fri_random(void)
{
    int before = hold_cancellation();
    uint64_t number = 0;

    for (int i = 0; i < RANDOM_ATTEMPTS && number == 0; i++) {
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            number = 0;
    }
    restore_cancellation(before);
    /* Where a filter of system calls keeps the generator from us, time and process tell apart. */
    return number ? number : (uint64_t)fri_clock_now() << 20 | 1 | (uint64_t)getpid() << 1;
}

uint32_t fri_process(void)
{
    return (uint32_t)getpid();
}
