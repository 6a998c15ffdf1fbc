/* SPDX-License-Identifier: MIT */

/* See media_input.h. */

#define _GNU_SOURCE

#include "media_input.h"

#include <framering/av.h>
#include <inttypes.h>
#include <libavdevice/avdevice.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "media_log.h"
#include "report.h"

#define V4L2_MAJOR 81
#define MAX_FAILED_READS 1000
#define DEVICE_POLL_NS 2000000

/* One sentence, with FFmpeg's own reason where it gave one. */
static enum source_result fail(const struct media_input *input, const char *what, int error)
{
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    char complaint[256];
    if (*input->stop)
        return SOURCE_END;
    av_strerror(error, reason, sizeof reason);
    media_log_first(complaint, sizeof complaint);
    report_error("cannot %s %s: %s%s%s%s", what, input->path, reason,
                 complaint[0] != '\0' ? " (" : "", complaint, complaint[0] != '\0' ? ")" : "");
    return SOURCE_FAILED;
}

/* ---- Opening ----------------------------------------------------------------------------------- */

static int must_end(void *opaque)
{
    const struct media_input *input = opaque;
    return *input->stop || (input->until_ns > 0 && fr_now_ns() >= input->until_ns);
}

/* -f, or the name of a device in front as in "lavfi:testsrc2", or what kind of file it is. */
static enum source_result choose_container(struct media_input *input,
                                           const AVInputFormat **container)
{
    const char *name = input->options->container;
    struct stat status;
    *container = NULL;
    if (!name && strncmp(input->path, "lavfi:", 6) == 0) {
        name = "lavfi";
        input->path += 6;
    }
    if (!name && stat(input->path, &status) == 0 && S_ISCHR(status.st_mode) &&
        major(status.st_rdev) == V4L2_MAJOR)
        name = "v4l2";
    if (!name)
        return SOURCE_OK;
    *container = av_find_input_format(name);
    if (*container)
        return SOURCE_OK;
    report_error("FFmpeg has no input format '%s' here; those it has tells: ffmpeg -demuxers, and "
                 "ffmpeg -devices",
                 name);
    return SOURCE_FAILED;
}

/* What only devices and raw video are asked for; other inputs do not know these. */
static void ask_for_shape(const struct options *options, AVDictionary **wishes)
{
    char text[64];
    if (options->width > 0) {
        snprintf(text, sizeof text, "%" PRIu32 "x%" PRIu32, options->width, options->height);
        av_dict_set(wishes, "video_size", text, 0);
    }
    if (options->format != FR_FORMAT_NONE)
        av_dict_set(wishes, "pixel_format", fr_format_info(options->format)->name, 0);
    if (options->has_rate && options->rate.num > 0) {
        snprintf(text, sizeof text, "%" PRId32 "/%" PRId32, options->rate.num, options->rate.den);
        av_dict_set(wishes, "framerate", text, 0);
    }
}

static int is_device(const AVInputFormat *container)
{
    return container && container->priv_class &&
           AV_IS_INPUT_DEVICE(container->priv_class->category);
}

static int open_format(struct media_input *input, const AVInputFormat *container)
{
    AVDictionary *wishes = NULL;
    input->format = avformat_alloc_context();
    if (!input->format)
        return AVERROR(ENOMEM);
    input->format->interrupt_callback = (AVIOInterruptCB){ must_end, input };
    int error = 0;
    if (media_pipe_is(input->path)) {
        error = media_pipe_open(input->path, input->stop, &input->pipe, &input->format->pb);
        input->format->flags |= AVFMT_FLAG_CUSTOM_IO;
        if (strcmp(input->path, "-") == 0)
            input->path = "standard input";
    }
    if (error < 0)
        return error;
    /* A V4L2 device that blocks goes on blocking when it is interrupted. */
    if (is_device(container))
        input->format->flags |= AVFMT_FLAG_NONBLOCK;
    ask_for_shape(input->options, &wishes);
    error = avformat_open_input(&input->format, input->path, container, &wishes);
    av_dict_free(&wishes);
    return error;
}

/* Raw video on a pipe tells all in its header: nothing need be read ahead. */
static int must_probe(const struct media_input *input)
{
    int best = av_find_best_stream(input->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best < 0 || !(input->pipe || is_device(input->format->iformat)))
        return 1;
    enum AVCodecID codec = input->format->streams[best]->codecpar->codec_id;
    return codec != AV_CODEC_ID_RAWVIDEO && codec != AV_CODEC_ID_WRAPPED_AVFRAME;
}

