/* SPDX-License-Identifier: MIT */
/*
 * The log: silent unless asked, finished lines to the hook, and nothing for what a return code
 * tells already.
 */
#define _GNU_SOURCE
#include "support.h"

#include <framering/framering.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

struct record {
    int count;
    enum fr_log_level level;
    char line[1024];
};

static void keep(void *user, enum fr_log_level level, const char *line)
{
    struct record *record = user;

    record->count++;
    record->level = level;
    snprintf(record->line, sizeof record->line, "%s", line);
}

START_TEST(a_hook_gets_finished_lines)
{
    struct record record = { 0 };

    fr_log_set(keep, &record, FR_LOG_INFO);
    fri_log(FR_LOG_WARN, "slot %d of %s", 3, "x");
    ck_assert_int_eq(record.count, 1);
    ck_assert_int_eq(record.level, FR_LOG_WARN);
    ck_assert_str_eq(record.line, "slot 3 of x");
}
END_TEST

START_TEST(a_hook_gets_no_more_than_its_level)
{
    struct record record = { 0 };

    fr_log_set(keep, &record, (enum fr_log_level)_i);
    fri_log(FR_LOG_WARN, "warn");
    fri_log(FR_LOG_INFO, "info");
    fri_log(FR_LOG_DEBUG, "debug");
    ck_assert_int_eq(record.count, _i);
}
END_TEST

START_TEST(without_a_hook_there_is_silence_again)
{
    struct record record = { 0 };

    fr_log_set(keep, &record, FR_LOG_DEBUG);
    fr_log_set(NULL, NULL, FR_LOG_DEBUG);
    fri_log(FR_LOG_WARN, "nobody hears this");
    ck_assert_int_eq(record.count, 0);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut_off)
{
    struct record record = { 0 };
    char text[2000];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    fr_log_set(keep, &record, FR_LOG_DEBUG);
    fri_log(FR_LOG_WARN, "%s", text);
    ck_assert_uint_eq(strlen(record.line), 511);
}
END_TEST

/* What a child that logs one line of each level writes to standard error. */
static size_t child_says(const char *environment, char *text, size_t size)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        if (environment)
            setenv("FRAMERING_LOG", environment, 1);
        else
            unsetenv("FRAMERING_LOG");
        fri_log(FR_LOG_WARN, "one");
        fri_log(FR_LOG_INFO, "two");
        fri_log(FR_LOG_DEBUG, "three");
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t count;
    do {
        count = read(ends[0], text + length, size - 1 - length);
        length += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    close(ends[0]);
    ck_assert_int_eq(fr_test_wait(child), 0);
    text[length] = '\0';
    return length;
}

START_TEST(the_environment_makes_it_speak_on_standard_error)
{
    char text[512];

    ck_assert_uint_eq(child_says(NULL, text, sizeof text), 0);
    ck_assert_uint_eq(child_says("none", text, sizeof text), 0);
    ck_assert_uint_eq(child_says("rubbish", text, sizeof text), 0);
    child_says("warn", text, sizeof text);
    ck_assert_str_eq(text, "framering: one\n");
    child_says("info", text, sizeof text);
    ck_assert_str_eq(text, "framering: one\nframering: two\n");
    child_says("debug", text, sizeof text);
    ck_assert_str_eq(text, "framering: one\nframering: two\nframering: three\n");
}
END_TEST

static void *log_a_lot(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++)
        fri_log(FR_LOG_INFO, "message %d", i);
    return NULL;
}

static void ignore(void *user, enum fr_log_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
}

START_TEST(the_hook_may_change_while_others_log)
{
    pthread_t thread;

    fr_log_set(ignore, NULL, FR_LOG_INFO);
    ck_assert_int_eq(pthread_create(&thread, NULL, log_a_lot, NULL), 0);
    for (int i = 0; i < 2000; i++)
        fr_log_set(i % 2 ? ignore : NULL, NULL, FR_LOG_INFO);
    pthread_join(thread, NULL);
}
END_TEST

static int die_as_owner(void *name)
{
    struct fr_region *region;

    return fr_region_create(name, 1, NULL, &region) < 0;
}

START_TEST(taking_over_a_name_is_worth_a_line_and_creating_one_is_not)
{
    struct record record = { 0 };
    struct fr_region *region;
    char name[80];

    snprintf(name, sizeof name, "%s", fr_test_name());
    fr_log_set(keep, &record, FR_LOG_INFO);
    ck_assert_ok(fr_region_create(fr_test_name(), 1, NULL, &region));
    fr_region_close(&region);
    ck_assert_int_eq(record.count, 0);
    ck_assert_int_eq(fr_test_wait(fr_test_child(die_as_owner, name)), 0);
    ck_assert_ok(fr_region_create(name, 1, NULL, &region));
    ck_assert_int_eq(record.count, 1);
    ck_assert_ptr_nonnull(strstr(record.line, name));
    fr_region_close(&region);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *hook = tcase_create("hook");

    tcase_add_test(hook, a_hook_gets_finished_lines);
    tcase_add_loop_test(hook, a_hook_gets_no_more_than_its_level, FR_LOG_NONE, FR_LOG_DEBUG + 1);
    tcase_add_test(hook, without_a_hook_there_is_silence_again);
    tcase_add_test(hook, a_line_that_is_too_long_is_cut_off);
    tcase_add_test(hook, the_environment_makes_it_speak_on_standard_error);
    tcase_add_test(hook, the_hook_may_change_while_others_log);
    tcase_add_test(hook, taking_over_a_name_is_worth_a_line_and_creating_one_is_not);
    suite_add_tcase(suite, hook);
    return fr_test_main(suite);
}
