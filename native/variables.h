/* Global variables of a BPF object (.rodata, .data, .bss), found by name through its BTF. */
#pragma once
#include <bpf/libbpf.h>
#include <napi.h>
#include <string>

struct Variable {
	bpf_map *map;
	uint32_t offset;
	uint32_t size;
};

bool findVariable(bpf_object *object, const std::string &name, Variable *found);

/* { name: { map, offset, bytes } } */
Napi::Value listVariables(Napi::Env env, bpf_object *object);
