/* SPDX-License-Identifier: MIT */
/*
 * iceoryx, through its C binding: a publisher, and subscribers that sleep on a wait set. Its daemon,
 * RouDi, is started for each measurement, with memory for just these items, and ended after it.
 * There can be one RouDi on a machine: if there is another, this peer gives way.
 *
 * A publisher whose subscribers' queues are full would yield 10,000 times and then sleep for 10 ms.
 * Semaphores beside it, one for each reader, let the writer sleep before it comes to that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer_support.h"
#include "transport.h"

#define ROUDI "iox-roudi"
#define READY "RouDi is ready for clients"
#define PATIENCE_MS 10000

/* How many items a reader can still take, in memory that all sides share. */
struct credit {
    _Alignas(128) sem_t items;
    _Atomic bool is_unlimited; /* the reader has left */
};

struct channel {
    const struct transport_spec *spec;
    struct peer_stage *stage;
    struct credit *credits; /* one for each reader */
    pid_t roudi;
};

struct writer {
    const struct channel *channel;
    iox_pub_storage_t storage;
    iox_pub_t publisher;
    void *chunk;
    uint64_t published;
};

struct reader {
    const struct channel *channel;
    struct credit *credit;
    iox_sub_storage_t storage;
    iox_ws_storage_t wait_storage;
    iox_sub_t subscriber;
    iox_ws_t wait_set;
    const void *chunk;
    uint64_t received;
};

/* NULL if there is no RouDi. Neither the binding nor its headers tell. */
static const char *version(void)
{
    static char text[32];
    FILE *output = text[0] == '\0' ? popen(ROUDI " --version 2>&1", "re") : NULL;

    if (output != NULL) {
        if (fscanf(output, "RouDi version: %31s", text) != 1)
            text[0] = '\0';
        pclose(output);
    }
    return text[0] == '\0' ? NULL : text;
}

/* RouDi ---------------------------------------------------------------------------------------- */

/* A publisher keeps its last item and fills the next. */
static int write_config(const struct transport_spec *spec, const char *path)
{
    FILE *file = fopen(path, "wx");

    if (file == NULL)
        return -errno;
    fprintf(file,
            "[general]\nversion = 1\n\n[[segment]]\n\n[[segment.mempool]]\nsize = %zu\n"
            "count = %u\n",
            spec->item_size + 128, spec->slots + spec->readers + 2);
    return fclose(file) == 0 ? 0 : -errno;
}

/* In the child. It leads a group of its own, so that Ctrl-C ends it when its turn comes. */
static void become_roudi(const char *config, int output)
{
    const int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_IGN); /* nobody listens to it once it is ready */
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execlp(ROUDI, ROUDI, "-c", config, "-m", "off", "-k", "1", (char *)NULL);
    _exit(127);
}

/* Reads what RouDi says until it is ready, ends, or takes too long. */
static int wait_until_ready(int output)
{
    char text[4096];
    size_t length = 0;
    struct pollfd ready = { .fd = output, .events = POLLIN };

    while (length < sizeof text - 1 && poll(&ready, 1, PATIENCE_MS) > 0) {
        const ssize_t got = read(output, text + length, sizeof text - 1 - length);

        if (got <= 0)
            return -EBUSY;
        length += (size_t)got;
        text[length] = '\0';
        if (strstr(text, READY) != NULL)
            return 0;
    }
    return -ETIMEDOUT;
}

/* True if it has ended by itself and so has removed what it made. */
static bool end_roudi(pid_t roudi)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    int status;

    kill(roudi, SIGTERM);
    for (int i = 0; i < PATIENCE_MS / 5; i++) {
        if (waitpid(roudi, &status, WNOHANG) == roudi)
            return WIFEXITED(status);
        nanosleep(&pause, NULL);
    }
    kill(roudi, SIGKILL);
    waitpid(roudi, NULL, 0);
    return false;
}

/* The names of the one RouDi that a machine can have; its segment is called as the user's group. */
static void remove_names_of_roudi(void)
{
    const struct group *group = getgrgid(getegid());

    unlink("/tmp/roudi");
    unlink("/tmp/roudi.lock");
    unlink("/tmp/iox-unique-roudi.lock");
    unlink("/dev/shm/iceoryx_mgmt");
    if (group != NULL) {
        char segment[96];

        snprintf(segment, sizeof segment, "/dev/shm/%s", group->gr_name);
        unlink(segment);
    }
}

static int start_roudi(struct channel *channel, const char *config)
{
    int output[2];

    if (pipe2(output, O_CLOEXEC) < 0)
        return -errno;
    channel->roudi = fork();
    if (channel->roudi == 0)
        become_roudi(config, output[1]);
    close(output[1]);
    const int error = channel->roudi < 0 ? -errno : wait_until_ready(output[0]);
    close(output[0]);
    if (error < 0 && channel->roudi > 0)
        end_roudi(channel->roudi);
    return error;
}

/* The main process ----------------------------------------------------------------------------- */

static void free_channel(struct channel *channel)
{
    peer_unmap(channel->credits, channel->spec->readers * sizeof channel->credits[0]);
    peer_stage_free(channel->stage);
    free(channel);
}

static int make_shared(struct channel *channel)
{
    const struct transport_spec *spec = channel->spec;
    void *memory;
    int error = peer_stage_new(&channel->stage);

    if (error == 0)
        error = peer_map_shared(spec->readers * sizeof channel->credits[0], &memory);
    if (error < 0)
        return error;
    channel->credits = memory;
    for (uint32_t i = 0; i < spec->readers; i++)
        sem_init(&channel->credits[i].items, 1, spec->slots);
    return 0;
}

