/* SPDX-License-Identifier: MIT */

/*
 * demo-capture: takes pictures from a source (the test picture, a screen, files) and publishes them
 * in a ring, at a steady rate. Parse, open, loop, close, report. The ring is removed however the
 * program ends, unless it is killed; then whoever comes next takes the name over.
 */

#define _GNU_SOURCE

#include <framering/framering.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "options.h"
#include "pace.h"
#include "report.h"
#include "source.h"

#define SLICE_NS FR_MS(100) /* how long a wait may keep us from looking at stop */
#define JOIN_SLICES 50
#define GROWTH 256 /* pixels: a window that somebody pulls larger needs few new rings */

static volatile sig_atomic_t stop;

struct capture {
    struct options options;
    const struct source *source;
    void *self; /* the source's */
    struct stream stream;
    struct fr_writer *writer;
    int has_begun; /* the first ring is there */
    struct pace pace;
    struct report report;
};

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

/* Without SA_RESTART, so that a wait for input ends too. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static enum source_result open_source(struct capture *capture)
{
    const char *input = capture->options.input;
    for (size_t i = 0; sources[i] && !capture->source; i++)
        if (sources[i]->matches(&capture->options))
            capture->source = sources[i];
    if (!capture->source) {
        report_error("there is no file '%s', and no input of that name; --help lists them", input);
        return SOURCE_FAILED;
    }
    capture->self = calloc(1, capture->source->private_size);
    if (!capture->self) {
        report_error("out of memory");
        return SOURCE_FAILED;
    }
    enum source_result result =
        capture->source->open(capture->self, &capture->options, &stop, &capture->stream);
    /* A file keeps its rate, and with it the meaning of its times, however fast it is read. */
    struct stream *stream = &capture->stream;
    if (capture->options.has_rate && (capture->options.rate.num > 0 || stream->rate.num == 0))
        stream->rate = capture->options.rate;
    else if (stream->rate.num == 0)
        stream->rate = (struct fr_rational){ 60, 1 };
    return result;
}

static int join_ring(const char *name, struct fr_writer **writer)
{
    int error = FR_ENOENT;
    for (int i = 0; i < JOIN_SLICES && !stop && (error == FR_ENOENT || error == FR_ETIMEDOUT); i++)
        error = fr_writer_open(name, SLICE_NS, writer);
    return error;
}

/* A stream that has outgrown its ring gets one with room for more of the same. */
static uint64_t find_slot_size(const struct stream *stream, int has_grown)
{
    uint32_t width = stream->width;
    uint32_t height = stream->height;
    if (has_grown && width <= FR_MAX_SIDE - GROWTH && height <= FR_MAX_SIDE - GROWTH) {
        width = (width + GROWTH - 1) / GROWTH * GROWTH;
        height = (height + GROWTH - 1) / GROWTH * GROWTH;
    }
    uint64_t size = fr_frame_size(width, height, stream->format);
    return size > stream->slot_size ? size : stream->slot_size;
}

static int create_ring(struct capture *capture)
{
    const struct options *options = &capture->options;
    const struct stream *stream = &capture->stream;
    struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = find_slot_size(stream, capture->has_begun),
                       .slots = options->slots ? options->slots : stream->slots,
                       .delivery = options->delivery, .overflow = options->policy,
                       .observers = options->delivery == FR_BROADCAST, .mode = options->mode);
    return fr_writer_create(options->output, &opts, &capture->writer);
}

static enum source_result open_ring(struct capture *capture)
{
    const struct options *options = &capture->options;
    int error = options->join ? join_ring(options->output, &capture->writer) : create_ring(capture);
    if (error < 0 && stop)
        return SOURCE_END;
    if (error < 0)
        report_error("cannot %s the ring '%s': %s%s", options->join ? "join" : "make",
                     options->output, fr_error_detail(error),
                     error == FR_EEXIST ? " (-o), or add frames to that ring (--join)" : "");
    return error < 0 ? SOURCE_FAILED : SOURCE_OK;
}

