/* SPDX-License-Identifier: MIT */
#ifndef ENVIRONS_H
#define ENVIRONS_H

/*
 * What the tests of odd surroundings share: a /dev/shm of their own, children in namespaces, and
 * checks that go on after a failure. These are programs of their own, without check, because each
 * changes what its process sees of the system for good.
 */

#include <framering/framering.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Counts, and says what was wrong if it does not hold. Returns whether it held. */
bool env_expect(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A code that is not the expected one is printed with its name and detail. */
bool env_expect_code(const char *what, int code, int expected);

/* Prints how much was checked, and returns what main returns. */
int env_end(const char *program);

/* Ends the program as skipped, with a sentence that says what is missing. */
_Noreturn void env_skip(const char *program, const char *why);

/* From here on mounts are this process' and its children's alone. False: that is not allowed. */
bool env_own_mounts(void);

/* Puts a new tmpfs over /dev/shm ("size=1m"), or takes the topmost one off again. */
bool env_mount_shm(const char *options);
void env_unmount_shm(void);

/* Bytes in use in /dev/shm, and files of this user's whose name contains that. */
uint64_t env_shm_used(void);
int env_names(const char *part);

/* The path of an object of this user's. Static. */
const char *env_path(const char *name);

/* A child; its status as a shell gives it: 128 + the signal that ended it. */
pid_t env_start(int (*work)(void *argument), void *argument);
int env_wait(pid_t child);
void env_kill(pid_t child);

/* A child in new namespaces (CLONE_NEW…); with CLONE_NEWTIME its monotonic clock is that far off. */
pid_t env_start_in(int namespaces, int64_t clock_offset_s, int (*work)(void *argument),
                   void *argument);

/* Words that children share, all 0. */
_Atomic uint32_t *env_flags(void);
bool env_await(const _Atomic uint32_t *flag, uint32_t value);

void env_nap_us(int64_t us);

#endif
