# The developer's verbs. `make` alone prints them. Everything generated lands in build/ and dist/.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

JOBS ?= $(shell nproc)
CORPUS ?= ../shared/corpus
CLANG ?= clang++-14
TIME ?= 10
# A Node put there by `make build` where the system's is too old, then the project's own tools; at the end the symbolizer
# that turns a sanitizer's addresses into lines.
export PATH := $(CURDIR)/build/node/node_modules/.bin:$(CURDIR)/node_modules/.bin:$(PATH):/usr/lib/llvm-14/bin
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

STAMP := build/.stamp
RESULTS := build/results
CMAKE := cmake -G Ninja -Wno-dev -S native
ADDON := build/cmake/Release/catenary.node
TS_SOURCES = $(shell find src -name '*.ts' -o -name '*.json' -o -path 'src/console/web/*' -type f 2>/dev/null)
# Hand-written native sources; generated files keep their generator's format.
NATIVE_FILES = $(shell find native \( -name '*.h' -o -name '*.cc' \) ! -path '*/gen/*' ! -name '*.gen.*' | sort)

.PHONY: help build test test-native test-asan test-ts check gen gen-fresh lint typecheck format-check clang-tidy \
	template tidy format sanitize corpus bench rate day linear fuzz long demo deb deb-reproducible deb-fresh new-protocol install-deps \
	install-dev-deps addon native asan fuzzers clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- build --------------------------------------------------------------------------------------------------------
build: addon dist/.stamp ## install what is missing, then the addon and dist/

install-deps: ## Debian packages and Node, where missing (asks sudo)
	.ci/deps build

install-dev-deps: ## the same, and clang for lint and fuzzing
	.ci/deps dev

$(STAMP)/deps: .ci/deps
	@.ci/deps build
	@mkdir -p $(@D) && touch $@
$(STAMP)/deps-dev: .ci/deps
	@.ci/deps dev
	@mkdir -p $(@D) && touch $@
# Dependencies only; the addon is built below, where ninja knows what changed.
$(STAMP)/npm: package-lock.json package.json .npmrc | $(STAMP)/deps
	npm ci --ignore-scripts --no-audit --no-fund
	@mkdir -p $(@D) && touch $@

# The first time cmake-js configures (it knows Node's headers), later ninja alone decides.
build/cmake/build.ninja: $(STAMP)/npm native/package.json
	cmake-js configure --log-level error --directory native --out build/cmake
	@touch $@
addon: build/cmake/build.ninja
	@cmake --build build/cmake --target catenary
dist/.stamp: $(STAMP)/npm tsconfig.json tsconfig.build.json $(TS_SOURCES)
	@if [ -d src ]; then npm run --silent build; fi
	@mkdir -p dist && touch $@

# build/cmake also makes the native tests and command line, so the core is compiled once.
native: build/cmake/build.ninja
	@$(CMAKE) -B build/cmake -DCATENARY_TESTS=ON >/dev/null
	@cmake --build build/cmake --target native_all
# The strict build: every check the compiler has at run time, and warnings are errors.
asan: | $(STAMP)/deps
	@$(CMAKE) -B build/asan -DCATENARY_TESTS=ON -DCATENARY_SANITIZE=ON -DCATENARY_WERROR=ON >/dev/null
	@cmake --build build/asan --target native_all
fuzzers: | $(STAMP)/deps-dev
	@$(CMAKE) -B build/fuzz -DCMAKE_CXX_COMPILER=$(CLANG) -DCMAKE_C_COMPILER=$(subst ++,,$(CLANG)) -DCATENARY_FUZZ=ON >/dev/null
	@cmake --build build/fuzz --target $(if $(PROTO),fuzz_$(PROTO),fuzzers)

# ---- test ---------------------------------------------------------------------------------------------------------
# All parts run even when one fails; the tally is the last line either way.
test: build ## native tests, plain and under ASan+UBSan, TypeScript tests, tidy
	@rm -rf $(RESULTS) && mkdir -p $(RESULTS)
	@status=0; $(MAKE) -k test-native test-asan test-ts tidy || status=1; \
	node test/tally.mjs $(RESULTS) || status=1; exit $$status

