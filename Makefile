# feedd - build, test, install. `make help` lists the targets.
#
# Nothing is looked up before it is needed: `make test` and `make demo` install what is missing first, and only the
# make that they start afterwards asks pkg-config and looks for sources.
.DEFAULT_GOAL := all
VERSION := 0.1.0
BUILD ?= build
CC ?= cc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
SYSTEMD ?= yes

DESTDIR ?=
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/feedd
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
CONFDIR = $(SYSCONFDIR)/feedd

# Debian's packages: to build and run, to test, to analyse.
DEPS_BUILD := gcc make libc6-dev pkg-config libcurl4-openssl-dev libxml2-dev libsqlite3-dev libev-dev libconfuse-dev \
	libjansson-dev libmicrohttpd-dev libssl-dev libpcre2-dev libpsl-dev ca-certificates python3 \
	$(if $(filter no,$(SYSTEMD)),,libsystemd-dev)
DEPS_TEST := libcmocka-dev python3-pytest python3-pytest-xdist mandoc jq curl sqlite3
DEPS_LINT := clang clang-format clang-tidy libclang-rt-dev cppcheck mandoc shellcheck valgrind

PACKAGES := libcurl libxml-2.0 sqlite3 libconfuse jansson libmicrohttpd libcrypto libpcre2-8 libpsl
ifneq ($(SYSTEMD),no)
PACKAGES += libsystemd
endif
# Asked once, at the first use.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PKG_LIBS)

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
HARDEN := -fstack-protector-strong -fPIE $(if $(findstring -O0,$(CFLAGS))$(SANITIZE),,-D_FORTIFY_SOURCE=2)
DEFINES = -D_GNU_SOURCE -DFEEDD_VERSION=\"$(VERSION)\" -DHAVE_SYSTEMD=$(if $(filter no,$(SYSTEMD)),0,1) \
	$(if $(FAILPOINTS),-DFEEDD_FAILPOINTS) -Iinclude
ALL_CPPFLAGS = $(DEFINES) $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(WERROR) $(HARDEN) -pthread $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
ALL_LIBS = $(PKG_LIBS) -lev -lm $(LDLIBS)

