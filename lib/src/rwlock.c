/* SPDX-License-Identifier: MIT */
/*
 * Floor 3: see rwlock.h for the states and the argument; X1 to X4, S1 to S4, N1, N2 and R are its
 * arrows. Each is a function with one atomic operation; who waits and who looks again is decided in
 * the second half of the file.
 */
#include "rwlock.h"

#include "base.h"
#include "event.h"
#include "log.h"
#include "platform.h"
#include "point.h"

enum {
    STATE_FREE = 0,
    STATE_CLAIMED = 1,
    STATE_HELD = 2,
    STATE_MASK = 3,

    NEWS_NONE = 0,
    NEWS_PENDING = 1 << 2,
    NEWS_TOLD = 2 << 2,
    NEWS_MASK = 3 << 2,

    OWNER_SHIFT = 8,
    TOLD_SHIFT = 16,
    INDEX_MASK = 0xff,
};

#define OWNER_BITS ((uint64_t)INDEX_MASK << OWNER_SHIFT)
#define TOLD_BITS ((uint64_t)INDEX_MASK << TOLD_SHIFT)
#define NEWS_BITS (NEWS_MASK | TOLD_BITS)
#define KNOWN_BITS (STATE_MASK | NEWS_MASK | OWNER_BITS | TOLD_BITS)

/* Each failed attempt at a change means that somebody else got through; nobody needs so many. */
#define CHANGE_ATTEMPTS 1000

_Static_assert(FRI_LOCKERS == INDEX_MASK + 1, "the index of a locker fits its field");
_Static_assert(FRI_LOCKERS == FR_MAX_LOCKERS, "the public limit is the layout's");

/* ---- Reading the word -------------------------------------------------------------------- */

static unsigned state_of(uint64_t word)
{
    return (unsigned)(word & STATE_MASK);
}

static unsigned news_of(uint64_t word)
{
    return (unsigned)(word & NEWS_MASK);
}

static uint32_t owner_of(uint64_t word)
{
    return (uint32_t)(word >> OWNER_SHIFT) & INDEX_MASK;
}

static uint32_t told_of(uint64_t word)
{
    return (uint32_t)(word >> TOLD_SHIFT) & INDEX_MASK;
}

static uint64_t owned(unsigned state, uint32_t owner)
{
    return state | (uint64_t)owner << OWNER_SHIFT;
}

static uint64_t told(uint32_t reader)
{
    return NEWS_TOLD | (uint64_t)reader << TOLD_SHIFT;
}

static bool is_owned(uint64_t word, unsigned state, uint32_t owner)
{
    return state_of(word) == state && owner_of(word) == owner;
}

static bool is_told(uint64_t word, uint32_t reader)
{
    return news_of(word) == NEWS_TOLD && told_of(word) == reader;
}

/* Whether the arrows can have led to this word; self is a locker that has and claims nothing. */
static bool makes_sense(uint64_t word, uint32_t self)
{
    if ((word & ~KNOWN_BITS) || state_of(word) == STATE_MASK || news_of(word) == NEWS_MASK)
        return false;
    if (news_of(word) != NEWS_TOLD && told_of(word) != 0)
        return false;
    return state_of(word) == STATE_FREE ? owner_of(word) == 0 : owner_of(word) != self;
}

static int fail_corrupt(uint64_t word)
{
    return fri_fail(FR_ECORRUPT, "the lock's word %#llx makes no sense: something wrote over it",
                    (unsigned long long)word);
}

static int tell_of_death(void)
{
    return fri_fail(FR_EOWNERDEAD, "a process died while it changed the data: the lock is yours, "
                                   "repair the data before you unlock");
}

/* ---- The arrows -------------------------------------------------------------------------- */

/* X1; seen is FREE. News stays. */
static bool writer_try_claim(struct fri_rwlock *lock, uint64_t seen)
{
    return word_try_change(&lock->words->writer, seen, seen | owned(STATE_CLAIMED, lock->index));
}

/* X2; seen is our CLAIMED and no reader was inside after X1. News has reached its reader: us. */
static bool writer_try_own(struct fri_rwlock *lock, uint64_t seen)
{
    return word_try_change(&lock->words->writer, seen, owned(STATE_HELD, lock->index));
}

/* X3. Nobody else changes these bits while we claim; news may change beside them. */
static void writer_give_up(struct fri_rwlock *lock)
{
    word_clear_bits(&lock->words->writer, STATE_MASK | OWNER_BITS);
}

/* X4 */
static bool writer_unlock(struct fri_rwlock *lock)
{
    return word_try_change(&lock->words->writer, owned(STATE_HELD, lock->index), STATE_FREE);
}

static fri_word *reader_word(struct fri_lock_words *words, uint32_t index)
{
    return &words->readers[index / 64];
}

/* S1 */
static void reader_enter(struct fri_rwlock *lock)
{
    word_set_bits(reader_word(lock->words, lock->index), fri_bit(lock->index % 64));
}

/* S3, S4 and the last step of R */
static void reader_leave(struct fri_lock_words *words, uint32_t index)
{
    word_clear_bits(reader_word(words, index), fri_bit(index % 64));
}

