/* SPDX-License-Identifier: MIT */
/*
 * The list of transports. Which peers are compiled in, and which are missing here, is in peers.inc,
 * which CMake writes.
 */
#include <string.h>

#include "transport_framering.h"

#define PEER(name) extern const struct transport bench_peer_##name;
#define MISSING(name, package)
#include "peers.inc"
#undef PEER
#undef MISSING

const struct transport *const bench_transports[] = {
    &bench_framering,
    &bench_framering_frames,
    &bench_framering_observer,
#define PEER(name) &bench_peer_##name,
#define MISSING(name, package)
#include "peers.inc"
#undef PEER
#undef MISSING
    NULL,
};

const struct transport_missing bench_missing[] = {
#define PEER(name)
#define MISSING(name, package) { name, package },
#include "peers.inc"
#undef PEER
#undef MISSING
    { NULL, NULL },
};

const struct transport *transport_by_name(const char *name)
{
    for (uint32_t i = 0; bench_transports[i] != NULL; i++) {
        if (strcmp(bench_transports[i]->name, name) == 0)
            return bench_transports[i];
    }
    return NULL;
}
