/* SPDX-License-Identifier: MIT */
/* Medians, percentiles and cells: see series.h. */
#include "series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void series_add(struct series *series, double value)
{
    if (!isfinite(value) || series->count == MAX_ROUNDS)
        return;
    series->value[series->count] = value;
    series->count++;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

double series_median(const struct series *series)
{
    double sorted[MAX_ROUNDS];
    uint32_t n = series->count;

    if (n == 0)
        return 0;
    memcpy(sorted, series->value, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], compare_doubles);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double series_least(const struct series *series)
{
    double least = series->count > 0 ? series->value[0] : 0;

    for (uint32_t i = 1; i < series->count; i++)
        least = fmin(least, series->value[i]);
    return least;
}

double series_most(const struct series *series)
{
    double most = series->count > 0 ? series->value[0] : 0;

    for (uint32_t i = 1; i < series->count; i++)
        most = fmax(most, series->value[i]);
    return most;
}

json_t *series_json(const struct series *series)
{
    if (series->count == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:I}", "median", series_median(series), "min",
                     series_least(series), "max", series_most(series), "n",
                     (json_int_t)series->count);
}

static int compare_ns(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void sort_ns(int64_t *value, uint64_t count)
{
    if (count > 1)
        qsort(value, count, sizeof *value, compare_ns);
}

int64_t percentile_ns(const int64_t *sorted, uint64_t count, double part)
{
    if (count == 0)
        return 0;
    const uint64_t index = (uint64_t)ceil(part * (double)count);
    return sorted[index == 0 ? 0 : index > count ? count - 1 : index - 1];
}

struct cell *cells_add(struct cells *cells, json_t *labels)
{
    if (cells->count == cells->room) {
        const uint32_t room = cells->room == 0 ? 64 : 2 * cells->room;
        struct cell *more = realloc(cells->cell, room * sizeof *more);

        if (more == NULL)
            abort();
        cells->cell = more;
        cells->room = room;
    }
    struct cell *cell = &cells->cell[cells->count];
    memset(cell, 0, sizeof *cell);
    cell->labels = labels;
    cells->count++;
    return cell;
}

void cells_free(struct cells *cells)
{
    for (uint32_t i = 0; i < cells->count; i++)
        json_decref(cells->cell[i].labels);
    free(cells->cell);
    cells->cell = NULL;
    cells->count = 0;
    cells->room = 0;
}

static void put_wrongs(json_t *json, const struct wrongs *wrongs)
{
    json_object_set_new(json, "torn", json_integer((json_int_t)wrongs->torn));
    json_object_set_new(json, "lost", json_integer((json_int_t)wrongs->lost));
    json_object_set_new(json, "disordered", json_integer((json_int_t)wrongs->disordered));
}

json_t *cells_json(const struct cells *cells)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < cells->count; i++) {
        const struct cell *cell = &cells->cell[i];
        json_t *json = json_copy(cell->labels);

        for (uint32_t m = 0; cells->metrics[m] != NULL; m++)
            json_object_set_new(json, cells->metrics[m], series_json(&cell->series[m]));
        if (cell->is_verified)
            put_wrongs(json, &cell->wrongs);
        if (cell->error[0] != '\0')
            json_object_set_new(json, "error", json_string(cell->error));
        json_array_append_new(array, json);
    }
    return array;
}

int64_t cell_label(const struct cell *cell, const char *key)
{
    return json_integer_value(json_object_get(cell->labels, key));
}

const char *cell_text(const struct cell *cell, const char *key)
{
    const char *text = json_string_value(json_object_get(cell->labels, key));

    return text != NULL ? text : "";
}

struct wrongs cells_wrongs(const struct cells *cells)
{
    struct wrongs sum = { 0 };

    for (uint32_t i = 0; i < cells->count; i++) {
        sum.torn += cells->cell[i].wrongs.torn;
        sum.lost += cells->cell[i].wrongs.lost;
        sum.disordered += cells->cell[i].wrongs.disordered;
    }
    return sum;
}

uint32_t cells_errors(const struct cells *cells)
{
    uint32_t errors = 0;

    for (uint32_t i = 0; i < cells->count; i++)
        errors += cells->cell[i].error[0] != '\0';
    return errors;
}