/* N1; seen is FREE + PENDING, and we are inside. */
static bool news_try_tell(struct fri_rwlock *lock, uint64_t seen)
{
    return word_try_change(&lock->words->writer, seen, (seen & ~NEWS_BITS) | told(lock->index));
}

/* N2. Nobody else changes these bits while we are told and alive. */
static void news_forget(struct fri_rwlock *lock)
{
    word_clear_bits(&lock->words->writer, NEWS_BITS);
}

/* R of CLAIMED(d), seen */
static bool dead_try_unclaim(struct fri_lock_words *words, uint64_t seen)
{
    return word_try_change(&words->writer, seen, seen & NEWS_BITS);
}

/* R of HELD(d), seen */
static bool dead_try_unlock(struct fri_lock_words *words, uint64_t seen)
{
    return word_try_change(&words->writer, seen, STATE_FREE | NEWS_PENDING);
}

/* R of TOLD(d), seen */
static bool dead_try_untell(struct fri_lock_words *words, uint64_t seen)
{
    return word_try_change(&words->writer, seen, (seen & ~NEWS_BITS) | NEWS_PENDING);
}

/* ---- Recovery ---------------------------------------------------------------------------- */

/* One step of R at the writer word. False when nothing of the dead one is left in it. */
static bool recover_step(struct fri_lock_words *words, uint32_t dead)
{
    uint64_t seen = word_load(&words->writer);

    if (is_owned(seen, STATE_CLAIMED, dead)) {
        dead_try_unclaim(words, seen);
        return true;
    }
    if (is_owned(seen, STATE_HELD, dead)) {
        if (dead_try_unlock(words, seen))
            fri_log(FR_LOG_WARN, "a process died with the exclusive lock: the data is suspect");
        return true;
    }
    if (is_told(seen, dead)) {
        dead_try_untell(words, seen);
        return true;
    }
    return false;
}

/* R; the caller holds the lock byte of the dead one. */
static void recover(struct fri_lock_words *words, uint32_t dead)
{
    for (int i = 0; i < CHANGE_ATTEMPTS && recover_step(words, dead); i++)
        FR_POINT("lock half recovered");
    reader_leave(words, dead);
    FR_POINT("lock recovered");
    fri_event_wake(&words->event);
}

/*
 * Asks the kernel whether a locker lives, and cleans up if not. The proof, his lock byte, is taken on
 * a description of its own, because the one that holds our byte lives in our mapping only.
 */
static bool clear_if_dead(struct fri_rwlock *lock, uint32_t other)
{
    int fd;

    if (other == lock->index || fri_lock_is_held(lock->probe_fd, FRI_LOCK_LOCKER + other, 1))
        return false;
    if (fri_file_reopen(lock->probe_fd, true, &fd) < 0)
        return false;
    bool is_dead = fri_lock_try(fd, FRI_LOCK_LOCKER + other, 1);
    if (is_dead) {
        FR_POINT("lock byte of the dead taken");
        recover(lock->words, other);
    }
    fri_file_close(fd);
    return is_dead;
}

/* The readers in the way of a claim; not our own bit, for we know that we are not reading. */
static uint64_t readers_inside(const struct fri_rwlock *lock, uint32_t word)
{
    uint64_t inside = word_load(&lock->words->readers[word]);

    return lock->index / 64 == word ? inside & ~fri_bit(lock->index % 64) : inside;
}

static bool any_reader_inside(const struct fri_rwlock *lock)
{
    for (uint32_t i = 0; i < FRI_LOCKER_WORDS; i++) {
        if (readers_inside(lock, i) != 0)
            return true;
    }
    return false;
}

/* Whoever keeps us from the lock: the readers once we claim, else the writer. */
static void clear_the_dead(struct fri_rwlock *lock)
{
    if (!lock->is_claimed) {
        uint64_t seen = word_load(&lock->words->writer);

        if (state_of(seen) != STATE_FREE)
            clear_if_dead(lock, owner_of(seen));
        return;
    }
    for (uint32_t i = 0; i < FRI_LOCKER_WORDS; i++) {
        for (uint64_t rest = readers_inside(lock, i); rest != 0; rest &= rest - 1)
            clear_if_dead(lock, i * 64 + fri_lowest_bit(rest));
    }
}

/* ---- Looking ----------------------------------------------------------------------------- */

/* What a look finds besides 0 and the errors: somebody is in the way. */
#define NOT_NOW 1

static int look_claim(struct fri_rwlock *lock)
{
    for (int i = 0; i < CHANGE_ATTEMPTS; i++) {
        uint64_t seen = word_load(&lock->words->writer);

        if (!makes_sense(seen, lock->index))
            return fail_corrupt(seen);
        if (state_of(seen) != STATE_FREE)
            return NOT_NOW;
        if (writer_try_claim(lock, seen)) {
            lock->is_claimed = true;
            FR_POINT("lock claimed");
            return 0;
        }
    }
    return NOT_NOW;
}

