/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what is called: the input is a ring's shape and a sequence of calls, two bytes each, on up
 * to two writers and three readers in this process. After each call its result, and whatever it
 * gave, is what the model (model.h) says: codes, order, contents, losses, counters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "seat.h"

#define WRITERS 2
#define READERS 3
#define LOANS 24
#define MAX_CALLS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A slot in the user's hands. */
struct loan {
    struct fr_slot *slot;   /* one of these is set */
    struct fr_frame *frame; /* for reading they are const, and only read here too */
    bool is_writing;
    int seat;
    uint32_t index;
    struct model_item item;
};

struct writer {
    struct fr_writer *handle;
    int seat;
};

struct reader {
    struct fr_reader *handle;
    struct model_reader model;
};

static struct model model;
static struct writer writers[WRITERS];
static struct reader readers[READERS];
static struct loan loans[LOANS];
static unsigned loan_count;
static uint64_t next_number;
static char name[32];
static struct fr_writer_opts shape;

/* What the call at hand is, for the report of a failure. */
static size_t call_at;
static unsigned call_kind;

static void fail(const char *what, uint64_t got, uint64_t expected)
{
    fprintf(stderr, "fuzz_calls: call %zu (kind %u): %s is %lld, the model says %lld\n", call_at,
            call_kind, what, (long long)got, (long long)expected);
    (void)!fr_unlink(name);
    abort();
}

static void expect(const char *what, uint64_t got, uint64_t expected)
{
    if (got != expected)
        fail(what, got, expected);
}

static void expect_code(const char *what, int got, int expected)
{
    expect(what, (uint64_t)got, (uint64_t)expected);
}

/* ---- Contents -------------------------------------------------------------------------------- */

static void fill(void *bytes, uint64_t number)
{
    memcpy(bytes, &number, sizeof number);
    memset((uint8_t *)bytes + sizeof number, (int)number, 24);
}

static void expect_content(const void *bytes, uint64_t number)
{
    uint8_t wanted[32];

    fill(wanted, number);
    expect("the content", (uint64_t)memcmp(bytes, wanted, sizeof wanted), 0);
}

static uint64_t used_for(uint64_t number)
{
    return 32 + number % 1000;
}

static void fill_loan(struct loan *loan)
{
    loan->item.number = ++next_number;
    if (loan->frame) {
        loan->frame->pts = (int64_t)loan->item.number;
        fill(loan->frame->plane[0].data, loan->item.number);
        return;
    }
    fill(loan->slot->data, loan->item.number);
    loan->slot->used = used_for(loan->item.number);
}

static void expect_loan(const struct loan *loan)
{
    if (loan->frame) {
        expect("pts", (uint64_t)loan->frame->pts, loan->item.number);
        expect("the format", loan->frame->format, FR_FORMAT_GRAY8);
        expect_content(loan->frame->plane[0].data, loan->item.number);
        return;
    }
    if (!loan->item.is_frame) {
        expect("used", loan->slot->used, used_for(loan->item.number));
        expect_content(loan->slot->data, loan->item.number);
    }
}

static void expect_loss(const struct fr_loss *got, const struct fr_loss *expected)
{
    expect("loss.skipped", got->skipped, expected->skipped);
    expect("loss.overwritten", got->overwritten, expected->overwritten);
    expect("loss.dropped", got->dropped, expected->dropped);
}

/* ---- Writers --------------------------------------------------------------------------------- */

static void open_writer(struct writer *writer, bool create)
{
    if (writer->handle || model_is_full(&model))
        return;
    int error = create ? fr_writer_create(name, &shape, &writer->handle)
                       : fr_writer_open(name, FR_NOWAIT, &writer->handle);
    expect_code(create ? "create" : "open", error,
                create ? (model.named ? FR_EEXIST : 0) : (model.named ? 0 : FR_ENOENT));
    if (error < 0)
        return;
    writer->seat = create ? model_create(&model, shape.slots, shape.delivery, shape.overflow)
                          : model_join(&model);
}

