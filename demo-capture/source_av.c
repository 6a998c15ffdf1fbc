/* SPDX-License-Identifier: MIT */

/*
 * Files, streams and devices, whatever FFmpeg can open, at their own pace. Decoders that never look
 * back write straight into the ring (media_slot.h), the pictures of others are copied into it once.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <framering/av.h>
#include <inttypes.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media_convert.h"
#include "media_input.h"
#include "media_log.h"
#include "media_meta.h"
#include "pace.h"
#include "report.h"
#include "source.h"

#define LATE_NS FR_MS(200) /* an input that is later than that is not caught up with */
#define JUMP_NS FR_S(10)   /* a longer wait in a broadcast is a clock that was set */

struct media {
    struct media_input input;
    struct media_meta meta;
    struct SwsContext *sws;
    AVFrame *picture;
    int has_picture;
    int has_packet;   /* with one, to be decoded in place */
    int pixel_format; /* of the file's pictures */
    int is_converted;
    int keeps_time; /* waits for each picture's, and gives it */
    int is_paced;
    int64_t origin_ns; /* when time 0 of the input is, by our clock */
    int64_t time_ns;   /* of the picture last waited for */
    int has_time;
    int64_t grab_ns;  /* what the picture took to be read and decoded, if it did not have to wait */
    uint64_t damaged; /* pictures that came all the same */
};

/* ---- What it is for ---------------------------------------------------------------------------- */

/* Y4M is read straight into the ring by another source. */
static int is_y4m(const char *path)
{
    char signature[9] = "";
    size_t length = strlen(path);
    struct stat status;
    if (length > 4 && strcmp(path + length - 4, ".y4m") == 0)
        return 1;
    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, signature, sizeof signature);
    if (fd >= 0)
        close(fd);
    return got == sizeof signature && memcmp(signature, "YUV4MPEG2", sizeof signature) == 0;
}

static int media_matches(const struct options *options)
{
    const char *input = options->input;
    if (options->container)
        return 1;
    int is_named =
        strpbrk(input, "/%") || strncmp(input, "lavfi:", 6) == 0 || access(input, F_OK) == 0;
    return is_named && strcmp(input, "-") != 0 && !is_y4m(input);
}

/* ---- Shape ------------------------------------------------------------------------------------- */

/* The format in the ring. FR_FORMAT_NONE after a sentence. */
static enum fr_format choose_format(struct media *media, enum AVPixelFormat from)
{
    const char *name = av_get_pix_fmt_name(from);
    enum fr_format wanted = media->input.options->format;
    enum fr_format format = fr_av_format(from);
    media->is_converted = format == FR_FORMAT_NONE || (wanted && wanted != format);
    if (!media->is_converted)
        return format;
    format = wanted ? wanted : media_convert_choose(from);
    if (format != FR_FORMAT_NONE && media_convert_can(from, format)) {
        if (!media->input.options->quiet)
            report_error("%s is %s, which is converted to %s", media->input.path,
                         name ? name : "raw", fr_format_info(format)->name);
        return format;
    }
    report_error("the pixel format of %s (%s) cannot be converted to %s; choose another (-x, "
                 "--list-formats)",
                 media->input.path, name ? name : "none",
                 wanted ? fr_format_info(wanted)->name : "any that a ring has");
    return FR_FORMAT_NONE;
}