LIB_SOURCES := $(filter-out src/feedd.c src/feedctl/main.c,$(wildcard src/*.c src/*/*.c))
LIB := $(BUILD)/libfeedd.a
PROGRAMS := $(BUILD)/feedd $(BUILD)/feedctl
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
# Programs; feeds.c is what they share.
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out tests/bench/feeds.c,$(wildcard tests/bench/*.c)))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
C_FILES = $(sort $(wildcard src/*.c src/*/*.c tests/*/*.c))
H_FILES = $(sort $(wildcard include/feedd/*.h src/*/*.h tests/*/*.h))
MAN_PAGES := $(sort $(wildcard man/*.[1-8]))
UNITS := $(sort $(wildcard systemd/*.service systemd/*.socket))

# As many jobs as there are processors, unless the caller chose.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
SUB = $(MAKE) --no-print-directory $(JOBS)

all: $(PROGRAMS) ## build feedd and feedctl

# Objects are made anew when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@$(PKG_CONFIG) --exists --print-errors $(PACKAGES) || { echo "feedd: libraries are missing: make deps" >&2; exit 1; }
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(ALL_LIBS))' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/feedd: $(BUILD)/obj/src/feedd.o $(LIB)
$(BUILD)/feedctl: $(BUILD)/obj/src/feedctl/main.o $(LIB)
$(PROGRAMS):
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS) -lcmocka

$(BUILD)/tests/failmalloc.so: tests/torture/failmalloc.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(DEFINES) -std=gnu11 $(WARNINGS) $(WERROR) -O2 -fPIC -fno-builtin -shared -o $@ $<

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/obj/tests/bench/feeds.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

# --- what it needs ---------------------------------------------------------------------------------------------

# $(call install,PACKAGES): installs those that are missing, and says so. Elsewhere than on Debian it only names them.
define install
@command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || { \
	echo "feedd: no apt-get here; what is needed is what Debian calls: $(1)"; exit 0; }; \
missing=; for p in $(1); do \
	case "$$(dpkg-query -W -f '$${db:Status-Abbrev}' $$p 2>/dev/null)" in ii*) ;; *) missing="$$missing $$p" ;; esac; done; \
[ -n "$$missing" ] || exit 0; \
if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; \
else echo "feedd: missing, and neither root nor sudo to install it:$$missing" >&2; exit 1; fi; \
echo "feedd: installing with apt-get:$$missing"; \
$$sudo apt-get -q update || echo "feedd: apt-get update failed; trying with the lists that are here" >&2; \
$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $$missing
endef

deps: ## install what building and testing need (apt-get)
	$(call install,$(DEPS_BUILD) $(DEPS_TEST))
deps-build: ## install only what building needs
	$(call install,$(DEPS_BUILD))
deps-lint: deps ## install the analysers as well
	$(call install,$(DEPS_LINT))

# --- try and test ----------------------------------------------------------------------------------------------

export PYTHONDONTWRITEBYTECODE := 1
PYTEST = FEEDD_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -p no:cacheprovider $(PYTEST_FLAGS)
PYTEST_JOBS ?= 4

demo: deps-build ## see it work: sample feeds on loopback, a hook that prints (DEMO_SECONDS=30)
	@$(SUB) -s all
	@$(PYTHON) tests/demo/demo.py $(BUILD)

test: deps ## all quick tests
	@$(SUB) all test-programs
	@$(MAKE) --no-print-directory unit e2e

test-programs: $(UNIT)

unit: $(UNIT) ## unit tests
	@for t in $(UNIT); do $$t || exit 1; done

e2e: all ## end-to-end tests with the real daemon (E2E=tests/e2e/test_x.py picks)
	$(PYTEST) -n $(PYTEST_JOBS) $(if $(E2E),$(E2E),tests/e2e)

torture: all test-programs $(BUILD)/tests/failmalloc.so ## long tests: kill loops, soaks
	$(PYTEST) -x tests/torture
	FLIPS=200 $(PYTEST) -x tests/e2e/test_faults.py -k flipped

SANITIZER_FLAGS := CFLAGS='-O1 -g -fno-omit-frame-pointer' WERROR=
check-asan: ## all quick tests under AddressSanitizer and UBSan
	@$(SUB) BUILD=$(BUILD)/asan $(SANITIZER_FLAGS) \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all test-programs
	@FEEDD_SLOW=3 ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:handle_abort=0 \
		UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lint/lsan.supp:print_suppressions=0 \
		$(MAKE) --no-print-directory BUILD=$(BUILD)/asan $(SANITIZER_FLAGS) \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' unit e2e

check-tsan: ## all quick tests under ThreadSanitizer
	@$(SUB) BUILD=$(BUILD)/tsan $(SANITIZER_FLAGS) SANITIZE=-fsanitize=thread all test-programs
	@FEEDD_SLOW=4 TSAN_OPTIONS=halt_on_error=0:exitcode=66:suppressions=$(CURDIR)/tests/lint/tsan.supp \
		$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan $(SANITIZER_FLAGS) SANITIZE=-fsanitize=thread unit e2e

VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	--child-silent-after-fork=yes --suppressions=$(CURDIR)/tests/lint/valgrind.supp
check-valgrind: all test-programs ## unit tests under valgrind, and the daemon in a short run
	@for t in $(UNIT); do FEEDD_VALGRIND=1 $(VALGRIND) $$t || exit 1; done
	FEEDD_SLOW=10 FEEDD_WRAP="$(VALGRIND)" $(PYTEST) tests/e2e/test_path.py

bench: all $(BENCH) ## measure on loopback (N=1000 feeds)
	$(PYTHON) tests/bench/run.py $(BUILD) $(if $(N),--feeds $(N))
	$(PYTHON) tests/bench/events.py $(BUILD)

T ?= 60
F ?= $(FUZZERS)
FUZZ := $(BUILD)/fuzz
FUZZ_FLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer -pthread -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined

$(FUZZ)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CLANG) $(ALL_CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(FUZZ)/libfeedd.a: $(LIB_SOURCES:%.c=$(FUZZ)/obj/%.o)
	@rm -f $@
	ar rcs $@ $^
$(FUZZ)/fuzz_%: $(FUZZ)/obj/tests/fuzz/fuzz_%.o $(FUZZ)/libfeedd.a
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(ALL_LIBS)

fuzz: ## run every fuzz target for T=60 seconds (F=fuzz_feed picks)
	@$(SUB) $(addprefix $(FUZZ)/,$(F))
	@set -e; for f in $(F); do \
		mkdir -p $(FUZZ)/corpus/$$f $(FUZZ)/crashes; \
		seeds=; for d in tests/fuzz/seeds/$$f tests/data; do [ -d $$d ] && seeds="$$seeds $$d"; done; \
		echo "== $$f, $(T) s"; \
		$(FUZZ)/$$f -max_total_time=$(T) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(FUZZ)/crashes/$$f- $(FUZZ)/corpus/$$f $$seeds; \
	done

# --- the rules of the house ------------------------------------------------------------------------------------

lint: $(BUILD)/flags ## format, layers, sizes, static analysis, man pages, scripts
	@BUILD='$(BUILD)' CPPFLAGS='$(subst ','\'',$(ALL_CPPFLAGS))' tests/lint/run

format: ## clang-format all sources in place
	clang-format -i $(C_FILES) $(H_FILES)

# --- install ---------------------------------------------------------------------------------------------------

# Paths are put in where files are installed, so the same build serves any prefix.
SUBST = sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|/usr/local/bin|$(BINDIR)|g' -e 's|/etc/feedd|$(CONFDIR)|g'

install: all ## install below DESTDIR (PREFIX, SYSCONFDIR, UNITDIR); a configuration that is there stays
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(CONFDIR)/feeds.d $(DESTDIR)$(CONFDIR)/hooks
	install -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	@set -e; put() { echo "install $$2 $(DESTDIR)$$3"; install -d "$$(dirname "$(DESTDIR)$$3")"; \
		$(SUBST) "$$2" >"$(DESTDIR)$$3.new"; chmod "$$1" "$(DESTDIR)$$3.new"; mv "$(DESTDIR)$$3.new" "$(DESTDIR)$$3"; }; \
	keep() { if [ -e "$(DESTDIR)$$3" ]; then echo "kept $(DESTDIR)$$3"; else put "$$@"; fi; }; \
	for f in $(MAN_PAGES); do put 644 $$f $(MANDIR)/man$${f##*.}/$${f##*/}; done; \
	for f in LICENSE README.md; do [ ! -e $$f ] || put 644 $$f $(DOCDIR)/$$f; done; \
	[ ! -e etc/feedd.conf ] || put 644 etc/feedd.conf $(DOCDIR)/examples/feedd.conf; \
	[ ! -e etc/feedd.conf ] || keep 640 etc/feedd.conf $(CONFDIR)/feedd.conf; \
	for f in $(wildcard etc/feeds.d/*); do keep 640 $$f $(CONFDIR)/feeds.d/$${f##*/}; done; \
	for f in $(wildcard etc/hooks/*); do keep 755 $$f $(CONFDIR)/hooks/$${f##*/}; done; \
	for f in $(wildcard etc/completion/*); do case $$f in \
		*.bash) put 644 $$f $(PREFIX)/share/bash-completion/completions/feedctl ;; \
		*.zsh) put 644 $$f $(PREFIX)/share/zsh/vendor-completions/_feedctl ;; \
		*.fish) put 644 $$f $(PREFIX)/share/fish/vendor_completions.d/feedctl.fish ;; esac; done; \
	if [ '$(SYSTEMD)' != no ]; then \
		for f in $(UNITS); do put 644 $$f $(UNITDIR)/$${f##*/}; done; \
		put 644 systemd/feedd.sysusers $(SYSUSERSDIR)/feedd.conf; \
		put 644 systemd/feedd.tmpfiles $(TMPFILESDIR)/feedd.conf; \
		if $(PKG_CONFIG) --atleast-version=253 libsystemd; then \
			put 644 systemd/notify-reload.conf $(UNITDIR)/feedd.service.d/notify-reload.conf; fi; \
		for f in $(wildcard systemd/examples/*); do put 644 $$f $(DOCDIR)/examples/$${f##*/}; done; \
	fi