static void close_writer(struct writer *writer)
{
    if (!writer->handle)
        return;
    fr_writer_close(&writer->handle);
    model_close(&model, writer->seat);
}

static void acquire(struct writer *writer, bool frame)
{
    struct loan *loan = &loans[loan_count];
    unsigned allowed;

    if (!writer->handle || loan_count == LOANS)
        return;
    *loan = (struct loan){ .is_writing = true, .seat = writer->seat, .item.is_frame = frame };
    int expected = model_acquire(&model, writer->seat, &allowed);
    int error =
        frame ? fr_frame_acquire(writer->handle, 8, 8, FR_FORMAT_GRAY8, FR_NOWAIT, &loan->frame)
              : fr_writer_acquire(writer->handle, FR_NOWAIT, &loan->slot);
    expect_code("acquire", error, expected);
    if (error < 0)
        return;
    loan->index =
        frame ? fri_loan_of_frame(loan->frame)->index : fri_loan_of_slot(loan->slot)->index;
    if (!(allowed & 1u << loan->index))
        fail("the slot lent", loan->index, allowed);
    model_claim(&model, writer->seat, loan->index);
    fill_loan(loan);
    loan_count++;
}

static void write_bytes(struct writer *writer)
{
    uint8_t bytes[1100] = { 0 };
    unsigned allowed;

    if (!writer->handle)
        return;
    int expected = model_acquire(&model, writer->seat, &allowed);
    uint64_t number = next_number + 1;
    fill(bytes, number);
    int error = fr_writer_write(writer->handle, bytes, used_for(number), FR_NOWAIT);
    expect_code("write", error, expected);
    if (error < 0)
        return;
    /* Which slot it was is seen in the slots themselves: the one that is published last. */
    const struct fri_seat *seat = *(struct fri_seat *const *)(const void *)writer->handle;
    uint32_t index =
        (uint32_t)word_load(
            &seat->order[(model.seats[writer->seat].ring->tail + 1) & seat->order_mask]) &
        0xffff;
    if (!(allowed & 1u << index))
        fail("the slot written", index, allowed);
    next_number++;
    model_claim(&model, writer->seat, index);
    model_publish(&model, writer->seat, index, (struct model_item){ .number = number });
}

/* ---- Readers --------------------------------------------------------------------------------- */

static void open_reader(struct reader *reader, uint8_t how)
{
    const struct fr_reader_opts opts =
        fr_reader_opts(.lossy = how & 1, .follow = how >> 1 & 1, .observe = how >> 2 & 1);

    if (reader->handle || model_is_full(&model))
        return;
    int error = fr_reader_open(name, &opts, FR_NOWAIT, &reader->handle);
    int expected = !model.named ? FR_ENOENT : opts.observe && !shape.observers ? FR_ENOTSUP : 0;
    expect_code("open", error, expected);
    if (error < 0)
        return;
    reader->model = (struct model_reader){ .lossy = opts.lossy != 0,
                                           .follows = opts.follow != 0,
                                           .observes = opts.observe != 0 };
    model_open_reader(&model, &reader->model);
}

static void close_reader(struct reader *reader)
{
    if (!reader->handle)
        return;
    fr_reader_close(&reader->handle);
    model_close(&model, reader->model.seat);
}

/* What the model says that is delivered, as a loan. */
static struct loan expected_loan(const struct model_delivery *delivery, struct model_slot *slot)
{
    *slot = model.seats[delivery->seat].ring->slot[delivery->slot];
    return (struct loan){ .seat = delivery->seat, .index = delivery->slot, .item = slot->item };
}

