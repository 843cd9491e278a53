# Mainsheet. `make` builds, `make check` tests, `make demo` shows it; `make help` lists the rest.
#
# One file, no recursion, no configure; a new .c or .proto needs no edit here. SAN=address or SAN=thread builds into a
# tree of its own. Rooms are archives linked in the order of their layers (design section 6), so a room that reaches
# up does not link.

SAN    :=
CC     := gcc
CXX    := $(if $(findstring clang,$(CC)),clang++,g++)
BUILD  := build
B      := $(BUILD)/$(or $(SAN),plain)

# The rooms, lowest layer first.
ROOMS  := server/base server/doc server/fetch server/schema server/world xds/pb server/model server/source \
          xds/snapshot xds/translate xds/ads server/rpc server/http server/cli server/daemon

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wwrite-strings \
          -Wformat=2 -Wundef -fno-common -Wno-unused-parameter $(if $(WERROR),-Werror)
SANFLAGS.address := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
SANFLAGS.thread  := -fsanitize=thread -fno-omit-frame-pointer
ifeq ($(SAN),thread)
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/thread.supp
endif
SANFLAGS.fuzz    := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT    := $(if $(SAN),-O1,-O2) -g
CPPF   := -D_GNU_SOURCE -Iserver -Ixds -I. -I$(B)/gen
ALLC    = -std=gnu11 $(OPT) $(WARN) $(SANFLAGS.$(SAN)) $(CPPF) -pthread $(CFLAGS)
LIBS   := -lgrpc -lgpr -lprotobuf-c -lyaml -lmicrohttpd -lcurl -lssl -lcrypto -lre2 -lstdc++ -ldl -lm -pthread

