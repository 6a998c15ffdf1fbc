/* SPDX-License-Identifier: MIT */
/* Floor 2: see name.h. */
#include "name.h"

#include <string.h>

#include "base.h"

#define MAX_NAME 64

/* Whatever the kernel does with its notices, we look again after so long. */
#define LOOK_AGAIN_NS FR_S(1)

bool fri_name_is_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = name ? strlen(name) : 0;

    if (length >= 1 && length <= MAX_NAME && name[0] != '.' && name[0] != '-' &&
        strspn(name, allowed) == length)
        return true;
    fri_fail(FR_EINVAL,
             "\"%.80s\" is not a name: 1 to 64 of A-Z a-z 0-9 . _ - not starting with . or -",
             name ? name : "(null)");
    return false;
}

void fri_name_wait_begin(struct fri_name_wait *wait, int64_t timeout_ns)
{
    fri_watch_open(&wait->watch);
    wait->deadline_ns = fri_deadline(timeout_ns);
}

bool fri_name_wait_step(struct fri_name_wait *wait)
{
    int64_t remaining = fri_remaining(wait->deadline_ns);

    if (remaining == 0)
        return false;
    fri_watch_wait(&wait->watch, remaining < LOOK_AGAIN_NS ? remaining : LOOK_AGAIN_NS);
    return true;
}

void fri_name_wait_end(struct fri_name_wait *wait)
{
    fri_watch_close(&wait->watch);
}

FR_API int fr_unlink(const char *name)
{
    char path[FRI_PATH_SIZE];

    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    fri_path_make(name, path);
    return fri_path_remove(path);
}
