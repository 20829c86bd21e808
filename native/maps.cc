/* The map calls of BpfObject; libbpf checks the sizes of keys and values, per-CPU ones included. */
#include "failure.h"
#include "mapping.h"
#include "object.h"
#include <cstring>

struct Bytes {
	const void *data;
	size_t size;
};

static Bytes bytesOf(const Napi::CallbackInfo &info, size_t index)
{
	if (!info[index].IsTypedArray())
		throw Napi::TypeError::New(info.Env(), "keys and values are Uint8Arrays");
	Napi::TypedArray array = info[index].As<Napi::TypedArray>();
	const uint8_t *start = static_cast<const uint8_t *>(array.ArrayBuffer().Data());
	return {start + array.ByteOffset(), array.ByteLength()};
}

static size_t valueBytes(const bpf_map *map)
{
	size_t size = bpf_map__value_size(map);

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return ((size + 7) & ~size_t(7)) * libbpf_num_possible_cpus();
	default:
		return size;
	}
}

bpf_map *BpfObject::mapNamed(const Napi::CallbackInfo &info)
{
	std::string name = info[0].As<Napi::String>().Utf8Value();
	bpf_map *map = bpf_object__find_map_by_name(opened(info.Env()), name.c_str());

	if (!map || bpf_map__fd(map) < 0)
		throw failure(info.Env(), "no map " + name, ENOENT);
	return map;
}

Napi::Value BpfObject::maps(const Napi::CallbackInfo &info)
{
	Napi::Array list = Napi::Array::New(info.Env());
	bpf_object *object = opened(info.Env());
	bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		Napi::Object entry = Napi::Object::New(info.Env());
		entry.Set("name", bpf_map__name(map));
		entry.Set("keyBytes", bpf_map__key_size(map));
		entry.Set("valueBytes", double(valueBytes(map)));
		entry.Set("maxEntries", bpf_map__max_entries(map));
		list.Set(list.Length(), entry);
	}
	return list;
}

Napi::Value BpfObject::lookup(const Napi::CallbackInfo &info)
{
	bpf_map *map = mapNamed(info);
	Bytes key = bytesOf(info, 1);
	size_t size = valueBytes(map);
	Napi::Uint8Array value = Napi::Uint8Array::New(info.Env(), size);
	int error = bpf_map__lookup_elem(map, key.data, key.size, value.Data(), size, 0);

	if (error == -ENOENT)
		return info.Env().Undefined();
	if (error)
		throw failure(info.Env(), "cannot read the map", error);
	return value;
}

Napi::Value BpfObject::update(const Napi::CallbackInfo &info)
{
	bpf_map *map = mapNamed(info);
	Bytes key = bytesOf(info, 1);
	Bytes value = bytesOf(info, 2);
	int error = bpf_map__update_elem(map, key.data, key.size, value.data, value.size, BPF_ANY);

	if (error)
		throw failure(info.Env(), "cannot write the map", error);
	return info.Env().Undefined();
}

Napi::Value BpfObject::remove(const Napi::CallbackInfo &info)
{
	bpf_map *map = mapNamed(info);
	Bytes key = bytesOf(info, 1);
	int error = bpf_map__delete_elem(map, key.data, key.size, 0);

	if (error && error != -ENOENT)
		throw failure(info.Env(), "cannot delete from the map", error);
	return Napi::Boolean::New(info.Env(), error == 0);
}

/* The key after the given one; without one, or when that is gone, the first. */
Napi::Value BpfObject::nextKey(const Napi::CallbackInfo &info)
{
	bpf_map *map = mapNamed(info);
	bool isFirst = info[1].IsUndefined();
	Bytes key = isFirst ? Bytes{nullptr, bpf_map__key_size(map)} : bytesOf(info, 1);
	Napi::Uint8Array next = Napi::Uint8Array::New(info.Env(), bpf_map__key_size(map));
	int error = bpf_map__get_next_key(map, key.data, next.Data(), key.size);

	if (error == -ENOENT)
		return info.Env().Undefined();
	if (error)
		throw failure(info.Env(), "cannot walk the map", error);
	return next;
}

Napi::Value BpfObject::mapFd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), bpf_map__fd(mapNamed(info)));
}

Napi::Value BpfObject::programFd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), bpf_program__fd(program(info)));
}

Napi::Value BpfObject::ring(const Napi::CallbackInfo &info)
{
	return mapRing(info.Env(), mapNamed(info));
}

Napi::Value BpfObject::memory(const Napi::CallbackInfo &info)
{
	return mapArray(info.Env(), mapNamed(info));
}
