/* SPDX-License-Identifier: MIT */

/*
 * demo-viewer: shows the frames of rings in a window, or checks and counts them without one. Parse,
 * open, show, close, report.
 */

#define _GNU_SOURCE

#include <framering/framering.h>
#include <libavutil/log.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "report.h"
#include "sink.h"
#include "tally.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static const struct sink *find_sink(const char *name)
{
    size_t i = 0;
    while (sinks[i] && strcmp(sinks[i]->name, name) != 0)
        i++;
    return sinks[i];
}

static enum status run(const struct options *options, struct tally *tallies)
{
    const struct sink *sink = find_sink(options->sink);
    void *self = calloc(1, sink->private_size);
    int error = self ? 0 : FR_ENOMEM;
    for (size_t i = 0; i < options->count && error == 0; i++)
        error = tally_init(&tallies[i], options->names[i], options->every, options->verify);
    if (error < 0) {
        report_error("out of memory");
        free(self);
        return STATUS_FAILED;
    }
    enum status status = sink->open(self, options);
    if (status == STATUS_FINE)
        status = sink->show(self, &stop, tallies);
    sink->close(self);
    free(self);
    return status;
}

static int is_wrong(const struct options *options, const struct tally *tallies)
{
    for (size_t i = 0; i < options->count; i++)
        if (tally_is_wrong(&tallies[i]))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    static struct options options;
    options_parse(argc, argv, &options);
    catch_signals();
    struct tally *tallies = calloc(options.count, sizeof *tallies);
    if (!tallies) {
        report_error("out of memory");
        return STATUS_FAILED;
    }
    /* libswscale warns of strides that cost it speed, which is not the user's to mend. */
    av_log_set_level(AV_LOG_ERROR);
    enum status status = run(&options, tallies);
    if (status != STATUS_NO_STREAM && report_finish(&options, tallies) < 0)
        status = STATUS_FAILED;
    if (status == STATUS_FINE && is_wrong(&options, tallies))
        status = STATUS_FAILED;
    for (size_t i = 0; i < options.count; i++)
        tally_finish(&tallies[i]);
    free(tallies);
    return (int)status;
}
