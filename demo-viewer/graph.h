/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_H
#define GRAPH_H

/*
 * The last few seconds as two curves: how old each frame was when it was shown, and how long after
 * the one before it came.
 */

#include "label.h"

#define GRAPH_SAMPLES 240

struct graph {
    int64_t latency_ns[GRAPH_SAMPLES];
    int64_t interval_ns[GRAPH_SAMPLES];
    uint64_t count; /* of samples so far; the newest is number count - 1 */
    int64_t last_ns;
    struct label label;
};

/* A frame that was captured at capture_ns was shown at now_ns. */
void graph_add(struct graph *graph, int64_t capture_ns, int64_t now_ns);

/* Draws it at the lower left of an area. */
void graph_draw(struct graph *graph, struct canvas *canvas, const SDL_Rect *area);

#endif
