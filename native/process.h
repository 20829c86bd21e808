#pragma once
#include <napi.h>

/* pidfdOpen(pid): a descriptor, for the caller to close. */
Napi::Value pidfdOpen(const Napi::CallbackInfo &info);
/* pidfdSendSignal(pidfd, signal) */
Napi::Value pidfdSendSignal(const Napi::CallbackInfo &info);