/* A ring that was joined has slots and a policy of its own. */
static enum source_result describe_ring(struct capture *capture)
{
    struct fr_info info = fr_info();
    int error = fr_inspect(capture->options.output, &info);
    if (error < 0) {
        report_error("cannot look at the ring '%s': %s", capture->options.output,
                     fr_error_detail(error));
        return SOURCE_FAILED;
    }
    capture->report.slots = info.slots;
    capture->report.policy = info.overflow;
    capture->report.delivery = info.delivery;
    if (!capture->source->attach)
        return SOURCE_OK;
    return capture->source->attach(capture->self, capture->writer,
                                   capture->options.join ? 0 : info.slots, &capture->stream);
}

static void describe_stream(struct capture *capture)
{
    struct report *report = &capture->report;
    report->width = capture->stream.width;
    report->height = capture->stream.height;
    report->format = capture->stream.format;
    report->copied = capture->stream.copied;
    report->lost = capture->stream.lost;
}

/* The stream has another shape: if the ring is too small for it, readers find a new one. */
static enum source_result follow_stream(struct capture *capture)
{
    describe_stream(capture);
    if (capture->options.join ||
        find_slot_size(&capture->stream, 0) <= fr_writer_slot_size(capture->writer))
        return SOURCE_OK;
    fr_writer_close(&capture->writer);
    enum source_result result = open_ring(capture);
    return result == SOURCE_OK ? describe_ring(capture) : result;
}

/* *frame is NULL if this picture has to be left out, or the user wants to stop. */
static enum source_result acquire(struct capture *capture, struct fr_frame **frame)
{
    const struct stream *stream = &capture->stream;
    int error = FR_ETIMEDOUT;
    *frame = NULL;
    while (error == FR_ETIMEDOUT && !stop) {
        error = fr_frame_acquire(capture->writer, stream->width, stream->height, stream->format,
                                 SLICE_NS, frame);
        if (error == FR_ETIMEDOUT && capture->report.policy == FR_DROP_NEWEST)
            return SOURCE_OK;
    }
    if (error == 0 || stop)
        return SOURCE_OK;
    report_error("cannot get a slot of the ring '%s': %s", capture->options.output,
                 fr_error_detail(error));
    return SOURCE_FAILED;
}

static enum source_result publish(struct capture *capture, struct fr_frame **frame)
{
    for (uint32_t i = 0; i < (*frame)->planes; i++)
        capture->report.bytes += (uint64_t)(*frame)->plane[i].rows * (*frame)->plane[i].row_bytes;
    int error = capture->source->publish ? capture->source->publish(capture->self, frame)
                                         : fr_frame_publish(frame);
    if (error < 0) {
        report_error("cannot publish a frame: %s", fr_error_detail(error));
        return SOURCE_FAILED;
    }
    capture->report.frames++;
    return SOURCE_OK;
}

static void describe_frame(const struct capture *capture, uint64_t beat, uint64_t number,
                           struct fr_frame *frame)
{
    const struct fr_rational rate = capture->stream.rate;
    frame->source_number = number + 1;
    if (capture->stream.is_timed && !capture->options.has_rate)
        return;
    frame->pts = frame->capture_ns - capture->pace.start_ns;
    if (rate.num == 0)
        return;
    frame->time_base = (struct fr_rational){ rate.den, rate.num };
    frame->frame_rate = rate;
    frame->duration = 1;
    frame->pts = (int64_t)beat;
}

/* The next picture, in a frame. That is NULL if the picture was left out, or the user wants to stop. */
static enum source_result get_frame(struct capture *capture, uint64_t beat, uint64_t number,
                                    struct fr_frame **frame)
{
    struct stream *stream = &capture->stream;
    int64_t begin_ns = fr_now_ns();
    stream->stages = (struct fr_stages){ 0 };
    *frame = NULL;
    if (capture->source->take) {
        enum source_result taken = capture->source->take(capture->self, stream, frame);
        if (taken == SOURCE_OK && *frame)
            describe_frame(capture, beat, number, *frame);
        return taken;
    }
    enum source_result result = acquire(capture, frame);
    if (result != SOURCE_OK || (stop && !*frame))
        return result;
    stream->stages.wait_ns = fr_now_ns() - begin_ns;
    if (*frame)
        describe_frame(capture, beat, number, *frame);
    return capture->source->read(capture->self, number, *frame, stream);
}

