# Builds build/riposte.node and build/*.bpf.o; incremental. `make NODE_MODULES=dir` when it is elsewhere.
NODE_MODULES ?= node_modules
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
CLANG ?= clang
LLVM_STRIP ?= llvm-strip

# Those that read the kernel's memory are built twice: with bpf_rdonly_cast (6.2), and without it (bpf/read.h).
CASTING := riposte scan
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,build/%.bpf.o,$(wildcard bpf/*.bpf.c)) $(CASTING:%=build/%-cast.bpf.o)
BPF_FLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	-Wno-unused-parameter -Ibpf -I/usr/include/$(shell uname -m)-linux-gnu

ADDON_OBJECTS := $(patsubst native/%.cc,build/native/%.o,$(wildcard native/*.cc))
ADDON_FLAGS := -std=c++17 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -MMD -MP \
	-DNAPI_VERSION=9 -DNAPI_CPP_EXCEPTIONS -D_GNU_SOURCE \
	-isystem $(NODE_MODULES)/node-addon-api -isystem $(NODE_MODULES)/node-api-headers/include

all: build/riposte.node $(BPF_OBJECTS)

build/riposte.node: $(ADDON_OBJECTS)
	$(CXX) -shared -o $@.tmp $^ -lbpf -lelf -lz -pthread
	strip --strip-unneeded $@.tmp
	mv $@.tmp $@

build/native/%.o: native/%.cc Makefile | build/native
	$(CXX) $(ADDON_FLAGS) -c -o $@ $<

# The programs of a system call each are a file of their own, included by the object that they belong to.
BPF_HEADERS := $(wildcard bpf/*.h bpf/programs/*)
build/%-cast.bpf.o: BPF_FLAGS += -DHAS_CAST
build/%-cast.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile | build/native
	$(compile-bpf)
build/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile | build/native
	$(compile-bpf)

define compile-bpf
$(CLANG) $(BPF_FLAGS) -c -o $@.tmp $<
$(LLVM_STRIP) -g $@.tmp
mv $@.tmp $@
endef

# Compiles every object for the other architecture too, and keeps nothing.
check-arm64:
	set -e; for object in $(wildcard bpf/*.bpf.c); do for cast in '' -DHAS_CAST; do \
		$(CLANG) $(filter-out -D__TARGET_ARCH_%,$(BPF_FLAGS)) -D__TARGET_ARCH_arm64 $$cast -c -o /dev/null $$object; \
	done; done

build/native:
	mkdir -p $@

clean:
	rm -rf build/native build/riposte.node $(BPF_OBJECTS)

-include $(ADDON_OBJECTS:.o=.d)
.PHONY: all clean check-arm64
.DELETE_ON_ERROR:
