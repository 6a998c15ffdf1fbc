/* SPDX-License-Identifier: MIT */

/*
 * See graph.h.
 */

#include "graph.h"

#include <framering/framering.h>
#include <stdio.h>

#define STEP 2 /* pixels from sample to sample */
#define HEIGHT 100
#define EDGE 12
#define TEXT_HEIGHT 30
#define BACKGROUND 0xc8101418u
#define GRID 0x50ffffffu

static const SDL_Color latency_color = { 90, 200, 255, 255 };
static const SDL_Color interval_color = { 255, 190, 60, 255 };

void graph_add(struct graph *graph, int64_t capture_ns, int64_t now_ns)
{
    size_t place = graph->count % GRAPH_SAMPLES;
    graph->latency_ns[place] = SDL_max(now_ns - capture_ns, 0); /* a source may see ahead */
    graph->interval_ns[place] = graph->last_ns > 0 ? now_ns - graph->last_ns : 0;
    graph->last_ns = now_ns;
    graph->count++;
}

static size_t samples(const struct graph *graph)
{
    return graph->count < GRAPH_SAMPLES ? (size_t)graph->count : GRAPH_SAMPLES;
}

/* The scale that both curves fit in: 1, 2 or 5 times a power of ten, in milliseconds. */
static int64_t full_scale_ns(const struct graph *graph)
{
    int64_t most = 0;
    for (size_t i = 0; i < samples(graph); i++) {
        most = SDL_max(most, graph->latency_ns[i]);
        most = SDL_max(most, graph->interval_ns[i]);
    }
    int64_t scale = FR_MS(1);
    for (int step = 0; scale < most; step++)
        scale = step % 3 == 1 ? scale / 2 * 5 : scale * 2;
    return scale;
}

static void draw_curve(const struct graph *graph, struct canvas *canvas, const SDL_Rect *box,
                       const int64_t *values, int64_t scale_ns, SDL_Color color)
{
    SDL_Point points[GRAPH_SAMPLES];
    size_t count = samples(graph);
    for (size_t i = 0; i < count; i++) {
        int64_t value = values[(graph->count - count + i) % GRAPH_SAMPLES];
        points[i].x = box->x + (int)i * STEP;
        points[i].y =
            box->y + box->h - 1 - (int)((box->h - 1) * SDL_min(value, scale_ns) / scale_ns);
    }
    SDL_SetRenderDrawBlendMode(canvas->renderer, SDL_BLENDMODE_NONE);
    SDL_SetRenderDrawColor(canvas->renderer, color.r, color.g, color.b, color.a);
    SDL_RenderDrawLines(canvas->renderer, points, (int)count);
}

static double newest_ms(const struct graph *graph, const int64_t *values)
{
    if (graph->count == 0)
        return 0;
    return (double)values[(graph->count - 1) % GRAPH_SAMPLES] / 1e6;
}

void graph_draw(struct graph *graph, struct canvas *canvas, const SDL_Rect *area)
{
    const SDL_Rect box = {
        .x = area->x + EDGE,
        .y = area->y + area->h - EDGE - HEIGHT,
        .w = SDL_min(GRAPH_SAMPLES * STEP, area->w - 2 * EDGE),
        .h = HEIGHT,
    };
    canvas_fill(canvas, &box, BACKGROUND);
    const SDL_Rect middle = { box.x, box.y + box.h / 2, box.w, 1 };
    canvas_fill(canvas, &middle, GRID);
    int64_t scale_ns = full_scale_ns(graph);
    draw_curve(graph, canvas, &box, graph->interval_ns, scale_ns, interval_color);
    draw_curve(graph, canvas, &box, graph->latency_ns, scale_ns, latency_color);
    char text[128];
    snprintf(text, sizeof text, "latency (blue) %.1f ms   interval (orange) %.1f ms   top %lld ms",
             newest_ms(graph, graph->latency_ns), newest_ms(graph, graph->interval_ns),
             (long long)(scale_ns / FR_MS(1)));
    label_draw_at(&graph->label, canvas, text, box.x, box.y - TEXT_HEIGHT);
}
