/* SPDX-License-Identifier: MIT */

/*
 * An output of a Wayland compositor, or a piece of one, by wlr-screencopy (sway, river, labwc, Wayfire
 * and others; not GNOME, not KDE). The compositor writes the pixels straight into the slot that
 * viewers will read.
 *
 * One request is always on its way: the compositor answers it as soon as something has changed, and
 * tells what. When nothing has for a second, a second request gets the same picture again. An output
 * that is turned comes as it is scanned out.
 */

#define _GNU_SOURCE

#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "wayland.h"

#define KEEP_ALIVE_NS FR_S(1)
#define SLICE_NS FR_MS(100) /* how long a wait may keep us from looking at stop */
#define RETRY_NS FR_MS(250) /* after a failure: the output is off, say */
#define ANSWER_NS FR_S(5)   /* no compositor that works takes longer for its first picture */
#define REFRESH_MHZ 60000   /* where the compositor does not tell */

/* "wayland", "wayland-1", or one of these and ":NAME" of an output. */
static int wayland_matches(const struct options *options)
{
    const char *input = options->input;
    size_t length = strlen("wayland");
    if (strncmp(input, "wayland", length) != 0)
        return 0;
    return input[length] == '\0' || input[length] == ':' ||
           (input[length] == '-' && isdigit((unsigned char)input[length + 1]));
}

static enum source_result parse_options(struct wayland *wayland, const struct options *options)
{
    const char *colon = strchr(options->input, ':');
    size_t length = colon ? (size_t)(colon - options->input) : strlen(options->input);
    if (length >= sizeof wayland->display ||
        (colon && strlen(colon + 1) >= sizeof wayland->wanted)) {
        report_error("the name '%s' is too long for a display and an output", options->input);
        return SOURCE_FAILED;
    }
    if (length > strlen("wayland"))
        memcpy(wayland->display, options->input, length);
    if (colon)
        snprintf(wayland->wanted, sizeof wayland->wanted, "%s", colon + 1);
    if (options->window_id || options->window_name) {
        report_error("Wayland shows nobody the windows of others; choose a piece with -g instead");
        return SOURCE_FAILED;
    }
    if (options->cursor == CURSOR_META) {
        report_error("Wayland does not tell where the cursor is; use --cursor draw or none");
        return SOURCE_FAILED;
    }
    wayland->has_cursor = options->cursor == CURSOR_DRAW;
    wayland->piece = (struct fr_rect){ .x = (int32_t)options->x,
                                       .y = (int32_t)options->y,
                                       .width = options->width,
                                       .height = options->height };
    if (options->has_rate && options->rate.num > 0)
        wayland->period_ns = FR_S(1) * options->rate.den / options->rate.num;
    return SOURCE_OK;
}

static int32_t refresh_mhz(const struct wayland *wayland)
{
    return wayland->output->refresh > 0 ? wayland->output->refresh : REFRESH_MHZ;
}

static int64_t refresh_ns(const struct wayland *wayland)
{
    return FR_S(1000) / refresh_mhz(wayland);
}

/* ---- The shape of pictures --------------------------------------------------------------------- */

/* Takes over the shape of a picture that was offered. */
static enum source_result take_shape(struct wayland *wayland, const struct wayland_shape *shape,
                                     struct stream *stream)
{
    enum fr_format format = wayland_format(shape->code);
    uint64_t size = fr_frame_size(shape->width, shape->height, format);
    if (format == FR_FORMAT_NONE) {
        report_error(
            "the output comes in a pixel format that framering lacks (wl_shm's 0x%08" PRIx32
            "); choose another one in the compositor's settings (sway: render_bit_depth 8)",
            shape->code);
        return SOURCE_FAILED;
    }
    uint64_t row_bytes = (uint64_t)shape->width * fr_format_info(format)->plane[0].group_bytes;
    if (size == 0 || shape->stride < row_bytes || shape->stride > INT32_MAX) {
        report_error("the compositor offers a picture that makes no sense: %" PRIu32 "x%" PRIu32
                     ", rows of %" PRIu32 " bytes; please report it",
                     shape->width, shape->height, shape->stride);
        return SOURCE_FAILED;
    }
    wayland->shape = *shape;
    wayland->slot_size = size + (shape->stride - row_bytes) * shape->height;
    wayland->has_gap = 1;
    stream->width = shape->width;
    stream->height = shape->height;
    stream->format = format;
    stream->slot_size = wayland->slot_size;
    return SOURCE_OK;
}