static enum source_result take_shape(struct media *media, int width, int height,
                                     enum AVPixelFormat pixel_format, struct stream *stream)
{
    const struct options *options = media->input.options;
    if (width < 1 || height < 1 || width > FR_MAX_SIDE || height > FR_MAX_SIDE) {
        report_error("%s is %dx%d, and a side has to be from 1 to %d; scale it first (ffmpeg -s)",
                     media->input.path, width, height, FR_MAX_SIDE);
        return SOURCE_FAILED;
    }
    stream->width = (uint32_t)width;
    stream->height = (uint32_t)height;
    if (options->width > 0 &&
        (options->width != stream->width || options->height != stream->height)) {
        report_error("%s is %dx%d, and demo-capture does not scale; leave out -s, or let FFmpeg do "
                     "it: -f lavfi -i \"movie=FILE,scale=%" PRIu32 ":%" PRIu32 "\"",
                     media->input.path, width, height, options->width, options->height);
        return SOURCE_FAILED;
    }
    media->pixel_format = pixel_format;
    stream->format = choose_format(media, pixel_format);
    if (stream->format == FR_FORMAT_NONE)
        return SOURCE_FAILED;
    stream->slot_size = 0;
    if (media->input.decodes_in_place && !media->is_converted)
        stream->slot_size = media_slot_size(media->input.codec, width, height, stream->format);
    return SOURCE_OK;
}

/* The frame has the shape that was taken last. */
static int has_taken_shape(const struct media *media, const struct fr_frame *frame)
{
    const AVFrame *picture = media->picture;
    return (uint32_t)picture->width == frame->width && (uint32_t)picture->height == frame->height &&
           picture->format == media->pixel_format;
}

/* ---- Opening ----------------------------------------------------------------------------------- */

/* The next picture, or a packet with one, in this lap or the next. */
static enum source_result advance(struct media *media)
{
    struct media_input *input = &media->input;
    for (int is_anew = 0;; is_anew = 1) {
        enum source_result result = media_input_advance(input, media->picture);
        media->has_picture = result == SOURCE_OK;
        media->has_packet = result == SOURCE_SAME;
        int is_over = *input->stop || !input->is_at_end || !input->options->loop;
        if (result != SOURCE_END || is_over)
            return result;
        if (is_anew) {
            report_error("there is no picture in %s any more", input->path);
            return SOURCE_FAILED;
        }
        result = media_input_again(input);
        if (result != SOURCE_OK)
            return result;
        media_meta_begin(&media->meta, input->format, input->stream, media_input_rate(input));
    }
}

/* Only decoding tells the shape for sure, but pictures in slots need those first. */
static enum source_result find_shape(struct media *media, struct stream *stream)
{
    const AVCodecParameters *known = media->input.stream->codecpar;
    if (media->input.decodes_in_place && known->width > 0 && known->format != AV_PIX_FMT_NONE)
        return take_shape(media, known->width, known->height, (enum AVPixelFormat)known->format,
                          stream);
    media->input.decodes_in_place = 0;
    enum source_result result = advance(media);
    if (result == SOURCE_END && !*media->input.stop) {
        report_error("there is no picture in %s that can be decoded", media->input.path);
        return SOURCE_FAILED;
    }
    if (result != SOURCE_OK)
        return result;
    return take_shape(media, media->picture->width, media->picture->height,
                      (enum AVPixelFormat)media->picture->format, stream);
}

static enum source_result refuse_loop(const struct options *options)
{
    report_error("--loop needs a file, because %s cannot be read twice",
                 strcmp(options->input, "-") == 0 ? "standard input" : options->input);
    return SOURCE_FAILED;
}

static enum source_result media_open(void *self, const struct options *options,
                                     const volatile sig_atomic_t *stop, struct stream *stream)
{
    struct media *media = self;
    media->input.options = options;
    media->input.stop = stop;
    media->picture = av_frame_alloc();
    if (!media->picture) {
        report_error("out of memory");
        return SOURCE_FAILED;
    }
    if (options->loop && media_pipe_is(options->input))
        return refuse_loop(options);
    enum source_result result = media_input_open(&media->input);
    if (result != SOURCE_OK)
        return result;
    if (options->loop && media->input.is_live)
        return refuse_loop(options);
    AVRational rate = media_input_rate(&media->input);
    stream->rate = (struct fr_rational){ rate.num, rate.den };
    stream->is_timed = 1;
    media->keeps_time = !options->has_rate || options->rate.num == 0;
    media->is_paced = !options->has_rate && !media->input.is_live;
    media_meta_begin(&media->meta, media->input.format, media->input.stream, rate);
    return find_shape(media, stream);
}

