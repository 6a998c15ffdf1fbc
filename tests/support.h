/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_H
#define SUPPORT_H

/*
 * What the test programs share: one main, names that no other test uses, and children that are
 * processes of their own.
 *
 * Assertions belong to the test's own thread and process (check ends the test by leaving them):
 * threads and children return a result instead.
 */

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs the suite and removes names that it left. The value to return from main. */
int fr_test_main(Suite *suite);

/* A name for an object, "test-PID-N", another one with each call. Static, never freed. */
const char *fr_test_name(void);

/* Starts work(argument) in a child; its return value is the child's exit status. */
pid_t fr_test_child(int (*work)(void *argument), void *argument);

/* Waits for a child to end. Its exit status, or 128 + the signal that ended it. */
int fr_test_wait(pid_t child);

/* Kills a child and waits until it is gone. */
void fr_test_kill(pid_t child);

/* A flag in memory that children share with the test. Starts at 0. */
uint32_t *fr_test_flag(void);
void fr_test_raise(uint32_t *flag, uint32_t value);
uint32_t fr_test_flag_value(const uint32_t *flag);
/* Waits until the flag is at least value; false after ten seconds. */
bool fr_test_await(const uint32_t *flag, uint32_t value);

/* How many descriptors this process has open, and some more, always as many: to be compared. */
int fr_test_descriptors(void);

/* True if an object of that name exists in /dev/shm. */
bool fr_test_exists(const char *name);

/* Asserts that a call succeeded, and prints the code and its sentence if not. */
#define ck_assert_ok(call)                                                                         \
    do {                                                                                           \
        const int ck_code = (call);                                                                \
        ck_assert_msg(ck_code >= 0, "%s: %s: %s", #call, fr_errname(ck_code),                      \
                      fr_error_detail(ck_code));                                                   \
    } while (0)

/* Asserts that a call failed with that code. */
#define ck_assert_error(call, code)                                                                \
    do {                                                                                           \
        const int ck_code = (call);                                                                \
        ck_assert_msg(ck_code == (code), "%s: %s, expected %s", #call, fr_errname(ck_code),        \
                      fr_errname(code));                                                           \
    } while (0)

#endif