/* The compositor is not writing into it any more. */
static void give_back(struct wayland_shot *shot)
{
    wayland_shot_drop(shot);
    fr_frame_abort(&shot->frame);
}

static enum source_result follow_shape(struct wayland *wayland, struct stream *stream)
{
    wayland_shot_drop(&wayland->repeat);
    enum source_result result = wayland_settle(wayland);
    if (result != SOURCE_OK)
        return result;
    fr_frame_abort(&wayland->repeat.frame);
    fr_frame_abort(&wayland->next.frame);
    wayland_forget_buffers(wayland);
    result = take_shape(wayland, &wayland->next.shape, stream);
    return result == SOURCE_OK ? SOURCE_CHANGED : result;
}

/* ---- Beginning --------------------------------------------------------------------------------- */

static enum source_result ask(struct wayland *wayland, struct wayland_shot *shot)
{
    if (wayland_area(wayland).width == 0) {
        report_error("the output %s has become so small that %" PRId32 ",%" PRId32
                     " lies outside; choose another -g",
                     wayland->output->name, wayland->piece.x, wayland->piece.y);
        return SOURCE_FAILED;
    }
    wayland_shot_ask(wayland, shot);
    return SOURCE_OK;
}

/* The first picture is asked for, to know its shape. */
static enum source_result find_shape(struct wayland *wayland, struct stream *stream)
{
    struct wayland_shot *next = &wayland->next;
    int64_t end_ns = fr_now_ns() + ANSWER_NS;
    enum source_result result = ask(wayland, next);
    while (result == SOURCE_OK && next->state == SHOT_ASKED && !*wayland->stop &&
           fr_now_ns() < end_ns)
        result = wayland_listen(wayland, SLICE_NS);
    if (result != SOURCE_OK)
        return result;
    if (*wayland->stop)
        return SOURCE_END;
    if (next->state == SHOT_OFFERED && next->has_shape)
        return take_shape(wayland, &next->shape, stream);
    report_error(next->state == SHOT_OFFERED
                     ? "the compositor offers no shared memory for the output %s; use another one"
                     : "the compositor cannot capture the output %s; is it switched off?",
                 wayland->output->name);
    return SOURCE_FAILED;
}

static enum source_result wayland_open(void *self, const struct options *options,
                                       const volatile sig_atomic_t *stop, struct stream *stream)
{
    struct wayland *wayland = self;
    wayland->stop = stop;
    wayland->name = options->output;
    wayland->pts = -1;
    enum source_result result = parse_options(wayland, options);
    if (result == SOURCE_OK)
        result = wayland_connect(wayland);
    if (result == SOURCE_OK)
        result = find_shape(wayland, stream);
    if (result != SOURCE_OK)
        return result;
    wayland->has_damage = !options->no_damage && wayland->version >= 2;
    stream->is_timed = 1;
    stream->rate = (struct fr_rational){ refresh_mhz(wayland), 1000 };
    if (!options->format || options->format == stream->format)
        return SOURCE_OK;
    report_error("the output comes as %s and demo-capture does not convert; leave out -x",
                 fr_format_info(stream->format)->name);
    return SOURCE_FAILED;
}

static enum source_result wayland_attach(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                         const struct stream *stream)
{
    (void)fresh_slots, (void)stream;
    struct wayland *wayland = self;
    struct fr_info info = fr_info();
    wayland_detach_memory(wayland);
    wayland->writer = writer;
    wayland->has_shown = 0;
    wayland->has_gap = 1;
    wayland->policy = fr_inspect(wayland->name, &info) == 0 ? info.overflow : FR_DROP_OLDEST;
    return wayland_attach_memory(wayland);
}

