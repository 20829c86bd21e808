/* The detector's programs; each file of programs/ is one family of calls. */
#include "image.h"
#include "socket.h"

char LICENSE[] SEC("license") = "GPL";

#include "programs/any-call.c"
#include "programs/open.c"
#include "programs/exec.c"
#include "programs/fork.c"
#include "programs/exit.c"
#include "programs/connect.c"
#include "programs/talk.c"
#include "programs/socketcall.c"
#include "programs/duplicate.c"
#include "programs/names.c"
#include "programs/mode.c"
#include "programs/identity.c"
#include "programs/system.c"
#include "programs/io-uring.c"
