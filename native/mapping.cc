#include "mapping.h"
#include "failure.h"
#include <sys/mman.h>
#include <unistd.h>

static Napi::Value mapPages(Napi::Env env, int fd, size_t size, int protection, off_t offset)
{
	void *pages = mmap(nullptr, size, protection, MAP_SHARED, fd, offset);

	if (pages == MAP_FAILED)
		throw failure(env, "cannot map the BPF map", errno);
	return Napi::ArrayBuffer::New(
		env, pages, size, [size](Napi::BasicEnv, void *mapped) { munmap(mapped, size); });
}

Napi::Value mapRing(Napi::Env env, const bpf_map *map)
{
	size_t page = size_t(sysconf(_SC_PAGESIZE));
	size_t records = bpf_map__max_entries(map);
	Napi::Object ring = Napi::Object::New(env);

	if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF)
		throw failure(env, "the map is not a ring", EINVAL);
	ring.Set("consumer", mapPages(env, bpf_map__fd(map), page, PROT_READ | PROT_WRITE, 0));
	ring.Set("producer",
		mapPages(env, bpf_map__fd(map), page + 2 * records, PROT_READ, off_t(page)));
	ring.Set("pageBytes", double(page));
	return ring;
}

Napi::Value mapArray(Napi::Env env, const bpf_map *map)
{
	size_t page = size_t(sysconf(_SC_PAGESIZE));
	size_t entry = (bpf_map__value_size(map) + 7) & ~size_t(7);
	size_t size = (entry * bpf_map__max_entries(map) + page - 1) & ~(page - 1);

	if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || !(bpf_map__map_flags(map) & BPF_F_MMAPABLE))
		throw failure(env, "the map cannot be mapped", EINVAL);
	return mapPages(env, bpf_map__fd(map), size, PROT_READ | PROT_WRITE, 0);
}