/* ---- Pictures on their way --------------------------------------------------------------------- */

static int is_stale(const struct wayland *wayland, const struct wayland_shot *shot)
{
    return shot->changes != wayland->output->changes;
}

/* A slot for a shot that lacks one. SOURCE_SAME: none is free. */
static enum source_result get_slot(struct wayland *wayland, struct wayland_shot *shot,
                                   int64_t timeout_ns)
{
    if (shot->frame)
        return SOURCE_OK;
    int64_t begin_ns = fr_now_ns();
    if (fr_writer_slot_size(wayland->writer) < wayland->slot_size) {
        report_error("the slots of the ring '%s' have %" PRIu64 " bytes, the output needs %" PRIu64
                     "; leave out --join, or make the ring with larger slots",
                     wayland->name, fr_writer_slot_size(wayland->writer), wayland->slot_size);
        return SOURCE_FAILED;
    }
    int error = fr_frame_acquire(wayland->writer, wayland->shape.width, wayland->shape.height,
                                 wayland_format(wayland->shape.code), timeout_ns, &shot->frame);
    shot->wait_ns = fr_now_ns() - begin_ns;
    if (error == FR_ETIMEDOUT || error == FR_EBUSY)
        return SOURCE_SAME;
    if (error == 0)
        return SOURCE_OK;
    report_error("cannot get a slot of the ring '%s': %s", wayland->name, fr_error_detail(error));
    return SOURCE_FAILED;
}

/* Puts the next picture on its way, as far as that can be done now. */
static enum source_result advance_next(struct wayland *wayland)
{
    struct wayland_shot *next = &wayland->next;
    int64_t now_ns = fr_now_ns();
    if (next->state == SHOT_FAILED)
        wayland->ask_ns = now_ns + RETRY_NS;
    if (next->state == SHOT_FAILED || (next->state != SHOT_IDLE && is_stale(wayland, next))) {
        wayland->has_gap = 1;
        wayland_shot_drop(next);
    }
    if (now_ns < wayland->ask_ns)
        return SOURCE_OK;
    if (next->state == SHOT_IDLE)
        return ask(wayland, next);
    if (next->state != SHOT_OFFERED || !wayland_has_shape(&next->shape, &wayland->shape))
        return SOURCE_OK;
    enum source_result result = get_slot(wayland, next, SLICE_NS);
    if (result == SOURCE_OK) {
        /* What changed in a gap may have been told already: nobody would wait for it. */
        wayland_shot_copy(wayland, next, wayland->has_damage && !wayland->has_gap);
    } else if (result == SOURCE_SAME && wayland->policy == FR_DROP_NEWEST) {
        wayland->is_full = 1;
        wayland->ask_ns = now_ns + refresh_ns(wayland);
    }
    return result == SOURCE_FAILED ? result : SOURCE_OK;
}

static int can_repeat(const struct wayland *wayland)
{
    return wayland->has_damage && wayland->has_shown && !wayland->has_gap &&
           wayland->next.state == SHOT_COPYING;
}

/*
 * The same for the repeated picture. It is asked for while the compositor waits with the next one for
 * something to change: if it is ready before that, then nothing has.
 */
