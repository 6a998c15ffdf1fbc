/* SPDX-License-Identifier: MIT */

/*
 * See names.h.
 */

#include "names.h"

#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH 16
#define ELLIPSIS ", ..."

/* For fr_list; without memory the list ends early, which is all that can be done. */
static int add_name(void *user, const char *name)
{
    struct names *names = user;
    struct fr_info info = fr_info();
    if (fr_inspect(name, &info) < 0 || info.kind != FR_KIND_RING || info.format == FR_FORMAT_NONE)
        return 0;
    if (names->count % GROWTH == 0) {
        void *larger = realloc(names->name, (names->count + GROWTH) * sizeof *names->name);
        if (!larger)
            return 1;
        names->name = larger;
    }
    snprintf(names->name[names->count], NAME_SIZE, "%s", name);
    names->count++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

void names_read(struct names *names)
{
    *names = (struct names){ .name = NULL };
    (void)fr_list(add_name, names);
    if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, compare);
}

void names_free(struct names *names)
{
    free(names->name);
    *names = (struct names){ .name = NULL };
}

const char *names_beside(const struct names *names, const char *name, int steps)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->name[i], name) < 0)
        i++;
    if (names->count == 0)
        return NULL;
    int is_there = i < names->count && strcmp(names->name[i], name) == 0;
    long count = (long)names->count;
    /* Of a name that is not there the next one is what stands at its place. */
    long place = (long)i + steps - (is_there || steps < 0 ? 0 : 1);
    const char *beside = names->name[((place % count) + count) % count];
    return strcmp(beside, name) == 0 ? NULL : beside;
}

void names_text(const struct names *names, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < names->count; i++) {
        size_t need = strlen(names->name[i]) + (i > 0 ? 2 : 0);
        if (used + need + sizeof ELLIPSIS > size) {
            snprintf(text + used, size - used, "%s", ELLIPSIS);
            return;
        }
        snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names->name[i]);
        used += need;
    }
}