test-native: native ## native unit tests [T=unit.name]
	@mkdir -p $(RESULTS)
	@build/cmake/native_tests $(T) 2>&1 | tee $(RESULTS)/native.log

test-asan: asan ## the same under AddressSanitizer and UBSan [T=unit.name]
	@mkdir -p $(RESULTS)
	@build/asan/native_tests $(T) 2>&1 | tee $(RESULTS)/asan.log

test-ts: build ## TypeScript tests [T=pattern]
	@mkdir -p $(RESULTS)
	@mocha $(if $(T),--grep '$(T)') 2>&1 | tee $(RESULTS)/mocha.log

sanitize: asan ## every capture of CORPUS through the sanitized decoder: crash, hang, finding, lost packet
	@node test/sanitize.mjs --bin build/asan/catenary-native --corpus $(CORPUS) --jobs $(JOBS)

# ---- check --------------------------------------------------------------------------------------------------------
check: gen-fresh lint typecheck format-check clang-tidy tidy template ## what a reviewer's machine can judge: gen, lint, types, format, clang-tidy, tidy

gen: $(STAMP)/npm ## write every generated file: from the *.schema.yaml, the list of signals, the language of chains
	@node --import tsx src/schema/gen.ts
	@node --import tsx src/signals/gen.ts
	@node --import tsx src/chains/gen.ts
	@node --import tsx appliance/signals/gen.ts

# Fresh on disk, and known to git: a generated file that nobody committed is missing from the next clone.
gen-fresh: $(STAMP)/npm
	@node --import tsx src/schema/gen.ts --check
	@node --import tsx src/signals/gen.ts --check
	@node --import tsx src/chains/gen.ts --check
	@node --import tsx appliance/signals/gen.ts --check
	@unknown=$$(git -c safe.directory='*' ls-files --others -- ':(glob)**/gen/**' ':(glob)**/*.gen.*' ':!node_modules' ':!build' ':!dist'); \
	if [ -n "$$unknown" ]; then echo "check: generated, but unknown to git (git add them):"; echo "$$unknown"; exit 1; fi

lint: $(STAMP)/npm ## biome
	@biome check --error-on-warnings .

typecheck: $(STAMP)/npm
	@tsc -p tsconfig.json
	@tsc -p src/console/web/tsconfig.json

format-check: | $(STAMP)/deps-dev
	@clang-format-14 --dry-run -Werror $(NATIVE_FILES)

# Configured with clang, so that the compile commands hold only flags clang knows. Files that passed are not read again.
clang-tidy: $(STAMP)/npm | $(STAMP)/deps-dev
	@$(CMAKE) -B build/lint -DCMAKE_CXX_COMPILER=$(CLANG) -DCMAKE_C_COMPILER=$(subst ++,,$(CLANG)) -DCATENARY_TESTS=ON \
	  -DCMAKE_JS_INC='$(CURDIR)/node_modules/node-api-headers/include;$(CURDIR)/node_modules/node-addon-api' >/dev/null
	@node test/tidy/clang_tidy.mjs --build build/lint --jobs $(JOBS)

tidy: $(STAMP)/npm ## the house rules: layers, folder shapes, banned words, lengths
	@node test/tidy/tidy.mjs

format: $(STAMP)/npm | $(STAMP)/deps-dev ## clang-format and biome, in place
	@clang-format-14 -i $(NATIVE_FILES)
	@biome check --write .

# The template of a protocol in a copy of the tree: generated, compiled, its tests run. Unoptimised, so that it is quick.
template: $(STAMP)/npm ## make sure that what new-protocol makes still builds and passes
	@rm -rf build/template/native build/template/src && mkdir -p build/template
	@cp -r --preserve=timestamps native src build/template/ && ln -sfn ../../node_modules build/template/node_modules
	@cp package.json build/template/
	@node test/tidy/new_protocol.mjs newproto --root build/template >/dev/null
	@node --import tsx build/template/src/schema/gen.ts >/dev/null
	@clang-format-14 --dry-run -Werror build/template/native/protocols/newproto/newproto*.cc
	@cmake -G Ninja -Wno-dev -S build/template/native -B build/template/build -DCMAKE_BUILD_TYPE=Debug -DCATENARY_TESTS=ON \
	  -DCATENARY_WERROR=ON -DCATENARY_TEST_UNITS=protocols/newproto/ >/dev/null
	@cmake --build build/template/build --target native_tests
	@build/template/build/native_tests newproto