static enum source_result media_attach(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                       const struct stream *stream)
{
    struct media *media = self;
    (void)fresh_slots;
    (void)stream;
    media->input.slot.slot_size = fr_writer_slot_size(writer);
    return SOURCE_OK;
}

/* ---- Pace -------------------------------------------------------------------------------------- */

/* The time of what comes next; counted on by the rate if it has none. */
static int64_t next_time_ns(const struct media *media, const struct stream *stream)
{
    int64_t pts = media->has_picture ? media->picture->pts : media_input_packet_pts(&media->input);
    if (pts != AV_NOPTS_VALUE)
        return av_rescale_q(pts, media->input.stream->time_base, (AVRational){ 1, 1000000000 });
    if (!media->has_time)
        return 0;
    return media->time_ns + FR_S(1) * stream->rate.den / stream->rate.num;
}

static int64_t due_ns(struct media *media, const struct stream *stream)
{
    int64_t now_ns = fr_now_ns();
    int64_t time_ns = next_time_ns(media, stream);
    int64_t ahead_ns = media->origin_ns + time_ns - now_ns;
    int has_jumped =
        ahead_ns > JUMP_NS && (media->input.format->iformat->flags & AVFMT_TS_DISCONT) != 0;
    if (!media->has_time || ahead_ns < -LATE_NS || has_jumped)
        media->origin_ns = now_ns - time_ns;
    media->time_ns = time_ns;
    media->has_time = 1;
    return media->origin_ns + time_ns;
}