/* One picture, from the source to the ring. */
static enum source_result pass_frame(struct capture *capture, uint64_t beat, uint64_t number)
{
    struct fr_frame *frame;
    enum source_result result = get_frame(capture, beat, number, &frame);
    if (result == SOURCE_OK && frame) {
        /* Without room for it, which many rectangles of damage may take, the times are left out. */
        (void)!fr_frame_set_meta(frame, FR_META_STAGES, &capture->stream.stages,
                                 sizeof capture->stream.stages);
        result = publish(capture, &frame);
    } else if (result == SOURCE_OK && !stop) {
        capture->report.dropped++;
    }
    fr_frame_abort(&frame);
    describe_stream(capture);
    return result == SOURCE_CHANGED ? follow_stream(capture) : result;
}

static int64_t end_ns(const struct capture *capture)
{
    int64_t duration_ns = capture->options.duration_ns;
    return duration_ns > 0 ? capture->pace.start_ns + duration_ns : INT64_MAX;
}

/* Waits until it is time for a picture and there is one; SOURCE_END: it is over before that. */
static enum source_result wait_for_turn(struct capture *capture, uint64_t *beat)
{
    const struct options *options = &capture->options;
    struct report *report = &capture->report;
    if (capture->source->wait) {
        int64_t since_ns = fr_now_ns();
        enum source_result result =
            capture->source->wait(capture->self, end_ns(capture), &capture->stream);
        if (result != SOURCE_OK)
            return result;
        pace_rested(&capture->pace, since_ns);
    }
    *beat = pace_wait(&capture->pace, &stop);
    report->late = capture->pace.late;
    int is_over = stop || fr_now_ns() >= end_ns(capture) ||
                  (options->frames > 0 && report->frames >= options->frames);
    return is_over ? SOURCE_END : SOURCE_OK;
}

static enum source_result loop(struct capture *capture)
{
    struct report *report = &capture->report;
    enum source_result result = SOURCE_OK;
    uint64_t number = 0;
    pace_start(&capture->pace, report->rate);
    while (result != SOURCE_FAILED && result != SOURCE_END) {
        uint64_t dropped = report->dropped;
        uint64_t published = report->frames;
        uint64_t beat = 0;
        result = wait_for_turn(capture, &beat);
        if (result == SOURCE_OK)
            result = pass_frame(capture, beat, number);
        number += report->dropped - dropped + report->frames - published;
        /* A source without a rate would spin until a slot comes free. */
        if (report->dropped > dropped && report->rate.num == 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = 500000 }, NULL);
        report_tick(report);
    }
    return result;
}

static void begin_report(struct capture *capture)
{
    const struct options *options = &capture->options;
    capture->report.options = options;
    capture->report.rate = capture->stream.rate;
    if (capture->stream.is_timed)
        capture->report.rate = (struct fr_rational){ 0, 1 };
    if (options->has_rate)
        capture->report.rate = options->rate;
    describe_stream(capture);
    report_start(&capture->report);
}

int main(int argc, char **argv)
{
    static struct capture capture;
    options_parse(argc, argv, &capture.options);
    catch_signals();
    enum source_result result = open_source(&capture);
    if (result == SOURCE_OK)
        result = open_ring(&capture);
    if (result == SOURCE_OK)
        result = describe_ring(&capture);
    capture.has_begun = result == SOURCE_OK;
    if (capture.has_begun) {
        begin_report(&capture);
        result = loop(&capture);
        describe_stream(&capture);
        capture.report.end_ns = fr_now_ns();
    }
    fr_writer_close(&capture.writer);
    if (capture.self)
        capture.source->close(capture.self);
    free(capture.self);
    if (capture.has_begun && report_finish(&capture.report) < 0)
        result = SOURCE_FAILED;
    return result == SOURCE_FAILED ? 1 : 0;
}
