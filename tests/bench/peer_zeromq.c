/* SPDX-License-Identifier: MIT */
/*
 * ZeroMQ over ipc: one XPUB socket that waits for slow readers instead of dropping, and a SUB socket
 * in each reader. The first messages cannot be missed, because an XPUB socket hears who subscribes.
 * The address is an abstract one, which leaves no file.
 *
 * Large items are sent from a pool of the writer's buffers without a copy into ZeroMQ (it copies
 * them through a socket all the same); small ones are copied, which is quicker for it. Half of the
 * slots are on the writer's side, half on the reader's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "peer_stream.h"
#include "peer_support.h"
#include "transport.h"

struct channel {
    const struct transport_spec *spec;
    struct peer_stage *stage;
    char address[96];
};

/* A stack of buffers; ZeroMQ's thread gives back what it has sent. */
struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t some;
    uint32_t free_count;
    void *free[];
};

struct writer {
    const struct transport_spec *spec;
    struct peer_stage *stage;
    void *context;
    void *socket;
    struct pool *pool; /* NULL for small items */
    uint8_t *memory;
    size_t memory_size;
    void *current;
};

struct reader {
    struct peer_stage *stage;
    void *context;
    void *socket;
    zmq_msg_t message;
    void *aligned; /* room for an item */
    size_t item_size;
};

static int last_error(void)
{
    const int error = zmq_errno();

    return error == ETERM ? -ECANCELED : -error;
}

