/* SPDX-License-Identifier: MIT */
/*
 * Part 4: what single operations cost. The pieces are in primitive_*.c; this file runs them in
 * rounds and prints them.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "primitives.h"

#define GROUPS 5
#define PER_ROUND 50 /* primitives, about, that share the time of a round */

enum { VALUE, RATIO };
static const char *const metrics[] = { "value", "limit_ratio", NULL };

static struct cell *find_cell(struct primitives *primitives, const char *group, const char *name,
                              const char *unit)
{
    for (uint32_t i = 0; i < primitives->cells.count; i++) {
        struct cell *cell = &primitives->cells.cell[i];

        if (strcmp(cell_text(cell, "group"), group) == 0 &&
            strcmp(cell_text(cell, "name"), name) == 0)
            return cell;
    }
    return cells_add(&primitives->cells,
                     json_pack("{s:s, s:s, s:s}", "group", group, "name", name, "unit", unit));
}

void primitive_put(struct primitives *primitives, const char *group, const char *name,
                   const char *unit, double value, double limit)
{
    struct cell *cell = find_cell(primitives, group, name, unit);

    series_add(&cell->series[VALUE], value);
    if (limit > 0)
        series_add(&cell->series[RATIO], value / limit);
}

void primitive_fail(struct primitives *primitives, const char *group, const char *name, int error)
{
    struct cell *cell = find_cell(primitives, group, name, "");

    snprintf(cell->error, sizeof cell->error, "error %d", error);
}

void batches_add(struct batches *batches, int64_t ns)
{
    if (batches->count == MAX_BATCHES)
        return;
    batches->ns[batches->count] = ns;
    batches->count++;
}

/* What two looks at the clock add to a batch. */
static int64_t clock_cost_ns(void)
{
    int64_t least_ns = NS_PER_S;

    for (int i = 0; i < 1000; i++) {
        const int64_t begin_ns = clock_now_ns();
        const int64_t cost_ns = clock_now_ns() - begin_ns;

        least_ns = cost_ns < least_ns ? cost_ns : least_ns;
    }
    return least_ns;
}

double batches_ns(struct batches *batches, uint32_t operations)
{
    sort_ns(batches->ns, batches->count);
    const int64_t median_ns = percentile_ns(batches->ns, batches->count, 0.5);
    const int64_t net_ns = median_ns - clock_cost_ns();
    return net_ns > 0 ? (double)net_ns / operations : 0;
}

static void print_table(const struct primitives *primitives)
{
    const char *group = "";

    puts(
        "4. Primitives, median of the rounds (min - max), and times the same without the library\n");
    for (uint32_t i = 0; i < primitives->cells.count; i++) {
        const struct cell *cell = &primitives->cells.cell[i];
        const struct series *value = &cell->series[VALUE];

        if (strcmp(group, cell_text(cell, "group")) != 0) {
            group = cell_text(cell, "group");
            printf("  %s\n", group);
        }
        printf("    %-52s %9.1f (%9.1f -%9.1f) %-6s", cell_text(cell, "name"), series_median(value),
               series_least(value), series_most(value), cell_text(cell, "unit"));
        if (cell->series[RATIO].count > 0)
            printf("  x %.2f", series_median(&cell->series[RATIO]));
        puts("");
    }
    if (primitives->skipped[0] != '\0')
        printf("  skipped: %s\n", primitives->skipped);
    print_wrongs(&primitives->cells);
}

static void measure_round(struct primitives *primitives)
{
    static void (*const groups[GROUPS])(struct primitives *) = {
        primitives_of_rings, primitives_of_readers, primitives_of_regions,
        primitives_of_setup, primitives_of_calls,
    };

    for (int i = 0; i < GROUPS && !interrupted(); i++)
        groups[i](primitives);
}

json_t *part_primitives(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    struct primitives primitives = { .bench = bench,
                                     .slice_s = bench->budget_s / bench->rounds / PER_ROUND,
                                     .cells = { .metrics = metrics } };

    for (uint32_t r = 0; r < bench->rounds && !interrupted(); r++) {
        primitives.round = r;
        measure_round(&primitives);
    }
    print_table(&primitives);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "cells", cells_json(&primitives.cells));
    json_object_set_new(json, "skipped", json_string(primitives.skipped));
    cells_free(&primitives.cells);
    return json;
}
