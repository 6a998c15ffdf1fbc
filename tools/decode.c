/* SPDX-License-Identifier: MIT */

/*
 * See decode.h. What raw video is says its header, so that nothing is read ahead there and the first
 * picture passes at once; libavformat looks into everything else before it tells what it is.
 */

#define _GNU_SOURCE

#include "decode.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdlib.h>

#include "command.h"
#include "stop.h"
#include "transfer.h"

#define BUFFER_BYTES 65536

struct decode {
    int fd;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVStream *stream;
    int is_draining;
};

static int read_bytes(void *opaque, uint8_t *bytes, int size)
{
    const struct decode *decode = opaque;
    int64_t got = transfer_read_some(decode->fd, bytes, (size_t)size);
    if (got == 0 || got == -ECANCELED)
        return AVERROR_EOF;
    return (int)got;
}

static int fail(int error, const char *what)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (stop_asked)
        return -1;
    av_strerror(error, text, sizeof text);
    command_error("cannot %s the input: %s", what, text);
    return -1;
}

static int open_input(struct decode *decode)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    AVIOContext *io =
        buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 0, decode, read_bytes, NULL, NULL) : NULL;
    decode->format = io ? avformat_alloc_context() : NULL;
    if (!decode->format) {
        if (io)
            buffer = io->buffer;
        av_free(buffer);
        avio_context_free(&io);
        return fail(AVERROR(ENOMEM), "read");
    }
    io->seekable = 0;
    decode->format->pb = io;
    decode->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    int error = avformat_open_input(&decode->format, NULL, NULL, NULL);
    if (error == 0)
        return 0;
    av_freep(&io->buffer); /* the failure freed everything else */
    avio_context_free(&io);
    if (error != AVERROR_INVALIDDATA)
        return fail(error, "read");
    if (!stop_asked)
        command_error("libavformat does not recognise the input; raw pixels need --size and "
                      "--pixel-format");
    return -1;
}

static AVStream *find_video(const AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
            return format->streams[i];
    return NULL;
}

/* Streams of raw video are complete when their header has been read. */
static int is_known(const AVStream *stream)
{
    enum AVCodecID codec = stream ? stream->codecpar->codec_id : AV_CODEC_ID_NONE;
    return codec == AV_CODEC_ID_RAWVIDEO || codec == AV_CODEC_ID_WRAPPED_AVFRAME;
}

static int choose_stream(struct decode *decode)
{
    decode->stream = find_video(decode->format);
    if (!is_known(decode->stream)) {
        int error = avformat_find_stream_info(decode->format, NULL);
        if (error < 0)
            return fail(error, "read");
        decode->stream = find_video(decode->format);
    }
    if (decode->stream)
        return 0;
    command_error("the input has no video in it");
    return -1;
}

static int open_codec(struct decode *decode)
{
    const AVCodecParameters *parameters = decode->stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    if (!codec) {
        command_error("there is no decoder here for the input's %s; let ffmpeg make it raw: -f nut",
                      avcodec_get_name(parameters->codec_id));
        return -1;
    }
    decode->codec = avcodec_alloc_context3(codec);
    if (!decode->codec)
        return fail(AVERROR(ENOMEM), "decode");
    int error = avcodec_parameters_to_context(decode->codec, parameters);
    decode->codec->pkt_timebase = decode->stream->time_base;
    if (error == 0)
        error = avcodec_open2(decode->codec, codec, NULL);
    return error < 0 ? fail(error, "decode") : 0;
}

struct decode *decode_open(int fd)
{
    av_log_set_level(AV_LOG_FATAL);
    struct decode *decode = calloc(1, sizeof *decode);
    if (!decode) {
        command_error("out of memory");
        return NULL;
    }
    decode->fd = fd;
    decode->packet = av_packet_alloc();
    int result = decode->packet ? open_input(decode) : fail(AVERROR(ENOMEM), "read");
    if (result == 0)
        result = choose_stream(decode);
    if (result == 0)
        result = open_codec(decode);
    if (result < 0)
        decode_close(&decode);
    return decode;
}

void decode_close(struct decode **decode)
{
    if (!*decode)
        return;
    AVFormatContext *format = (*decode)->format;
    AVIOContext *io = format ? format->pb : NULL;
    avcodec_free_context(&(*decode)->codec);
    av_packet_free(&(*decode)->packet);
    avformat_close_input(&(*decode)->format);
    if (io)
        av_freep(&io->buffer);
    avio_context_free(&io);
    free(*decode);
    *decode = NULL;
}

AVRational decode_rate(const struct decode *decode)
{
    const AVStream *stream = decode->stream;
    AVRational rate =
        stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    return rate.num > 0 && rate.den > 0 ? rate : (AVRational){ 0, 1 };
}

/* Gives the decoder one more packet of the stream, or tells it that there is none. */
static int feed(struct decode *decode)
{
    int error = av_read_frame(decode->format, decode->packet);
    if (error < 0 && error != AVERROR_EOF)
        return fail(error, "read");
    if (error == AVERROR_EOF) {
        decode->is_draining = 1;
        avcodec_send_packet(decode->codec, NULL);
        return 0;
    }
    if (decode->packet->stream_index == decode->stream->index)
        error = avcodec_send_packet(decode->codec, decode->packet);
    av_packet_unref(decode->packet);
    return error < 0 && error != AVERROR_INVALIDDATA ? fail(error, "decode") : 0;
}

int decode_next(struct decode *decode, AVFrame *frame)
{
    while (!stop_asked) {
        int error = avcodec_receive_frame(decode->codec, frame);
        if (error == 0) {
            frame->time_base = decode->stream->time_base;
            if (frame->pts == AV_NOPTS_VALUE)
                frame->pts = frame->best_effort_timestamp;
            return 1;
        }
        if (error == AVERROR_EOF)
            return 0;
        if (error != AVERROR(EAGAIN))
            return fail(error, "decode");
        if (decode->is_draining)
            return 0;
        if (feed(decode) < 0)
            return -1;
    }
    return 0;
}
