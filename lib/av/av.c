/* SPDX-License-Identifier: MIT */

/*
 * The bridge between frames and AVFrames. Floor 6: knows the public headers and libavutil, nothing
 * of the library's inside. One source for libavutil 56 to 61 (FFmpeg 4 to 9); what differs between
 * them is gathered in versions.h.
 *
 * Lifetimes hang on AVBufferRefs: the free callback of a buffer gives the loan back, once, from
 * whatever thread drops the last reference. framering allows that at any time.
 */

#include <framering/av.h>

#include "versions.h"

#include <libavutil/buffer.h>
#include <libavutil/pixdesc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(AV_NOPTS_VALUE == FR_NO_PTS, "pts are passed through as they are");

/* Readable bytes that every frame has behind its last row. */
enum { READABLE_TAIL = 64 };

/* ---- Formats ----------------------------------------------------------------------------- */

/* Formats that are ours plus "the range is full": FFmpeg has deprecated them, decoders still use
 * them. */
static enum fr_format full_range_format(const char *name)
{
    if (strcmp(name, "yuvj420p") == 0)
        return FR_FORMAT_YUV420P;
    if (strcmp(name, "yuvj422p") == 0)
        return FR_FORMAT_YUV422P;
    if (strcmp(name, "yuvj444p") == 0)
        return FR_FORMAT_YUV444P;
    return FR_FORMAT_NONE;
}

FR_API enum AVPixelFormat fr_av_pix_fmt(enum fr_format format)
{
    const struct fr_format_info *info = fr_format_info(format);
    return info ? av_get_pix_fmt(info->name) : AV_PIX_FMT_NONE;
}

FR_API enum fr_format fr_av_format(enum AVPixelFormat format)
{
    const char *name = av_get_pix_fmt_name(format);
    if (!name)
        return FR_FORMAT_NONE;
    const enum fr_format full_range = full_range_format(name);
    if (full_range != FR_FORMAT_NONE)
        return full_range;

    /* fr_format_by_name also knows synonyms; here only FFmpeg's own name counts. */
    const struct fr_format_info *info = fr_format_info(fr_format_by_name(name));
    return info && strcmp(info->name, name) == 0 ? info->format : FR_FORMAT_NONE;
}

static int is_side(int pixels)
{
    return pixels > 0 && pixels <= FR_MAX_SIDE;
}

static const char in_device_memory[] =
    "the picture lies in a device's memory: fetch it with av_hwframe_transfer_data first";

static const char *why_not_this_format(const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    if (!desc)
        return "the frame has no pixel format: is it video at all?";
    if (desc->flags & AV_PIX_FMT_FLAG_HWACCEL)
        return in_device_memory;
    if (desc->flags & AV_PIX_FMT_FLAG_PAL)
        return "the picture has a palette: convert it with libswscale first, for instance to bgr0";
    if (desc->flags & AV_PIX_FMT_FLAG_BITSTREAM)
        return "pixels of this format are not whole bytes: convert it with libswscale first, for "
               "instance to gray";
    if (desc->flags & AV_PIX_FMT_FLAG_BE)
        return "the samples are big-endian: convert it with libswscale first to the format whose "
               "name ends in le";
    return "framering has no such pixel format: convert it with libswscale first, for instance to "
           "bgr0 or yuv420p";
}

FR_API const char *fr_av_why(const AVFrame *frame)
{
    if (!is_avutil_the_one_compiled_for())
        return "the loaded libavutil is of another major version than the one that framering-av "
               "was built with: rebuild framering-av, or mend LD_LIBRARY_PATH";
    if (frame->hw_frames_ctx)
        return in_device_memory;
    if (fr_av_format((enum AVPixelFormat)frame->format) == FR_FORMAT_NONE)
        return why_not_this_format(frame);
    if (!is_side(frame->width) || !is_side(frame->height))
        return "a side of the picture is below 1 or above 65536 pixels: scale it first";
    return NULL;
}

/* ---- Properties -------------------------------------------------------------------------- */

/* A code point of H.273; FFmpeg's own additions from 256 on mean nothing to others. */
static uint8_t code_point(unsigned value)
{
    enum { UNSPECIFIED = 2 };
    return value < 256 ? (uint8_t)value : UNSPECIFIED;
}

/* A value below count, else 0, which is "unknown" for range and chroma location. */
static uint8_t known_below(unsigned value, unsigned count)
{
    return value < count ? (uint8_t)value : 0;
}

static int is_positive(struct fr_rational rational)
{
    return rational.num > 0 && rational.den > 0;
}

