/* Changing stacks: the one place where the flow of control leaves C's rules.
 *
 * A side is one end of a switch: the thread's own stack, or a stack of ours with the function that runs on it. The
 * first entry of a stack goes by makecontext(3), every later switch by sigsetjmp/siglongjmp without the signal mask,
 * which needs no system call (QEMU, util/coroutine-ucontext.c). AddressSanitizer is told of each switch. Never across
 * threads. Built apart from the rest: _FORTIFY_SOURCE would take a jump to another stack for an attack. */
#ifndef CINESYNC_FIBER_SWITCH_H
#define CINESYNC_FIBER_SWITCH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

struct switch_side {
	sigjmp_buf env;
	const void *stack; /* lowest byte; of the thread's own side known after the first switch */
	size_t stack_size;
	void *fake_stack; /* AddressSanitizer's, while the side sleeps */
	void (*entry)(void *);
	void *arg;
	bool entered;
};

/* The stack the caller runs on. */
void switch_side_init_thread(struct switch_side *s);
/* A stack on which entry(arg) starts at the first switch to it; entry must never return. */
void switch_side_init(struct switch_side *s, void *stack, size_t stack_size, void (*entry)(void *), void *arg);

/* Sleeps on `from`, which must be the running side, and goes on where `to` slept. Returns when somebody switches back.
 */
void switch_to(struct switch_side *from, struct switch_side *to);
/* As switch_to(), when nothing on `from` below the caller's frame is alive: lets go of what AddressSanitizer keeps for
 * it. It may be switched to again. */
void switch_to_last(struct switch_side *from, struct switch_side *to);

#endif