static enum source_result choose_stream(struct media_input *input, const AVCodec **decoder)
{
    AVFormatContext *format = input->format;
    int error = must_probe(input) ? avformat_find_stream_info(format, NULL) : 0;
    if (error < 0)
        return fail(input, "read", error);
    int best = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, decoder, 0);
    if (*input->stop)
        return SOURCE_END;
    if (best == AVERROR_DECODER_NOT_FOUND) {
        report_error("this FFmpeg has no decoder for the video in %s; install one that has "
                     "(ffmpeg -decoders)",
                     input->path);
        return SOURCE_FAILED;
    }
    if (best < 0) {
        report_error("there is no video in %s; ffprobe tells what is", input->path);
        return SOURCE_FAILED;
    }
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != best)
            format->streams[i]->discard = AVDISCARD_ALL;
    input->stream = format->streams[best];
    return SOURCE_OK;
}

static int open_decoder(struct media_input *input, const AVCodec *decoder)
{
    input->packet = av_packet_alloc();
    input->codec = avcodec_alloc_context3(decoder);
    if (!input->codec || !input->packet)
        return AVERROR(ENOMEM);
    int error = avcodec_parameters_to_context(input->codec, input->stream->codecpar);
    if (error < 0)
        return error;
    input->codec->pkt_timebase = input->stream->time_base;
    input->codec->thread_count = 0;
    input->codec->flags |= AV_CODEC_FLAG_UNALIGNED; /* crop exactly as the file says */
    input->decodes_in_place = media_slot_suits(decoder);
    if (input->decodes_in_place)
        media_slot_use(&input->slot, input->codec);
    else if (input->is_live) /* threads for several pictures at a time show each later */
        input->codec->thread_type = FF_THREAD_SLICE;
    return avcodec_open2(input->codec, decoder, NULL);
}

/* A filter graph is called a device, too, but waits for nobody. */
static int is_live(const AVInputFormat *container)
{
    return is_device(container) && strcmp(container->name, "lavfi") != 0;
}

enum source_result media_input_open(struct media_input *input)
{
    const AVInputFormat *container;
    const AVCodec *decoder = NULL;
    media_log_begin();
    avdevice_register_all();
    input->path = input->options->input;
    enum source_result result = choose_container(input, &container);
    if (result != SOURCE_OK)
        return result;
    int error = open_format(input, container);
    if (error < 0)
        return fail(input, "open", error);
    input->is_live = is_live(input->format->iformat);
    result = choose_stream(input, &decoder);
    if (result != SOURCE_OK)
        return result;
    error = open_decoder(input, decoder);
    input->first_pts = AV_NOPTS_VALUE;
    input->is_at_end = 0;
    if (input->laps == 0)
        media_log_forget(); /* what matters from here on is what is wrong with the pictures */
    return error < 0 ? fail(input, "decode", error) : SOURCE_OK;
}

void media_input_close(struct media_input *input)
{
    avcodec_free_context(&input->codec);
    av_packet_free(&input->packet);
    avformat_close_input(&input->format);
    media_pipe_close(&input->pipe);
    input->has_packet = 0;
}

enum source_result media_input_again(struct media_input *input)
{
    media_input_close(input);
    input->laps++;
    return media_input_open(input);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static int64_t duration_of(const struct media_input *input, const AVFrame *picture)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    int64_t duration = picture->duration;
#else
    int64_t duration = picture->pkt_duration;
#endif
    AVRational rate = media_input_rate(input);
    if (duration <= 0 && rate.num > 0)
        duration = av_rescale_q(1, av_inv_q(rate), input->stream->time_base);
    return duration > 0 ? duration : 1;
}

AVRational media_input_rate(const struct media_input *input)
{
    AVRational rate = av_guess_frame_rate(input->format, input->stream, NULL);
    return rate.num > 0 && rate.den > 0 ? rate : (AVRational){ 0, 1 };
}

