/* SPDX-License-Identifier: MIT */
/*
 * Copies through and around the caches: every byte, and no other, at every alignment; and which way
 * a writer's copies take, on machines and with readers that are made up.
 */
#include "copy.h"

#include <string.h>

#include "support.h"

enum { ROOM = 400, GUARD = 0xee, MIB = 1 << 20, TRIALS = 64, PERIOD = 2048 };

static void copy_and_compare(enum fri_copy_way way, size_t to, size_t from, size_t size)
{
    static _Alignas(64) uint8_t dst[ROOM];
    static _Alignas(64) uint8_t src[ROOM];
    static uint8_t expected[ROOM];
    struct fri_copier copier = { 0 };
    struct fri_copying copying = { .copier = &copier, .way = way };

    for (size_t i = 0; i < ROOM; i++)
        src[i] = (uint8_t)(i * 7 + 1);
    memset(dst, GUARD, sizeof dst);
    memset(expected, GUARD, sizeof expected);
    memcpy(expected + to, src + from, size);
    fri_copy_piece(&copying, dst + to, src + from, size);
    fri_copy_end(&copying, 0);
    ck_assert_msg(memcmp(dst, expected, ROOM) == 0, "to %zu, from %zu, size %zu", to, from, size);
}

START_TEST(every_byte_and_no_other_at_every_alignment)
{
    for (size_t to = 0; to < 66; to++) {
        for (size_t size = 0; size < 200; size++)
            copy_and_compare((enum fri_copy_way)_i, to, (to * 5 + size) % 67, size);
    }
}
END_TEST

START_TEST(a_quarter_of_a_mib_is_large)
{
    ck_assert(!fri_copy_is_large(262143));
    ck_assert(fri_copy_is_large(262144));
}
END_TEST

/* ---- Which way ------------------------------------------------------------------------------ */

/* How long things take there; the clock. */
struct machine {
    struct fri_copier copier;
    int64_t copy_ns[FRI_COPY_WAYS];
    int64_t cycle_ns[FRI_COPY_WAYS];
    int64_t now_ns;
};

/* One copy of a MiB. */
static enum fri_copy_way copy(struct machine *machine)
{
    struct fri_copying copying = fri_copy_begin(&machine->copier, MIB, machine->now_ns);

    fri_copy_end(&copying, machine->now_ns + machine->copy_ns[copying.way]);
    machine->now_ns += machine->cycle_ns[copying.way];
    return copying.way;
}

/* The way that all copies take after the trials of a period. */
static enum fri_copy_way settled_way(struct machine *machine)
{
    for (int i = 0; i < TRIALS; i++)
        ck_assert_int_eq(copy(machine), i < TRIALS / 2 ? FRI_COPY_THROUGH : FRI_COPY_AROUND);
    enum fri_copy_way way = copy(machine);
    for (int i = TRIALS + 1; i < PERIOD; i++)
        ck_assert_int_eq(copy(machine), way);
    return way;
}

static const struct {
    int64_t copy_ns[FRI_COPY_WAYS];
    int64_t cycle_ns[FRI_COPY_WAYS];
    enum fri_copy_way best;
} machines[] = {
    /* Nobody waits: the copy decides. */
    { { 90000, 40000 }, { 90001, 40001 }, FRI_COPY_AROUND },
    { { 40000, 90000 }, { 40001, 90001 }, FRI_COPY_THROUGH },
    /* The reader cannot keep up: it decides, too. */
    { { 50000, 50000 }, { 60000, 90000 }, FRI_COPY_THROUGH },
    { { 50000, 50000 }, { 90000, 60000 }, FRI_COPY_AROUND },
    { { 50000, 45000 }, { 60000, 90000 }, FRI_COPY_THROUGH },
    /* Sixty frames a second: how long the rest takes, by chance, does not. */
    { { 50000, 45000 }, { 16600000, 16700000 }, FRI_COPY_AROUND },
    { { 45000, 50000 }, { 16700000, 16600000 }, FRI_COPY_THROUGH },
    /* One like the other. */
    { { 50000, 50000 }, { 50000, 50000 }, FRI_COPY_THROUGH },
};
enum { MACHINES = sizeof machines / sizeof *machines };

START_TEST(copies_take_the_way_that_is_faster_on_this_machine)
{
    struct machine machine = { .now_ns = 12345 };

    memcpy(machine.copy_ns, machines[_i].copy_ns, sizeof machine.copy_ns);
    memcpy(machine.cycle_ns, machines[_i].cycle_ns, sizeof machine.cycle_ns);
    for (int period = 0; period < 3; period++)
        ck_assert_int_eq(settled_way(&machine), machines[_i].best);
}
END_TEST

START_TEST(another_way_is_taken_when_the_machine_changes)
{
    struct machine machine = { .copy_ns = { 90000, 40000 }, .cycle_ns = { 90000, 40000 } };

    ck_assert_int_eq(settled_way(&machine), FRI_COPY_AROUND);
    machine.copy_ns[FRI_COPY_AROUND] = machine.cycle_ns[FRI_COPY_AROUND] = 100000;
    machine.copy_ns[FRI_COPY_THROUGH] = machine.cycle_ns[FRI_COPY_THROUGH] = 40000;
    ck_assert_int_eq(settled_way(&machine), FRI_COPY_THROUGH);
}
END_TEST

START_TEST(a_single_bad_trial_is_not_believed)
{
    struct machine machine = { .copy_ns = { 30000, 40000 }, .cycle_ns = { 30000, 40000 } };

    ck_assert_int_eq(settled_way(&machine), FRI_COPY_THROUGH);
    machine.copy_ns[FRI_COPY_THROUGH] = machine.cycle_ns[FRI_COPY_THROUGH] = 45000;
    ck_assert_int_eq(settled_way(&machine), FRI_COPY_THROUGH);
    ck_assert_int_eq(settled_way(&machine), FRI_COPY_AROUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy");
    TCase *tests = tcase_create("copy");

    tcase_add_loop_test(tests, every_byte_and_no_other_at_every_alignment, 0, FRI_COPY_WAYS);
    tcase_add_test(tests, a_quarter_of_a_mib_is_large);
    tcase_add_loop_test(tests, copies_take_the_way_that_is_faster_on_this_machine, 0, MACHINES);
    tcase_add_test(tests, another_way_is_taken_when_the_machine_changes);
    tcase_add_test(tests, a_single_bad_trial_is_not_believed);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