static void read_slot(struct reader *reader, enum fr_which which)
{
    struct model_delivery delivery;
    const struct fr_slot *got;
    struct model_slot slot;

    if (!reader->handle || loan_count == LOANS || model_is_full(&model))
        return;
    int expected = model_read(&model, &reader->model, which, &delivery);
    int error = fr_reader_acquire(reader->handle, which, FR_NOWAIT, &got);
    expect_code("acquire", error, expected);
    if (error < 0)
        return;
    struct loan *loan = &loans[loan_count++];
    *loan = expected_loan(&delivery, &slot);
    loan->slot = &fri_loan_of_slot(got)->slot;
    expect("the slot", fri_loan_of_slot(got)->index, delivery.slot);
    expect("sequence", got->sequence, slot.sequence);
    expect_loss(&got->loss, &delivery.loss);
    expect_loan(loan);
}

static void read_frame(struct reader *reader, enum fr_which which)
{
    struct model_delivery delivery;
    const struct fr_frame *got;
    struct model_slot slot;

    if (!reader->handle || loan_count == LOANS || model_is_full(&model))
        return;
    int expected = model_read(&model, &reader->model, which, &delivery);
    struct loan loan = { 0 };
    if (expected == 0)
        loan = expected_loan(&delivery, &slot);
    if (expected == 0 && !loan.item.is_frame) {
        expected = FR_ENOTSUP;
        model_pass_over(&model, &reader->model, &delivery);
    }
    int error = fr_frame_wait(reader->handle, which, FR_NOWAIT, &got);
    expect_code("wait", error, expected);
    if (error < 0)
        return;
    loan.frame = &fri_loan_of_frame(got)->frame;
    expect("sequence", got->sequence, slot.sequence);
    expect_loss(&got->loss, &delivery.loss);
    expect_loan(&loan);
    loans[loan_count++] = loan;
}

static void read_copy(struct reader *reader, enum fr_which which)
{
    static uint8_t copy[8192];
    struct model_delivery delivery;
    struct model_slot slot;
    size_t size = 0;

    if (!reader->handle || model_is_full(&model))
        return;
    int expected = model_read(&model, &reader->model, which, &delivery);
    int error = fr_reader_read(reader->handle, which, copy, sizeof copy, FR_NOWAIT, &size);
    expect_code("read", error, expected);
    if (error < 0)
        return;
    struct loan loan = expected_loan(&delivery, &slot);
    if (!loan.item.is_frame) {
        expect("the size", size, used_for(loan.item.number));
        expect_content(copy, loan.item.number);
    }
    model_release(&model, loan.seat, loan.index);
}

/* ---- Giving back ------------------------------------------------------------------------------ */

static struct loan take_loan(unsigned which)
{
    struct loan loan = loans[which];

    loans[which] = loans[--loan_count];
    return loan;
}

static void publish(struct loan *loan)
{
    model_publish(&model, loan->seat, loan->index, loan->item);
    int error = loan->frame ? fr_frame_publish(&loan->frame) : fr_writer_publish(&loan->slot);
    expect_code("publish", error, 0);
}

static void abort_writing(struct loan *loan)
{
    model_abort(&model, loan->seat, loan->index);
    if (loan->frame)
        fr_frame_abort(&loan->frame);
    else
        fr_writer_abort(&loan->slot);
}

static void release(struct loan *loan)
{
    const struct fr_frame *frame = loan->frame;
    const struct fr_slot *slot = loan->slot;

    expect_loan(loan);
    model_release(&model, loan->seat, loan->index);
    fr_frame_release(&frame);
    fr_reader_release(&slot);
}

/* A second time, while the handle is open: refused, and without any effect. */
static void give_back_again(const struct loan *loan)
{
    struct fr_slot *slot = loan->slot;
    struct fr_frame *frame = loan->frame;

    if (!model.seats[loan->seat].is_open || !loan->is_writing)
        return;
    expect_code("publish again", slot ? fr_writer_publish(&slot) : fr_frame_publish(&frame),
                FR_EINVAL);
    slot = loan->slot;
    fr_writer_abort(&slot);
}

