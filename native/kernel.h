#pragma once
#include <napi.h>

/* openTracefs(): descriptor of a tracefs root that is mounted nowhere. */
Napi::Value openTracefs(const Napi::CallbackInfo &info);
/* kernelHas('typedef' | 'func' | 'struct', name): whether the running kernel's BTF knows it. */
Napi::Value kernelHas(const Napi::CallbackInfo &info);
