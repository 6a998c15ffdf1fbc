/* SPDX-License-Identifier: MIT */
/*
 * Rings at their limits: sequence numbers where words and the numbering end, offsets beyond 4 GiB,
 * a full /dev/shm, and control words that somebody scribbles over while others call.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <framering/framering.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "order.h"
#include "ring.h"
#include "rings.h"

enum { SLOTS = 4 };

/* ---- Sequence numbers -------------------------------------------------------------------- */

/* Publishes item 0 under that number, as if the ring had been running ever since 1. */
static void begin_at(struct fr_writer *writer, uint64_t newest)
{
    struct fri_seat *seat = writer->seat;

    put_all(writer, 0, 0);
    uint64_t entry = word_load(order_entry(seat, 1));
    struct fri_slot *slot = entry_slot(seat, entry);
    ck_assert_ptr_nonnull(slot);
    word_store(&slot->control, control_make(newest, SLOT_PUBLISHED, 0));
    word_store(order_entry(seat, 1), 0);
    word_store(order_entry(seat, newest), entry_make(newest, (uint32_t)(slot - seat->slot)));
    word_store(&seat->page->tail, newest);
    word_store(&seat->page->head, newest);
}

static const uint64_t starts[] = { 2,
                                   (UINT64_C(1) << 16) - 20,
                                   (UINT64_C(1) << 31) - 20,
                                   (UINT64_C(1) << 32) - 20,
                                   (UINT64_C(1) << 47) - 20,
                                   FRI_SEQUENCE_LIMIT - 100 };
enum { STARTS = sizeof starts / sizeof *starts };

