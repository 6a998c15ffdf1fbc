/* SPDX-License-Identifier: MIT */
/* Floor 2: see name.h. */
#include "name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

#define MAX_NAME 64
#define MAX_DIGITS 10 /* of a user's number */

/* Whatever the kernel does with its notices, we look again after so long. */
#define LOOK_AGAIN_NS FR_S(1)

/* What follows "UID:", or the whole name if there is no such thing in front. */
static const char *bare_name(const char *name)
{
    size_t digits = strspn(name, "0123456789");

    return digits >= 1 && digits <= MAX_DIGITS && name[digits] == ':' ? name + digits + 1 : name;
}

static bool is_bare_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);

    return length >= 1 && length <= MAX_NAME && name[0] != '.' && name[0] != '-' &&
           strspn(name, allowed) == length;
}

bool fri_name_is_valid(const char *name)
{
    if (name && is_bare_name(bare_name(name)))
        return true;
    fri_fail(FR_EINVAL,
             "\"%.80s\" is not a name: 1 to 64 of A-Z a-z 0-9 . _ - not starting with . or -",
             name ? name : "(null)");
    return false;
}

int fri_name_check_new(const char *name, bool sealed)
{
    if (!name)
        return 0;
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    if (sealed)
        return fri_fail(FR_EINVAL, "what has a name cannot be sealed: create it without");
    return 0;
}

uint32_t fri_name_user(const char *name)
{
    return bare_name(name) == name ? fri_user() : (uint32_t)strtoul(name, NULL, 10);
}

void fri_name_path(const char *name, char path[FRI_PATH_SIZE])
{
    fri_path_make(fri_name_user(name), bare_name(name), path);
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

struct listing {
    int (*fn)(void *user, const char *name);
    void *user;
};

static int list_one(void *context, uint32_t user, const char *name)
{
    const struct listing *listing = context;
    char full[FRI_NAME_SIZE];

    if (!is_bare_name(name))
        return 0;
    if (user == fri_user())
        return listing->fn(listing->user, name);
    snprintf(full, sizeof full, "%u:%s", user, name);
    return listing->fn(listing->user, full);
}

FR_API int fr_list(int (*fn)(void *user, const char *name), void *user)
{
    struct listing listing = { fn, user };

    FR_CHECK(fn);
    return fri_path_list(list_one, &listing);
}

FR_API int fr_unlink(const char *name)
{
    char path[FRI_PATH_SIZE];

    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    fri_name_path(name, path);
    return fri_path_remove(path);
}
