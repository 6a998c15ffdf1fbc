/* SPDX-License-Identifier: MIT */

/*
 * demo-capture: takes pictures from a source (the test picture, a screen, Y4M) and publishes them
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

static volatile sig_atomic_t stop;

struct capture {
    struct options options;
    const struct source *source;
    void *self; /* the source's */
    struct stream stream;
    struct fr_writer *writer;
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
        if (sources[i]->matches(input))
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

static int create_ring(const struct options *options, const struct stream *stream,
                       struct fr_writer **writer)
{
    uint64_t slot_size = fr_frame_size(stream->width, stream->height, stream->format);
    struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = slot_size, .slots = options->slots,
                       .delivery = options->delivery, .overflow = options->policy,
                       .observers = options->delivery == FR_BROADCAST, .mode = options->mode);
    return fr_writer_create(options->output, &opts, writer);
}

static enum source_result open_ring(struct capture *capture)
{
    const struct options *options = &capture->options;
    int error = options->join ? join_ring(options->output, &capture->writer)
                              : create_ring(options, &capture->stream, &capture->writer);
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
    capture->report = (struct report){
        .options = &capture->options,
        .width = capture->stream.width,
        .height = capture->stream.height,
        .format = capture->stream.format,
        .rate = capture->options.has_rate ? capture->options.rate : capture->stream.rate,
        .slots = info.slots,
        .policy = info.overflow,
        .delivery = info.delivery,
    };
    if (!capture->source->attach)
        return SOURCE_OK;
    return capture->source->attach(capture->self, capture->writer,
                                   capture->options.join ? 0 : info.slots, &capture->stream);
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
    int error = fr_frame_publish(frame);
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
    frame->pts = frame->capture_ns - capture->pace.start_ns;
    if (rate.num == 0)
        return;
    frame->time_base = (struct fr_rational){ rate.den, rate.num };
    frame->frame_rate = rate;
    frame->duration = 1;
    frame->pts = (int64_t)beat;
}

/* One picture, from the source to the ring. */
static enum source_result pass_frame(struct capture *capture, uint64_t beat, uint64_t number)
{
    struct fr_frame *frame;
    enum source_result result = acquire(capture, &frame);
    if (result != SOURCE_OK || (stop && !frame))
        return result;
    if (frame)
        describe_frame(capture, beat, number, frame);
    result = capture->source->read(capture->self, number, frame, &capture->stream);
    if (result == SOURCE_OK && frame)
        result = publish(capture, &frame);
    else if (result == SOURCE_OK)
        capture->report.dropped++;
    fr_frame_abort(&frame);
    capture->report.width = capture->stream.width;
    capture->report.height = capture->stream.height;
    return result;
}

static enum source_result loop(struct capture *capture)
{
    const struct options *options = &capture->options;
    struct report *report = &capture->report;
    enum source_result result = SOURCE_OK;
    pace_start(&capture->pace, report->rate);
    for (uint64_t number = 0; !stop && result != SOURCE_FAILED && result != SOURCE_END;) {
        uint64_t dropped = report->dropped;
        uint64_t beat = pace_wait(&capture->pace, &stop);
        report->late = capture->pace.late;
        int is_over = options->duration_ns > 0 &&
                      fr_now_ns() - capture->pace.start_ns >= options->duration_ns;
        if (stop || is_over || (options->frames > 0 && report->frames >= options->frames))
            break;
        result = pass_frame(capture, beat, number);
        if (result == SOURCE_OK)
            number++;
        /* A source without a rate would spin until a slot comes free. */
        if (report->dropped > dropped && report->rate.num == 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = 500000 }, NULL);
        report_tick(report);
    }
    return result;
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
    int has_begun = result == SOURCE_OK;
    if (has_begun) {
        report_start(&capture.report);
        result = loop(&capture);
        capture.report.end_ns = fr_now_ns();
    }
    fr_writer_close(&capture.writer);
    if (capture.self)
        capture.source->close(capture.self);
    free(capture.self);
    if (has_begun && report_finish(&capture.report) < 0)
        result = SOURCE_FAILED;
    return result == SOURCE_FAILED ? 1 : 0;
}