static int prepare(const struct transport_spec *spec, void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);
    char config[96];

    if (version() == NULL || channel == NULL) {
        free(channel);
        return version() == NULL ? -ENOENT : -ENOMEM;
    }
    channel->spec = spec;
    snprintf(config, sizeof config, "/tmp/%s-roudi.toml", spec->name);
    int error = make_shared(channel);
    if (error == 0)
        error = write_config(spec, config);
    if (error == 0) {
        error = start_roudi(channel, config);
        unlink(config);
    }
    if (error < 0) {
        free_channel(channel);
        return error;
    }
    *out = channel;
    return 0;
}

static void dispose(void *user)
{
    struct channel *channel = user;
    char beginning[64];

    if (!end_roudi(channel->roudi))
        remove_names_of_roudi();
    /* What killed sides have left: sockets and locks of theirs. */
    snprintf(beginning, sizeof beginning, "%s-", channel->spec->name);
    peer_remove_all("/tmp", beginning);
    free_channel(channel);
}

static void start_runtime(const struct channel *channel, const char *side, uint32_t index)
{
    char name[96];

    snprintf(name, sizeof name, "%s-%s-%u", channel->spec->name, side, index);
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(name);
}

/* Writing -------------------------------------------------------------------------------------- */

static int open_writer(void *user, uint32_t index, void **out)
{
    const struct channel *channel = user;
    struct writer *writer = calloc(1, sizeof *writer);
    iox_pub_options_t options;

    if (writer == NULL)
        return -ENOMEM;
    writer->channel = channel;
    start_runtime(channel, "writer", index);
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    writer->publisher =
        iox_pub_init(&writer->storage, "bench", channel->spec->name, "items", &options);
    peer_wait(&channel->stage->ready, channel->spec->readers);
    *out = writer;
    return 0;
}

static int acquire(void *user, void **data)
{
    struct writer *writer = user;

    for (uint32_t i = 0; i < writer->channel->spec->readers; i++) {
        struct credit *credit = &writer->channel->credits[i];

        if (!atomic_load(&credit->is_unlimited))
            peer_wait(&credit->items, 1);
    }
    if (iox_pub_loan_aligned_chunk(writer->publisher, &writer->chunk,
                                   (uint32_t)writer->channel->spec->item_size,
                                   64) != AllocationResult_SUCCESS)
        return -ENOMEM;
    *data = writer->chunk;
    return 0;
}

static int publish(void *user)
{
    struct writer *writer = user;

    iox_pub_publish_chunk(writer->publisher, writer->chunk);
    writer->published++;
    return 0;
}

/* The binding does not tell how large an item is: the end is one that nobody looks at. */
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

static void close_writer(void *user)
{
    struct writer *writer = user;

    peer_wait(&writer->channel->stage->left, writer->channel->spec->readers);
    iox_pub_deinit(writer->publisher);
    iox_runtime_shutdown();
    free(writer);
}

/* Reading -------------------------------------------------------------------------------------- */

static void wait_until_subscribed(const struct reader *reader)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    while (iox_sub_get_subscription_state(reader->subscriber) != SubscribeState_SUBSCRIBED)
        nanosleep(&pause, NULL);
    peer_post(&reader->channel->stage->ready, 1);
}

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct channel *channel = user;
    struct reader *reader = calloc(1, sizeof *reader);
    iox_sub_options_t options;

    if (reader == NULL)
        return -ENOMEM;
    reader->channel = channel;
    reader->credit = &channel->credits[index];
    start_runtime(channel, "reader", index);
    iox_sub_options_init(&options);
    options.queueCapacity = channel->spec->slots;
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    reader->subscriber =
        iox_sub_init(&reader->storage, "bench", channel->spec->name, "items", &options);
    reader->wait_set = iox_ws_init(&reader->wait_storage);
    iox_ws_attach_subscriber_state(reader->wait_set, reader->subscriber, SubscriberState_HAS_DATA,
                                   0, NULL);
    wait_until_subscribed(reader);
    *out = reader;
    return 0;
}

static int release(void *user)
{
    struct reader *reader = user;

    iox_sub_release_chunk(reader->subscriber, reader->chunk);
    reader->chunk = NULL;
    peer_post(&reader->credit->items, 1);
    return 0;
}

static int receive(void *user, const void **data)
{
    struct reader *reader = user;
    iox_notification_info_t notification;
    uint64_t missed;
    enum iox_ChunkReceiveResult result = iox_sub_take_chunk(reader->subscriber, &reader->chunk);

    while (result == ChunkReceiveResult_NO_CHUNK_AVAILABLE) {
        iox_ws_wait(reader->wait_set, &notification, 1, &missed);
        result = iox_sub_take_chunk(reader->subscriber, &reader->chunk);
    }
    if (result != ChunkReceiveResult_SUCCESS)
        return -EIO;
    if (reader->received == atomic_load(&reader->channel->stage->total)) {
        release(reader);
        return 0;
    }
    reader->received++;
    *data = reader->chunk;
    return 1;
}

static void close_reader(void *user)
{
    struct reader *reader = user;

    if (reader->chunk != NULL)
        release(reader);
    iox_ws_detach_subscriber_state(reader->wait_set, reader->subscriber, SubscriberState_HAS_DATA);
    iox_ws_deinit(reader->wait_set);
    iox_sub_deinit(reader->subscriber);
    atomic_store(&reader->credit->is_unlimited, true);
    peer_post(&reader->credit->items, 1);
    peer_post(&reader->channel->stage->left, 1);
    iox_runtime_shutdown();
    free(reader);
}

const struct transport bench_peer_iceoryx = {
    .name = "iceoryx",
    .title = "iceoryx",
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