/* Number _i: the start, the delivery and the policy. */
START_TEST(nothing_happens_where_the_numbers_outgrow_a_word)
{
    const uint64_t first = starts[_i / 6];
    const char *name = fr_test_name();
    struct fr_writer *writer =
        make_ring(name, SLOTS, (enum fr_delivery)(_i % 2), (enum fr_overflow)(_i % 6 / 2));
    const struct fr_slot *got;

    begin_at(writer, first);
    struct fr_reader *reader = open_reader(name);
    for (uint64_t i = 0; i < 90; i++) {
        put_all(writer, i + 1, i + 1);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert_uint_eq(got->sequence, first + i);
        ck_assert(is_item(got, i));
        ck_assert_uint_eq(got->loss.overwritten + got->loss.skipped + got->loss.dropped, 0);
        fr_reader_release(&got);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_ring_that_has_used_up_its_numbers_refuses_to_publish_and_goes_on_otherwise)
{
    const enum fr_delivery delivery = (enum fr_delivery)(_i % 2);
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, SLOTS, delivery, (enum fr_overflow)(_i / 2));
    struct fr_slot *slot;
    uint64_t number;

    begin_at(writer, FRI_SEQUENCE_LIMIT - 2);
    struct fr_reader *reader = open_reader(name);
    put_all(writer, 1, 2);
    for (int i = 0; i < 3 * SLOTS; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        fill_item(slot, 3);
        ck_assert_error(fr_writer_publish(&slot), FR_ECORRUPT);
        ck_assert_ptr_null(slot);
    }
    /* Drop-oldest had to make room even for what was refused; the newest of a broadcast stays. */
    while (get(reader, FR_NOWAIT, &number) == 0)
        ck_assert_uint_le(number, 2);
    if (delivery == FR_BROADCAST || _i / 2 != FR_DROP_OLDEST)
        ck_assert_uint_eq(number, 2);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Hostile words ----------------------------------------------------------------------- */

struct scribbler {
    struct fr_writer *writer; /* its mapping is what we scribble through */
    _Atomic bool stop;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Half of the values are noise, the others are such as a ring might really hold. */
static uint64_t bad_value(uint64_t *state)
{
    uint64_t random = next_random(state);
    uint64_t sequence = next_random(state) % 64;

    switch (random % 4) {
    case 0:
        return control_make(sequence, (enum fri_slot_state)(random >> 8 & 3),
                            (unsigned)(random >> 16 & 3));
    case 1:
        return sequence;
    default:
        return next_random(state);
    }
}

static void scribble_once(struct fri_seat *seat, uint64_t *state)
{
    struct fri_ring_page *page = seat->page;
    fri_word *const words[] = { &page->attached,   &page->writers,    &page->gating,
                                &page->tail,       &page->head,       &page->dropped,
                                &page->unreported, &page->overwritten };
    uint64_t which = next_random(state);
    struct fri_slot *slot = &seat->slot[which / 64 % seat->slots];

    switch (which % 12) {
    case 0:
    case 1:
        word_store(words[which / 64 % (sizeof words / sizeof *words)], bad_value(state));
        break;
    case 2:
        word32_store(&page->data_event, (uint32_t)bad_value(state));
        word32_store(&page->space_event, (uint32_t)bad_value(state));
        break;
    case 3:
        word_store(&seat->members[which / 64 % FRI_MEMBERS].cursor, bad_value(state));
        break;
    case 4:
        word32_store(&page->closed, which / 64 % 64 == 0);
        break;
    case 5:
        word_store(&slot->pins, which / 64 % 4 == 0 ? bad_value(state) : 0);
        break;
    case 6:
        word_store(&slot->used, bad_value(state));
        break;
    case 7:
    case 8:
        word_store(&seat->order[which / 64 & seat->order_mask], bad_value(state));
        break;
    default:
        word_store(&slot->control, bad_value(state));
    }
}

static void *scribble(void *argument)
{
    struct scribbler *scribbler = argument;
    uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

    while (!scribbler->stop) {
        for (int i = 0; i < 50; i++)
            scribble_once(scribbler->writer->seat, &state);
        /* Not too fast, or no call ever gets into the depth of things. */
        sched_yield();
    }
    return NULL;
}

/* Whatever a slot is said to be, it lies inside the payload, and all of it may be touched. */
static bool use_slot(const struct fri_seat *seat, const struct fr_slot *slot, bool writes)
{
    const uint8_t *data = slot->data;
    uint64_t sum = 0;

    if (data < seat->object.data || slot->used > ITEM_SLOT_SIZE ||
        data + ITEM_SLOT_SIZE > seat->object.data + seat->slots * seat->slot_stride)
        return false;
    if (writes)
        memset(slot->data, 1, ITEM_SLOT_SIZE);
    for (uint64_t i = 0; i < slot->used; i++)
        sum += data[i];
    return sum != UINT64_MAX;
}

static void call_writer(struct fr_writer *writer, uint64_t round)
{
    struct fr_slot *slot[2] = { NULL, NULL };
    const int64_t timeout = round % 16 == 0 ? FR_MS(2) : FR_NOWAIT;

    for (int i = 0; i < 2; i++) {
        if (fr_writer_acquire(writer, timeout, &slot[i]) == 0)
            ck_assert(use_slot(writer->seat, slot[i], true));
    }
    for (int i = 0; i < 2; i++) {
        if (round % 3 == 0)
            fr_writer_abort(&slot[i]);
        else if (slot[i])
            ck_assert_int_le(fr_writer_publish(&slot[i]), 0);
    }
}

static void call_reader(struct fr_reader *reader, uint64_t round)
{
    const struct fr_slot *slot[2] = { NULL, NULL };
    const int64_t timeout = round % 16 == 0 ? FR_MS(2) : FR_NOWAIT;
    const enum fr_which which =
        reader->seat->delivery == FR_BROADCAST && round % 2 == 0 ? FR_LATEST : FR_NEXT;

    for (int i = 0; i < 2; i++) {
        if (fr_reader_acquire(reader, which, timeout, &slot[i]) == 0)
            ck_assert(use_slot(reader->seat, slot[i], false));
    }
    fr_reader_release(&slot[1]);
    fr_reader_release(&slot[0]);
}

/* Each round opens a reader too: joining and leaving must not trust the words either. */
static void call_everything(const char *name, struct fr_writer *writer, struct fr_reader *reader)
{
    int64_t end = fr_now_ns() + FR_MS(250);

    for (uint64_t round = 0; fr_now_ns() < end; round++) {
        struct fr_reader *guest;
        int64_t start = fr_now_ns();

        call_writer(writer, round);
        call_reader(reader, round);
        if (round % 8 == 0 && fr_reader_open(name, &fr_reader_opts(.lossy = round % 16 == 0),
                                             FR_NOWAIT, &guest) == 0) {
            call_reader(guest, round);
            fr_reader_close(&guest);
        }
        ck_assert_int_lt(ms_since(start), 3000);
    }
}

START_TEST(whoever_scribbles_over_the_control_words_crashes_nobody_and_hangs_nobody)
{
    const char *name = fr_test_name();
    struct fr_writer *writer =
        make_ring(name, SLOTS, (enum fr_delivery)(_i % 2), (enum fr_overflow)(_i / 2));
    struct scribbler scribbler = { .writer = join_ring(name) };
    struct fr_reader *reader = open_reader(name);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, scribble, &scribbler), 0);
    call_everything(name, writer, reader);
    scribbler.stop = true;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(fr_writer_slot_size(writer), ITEM_SLOT_SIZE);
    fr_reader_close(&reader);
    fr_writer_close(&scribbler.writer);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(the_geometry_in_shared_memory_is_not_looked_at_again)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, SLOTS, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_reader *late;

    memset(&writer->seat->page->identity, 0xff, sizeof(struct fri_identity));
    for (uint64_t i = 0; i < 100; i++) {
        put_all(writer, i, i);
        expect_item(reader, i);
    }
    ck_assert_error(fr_reader_open(name, NULL, FR_NOWAIT, &late), FR_EFOREIGN);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    ck_assert(!fr_test_exists(name));
}
END_TEST