static struct fr_color color_of(const AVFrame *frame)
{
    struct fr_color color = {
        .range = known_below(frame->color_range, 3),
        .primaries = code_point(frame->color_primaries),
        .transfer = code_point(frame->color_trc),
        .matrix = code_point(frame->colorspace),
        .chroma_location = known_below(frame->chroma_location, 7),
    };
    const char *name = av_get_pix_fmt_name((enum AVPixelFormat)frame->format);
    if (name && full_range_format(name) != FR_FORMAT_NONE)
        color.range = 2;
    return color;
}

FR_API void fr_av_copy_props(struct fr_frame *to, const AVFrame *from)
{
    if (!is_avutil_the_one_compiled_for())
        return;

    to->pts = from->pts;
    to->duration = av_duration(from) > 0 ? av_duration(from) : 0;
    const struct fr_rational time_base = av_time_base(from);
    if (is_positive(time_base))
        to->time_base = time_base;
    const struct fr_rational aspect = { from->sample_aspect_ratio.num,
                                        from->sample_aspect_ratio.den };
    to->sample_aspect = is_positive(aspect) ? aspect : (struct fr_rational){ 0, 1 };
    to->color = color_of(from);

    to->flags &= ~(uint32_t)(FR_FRAME_KEY | FR_FRAME_CORRUPT);
    if (av_is_key(from))
        to->flags |= FR_FRAME_KEY;
    if (from->flags & AV_FRAME_FLAG_CORRUPT)
        to->flags |= FR_FRAME_CORRUPT;
}

static void copy_props_to_av(AVFrame *to, const struct fr_frame *from)
{
    to->pts = from->pts;
    av_set_duration(to, from->duration);
    av_set_time_base(to, from->time_base);
    to->sample_aspect_ratio = (AVRational){ from->sample_aspect.num, from->sample_aspect.den };
    to->color_range = (enum AVColorRange)from->color.range;
    to->color_primaries = (enum AVColorPrimaries)from->color.primaries;
    to->color_trc = (enum AVColorTransferCharacteristic)from->color.transfer;
    to->colorspace = (enum AVColorSpace)from->color.matrix;
    to->chroma_location = (enum AVChromaLocation)from->color.chroma_location;

    av_set_key(to, (from->flags & FR_FRAME_KEY) != 0);
    to->flags &= ~AV_FRAME_FLAG_CORRUPT;
    to->flags |= from->flags & FR_FRAME_CORRUPT ? AV_FRAME_FLAG_CORRUPT : 0;
}

/* ---- Memory of a frame as an AVBuffer ---------------------------------------------------- */

/* FFmpeg wants all planes inside one buffer. This one goes from the first byte of the lowest row to
 * READABLE_TAIL bytes behind the highest; bottom-up planes start at their other end. */
static AVBufferRef *buffer_over(const struct fr_frame *frame, void (*end)(void *, uint8_t *),
                                void *opaque, int flags)
{
    uint8_t *first = NULL;
    uint8_t *last = NULL;
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        uint8_t *bottom = plane->data + plane->stride * (ptrdiff_t)(plane->rows - 1);
        uint8_t *low = plane->stride < 0 ? bottom : plane->data;
        uint8_t *high = (plane->stride < 0 ? plane->data : bottom) + plane->row_bytes;
        first = !first || low < first ? low : first;
        last = !last || high > last ? high : last;
    }
    const uint64_t size = (uint64_t)(last - first) + READABLE_TAIL;
    if (size > MAX_BUFFER_SIZE)
        return NULL;
    return av_buffer_create(first, (buffer_size)size, end, opaque, flags);
}

static int fits_linesizes(const struct fr_frame *frame)
{
    for (uint32_t i = 0; i < frame->planes; i++) {
        if (frame->plane[i].stride > INT_MAX || frame->plane[i].stride < -INT_MAX)
            return 0;
    }
    return 1;
}

static int has_buffers(const AVFrame *frame)
{
    return frame->buf[0] || frame->data[0];
}

static void point_at_planes(AVFrame *to, const struct fr_frame *from)
{
    for (uint32_t i = 0; i < from->planes; i++) {
        to->data[i] = from->plane[i].data;
        to->linesize[i] = (int)from->plane[i].stride;
    }
    to->extended_data = to->data;
}

/* ---- Reading ----------------------------------------------------------------------------- */

static void end_reading(void *opaque, uint8_t *data)
{
    (void)data;
    const struct fr_frame *frame = opaque;
    fr_frame_release(&frame);
}

