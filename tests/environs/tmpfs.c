/* SPDX-License-Identifier: MIT */
/*
 * /dev/shm of a hundred sizes around what an object needs: it is made, and then each of its bytes can
 * be touched, or refused with the numbers in the sentence, and then nothing is left of it. One that is
 * filled up by others after an object was made disturbs nobody who has it.
 *
 * usage: environs_tmpfs [sizes]     100
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environs.h"
#include "identity.h"

#define SLOT_SIZE 30000
#define SLOTS 7
#define NAME "tmpfs"

static uint64_t ring_need(void)
{
    struct fri_identity identity;

    (void)!fri_identity_for_ring(SLOTS, SLOT_SIZE, FR_BROADCAST, FR_DROP_OLDEST, &identity);
    return identity.total_size;
}

static int make_ring(struct fr_writer **writer)
{
    return fr_writer_create(NAME,
                            &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = SLOTS,
                                            .overflow = FR_DROP_OLDEST, .observers = 1),
                            writer);
}

/* Every byte of every slot, written and read. */
static void touch_ring(struct fr_writer *writer, uint64_t rounds)
{
    struct fr_slot *slots[SLOTS];
    const struct fr_slot *got;
    struct fr_reader *reader;
    uint64_t sum = 0;

    if (!env_expect_code("open", fr_reader_open(NAME, NULL, FR_NOWAIT, &reader), 0))
        return;
    for (int i = 0; i < SLOTS; i++) {
        if (env_expect_code("acquire", fr_writer_acquire(writer, FR_NOWAIT, &slots[i]), 0))
            memset(slots[i]->data, i, SLOT_SIZE);
    }
    for (int i = 0; i < SLOTS; i++)
        fr_writer_abort(&slots[i]);
    for (uint64_t i = 0; i < rounds; i++) {
        static uint8_t bytes[SLOT_SIZE];

        memset(bytes, (int)i, sizeof bytes);
        env_expect_code("write", fr_writer_write(writer, bytes, sizeof bytes, FR_NOWAIT), 0);
        if (env_expect_code("read", fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), 0)) {
            env_expect(memcmp(got->data, bytes, sizeof bytes) == 0, "other bytes than written");
            sum += got->sequence;
            fr_reader_release(&got);
        }
    }
    env_expect(sum == rounds * (rounds + 1) / 2, "not all items came");
    fr_reader_close(&reader);
}

static void touch_region(struct fr_region *region)
{
    memset(fr_region_data(region), 1, fr_region_size(region));
}

/* One of the two objects in a /dev/shm of that size. */
static void try_one(bool ring, uint64_t size, uint64_t need)
{
    struct fr_writer *writer = NULL;
    struct fr_region *region = NULL;
    uint64_t used = env_shm_used();
    int error = ring ? make_ring(&writer) : fr_region_create(NAME, need - FRI_PAGE, NULL, &region);

    env_expect(error == (size >= need ? 0 : FR_ENOSPC),
               "%s of %llu bytes, /dev/shm of %llu: %d (%s)", ring ? "ring" : "region",
               (unsigned long long)need, (unsigned long long)size, error, fr_error_detail(error));
    const char *detail = fr_error_detail(FR_ENOSPC);
    if (error < 0)
        env_expect(strstr(detail, "MB free") && strstr(detail, "needs"), "no numbers: %s", detail);
    env_expect(env_names(NAME) == (error == 0), "%d names", env_names(NAME));
    if (writer)
        touch_ring(writer, 20);
    if (region)
        touch_region(region);
    fr_writer_close(&writer);
    fr_region_close(&region);
    env_expect(env_names("") == 0, "a name is left");
    env_expect(env_shm_used() == used, "%llu bytes are left",
               (unsigned long long)(env_shm_used() - used));
}

static int try_size(void *argument)
{
    const uint64_t *size = argument;
    uint64_t need = ring_need();
    char options[64];

    snprintf(options, sizeof options, "size=%llu,mode=1777", (unsigned long long)*size);
    if (!env_expect(env_mount_shm(options), "cannot mount"))
        return 1;
    try_one(true, *size, need);
    try_one(false, *size, need);
    env_unmount_shm();
    return 0;
}

/* ---- Filled up afterwards ------------------------------------------------------------------------ */

/* To the last page; the number of bytes that fitted. */
static uint64_t fill_up(const char *path)
{
    static const uint8_t page[4096] = { 1 };
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    uint64_t size = 0;

    while (fd >= 0 && write(fd, page, sizeof page) == (ssize_t)sizeof page)
        size += sizeof page;
    if (fd >= 0)
        close(fd);
    return size;
}

static int be_filled_up(void *argument)
{
    struct fr_writer *writer;
    struct fr_region *region;
    struct fr_region *second;

    (void)argument;
    if (!env_expect(env_mount_shm("size=1m,mode=1777"), "cannot mount") ||
        !env_expect_code("create", make_ring(&writer), 0) ||
        !env_expect_code("create", fr_region_create("region", 100000, NULL, &region), 0))
        return 1;
    env_expect(fill_up("/dev/shm/filler") > 0, "nothing could be filled");
    touch_ring(writer, 2000);
    touch_region(region);
    env_expect_code("a second region", fr_region_create("second", 1, NULL, &second), FR_ENOSPC);
    env_expect(env_names("second") == 0, "a name is left");
    unlink("/dev/shm/filler");
    if (env_expect_code("once there is room", fr_region_create("second", 1, NULL, &second), 0))
        fr_region_close(&second);
    fr_region_close(&region);
    fr_writer_close(&writer);
    env_expect(env_names("") == 0 && env_shm_used() == 0, "something is left");
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t sizes = argc > 1 ? strtoull(argv[1], NULL, 0) : 100;

    if (!env_own_mounts())
        env_skip("environs_tmpfs", "may not mount (needs root, or user namespaces)");
    for (uint64_t i = 0; i < sizes; i++) {
        uint64_t size = ring_need() + (i - sizes / 2) * FRI_PAGE;
        int status = env_wait(env_start(try_size, &size));

        env_expect(status == 0, "in a /dev/shm of %llu bytes: status %d", (unsigned long long)size,
                   status);
    }
    int status = env_wait(env_start(be_filled_up, NULL));
    env_expect(status == 0, "in a /dev/shm that is filled up: status %d", status);
    printf("%llu sizes, ", (unsigned long long)sizes);
    return env_end("environs_tmpfs");
}