/* Notes the times of a picture, which go on from lap to lap. */
static void adopt(struct media_input *input, AVFrame *picture)
{
    input->pictures++;
    picture->time_base = input->stream->time_base;
    if (picture->pts == AV_NOPTS_VALUE)
        picture->pts = picture->best_effort_timestamp;
    picture->sample_aspect_ratio =
        av_guess_sample_aspect_ratio(input->format, input->stream, picture);
    if (picture->pts == AV_NOPTS_VALUE)
        return;
    if (input->first_pts == AV_NOPTS_VALUE) {
        input->first_pts = picture->pts;
        input->lap_pts = input->laps > 0 ? input->end_pts - picture->pts : 0;
    }
    picture->pts += input->lap_pts;
    input->end_pts = picture->pts + duration_of(input, picture);
}

int64_t media_input_packet_pts(const struct media_input *input)
{
    int64_t pts = input->packet->pts;
    if (pts == AV_NOPTS_VALUE)
        pts = input->packet->dts;
    if (pts == AV_NOPTS_VALUE)
        return pts;
    int is_first = input->first_pts == AV_NOPTS_VALUE;
    return is_first && input->laps > 0 ? input->end_pts : pts + (is_first ? 0 : input->lap_pts);
}

/* The next packet of the video, or the end of them (is_at_end). */
static enum source_result fetch(struct media_input *input)
{
    while (!input->has_packet && !input->is_at_end) {
        int error = av_read_frame(input->format, input->packet);
        if (must_end(input))
            return SOURCE_END;
        if (error == AVERROR(EAGAIN)) {
            /* Only the device's driver inside libavdevice could tell when there is more. */
            nanosleep(&(struct timespec){ .tv_nsec = DEVICE_POLL_NS }, NULL);
            continue;
        }
        if (error == AVERROR_INVALIDDATA && ++input->failed_reads < MAX_FAILED_READS) {
            input->lost++;
            continue;
        }
        if (error < 0 && error != AVERROR_EOF && error != AVERROR_INVALIDDATA &&
            fail(input, "read", error) == SOURCE_FAILED)
            return SOURCE_FAILED;
        input->failed_reads = 0;
        if (error < 0)
            input->is_at_end = 1;
        else if (input->packet->stream_index == input->stream->index)
            input->has_packet = 1;
        else
            av_packet_unref(input->packet);
    }
    return SOURCE_OK;
}

/*
 * At the end, when the decoder has given all it had. Decoders leave out what they cannot make sense
 * of without a word in their result; but of a file that is whole, packets without a picture are
 * no loss.
 */
static void count_missing(struct media_input *input)
{
    char complaint[8];
    media_log_first(complaint, sizeof complaint);
    if (complaint[0] != '\0' && input->packets > input->pictures + input->lost)
        input->lost = input->packets - input->pictures;
}

/* Gives the decoder the packet, or tells it that there are no more. */
static enum source_result send_packet(struct media_input *input)
{
    input->packets += input->has_packet ? 1 : 0;
    int error = avcodec_send_packet(input->codec, input->has_packet ? input->packet : NULL);
    media_input_skip(input);
    if (error == AVERROR(ENOMEM))
        return fail(input, "decode", error);
    if (error < 0 && error != AVERROR_EOF)
        input->lost++;
    return SOURCE_OK;
}

/* A picture that the decoder has ready. SOURCE_SAME: it wants more first. */
static enum source_result receive(struct media_input *input, AVFrame *picture)
{
    for (;;) {
        int error = avcodec_receive_frame(input->codec, picture);
        if (error == 0) {
            adopt(input, picture);
            return SOURCE_OK;
        }
        if (error == AVERROR(EAGAIN))
            return SOURCE_SAME;
        if (error == AVERROR_EOF) {
            count_missing(input);
            return SOURCE_END;
        }
        if (error == AVERROR(ENOMEM))
            return fail(input, "decode", error);
        input->lost++;
    }
}

enum source_result media_input_advance(struct media_input *input, AVFrame *picture)
{
    for (;;) {
        enum source_result result = receive(input, picture);
        if (result != SOURCE_SAME)
            return result;
        result = fetch(input);
        if (result != SOURCE_OK)
            return result;
        if (input->has_packet && input->decodes_in_place)
            return SOURCE_SAME;
        result = send_packet(input);
        if (result != SOURCE_OK)
            return result;
    }
}

enum source_result media_input_decode(struct media_input *input, AVFrame *picture)
{
    enum source_result result = send_packet(input);
    return result == SOURCE_OK ? receive(input, picture) : result;
}

void media_input_skip(struct media_input *input)
{
    av_packet_unref(input->packet);
    input->has_packet = 0;
}
