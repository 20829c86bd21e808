/* Ways to attach a program. A link is a descriptor: it is gone when the process is, however that
 * ends. */
#pragma once
#include <bpf/libbpf.h>
#include <napi.h>

/*
 * target: undefined (by the program's section), { tracepointId } (as tracefs numbers it) or {
 * cgroup: path }. Null with errno set when the kernel refuses.
 */
bpf_link *attachProgram(Napi::Env env, const bpf_program *program, Napi::Value target);

/* Runs an iterator program to its end; what it wrote to its seq file. */
Napi::Value readIterator(Napi::Env env, const bpf_program *program);