/* Gets the next picture as far as it can without a slot, and waits until its time. */
static enum source_result media_wait(void *self, int64_t until_ns, struct stream *stream)
{
    struct media *media = self;
    media->input.until_ns = until_ns;
    if (!media->has_picture && !media->has_packet) {
        int64_t begin_ns = fr_now_ns();
        enum source_result result = advance(media);
        int may_wait = media->input.pipe || media->input.is_live;
        media->grab_ns = may_wait ? 0 : fr_now_ns() - begin_ns;
        stream->lost = media->input.lost;
        if (result == SOURCE_END || result == SOURCE_FAILED)
            return result;
    }
    if (media->is_paced) {
        int64_t due = due_ns(media, stream);
        pace_sleep_until(due < until_ns ? due : until_ns, media->input.stop);
    }
    return *media->input.stop ? SOURCE_END : SOURCE_OK;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* The pixels, where they are not in the slot yet. */
static enum source_result place(struct media *media, struct fr_frame *frame, struct stream *stream)
{
    const AVFrame *picture = media->picture;
    const void *data[FR_MAX_PLANES] = { NULL };
    ptrdiff_t stride[FR_MAX_PLANES] = { 0 };
    int64_t begin_ns = fr_now_ns();
    if (media->is_converted) {
        int error = media_convert(&media->sws, picture, frame);
        stream->stages.convert_ns = fr_now_ns() - begin_ns;
        if (error < 0)
            report_error("libswscale cannot convert %s; choose another format (-x)",
                         media->input.path);
        return error < 0 ? SOURCE_FAILED : SOURCE_OK;
    }
    for (uint32_t i = 0; i < frame->planes; i++) {
        data[i] = picture->data[i];
        stride[i] = picture->linesize[i];
        if (media_slot_holds(&media->input.slot, picture)) {
            frame->plane[i].data = picture->data[i];
            frame->plane[i].stride = picture->linesize[i];
        }
    }
    if (media_slot_holds(&media->input.slot, picture))
        return SOURCE_OK;
    fr_frame_write(frame, data, stride);
    stream->stages.copy_ns = fr_now_ns() - begin_ns;
    stream->copied++;
    return SOURCE_OK;
}

/* All that is known of the picture. Times of main's, if the user gave a rate, stay. */
static void describe(struct media *media, struct fr_frame *frame)
{
    AVFrame *picture = media->picture;
    int64_t pts = frame->pts;
    int64_t duration = frame->duration;
    struct fr_rational time_base = frame->time_base;
    fr_av_copy_props(frame, picture);
    if (!media->keeps_time) {
        frame->pts = pts;
        frame->duration = duration;
        frame->time_base = time_base;
    }
    AVRational rate = media->meta.rate;
    if (media->keeps_time)
        frame->frame_rate = (struct fr_rational){ rate.num, rate.den };
    if (picture->decode_error_flags)
        frame->flags |= FR_FRAME_CORRUPT;
    media->damaged += (frame->flags & FR_FRAME_CORRUPT) != 0;
    frame->source_drops = media->input.lost;
    int64_t file_pts =
        picture->pts == AV_NOPTS_VALUE ? AV_NOPTS_VALUE : picture->pts - media->input.lap_pts;
    media_meta_set(&media->meta, picture, file_pts, frame);
}

/* Decodes the packet into the frame. SOURCE_SAME: nothing came of it. */
static enum source_result decode(struct media *media, struct fr_frame *frame)
{
    struct media_input *input = &media->input;
    int64_t begin_ns = fr_now_ns();
    input->slot.frame = media->is_converted ? NULL : frame;
    input->slot.is_taken = 0;
    media->has_packet = 0;
    enum source_result result = media_input_decode(input, media->picture);
    media->grab_ns += fr_now_ns() - begin_ns;
    media->has_picture = result == SOURCE_OK;
    return result == SOURCE_END ? SOURCE_SAME : result;
}

static enum source_result give(struct media *media, struct fr_frame *frame, struct stream *stream)
{
    stream->stages.grab_ns = media->grab_ns;
    if (!has_taken_shape(media, frame)) {
        const AVFrame *picture = media->picture;
        enum source_result result = take_shape(media, picture->width, picture->height,
                                               (enum AVPixelFormat)picture->format, stream);
        return result == SOURCE_OK ? SOURCE_CHANGED : result;
    }
    describe(media, frame);
    enum source_result result = place(media, frame, stream);
    av_frame_unref(media->picture);
    media->has_picture = 0;
    return result;
}

static enum source_result media_read(void *self, uint64_t number, struct fr_frame *frame,
                                     struct stream *stream)
{
    struct media *media = self;
    (void)number;
    if (!frame) {
        media_input_skip(&media->input);
        av_frame_unref(media->picture);
        media->has_packet = 0;
        media->has_picture = 0;
        return SOURCE_OK;
    }
    enum source_result result = SOURCE_OK;
    if (!media->has_picture)
        result = decode(media, frame);
    if (result == SOURCE_OK)
        result = give(media, frame, stream);
    media->input.slot.frame = NULL;
    stream->lost = media->input.lost;
    return result;
}

/* Nothing is lost silently. */
static void tell_damage(const struct media *media)
{
    char complaint[256];
    media_log_first(complaint, sizeof complaint);
    if (media->input.lost + media->damaged == 0 && complaint[0] == '\0')
        return;
    report_error("%s is damaged: %" PRIu64 " pictures came, %" PRIu64
                 " of them not whole, and %" PRIu64 " did not%s%s",
                 media->input.path, media->input.pictures, media->damaged, media->input.lost,
                 complaint[0] != '\0' ? "; FFmpeg said first: " : "", complaint);
}

static void media_close(void *self)
{
    struct media *media = self;
    if (media->input.pictures > 0)
        tell_damage(media);
    av_frame_free(&media->picture);
    media_input_close(&media->input);
    sws_freeContext(media->sws);
}

const struct source source_av = {
    .name = "av",
    .help = "  FILE, URL     any video that FFmpeg can open; -f where it cannot tell which\n"
            "  /dev/videoN   a camera; with -f any other device that FFmpeg knows\n"
            "  lavfi:GRAPH   pictures of FFmpeg's filters, such as lavfi:testsrc2=rate=30\n",
    .private_size = sizeof(struct media),
    .matches = media_matches,
    .open = media_open,
    .attach = media_attach,
    .wait = media_wait,
    .read = media_read,
    .close = media_close,
};
