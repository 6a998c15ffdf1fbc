/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRANSPORT_FRAMERING_H
#define BENCH_TRANSPORT_FRAMERING_H

/*
 * framering as transports: its slots (any bytes), its frames (the same bytes as BGRA pictures), and
 * its frames seen by observers, which cannot write to the ring.
 */

#include "transport.h"

extern const struct transport bench_framering;
extern const struct transport bench_framering_frames;
extern const struct transport bench_framering_observer;

#endif