START_TEST(a_length_beyond_the_slot_is_not_believed)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, SLOTS, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const uint64_t lengths[] = { ITEM_SLOT_SIZE + 1, UINT64_C(1) << 40, UINT64_MAX };
    const struct fr_slot *got;

    for (int i = 0; i < 3; i++) {
        put_all(writer, 1, 1);
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            word_store(&writer->seat->slot[slot].used, lengths[i]);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert_uint_eq(got->used, ITEM_SLOT_SIZE);
        ck_assert(use_slot(reader->seat, got, false));
        fr_reader_release(&got);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* Makes every slot look free: those that the user has, too. */
START_TEST(a_slot_that_one_holds_is_not_lent_again_whatever_its_word_says)
{
    const char *name = fr_test_name();
    struct fr_writer *writer =
        make_ring(name, SLOTS, (enum fr_delivery)(_i % 2), (enum fr_overflow)(_i / 2));
    struct fr_slot *slot[SLOTS];
    struct fr_slot *more;

    for (int i = 0; i < SLOTS; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(slot[j], slot[i]);
        for (uint32_t j = 0; j < SLOTS; j++)
            word_store(&writer->seat->slot[j].control, control_make(0, SLOT_FREE, 0));
    }
    ck_assert_error(fr_writer_acquire(writer, FR_MS(20), &more), FR_EBUSY);
    for (int i = 0; i < SLOTS; i++)
        fr_writer_abort(&slot[i]);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------ */

/* A /dev/shm of our own, of one megabyte; false if we may not. */
static bool make_small_shm(void)
{
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return false;
    return mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m,mode=1777") == 0;
}

static int count_names(void)
{
    DIR *directory = opendir("/dev/shm");
    int count = 0;

    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

START_TEST(what_does_not_fit_in_shared_memory_is_refused_when_it_is_made)
{
    const char *name = fr_test_name();
    struct fr_writer *writer;
    struct fr_writer *second;

    if (!make_small_shm()) {
        printf("not checked, because we may not mount: a full /dev/shm\n");
        return;
    }
    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = 1 << 20, .slots = 8),
                                     &writer),
                    FR_ENOSPC);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_ENOSPC), "1 MB free"));
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_ENOSPC), "9 MB"));
    ck_assert_int_eq(count_names(), 0);

    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 150000, .slots = 4), &writer));
    ck_assert_error(fr_writer_create(fr_test_name(),
                                     &fr_writer_opts(.slot_size = 150000, .slots = 4), &second),
                    FR_ENOSPC);
    ck_assert_int_eq(count_names(), 1);
    static const uint8_t bytes[150000];
    for (int i = 0; i < 8; i++)
        ck_assert_ok(fr_writer_write(writer, bytes, sizeof bytes, FR_NOWAIT));
    fr_writer_close(&writer);
    ck_assert_int_eq(count_names(), 0);
    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = UINT64_MAX), &writer),
                    FR_ENOSPC);
    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = INT64_MAX), &writer),
                    FR_ENOSPC);
}
END_TEST

