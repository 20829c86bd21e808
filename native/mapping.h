/* Kernel memory as ArrayBuffers; each is a mapping of its own, gone when JavaScript has dropped it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <napi.h>

/* { consumer, producer }: the position page that we write; the producer's page and the records,
 * doubled, to read. */
Napi::Value mapRing(Napi::Env env, const bpf_map *map);

/* The values of an array map made with BPF_F_MMAPABLE (.bss, .data). */
Napi::Value mapArray(Napi::Env env, const bpf_map *map);
