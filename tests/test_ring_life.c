/* SPDX-License-Identifier: MIT */
/*
 * How members of a ring come and go: joining, waiting for a name, closing in order, handles that go
 * before their loans, and sleeping and waking. What a killed process leaves is in test_ring_death.c.
 */
#include <framering/framering.h>
#include <pthread.h>
#include <string.h>

#include "event.h"
#include "ring.h"
#include "rings.h"

/* What a child does: makes or joins a ring after a while, puts items, says so, and stays or ends. */
struct role {
    char name[65];
    enum fr_delivery delivery;
    long delay_ms;
    uint64_t items;
    uint32_t *done;
    uint32_t *leave;
};

static struct role *make_role(const char *name, enum fr_delivery delivery)
{
    static struct role role;

    strcpy(role.name, name);
    role.delivery = delivery;
    role.done = fr_test_flag();
    role.leave = fr_test_flag();
    return &role;
}

static int host_ring(void *argument)
{
    const struct role *role = argument;
    struct fr_writer *writer;
    int error = 0;

    nap_ms(role->delay_ms);
    if (fr_writer_create(role->name,
                         &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = 4,
                                         .delivery = role->delivery),
                         &writer) < 0)
        return 1;
    for (uint64_t i = 1; i <= role->items && error == 0; i++)
        error = put(writer, i, FR_S(10));
    fr_test_raise(role->done, 1);
    if (error < 0 || !fr_test_await(role->leave, 1))
        return 2;
    fr_writer_close(&writer);
    return 0;
}

START_TEST(sixty_four_members_fit_and_the_next_is_told_that_all_places_are_taken)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader[FR_MAX_MEMBERS - 1];
    struct fr_reader *more;
    struct fr_writer *other;
    struct fr_info info = fr_info();

    for (unsigned i = 0; i < FR_MAX_MEMBERS - 1; i++)
        reader[i] = open_reader(name);
    ck_assert_error(fr_reader_open(name, NULL, FR_NOWAIT, &more), FR_EBUSY);
    ck_assert_ptr_null(more);
    ck_assert_error(fr_writer_open(name, FR_NOWAIT, &other), FR_EBUSY);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(info.writers, 1);
    ck_assert_uint_eq(info.readers, FR_MAX_MEMBERS - 1);
    put_all(writer, 1, 4);
    for (unsigned i = 0; i < FR_MAX_MEMBERS - 1; i++)
        expect_item(reader[i], 1);
    fr_reader_close(&reader[40]);
    other = join_ring(name);
    put_all(other, 5, 5);
    fr_writer_close(&other);
    for (unsigned i = 0; i < FR_MAX_MEMBERS - 1; i++)
        fr_reader_close(&reader[i]);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(several_writers_share_a_ring)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_writer *other = join_ring(name);
    struct fr_reader *reader = open_reader(name);

    ck_assert_uint_eq(fr_writer_slot_size(other), ITEM_SLOT_SIZE);
    ck_assert_uint_eq(fr_reader_slot_size(reader), ITEM_SLOT_SIZE);
    for (uint64_t i = 0; i < 100; i += 2) {
        put_all(writer, i, i);
        put_all(other, i + 1, i + 1);
        expect_item(reader, i);
        expect_item(reader, i + 1);
    }
    fr_reader_close(&reader);
    fr_writer_close(&other);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(opening_a_name_that_does_not_come_fails_after_the_time_given)
{
    const char *name = fr_test_name();
    struct fr_writer *writer;
    struct fr_reader *reader;

    ck_assert_error(fr_writer_open(name, FR_NOWAIT, &writer), FR_ENOENT);
    ck_assert_error(fr_reader_open(name, NULL, FR_NOWAIT, &reader), FR_ENOENT);
    int64_t start = fr_now_ns();
    ck_assert_error(fr_writer_open(name, FR_MS(40), &writer), FR_ENOENT);
    ck_assert_int_ge(fr_now_ns() - start, FR_MS(40));
    start = fr_now_ns();
    ck_assert_error(fr_reader_open(name, NULL, FR_MS(40), &reader), FR_ENOENT);
    ck_assert_int_ge(fr_now_ns() - start, FR_MS(40));
    ck_assert_int_lt(ms_since(start), 3000);
}
END_TEST

