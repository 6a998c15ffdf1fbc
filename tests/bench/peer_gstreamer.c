/* SPDX-License-Identifier: MIT */
/*
 * GStreamer's shmsink and shmsrc, as appsrc ! shmsink and shmsrc ! appsink, without copies: the
 * writer fills memory of shmsink's own allocator, the reader maps what shmsrc wraps. shmsink itself
 * does not hold back a writer; a buffer counts as on its way until all its readers have let it go.
 *
 * Every side loads just the two plugins, so that no registry is searched or written. The shared
 * memory that a killed writer has left is found by its process number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <libgen.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer_support.h"
#include "transport.h"

struct channel {
    const struct transport_spec *spec;
    struct peer_stage *stage;
    _Atomic int *writer_pid;
    char socket[96];
};

struct writer {
    const struct channel *channel;
    GstElement *pipeline;
    GstElement *source;
    GstAllocator *allocator;
    GstBuffer *buffer; /* lent to the user */
    GstMapInfo map;
    uint64_t published;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t on_the_way;
    uint32_t connected;
};

struct reader {
    const struct channel *channel;
    GstElement *pipeline;
    GstElement *sink;
    GstSample *sample;
    GstMapInfo map;
    uint64_t received;
};

static const char *version(void)
{
    static char text[32];
    guint major;
    guint minor;
    guint micro;
    guint nano;

    gst_version(&major, &minor, &micro, &nano);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, micro);
    return text;
}

/* Plugins -------------------------------------------------------------------------------------- */

/* They are in a directory beside the library. */
static bool find_plugin(const char *name, char *path, size_t size)
{
    char library[256];
    Dl_info info;

    if (dladdr((const void *)(uintptr_t)gst_init, &info) == 0)
        return false;
    snprintf(library, sizeof library, "%s", info.dli_fname);
    const int length = snprintf(path, size, "%s/gstreamer-1.0/libgst%s.so", dirname(library), name);
    return length > 0 && (size_t)length < size && access(path, R_OK) == 0;
}

static int load_plugin(const char *name)
{
    char path[320];

    if (!find_plugin(name, path, sizeof path))
        return -ENOENT;
    GstPlugin *plugin = gst_plugin_load_file(path, NULL);
    if (plugin == NULL)
        return -ELIBBAD;
    gst_object_unref(plugin);
    return 0;
}

static int start_gstreamer(const struct channel *channel)
{
    char registry[128];

    snprintf(registry, sizeof registry, "/tmp/%s-registry", channel->spec->name);
    setenv("GST_REGISTRY_1_0", registry, 1);
    setenv("GST_REGISTRY_UPDATE", "no", 1);
    setenv("GST_REGISTRY_FORK", "no", 1);
    setenv("GST_PLUGIN_SYSTEM_PATH_1_0", "", 1);
    setenv("GST_PLUGIN_PATH_1_0", "", 1);
    if (!gst_init_check(NULL, NULL, NULL))
        return -ELIBACC;
    const int error = load_plugin("shm");
    return error < 0 ? error : load_plugin("app");
}

/* The main process ----------------------------------------------------------------------------- */

static int prepare(const struct transport_spec *spec, void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);
    char path[320];
    void *memory;

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = spec;
    snprintf(channel->socket, sizeof channel->socket, "/tmp/%s-gstreamer", spec->name);
    int error = find_plugin("shm", path, sizeof path) ? peer_stage_new(&channel->stage) : -ENOENT;
    if (error == 0) {
        error = peer_map_shared(sizeof *channel->writer_pid, &memory);
        if (error < 0)
            peer_stage_free(channel->stage);
    }
    if (error < 0) {
        free(channel);
        return error;
    }
    channel->writer_pid = memory;
    *out = channel;
    return 0;
}

static void dispose(void *user)
{
    struct channel *channel = user;
    char beginning[64];

    snprintf(beginning, sizeof beginning, "%s-", channel->spec->name);
    peer_remove_all("/tmp", beginning);
    /* shmsink's own names. */
    if (*channel->writer_pid != 0) {
        snprintf(beginning, sizeof beginning, "shmpipe.%5d.", *channel->writer_pid);
        peer_remove_all("/dev/shm", beginning);
    }
    peer_unmap(channel->writer_pid, sizeof *channel->writer_pid);
    peer_stage_free(channel->stage);
    free(channel);
}