static void give_back(uint8_t which, bool publishes, bool twice)
{
    if (loan_count == 0)
        return;
    struct loan loan = take_loan(which % loan_count);
    struct loan copy = loan;
    if (!loan.is_writing)
        release(&loan);
    else if (publishes)
        publish(&loan);
    else
        abort_writing(&loan);
    if (twice)
        give_back_again(&copy);
}

/* ---- Looking in ------------------------------------------------------------------------------- */

static void look_in(void)
{
    struct fr_info info = fr_info();
    int error = fr_inspect(name, &info);

    expect_code("inspect", error, model.named ? 0 : FR_ENOENT);
    if (error < 0)
        return;
    expect_code("status", info.status, 0);
    expect("writers", info.writers, model_members(&model, true));
    expect("readers", info.readers, model_members(&model, false));
    expect("published", info.published, model.named->tail);
    expect("dropped", info.dropped, model.named->dropped);
    expect("overwritten", info.overwritten, model.named->overwritten);
}

static void count(void)
{
    for (int i = 0; i < WRITERS; i++) {
        struct fr_stats stats = fr_stats();

        if (!writers[i].handle)
            continue;
        fr_writer_stats(writers[i].handle, &stats);
        expect("stats.published", stats.published, model.seats[writers[i].seat].published);
        expect("stats.aborted", stats.aborted, model.seats[writers[i].seat].aborted);
    }
    for (int i = 0; i < READERS; i++) {
        struct fr_stats stats = fr_stats();

        if (!readers[i].handle)
            continue;
        fr_reader_stats(readers[i].handle, &stats);
        expect("stats.delivered", stats.delivered, readers[i].model.delivered);
        expect_loss(&stats.loss, &readers[i].model.total);
    }
}

/* ---- The sequence ----------------------------------------------------------------------------- */

static void call(uint8_t kind, uint8_t how)
{
    struct writer *writer = &writers[how % WRITERS];
    struct reader *reader = &readers[how % READERS];
    enum fr_which which = how & 0x80 ? FR_LATEST : FR_NEXT;

    switch (kind) {
    case 0:
        open_writer(writer, how & 0x80);
        break;
    case 1:
        close_writer(writer);
        break;
    case 2:
    case 3:
        acquire(writer, kind == 3);
        break;
    case 4:
    case 5:
        give_back(how, kind == 4, how & 0x80);
        break;
    case 6:
        write_bytes(writer);
        break;
    case 7:
        open_reader(reader, how >> 4);
        break;
    case 8:
        close_reader(reader);
        break;
    case 9:
        read_slot(reader, which);
        break;
    case 10:
        read_frame(reader, which);
        break;
    case 11:
        read_copy(reader, which);
        break;
    default:
        look_in();
        count();
    }
}

static void close_all(void)
{
    for (int i = 0; i < WRITERS; i++)
        close_writer(&writers[i]);
    for (int i = 0; i < READERS; i++)
        close_reader(&readers[i]);
    while (loan_count > 0)
        give_back(0, true, false);
    look_in();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    snprintf(name, sizeof name, "fuzz-%d", (int)getpid());
    model.ring_count = model.seat_count = 0;
    model.named = NULL;
    next_number = 0;
    shape = fr_writer_opts(.slot_size = fr_frame_size(8, 8, FR_FORMAT_GRAY8),
                           .slots = FR_MIN_SLOTS + data[0] % (MODEL_SLOTS - 1),
                           .delivery = (enum fr_delivery)(data[1] % 2),
                           .overflow = (enum fr_overflow)(data[1] / 2 % 3));
    shape.observers = shape.delivery == FR_BROADCAST && data[1] & 0x80;
    call_kind = 99;
    open_writer(&writers[0], true);
    for (size_t i = 2; i + 1 < size && i < 2 * MAX_CALLS; i += 2) {
        call_at = i / 2;
        call_kind = data[i] % 13;
        call(data[i] % 13, data[i + 1]);
    }
    call_kind = 99;
    close_all();
    return 0;
}
