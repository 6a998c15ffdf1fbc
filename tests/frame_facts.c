/* SPDX-License-Identifier: MIT */
/*
 * Frames with everything that a frame can carry, and every fact of frames but their times.
 *
 * usage: frame_facts write NAME COUNT READERS    makes a stream, when so many readers are there
 *        frame_facts read NAME                   prints a line for each frame, until it ends
 *
 * What is written goes through all formats, with sizes, rationals, colours, flags, damage and
 * metadata (known types and others, also empty ones) that differ from frame to frame.
 */
#include <framering/framering.h>
#include <framering/meta.h>
#include <inttypes.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_WIDTH 40
#define MAX_HEIGHT 24
#define SAME 4 /* frames of one size and format in a row, so that damage means something */

static int fail(const char *what, int error)
{
    fprintf(stderr, "frame_facts: %s: %s\n", what, fr_error_detail(error));
    return 1;
}

static void fill_fields(struct fr_frame *frame, uint32_t i)
{
    frame->pts = i % 7 == 3 ? FR_NO_PTS : (int64_t)i * 1001 - 5000;
    frame->duration = i % 5 == 0 ? 0 : 1001;
    frame->time_base = i % 3 == 0 ? (struct fr_rational){ 1, 30000 } : frame->time_base;
    frame->frame_rate = (struct fr_rational){ (int32_t)(i % 2) * 30000, 1001 };
    frame->sample_aspect = (struct fr_rational){ (int32_t)(i % 3), 1 };
    frame->color = (struct fr_color){ (uint8_t)(i % 3), 9, 16, (uint8_t)(i % 2 ? 9 : 1), 3 };
    frame->flags = i % 8;
    frame->source_number = (uint64_t)i * 3 + 1;
    frame->source_drops = i / 2;
    for (uint32_t p = 0; p < frame->planes; p++) {
        const struct fr_plane *plane = &frame->plane[p];
        for (uint32_t y = 0; y < plane->rows; y++)
            for (uint32_t x = 0; x < plane->row_bytes; x++)
                plane->data[(ptrdiff_t)y * plane->stride + x] =
                    (uint8_t)(i * 31 + p * 7 + y * 3 + x);
    }
}

static int fill_meta(struct fr_frame *frame, uint32_t i)
{
    uint8_t cursor[sizeof(struct fr_cursor) + 16] = { 0 };
    const struct fr_stages stages = { .grab_ns = i, .copy_ns = 2 * (int64_t)i };
    const struct fr_rect rects[2] = { { (int32_t)(i % 4), 1, 5, 6 }, { 10, 8, 3, 2 } };
    char label[32];
    int length = snprintf(label, sizeof label, "frame %" PRIu32 " \xe2\x96\xb6", i);
    memset(cursor, (int)i, sizeof cursor);
    int error = 0;
    if (i % 2 == 0)
        error = fr_frame_set_meta(frame, FR_META_CURSOR, cursor, sizeof cursor);
    if (error == 0 && i % 3 != 0)
        error = fr_frame_set_meta(frame, FR_META_LABEL, label, (size_t)length);
    if (error == 0 && i % 4 == 1)
        error = fr_frame_set_meta(frame, FR_META_STAGES, &stages, sizeof stages);
    if (error == 0 && i % 5 == 2)
        error = fr_frame_set_meta(frame, FR_META_USER + i, label, i % 10 == 2 ? 0 : 5);
    if (error == 0 && i % 4 != 2)
        error = fr_frame_set_damage(frame, rects, i % 3);
    return error;
}

