/* SPDX-License-Identifier: MIT */

/*
 * The sink without a display: takes frames, has them counted and checked, and gives them back. It
 * ends with the stream, whatever -n and -t say (unless --follow), and that is fine if there was a
 * frame at all.
 */

#include "report.h"
#include "sink.h"
#include "stream.h"

#define SLICE_NS FR_MS(100) /* how long a wait may keep us from looking at stop */

struct headless {
    const struct options *options;
    struct stream stream;
    const struct fr_frame *last; /* held only if it may become the screenshot */
};

static enum status headless_open(void *self, const struct options *options)
{
    struct headless *headless = self;
    headless->options = options;
    return STATUS_FINE;
}

static int64_t shortest(int64_t left_ns)
{
    return left_ns < SLICE_NS ? left_ns : SLICE_NS;
}

static enum status open_stream(struct headless *headless, const volatile sig_atomic_t *stop)
{
    const struct options *options = headless->options;
    int64_t begin_ns = fr_now_ns();
    int error = FR_ENOENT;
    while (!*stop && error == FR_ENOENT) {
        int64_t left_ns = SLICE_NS;
        if (options->wait_ns >= 0)
            left_ns = begin_ns + options->wait_ns - fr_now_ns();
        int64_t timeout_ns = left_ns > 0 ? shortest(left_ns) : FR_NOWAIT;
        error = stream_open(&headless->stream, options->names[0], options->every, options->follow,
                            timeout_ns);
        if (left_ns <= 0)
            break;
    }
    if (error == 0 || *stop)
        return STATUS_FINE;
    if (error == FR_ENOENT) {
        report_no_stream(options->names[0]);
        return STATUS_NO_STREAM;
    }
    report_error("cannot open the stream '%s': %s", options->names[0], fr_error_detail(error));
    return STATUS_FAILED;
}

static void receive(struct headless *headless, const struct fr_frame *frame, struct tally *tally)
{
    int64_t now_ns = fr_now_ns();
    tally_check(tally, frame, stream_is_shared(&headless->stream));
    tally_count(tally, frame, now_ns);
    if (headless->options->screenshot) {
        fr_frame_release(&headless->last);
        headless->last = frame;
        return;
    }
    fr_frame_release(&frame);
}

static int is_over(const struct headless *headless, const struct tally *tally)
{
    const struct options *options = headless->options;
    if (options->frames > 0 && tally->frames >= options->frames)
        return 1;
    return options->duration_ns > 0 && fr_now_ns() - tally->open_ns >= options->duration_ns;
}

/* A stream that its writers closed came to its end; one whose writers died is lost. */
static int is_lost(const struct options *options, int error)
{
    return options->no_reconnect && error == FR_EOWNERDEAD;
}

static enum status read_frames(struct headless *headless, const volatile sig_atomic_t *stop,
                               struct tally *tally)
{
    while (!*stop && !is_over(headless, tally)) {
        int64_t timeout_ns = SLICE_NS;
        if (headless->options->duration_ns > 0)
            timeout_ns = shortest(tally->open_ns + headless->options->duration_ns - fr_now_ns());
        const struct fr_frame *frame;
        int error = stream_wait(&headless->stream, timeout_ns > 0 ? timeout_ns : 0, &frame);
        if (error == 0) {
            receive(headless, frame, tally);
        } else if (error == FR_EBUSY && headless->last) {
            fr_frame_release(&headless->last);
        } else if (error == FR_ECLOSED || error == FR_EOWNERDEAD) {
            return is_lost(headless->options, error) ? STATUS_LOST : STATUS_FINE;
        } else if (error != FR_ETIMEDOUT) {
            report_error("cannot read from the stream '%s': %s", headless->options->names[0],
                         fr_error_detail(error));
            return STATUS_FAILED;
        }
    }
    return STATUS_FINE;
}

static enum status headless_show(void *self, const volatile sig_atomic_t *stop, struct tally *tally)
{
    struct headless *headless = self;
    enum status status = open_stream(headless, stop);
    if (status != STATUS_FINE || !headless->stream.reader)
        return status;
    tally->open_ns = fr_now_ns();
    status = read_frames(headless, stop, tally);
    if (status == STATUS_FINE && tally->frames == 0 && !*stop) {
        report_error("no frame came from the stream '%s'; does its writer still run?",
                     headless->options->names[0]);
        return STATUS_FAILED;
    }
    if (tally->frames > 0 && report_screenshot(headless->options, headless->last) < 0)
        return STATUS_FAILED;
    return status;
}

static void headless_close(void *self)
{
    struct headless *headless = self;
    fr_frame_release(&headless->last);
    stream_close(&headless->stream);
}

const struct sink sink_headless = {
    .name = "headless",
    .help = "With --headless frames are counted and checked until the stream ends\n"
            "(unless --follow) or a limit is reached. Without any frame it fails.\n",
    .private_size = sizeof(struct headless),
    .open = headless_open,
    .show = headless_show,
    .close = headless_close,
};
