/* SPDX-License-Identifier: MIT */
#ifndef FRI_ATOMIC_H
#define FRI_ATOMIC_H

/*
 * Floor 0: the atomic operations of the shared words, by name.
 *
 * Every control word in shared memory is read and written with sequential consistency. The
 * protocol's crossings (claim against pin, look again against wake, lock against lock) are
 * store-then-load patterns that weaker orders do not keep, and with one order for all words the
 * model in tests/model (interleaving semantics) is the whole truth about the program. On x86 this
 * costs one fenced store per reader and frame, on a line of its own.
 *
 * word_peek and word_poke are relaxed: for counters and hints that order nothing and decide nothing
 * on their own.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t fri_word;   /* a control word in shared memory */
typedef _Atomic uint32_t fri_word32; /* one that a futex can wait on, or a flag */

/* An atomic that hides a lock of its process would be silently wrong between processes. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "atomics need no lock");
_Static_assert(sizeof(fri_word) == 8 && sizeof(fri_word32) == 4, "atomics have no hidden state");

static inline uint64_t word_load(const fri_word *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static inline void word_store(fri_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

/* One attempt: true if the word was expected and is now wanted. */
static inline bool word_try_change(fri_word *word, uint64_t expected, uint64_t wanted)
{
    return atomic_compare_exchange_strong_explicit(word, &expected, wanted, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

/* Both return the word as it was before. */
static inline uint64_t word_set_bits(fri_word *word, uint64_t bits)
{
    return atomic_fetch_or_explicit(word, bits, memory_order_seq_cst);
}

static inline uint64_t word_clear_bits(fri_word *word, uint64_t bits)
{
    return atomic_fetch_and_explicit(word, ~bits, memory_order_seq_cst);
}

static inline uint64_t word_take_all(fri_word *word)
{
    return atomic_exchange_explicit(word, 0, memory_order_seq_cst);
}

/* Returns the word as it is afterwards. */
static inline uint64_t word_add(fri_word *word, uint64_t increment)
{
    return atomic_fetch_add_explicit(word, increment, memory_order_seq_cst) + increment;
}

static inline void word_count(fri_word *word, uint64_t increment)
{
    atomic_fetch_add_explicit(word, increment, memory_order_relaxed);
}

static inline uint64_t word_peek(const fri_word *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void word_poke(fri_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline uint32_t word32_peek(const fri_word32 *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void word32_poke(fri_word32 *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline uint32_t word32_load(const fri_word32 *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static inline void word32_store(fri_word32 *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

static inline bool word32_try_change(fri_word32 *word, uint32_t expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(word, &expected, wanted, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

static inline uint32_t word32_set_bits(fri_word32 *word, uint32_t bits)
{
    return atomic_fetch_or_explicit(word, bits, memory_order_seq_cst);
}

/*
 * What lies here will be written, or read, soon. Asked for together, lines that another processor has
 * come at the same time; one atomic operation after the other waits for each. (For writing, GCC has
 * this instruction only of processors that are said to know it; those that do not, do nothing.)
 */
#define FRI_FETCHED_LINE 64

static inline void fetch_to_write(const volatile void *address, size_t size)
{
    for (size_t i = 0; i < size; i += FRI_FETCHED_LINE) {
#ifdef __x86_64__
        __asm__ volatile("prefetchw %0" : : "m"(((const volatile char *)address)[i]));
#else
        __builtin_prefetch((const char *)(uintptr_t)address + i, 1);
#endif
    }
}

static inline void fetch_to_read(const void *address, size_t size)
{
    for (size_t i = 0; i < size; i += FRI_FETCHED_LINE)
        __builtin_prefetch((const char *)address + i);
}

#endif
