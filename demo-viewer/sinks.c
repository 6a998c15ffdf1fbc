/* SPDX-License-Identifier: MIT */

/*
 * The list of sinks.
 */

#include "sink.h"

const struct sink *const sinks[] = { &sink_window, &sink_headless, NULL };
