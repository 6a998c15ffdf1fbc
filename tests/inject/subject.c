/* SPDX-License-Identifier: MIT */
/*
 * For inject.sh, which makes the system calls of this program fail, one at a time: uses all of the
 * library between two calls of getppid that stand as marks in a trace, judges each result, and looks
 * whether anything is left over. Then does it all again, which must succeed if the failure was one
 * that passes.
 *
 * usage: subject [once|for-ever [ERRNO]]   which results may come; without, all must succeed
 *        subject alloc                     makes each allocation fail in turn, by itself
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <framering/framering.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alloc.h"

#define MAX_DESCRIPTORS 64
#define COPY_SIZE (1 << 20)

static int injected; /* the errno that may come through; 0: everything must succeed */
static bool may_fail;
static int bad;

static char ring_name[65];
static char region_name[65];
static char dead_name[65];
static char no_name[65];

static uint8_t dead_object[COPY_SIZE];
static size_t dead_size;
static int maps_fd;

/* ---- Judging ---------------------------------------------------------------------------------- */

static void complain(const char *what, int code)
{
    fprintf(stderr, "subject: %s: %d (%s: %s)\n", what, code, fr_errname(code),
            fr_error_detail(code));
    bad++;
}

/*
 * Whether it succeeded. Without an injected failure it comes to what is expected; with one also to
 * one of the codes that the function lists, or to the system's errno.
 */
static bool judge(const char *what, int code, int expected, ...)
{
    va_list allowed;
    bool known = code == FR_ENOMEM || code == 0 || (injected != 0 && code == -injected);

    va_start(allowed, expected);
    for (int next = va_arg(allowed, int); next != 0; next = va_arg(allowed, int))
        known |= code == next;
    va_end(allowed);
    if (code != expected && !(may_fail && known))
        complain(what, code);
    return code == 0;
}

/* What has no system call that it would depend on cannot fail. */
static void must(const char *what, int code)
{
    if (code < 0)
        complain(what, code);
}

/* ---- What is used ----------------------------------------------------------------------------- */

#define CREATE_CODES 0, FR_EEXIST, FR_EFOREIGN, FR_ENOSPC, FR_EACCES, FR_EBUSY, FR_ENOTSUP, 0
#define OPEN_CODES                                                                                 \
    FR_ENOENT, FR_EACCES, FR_EFOREIGN, FR_EBUSY, FR_EOWNERDEAD, FR_ENOTSUP, FR_ECORRUPT, 0

static void exchange(struct fr_writer *writer, struct fr_writer *second, struct fr_reader *reader)
{
    struct fr_stats stats = fr_stats();
    const struct fr_frame *got;
    const struct fr_slot *item;
    struct fr_frame *frame;
    struct fr_slot *slot;

    /* Where locks cannot be asked for, every slot may be held: then there is none to be had. */
    judge("write", fr_writer_write(writer, "item", 5, FR_NOWAIT), 0, FR_ETIMEDOUT, 0);
    if (second && fr_writer_acquire(second, FR_MS(1), &slot) == 0) {
        slot->used = 5;
        must("publish", fr_writer_publish(&slot));
    }
    int error = fr_frame_acquire(writer, 16, 16, FR_FORMAT_NV12, FR_MS(1), &frame);
    if (judge("frame", error, 0, FR_ETIMEDOUT, 0))
        must("publish frame", fr_frame_publish(&frame));
    if (!reader)
        return;
    while (fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &item) == 0)
        fr_reader_release(&item);
    judge("write", fr_writer_write(writer, "last", 5, FR_NOWAIT), 0, FR_ETIMEDOUT, 0);
    judge("read", fr_reader_acquire(reader, FR_LATEST, FR_MS(1), &item), 0, FR_ETIMEDOUT, 0);
    fr_reader_release(&item);
    judge("wait", fr_frame_wait(reader, FR_NEXT, FR_MS(2), &got), FR_ETIMEDOUT, 0);
    fr_reader_stats(reader, &stats);
}

