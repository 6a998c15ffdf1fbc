/* SPDX-License-Identifier: MIT */

/*
 * See rects.h. A rectangle inside another one is dropped; when the list is full the newcomer is
 * joined with the one that has to grow least for it.
 */

#include "rects.h"

static int64_t right(struct fr_rect rect)
{
    return (int64_t)rect.x + rect.width;
}

static int64_t bottom(struct fr_rect rect)
{
    return (int64_t)rect.y + rect.height;
}

static int64_t area(struct fr_rect rect)
{
    return (int64_t)rect.width * rect.height;
}

static int contains(struct fr_rect outer, struct fr_rect inner)
{
    return inner.x >= outer.x && inner.y >= outer.y && right(inner) <= right(outer) &&
           bottom(inner) <= bottom(outer);
}

static struct fr_rect join(struct fr_rect a, struct fr_rect b)
{
    int32_t x = a.x < b.x ? a.x : b.x;
    int32_t y = a.y < b.y ? a.y : b.y;
    int64_t x_end = right(a) > right(b) ? right(a) : right(b);
    int64_t y_end = bottom(a) > bottom(b) ? bottom(a) : bottom(b);
    return (struct fr_rect){
        .x = x, .y = y, .width = (uint32_t)(x_end - x), .height = (uint32_t)(y_end - y)
    };
}

static void drop_those_inside(struct rects *rects, struct fr_rect outer)
{
    size_t kept = 0;
    for (size_t i = 0; i < rects->count; i++)
        if (!contains(outer, rects->rect[i]))
            rects->rect[kept++] = rects->rect[i];
    rects->count = kept;
}

/* Takes out the one whose union with rect is smallest beyond its own area. */
static struct fr_rect take_nearest(struct rects *rects, struct fr_rect rect)
{
    size_t best = 0;
    int64_t best_growth = INT64_MAX;
    for (size_t i = 0; i < rects->count; i++) {
        int64_t growth = area(join(rects->rect[i], rect)) - area(rects->rect[i]);
        if (growth < best_growth) {
            best_growth = growth;
            best = i;
        }
    }
    struct fr_rect nearest = rects->rect[best];
    rects->rect[best] = rects->rect[--rects->count];
    return nearest;
}

void rects_add(struct rects *rects, struct fr_rect rect)
{
    if (rect.width == 0 || rect.height == 0)
        return;
    for (size_t i = 0; i < rects->count; i++)
        if (contains(rects->rect[i], rect))
            return;
    drop_those_inside(rects, rect);
    if (rects->count == FR_MAX_DAMAGE) {
        rect = join(take_nearest(rects, rect), rect);
        drop_those_inside(rects, rect);
    }
    rects->rect[rects->count++] = rect;
}

struct fr_rect rects_clip(struct fr_rect rect, uint32_t width, uint32_t height)
{
    int64_t x = rect.x > 0 ? rect.x : 0;
    int64_t y = rect.y > 0 ? rect.y : 0;
    int64_t x_end = right(rect) < width ? right(rect) : width;
    int64_t y_end = bottom(rect) < height ? bottom(rect) : height;
    if (x >= x_end || y >= y_end)
        return (struct fr_rect){ 0 };
    return (struct fr_rect){ .x = (int32_t)x,
                             .y = (int32_t)y,
                             .width = (uint32_t)(x_end - x),
                             .height = (uint32_t)(y_end - y) };
}

int rects_are_equal(struct fr_rect a, struct fr_rect b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}