START_TEST(opening_waits_for_the_name_to_appear)
{
    struct role *role = make_role(fr_test_name(), FR_QUEUE);
    struct fr_reader *reader;
    struct fr_writer *writer;

    role->delay_ms = 60;
    pid_t child = fr_test_child(host_ring, role);
    if (_i == 0) {
        ck_assert_ok(fr_writer_open(role->name, FR_S(20), &writer));
        put_all(writer, 1, 1);
        fr_writer_close(&writer);
    }
    int64_t start = fr_now_ns();
    ck_assert_ok(fr_reader_open(role->name, NULL, _i == 2 ? FR_FOREVER : FR_S(20), &reader));
    ck_assert_int_lt(ms_since(start), 5000);
    fr_test_raise(role->leave, 1);
    ck_assert_int_eq(fr_test_wait(child), 0);
    fr_reader_close(&reader);
}
END_TEST

START_TEST(a_name_in_use_cannot_be_made_again)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 2, FR_QUEUE, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_writer *second;

    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = 1), &second), FR_EEXIST);
    ck_assert_ptr_null(second);
    put_all(writer, 1, 1);
    expect_item(reader, 1);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_name_of_another_kind_is_told_apart)
{
    const char *name = fr_test_name();
    struct fr_region *region;
    struct fr_writer *writer;
    struct fr_reader *reader;

    ck_assert_ok(fr_region_create(name, 100, NULL, &region));
    ck_assert_error(fr_reader_open(name, NULL, FR_S(20), &reader), FR_EKIND);
    ck_assert_error(fr_writer_open(name, FR_S(20), &writer), FR_EKIND);
    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = 1), &writer), FR_EEXIST);
    fr_region_close(&region);
    writer = make_ring(name, 2, FR_QUEUE, FR_BLOCK);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &region), FR_EKIND);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(when_the_last_writer_closes_readers_get_the_rest_and_the_name_is_free)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_reader *late;
    const struct fr_slot *slot;

    put_all(writer, 1, 3);
    fr_writer_close(&writer);
    ck_assert_ptr_null(writer);
    ck_assert(!fr_test_exists(name));
    ck_assert_error(fr_reader_open(name, NULL, FR_NOWAIT, &late), FR_ENOENT);
    for (uint64_t i = 1; i <= 3; i++)
        expect_item(reader, i);
    for (int i = 0; i < 3; i++) {
        ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_FOREVER, &slot), FR_ECLOSED);
        ck_assert_ptr_null(slot);
    }
    fr_reader_close(&reader);
}
END_TEST

START_TEST(a_ring_lives_until_the_last_of_its_writers_closes)
{
    const char *name = fr_test_name();
    struct fr_writer *first = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_writer *second = join_ring(name);
    struct fr_reader *reader = open_reader(name);
    uint64_t number;

    put_all(first, 1, 1);
    fr_writer_close(&first); /* the one that made it */
    ck_assert(fr_test_exists(name));
    expect_item(reader, 1);
    ck_assert_error(get(reader, FR_MS(20), &number), FR_ETIMEDOUT);
    struct fr_writer *third = join_ring(name);
    put_all(second, 2, 2);
    fr_writer_close(&second);
    put_all(third, 3, 3);
    expect_item(reader, 2);
    expect_item(reader, 3);
    fr_writer_close(&third);
    ck_assert_error(get(reader, FR_FOREVER, &number), FR_ECLOSED);
    ck_assert(!fr_test_exists(name));
    fr_reader_close(&reader);
}
END_TEST

