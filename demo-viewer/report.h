/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

/*
 * Everything that the program says on the terminal: errors, and at the end the summary and the JSON.
 */

#include "options.h"
#include "tally.h"

/* One sentence on standard error, after the program's name. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The sentence for a stream that is not there, with those that are. */
void report_no_stream(const char *name);

/*
 * The summary (on standard output, or standard error if the JSON goes there) and the JSON: an
 * object, or for several streams an array of them. 0, or -1 if the file could not be written (it has
 * said so).
 */
int report_finish(const struct options *options, const struct tally *tallies);

/* Writes the frame to the file that --screenshot names, if it does. 0, or -1 (it has said so). */
int report_screenshot(const struct options *options, const struct fr_frame *frame);

#endif
