/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRANSPORT_H
#define BENCH_TRANSPORT_H

/*
 * What the benchmark asks of a way to move items between processes. framering is one
 * (transport_framering.c), each peer is another (peer_NAME.c, which defines bench_peer_NAME and
 * nothing else that is visible).
 *
 *      main process      prepare() ─┬─ fork ───────────────────────────────────┬─▶ dispose()
 *      writer's process             ├─▶ open_writer() acquire() publish() … finish() close()
 *      reader's process             └─▶ open_reader() receive() release() … close()
 *
 * A transport only moves bytes: what is in an item, its stamps, its verification, counting, pacing,
 * pinning and CPU times are the harness's. Every item has exactly spec->item_size bytes.
 *
 * RULES
 *  - Lossless, but for TRANSPORT_LOSSY: a writer that is ahead of its readers waits, asleep. So does
 *    a reader without items. A transport that can only poll says so in its title.
 *  - At most spec->slots items are on their way at once; where a transport cannot count items (a
 *    pipe) it takes the system's largest buffer that is not larger than that.
 *  - A side holds one item at a time: publish follows acquire, release follows receive.
 *  - All sides open at the same time, in any order, each in its own process (or, with
 *    TRANSPORT_THREADS, each in its own thread of one). An open may wait for the other sides: the
 *    first item that a writer publishes must reach every reader.
 *  - prepare() may start processes (a daemon) and make names; names begin with spec->name.
 *    dispose() ends and removes all of it, also when sides were killed at any point: the harness
 *    kills them when they fail, take too long, or the user interrupts. prepare() that fails leaves
 *    nothing behind.
 *  - No output, no signal handlers, no exit(). Functions return 0 or more, or a negative errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transport_delivery {
    TRANSPORT_BROADCAST, /* every reader gets every item */
    TRANSPORT_QUEUE,     /* each item goes to one reader, any */
};

/* What a transport can do; combinations that it cannot do are left out of the tables. */
enum transport_can {
    TRANSPORT_IN_PLACE = 1 << 0,  /* acquire() lends the memory that the reader will see */
    TRANSPORT_CAN_QUEUE = 1 << 1, /* every transport can broadcast, to one reader or to several */
    TRANSPORT_MANY_WRITERS = 1 << 2,
    TRANSPORT_MANY_READERS = 1 << 3,
    TRANSPORT_THREADS = 1 << 4,    /* the sides may be threads of one process */
    TRANSPORT_LARGE_ONLY = 1 << 5, /* senseless for items of a few KB */
    TRANSPORT_POLLS = 1 << 6,      /* burns a CPU while it waits */
    TRANSPORT_REFERENCE = 1 << 8,  /* no peer, but what could be reached: never the best peer */
    TRANSPORT_LOSSY = 1 << 7, /* readers never hold the writer back; what they miss is no fault */
};

struct transport_spec {
    const char *name; /* unlike any other on this machine: "bench-PID-NUMBER" */
    size_t item_size; /* a multiple of 64 */
    uint32_t slots;   /* 2 and more */
    uint32_t writers;
    uint32_t readers;
    enum transport_delivery delivery;
};

struct transport {
    const char *name;  /* one word for the JSON: "pipe", "zeromq" */
    const char *title; /* for people, with what must be known: "pipe with vmsplice" */
    unsigned can;      /* of enum transport_can */

    /* The version of what is behind it ("4.3.4"), or NULL if it is the kernel. May itself be NULL.
     * Called in the main process; static memory. */
    const char *(*version)(void);

    /* The main process, before the sides start. *channel is inherited by all of them. spec and its
     * name stay valid until dispose(). */
    int (*prepare)(const struct transport_spec *spec, void **channel);
    void (*dispose)(void *channel);

    /* A side joins. index counts from 0, separately for writers and readers. */
    int (*open_writer)(void *channel, uint32_t index, void **writer);
    int (*open_reader)(void *channel, uint32_t index, void **reader);

    /* Lends item_size bytes, 64-byte aligned, to be filled; waits for them. NULL pointers if not
     * TRANSPORT_IN_PLACE. */
    int (*acquire)(void *writer, void **data);
    int (*publish)(void *writer);

    /* Moves a copy of the item; waits for room. The source may change as soon as it returns. May be
     * NULL with TRANSPORT_IN_PLACE: the harness then acquires, copies and publishes itself. For
     * transports that know a shorter way. */
    int (*write)(void *writer, const void *data);

    /* Waits for the next item: 1 with its address (64-byte aligned if the transport can), valid
     * until release(); 0 when all writers have finished and nothing is left for this reader. */
    int (*receive)(void *reader, const void **data);
    int (*release)(void *reader);

    /* Receives, copies to dst, releases; returns as receive(). May be NULL: the harness then does
     * these three itself. For transports that know a shorter way. */
    int (*read)(void *reader, void *dst);

    /* The writer's last word, after which its readers come to the end once they have read what is
     * left. Not called by a writer that was killed. */
    int (*finish)(void *writer);

    /* Readers may close before the end; writers close after finish(), and it waits, if it must,
     * until what was sent cannot be lost any more. */
    void (*close_writer)(void *writer);
    void (*close_reader)(void *reader);
};

/* What is compiled in, framering first; NULL at the end. */
extern const struct transport *const bench_transports[];

/* The peers that are not, and the Debian package each wants, for the line that says so. */
struct transport_missing {
    const char *name;
    const char *package;
};
extern const struct transport_missing bench_missing[]; /* name is NULL at the end */

/* The transport of that name, or NULL. */
const struct transport *transport_by_name(const char *name);

#endif
