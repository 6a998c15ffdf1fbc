/* SPDX-License-Identifier: MIT */
/*
 * Floor 0: the log hook. The three settings change rarely and are read often, so they are three
 * relaxed atomics: a message that is under way while the hook changes goes to the one or the other.
 */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(fr_log_fn) log_fn;
static void *_Atomic log_user;
static _Atomic int log_level;

FR_API void fr_log_set(fr_log_fn fn, void *user, enum fr_log_level level)
{
    atomic_store_explicit(&log_level, FR_LOG_NONE, memory_order_relaxed);
    atomic_store_explicit(&log_user, user, memory_order_relaxed);
    /* R1: whoever sees fn sees user too; pairs with the acquire in fri_log. */
    atomic_store_explicit(&log_fn, fn, memory_order_release);
    atomic_store_explicit(&log_level, fn ? (int)level : FR_LOG_NONE, memory_order_relaxed);
}

static enum fr_log_level environment_level(void)
{
    static const char *const names[] = { "none", "warn", "info", "debug" };
    /* Only unsafe beside setenv, and who calls that while threads run breaks all libraries.
     * NOLINTNEXTLINE(concurrency-mt-unsafe) */
    const char *wanted = getenv("FRAMERING_LOG");

    for (int i = FR_LOG_WARN; wanted && i <= FR_LOG_DEBUG; i++) {
        if (strcmp(wanted, names[i]) == 0)
            return (enum fr_log_level)i;
    }
    return FR_LOG_NONE;
}

void fri_log(enum fr_log_level level, const char *format, ...)
{
    fr_log_fn fn = atomic_load_explicit(&log_fn, memory_order_acquire); /* pairs with R1 */
    int limit =
        fn ? atomic_load_explicit(&log_level, memory_order_relaxed) : (int)environment_level();
    char line[512];
    va_list arguments;

    if ((int)level > limit)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (fn)
        fn(atomic_load_explicit(&log_user, memory_order_relaxed), level, line);
    else
        fprintf(stderr, "framering: %s\n", line);
}
