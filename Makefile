# feedd - build, test, install. `make help` lists the targets.
.DEFAULT_GOAL := all
VERSION := 0.1.0
BUILD ?= build
CC ?= cc
PKG_CONFIG ?= pkg-config

PACKAGES := libcurl libxml-2.0 sqlite3 libconfuse jansson libmicrohttpd libcrypto libpcre2-8 libpsl libsystemd
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
CPPFLAGS += -D_GNU_SOURCE -DFEEDD_VERSION=\"$(VERSION)\" -Iinclude $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(WERROR) -fstack-protector-strong -pthread $(CFLAGS) $(SANITIZE)
LDLIBS += $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lev -lm

LIB_SOURCES := $(filter-out src/feedd.c src/feedctl/main.c,$(wildcard src/*.c src/*/*.c))
LIB := $(BUILD)/libfeedd.a
PROGRAMS := $(BUILD)/feedd $(BUILD)/feedctl
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

all: $(PROGRAMS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/feedd: $(BUILD)/obj/src/feedd.o $(LIB)
$(BUILD)/feedctl: $(BUILD)/obj/src/feedctl/main.o $(LIB)
$(PROGRAMS):
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
