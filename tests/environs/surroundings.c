/* SPDX-License-Identifier: MIT */
/*
 * Systems that lack something: /dev/shm is missing, read-only, without programs, without a file to
 * spare, /proc is not mounted, no memory may be locked. What cannot work fails with a code and a
 * sentence that names the cause, and leaves nothing; what can work works.
 *
 * usage: environs_surroundings
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "environs.h"

#define NAME "surroundings"

static int make_ring(const char *name, struct fr_writer **writer)
{
    return fr_writer_create(name, &fr_writer_opts(.slot_size = 1000, .slots = 4, .observers = 1),
                            writer);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Making a ring and a region comes to that code, with this in its sentence, and leaves nothing. */
static void expect_refusal(int code, const char *cause)
{
    struct fr_writer *writer;
    struct fr_region *region;
    int descriptors = open_descriptors();

    int error = make_ring(NAME, &writer);
    env_expect_code("ring", error, code);
    env_expect(strstr(fr_error_detail(error), cause), "no \"%s\" in: %s", cause,
               fr_error_detail(error));
    env_expect_code("region", fr_region_create(NAME, 100, NULL, &region), code);
    env_expect(!writer && !region, "a handle although it failed");
    env_expect(open_descriptors() == descriptors, "descriptors are left");
    env_expect(env_names(NAME) == 0, "a name is left");
}

static void exchange(struct fr_writer *writer, struct fr_reader *reader)
{
    const struct fr_slot *got;

    env_expect_code("write", fr_writer_write(writer, "item", 5, FR_NOWAIT), 0);
    if (env_expect_code("read", fr_reader_acquire(reader, FR_NEXT, FR_S(1), &got), 0)) {
        env_expect(memcmp(got->data, "item", 5) == 0, "another item");
        fr_reader_release(&got);
    }
}

static int work_as_ever(void *unused)
{
    struct fr_writer *writer;
    struct fr_reader *reader;

    (void)unused;
    if (!env_expect_code("create", make_ring(NAME, &writer), 0))
        return 1;
    for (int observe = 0; observe < 2; observe++) {
        const struct fr_reader_opts opts = fr_reader_opts(.observe = observe);

        if (!env_expect_code("open", fr_reader_open(NAME, &opts, FR_NOWAIT, &reader), 0))
            continue;
        exchange(writer, reader);
        fr_reader_close(&reader);
    }
    fr_writer_close(&writer);
    env_expect(env_names(NAME) == 0, "a name is left");
    return 0;
}

static int without_shm(void *unused)
{
    struct fr_reader *reader;
    struct fr_info info = fr_info();

    (void)unused;
    if (!env_expect(mount("tmpfs", "/dev", "tmpfs", 0, "size=64k") == 0, "cannot mount"))
        return 1;
    expect_refusal(FR_ENOENT, "tmpfs");
    env_expect_code("inspect", fr_inspect(NAME, &info), FR_ENOENT);
    int64_t start = fr_now_ns();
    env_expect_code("open", fr_reader_open(NAME, NULL, FR_MS(120), &reader), FR_ENOENT);
    int64_t took = fr_now_ns() - start;
    env_expect(took >= FR_MS(120) && took < FR_MS(1120), "waited %lld ms of 120",
               (long long)(took / 1000000));
    env_expect_code("unlink", fr_unlink(NAME), FR_ENOENT);
    return 0;
}

static int with_read_only_shm(void *unused)
{
    (void)unused;
    if (!env_expect(mount("tmpfs", "/dev/shm", "tmpfs", MS_RDONLY, "size=1m") == 0, "cannot mount"))
        return 1;
    expect_refusal(FR_EACCES, "read-only");
    return 0;
}

/* As a container may have it: the writer is outside, and here one can only look. */
static int look_from_a_container(void *unused)
{
    struct fr_writer *second;
    struct fr_writer *writer;
    struct fr_reader *reader;

    (void)unused;
    if (!env_expect_code("create", make_ring(NAME, &writer), 0) ||
        !env_expect(mount("/dev/shm", "/dev/shm", NULL, MS_BIND, NULL) == 0 &&
                        mount(NULL, "/dev/shm", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0,
                    "cannot bind"))
        return 1;
    env_expect_code("member", fr_reader_open(NAME, NULL, FR_NOWAIT, &reader), FR_EACCES);
    env_expect_code("second writer", fr_writer_open(NAME, FR_NOWAIT, &second), FR_EACCES);
    if (env_expect_code("observer",
                        fr_reader_open(NAME, &fr_reader_opts(.observe = 1), FR_NOWAIT, &reader),
                        0)) {
        for (int i = 0; i < 20; i++)
            exchange(writer, reader);
        fr_reader_close(&reader);
    }
    env_expect_code("unlink", fr_unlink(NAME), -EROFS);
    env_unmount_shm();
    fr_writer_close(&writer);
    env_expect(env_names(NAME) == 0, "a name is left");
    return 0;
}

static int without_programs_or_devices(void *unused)
{
    unsigned long flags = MS_NOEXEC | MS_NOSUID | MS_NODEV | MS_NOATIME;

    if (!env_expect(mount("tmpfs", "/dev/shm", "tmpfs", flags, "size=1m") == 0, "cannot mount"))
        return 1;
    return work_as_ever(unused);
}

/* One inode is the directory itself. */
static int without_a_file_to_spare(void *unused)
{
    (void)unused;
    if (!env_expect(env_mount_shm("size=1m,nr_inodes=1"), "cannot mount"))
        return 1;
    expect_refusal(FR_ENOSPC, "/dev/shm");
    env_unmount_shm();
    return 0;
}

static int without_proc(void *unused)
{
    (void)unused;
    if (!env_expect(mount("tmpfs", "/proc", "tmpfs", 0, "size=64k") == 0, "cannot mount"))
        return 1;
    expect_refusal(FR_ENOENT, "/proc");
    return 0;
}

static int without_locked_memory(void *unused)
{
    const struct rlimit none = { 0, 0 };

    if (!env_expect(setrlimit(RLIMIT_MEMLOCK, &none) == 0, "cannot limit"))
        return 1;
    return work_as_ever(unused);
}

/* Standard input, output and error, and five more: enough for a ring and a reader at a time. */
static int with_eight_descriptors(void *unused)
{
    const struct rlimit eight = { 8, 8 };

    if (!env_expect(setrlimit(RLIMIT_NOFILE, &eight) == 0, "cannot limit"))
        return 1;
    return work_as_ever(unused);
}

int main(void)
{
    static const struct {
        const char *name;
        int (*work)(void *);
    } all[] = {
        { "as ever", work_as_ever },
        { "without /dev/shm", without_shm },
        { "with a read-only /dev/shm", with_read_only_shm },
        { "from where /dev/shm is read-only", look_from_a_container },
        { "without programs or devices", without_programs_or_devices },
        { "without a file to spare", without_a_file_to_spare },
        { "without /proc", without_proc },
        { "without locked memory", without_locked_memory },
        { "with eight descriptors", with_eight_descriptors },
    };

    if (!env_own_mounts() || !env_mount_shm("size=4m,mode=1777"))
        env_skip("environs_surroundings", "may not mount (needs root, or user namespaces)");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        /* What one of them mounts must not be there for the next. */
        int status = env_wait(env_start_in(CLONE_NEWNS, 0, all[i].work, NULL));

        env_expect(status == 0, "%s: status %d", all[i].name, status);
        env_expect(env_shm_used() == 0, "%s: something is left", all[i].name);
    }
    return env_end("environs_surroundings");
}
