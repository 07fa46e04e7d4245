/* See switch.h. Owns nothing; a jump is made by the thread's one running side. ucontext's own swapcontext(3) would do
 * two system calls a switch for the signal mask, which no fiber changes. */
#include "fiber/switch.h"

#include <stdlib.h>
#include <ucontext.h>

#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#define asan_leave(fake, to) __sanitizer_start_switch_fiber(fake, (to)->stack, (to)->stack_size)
#define asan_arrive(fake, from, size) __sanitizer_finish_switch_fiber(fake, from, size)
#else
#define asan_leave(fake, to) ((void)(fake))
#define asan_arrive(fake, from, size) ((void)(fake))
#endif

/* A frame that is left by a jump must not stand on a fake stack. */
#define ON_REAL_STACK __attribute__((no_sanitize("address"), noinline))

/* makecontext() passes ints only; a pointer goes this way. */
static _Thread_local struct switch_side *entering;
static _Thread_local struct switch_side *leaving;

void switch_side_init_thread(struct switch_side *s)
{
	*s = (struct switch_side){ .entered = true };
}

void switch_side_init(struct switch_side *s, void *stack, size_t stack_size, void (*entry)(void *), void *arg)
{
	*s = (struct switch_side){ .stack = stack, .stack_size = stack_size, .entry = entry, .arg = arg };
}

ON_REAL_STACK static void first_frame(void)
{
	struct switch_side *self = entering;

	asan_arrive(NULL, &leaving->stack, &leaving->stack_size);
	self->entry(self->arg);
	abort();
}

ON_REAL_STACK static void enter(struct switch_side *from, struct switch_side *to)
{
	ucontext_t context;

	if (getcontext(&context) < 0)
		abort();
	context.uc_stack.ss_sp = (void *)(size_t)to->stack;
	context.uc_stack.ss_size = to->stack_size;
	context.uc_link = NULL;
	makecontext(&context, first_frame, 0);
	to->entered = true;
	entering = to;
	leaving = from;
	setcontext(&context);
	abort();
}

ON_REAL_STACK static void go(struct switch_side *from, struct switch_side *to)
{
	if (sigsetjmp(from->env, 0) != 0)
		return;
	if (!to->entered)
		enter(from, to);
	siglongjmp(to->env, 1);
}

ON_REAL_STACK void switch_to(struct switch_side *from, struct switch_side *to)
{
	asan_leave(&from->fake_stack, to);
	go(from, to);
	asan_arrive(from->fake_stack, NULL, NULL);
}

ON_REAL_STACK void switch_to_last(struct switch_side *from, struct switch_side *to)
{
	from->fake_stack = NULL;
	asan_leave(NULL, to);
	go(from, to);
	asan_arrive(NULL, NULL, NULL);
}
