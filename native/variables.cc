#include "variables.h"
#include <bpf/btf.h>
#include <cstring>

/* libbpf names the map of a section `<object's first letters>.bss`. */
static bool isMapOf(const bpf_map *map, const char *section)
{
	const char *dot = strchr(bpf_map__name(map), '.');

	return bpf_map__is_internal(map) && dot && !strcmp(dot, section);
}

template <typename Visit> static void eachVariable(bpf_object *object, Visit visit)
{
	const btf *types = bpf_object__btf(object);
	bpf_map *map;

	if (!types)
		return;
	for (const char *section : {".rodata", ".data", ".bss"}) {
		int32_t id = btf__find_by_name_kind(types, section, BTF_KIND_DATASEC);
		if (id < 0)
			continue;
		const btf_type *type = btf__type_by_id(types, uint32_t(id));
		const btf_var_secinfo *entries = btf_var_secinfos(type);
		bpf_object__for_each_map(map, object)
		{
			if (!isMapOf(map, section))
				continue;
			for (int i = 0; i < btf_vlen(type); i++) {
				const btf_type *variable = btf__type_by_id(types, entries[i].type);
				visit(btf__name_by_offset(types, variable->name_off),
					Variable{map, entries[i].offset, entries[i].size});
			}
		}
	}
}

bool findVariable(bpf_object *object, const std::string &name, Variable *found)
{
	bool isFound = false;

	eachVariable(object, [&](const char *known, const Variable &variable) {
		if (name != known)
			return;
		*found = variable;
		isFound = true;
	});
	return isFound;
}

Napi::Value listVariables(Napi::Env env, bpf_object *object)
{
	Napi::Object list = Napi::Object::New(env);

	eachVariable(object, [&](const char *name, const Variable &variable) {
		Napi::Object entry = Napi::Object::New(env);
		entry.Set("map", bpf_map__name(variable.map));
		entry.Set("offset", variable.offset);
		entry.Set("bytes", variable.size);
		list.Set(name, entry);
	});
	return list;
}