static void use_ring(void)
{
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = 16384, .slots = 4, .overflow = FR_DROP_OLDEST, .observers = 1);
    struct fr_info info = fr_info();
    struct fr_writer *writer = NULL;
    struct fr_writer *second = NULL;
    struct fr_reader *reader = NULL;
    struct fr_reader *observer = NULL;
    int fd;

    if (!judge("create", fr_writer_create(ring_name, &opts, &writer), CREATE_CODES))
        return;
    judge("join", fr_writer_open(ring_name, FR_NOWAIT, &second), 0, OPEN_CODES);
    judge("open", fr_reader_open(ring_name, NULL, FR_NOWAIT, &reader), 0, OPEN_CODES);
    judge("observe", fr_reader_open(ring_name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer),
          0, OPEN_CODES);
    exchange(writer, second, reader);
    judge("inspect", fr_inspect(ring_name, &info), 0, FR_ENOENT, FR_EACCES, FR_EFOREIGN, 0);
    if (judge("memory", fr_writer_fd(writer, FR_READ_WRITE, &fd), 0, FR_EACCES, 0))
        close(fd);
    fr_reader_close(&observer);
    fr_reader_close(&reader);
    fr_writer_close(&second);
    fr_writer_close(&writer);
}

static void use_region(void)
{
    struct fr_region *owner = NULL;
    struct fr_region *guest = NULL;
    struct fr_region *only_reads = NULL;
    uint64_t value = 1;

    if (!judge("create array", fr_array_create(region_name, 100, 8, NULL, &owner), CREATE_CODES))
        return;
    judge("open region", fr_region_open(region_name, FR_READ_WRITE, FR_NOWAIT, &guest), 0,
          OPEN_CODES);
    judge("open array", fr_array_open(region_name, 8, FR_READ_ONLY, FR_NOWAIT, &only_reads), 0,
          OPEN_CODES);
    bool locked = judge("lock", fr_region_lock(owner, FR_EXCLUSIVE, FR_NOWAIT), 0, FR_EBUSY, 0);
    if (guest && locked)
        judge("lock of a guest", fr_region_lock(guest, FR_SHARED, FR_MS(12)), FR_ETIMEDOUT,
              FR_EBUSY, FR_EOWNERDEAD, 0);
    must("set", fr_array_set(owner, 3, 1, &value));
    if (locked)
        must("unlock", fr_region_unlock(owner));
    if (guest)
        judge("status", fr_region_status(guest), 0, FR_EOWNERDEAD, 0);
    fr_region_close(&only_reads);
    fr_region_close(&guest);
    fr_region_close(&owner);
}

/* What an owner who died has left: an object whose locks nobody holds. */
static bool leave_dead_object(void)
{
    char path[128];

    snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), dead_name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, dead_object, dead_size) == (ssize_t)dead_size;
    if (fd >= 0)
        close(fd);
    return done;
}

static void use_names(void)
{
    const struct fr_writer_opts opts = fr_writer_opts(.slot_size = 100, .slots = 2);
    struct fr_writer *writer = NULL;
    struct fr_reader *reader = NULL;
    const struct fr_slot *slot;

    if (judge("open dead", fr_reader_open(dead_name, NULL, FR_NOWAIT, &reader), 0, OPEN_CODES))
        judge("read dead", fr_reader_acquire(reader, FR_NEXT, FR_MS(20), &slot), FR_EOWNERDEAD,
              FR_ETIMEDOUT, 0);
    fr_reader_close(&reader);
    if (judge("take over", fr_writer_create(dead_name, &opts, &writer), CREATE_CODES))
        fr_writer_close(&writer);
    judge("wait for a name", fr_reader_open(no_name, NULL, FR_MS(3), &reader), OPEN_CODES);
    judge("unlink", fr_unlink(no_name), FR_ENOENT, FR_EACCES, 0);
}

static void use_everything(void)
{
    use_ring();
    use_region();
    use_names();
}

/* ---- What is left over: found by calls that the library does not make --------------------------- */

static int open_descriptors(void)
{
    struct pollfd all[MAX_DESCRIPTORS];
    int count = 0;

    for (int i = 0; i < MAX_DESCRIPTORS; i++)
        all[i] = (struct pollfd){ .fd = i };
    syscall(SYS_poll, all, MAX_DESCRIPTORS, 0);
    for (int i = 0; i < MAX_DESCRIPTORS; i++)
        count += !(all[i].revents & POLLNVAL);
    return count;
}

