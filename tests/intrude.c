/* SPDX-License-Identifier: MIT */
/* Standing between the library and its platform: see intrude.h. The names are the linker's. */
#include "intrude.h"

#include <stdlib.h>

#include "ring.h"

static _Thread_local struct intrusion now;
static _Thread_local bool is_on;
static _Thread_local unsigned seen;
static _Thread_local unsigned met;

void intrude_begin(struct intrusion intrusion)
{
    now = intrusion;
    now.first = now.first ? now.first : 1;
    now.calls = now.calls ? now.calls : 1;
    seen = met = 0;
    is_on = true;
}

unsigned intrude_end(void)
{
    is_on = false;
    return met;
}

/* Whether this call is meant. What is done before it does not meet itself. */
static bool is_met(enum intrude_at at)
{
    if (!is_on || now.at != at)
        return false;
    seen++;
    if (seen < now.first || seen - now.first >= now.calls)
        return false;
    met++;
    if (now.act) {
        is_on = false;
        now.act();
        is_on = true;
    }
    return true;
}

static bool is_refused(enum intrude_at at)
{
    return is_met(at) && now.refuses;
}

static void doctor(bool meant, struct fri_file_info *found)
{
    if (meant && now.doctor)
        now.doctor(found);
}

/* Declares the linker's two names of a function, and begins the one that stands in the way. */
#define INTRUDED(type, name, ...)                                                                  \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

INTRUDED(void *, calloc, size_t count, size_t size)
{
    return is_refused(AT_ALLOC) ? NULL : __real_calloc(count, size);
}

INTRUDED(void *, malloc, size_t size)
{
    return is_refused(AT_ALLOC) ? NULL : __real_malloc(size);
}

INTRUDED(bool, fri_fork_watch, void)
{
    return !is_refused(AT_FORK_WATCH) && __real_fri_fork_watch();
}

INTRUDED(bool, fri_fork_closes, int fd)
{
    return !is_refused(AT_FORK_CLOSES) && __real_fri_fork_closes(fd);
}

INTRUDED(int, fri_file_create, uint64_t size, uint32_t mode, int *fd)
{
    return is_refused(AT_FILE_CREATE) ? now.code : __real_fri_file_create(size, mode, fd);
}

INTRUDED(int, fri_memory_create, uint64_t size, uint32_t mode, int *fd)
{
    return is_refused(AT_MEMORY_CREATE) ? now.code : __real_fri_memory_create(size, mode, fd);
}

INTRUDED(int, fri_memory_seal, int fd, bool for_reading_only)
{
    return is_refused(AT_MEMORY_SEAL) ? now.code : __real_fri_memory_seal(fd, for_reading_only);
}

INTRUDED(int, fri_file_name, int fd, const char *path)
{
    return is_refused(AT_FILE_NAME) ? now.code : __real_fri_file_name(fd, path);
}

INTRUDED(int, fri_file_open, const char *path, bool writable, int *fd)
{
    return is_refused(AT_FILE_OPEN) ? now.code : __real_fri_file_open(path, writable, fd);
}

INTRUDED(int, fri_file_reopen, int fd, bool writable, int *out)
{
    return is_refused(AT_FILE_REOPEN) ? now.code : __real_fri_file_reopen(fd, writable, out);
}

INTRUDED(int, fri_file_info, int fd, struct fri_file_info *info)
{
    bool meant = is_met(AT_FILE_INFO);

    if (meant && now.refuses)
        return now.code;
    int error = __real_fri_file_info(fd, info);
    doctor(meant, info);
    return error;
}

INTRUDED(int, fri_path_info, const char *path, struct fri_file_info *info)
{
    bool meant = is_met(AT_PATH_INFO);

    if (meant && now.refuses)
        return now.code;
    int error = __real_fri_path_info(path, info);
    doctor(meant, info);
    return error;
}

INTRUDED(int, fri_path_remove, const char *path)
{
    return is_refused(AT_PATH_REMOVE) ? now.code : __real_fri_path_remove(path);
}

INTRUDED(bool, fri_file_read, int fd, void *buffer, size_t size)
{
    return !is_refused(AT_FILE_READ) && __real_fri_file_read(fd, buffer, size);
}

INTRUDED(int, fri_map, int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload,
         void **out)
{
    return is_refused(AT_MAP) ? now.code
                              : __real_fri_map(fd, offset, size, writable, is_payload, out);
}

INTRUDED(bool, fri_lock_try, int fd, uint32_t first, uint32_t count)
{
    return !is_refused(AT_LOCK_TRY) && __real_fri_lock_try(fd, first, count);
}

INTRUDED(bool, fri_lock_share, int fd, uint32_t byte)
{
    return !is_refused(AT_LOCK_SHARE) && __real_fri_lock_share(fd, byte);
}

INTRUDED(bool, fri_lock_is_held, int fd, uint32_t first, uint32_t count)
{
    return !is_refused(AT_LOCK_IS_HELD) && __real_fri_lock_is_held(fd, first, count);
}

INTRUDED(int, fri_take, struct fr_reader *reader, enum fr_which which, struct fri_loan **out)
{
    return is_refused(AT_TAKE) ? now.code : __real_fri_take(reader, which, out);
}
