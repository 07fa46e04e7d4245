/* Holds the one pointer; the fiber layer and telemetry set it. */
#include "base/context.h"

#include <stddef.h>

_Thread_local struct context *context_current;
