/* SPDX-License-Identifier: MIT */
/*
 * Several writers and several readers at once, as threads and as processes, for each delivery and
 * policy: nothing torn, nothing twice, nothing lost that was not counted. The threads share one
 * mapping, because ThreadSanitizer sees races only between accesses to one address.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "rings.h"
#include "share.h"

enum { WRITERS = 2, READERS = 3, ITEMS = 10000, SLOTS = 6 };

struct result {
    uint64_t delivered;
    uint64_t overwritten;
};

/* What all members of a party see, in whatever process they are. */
struct party {
    char name[65];
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    _Atomic uint32_t joined;
    _Atomic uint64_t published;
    _Atomic uint64_t dropped;
    _Atomic uint8_t seen[WRITERS * ITEMS];
    struct result result[READERS];
};

struct member {
    struct party *party;
    unsigned index;
};

static bool await_all(_Atomic uint32_t *joined, uint32_t wanted)
{
    for (int i = 0; i < 20000; i++) {
        if (*joined >= wanted)
            return true;
        nap_ms(1);
    }
    return false;
}

/* Item i of writer w has the number w + WRITERS * i, so that order can be told for each writer. */
static int write_one(struct party *party, struct fr_writer *writer, unsigned index, uint64_t i)
{
    struct fr_slot *slot;
    int error = fr_writer_acquire(writer, FR_S(20), &slot);

    if (error == FR_ETIMEDOUT && party->overflow == FR_DROP_NEWEST) {
        party->dropped++;
        return 0;
    }
    if (error < 0)
        return error;
    fill_item(slot, index + WRITERS * i);
    if (i % 13 == 0) {
        fr_writer_abort(&slot);
        return 0;
    }
    party->published++;
    return fr_writer_publish(&slot);
}

static int write_all(const struct member *member)
{
    struct party *party = member->party;
    struct fr_writer *writer;
    int error = fr_writer_open(party->name, FR_S(20), &writer);

    if (error < 0)
        return error;
    if (!await_all(&party->joined, READERS))
        error = FR_ETIMEDOUT;
    for (uint64_t i = 0; i < ITEMS && error == 0; i++)
        error = write_one(party, writer, member->index, i);
    fr_writer_close(&writer);
    return error;
}

/* False: not whole, or out of order, or somebody else had it too. */
static bool check_item(struct party *party, const struct fr_slot *slot, uint64_t last[WRITERS],
                       uint64_t *last_sequence)
{
    uint64_t number = item_number(slot);

    if (number >= WRITERS * ITEMS || !is_item(slot, number) || slot->sequence <= *last_sequence)
        return false;
    *last_sequence = slot->sequence;
    if (number + 1 <= last[number % WRITERS])
        return false;
    last[number % WRITERS] = number + 1;
    return party->seen[number]++ == 0 || party->delivery == FR_BROADCAST;
}

static int read_all(const struct member *member)
{
    struct party *party = member->party;
    struct result *result = &party->result[member->index];
    uint64_t last[WRITERS] = { 0 };
    uint64_t last_sequence = 0;
    struct fr_reader *reader;
    int error = fr_reader_open(party->name, NULL, FR_S(20), &reader);

    if (error < 0)
        return error;
    party->joined++;
    while (error == 0) {
        const struct fr_slot *slot;

        error = fr_reader_acquire(reader, FR_NEXT, FR_S(20), &slot);
        if (error < 0)
            break;
        result->delivered++;
        result->overwritten += slot->loss.overwritten;
        if (!check_item(party, slot, last, &last_sequence))
            error = FR_ECORRUPT;
        fr_reader_release(&slot);
    }
    fr_reader_close(&reader);
    return error == FR_ECLOSED ? 0 : error;
}

/* The first members read, the others write. */
static int be_member(void *argument)
{
    const struct member *member = argument;
    const struct member writer = { member->party, member->index - READERS };
    int error = member->index < READERS ? read_all(member) : write_all(&writer);

    if (error < 0)
        fprintf(stderr, "member %u: %s: %s\n", member->index, fr_errname(error),
                fr_error_detail(error));
    return error == 0 ? 0 : 1;
}

static void *be_member_thread(void *argument)
{
    return be_member(argument) == 0 ? NULL : argument;
}

/* The test's own writer, which keeps the ring until all others are through. */
struct host {
    struct fr_writer *writer;
    struct fr_info info; /* when all writers had finished */
};

static void end_ring(struct host *host, const struct party *party)
{
    host->info.size = sizeof host->info;
    ck_assert_ok(fr_inspect(party->name, &host->info));
    fr_writer_close(&host->writer);
}

/* Starts all members, waits for the writers, ends the ring, and waits for the readers. */
static void run_threads(struct member member[READERS + WRITERS], struct host *host)
{
    pthread_t thread[READERS + WRITERS];
    void *result;

    for (unsigned i = 0; i < READERS + WRITERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, be_member_thread, &member[i]), 0);
    for (unsigned i = READERS + WRITERS; i-- > 0;) {
        if (i == READERS - 1)
            end_ring(host, member->party);
        ck_assert_int_eq(pthread_join(thread[i], &result), 0);
        ck_assert_ptr_null(result);
    }
}