static int object_mappings(void)
{
    static char text[262144];
    size_t size = 0;
    ssize_t got;
    int count = 0;

    do {
        struct iovec part = { text + size, sizeof text - 1 - size };

        got = preadv(maps_fd, &part, 1, (off_t)size);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    text[size] = '\0';
    for (const char *at = strstr(text, "/dev/shm/"); at; at = strstr(at + 1, "/dev/shm/"))
        count++;
    return count;
}

static void expect_no_names(void)
{
    const char *const names[] = { ring_name, region_name, dead_name };
    char path[128];

    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), names[i]);
        if (access(path, F_OK) == 0)
            complain(names[i], FR_EEXIST);
    }
}

/* For those who come after us, where the library could not. */
static void remove_names(void)
{
    const char *const names[] = { ring_name, region_name, dead_name };
    char path[128];

    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), names[i]);
        unlinkat(AT_FDCWD, path, 0);
    }
}

static void expect_nothing_left(int descriptors, int mappings)
{
    if (open_descriptors() != descriptors)
        complain("descriptors left", open_descriptors() - descriptors);
    if (object_mappings() != mappings)
        complain("mappings left", object_mappings() - mappings);
}

/* ---- The programs ------------------------------------------------------------------------------ */

/* A prefix from the environment, so that whoever runs many of us can remove what one leaves. */
static void make_names(void)
{
    const char *prefix = getenv("INJECT_PREFIX");
    char base[32];

    snprintf(base, sizeof base, "%.16s-%d", prefix ? prefix : "inject", (int)getpid());
    snprintf(ring_name, sizeof ring_name, "%s-ring", base);
    snprintf(region_name, sizeof region_name, "%s-region", base);
    snprintf(dead_name, sizeof dead_name, "%s-dead", base);
    snprintf(no_name, sizeof no_name, "%s-none", base);
}

/* Also does once what is done only once in a process. */
static bool prepare(void)
{
    const struct fr_writer_opts opts = fr_writer_opts(.slot_size = 100, .slots = 2, .observers = 1);
    struct fr_writer *writer;
    struct fr_reader *reader;
    int fd;

    make_names();
    maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (maps_fd < 0 || fr_writer_create(dead_name, &opts, &writer) < 0 ||
        fr_reader_open(dead_name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &reader) < 0 ||
        fr_writer_fd(writer, FR_READ_WRITE, &fd) < 0)
        return false;
    fr_reader_close(&reader);
    ssize_t size = read(fd, dead_object, sizeof dead_object);
    close(fd);
    fr_writer_close(&writer);
    dead_size = size > 0 ? (size_t)size : 0;
    memset(dead_object + 512, 0, 128); /* as if it had been killed, not closed */
    return dead_size > 0 && dead_size < sizeof dead_object; /* all of it */
}

/* Whether all is well now, and the names are gone in the end. */
static bool works_again(void)
{
    int before = bad;

    leave_dead_object();
    use_everything();
    expect_no_names();
    bool is_well = bad == before;
    bad = before;
    return is_well;
}

/* One allocation after the other fails, until there is none left to fail. */
static int fail_allocations(void)
{
    int descriptors = open_descriptors();
    int mappings = object_mappings();
    unsigned number = 1;

    for (bool failed = true; failed && leave_dead_object(); number++) {
        may_fail = true;
        alloc_fail_at(number);
        use_everything();
        failed = alloc_has_failed();
        may_fail = false;
        alloc_fail_at(0);
        expect_nothing_left(descriptors, mappings);
        if (leave_dead_object())
            use_everything();
        expect_no_names();
    }
    remove_names();
    printf("alloc: %u failures injected, %d bad\n", number - 2, bad);
    return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    alarm(25); /* nothing here waits for so long: what hangs is killed, and told so */
    if (!prepare()) {
        fprintf(stderr, "subject: cannot make a ring: is /dev/shm full?\n");
        return 1;
    }
    if (strcmp(mode, "alloc") == 0)
        return fail_allocations();
    injected = argc > 2 ? atoi(argv[2]) : 0;
    may_fail = strcmp(mode, "once") == 0 || strcmp(mode, "for-ever") == 0;
    leave_dead_object();
    int descriptors = open_descriptors();
    int mappings = object_mappings();
    syscall(SYS_getppid);
    use_everything();
    syscall(SYS_getppid);
    expect_nothing_left(descriptors, mappings);
    /* Twice, because where calls depend on time the failure may come only now. */
    may_fail = false;
    if (strcmp(mode, "for-ever") != 0 && !works_again() && !works_again())
        bad++;
    remove_names();
    return bad ? 1 : 0;
}