START_TEST(a_reader_moves_over_to_the_ring_that_takes_the_name_after_the_end)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_stats stats = fr_stats();
    const struct fr_slot *held;
    const struct fr_slot *got;

    put_all(writer, 1, 2);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    fr_writer_close(&writer);
    writer = make_ring(name, 2, FR_BROADCAST, FR_DROP_OLDEST);
    put_all(writer, 3, 3);
    expect_item(reader, 2); /* first what the old one still had */
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert(is_item(got, 3) && is_item(held, 1));
    ck_assert_uint_eq(got->sequence, 1);
    ck_assert_uint_ne(got->session, held->session);
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.sessions, 2);
    ck_assert_uint_eq(stats.delivered, 3);
    fr_reader_release(&held);
    fr_reader_release(&got);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_following_reader_waits_for_the_next_ring_across_a_gap)
{
    struct role *role = make_role(fr_test_name(), FR_BROADCAST);
    struct fr_writer *writer = make_ring(role->name, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader;
    uint64_t number = 0;

    ck_assert_ok(fr_reader_open(role->name, &fr_reader_opts(.follow = 1), FR_NOWAIT, &reader));
    put_all(writer, 7, 7);
    expect_item(reader, 7);
    fr_writer_close(&writer);
    int64_t start = fr_now_ns();
    ck_assert_error(get(reader, FR_NOWAIT, &number), FR_ETIMEDOUT);
    ck_assert_error(get(reader, FR_MS(30), &number), FR_ETIMEDOUT);
    ck_assert_int_ge(fr_now_ns() - start, FR_MS(30));
    role->delay_ms = 50;
    role->items = 1;
    pid_t child = fr_test_child(host_ring, role);
    ck_assert_ok(get(reader, _i ? FR_FOREVER : FR_S(20), &number));
    ck_assert_uint_eq(number, 1);
    fr_test_raise(role->leave, 1);
    ck_assert_int_eq(fr_test_wait(child), 0);
    fr_reader_close(&reader);
}
END_TEST

START_TEST(loans_outlive_the_handles_they_came_from)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_reader *other = open_reader(name);
    const struct fr_slot *held;
    struct fr_slot *slot[2];
    uint64_t number;

    put_all(writer, 63, 63);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    fr_reader_close(&reader);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[0]));
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[1]));
    fr_writer_close(&writer);
    if (_i == FR_BROADCAST)
        expect_item(other, 63);
    ck_assert_error(get(other, FR_MS(20), &number), FR_ETIMEDOUT); /* not closed yet */
    fill_item(slot[0], 2);
    fr_writer_abort(&slot[1]);
    ck_assert_ok(fr_writer_publish(&slot[0]));
    expect_item(other, 2);
    ck_assert_error(get(other, FR_S(20), &number), FR_ECLOSED);
    ck_assert(!fr_test_exists(name));
    ck_assert(is_item(held, 63));
    fr_reader_release(&held);
    fr_reader_close(&other);
}
END_TEST

START_TEST(releasing_twice_through_a_copied_pointer_does_nothing)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 2, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *got;

    put_all(writer, 1, 1);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    const struct fr_slot *copy = got;
    fr_reader_release(&got);
    fr_reader_release(&copy);
    put_all(writer, 2, 3);
    expect_item(reader, 2);
    expect_item(reader, 3);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

static void *put_after_a_while(void *writer)
{
    nap_ms(40);
    return put(writer, 1, FR_NOWAIT) == 0 ? NULL : writer;
}

START_TEST(a_sleeping_reader_is_woken_by_what_is_published)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)(_i % 2), FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    struct fr_stats stats = fr_stats();
    uint64_t number = 0;
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, put_after_a_while, writer), 0);
    int64_t start = fr_now_ns();
    ck_assert_ok(get(reader, _i / 2 ? FR_FOREVER : FR_S(20), &number));
    ck_assert_int_lt(ms_since(start), 5000);
    ck_assert_uint_eq(number, 1);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_null(result);
    fr_reader_stats(reader, &stats);
    ck_assert_uint_ge(stats.waits, 1);
    ck_assert_uint_ge(stats.waited_ns, 1000000);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* As a waiter does before it sleeps; whether somebody has come to wake it since. */
static void announce_wait(fri_word32 *event)
{
    word32_set_bits(event, 1);
}

static bool was_woken(const fri_word32 *event)
{
    return (word32_load(event) & 1) == 0;
}

/* Sleepers look again by themselves after a while, so a wake that is missing shows only here. */
START_TEST(whoever_makes_something_possible_wakes_those_who_wait_for_it)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_writer *other = join_ring(name);
    struct fr_reader *reader = open_reader(name);
    struct fri_ring_page *page = writer->seat->page;
    const struct fr_slot *got;
    struct fr_slot *slot;

    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    announce_wait(&page->data_event);
    announce_wait(&page->space_event);
    fr_writer_abort(&slot);
    ck_assert(was_woken(&page->space_event) && !was_woken(&page->data_event));
    put_all(writer, 1, 3);
    ck_assert(was_woken(&page->data_event));
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    announce_wait(&page->space_event);
    fr_reader_release(&got);
    ck_assert(was_woken(&page->space_event));
    if (_i == FR_BROADCAST) {
        announce_wait(&page->space_event);
        ck_assert_ok(fr_reader_acquire(reader, FR_LATEST, FR_NOWAIT, &got)); /* passes over one */
        ck_assert(was_woken(&page->space_event));
        fr_reader_release(&got);
    }
    announce_wait(&page->space_event);
    fr_reader_close(&reader);
    ck_assert(was_woken(&page->space_event));
    announce_wait(&page->data_event);
    fr_writer_close(&writer);
    page = other->seat->page;
    ck_assert(was_woken(&page->data_event));
    fr_writer_close(&other);
}
END_TEST