static uint64_t largest_slot(void)
{
    uint64_t largest = 0;
    for (size_t i = 0; fr_format_at(i); i++) {
        uint64_t size = fr_frame_size(MAX_WIDTH, MAX_HEIGHT, fr_format_at(i)->format);
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* Readers that have begun to wait: one that is just joining may not get the next frame. */
static int count_reader(void *user, const struct fr_member *member)
{
    uint32_t *count = user;
    if (!member->is_writer && member->items + member->timeouts > 0)
        ++*count;
    return 0;
}

static void wait_for_readers(const char *name, uint32_t readers, const struct timespec *moment)
{
    uint32_t count = 0;
    while (count < readers) {
        nanosleep(moment, NULL);
        count = 0;
        if (fr_members(name, count_reader, &count) < 0)
            return;
    }
}

static int write_frames(const char *name, uint32_t count, uint32_t readers)
{
    struct fr_writer *writer;
    struct fr_writer_opts opts = fr_writer_opts(.slot_size = largest_slot());
    const struct timespec moment = { .tv_nsec = 3000000 };
    int error = fr_writer_create(name, &opts, &writer);
    if (error < 0)
        return fail("create", error);
    wait_for_readers(name, readers, &moment);
    size_t formats = 0;
    while (fr_format_at(formats))
        formats++;
    for (uint32_t i = 0; i < count; i++) {
        struct fr_frame *frame;
        uint32_t part = i / SAME;
        error = fr_frame_acquire(writer, MAX_WIDTH - part % 5, MAX_HEIGHT - part % 3,
                                 fr_format_at(part % formats)->format, FR_S(20), &frame);
        if (error < 0)
            return fail("acquire", error);
        fill_fields(frame, i);
        error = fill_meta(frame, i);
        if (error < 0)
            return fail("metadata", error);
        nanosleep(&moment, NULL);
        error = fr_frame_publish(&frame);
        if (error < 0)
            return fail("publish", error);
    }
    fr_writer_close(&writer);
    return 0;
}

static void print_sum(struct AVMD5 *md5)
{
    uint8_t sum[16];
    av_md5_final(md5, sum);
    for (int i = 0; i < 16; i++)
        printf("%02x", sum[i]);
}

static void print_fields(const struct fr_frame *frame)
{
    const struct fr_color *color = &frame->color;
    printf("%s %" PRIu32 "x%" PRIu32 " pts %" PRId64 " +%" PRId64 " in %d/%d rate %d/%d sar %d/%d",
           fr_format_info(frame->format)->name, frame->width, frame->height, frame->pts,
           frame->duration, frame->time_base.num, frame->time_base.den, frame->frame_rate.num,
           frame->frame_rate.den, frame->sample_aspect.num, frame->sample_aspect.den);
    printf(" color %d %d %d %d %d flags %" PRIu32 " source %" PRIu64 " drops %" PRIu64,
           color->range, color->primaries, color->transfer, color->matrix, color->chroma_location,
           frame->flags, frame->source_number, frame->source_drops);
}

static void print_meta(const struct fr_frame *frame, struct AVMD5 *md5)
{
    uint32_t type;
    size_t size;
    const void *data = fr_frame_meta_at(frame, 0, &type, &size);
    for (size_t i = 1; data; i++) {
        printf(" meta %" PRIu32, type);
        if (type != FR_META_DAMAGE) { /* that is printed as what it means */
            printf(" of %zu ", size);
            av_md5_init(md5);
            av_md5_update(md5, data, size);
            print_sum(md5);
        }
        data = fr_frame_meta_at(frame, i, &type, &size);
    }
}

static void print_damage(const struct fr_frame *frame, uint64_t since)
{
    struct fr_rect rects[FR_MAX_DAMAGE];
    size_t count = fr_frame_damage(frame, since, rects);
    printf(" damage %zu", count);
    for (size_t i = 0; i < count; i++)
        printf(" %d,%d %" PRIu32 "x%" PRIu32, rects[i].x, rects[i].y, rects[i].width,
               rects[i].height);
}

static void print_pixels(const struct fr_frame *frame, struct AVMD5 *md5)
{
    av_md5_init(md5);
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        for (uint32_t y = 0; y < plane->rows; y++)
            av_md5_update(md5, plane->data + (ptrdiff_t)y * plane->stride, plane->row_bytes);
    }
    printf(" pixels ");
    print_sum(md5);
    printf("\n");
}

static int read_frames(const char *name)
{
    struct AVMD5 *md5 = av_md5_alloc();
    struct fr_reader *reader;
    const struct fr_frame *frame;
    uint64_t sequence = 0;
    int error = md5 ? fr_reader_open(name, NULL, FR_S(20), &reader) : FR_ENOMEM;
    if (error < 0)
        return fail("open", error);
    for (;;) { /* in short waits, which the writer looks for */
        error = fr_frame_wait(reader, FR_NEXT, FR_MS(100), &frame);
        if (error == FR_ETIMEDOUT)
            continue;
        if (error < 0)
            break;
        print_fields(frame);
        print_meta(frame, md5);
        print_damage(frame, sequence);
        print_pixels(frame, md5);
        sequence = frame->sequence;
        fr_frame_release(&frame);
    }
    fr_reader_close(&reader);
    av_free(md5);
    return error == FR_ECLOSED ? 0 : fail("wait", error);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* for those who wait for a line */
    if (argc == 5 && strcmp(argv[1], "write") == 0)
        return write_frames(argv[2], (uint32_t)atol(argv[3]), (uint32_t)atol(argv[4]));
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_frames(argv[2]);
    fprintf(stderr, "usage: frame_facts write NAME COUNT READERS | frame_facts read NAME\n");
    return 2;
}