FR_API int fr_av_wrap(const struct fr_frame **frame, AVFrame *out)
{
    if (!frame || !*frame || !out)
        return FR_EINVAL;
    if (!is_avutil_the_one_compiled_for())
        return FR_ENOTSUP;
    if (has_buffers(out))
        return FR_EINVAL;

    const struct fr_frame *from = *frame;
    const enum AVPixelFormat pix_fmt = fr_av_pix_fmt(from->format);
    if (pix_fmt == AV_PIX_FMT_NONE || !fits_linesizes(from))
        return FR_ENOTSUP;

    /* The integer in between says that const goes on purpose: end_reading puts it back. */
    void *opaque = (void *)(uintptr_t)from;
    out->buf[0] = buffer_over(from, end_reading, opaque, AV_BUFFER_FLAG_READONLY);
    if (!out->buf[0])
        return FR_ENOMEM;
    out->format = pix_fmt;
    out->width = (int)from->width;
    out->height = (int)from->height;
    point_at_planes(out, from);
    copy_props_to_av(out, from);
    *frame = NULL;
    return 0;
}

/* ---- Writing in place -------------------------------------------------------------------- */

/*
 * A slot lent as an AVFrame. It belongs to the AVFrame's buffer and is freed with it. All live ones
 * are in a list, because nothing else tells safely if an AVFrame that comes back is one of ours:
 * the opaque pointer of a stranger's buffer must not be followed.
 */
struct loan {
    struct fr_frame *frame; /* NULL once published */
    struct loan *previous;
    struct loan *next;
};

static pthread_mutex_t loans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct loan *loans;

static void loan_enlist(struct loan *loan)
{
    pthread_mutex_lock(&loans_lock);
    loan->next = loans;
    if (loans)
        loans->previous = loan;
    loans = loan;
    pthread_mutex_unlock(&loans_lock);
}

static void loan_delist(struct loan *loan)
{
    pthread_mutex_lock(&loans_lock);
    if (loan->previous)
        loan->previous->next = loan->next;
    else
        loans = loan->next;
    if (loan->next)
        loan->next->previous = loan->previous;
    pthread_mutex_unlock(&loans_lock);
}

/* The loan whose memory the AVFrame has, or NULL. It lives as long as the AVFrame refers to it. */
static struct loan *loan_of(const AVFrame *frame)
{
    if (!frame->buf[0])
        return NULL;
    const void *opaque = av_buffer_get_opaque(frame->buf[0]);

    pthread_mutex_lock(&loans_lock);
    struct loan *loan = loans;
    while (loan && loan != opaque)
        loan = loan->next;
    pthread_mutex_unlock(&loans_lock);
    return loan;
}

static void end_writing(void *opaque, uint8_t *data)
{
    (void)data;
    struct loan *loan = opaque;
    loan_delist(loan);
    fr_frame_abort(&loan->frame);
    free(loan);
}

/* Makes the acquired frame's memory the AVFrame's. */
static int lend(struct fr_frame *from, AVFrame *to)
{
    struct loan *loan = calloc(1, sizeof *loan);
    if (!loan)
        return FR_ENOMEM;
    loan->frame = from;
    to->buf[0] = buffer_over(from, end_writing, loan, 0);
    if (!to->buf[0]) {
        free(loan);
        return FR_ENOMEM;
    }
    loan_enlist(loan);
    point_at_planes(to, from);
    return 0;
}

FR_API int fr_av_acquire(struct fr_writer *writer, AVFrame *frame, int64_t timeout_ns)
{
    if (!writer || !frame)
        return FR_EINVAL;
    if (!is_avutil_the_one_compiled_for())
        return FR_ENOTSUP;
    if (has_buffers(frame) || !is_side(frame->width) || !is_side(frame->height))
        return FR_EINVAL;
    const enum fr_format format = fr_av_format((enum AVPixelFormat)frame->format);
    if (format == FR_FORMAT_NONE)
        return FR_ENOTSUP;

    struct fr_frame *slot;
    int error = fr_frame_acquire(writer, (uint32_t)frame->width, (uint32_t)frame->height, format,
                                 timeout_ns, &slot);
    if (error < 0)
        return error;
    error = lend(slot, frame);
    if (error < 0)
        fr_frame_abort(&slot);
    return error;
}

static int is_cropped(const AVFrame *frame)
{
    return frame->crop_left || frame->crop_right || frame->crop_top || frame->crop_bottom;
}