uninstall: ## remove what install put there, but neither configuration nor data
	rm -f $(DESTDIR)$(BINDIR)/feedd $(DESTDIR)$(BINDIR)/feedctl
	rm -f $(foreach f,$(MAN_PAGES),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(f)))/$(notdir $(f)))
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)) feedd.service.d/notify-reload.conf)
	-rmdir $(DESTDIR)$(UNITDIR)/feedd.service.d 2>/dev/null
	rm -f $(DESTDIR)$(SYSUSERSDIR)/feedd.conf $(DESTDIR)$(TMPFILESDIR)/feedd.conf
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/feedctl
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_feedctl
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/feedctl.fish
	rm -rf $(DESTDIR)$(DOCDIR)
	@echo "kept: $(DESTDIR)$(CONFDIR) and the state directory"

DIST := feedd-$(VERSION)
dist: ## a source archive of what is committed, in BUILD
	@mkdir -p $(BUILD)
	git archive --prefix=$(DIST)/ -o $(BUILD)/$(DIST).tar.gz HEAD
	@echo $(BUILD)/$(DIST).tar.gz

deb: all ## a Debian package, in BUILD
	$(call install,dpkg-dev binutils)
	@BUILD='$(BUILD)' VERSION='$(VERSION)' MAKE='$(MAKE)' .ci/deb

clean: ## remove BUILD
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  %-16s %s\n", $$1, $$2 }'

FORCE:
.PHONY: all deps deps-build deps-lint demo test test-programs unit e2e torture check-asan check-tsan check-valgrind bench \
	fuzz lint format install uninstall dist deb clean help FORCE
.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/fuzz/obj -name '*.d' 2>/dev/null)
