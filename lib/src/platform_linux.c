/* SPDX-License-Identifier: MIT */
/*
 * Floor 1: Linux, but for its memory: clock, locks that tell who lives, futexes, watching names.
 * platform.h says what each function promises, this file how Linux keeps the promise.
 */
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "log.h"
#include "platform_cancel.h"

/* Lock bytes lie beyond any data, so that they never meet a lock that a tool puts on the data. */
#define LOCK_SPACE ((off_t)1 << 40)

/* Signals interrupt the generator only before it is seeded, early in the life of the machine. */
#define RANDOM_ATTEMPTS 100

/* ---- Time ------------------------------------------------------------------------------ */

int64_t fri_clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t fri_deadline_from(int64_t start_ns, int64_t timeout_ns)
{
    if (timeout_ns < 0 || timeout_ns > INT64_MAX - start_ns)
        return INT64_MAX;
    return start_ns + timeout_ns;
}

int64_t fri_deadline(int64_t timeout_ns)
{
    return fri_deadline_from(fri_clock_now(), timeout_ns);
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

bool fri_lock_is_held_whole(int fd, uint32_t first, uint32_t count)
{
    struct flock lock = lock_range(first, count);

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_len >= count;
}

/* ---- Waiting --------------------------------------------------------------------------- */

void fri_yield(void)
{
    sched_yield();
}

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
    if (watch->fd >= 0 && inotify_add_watch(watch->fd, FRI_SHM_DIRECTORY, events) < 0)
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
    int before = fri_hold_cancellation();

    watch_wait(watch, timeout_ns);
    fri_restore_cancellation(before);
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
    int before = fri_hold_cancellation();
    uint64_t number = 0;

    for (int i = 0; i < RANDOM_ATTEMPTS && number == 0; i++) {
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            number = 0;
    }
    fri_restore_cancellation(before);
    /* Where a filter of system calls keeps the generator from us, time and process tell apart. */
    return number ? number : (uint64_t)fri_clock_now() << 20 | 1 | (uint64_t)getpid() << 1;
}

uint32_t fri_process(void)
{
    return (uint32_t)getpid();
}

void fri_program(char name[16])
{
    if (prctl(PR_GET_NAME, name) < 0)
        name[0] = 0;
}
