/* The detector's programs; each file of programs/ is one family of calls. */
#include "task.h"

char LICENSE[] SEC("license") = "GPL";

#include "programs/any-call.c"
#include "programs/open.c"
#include "programs/exec.c"
#include "programs/fork.c"
#include "programs/exit.c"