# ---- measure ------------------------------------------------------------------------------------------------------
corpus: build ## compare with Zeek's logs of every capture in CORPUS; what signals say of its ordinary and its attacks
	@if [ -f $(CORPUS)/score.mjs ]; then \
	  node $(CORPUS)/score.mjs --cmd 'node dist/cli.js read {pcap} --as zeek --out {dir}' $(SCORE) && \
	  node --import tsx test/corpus/signals.ts $(CORPUS); \
	else echo "corpus: none at $(CORPUS); set CORPUS=folder"; fi

bench: build native ## packets/s, memory, beside tcpdump; on a trace ten times longer; events/s of detection; wire, store, packets kept [BENCH_GB=2; FLAME=1: a flame graph instead]
	@node test/bench/bench.mjs
ifndef FLAME
	@node --import tsx test/bench/detection.ts
	@node --expose-gc --single-threaded-gc --import tsx test/bench/chains.ts
	@node --import tsx test/bench/delivery.ts
	@node --import tsx test/bench/store.ts 300000
	@node --import tsx test/bench/packets.ts $(BENCH_GB)
endif

rate: build native ## the highest rate without loss, beside tcpdump; a flood of SYNs over connections that matter (needs root)
	@node --import tsx test/bench/rate.ts

day: native ## a day of traffic through one decoder: memory at every hour
	@node --import tsx test/bench/day.ts

linear: native ## instructions by the number of each layer's worst repeated element (needs valgrind)
	@node test/linear.mjs --bin build/cmake/catenary-native

fuzz: fuzzers ## run the fuzz targets, or one: PROTO=dns, TIME=10 seconds each
	@node test/fuzz.mjs --build build/fuzz --time $(TIME) --jobs $(JOBS) $(if $(PROTO),--only $(PROTO))

long: ## one more slice of long testing: TARGET=fuzz|kill|chains|crash|faults|system|founding|sim TIME=600; totals in test/long.tsv
	@case '$(TARGET)' in \
	  fuzz) $(MAKE) fuzzers && node test/fuzz.mjs --build build/fuzz --jobs $(JOBS) --slice $(TIME) --ledger test/long.tsv $(if $(PROTO),--only $(PROTO)) ;; \
	  kill|chains|crash|faults|system|founding|sim) $(MAKE) build && node test/long.mjs --target '$(TARGET)' --time $(TIME) --ledger test/long.tsv ;; \
	  *) echo 'long: TARGET=fuzz|kill|chains|crash|faults|system|founding|sim [TIME=600] [PROTO=dns]'; exit 2 ;; \
	esac

demo: build ## a collector, a sensor with a history of 32 days, one that listens to real programs: until Ctrl-C
	@if [ "$$(id -u)" = 0 ]; then .ci/deps demo; fi
	@appliance/demo/demo.sh build/demo

# ---- packages -------------------------------------------------------------------------------------------------------
# dist/ is made anew: what no source stands for any more would be packed too. KEY signs the sums; without it they are not.
deb: addon ## Debian packages, lists of parts and sums in build/deb [KEY=file: signed]
	@rm -rf dist && $(MAKE) dist/.stamp
	@node --import tsx appliance/packaging/deb.ts build/deb
	@if [ -n '$(KEY)' ]; then node --import tsx appliance/packaging/sign.ts sign build/deb '$(KEY)'; fi

deb-reproducible: deb ## build them again from a clean copy elsewhere, without ccache, and compare byte for byte
	@appliance/packaging/reproducible.sh build/deb

deb-fresh: deb native ## install them in fresh roots, offline; an alert at the collector; remove, purge (asks root) [BASE=root to copy]
	@appliance/packaging/fresh_root.sh build/deb

new-protocol: $(STAMP)/npm ## a protocol's folder from the template: NAME=x
	@node test/tidy/new_protocol.mjs '$(NAME)'

# The fuzz corpus and a private Node survive: both are slow to grow again.
clean: ## remove what was built, but not build/corpus and build/node
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name corpus ! -name node -exec rm -rf {} +; fi
	@rm -rf dist
