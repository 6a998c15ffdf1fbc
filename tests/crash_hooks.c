/* SPDX-License-Identifier: MIT */
/* Victims that die or stop at named points: see crash_hooks.h. */
#define _GNU_SOURCE
#include "crash_hooks.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "point.h"
#include "world.h"

#define MAX_POINTS 128
#define NAME_SIZE 64

struct crash_record *crash_record;

static struct crash_fate mine; /* in a victim */

static const char *seen[MAX_POINTS];
static long hits[CRASH_VICTIMS][MAX_POINTS];
static int seen_count;

bool crash_hooks_make(void)
{
    void *memory = mmap(NULL, CRASH_VICTIMS * sizeof *crash_record, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return false;
    crash_record = memory;
    return true;
}

/* ---- In the victims ------------------------------------------------------------------------- */

static void pass(const char *name)
{
    struct crash_record *record = &crash_record[mine.victim];

    if (world_at_point)
        world_at_point(name);
    if (record->passes < CRASH_PASSES)
        record->name[record->passes] = name;
    /* The count first, because we may not come back. */
    if (record->passes++ == mine.pass)
        raise(mine.signal);
}

static void begin(const struct crash_fate *fate)
{
    mine = *fate;
    crash_record[mine.victim].passes = 0;
    fri_point_hook = pass;
}

void crash_write_down(void *context)
{
    struct crash_fate fate = *(const struct crash_fate *)context;

    fate.pass = -1;
    begin(&fate);
}

void crash_at_pass(void *context)
{
    begin(context);
}

/* ---- Dice ----------------------------------------------------------------------------------- */

/* Any change of a bit changes about half of the others: neighbouring numbers are not alike. */
static uint64_t scatter(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

struct crash_dice crash_dice(uint64_t seed, uint64_t number)
{
    return (struct crash_dice){ .state = scatter(seed + 1) ^ scatter(~number) };
}

unsigned crash_roll(struct crash_dice *dice, unsigned sides)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)((scatter(dice->state) >> 32) % sides);
}

/* ---- Book-keeping --------------------------------------------------------------------------- */

const char *crash_point_of(const struct crash_fate *fate)
{
    const struct crash_record *record = &crash_record[fate->victim];

    if (fate->pass >= CRASH_PASSES || record->passes <= fate->pass)
        return NULL;
    return record->name[fate->pass];
}

/* Its index, or seen_count if it is new. */
static int find(const char *point)
{
    int i = 0;

    while (i < seen_count && strcmp(seen[i], point) != 0)
        i++;
    return i;
}

void crash_count(int role, const char *point)
{
    int i = find(point);

    if (i == seen_count && seen_count < MAX_POINTS)
        seen[seen_count++] = point;
    if (i < MAX_POINTS)
        hits[role][i]++;
}

long crash_hits(int role, const char *point)
{
    int i = find(point);

    return i < seen_count ? hits[role][i] : 0;
}

static int report_missing(int roles, const char *const *role_names, const char *point)
{
    int missing = 0;

    for (int role = 0; role < roles; role++) {
        if (crash_hits(role, point) > 0)
            continue;
        printf("FAILED: %s: nobody comes to \"%s\"\n", role_names[role], point);
        missing++;
    }
    return missing;
}

int crash_report(int roles, const char *const *role_names, const char *list)
{
    char point[NAME_SIZE];
    int missing = 0;
    FILE *file = list ? fopen(list, "r") : NULL;

    for (int i = 0; i < seen_count; i++) {
        for (int role = 0; role < roles; role++)
            printf("%7ld %s", hits[role][i], role_names[role]);
        printf(": %s\n", seen[i]);
    }
    if (list && !file) {
        printf("FAILED: cannot read %s\n", list);
        return 1;
    }
    while (file && fgets(point, sizeof point, file)) {
        point[strcspn(point, "\n")] = '\0';
        missing += report_missing(roles, role_names, point);
    }
    if (file)
        fclose(file);
    return missing;
}