static int has_shape_of(const AVFrame *frame, const struct fr_frame *slot)
{
    return frame->width > 0 && (uint32_t)frame->width == slot->width && frame->height > 0 &&
           (uint32_t)frame->height == slot->height && !is_cropped(frame) &&
           fr_av_format((enum AVPixelFormat)frame->format) == slot->format;
}

FR_API int fr_av_publish(AVFrame *frame)
{
    if (!frame)
        return FR_EINVAL;
    if (!is_avutil_the_one_compiled_for())
        return FR_ENOTSUP;
    struct loan *loan = loan_of(frame);
    if (!loan || !has_shape_of(frame, loan->frame))
        return FR_EINVAL;
    if (av_buffer_get_ref_count(frame->buf[0]) > 1)
        return FR_EBUSY;

    /* The planes may have been moved or turned over; fr_frame_publish checks that they fit. */
    for (uint32_t i = 0; i < loan->frame->planes; i++) {
        loan->frame->plane[i].data = frame->data[i];
        loan->frame->plane[i].stride = frame->linesize[i];
    }
    fr_av_copy_props(loan->frame, frame);
    const int error = fr_frame_publish(&loan->frame);
    if (!loan->frame)
        av_frame_unref(frame);
    return error;
}

/* ---- Sending a copy ---------------------------------------------------------------------- */

/* The visible part of an AVFrame, as fr_frame_write wants it. */
struct view {
    uint32_t width;
    uint32_t height;
    const void *data[FR_MAX_PLANES];
    ptrdiff_t stride[FR_MAX_PLANES];
};

/* Bytes of a row of w pixels, by the formula of struct fr_plane_info. */
static int64_t row_bytes_of(const struct fr_plane_info *plane, uint32_t width)
{
    return (((int64_t)width + (1 << plane->log2_w) - 1) >> plane->log2_w) * plane->group_bytes;
}

/* Takes pixels away from both ends of a side. An edge can only be moved by whole sample groups of
 * all planes, or colours would come out wrong: it stays further out then. */
static int crop_side(uint32_t side, size_t before, size_t after, unsigned log2_group,
                     uint32_t *start, uint32_t *length)
{
    if (before >= side || after >= side - before)
        return FR_EINVAL;
    *start = (uint32_t)(before >> log2_group << log2_group);
    *length = side - *start - (uint32_t)after;
    return 0;
}

/* av_frame_apply_cropping is no help: it wants a reference, which means a copy if there is none,
 * and rounds the left edge to SIMD's taste. */
static int view_of(const AVFrame *frame, const struct fr_format_info *info, struct view *view)
{
    unsigned log2_w = 0;
    unsigned log2_h = 0;
    for (int i = 0; i < info->planes; i++) {
        log2_w = info->plane[i].log2_w > log2_w ? info->plane[i].log2_w : log2_w;
        log2_h = info->plane[i].log2_h > log2_h ? info->plane[i].log2_h : log2_h;
    }
    uint32_t left;
    uint32_t top;
    if (crop_side((uint32_t)frame->width, frame->crop_left, frame->crop_right, log2_w, &left,
                  &view->width) < 0 ||
        crop_side((uint32_t)frame->height, frame->crop_top, frame->crop_bottom, log2_h, &top,
                  &view->height) < 0)
        return FR_EINVAL;

    for (int i = 0; i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        const ptrdiff_t stride = frame->linesize[i];
        if (!frame->data[i] || llabs(stride) < row_bytes_of(plane, (uint32_t)frame->width))
            return FR_EINVAL;
        view->stride[i] = stride;
        view->data[i] = frame->data[i] + stride * (ptrdiff_t)(top >> plane->log2_h) +
                        (ptrdiff_t)(left >> plane->log2_w) * plane->group_bytes;
    }
    return 0;
}

FR_API int fr_av_send(struct fr_writer *writer, const AVFrame *frame, int64_t timeout_ns)
{
    if (!writer || !frame)
        return FR_EINVAL;
    if (fr_av_why(frame))
        return FR_ENOTSUP;
    const enum fr_format format = fr_av_format((enum AVPixelFormat)frame->format);
    struct view view = { 0 };
    int error = view_of(frame, fr_format_info(format), &view);
    if (error < 0)
        return error;

    struct fr_frame *slot;
    error = fr_frame_acquire(writer, view.width, view.height, format, timeout_ns, &slot);
    if (error < 0)
        return error;
    fr_av_copy_props(slot, frame);
    fr_frame_write(slot, view.data, view.stride);
    error = fr_frame_publish(&slot);
    fr_frame_abort(&slot);
    return error;
}