/* Both sides ----------------------------------------------------------------------------------- */

static int link_elements(GstElement **pipeline, GstElement *from, GstElement *to)
{
    *pipeline = gst_pipeline_new(NULL);
    if (from == NULL || to == NULL)
        return -ENOENT;
    gst_bin_add_many(GST_BIN(*pipeline), from, to, NULL);
    return gst_element_link(from, to) ? 0 : -EPROTO;
}

static int play(GstElement *pipeline)
{
    /* Sinks are told not to wait for a first buffer, so this waits for little. */
    if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return -ECONNREFUSED;
    if (gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE) ==
        GST_STATE_CHANGE_FAILURE)
        return -ECONNREFUSED;
    return 0;
}

static void stop(GstElement *pipeline)
{
    if (pipeline == NULL)
        return;
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

/* Writing -------------------------------------------------------------------------------------- */

static void count_connection(GstElement *sink, gint socket, gpointer user)
{
    struct writer *writer = user;

    (void)sink;
    (void)socket;
    pthread_mutex_lock(&writer->mutex);
    writer->connected++;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

static void count_return(gpointer user, GstMiniObject *buffer)
{
    struct writer *writer = user;

    (void)buffer;
    pthread_mutex_lock(&writer->mutex);
    writer->on_the_way--;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

static int build_writer(struct writer *writer)
{
    const struct transport_spec *spec = writer->channel->spec;
    GstElement *sink = gst_element_factory_make("shmsink", NULL);

    writer->source = gst_element_factory_make("appsrc", NULL);
    const int error = link_elements(&writer->pipeline, writer->source, sink);
    if (error < 0)
        return error;
    /* Buffers are counted before their memory is free, and the allocator rounds up. */
    const guint size = (guint)((spec->slots + 2) * (spec->item_size + 4096));
    g_object_set(sink, "socket-path", writer->channel->socket, "shm-size", size, "sync", FALSE,
                 "async", FALSE, "wait-for-connection", TRUE, "enable-last-sample", FALSE, "qos",
                 FALSE, NULL);
    g_object_set(writer->source, "format", GST_FORMAT_BYTES, "max-bytes", (guint64)0, "block",
                 FALSE, "emit-signals", FALSE, NULL);
    g_signal_connect(sink, "client-connected", G_CALLBACK(count_connection), writer);
    return play(writer->pipeline);
}

/* shmsink offers its allocator to whoever asks it how to allocate. */
static int find_allocator(struct writer *writer)
{
    GstPad *pad = gst_element_get_static_pad(writer->source, "src");
    GstCaps *caps = gst_caps_new_any();
    GstQuery *query = gst_query_new_allocation(caps, FALSE);

    if (gst_pad_peer_query(pad, query) && gst_query_get_n_allocation_params(query) > 0)
        gst_query_parse_nth_allocation_param(query, 0, &writer->allocator, NULL);
    gst_query_unref(query);
    gst_caps_unref(caps);
    gst_object_unref(pad);
    return writer->allocator == NULL ? -ENOTSUP : 0;
}

static void dismantle(struct writer *writer)
{
    stop(writer->pipeline);
    if (writer->allocator != NULL)
        gst_object_unref(writer->allocator);
    free(writer);
}

static int open_writer(void *user, uint32_t index, void **out)
{
    struct channel *channel = user;
    struct writer *writer = calloc(1, sizeof *writer);

    (void)index;
    if (writer == NULL)
        return -ENOMEM;
    writer->channel = channel;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    *channel->writer_pid = getpid();
    int error = start_gstreamer(channel);
    if (error == 0)
        error = build_writer(writer);
    if (error == 0)
        error = find_allocator(writer);
    if (error < 0) {
        dismantle(writer);
        return error;
    }
    peer_post(&channel->stage->open, channel->spec->readers);
    pthread_mutex_lock(&writer->mutex);
    while (writer->connected < channel->spec->readers)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    pthread_mutex_unlock(&writer->mutex);
    *out = writer;
    return 0;
}

static int acquire(void *user, void **data)
{
    struct writer *writer = user;
    const struct transport_spec *spec = writer->channel->spec;
    GstAllocationParams params;

    pthread_mutex_lock(&writer->mutex);
    while (writer->on_the_way == spec->slots)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    writer->on_the_way++;
    pthread_mutex_unlock(&writer->mutex);
    gst_allocation_params_init(&params);
    params.align = 63;
    writer->buffer = gst_buffer_new_allocate(writer->allocator, spec->item_size, &params);
    if (writer->buffer == NULL)
        return -ENOMEM;
    gst_mini_object_weak_ref(GST_MINI_OBJECT_CAST(writer->buffer), count_return, writer);
    /* Instead of failing the allocator takes other memory, which shmsink would copy. */
    if (gst_buffer_peek_memory(writer->buffer, 0)->allocator != writer->allocator)
        return -ENOMEM;
    if (!gst_buffer_map(writer->buffer, &writer->map, GST_MAP_WRITE))
        return -ENOMEM;
    *data = writer->map.data;
    return 0;
}

static int publish(void *user)
{
    struct writer *writer = user;

    gst_buffer_unmap(writer->buffer, &writer->map);
    writer->published++;
    if (gst_app_src_push_buffer(GST_APP_SRC(writer->source), writer->buffer) != GST_FLOW_OK)
        return -EPIPE;
    return 0;
}

/* Nothing in a stream of bytes can mean its end: it is one item that nobody looks at. */
static int finish(void *user)
{
    struct writer *writer = user;
    void *memory;

    const int error = acquire(writer, &memory);
    if (error < 0)
        return error;
    atomic_store(&writer->channel->stage->total, writer->published);
    return publish(writer);
}

/* What is on its way would be gone with the socket. */
static void close_writer(void *user)
{
    struct writer *writer = user;

    peer_wait(&writer->channel->stage->left, writer->channel->spec->readers);
    dismantle(writer);
}

/* Reading -------------------------------------------------------------------------------------- */

static int build_reader(struct reader *reader)
{
    GstElement *source = gst_element_factory_make("shmsrc", NULL);

    reader->sink = gst_element_factory_make("appsink", NULL);
    const int error = link_elements(&reader->pipeline, source, reader->sink);
    if (error < 0)
        return error;
    g_object_set(source, "socket-path", reader->channel->socket, NULL);
    g_object_set(reader->sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "qos",
                 FALSE, "wait-on-eos", FALSE, "emit-signals", FALSE, NULL);
    peer_wait(&reader->channel->stage->open, 1);
    return play(reader->pipeline);
}

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct channel *channel = user;
    struct reader *reader = calloc(1, sizeof *reader);

    (void)index;
    if (reader == NULL)
        return -ENOMEM;
    reader->channel = channel;
    int error = start_gstreamer(channel);
    if (error == 0)
        error = build_reader(reader);
    if (error < 0) {
        stop(reader->pipeline);
        free(reader);
        return error;
    }
    *out = reader;
    return 0;
}

static int release(void *user)
{
    struct reader *reader = user;
    GstBuffer *buffer = gst_sample_get_buffer(reader->sample);

    gst_buffer_unmap(buffer, &reader->map);
    gst_sample_unref(reader->sample);
    reader->sample = NULL;
    return 0;
}

static int receive(void *user, const void **data)
{
    struct reader *reader = user;

    reader->sample = gst_app_sink_pull_sample(GST_APP_SINK(reader->sink));
    if (reader->sample == NULL)
        return -EPIPE;
    if (!gst_buffer_map(gst_sample_get_buffer(reader->sample), &reader->map, GST_MAP_READ))
        return -ENOMEM;
    if (reader->map.size != reader->channel->spec->item_size)
        return -EBADMSG;
    if (reader->received == atomic_load(&reader->channel->stage->total)) {
        release(reader);
        return 0;
    }
    reader->received++;
    *data = reader->map.data;
    return 1;
}

static void close_reader(void *user)
{
    struct reader *reader = user;

    if (reader->sample != NULL)
        release(reader);
    stop(reader->pipeline);
    peer_post(&reader->channel->stage->left, 1);
    free(reader);
}

const struct transport bench_peer_gstreamer = {
    .name = "gstreamer",
    .title = "GStreamer shmsink and shmsrc, without copies",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_READERS,
    .version = version,
    .prepare = prepare,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire,
    .publish = publish,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
