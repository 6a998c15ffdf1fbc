/* SPDX-License-Identifier: MIT */

/*
 * See nut.h. A frame of one plane without padding goes from the ring to the pipe as it is, others are
 * put together first. Frames without pts get their capture time instead.
 */

#define _GNU_SOURCE

#include "nut.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <framering/av.h>

#include "transfer.h"

#define BUFFER_BYTES 65536
#define MAX_PIECES 64

struct nut {
    int fd;
    int error; /* the first of a write */
    int has_failed;
    AVFormatContext *format;
    AVPacket *packet;
    AVRational time_base; /* of the times below, as the frames have it */
    int uses_capture;     /* for pts */
    int64_t last;         /* the time written last, in the stream's time base */
    int64_t offset;       /* what is added to the frames' times */
    int64_t step;         /* between two frames, roughly */
    uint8_t *pixels;
    size_t size;
};

static int write_bytes(void *opaque, uint8_t *bytes, int size)
{
    struct nut *nut = opaque;
    int error = transfer_write(nut->fd, bytes, (size_t)size);
    if (error == 0)
        return size;
    nut->error = nut->error == 0 ? error : nut->error;
    return error;
}

static AVRational to_av(struct fr_rational value)
{
    return (AVRational){ value.num, value.den };
}

static void describe(AVStream *stream, const struct fr_frame *first)
{
    AVCodecParameters *parameters = stream->codecpar;
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_RAWVIDEO;
    parameters->format = fr_av_pix_fmt(first->format);
    parameters->codec_tag = avcodec_pix_fmt_to_codec_tag(parameters->format);
    parameters->width = (int)first->width;
    parameters->height = (int)first->height;
    parameters->color_range = (enum AVColorRange)first->color.range;
    parameters->sample_aspect_ratio = to_av(first->sample_aspect);
    stream->sample_aspect_ratio = parameters->sample_aspect_ratio;
    if (first->frame_rate.num > 0) {
        stream->avg_frame_rate = to_av(first->frame_rate);
        stream->r_frame_rate = stream->avg_frame_rate;
    }
}

/* The time base of the frames, as NUT keeps it or as a fraction of it. */
static void choose_time_base(struct nut *nut, const struct fr_frame *first)
{
    nut->uses_capture = first->pts == FR_NO_PTS;
    nut->time_base = nut->uses_capture ? (AVRational){ 1, 1000000000 } : to_av(first->time_base);
    nut->last = INT64_MIN;
}

/*
 * The index stands at the end, of use in a file only, and it has the place of every frame: whoever
 * writes it keeps them all in memory.
 */
static int wants_index(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static int write_header(struct nut *nut)
{
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "write_index", wants_index(nut->fd), 0);
    nut->format->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    int error = avformat_write_header(nut->format, &options);
    av_dict_free(&options);
    if (error >= 0)
        return 0;
    return nut->error < 0 ? nut->error : FR_ENOTSUP;
}

static int make_format(struct nut *nut, const struct fr_frame *first)
{
    av_log_set_level(AV_LOG_FATAL);
    if (avformat_alloc_output_context2(&nut->format, NULL, "nut", NULL) < 0)
        return FR_ENOTSUP;
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    nut->format->pb =
        buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 1, nut, NULL, write_bytes, NULL) : NULL;
    if (!nut->format->pb) {
        av_free(buffer);
        return FR_ENOMEM;
    }
    nut->format->pb->seekable = 0;
    nut->format->pb->direct = 1; /* pixels are not copied into the buffer first */
    AVStream *stream = avformat_new_stream(nut->format, NULL);
    if (!stream)
        return FR_ENOMEM;
    describe(stream, first);
    choose_time_base(nut, first);
    stream->time_base = nut->time_base;
    return write_header(nut);
}

int nut_open(int fd, const struct fr_frame *first, struct nut **out)
{
    *out = NULL;
    uint64_t size = transfer_frame_bytes(first);
    if (size > INT_MAX - AV_INPUT_BUFFER_PADDING_SIZE)
        return FR_EMSGSIZE;
    struct nut *nut = calloc(1, sizeof *nut);
    if (!nut)
        return FR_ENOMEM;
    nut->fd = fd;
    nut->size = (size_t)size;
    nut->packet = av_packet_alloc();
    nut->pixels = malloc(nut->size);
    int error = nut->packet && nut->pixels ? make_format(nut, first) : FR_ENOMEM;
    if (error < 0) {
        nut->has_failed = 1;
        nut_close(&nut);
        return error;
    }
    *out = nut;
    return 0;
}

/* All rows of the frame, one behind the other. */
static uint8_t *tight_pixels(struct nut *nut, const struct fr_frame *frame)
{
    struct iovec pieces[MAX_PIECES];
    struct transfer_walk walk = { .frame = frame };
    int count = transfer_pieces(&walk, pieces, MAX_PIECES);
    if (count == 1 && pieces[0].iov_len == nut->size)
        return pieces[0].iov_base;
    uint8_t *to = nut->pixels;
    while (count > 0) {
        for (int i = 0; i < count; i++) {
            memcpy(to, pieces[i].iov_base, pieces[i].iov_len);
            to += pieces[i].iov_len;
        }
        count = transfer_pieces(&walk, pieces, MAX_PIECES);
    }
    return nut->pixels;
}

/* The frame's time in the stream's time base; it always rises. */
static int64_t time_of(struct nut *nut, const struct fr_frame *frame)
{
    AVRational base = nut->format->streams[0]->time_base;
    int has_pts = frame->pts != FR_NO_PTS && !nut->uses_capture;
    int64_t time = has_pts ? av_rescale_q(frame->pts, to_av(frame->time_base), base)
                           : av_rescale_q(frame->capture_ns, (AVRational){ 1, 1000000000 }, base);
    if (nut->last == INT64_MIN) {
        nut->last = time;
        return time;
    }
    time += nut->offset;
    if (time <= nut->last) {
        int64_t step = nut->step > 0 ? nut->step : 1;
        nut->offset += nut->last + step - time;
        time = nut->last + step;
    }
    nut->step = time - nut->last;
    nut->last = time;
    return time;
}

int nut_write_frame(struct nut *nut, const struct fr_frame *frame)
{
    AVPacket *packet = nut->packet;
    packet->data = tight_pixels(nut, frame);
    packet->size = (int)nut->size;
    packet->pts = time_of(nut, frame);
    packet->dts = packet->pts;
    packet->flags = AV_PKT_FLAG_KEY;
    packet->stream_index = 0;
    int result = av_write_frame(nut->format, packet);
    if (result >= 0 && nut->error == 0)
        return 0;
    nut->has_failed = 1;
    return nut->error < 0 ? nut->error : result;
}

void nut_close(struct nut **nut)
{
    if (!*nut)
        return;
    AVFormatContext *format = (*nut)->format;
    if (format) {
        if (!(*nut)->has_failed)
            av_write_trailer(format);
        if (format->pb)
            av_freep(&format->pb->buffer);
        avio_context_free(&format->pb);
        avformat_free_context(format);
    }
    av_packet_free(&(*nut)->packet);
    free((*nut)->pixels);
    free(*nut);
    *nut = NULL;
}
