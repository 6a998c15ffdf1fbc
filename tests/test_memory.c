/* SPDX-License-Identifier: MIT */
/*
 * When memory is touched first: by creating and opening, so that no frame pays for it; but memory
 * that a stranger has not allocated is not made on his behalf.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rings.h"

#define SLOT_SIZE (1 << 20)
#define SLOTS 8
#define PAGE 4096

/* The test's own code, stack and heap fault, too, now and then: far less often than 2,048 pages. */
#define OWN_FAULTS 64

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* Kernels before 5.14 know no such thing; then there is nothing to test. */
static bool can_populate(void)
{
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool can = madvise(memory, PAGE, MADV_POPULATE_WRITE) == 0;

    munmap(memory, PAGE);
    return can;
}

/* Each page of each slot once: written by the writer, read by the reader. */
static long faults_of_first_lap(struct fr_writer *writer, struct fr_reader *reader)
{
    const struct fr_slot *shown;
    struct fr_slot *slot;
    long before = faults();

    for (int i = 0; i < SLOTS; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        memset(slot->data, i + 1, SLOT_SIZE);
        slot->used = SLOT_SIZE;
        ck_assert_ok(fr_writer_publish(&slot));
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &shown));
        for (size_t at = 0; at < SLOT_SIZE; at += PAGE)
            ck_assert_int_eq(((const char *)shown->data)[at], i + 1);
        fr_reader_release(&shown);
    }
    return faults() - before;
}

static void expect_no_faults(const char *name, const struct fr_reader_opts *reader_opts)
{
    struct fr_reader *reader;
    struct fr_writer *writer;
    int fd;

    ck_assert_ok(fr_writer_create(
        name, &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = SLOTS, .observers = 1), &writer));
    if (name) {
        ck_assert_ok(fr_reader_open(name, reader_opts, FR_NOWAIT, &reader));
    } else {
        ck_assert_ok(fr_writer_fd(writer, FR_READ_WRITE, &fd));
        ck_assert_ok(fr_reader_from_fd(fd, reader_opts, &reader));
        close(fd);
    }
    ck_assert_int_le(faults_of_first_lap(writer, reader), OWN_FAULTS);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}

START_TEST(no_frame_of_the_first_lap_pays_for_page_faults)
{
    if (!can_populate())
        return;
    expect_no_faults(fr_test_name(), NULL);
    expect_no_faults(fr_test_name(), &fr_reader_opts(.observe = 1));
    expect_no_faults(NULL, NULL);
    expect_no_faults(NULL, &fr_reader_opts(.observe = 1));
}
END_TEST

/* A ring of which only the first page is there, as a hostile producer may make it. */
static int make_sparse(struct fr_writer *model)
{
    int sparse = memfd_create("sparse", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    char page[PAGE];
    struct stat info;
    int fd;

    ck_assert_ok(fr_writer_fd(model, FR_READ_WRITE, &fd));
    ck_assert_int_eq(fstat(fd, &info), 0);
    ck_assert_int_eq(pread(fd, page, PAGE, 0), PAGE);
    ck_assert_int_eq(pwrite(sparse, page, PAGE, 0), PAGE);
    ck_assert_int_eq(ftruncate(sparse, info.st_size), 0);
    ck_assert_int_eq(fcntl(sparse, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    close(fd);
    return sparse;
}

START_TEST(memory_that_a_stranger_has_not_allocated_is_not_made_for_him)
{
    struct fr_reader *observer;
    struct fr_writer *model;
    struct stat info;

    ck_assert_ok(fr_writer_create(
        NULL, &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = SLOTS, .observers = 1), &model));
    int sparse = make_sparse(model);
    ck_assert_ok(fr_reader_from_fd(sparse, &fr_reader_opts(.observe = 1), &observer));
    ck_assert_int_eq(fstat(sparse, &info), 0);
    ck_assert_int_lt(info.st_blocks * 512, SLOT_SIZE);
    fr_reader_close(&observer);
    close(sparse);
    fr_writer_close(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, no_frame_of_the_first_lap_pays_for_page_faults);
    tcase_add_test(tcase, memory_that_a_stranger_has_not_allocated_is_not_made_for_him);
    suite_add_tcase(suite, tcase);
    return fr_test_main(suite);
}