static enum source_result advance_repeat(struct wayland *wayland)
{
    struct wayland_shot *repeat = &wayland->repeat;
    int is_useless = !can_repeat(wayland) || is_stale(wayland, repeat) ||
                     !wayland_has_shape(&repeat->shape, &wayland->shape);
    enum source_result result = SOURCE_OK;
    if (repeat->state == SHOT_IDLE && can_repeat(wayland) && fr_now_ns() >= wayland->due_ns)
        return ask(wayland, repeat);
    if (repeat->state == SHOT_OFFERED && !is_useless)
        result = get_slot(wayland, repeat, FR_NOWAIT);
    if (repeat->state == SHOT_OFFERED && !is_useless && result == SOURCE_OK) {
        wayland_shot_copy(wayland, repeat, 0);
    } else if (repeat->state == SHOT_FAILED || repeat->state == SHOT_OFFERED ||
               (repeat->state == SHOT_READY && is_useless)) {
        give_back(repeat);
        wayland->due_ns = fr_now_ns() + KEEP_ALIVE_NS;
    }
    return result == SOURCE_FAILED ? result : SOURCE_OK;
}

static int has_news(const struct wayland *wayland)
{
    const struct wayland_shot *next = &wayland->next;
    return wayland->is_full || next->state == SHOT_READY || wayland->repeat.state == SHOT_READY ||
           (next->state == SHOT_OFFERED && !wayland_has_shape(&next->shape, &wayland->shape));
}

/* Nobody watches: what was ready is outdated when somebody comes. */
static enum source_result rest(struct wayland *wayland)
{
    if (wayland->next.state == SHOT_READY || wayland->next.state == SHOT_FAILED) {
        wayland_shot_drop(&wayland->next);
        wayland->has_gap = 1;
    }
    return wayland_listen(wayland, SLICE_NS);
}

/* Until the compositor has to tell something, or it is time for something else. */
static enum source_result listen_a_while(struct wayland *wayland, int64_t until_ns)
{
    int64_t now_ns = fr_now_ns();
    if (until_ns > now_ns + SLICE_NS)
        until_ns = now_ns + SLICE_NS;
    if (wayland->ask_ns > now_ns && wayland->ask_ns < until_ns)
        until_ns = wayland->ask_ns;
    if (wayland->repeat.state == SHOT_IDLE && can_repeat(wayland) && wayland->due_ns < until_ns)
        until_ns = wayland->due_ns;
    return wayland_listen(wayland, until_ns - now_ns);
}

static enum source_result wayland_wait(void *self, int64_t until_ns, struct stream *stream)
{
    (void)stream;
    struct wayland *wayland = self;
    enum source_result result = SOURCE_OK;
    while (result == SOURCE_OK && !*wayland->stop && fr_now_ns() < until_ns) {
        if (wayland->has_shown && !audience_is_watching(&wayland->audience, wayland->name)) {
            result = rest(wayland);
            continue;
        }
        result = advance_next(wayland);
        if (result == SOURCE_OK)
            result = advance_repeat(wayland);
        if (result != SOURCE_OK || has_news(wayland))
            break;
        result = listen_a_while(wayland, until_ns);
    }
    return result;
}

/* ---- Frames ------------------------------------------------------------------------------------ */

/* Rows lie as the compositor wrote them. */
static void place_rows(const struct wayland_shot *shot, struct fr_frame *frame)
{
    struct fr_plane *plane = &frame->plane[0];
    plane->stride = shot->shape.stride;
    if (!shot->is_inverted)
        return;
    plane->data += (ptrdiff_t)(plane->rows - 1) * plane->stride;
    plane->stride = -plane->stride;
}

/* The compositor's clock is ours nearly everywhere, but the protocol does not say so. */
static void set_times(struct wayland *wayland, const struct wayland_shot *shot,
                      struct fr_frame *frame, struct stream *stream)
{
    int is_ours = shot->taken_ns >= frame->capture_ns && shot->taken_ns <= shot->ready_ns;
    frame->capture_ns = is_ours ? shot->taken_ns : shot->ready_ns;
    stream->stages.wait_ns = shot->wait_ns;
    stream->stages.grab_ns = shot->ready_ns - frame->capture_ns;
    if (wayland->pts < 0)
        wayland->base_ns = shot->taken_ns;
    int64_t pts = shot->taken_ns - wayland->base_ns;
    wayland->pts = pts > wayland->pts ? pts : wayland->pts + 1;
    frame->pts = wayland->pts;
    frame->frame_rate = stream->rate;
}

