/* SPDX-License-Identifier: MIT */
#ifndef FRAMERING_AV_H
#define FRAMERING_AV_H

/*
 * The bridge between framering and FFmpeg: frames of a ring as AVFrames and back. A library of its
 * own (framering-av, needs libavutil of FFmpeg 4 to 9); programs without FFmpeg need not have it.
 *
 *      ring ──fr_frame_wait──▶ fr_av_wrap ──▶ AVFrame ──▶ filter, encoder …       no copy
 *      fr_av_acquire ──▶ AVFrame, painted by a filter ──fr_av_publish──▶ ring     no copy
 *      any AVFrame in memory ──fr_av_send──▶ ring                                 one copy
 *
 * Formats meet by FFmpeg's name at run time, never by number: the numbers of AVPixelFormat differ
 * between FFmpeg's versions. If the loaded libavutil is of another major version than the one that
 * the bridge was built with, every function that touches an AVFrame fails with FR_ENOTSUP.
 *
 * What travels: size, format, pixels, pts, duration, time base (FFmpeg 5 and later), pixel aspect,
 * colour (range, primaries, transfer, matrix, chroma location), the flags key and corrupt. Side
 * data, metadata and interlacing do not.
 *
 * Conventions are those of framering.h. Threads: any, but not at the same time for one AVFrame or
 * one writer.
 */

#include <framering/framering.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

/* FFmpeg's format, or AV_PIX_FMT_NONE if this libavutil does not have it. */
FR_API enum AVPixelFormat fr_av_pix_fmt(enum fr_format format);

/*
 * Our format, or FR_FORMAT_NONE. The deprecated full range formats (yuvj420p, yuvj422p, yuvj444p)
 * are YUV420P and so on here; their range goes to fr_color.range.
 */
FR_API enum fr_format fr_av_format(enum AVPixelFormat format);

/*
 * Why fr_av_send would refuse this frame with FR_ENOTSUP, as a sentence with the way out: it lies
 * in a device's memory, its format has a palette, or is big-endian. NULL if it would not. Static.
 */
FR_API const char *fr_av_why(const AVFrame *frame);

/*
 * Turns a frame that is being read into an AVFrame over the same memory, without copying.
 *
 * The reading loan moves into the AVFrame: it ends when the last reference does (av_frame_unref of
 * all clones), from whatever thread, also after the reader was closed. Until then it costs the ring
 * a slot: a chain that keeps many frames (an encoder with B-frames, a queue) wants copies.
 * The buffer is read-only; av_frame_make_writable makes a copy of the AVFrame's own and ends the
 * loan.
 *
 * Shape:   data, linesize (negative if stored bottom-up), extended_data and buf[0] are set
 * Returns: 0; FR_EINVAL out is not blank (av_frame_alloc, av_frame_unref); FR_ENOTSUP this
 *          libavutil lacks the format, or a stride is beyond an int; FR_ENOMEM
 * Owns:    *frame is consumed and NULL on success; on failure it stays yours
 */
FR_API FR_MUST_CHECK int fr_av_wrap(const struct fr_frame **frame, AVFrame *out);

/*
 * Lends a free slot as a writable AVFrame; the counterpart of av_frame_get_buffer.
 *
 * The caller sets width, height and format of an AVFrame without buffers before, and fills it
 * afterwards, by code of its own or with libswscale. Unreferencing it before fr_av_publish gives
 * the slot back unseen, also after the writer was closed. Not for a decoder's get_buffer2: decoders
 * write beyond the picture's edges.
 *
 * Returns: as fr_frame_acquire; FR_EINVAL the AVFrame has buffers or no size; FR_ENOTSUP a format
 *          that framering does not have; FR_ENOMEM
 * Waits:   up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_av_acquire(struct fr_writer *writer, AVFrame *frame,
                                       int64_t timeout_ns);

/*
 * Publishes an AVFrame lent by fr_av_acquire in place, with its properties. It is blank afterwards.
 *
 * Returns: 0; FR_EINVAL it is not one lent by fr_av_acquire (use fr_av_send), or its size, format
 *          or cropping was changed, or a plane was moved out of the slot; FR_EBUSY another
 *          reference to its buffer exists, whose holder would see the pixels change (drop it, or
 *          use fr_av_send); FR_ECORRUPT as fr_frame_publish. After FR_EINVAL and FR_EBUSY the
 *          AVFrame is as it was.
 * Waits:   never
 */
FR_API FR_MUST_CHECK int fr_av_publish(AVFrame *frame);

/*
 * Publishes a copy of any AVFrame in the computer's memory. One copy, straight into the slot; the
 * AVFrame is not changed and need not be reference-counted.
 *
 * Negative linesizes are understood. The crop fields are applied: only what is visible travels
 * (the left and top edge rounded outwards to whole chroma samples).
 *
 * Returns: as fr_frame_acquire and fr_frame_publish; FR_ENOTSUP see fr_av_why; FR_EINVAL a plane is
 *          missing, a linesize is too short or the crop fields leave nothing
 * Waits:   up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_av_send(struct fr_writer *writer, const AVFrame *frame,
                                    int64_t timeout_ns);

/*
 * Copies pts, duration, time base, pixel aspect, colour, and the flags key and corrupt to a frame
 * that is being written; for those who fill it themselves.
 *
 * Set AVFrame.time_base if the pts are not nanoseconds: without it they are taken for units of
 * to->time_base, 1/1000000000 from the start. What framering cannot say (values beyond H.273,
 * impossible rationals) becomes unknown. Copies nothing if the loaded libavutil does not fit.
 */
FR_API void fr_av_copy_props(struct fr_frame *to, const AVFrame *from);

#ifdef __cplusplus
}
#endif

#endif