static int look_exclusive(struct fri_rwlock *lock)
{
    int result = lock->is_claimed ? 0 : look_claim(lock);

    if (result != 0)
        return result;
    if (any_reader_inside(lock))
        return NOT_NOW;
    uint64_t seen = word_load(&lock->words->writer);
    if (!is_owned(seen, STATE_CLAIMED, lock->index)) {
        lock->is_claimed = false;
        return fail_corrupt(seen);
    }
    if (!writer_try_own(lock, seen))
        return NOT_NOW;
    lock->is_claimed = false;
    lock->is_exclusive = true;
    FR_POINT("lock held");
    return news_of(seen) == NEWS_NONE ? 0 : tell_of_death();
}

/* S2 and N1, with our bit set. */
static int look_at_writer(struct fri_rwlock *lock)
{
    for (int i = 0; i < CHANGE_ATTEMPTS; i++) {
        uint64_t seen = word_load(&lock->words->writer);

        if (!makes_sense(seen, lock->index))
            return fail_corrupt(seen);
        if (state_of(seen) != STATE_FREE)
            return NOT_NOW;
        /* Whoever was told and died before it could act on it leaves the news to us. */
        if (news_of(seen) == NEWS_TOLD && clear_if_dead(lock, told_of(seen)))
            continue;
        if (news_of(seen) != NEWS_PENDING)
            return 0;
        if (news_try_tell(lock, seen)) {
            lock->is_told = true;
            FR_POINT("reader told");
            return tell_of_death();
        }
    }
    return NOT_NOW;
}

static int look_shared(struct fri_rwlock *lock)
{
    /* Our bit would only hold up a writer that is there already. */
    uint64_t seen = word_load(&lock->words->writer);
    if (makes_sense(seen, lock->index) && state_of(seen) != STATE_FREE)
        return NOT_NOW;
    reader_enter(lock);
    FR_POINT("reader entered");
    int result = look_at_writer(lock);
    if (result == 0 || result == FR_EOWNERDEAD) {
        lock->is_shared = true;
        FR_POINT("reader inside");
        return result;
    }
    reader_leave(lock->words, lock->index);
    FR_POINT("reader stepped back");
    fri_event_wake(&lock->words->event);
    return result;
}

/* ---- The lock ---------------------------------------------------------------------------- */

void fri_rwlock_attach(struct fri_rwlock *lock, struct fri_lock_words *words, int fd, int probe_fd)
{
    *lock = (struct fri_rwlock){ .words = words, .probe_fd = probe_fd, .index = FRI_NO_LOCKER };
    for (uint32_t i = 0; i < FRI_LOCKERS; i++) {
        if (!fri_lock_try(fd, FRI_LOCK_LOCKER + i, 1))
            continue;
        lock->index = i;
        FR_POINT("locker byte taken");
        recover(words, i);
        return;
    }
}

/* Until locked, too late, or broken. */
static int look_and_wait(struct fri_rwlock *lock, enum fr_lock kind, struct fri_wait *wait)
{
    /* Who looks only once asks at once who is alive; who waits has time to see him leave. */
    uint64_t probe_at = wait->is_patient ? 1 : 0;

    for (;;) {
        int result = kind == FR_EXCLUSIVE ? look_exclusive(lock) : look_shared(lock);

        if (result != NOT_NOW)
            return result;
        if (wait->sleeps >= probe_at) {
            probe_at = wait->sleeps + 1;
            clear_the_dead(lock);
            continue;
        }
        result = fri_wait_step(wait, &lock->words->event);
        if (result < 0)
            return result;
    }
}

int fri_rwlock_lock(struct fri_rwlock *lock, enum fr_lock kind, int64_t timeout_ns)
{
    struct fri_wait wait;

    if (lock->index == FRI_NO_LOCKER)
        return fri_fail(FR_EBUSY, "%d handles use this lock already: close one and open again",
                        FR_MAX_LOCKERS);
    if (lock->is_exclusive || lock->is_shared)
        return fri_fail(FR_EINVAL, "this handle holds the lock already: unlock it first");
    fri_wait_begin(&wait, timeout_ns);
    int result = look_and_wait(lock, kind, &wait);
    if (lock->is_claimed) {
        lock->is_claimed = false;
        writer_give_up(lock);
        FR_POINT("claim given up");
        fri_event_wake(&lock->words->event);
    }
    return result;
}

int fri_rwlock_unlock(struct fri_rwlock *lock)
{
    int result = 0;

    if (!lock->is_exclusive && !lock->is_shared)
        return fri_fail(FR_EINVAL, "this handle holds no lock");
    if (lock->is_exclusive) {
        if (!writer_unlock(lock))
            result = fail_corrupt(word_load(&lock->words->writer));
    } else {
        if (lock->is_told)
            news_forget(lock);
        FR_POINT("reader leaving");
        reader_leave(lock->words, lock->index);
    }
    lock->is_exclusive = lock->is_shared = lock->is_told = false;
    FR_POINT("lock given back");
    fri_event_wake(&lock->words->event);
    return result;
}
