/* SPDX-License-Identifier: MIT */

/*
 * See view.h.
 */

#include "view.h"

#include <string.h>

int view_open(struct view *view, struct tally *tally)
{
    view->tally = tally;
    return painter_open(&view->painter);
}

int view_start(struct view *view, const struct options *options, const volatile sig_atomic_t *stop,
               void (*notify)(void *user), void *user)
{
    int error = feed_start(options, stop, view->tally, notify, user, &view->feed);
    if (error == 0)
        feed_state(view->feed, &view->state);
    return error;
}

void view_stop(struct view *view)
{
    feed_stop(&view->feed);
}

void view_switch(struct view *view, const char *name)
{
    view_stop(view);
    painter_forget(&view->painter);
    fr_frame_release(&view->frame);
    tally_begin(view->tally, name, view->tally->every);
    memset(&view->drawn, 0, sizeof view->drawn);
    view->graph.count = 0;
    view->graph.last_ns = 0;
    memset(&view->cursor.now, 0, sizeof view->cursor.now);
    view->shown_session = 0;
    view->is_unshown = 0;
    view->has_change = 0;
    view->is_paused = 0;
    view->is_stepping = 0;
    view->overlay_ns = 0;
    view->is_dirty = 1;
}

void view_close(struct view *view, const struct canvas *canvas)
{
    view_stop(view);
    painter_close(&view->painter);
    fr_frame_release(&view->frame);
    cursor_finish(&view->cursor, canvas);
    label_forget(&view->graph.label, canvas);
    label_forget(&view->overlay_label, canvas);
    label_forget(&view->badge_label, canvas);
    label_forget(&view->strip_label, canvas);
}

/* Only what lies in the picture: the numbers come from another process. */
static void cut_damage(struct damage *damage, const struct fr_frame *frame)
{
    const SDL_Rect all = { 0, 0, (int)frame->width, (int)frame->height };
    size_t kept = 0;
    for (size_t i = 0; i < damage->count; i++) {
        const struct fr_rect *rect = &damage->rect[i];
        const SDL_Rect part = { rect->x, rect->y, (int)SDL_min(rect->width, FR_MAX_SIDE),
                                (int)SDL_min(rect->height, FR_MAX_SIDE) };
        SDL_Rect inside;
        if (SDL_IntersectRect(&part, &all, &inside))
            damage->rect[kept++] =
                (struct fr_rect){ inside.x, inside.y, (uint32_t)inside.w, (uint32_t)inside.h };
    }
    damage->count = kept;
}

static double share_of(const struct damage *damage, const struct fr_frame *frame)
{
    double area = 0;
    for (size_t i = 0; i < damage->count; i++)
        area += (double)damage->rect[i].width * damage->rect[i].height;
    double share = area / ((double)frame->width * frame->height);
    return share > 1 ? 1 : share;
}

/* since is what was loaded before, 0 for nothing that helps. */
static void take_damage(struct view *view, uint64_t since)
{
    view->damage.count = fr_frame_damage(view->frame, since, view->damage.rect);
    cut_damage(&view->damage, view->frame);
    view->damage_share = share_of(&view->damage, view->frame);
    view->is_all_new = since == 0;
}

static unsigned news_of(const struct view *view, const struct fr_frame *frame)
{
    const struct fr_frame *before = view->frame;
    if (view->shown_session == 0 || !before)
        return VIEW_FRAME | VIEW_FIRST;
    unsigned news = VIEW_FRAME;
    if (before->width != frame->width || before->height != frame->height)
        news |= VIEW_RESIZED;
    if (before->session != frame->session)
        news |= VIEW_SESSION;
    return news;
}

/* The frame that was shown before is given back first: a viewer should hold one slot, not two. */
unsigned view_take(struct view *view)
{
    int64_t held_ns;
    const struct fr_frame *frame = feed_take(view->feed, &held_ns);
    if (!frame)
        return 0;
    if (view->is_paused && !view->is_stepping) {
        fr_frame_release(&frame);
        return 0;
    }
    unsigned news = news_of(view, frame);
    uint64_t since = 0;
    if (news == VIEW_FRAME && painter_has_picture(&view->painter))
        since = view->frame->sequence;
    fr_frame_release(&view->frame);
    view->frame = frame;
    view->held_ns = held_ns;
    view->shown_session = frame->session;
    view->is_stepping = 0;
    view->is_unshown = 1;
    take_damage(view, since);
    rate_add(&view->drawn, fr_now_ns());
    return news;
}

int view_load(struct view *view, struct canvas *canvas, int is_anew, const char **why)
{
    int64_t begin_ns = fr_now_ns();
    int is_all = is_anew || view->is_all_new;
    view->cursor_before = cursor_part(&view->cursor);
    cursor_take(&view->cursor, view->frame);
    int error = painter_load(&view->painter, canvas, view->frame, view->color, view->layout.turns,
                             is_all ? NULL : &view->damage, why);
    view->load_ns = fr_now_ns() - begin_ns;
    view->has_change = 1;
    if (error < 0 || is_all)
        view->is_dirty = 1;
    return error;
}

SDL_Rect view_area(const struct view *view)
{
    SDL_Rect area = view->cell;
    area.y += view->strip;
    area.h = SDL_max(1, area.h - view->strip);
    return area;
}

SDL_Rect view_place(const struct view *view)
{
    int width;
    int height;
    layout_size(&view->layout, view->frame, &width, &height);
    const SDL_Rect area = view_area(view);
    return layout_place(&view->layout, width, height, &area);
}