static bool has_room(uint64_t bytes)
{
    struct statvfs shm;
    uint64_t memory = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    return statvfs("/dev/shm", &shm) == 0 && (uint64_t)shm.f_bavail * shm.f_frsize > bytes &&
           memory > bytes;
}

/* The first and the last bytes of a huge slot, and where in the file they are. */
static void check_huge_slot(struct fr_writer *writer, struct fr_reader *reader, int fd,
                            struct fr_slot *slot, uint64_t number)
{
    const struct fr_slot *got;
    uint64_t found[2];

    const uint64_t offset = writer->seat->object.identity.data_offset +
                            (uint64_t)((uint8_t *)slot->data - writer->seat->object.data);
    const uint64_t last = slot->capacity - 8;
    slot->used = slot->capacity;
    memcpy(slot->data, &number, 8);
    memcpy((uint8_t *)slot->data + last, &number, 8);
    ck_assert_ok(fr_writer_publish(&slot));
    ck_assert_int_eq(pread(fd, &found[0], 8, (off_t)offset), 8);
    ck_assert_int_eq(pread(fd, &found[1], 8, (off_t)(offset + last)), 8);
    ck_assert(found[0] == number && found[1] == number);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_uint_eq(got->used, last + 8);
    ck_assert_mem_eq((const uint8_t *)got->data + last, &number, 8);
    ck_assert_mem_eq(got->data, &number, 8);
    fr_reader_release(&got);
}

START_TEST(a_ring_may_be_larger_than_four_gigabytes)
{
    const uint64_t slot_size = (UINT64_C(5) << 28) + 8; /* not a whole number of pages */
    const char *name = fr_test_name();
    struct fr_writer *writer;
    struct fr_slot *slot[4];
    int fd;

    if (!has_room(UINT64_C(8) << 30)) {
        printf("not checked, because memory is below 8 GB: a ring of 5 GB\n");
        return;
    }
    ck_assert_ok(fr_writer_create(
        name, &fr_writer_opts(.slot_size = slot_size, .slots = 4, .delivery = FR_QUEUE), &writer));
    struct fr_reader *reader = open_reader(name);
    ck_assert_ok(fr_writer_fd(writer, FR_READ_WRITE, &fd));
    for (uint64_t i = 0; i < 4; i++) /* all at once, or the last ones would never be used */
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
    for (uint64_t i = 0; i < 4; i++)
        check_huge_slot(writer, reader, fd, slot[i], (i + 1) * UINT64_C(0x0101010101010101));
    close(fd);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tests = tcase_create("limits");

    tcase_set_timeout(tests, 240); /* memory is slow to come where others take it, too */
    tcase_add_loop_test(tests, nothing_happens_where_the_numbers_outgrow_a_word, 0, 6 * STARTS);
    tcase_add_loop_test(
        tests, a_ring_that_has_used_up_its_numbers_refuses_to_publish_and_goes_on_otherwise, 0, 6);
    tcase_add_loop_test(tests,
                        whoever_scribbles_over_the_control_words_crashes_nobody_and_hangs_nobody, 0,
                        6);
    tcase_add_loop_test(tests, the_geometry_in_shared_memory_is_not_looked_at_again, 0, 2);
    tcase_add_loop_test(tests, a_length_beyond_the_slot_is_not_believed, 0, 2);
    tcase_add_loop_test(tests, a_slot_that_one_holds_is_not_lent_again_whatever_its_word_says, 0,
                        6);
    tcase_add_test(tests, what_does_not_fit_in_shared_memory_is_refused_when_it_is_made);
    tcase_add_test(tests, a_ring_may_be_larger_than_four_gigabytes);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