START_TEST(a_wait_for_an_item_is_not_shorter_than_asked)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const int64_t timeouts[] = { FR_US(1), FR_MS(1), FR_MS(7), FR_MS(33) };
    uint64_t number;

    for (unsigned i = 0; i < 4; i++) {
        int64_t start = fr_now_ns();
        ck_assert_error(get(reader, timeouts[i], &number), FR_ETIMEDOUT);
        ck_assert_int_ge(fr_now_ns() - start, timeouts[i]);
        ck_assert_int_lt(ms_since(start), 3000);
    }
    int64_t start = fr_now_ns();
    for (int i = 0; i < 1000; i++)
        ck_assert_error(get(reader, FR_NOWAIT, &number), FR_ETIMEDOUT);
    ck_assert_int_lt(ms_since(start), 3000);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(broken_options_are_refused_with_a_sentence)
{
    const char *name = fr_test_name();
    struct fr_writer *writer;
    const struct fr_writer_opts broken[] = {
        fr_writer_opts(.slots = 4),
        fr_writer_opts(.slot_size = 1, .slots = 1),
        fr_writer_opts(.slot_size = 1, .slots = FR_MAX_SLOTS + 1),
        fr_writer_opts(.slot_size = 1, .delivery = (enum fr_delivery)2),
        fr_writer_opts(.slot_size = 1, .overflow = (enum fr_overflow)3),
        fr_writer_opts(.slot_size = 1, .mode = 010000),
    };

    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        ck_assert_error(fr_writer_create(name, &broken[i], &writer), FR_EINVAL);
        ck_assert_ptr_null(writer);
        ck_assert_str_ne(fr_error_detail(FR_EINVAL), fr_strerror(FR_EINVAL));
    }
    ck_assert_error(fr_writer_create(name, NULL, &writer), FR_EINVAL);
    ck_assert_error(fr_writer_create("a/b", &fr_writer_opts(.slot_size = 1), &writer), FR_EINVAL);
    ck_assert(!fr_test_exists(name));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("life");
    TCase *tests = tcase_create("life");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, sixty_four_members_fit_and_the_next_is_told_that_all_places_are_taken);
    tcase_add_loop_test(tests, several_writers_share_a_ring, 0, 2);
    tcase_add_test(tests, opening_a_name_that_does_not_come_fails_after_the_time_given);
    tcase_add_loop_test(tests, opening_waits_for_the_name_to_appear, 0, 3);
    tcase_add_test(tests, a_name_in_use_cannot_be_made_again);
    tcase_add_test(tests, a_name_of_another_kind_is_told_apart);
    tcase_add_loop_test(tests,
                        when_the_last_writer_closes_readers_get_the_rest_and_the_name_is_free, 0,
                        2);
    tcase_add_loop_test(tests, a_ring_lives_until_the_last_of_its_writers_closes, 0, 2);
    tcase_add_loop_test(tests, a_reader_moves_over_to_the_ring_that_takes_the_name_after_the_end, 0,
                        2);
    tcase_add_loop_test(tests, a_following_reader_waits_for_the_next_ring_across_a_gap, 0, 2);
    tcase_add_loop_test(tests, loans_outlive_the_handles_they_came_from, 0, 2);
    tcase_add_loop_test(tests, releasing_twice_through_a_copied_pointer_does_nothing, 0, 2);
    tcase_add_loop_test(tests, a_sleeping_reader_is_woken_by_what_is_published, 0, 4);
    tcase_add_loop_test(tests, whoever_makes_something_possible_wakes_those_who_wait_for_it, 0, 2);
    tcase_add_loop_test(tests, a_wait_for_an_item_is_not_shorter_than_asked, 0, 2);
    tcase_add_test(tests, broken_options_are_refused_with_a_sentence);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