static void run_processes(struct member member[READERS + WRITERS], struct host *host)
{
    pid_t child[READERS + WRITERS];

    for (unsigned i = 0; i < READERS + WRITERS; i++)
        child[i] = fr_test_child(be_member, &member[i]);
    for (unsigned i = READERS + WRITERS; i-- > 0;) {
        if (i == READERS - 1)
            end_ring(host, member->party);
        ck_assert_int_eq(fr_test_wait(child[i]), 0);
    }
}

static struct party *make_party(enum fr_delivery delivery, enum fr_overflow overflow,
                                struct member member[READERS + WRITERS])
{
    struct party *party =
        mmap(NULL, sizeof *party, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert(party != MAP_FAILED);
    strcpy(party->name, fr_test_name());
    party->delivery = delivery;
    party->overflow = overflow;
    for (unsigned i = 0; i < READERS + WRITERS; i++)
        member[i] = (struct member){ party, i };
    return party;
}

static void check_queue(const struct party *party, const struct fr_info *info)
{
    uint64_t delivered = 0;
    uint64_t reported = 0;

    for (int i = 0; i < READERS; i++) {
        delivered += party->result[i].delivered;
        reported += party->result[i].overwritten;
    }
    ck_assert_uint_eq(delivered + info->overwritten, party->published);
    ck_assert_uint_le(reported, info->overwritten);
    if (party->overflow != FR_DROP_OLDEST)
        ck_assert_uint_eq(info->overwritten, 0);
}

static void check_broadcast(const struct party *party)
{
    for (int i = 0; i < READERS; i++) {
        const struct result *result = &party->result[i];

        ck_assert_uint_eq(result->delivered + result->overwritten, party->published);
        if (party->overflow != FR_DROP_OLDEST)
            ck_assert_uint_eq(result->overwritten, 0);
    }
}

/* Number _i: the policy, the delivery, and who the members are. */
START_TEST(everything_published_is_delivered_once_to_whom_it_is_due_or_counted)
{
    struct member member[READERS + WRITERS];
    const enum fr_overflow overflow = (enum fr_overflow)(_i % 3);
    const enum fr_delivery delivery = (enum fr_delivery)(_i / 3 % 2);
    struct party *party = make_party(delivery, overflow, member);
    struct host host = { 0 };

    fri_share_mappings = _i < 6;
    host.writer = make_ring(party->name, SLOTS, delivery, overflow);
    if (_i < 6)
        run_threads(member, &host);
    else
        run_processes(member, &host);
    ck_assert_uint_eq(host.info.published, party->published);
    ck_assert_uint_eq(host.info.dropped, party->dropped);
    if (delivery == FR_QUEUE)
        check_queue(party, &host.info);
    else
        check_broadcast(party);
    ck_assert(!fr_test_exists(party->name));
}
END_TEST

/* ---- Large items ----------------------------------------------------------------------------- */

enum { LARGE = 262144 + 77, LARGE_ITEMS = 70 }; /* so many that they are copied both ways */

START_TEST(large_items_arrive_whole_whichever_way_they_are_copied)
{
    static uint8_t bytes[LARGE];
    const char *name = fr_test_name();
    const struct fr_slot *item;
    struct fr_writer *writer;

    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = LARGE, .slots = 2), &writer));
    struct fr_reader *reader = open_reader(name);
    for (size_t i = 0; i < LARGE_ITEMS; i++) {
        for (size_t k = 0; k < LARGE; k++)
            bytes[k] = (uint8_t)((k + i) * 31 >> 3);
        ck_assert_ok(fr_writer_write(writer, bytes, LARGE - i, FR_NOWAIT));
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &item));
        ck_assert_uint_eq(item->used, LARGE - i);
        ck_assert_mem_eq(item->data, bytes, LARGE - i);
        fr_reader_release(&item);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Which slots ----------------------------------------------------------------------------- */

/* How many slots of eight are in use while a reader takes each item before the next one is made. */
static unsigned slots_in_use(uint64_t slot_size, enum fr_delivery delivery)
{
    const char *name = fr_test_name();
    const struct fr_slot *item;
    struct fr_writer *writer;
    struct fr_slot *slot;
    const void *seen[8] = { NULL };
    unsigned count = 0;

    ck_assert_ok(fr_writer_create(
        name, &fr_writer_opts(.slot_size = slot_size, .slots = 8, .delivery = delivery), &writer));
    struct fr_reader *reader = open_reader(name);
    for (int i = 0; i < 30; i++) {
        unsigned k = 0;

        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        while (k < count && seen[k] != slot->data)
            k++;
        if (k == count)
            seen[count++] = slot->data;
        ck_assert_ok(fr_writer_publish(&slot));
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &item));
        fr_reader_release(&item);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    return count;
}

START_TEST(large_slots_stay_few_so_that_they_stay_in_the_caches)
{
    ck_assert_uint_eq(slots_in_use(65536, FR_BROADCAST), 2); /* the newest is kept */
    ck_assert_uint_eq(slots_in_use(65536, FR_QUEUE), 1);
    ck_assert_uint_eq(slots_in_use(65535, FR_BROADCAST), 8);
    ck_assert_uint_eq(slots_in_use(65535, FR_QUEUE), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traffic");
    TCase *tests = tcase_create("traffic");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, large_items_arrive_whole_whichever_way_they_are_copied);
    tcase_add_test(tests, large_slots_stay_few_so_that_they_stay_in_the_caches);
    tcase_add_loop_test(tests, everything_published_is_delivered_once_to_whom_it_is_due_or_counted,
                        0, 12);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
