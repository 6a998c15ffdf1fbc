/* SPDX-License-Identifier: MIT */

/*
 * framering put: makes a stream of the pictures that come on standard input. Raw pixels are read
 * straight into the ring, everything else passes through libavformat.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <framering/av.h>
#include <inttypes.h>
#include <libavutil/mathematics.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "decode.h"
#include "outlet.h"
#include "shape.h"
#include "stop.h"
#include "transfer.h"

#define LATE_NS FR_MS(200) /* an input that is later than that is not caught up with */

struct put {
    struct outlet_opts outlet;
    uint32_t width;
    uint32_t height;
    enum fr_format format; /* FR_FORMAT_NONE: not raw */
    struct fr_rational rate;
    int is_fast;
    struct fr_writer *writer;
    uint64_t frames;
    uint64_t dropped;
    int64_t origin_ns; /* when time 0 of the input is, by our clock */
};

static const struct argp_option table[] = {
    { .name = "fast", .key = 'F', .doc = "As it comes, rather than at the input's own pace" },
    { .doc = "For raw pixels, row after row without padding:" },
    { .name = "size", .key = 's', .arg = "WxH", .doc = "Their size" },
    { .name = "pixel-format", .key = 'x', .arg = "FORMAT", .doc = "By FFmpeg's name" },
    { .name = "format", .key = 'x', .flags = OPTION_ALIAS },
    { .name = "rate", .key = 'r', .arg = "N[/D]", .doc = "Frames per second (default: 25)" },
    { .doc = "The stream:" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct put *put = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &put->outlet;
        return 0;
    case 'F':
        put->is_fast = 1;
        return 0;
    case 's':
        shape_size(text, &put->width, &put->height, state);
        return 0;
    case 'x':
        put->format = shape_format(text, state);
        return 0;
    case 'r':
        put->rate = shape_rate(text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (put->outlet.name)
            argp_error(state, "One stream at a time, not '%s' as well.", text);
        put->outlet.name = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "What shall the stream be called?");
        return 0;
    case ARGP_KEY_SUCCESS:
        if ((put->width == 0) != (put->format == FR_FORMAT_NONE))
            argp_error(state, "Raw pixels need both --size and --pixel-format.");
        if (put->rate.num == 0)
            put->rate = (struct fr_rational){ 25, 1 };
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Waits until it is time for a picture. -1 if the user wants to end. */
static int keep_pace(struct put *put, int64_t time_ns)
{
    if (put->is_fast)
        return stop_asked ? -1 : 0;
    int64_t now_ns = fr_now_ns();
    if (put->frames + put->dropped == 0 || now_ns - (put->origin_ns + time_ns) > LATE_NS)
        put->origin_ns = now_ns - time_ns;
    return stop_sleep_until(put->origin_ns + time_ns);
}

/* Tries again and again while no slot is free. 1: there is none and the frame is left out. */
static int acquire(struct put *put, struct fr_frame **frame)
{
    for (;;) {
        int error = fr_frame_acquire(put->writer, put->width, put->height, put->format,
                                     FR_MS(STOP_SLICE_MS), frame);
        if (error != FR_ETIMEDOUT)
            return error;
        if (stop_asked)
            return -ECANCELED;
        if (put->outlet.policy == FR_DROP_NEWEST)
            return 1;
    }
}

/* Reads a picture that nobody will see. */
static int64_t skip_raw(uint64_t size)
{
    uint8_t bytes[65536];
    int64_t total = 0;
    while (size > 0) {
        size_t piece = size < sizeof bytes ? (size_t)size : sizeof bytes;
        int64_t got = transfer_read(STDIN_FILENO, bytes, piece);
        if (got < 0)
            return got;
        total += got;
        if ((size_t)got < piece)
            break;
        size -= piece;
    }
    return total;
}

static int tell_raw_end(const struct put *put, int64_t got)
{
    if (got == 0 || got == -ECANCELED)
        return 0;
    if (got > 0)
        command_error("the input ends in the middle of frame %" PRIu64
                      ": are size and pixel format right?",
                      put->frames + put->dropped);
    else
        command_error("cannot read the input: %s", strerror((int)-got));
    return -1;
}

static int64_t raw_time_ns(const struct put *put)
{
    return av_rescale((int64_t)(put->frames + put->dropped), FR_S(1) * put->rate.den,
                      put->rate.num);
}

static void describe_raw(const struct put *put, struct fr_frame *frame)
{
    frame->pts = (int64_t)(put->frames + put->dropped);
    frame->duration = 1;
    frame->time_base = (struct fr_rational){ put->rate.den, put->rate.num };
    frame->frame_rate = put->rate;
}

/* 1, or -1 after a sentence. */
static int publish(struct put *put, struct fr_frame **frame)
{
    int error = fr_frame_publish(frame);
    put->frames++;
    if (error == 0)
        return 1;
    outlet_refused(&put->outlet, error);
    fr_frame_abort(frame);
    return -1;
}

/* One frame of raw pixels. 1, 0 at the end, -1 after a sentence. */
static int put_raw(struct put *put, uint64_t size)
{
    struct fr_frame *frame = NULL;
    int error = acquire(put, &frame);
    if (error == -ECANCELED)
        return 0;
    if (error < 0) {
        outlet_refused(&put->outlet, error);
        return -1;
    }
    int64_t got = frame ? transfer_read_frame(STDIN_FILENO, frame) : skip_raw(size);
    if (got != (int64_t)size || keep_pace(put, raw_time_ns(put)) < 0) {
        fr_frame_abort(&frame);
        return got == (int64_t)size ? 0 : tell_raw_end(put, got);
    }
    if (!frame) {
        put->dropped++;
        return 1;
    }
    describe_raw(put, frame);
    return publish(put, &frame);
}

static uint64_t raw_size(const struct put *put)
{
    const struct fr_format_info *info = fr_format_info(put->format);
    uint64_t size = 0;
    for (uint32_t i = 0; i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        uint64_t columns = (put->width + (1u << plane->log2_w) - 1) >> plane->log2_w;
        uint64_t rows = (put->height + (1u << plane->log2_h) - 1) >> plane->log2_h;
        size += columns * rows * plane->group_bytes;
    }
    return size;
}

static int run_raw(struct put *put)
{
    uint64_t slot_size = fr_frame_size(put->width, put->height, put->format);
    int status = outlet_open(&put->outlet, slot_size, &put->writer);
    if (status != COMMAND_OK)
        return status;
    uint64_t size = raw_size(put);
    int more = 1;
    while (more > 0)
        more = put_raw(put, size);
    return more < 0 ? COMMAND_FAILED : COMMAND_OK;
}

/* What to ask the ring for. 0, or -1 after a sentence. */
static int take_shape(struct put *put, const AVFrame *picture)
{
    const char *why = fr_av_why(picture);
    if (why) {
        command_error("the input's pixel format does not fit: %s", why);
        return -1;
    }
    put->format = fr_av_format((enum AVPixelFormat)picture->format);
    put->width = (uint32_t)picture->width;
    put->height = (uint32_t)picture->height;
    return 0;
}

/* Makes the ring, when the first picture is there. An exit status. */
static int begin_stream(struct put *put, const AVFrame *picture)
{
    if (take_shape(put, picture) < 0)
        return COMMAND_FAILED;
    uint64_t slot_size = fr_frame_size(put->width, put->height, put->format);
    return outlet_open(&put->outlet, slot_size, &put->writer);
}

static int64_t picture_time_ns(const struct put *put, const AVFrame *picture)
{
    if (picture->pts == AV_NOPTS_VALUE)
        return raw_time_ns(put);
    return av_rescale_q(picture->pts, picture->time_base, (AVRational){ 1, 1000000000 });
}

static void fill(const AVFrame *picture, struct fr_rational rate, struct fr_frame *frame)
{
    const void *data[FR_MAX_PLANES] = { NULL };
    ptrdiff_t stride[FR_MAX_PLANES] = { 0 };
    for (uint32_t i = 0; i < frame->planes; i++) {
        data[i] = picture->data[i];
        stride[i] = picture->linesize[i];
    }
    fr_frame_write(frame, data, stride);
    fr_av_copy_props(frame, picture);
    frame->frame_rate = rate;
}

/* One picture of libavformat's. 1, 0 if the user wants to end, -1 after a sentence. */
static int put_picture(struct put *put, struct fr_rational rate, const AVFrame *picture)
{
    struct fr_frame *frame = NULL;
    if (take_shape(put, picture) < 0)
        return -1;
    if (keep_pace(put, picture_time_ns(put, picture)) < 0)
        return 0;
    int error = acquire(put, &frame);
    if (error == -ECANCELED)
        return 0;
    if (error > 0) {
        put->dropped++;
        return 1;
    }
    if (error == 0) {
        fill(picture, rate, frame);
        return publish(put, &frame);
    }
    outlet_refused(&put->outlet, error);
    return -1;
}

static int run_pictures(struct put *put, struct decode *decode, AVFrame *picture)
{
    int status = COMMAND_OK;
    AVRational rate = decode_rate(decode);
    if (rate.num > 0)
        put->rate = (struct fr_rational){ rate.num, rate.den };
    int more = decode_next(decode, picture);
    if (more == 0 && !stop_asked) {
        command_error("the input has no frame in it");
        return COMMAND_FAILED;
    }
    if (more > 0)
        status = begin_stream(put, picture);
    while (more > 0 && status == COMMAND_OK) {
        more = put_picture(put, (struct fr_rational){ rate.num, rate.den }, picture);
        av_frame_unref(picture);
        if (more > 0)
            more = decode_next(decode, picture);
    }
    return status == COMMAND_OK && more < 0 ? COMMAND_FAILED : status;
}

static int run_decoded(struct put *put)
{
    struct decode *decode = decode_open(STDIN_FILENO);
    if (!decode)
        return stop_asked ? COMMAND_OK : COMMAND_FAILED;
    AVFrame *picture = av_frame_alloc();
    int status = COMMAND_FAILED;
    if (picture)
        status = run_pictures(put, decode, picture);
    else
        command_error("out of memory");
    av_frame_free(&picture);
    decode_close(&decode);
    return status;
}

int cmd_put(int argc, char **argv)
{
    static const struct argp_child children[] = { { .argp = &outlet_argp }, { 0 } };
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "NAME",
        .doc = "Makes a stream of the video on standard input: Y4M, NUT, whatever libavformat "
               "knows, or raw pixels.\v"
               "  ffmpeg -i film.mkv -f nut -c:v rawvideo - | framering put film",
        .children = children,
    };
    struct put put = { 0 };
    command_parse(&parser, argc, argv, &put);
    if (isatty(STDIN_FILENO)) {
        command_error("there is no video in a terminal; for instance: ffmpeg -i film.mkv -f nut "
                      "-c:v rawvideo - | framering put %s",
                      put.outlet.name);
        return COMMAND_USAGE;
    }
    stop_on_signals();
    transfer_widen_pipe(STDIN_FILENO);
    int status = put.format == FR_FORMAT_NONE ? run_decoded(&put) : run_raw(&put);
    if (put.dropped > 0)
        command_error("\"%s\": no slot was free for %" PRIu64 " frames, which were left out",
                      put.outlet.name, put.dropped);
    fr_writer_close(&put.writer);
    return status;
}
