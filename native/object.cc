#include "object.h"
#include "failure.h"
#include "link.h"
#include "mapping.h"
#include "variables.h"
#include <cstring>
#include <malloc.h>

Napi::Function BpfObject::define(Napi::Env env)
{
	return DefineClass(env, "BpfObject",
		{
			InstanceMethod("attach", &BpfObject::attach),
			InstanceMethod("detach", &BpfObject::detach),
			InstanceMethod("pin", &BpfObject::pin),
			InstanceMethod("iterate", &BpfObject::iterate),
			InstanceMethod("programs", &BpfObject::programs),
			InstanceMethod("maps", &BpfObject::maps),
			InstanceMethod("variables", &BpfObject::variables),
			InstanceMethod("lookup", &BpfObject::lookup),
			InstanceMethod("update", &BpfObject::update),
			InstanceMethod("delete", &BpfObject::remove),
			InstanceMethod("nextKey", &BpfObject::nextKey),
			InstanceMethod("mapFd", &BpfObject::mapFd),
			InstanceMethod("programFd", &BpfObject::programFd),
			InstanceMethod("ring", &BpfObject::ring),
			InstanceMethod("memory", &BpfObject::memory),
			InstanceMethod("close", &BpfObject::close),
		});
}

BpfObject::BpfObject(const Napi::CallbackInfo &info) : Napi::ObjectWrap<BpfObject>(info)
{
	Napi::Env env = info.Env();
	std::string path = info[0].As<Napi::String>().Utf8Value();
	BpfLog log;
	int error;

	object_ = bpf_object__open_file(path.c_str(), nullptr);
	if (!object_)
		throw failure(env, "cannot open " + path, errno, log.text());
	try {
		configure(env, info[1].ToObject());
		error = bpf_object__load(object_);
		/* The kernel's types, parsed, took tens of megabytes: free now, they go back. */
		malloc_trim(0);
		if (error)
			throw failure(env, "the kernel refuses " + path, error, log.text());
	} catch (...) {
		release();
		throw;
	}
}

BpfObject::~BpfObject()
{
	release();
}

/* { autoload?: string[], maxEntries?: { map: n }, variables?: { name: bytes } } */
void BpfObject::configure(Napi::Env env, Napi::Object options)
{
	Napi::Value autoload = options.Get("autoload");
	bpf_program *program;

	if (autoload.IsArray()) {
		Napi::Array names = autoload.As<Napi::Array>();
		bpf_object__for_each_program(program, object_)
			bpf_program__set_autoload(program, false);
		for (uint32_t i = 0; i < names.Length(); i++) {
			std::string name = names.Get(i).ToString().Utf8Value();
			program = bpf_object__find_program_by_name(object_, name.c_str());
			if (!program)
				throw failure(env, "no program " + name, ENOENT);
			bpf_program__set_autoload(program, true);
		}
	}
	if (options.Get("maxEntries").IsObject()) {
		for (const auto &[key, value] : options.Get("maxEntries").As<Napi::Object>()) {
			std::string name = key.ToString().Utf8Value();
			bpf_map *map = bpf_object__find_map_by_name(object_, name.c_str());
			int error = map ? bpf_map__set_max_entries(
						  map, Napi::Value(value).ToNumber().Uint32Value())
					: -ENOENT;
			if (error)
				throw failure(env, "cannot size map " + name, error);
		}
	}
	if (options.Get("variables").IsObject()) {
		for (const auto &[key, value] : options.Get("variables").As<Napi::Object>())
			setVariable(env, key.ToString().Utf8Value(), value);
	}
}

void BpfObject::setVariable(Napi::Env env, const std::string &name, Napi::Value value)
{
	Variable variable;
	size_t size = 0;

	if (!findVariable(object_, name, &variable))
		throw failure(env, "no variable " + name, ENOENT);
	if (!value.IsTypedArray())
		throw Napi::TypeError::New(env, "a variable's value is bytes");
	Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
	/* Before load libbpf keeps the section in memory of its own, which it calls const. */
	void *section = const_cast<void *>(bpf_map__initial_value(variable.map, &size));
	if (bytes.ByteLength() != variable.size || !section ||
		variable.offset + variable.size > size)
		throw failure(env, "variable " + name + " has another size", EINVAL);
	memcpy(static_cast<uint8_t *>(section) + variable.offset, bytes.Data(), variable.size);
}

bpf_object *BpfObject::opened(Napi::Env env)
{
	if (!object_)
		throw failure(env, "the BPF object is closed", EBADF);
	return object_;
}

bpf_program *BpfObject::program(const Napi::CallbackInfo &info)
{
	std::string name = info[0].As<Napi::String>().Utf8Value();
	bpf_program *found = bpf_object__find_program_by_name(opened(info.Env()), name.c_str());

	if (!found || bpf_program__fd(found) < 0)
		throw failure(info.Env(), "program " + name + " is not loaded", ENOENT);
	return found;
}

Napi::Value BpfObject::attach(const Napi::CallbackInfo &info)
{
	bpf_program *found = program(info);
	BpfLog log;
	bpf_link *link = attachProgram(info.Env(), found, info[1]);

	if (!link)
		throw failure(info.Env(), std::string("cannot attach ") + bpf_program__name(found),
			errno, log.text());
	links_[nextLink_] = link;
	return Napi::Number::New(info.Env(), nextLink_++);
}

Napi::Value BpfObject::detach(const Napi::CallbackInfo &info)
{
	auto link = links_.find(info[0].As<Napi::Number>().Uint32Value());

	if (link == links_.end())
		throw failure(info.Env(), "no such link", ENOENT);
	bpf_link__destroy(link->second);
	links_.erase(link);
	return info.Env().Undefined();
}

/* pin(link, path): attached until the file is removed, whatever becomes of this process. */
Napi::Value BpfObject::pin(const Napi::CallbackInfo &info)
{
	auto link = links_.find(info[0].As<Napi::Number>().Uint32Value());
	std::string path = info[1].As<Napi::String>().Utf8Value();
	int error = link == links_.end() ? -ENOENT : bpf_link__pin(link->second, path.c_str());

	if (error)
		throw failure(info.Env(), "cannot pin " + path, error);
	return info.Env().Undefined();
}

Napi::Value BpfObject::iterate(const Napi::CallbackInfo &info)
{
	bpf_program *found = program(info);
	BpfLog log;

	return readIterator(info.Env(), found);
}

Napi::Value BpfObject::programs(const Napi::CallbackInfo &info)
{
	Napi::Array names = Napi::Array::New(info.Env());
	bpf_object *object = opened(info.Env());
	bpf_program *each;

	bpf_object__for_each_program(each, object) if (bpf_program__fd(each) >= 0)
		names.Set(names.Length(), bpf_program__name(each));
	return names;
}

Napi::Value BpfObject::variables(const Napi::CallbackInfo &info)
{
	return listVariables(info.Env(), opened(info.Env()));
}

Napi::Value BpfObject::close(const Napi::CallbackInfo &info)
{
	release();
	return info.Env().Undefined();
}

void BpfObject::release()
{
	for (auto &link : links_)
		bpf_link__destroy(link.second);
	links_.clear();
	bpf_object__close(object_);
	object_ = nullptr;
}