static struct fr_frame *finish(struct wayland *wayland, struct wayland_shot *shot,
                               struct stream *stream)
{
    struct fr_frame *frame = shot->frame;
    place_rows(shot, frame);
    set_times(wayland, shot, frame, stream);
    frame->color = (struct fr_color){ .range = 2, .primaries = 1, .transfer = 13 };
    frame->sample_aspect = (struct fr_rational){ 1, 1 };
    if (wayland->changed.count == 0)
        frame->flags |= FR_FRAME_REPEAT;
    (void)!fr_frame_set_damage(frame, wayland->changed.rect, wayland->changed.count);
    wayland->changed.count = 0;
    wayland->has_shown = 1;
    wayland->due_ns = fr_now_ns() + KEEP_ALIVE_NS;
    wayland_shot_drop(shot);
    shot->frame = NULL;
    return frame;
}

/* SOURCE_SAME: only outside the piece has something changed. */
static enum source_result take_next(struct wayland *wayland, struct stream *stream,
                                    struct fr_frame **frame)
{
    struct wayland_shot *next = &wayland->next;
    int64_t now_ns = fr_now_ns();
    wayland->changed.count = 0;
    if (!wayland->has_damage || wayland->has_gap)
        rects_add(&wayland->changed,
                  (struct fr_rect){ 0, 0, next->shape.width, next->shape.height });
    else
        wayland_shot_damage(wayland, next, &wayland->changed);
    if (wayland->changed.count == 0 && now_ns < wayland->due_ns) {
        wayland_shot_drop(next);
        return SOURCE_SAME;
    }
    *frame = finish(wayland, next, stream);
    wayland->has_gap = 0;
    /* So that it is ready for the user's next beat, and not much older. */
    if (wayland->period_ns > 0)
        wayland->ask_ns = now_ns + wayland->period_ns - refresh_ns(wayland);
    return SOURCE_OK;
}

static enum source_result wayland_take(void *self, struct stream *stream, struct fr_frame **frame)
{
    struct wayland *wayland = self;
    struct wayland_shot *next = &wayland->next;
    struct wayland_shot *repeat = &wayland->repeat;
    if (wayland->is_full) {
        wayland->is_full = 0;
        return SOURCE_OK;
    }
    if (next->state == SHOT_OFFERED && !wayland_has_shape(&next->shape, &wayland->shape))
        return follow_shape(wayland, stream);
    /* What was ready before the repeated picture may not have been heard of yet. */
    if (repeat->state == SHOT_READY && next->state == SHOT_COPYING) {
        enum source_result result = wayland_settle(wayland);
        if (result != SOURCE_OK)
            return result;
    }
    if (next->state == SHOT_READY && !is_stale(wayland, next))
        return take_next(wayland, stream, frame);
    if (repeat->state != SHOT_READY || !can_repeat(wayland) || is_stale(wayland, repeat))
        return SOURCE_SAME;
    *frame = finish(wayland, repeat, stream);
    return SOURCE_OK;
}

static void wayland_close(void *self)
{
    struct wayland *wayland = self;
    wayland_shot_drop(&wayland->next);
    wayland_shot_drop(&wayland->repeat);
    wayland_detach_memory(wayland);
    wayland_disconnect(wayland);
    fr_frame_abort(&wayland->next.frame);
    fr_frame_abort(&wayland->repeat.frame);
}

const struct source source_wayland = {
    .name = "wayland",
    .help = "  wayland       the screen of a Wayland compositor that allows it (sway,\n"
            "                river, labwc; not GNOME, not KDE), or a piece: -g \"$(slurp)\"\n"
            "  wayland:NAME  one of its outputs; wayland-1, wayland-1:NAME: that display's\n",
    .private_size = sizeof(struct wayland),
    .matches = wayland_matches,
    .open = wayland_open,
    .attach = wayland_attach,
    .wait = wayland_wait,
    .take = wayland_take,
    .close = wayland_close,
};