SRC    := $(filter-out server/schema/gen.c,$(foreach r,$(ROOMS),$(wildcard $(r)/*.c $(r)/*/*.c)))
CXXSRC := $(wildcard server/base/*.cc)
PROTO  := $(sort $(shell find xds/proto -name '*.proto' 2>/dev/null))
PBC    := $(PROTO:xds/proto/%.proto=$(B)/gen/%.pb-c.c)
EVH    := $(B)/gen/ev_all.h
PBO    := $(PBC:.c=.o) $(B)/gen/registry.o
SCHEMA := $(shell find crd-schemas -name '*.yaml' 2>/dev/null)
TYPES  := $(B)/gen/types.c

# Objects of one room; archive of one room; archives of a room and all rooms below it, highest first.
objs    = $(patsubst %.c,$(B)/%.o,$(filter $(1)/%,$(SRC))) $(patsubst %.cc,$(B)/%.o,$(filter $(1)/%,$(CXXSRC)))
lib     = $(B)/lib/$(notdir $(1)).a
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
below   = $(foreach r,$(call reverse,$(call take,$(1),$(ROOMS))),$(call lib,$(r)))
take    = $(if $(2),$(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),,$(call take,$(1),$(wordlist 2,99,$(2)))))

.PHONY: all
all: $(B)/mainsheet

.PHONY: help
help:
	@printf '  %-22s %s\n' \
		all 'build/plain/mainsheet' \
		demo 'a real Envoy, a canary, a switch under load' \
		check 'all tests of a change; SAN=address or SAN=thread under that sanitizer' \
		'unit golden smoke' 'parts of it; so are fuzz-replay, check-envoy and lint' \
		golden-write 'write what the golden folders should say; review the difference' \
		mutate 'does the property test notice every forgotten recording?' \
		property 'random worlds over the real queries' \
		fuzz 'libFuzzer, FUZZ_SECONDS each' \
		'oracle conformance' 'against recorded answers of istiod: FEATURES=, SETS=' \
		validate-envoy 'does a stock Envoy accept every oracle scenario?' \
		bench 'S E V N SCOPE BENCH RUNS; one JSON object a line'

$(B)/mainsheet: $(call below,server/daemon)
	$(CC) $(ALLC) -rdynamic -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

# ---- archives ----
define room
$(call lib,$(1)): $(call objs,$(1)) $(if $(filter xds/pb,$(1)),$(PBO)) $(if $(filter server/schema,$(1)),$(TYPES:.c=.o))
	@mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(B)/%.o: %.c
	@mkdir -p $(@D); $(CC) $(ALLC) -MMD -MP -c -o $@ $<
$(B)/%.o: %.cc
	@mkdir -p $(@D); $(CXX) -std=gnu++17 $(OPT) -Wall -Wextra $(SANFLAGS.$(SAN)) $(CPPF) -MMD -MP -c -o $@ $<
$(B)/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D); $(CC) $(ALLC) -w -MMD -MP -c -o $@ $<

# ---- generated: structs and tables from crd-schemas/, messages from xds/proto/ ----
$(B)/gen/%.pb-c.c: xds/proto/%.proto
	@mkdir -p $(B)/gen; protoc-c -Ixds/proto -I/usr/include --c_out=$(B)/gen $(patsubst xds/proto/%,%,$<)
$(B)/gen/%.pb-c.h: $(B)/gen/%.pb-c.c ;
$(EVH): $(PBC) xds/pb/registry.awk
	@awk -v out=$(B)/gen -f xds/pb/registry.awk $(PBC)
$(B)/gen/registry.c: $(EVH) ;
$(PBO): | $(EVH)
$(B)/schemagen: server/schema/gen.c $(wildcard server/schema/gen/*.c) $(B)/lib/doc.a $(B)/lib/base.a
	@mkdir -p $(@D); $(CC) $(ALLC) -o $@ $^ -lyaml -lre2 -lstdc++ -lm
$(TYPES): $(B)/schemagen $(SCHEMA)
	@mkdir -p $(@D); $(B)/schemagen crd-schemas $(B)/gen
$(B)/gen/types.h: $(TYPES) ;

NEED_TYPES := $(foreach r,$(filter-out server/base server/doc server/fetch,$(ROOMS)),$(call objs,$(r)))
$(NEED_TYPES): | $(TYPES)
NEED_PB := $(foreach r,$(filter xds/% server/model server/daemon server/cli server/http server/rpc,$(ROOMS)),$(call objs,$(r)))
$(NEED_PB): | $(EVH)

# ---- unit tests: one program a room, linked with that room and those below ----
UNIT_ROOMS := $(filter $(notdir $(ROOMS)),$(notdir $(wildcard tests/unit/*)))
# gRPC and libmicrohttpd are not instrumented: what runs inside them is left out of the thread sanitizer.
UNIT   := $(patsubst %,$(B)/unit/%,$(filter-out $(if $(filter thread,$(SAN)),rpc http fetch),$(UNIT_ROOMS)))
room_of = $(firstword $(filter %/$(1),$(ROOMS)))
# What the tests of a room need beyond the room itself.
UNIT_SRC.world := tests/property/harness.c
UNIT_SRC.rpc  := tests/bench/h2client.c
UNIT_LIBS.rpc := -lnghttp2
define unit
$(B)/unit/$(1): $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/$(1)/*.c) $(UNIT_SRC.$(1))) $(B)/tests/unit/main.o $(call below,$(call room_of,$(1)))
	@mkdir -p $$(@D); $(CC) $(ALLC) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LIBS) $(UNIT_LIBS.$(1))
$(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/$(1)/*.c)): | $(if $(filter base doc fetch,$(1)),,$(TYPES) $(EVH))
endef
$(foreach r,$(UNIT_ROOMS),$(eval $(call unit,$(r))))
$(B)/tests/%.o: CPPF += -Itests/unit

.PHONY: unit
unit: $(UNIT)
	@tests/unit/run $(UNIT)

# ---- the property test of the real queries ----
PROPERTY := $(wildcard tests/property/*.c)
$(B)/property/mesh: $(PROPERTY:%.c=$(B)/%.o) $(call below,xds/translate)
	@mkdir -p $(@D); $(CC) $(ALLC) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
$(PROPERTY:%.c=$(B)/%.o): | $(TYPES) $(EVH)
.PHONY: property
property: $(B)/property/mesh
	@$(if $(SAN),PROPERTY_ROUNDS=$(or $(PROPERTY_ROUNDS),200)) $(B)/property/mesh

# The query engine with deliberate mistakes, each of which its property test must notice; then with tables that move.
.PHONY: mutate
mutate:
	$(MAKE) BUILD=$(BUILD)/mutate CFLAGS=-DMAINSHEET_MUTATE $(BUILD)/mutate/plain/unit/world
	$(BUILD)/mutate/plain/unit/world property
	$(MAKE) BUILD=$(BUILD)/rehash CFLAGS='-DMAINSHEET_MUTATE -DMAINSHEET_REHASH' $(BUILD)/rehash/plain/unit/world
	$(BUILD)/rehash/plain/unit/world property_incremental
	$(BUILD)/rehash/plain/unit/world property_notices_mistakes

# How fast server/rpc alone pushes: build/plain/bench/rpc_push STREAMS BYTES [ROUNDS]
$(B)/bench/rpc_push: $(patsubst %,$(B)/tests/bench/%.o,rpc_push h2client) $(B)/lib/rpc.a $(B)/lib/base.a
	@mkdir -p $(@D); $(CC) $(ALLC) -o $@ $^ $(LIBS) -lnghttp2

# ---- a real Envoy: the demo, and tests in network namespaces ----
PEER   := $(B)/tests/envoy/peer
$(PEER): $(patsubst %,$(B)/tests/envoy/%.o,peer peer_h2) $(B)/lib/base.a
	@mkdir -p $(@D); $(CC) $(ALLC) -o $@ $^ $(LIBS) -lnghttp2

JOBS    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: demo check-envoy
demo: setup
	@echo "building (a minute or two the first time)"
	@$(MAKE) --no-print-directory $(JOBS) -s $(B)/mainsheet $(PEER)
	@envoy=$$(tests/envoy/fetch) && tests/demo $(B)/mainsheet $(PEER) "$$envoy"
# ENVOY_TESTS: parts of the names of the tests to run; all by default.
check-envoy: $(B)/mainsheet $(PEER)
	@tests/envoy/run $(B)/mainsheet $(PEER) $(ENVOY_TESTS)
# Every oracle scenario as a bootstrap of a stock Envoy. SCENARIO: part of the names of those to try.
.PHONY: validate-envoy
validate-envoy: $(B)/mainsheet
	@envoy=$$(tests/envoy/fetch) && tests/envoy/validate $(B)/mainsheet "$$envoy" $(SCENARIO)

# The whole daemon under many sidecars (tests/bench/run says what each figure is); RUNS=3 prints medians of three.
$(B)/bench/client: $(patsubst %,$(B)/tests/bench/%.o,client fleet catalog reader request observe h2client) $(B)/lib/base.a
	@mkdir -p $(@D); $(CC) $(ALLC) -o $@ $^ $(LIBS) -lnghttp2
.PHONY: bench
bench: $(B)/mainsheet $(B)/bench/client
	@tests/bench/run $^

# ---- fuzzing: tests/fuzz/TARGET.c, with a corpus that `make check` replays ----
FUZZ := yaml json object ads_request
# The highest room that a target needs. clang++ links: the checks in server/base/regex.cc need its runtime.
FUZZ_ROOM.yaml := server/doc
FUZZ_ROOM.json := server/doc
FUZZ_ROOM.object := server/schema
FUZZ_ROOM.ads_request := xds/ads
define fuzz
$(B)/fuzz/$(1): $(B)/tests/fuzz/$(1).o $(B)/tests/fuzz/tree.o $(if $(filter fuzz,$(SAN)),,$(B)/tests/fuzz/replay.o) $(call below,$(FUZZ_ROOM.$(1)))
	@mkdir -p $$(@D); $(if $(filter fuzz,$(SAN)),$(CXX),$(CC)) $(if $(filter fuzz,$(SAN)),$(SANFLAGS.fuzz) -fsanitize=fuzzer,$(ALLC)) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LIBS)
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz,$(f))))
$(B)/tests/fuzz/%.o: CPPF += -Itests/fuzz
$(FUZZ:%=$(B)/tests/fuzz/%.o): | $(TYPES) $(EVH)

# FUZZ_SECONDS each (clang). Findings are left in build/fuzz-findings.
FUZZ_SECONDS := 60
.PHONY: fuzz
fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=fuzz $(FUZZ:%=$(BUILD)/fuzz/fuzz/%)
	@tests/fuzz/run $(BUILD) $(FUZZ_SECONDS) $(FUZZ)

.PHONY: fuzz-replay
fuzz-replay: $(FUZZ:%=$(B)/fuzz/%)
	@tests/sum $(foreach f,$(FUZZ),"$(B)/fuzz/$(f) tests/fuzz/corpus/$(f)")

# ---- the tests of `make check`, and what else there is ----
.PHONY: setup check golden golden-write lint oracle conformance smoke
setup:
	@tests/setup
golden: $(B)/mainsheet
	@tests/golden/run $(B)/mainsheet
golden-write: $(B)/mainsheet
	@tests/golden/run $(B)/mainsheet --write
smoke: $(B)/mainsheet
	@tests/smoke/run $(B)/mainsheet
lint: $(TYPES) $(EVH)
	@tests/lint/run $(B)
oracle: $(B)/mainsheet
	@tests/oracle/run $(B)/mainsheet $(FEATURES)
conformance: $(B)/mainsheet
	@tests/conformance/run $(B)/mainsheet $(SETS)

# Everything that a change must pass before it lands. Sanitizer builds leave out what needs Envoy or another compiler.
CHECKS := unit property fuzz-replay golden smoke $(if $(SAN),,check-envoy lint)
check: setup
	@echo building; $(MAKE) --no-print-directory $(JOBS) -s WERROR=1 all $(UNIT) $(B)/property/mesh $(FUZZ:%=$(B)/fuzz/%)
	@tests/sum $(foreach c,$(CHECKS),"$(MAKE) --no-print-directory -s WERROR=1 $(c)")

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.SECONDARY:
