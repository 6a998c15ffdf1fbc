/* SPDX-License-Identifier: MIT */
/*
 * Reads every frame of a stream and prints a line of what was said about it, held against what it
 * shows. A copy of the picture is kept up to date with the damaged rectangles only; each pixel in
 * which it differs from the frame afterwards is a lie of the damage.
 *
 *      sequence WxH repeat|new RECTS rects DAMAGED pixels LIES lies cursor X,Y WxH serial N, pixels P
 *      pts TIME
 *
 * usage: frame_trace NAME SECONDS [FILE]
 * The seconds begin with the first frame; FILE gets the last picture, tight rows of its pixels
 */
#include <framering/framering.h>
#include <framering/meta.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXEL 4 /* bytes: this is for screens */

struct trace {
    uint8_t *shadow;
    uint32_t width;
    uint32_t height;
    uint64_t sequence; /* of the picture in shadow; 0 none */
    uint64_t session;
};

static void copy_rect(struct trace *trace, const struct fr_frame *frame, struct fr_rect rect)
{
    for (uint32_t y = 0; y < rect.height; y++) {
        size_t row = (size_t)rect.y + y;
        size_t column = (size_t)rect.x * PIXEL;
        memcpy(trace->shadow + row * trace->width * PIXEL + column,
               frame->plane[0].data + (ptrdiff_t)row * frame->plane[0].stride + column,
               (size_t)rect.width * PIXEL);
    }
}

/* The byte without meaning may be anything. */
static uint64_t count_lies(const struct trace *trace, const struct fr_frame *frame)
{
    uint64_t lies = 0;
    for (uint32_t y = 0; y < frame->height; y++) {
        const uint8_t *is = frame->plane[0].data + (ptrdiff_t)y * frame->plane[0].stride;
        const uint8_t *was = trace->shadow + (size_t)y * trace->width * PIXEL;
        for (uint32_t x = 0; x < frame->width; x++, is += PIXEL, was += PIXEL)
            lies += memcmp(is, was, 3) != 0;
    }
    return lies;
}

static void fit(struct trace *trace, const struct fr_frame *frame)
{
    if (trace->session == frame->session && trace->width == frame->width &&
        trace->height == frame->height)
        return;
    free(trace->shadow);
    trace->shadow = calloc((size_t)frame->width * frame->height, PIXEL);
    if (!trace->shadow)
        abort();
    trace->width = frame->width;
    trace->height = frame->height;
    trace->session = frame->session;
    trace->sequence = 0;
}

static void print_cursor(const struct fr_frame *frame)
{
    size_t size = 0;
    const struct fr_cursor *cursor = fr_frame_meta(frame, FR_META_CURSOR, &size);
    if (!cursor || size < sizeof *cursor)
        return;
    printf(" cursor %" PRId32 ",%" PRId32 " %" PRIu32 "x%" PRIu32 " serial %" PRIu32 ", pixels %zu",
           cursor->x, cursor->y, cursor->width, cursor->height, cursor->serial,
           (size - sizeof *cursor) / PIXEL);
}

static void show(struct trace *trace, const struct fr_frame *frame)
{
    struct fr_rect rects[FR_MAX_DAMAGE];
    fit(trace, frame);
    size_t count = fr_frame_damage(frame, trace->sequence, rects);
    uint64_t damaged = 0;
    for (size_t i = 0; i < count; i++) {
        copy_rect(trace, frame, rects[i]);
        damaged += (uint64_t)rects[i].width * rects[i].height;
    }
    printf("%" PRIu64 " %" PRIu32 "x%" PRIu32 " %s %zu rects %" PRIu64 " pixels %" PRIu64 " lies",
           frame->sequence, frame->width, frame->height,
           frame->flags & FR_FRAME_REPEAT ? "repeat" : "new", count, damaged,
           count_lies(trace, frame));
    print_cursor(frame);
    printf(" pts %" PRId64 "\n", frame->pts);
    fflush(stdout);
    trace->sequence = frame->sequence;
}

static int write_last(const struct trace *trace, const char *path)
{
    FILE *file = fopen(path, "wb");
    size_t pixels = (size_t)trace->width * trace->height;
    int is_written = file && fwrite(trace->shadow, PIXEL, pixels, file) == pixels;
    return file && fclose(file) == 0 && is_written ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct trace trace = { 0 };
    struct fr_reader *reader = NULL;
    const struct fr_frame *frame;
    int error = argc < 3 ? FR_EINVAL
                         : fr_reader_open(argv[1], &fr_reader_opts(.follow = 1), FR_S(10), &reader);
    int64_t end_ns = fr_now_ns() + FR_S(10); /* for the first frame */
    while (error == 0 && fr_now_ns() < end_ns) {
        error = fr_frame_wait(reader, FR_NEXT, end_ns - fr_now_ns(), &frame);
        if (error < 0)
            break;
        if (trace.session == 0)
            end_ns = fr_now_ns() + (int64_t)(atof(argv[2]) * 1e9);
        show(&trace, frame);
        fr_frame_release(&frame);
    }
    fr_reader_close(&reader);
    if (error == FR_ETIMEDOUT || error == FR_ECLOSED)
        error = 0;
    if (error < 0)
        fprintf(stderr, "frame_trace: %s\n", fr_error_detail(error));
    else if (argc > 3 && write_last(&trace, argv[3]) < 0)
        error = -1;
    free(trace.shadow);
    return error < 0 ? 1 : 0;
}