static const char *version(void)
{
    static char text[32];
    int major;
    int minor;
    int patch;

    zmq_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

static int prepare(const struct transport_spec *spec, void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = spec;
    snprintf(channel->address, sizeof channel->address, "ipc://@%s", spec->name);
    const int error = peer_stage_new(&channel->stage);
    if (error < 0) {
        free(channel);
        return error;
    }
    *out = channel;
    return 0;
}

static void dispose(void *user)
{
    struct channel *channel = user;

    peer_stage_free(channel->stage);
    free(channel);
}

static uint32_t writer_slots(const struct transport_spec *spec)
{
    return (spec->slots + 1) / 2;
}

static void set_option(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

/* Writing -------------------------------------------------------------------------------------- */

static void give_back(void *buffer, void *user)
{
    struct pool *pool = user;

    pthread_mutex_lock(&pool->mutex);
    pool->free[pool->free_count++] = buffer;
    pthread_mutex_unlock(&pool->mutex);
    pthread_cond_signal(&pool->some);
}

static int open_pool(struct writer *writer)
{
    const uint32_t count = writer->spec->item_size < PEER_LARGE ? 1 : writer_slots(writer->spec);
    void *memory;

    writer->memory_size = count * writer->spec->item_size;
    const int error = peer_map_private(writer->memory_size, &memory);
    if (error < 0)
        return error;
    writer->memory = memory;
    if (writer->spec->item_size < PEER_LARGE)
        return 0;
    writer->pool = calloc(1, sizeof *writer->pool + count * sizeof writer->pool->free[0]);
    if (writer->pool == NULL)
        return -ENOMEM;
    pthread_mutex_init(&writer->pool->mutex, NULL);
    pthread_cond_init(&writer->pool->some, NULL);
    for (uint32_t i = 0; i < count; i++)
        writer->pool->free[writer->pool->free_count++] =
            writer->memory + i * writer->spec->item_size;
    return 0;
}

static void dismantle(struct writer *writer)
{
    if (writer->socket != NULL)
        zmq_close(writer->socket);
    if (writer->context != NULL)
        zmq_ctx_term(writer->context);
    peer_unmap(writer->memory, writer->memory_size);
    free(writer->pool);
    free(writer);
}

/* A reader with full queues loses what is on its way when the connection ends, so that has to wait;
 * ZeroMQ's own lingering only sees to it that all is sent. */
static void close_writer(void *user)
{
    struct writer *writer = user;

    peer_wait(&writer->stage->left, writer->spec->readers);
    dismantle(writer);
}

/* Each reader subscribes to everything, which is a message of one byte. */
static int wait_for_readers(const struct writer *writer)
{
    for (uint32_t i = 0; i < writer->spec->readers; i++) {
        char subscription;

        if (zmq_recv(writer->socket, &subscription, sizeof subscription, 0) < 0)
            return last_error();
    }
    return 0;
}

static int open_socket(struct writer *writer, const char *address)
{
    writer->socket = zmq_socket(writer->context, ZMQ_XPUB);
    if (writer->socket == NULL)
        return last_error();
    set_option(writer->socket, ZMQ_XPUB_NODROP, 1);
    set_option(writer->socket, ZMQ_XPUB_VERBOSE, 1);
    set_option(writer->socket, ZMQ_SNDHWM, (int)writer_slots(writer->spec));
    set_option(writer->socket, ZMQ_LINGER, -1);
    if (zmq_bind(writer->socket, address) < 0)
        return last_error();
    return wait_for_readers(writer);
}

static int open_writer(void *user, uint32_t index, void **out)
{
    const struct channel *channel = user;
    struct writer *writer = calloc(1, sizeof *writer);

    (void)index;
    if (writer == NULL)
        return -ENOMEM;
    writer->spec = channel->spec;
    writer->stage = channel->stage;
    writer->context = zmq_ctx_new();
    int error = writer->context == NULL ? last_error() : open_pool(writer);
    if (error == 0)
        error = open_socket(writer, channel->address);
    if (error < 0) {
        dismantle(writer);
        return error;
    }
    *out = writer;
    return 0;
}

static int acquire(void *user, void **data)
{
    struct writer *writer = user;
    struct pool *pool = writer->pool;

    writer->current = writer->memory;
    if (pool != NULL) {
        pthread_mutex_lock(&pool->mutex);
        while (pool->free_count == 0)
            pthread_cond_wait(&pool->some, &pool->mutex);
        writer->current = pool->free[--pool->free_count];
        pthread_mutex_unlock(&pool->mutex);
    }
    *data = writer->current;
    return 0;
}

static int send_copy(const struct writer *writer, const void *data, size_t size)
{
    while (zmq_send(writer->socket, data, size, 0) < 0) {
        if (zmq_errno() != EINTR)
            return last_error();
    }
    return 0;
}

static int publish(void *user)
{
    struct writer *writer = user;
    zmq_msg_t message;

    if (writer->pool == NULL)
        return send_copy(writer, writer->current, writer->spec->item_size);
    if (zmq_msg_init_data(&message, writer->current, writer->spec->item_size, give_back,
                          writer->pool) < 0)
        return last_error();
    while (zmq_msg_send(&message, writer->socket, 0) < 0) {
        if (zmq_errno() != EINTR)
            return last_error();
    }
    return 0;
}

static int write_item(void *user, const void *data)
{
    struct writer *writer = user;
    void *memory;

    if (writer->pool == NULL)
        return send_copy(writer, data, writer->spec->item_size);
    acquire(writer, &memory);
    memcpy(memory, data, writer->spec->item_size);
    return publish(writer);
}

/* A message without content says that there are no more. */
static int finish(void *user)
{
    return send_copy(user, "", 0);
}

/* Reading -------------------------------------------------------------------------------------- */

static void close_reader(void *user)
{
    struct reader *reader = user;

    zmq_msg_close(&reader->message);
    if (reader->socket != NULL)
        zmq_close(reader->socket);
    if (reader->context != NULL)
        zmq_ctx_term(reader->context);
    peer_post(&reader->stage->left, 1);
    peer_unmap(reader->aligned, reader->item_size);
    free(reader);
}

/* ZeroMQ allocates each message that comes in. Kept from going back to the system each time, the
 * memory of large ones has no page faults. */
static void keep_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
}

static int subscribe(struct reader *reader, const struct channel *channel)
{
    reader->socket = zmq_socket(reader->context, ZMQ_SUB);
    if (reader->socket == NULL)
        return last_error();
    set_option(reader->socket, ZMQ_RCVHWM,
               (int)(channel->spec->slots - writer_slots(channel->spec)));
    set_option(reader->socket, ZMQ_LINGER, 0);
    set_option(reader->socket, ZMQ_RECONNECT_IVL, 10);
    if (zmq_setsockopt(reader->socket, ZMQ_SUBSCRIBE, "", 0) < 0 ||
        zmq_connect(reader->socket, channel->address) < 0)
        return last_error();
    return 0;
}

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct channel *channel = user;
    struct reader *reader = calloc(1, sizeof *reader);

    (void)index;
    if (reader == NULL)
        return -ENOMEM;
    reader->stage = channel->stage;
    reader->item_size = channel->spec->item_size;
    zmq_msg_init(&reader->message);
    keep_memory();
    reader->context = zmq_ctx_new();
    int error = reader->context == NULL ? last_error() : subscribe(reader, channel);
    if (error == 0)
        error = peer_map_private(reader->item_size, &reader->aligned);
    if (error < 0) {
        close_reader(reader);
        return error;
    }
    *out = reader;
    return 0;
}

static int receive(void *user, const void **data)
{
    struct reader *reader = user;

    while (zmq_msg_recv(&reader->message, reader->socket, 0) < 0) {
        if (zmq_errno() != EINTR)
            return last_error();
    }
    if (zmq_msg_size(&reader->message) != reader->item_size)
        return zmq_msg_size(&reader->message) == 0 ? 0 : -EBADMSG;
    *data = zmq_msg_data(&reader->message);
    /* Small items lie where they came in, among others, maybe at an odd address. */
    if ((uintptr_t)*data % sizeof(uint64_t) != 0)
        *data = memcpy(reader->aligned, *data, reader->item_size);
    return 1;
}

static int release(void *user)
{
    struct reader *reader = user;

    zmq_msg_close(&reader->message);
    zmq_msg_init(&reader->message);
    return 0;
}

const struct transport bench_peer_zeromq = {
    .name = "zeromq",
    .title = "ZeroMQ ipc, XPUB and SUB",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_READERS,
    .version = version,
    .prepare = prepare,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire,
    .publish = publish,
    .write = write_item,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
