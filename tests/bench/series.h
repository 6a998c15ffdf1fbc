/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

/*
 * Numbers that were measured again and again. A series is one number, once per round; a cell is
 * one thing that is measured: its labels (a JSON object) and a series for each metric of its table.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_ROUNDS 64
#define MAX_METRICS 20

struct series {
    uint32_t count;
    double value[MAX_ROUNDS];
};

/* Values that are no number and those beyond MAX_ROUNDS are left out. */
void series_add(struct series *series, double value);

/* 0 of an empty series. */
double series_median(const struct series *series);
double series_least(const struct series *series);
double series_most(const struct series *series);

/* { "median", "min", "max", "n" }; null if the series is empty. */
json_t *series_json(const struct series *series);

/* Sorts, and looks up: the value that a part of all (0.99) are not above. 0 of nothing. */
void sort_ns(int64_t *value, uint64_t count);
int64_t percentile_ns(const int64_t *sorted, uint64_t count, double part);

/* What must never happen, over all rounds of a cell. */
struct wrongs {
    uint64_t torn;
    uint64_t lost;
    uint64_t disordered;
};

struct cell {
    json_t *labels;
    struct series series[MAX_METRICS];
    bool is_verified; /* wrongs were looked for */
    struct wrongs wrongs;
    char error[160]; /* why there is no result, or empty */
};

struct cells {
    const char *const *metrics; /* NULL at the end */
    uint32_t count;
    uint32_t room;
    struct cell *cell;
};

/* A new cell, with the labels, which it owns now. It stays where it is only until the next one. */
struct cell *cells_add(struct cells *cells, json_t *labels);
void cells_free(struct cells *cells);

/* An array of all cells: labels and metrics; torn, lost and disordered if verified; error. */
json_t *cells_json(const struct cells *cells);

/* A label's number; 0 if there is none. */
int64_t cell_label(const struct cell *cell, const char *key);
const char *cell_text(const struct cell *cell, const char *key);

/* What all the cells did wrong, and how many have an error; for the line under a table. */
struct wrongs cells_wrongs(const struct cells *cells);
uint32_t cells_errors(const struct cells *cells);

#endif
