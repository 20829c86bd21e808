/* A loaded BPF object file: its programs, links and maps. Everything it holds dies with it, or with
 * the process. */
#pragma once
#include <bpf/libbpf.h>
#include <map>
#include <napi.h>
#include <string>

class BpfObject : public Napi::ObjectWrap<BpfObject>
{
      public:
	static Napi::Function define(Napi::Env env);
	explicit BpfObject(const Napi::CallbackInfo &info);
	~BpfObject() override;

      private:
	Napi::Value attach(const Napi::CallbackInfo &info);
	Napi::Value detach(const Napi::CallbackInfo &info);
	Napi::Value pin(const Napi::CallbackInfo &info);
	Napi::Value iterate(const Napi::CallbackInfo &info);
	Napi::Value programs(const Napi::CallbackInfo &info);
	Napi::Value maps(const Napi::CallbackInfo &info);
	Napi::Value variables(const Napi::CallbackInfo &info);
	Napi::Value lookup(const Napi::CallbackInfo &info);
	Napi::Value update(const Napi::CallbackInfo &info);
	Napi::Value remove(const Napi::CallbackInfo &info);
	Napi::Value nextKey(const Napi::CallbackInfo &info);
	Napi::Value mapFd(const Napi::CallbackInfo &info);
	Napi::Value programFd(const Napi::CallbackInfo &info);
	Napi::Value ring(const Napi::CallbackInfo &info);
	Napi::Value memory(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);

	void configure(Napi::Env env, Napi::Object options);
	void setVariable(Napi::Env env, const std::string &name, Napi::Value value);
	bpf_object *opened(Napi::Env env);
	bpf_program *program(const Napi::CallbackInfo &info);
	bpf_map *mapNamed(const Napi::CallbackInfo &info);
	void release();

	bpf_object *object_ = nullptr;
	std::map<uint32_t, bpf_link *> links_;
	uint32_t nextLink_ = 1;
};
