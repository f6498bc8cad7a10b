# Makefile: builds, runs and tests Atlas. `make help` lists what it can do.
#
# One file, no recursion; everything made lands under build/. Sources are found
# by name: a new file in one of the directories below is part of the next
# build. Each directory is compiled with the include roots of its layer and no
# others, so an include that the layering forbids does not compile.
#
#	kernel objects   build/obj/<source>.o         (DEBUG=1: build/debug/obj/...)
#	kernel           build/atlas.elf, build/atlas.img
#	programs         build/user/<name>, build/initrd.cpio
#	host programs    build/host/unit, build/host/model, build/host/fuzz_<name>, ...
#
# Missing packages are installed first, by scripts/deps, on Debian with apt.

SMP     ?= 1
MEM     ?= 1G
MODE    ?=
MACHINE ?= virt
# DEBUG=1: with all checks, in build/debug. TESTS=: without the boot-time tests,
# in build/lean.
DEBUG   ?=
TESTS   ?= $(if $(filter bench,$(MAKECMDGOALS)),,1)

.DEFAULT_GOAL := all
MAKEFLAGS     += --no-builtin-rules --no-print-directory
# As many jobs as there are processors, unless the command line says otherwise.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS     += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
FORCE:

O := build$(if $(DEBUG),/debug)$(if $(TESTS),,/lean)

# --- tools ---

CROSS   ?= riscv64-unknown-elf-
KCC     := $(CROSS)gcc
HOSTCC  ?= gcc
FUZZCC  ?= clang
PYTHON  := /usr/bin/python3

# --- include roots, lowest layer first ---

# The machine contract alone, without the headers that are private to arch/riscv.
CONTRACT  := build/contract
I_MACHINE := -I$(CONTRACT)
I_BASE    := $(I_MACHINE) -Ikernel/base/include
I_MM      := $(I_BASE) -Imm/include -Imm
I_DRIVERS := $(I_BASE) -Idrivers/include
I_ARCH    := $(I_BASE) -Iarch/riscv/include -Imm/include -Idrivers/include
I_KERNEL  := $(I_ARCH) -Ikernel/include -Ikernel/abi
# kernel/shell for the shell's language, which is pure code (shell_*.c).
I_UNIT    := $(I_BASE) -Imm/include -Imm -Idrivers/include -Ikernel/include -Ikernel/shell
I_BOOT    := $(I_KERNEL) -Imm

# --- flags ---

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wvla -Wundef -Wmissing-prototypes
# Programs of the tree fault on purpose: what only says so is no error there.
UWARN := $(WARN) -Wno-array-bounds -Wno-clobbered -Wno-infinite-recursion -Wno-format-zero-length
# zicsr and zifencei are extensions of their own to the assembler. The link uses
# the plain name: with them the compiler would choose a hard-float libgcc.
KARCH := -march=rv64imac_zicsr_zifencei -mabi=lp64
KLINK := -march=rv64imac -mabi=lp64
KFLAGS := -std=gnu11 -O2 -g $(KARCH) -mcmodel=medany --specs=picolibc.specs \
	-ffreestanding -fno-pic -fno-jump-tables -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(CURDIR)/= $(WARN) $(if $(DEBUG),-DATLAS_DEBUG=1)
KLDFLAGS := $(KLINK) -mcmodel=medany --specs=picolibc.specs --picolibc-buildtype=release \
	-nostartfiles -static -Wl,--gc-sections -Wl,--build-id=none -Wl,--fatal-warnings \
	-Wl,-z,max-page-size=4096

SAN := -fsanitize=address,undefined -fno-sanitize-recover
HFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -DATLAS_DEBUG=1 $(WARN)

# --- sources ---

BASE_SRC   := $(wildcard kernel/base/*.c)
MM_SRC     := $(wildcard mm/*.c)
DRV_SRC    := $(wildcard drivers/*.c)
ARCH_SRC   := $(wildcard arch/riscv/*.c arch/riscv/*.S)
KERN_SRC   := $(wildcard kernel/*.c kernel/*.S kernel/shell/*.c)
UNIT_SRC   := $(wildcard test/unit/*.c)
BOOT_SRC   := $(wildcard test/boot/*.c test/boot/*.S)

KERNEL_SRC := $(BASE_SRC) $(MM_SRC) $(DRV_SRC) $(ARCH_SRC) $(KERN_SRC) \
	$(if $(TESTS),$(UNIT_SRC) $(BOOT_SRC))
KERNEL_OBJ := $(KERNEL_SRC:%=$(O)/obj/%.o)
LDS        := arch/riscv/kernel.lds

# On the host: the same sources of base, mm and the page-table code, above the
# rig of test/host. HOST_OMIT lists files of base that only the kernel can run.
HOST_OMIT  :=
HOST_ARCH  := $(wildcard arch/riscv/sv.c arch/riscv/pmap*.c arch/riscv/tlb.c)
HOST_DRV   := $(wildcard drivers/fdt*.c drivers/platform.c)
HOST_SHELL := $(wildcard kernel/shell/shell_*.c)
HOST_RIG   := $(filter-out test/host/runner.c,$(wildcard test/host/*.c))
HOST_LIB   := $(filter-out $(HOST_OMIT),$(BASE_SRC)) $(MM_SRC) $(HOST_ARCH) $(HOST_DRV) $(HOST_SHELL) $(HOST_RIG)

# A host program is a name and its sources; prog_<name> directories add themselves.
HOST_unit  := $(wildcard test/host/runner.c) $(UNIT_SRC) $(HOST_LIB)
HOST_model := $(wildcard test/model/*.c) $(HOST_LIB)
HOST_PROGS := $(if $(wildcard test/host/runner.c),unit) $(if $(wildcard test/model/*.c),model)
HOST_LIBS  := -lfdt
define host_dir
HOST_$(1)  := $$(wildcard test/host/prog_$(1)/*.c) $$(HOST_LIB)
HOST_PROGS += $(1)
endef
$(foreach d,$(sort $(dir $(wildcard test/host/prog_*/*.c))),$(eval $(call host_dir,$(patsubst test/host/prog_%/,%,$(d)))))
# The drivers above models of their devices: the only program that has them all.
HOST_drivers += $(filter-out $(HOST_DRV),$(DRV_SRC)) test/unit/fdt_blob.c

FUZZ_PROGS := $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/*.c))

# U-mode programs: one source file each; scripts/user-cc makes their library.
PROG_SRC := $(wildcard user/programs/*.c test/user/*.c)
PROGS    := $(addprefix build/user/,$(notdir $(PROG_SRC:.c=)))
PROG_DEP := $(shell find user kernel/abi -type f ! -path 'user/programs/*') scripts/user-cc
vpath %.c user/programs test/user

# --- goals ---

.PHONY: all run test check bench gdb image doctor deps deps-test deps-gdb clean help host fuzz progs objs

all: $(O)/atlas.elf $(O)/atlas.img build/initrd.cpio ## build kernel and programs

run: all ## boot QEMU and show the shell (SMP= MEM= MODE= MACHINE=)
	@ATLAS_KERNEL=$(O)/atlas.elf scripts/run $(RUN_ARGS)

test: all host fuzz | deps-test ## run every test; the last line counts them
	@test/run

check: host | deps-test ## run the tests of the host alone
	@test/run --host

bench: all ## instructions per operation, as a table
	@ATLAS_KERNEL=$(O)/atlas.elf scripts/bench

gdb: all | deps-gdb ## debug: in one terminal the stopped machine, in a second one gdb
	@scripts/gdb/start $(RUN_ARGS)

image: build/sd.img ## card image for U-Boot: build/sd.img

doctor: ## name every tool, its version, and what is wrong with it
	@scripts/doctor

clean: ## remove everything that was made
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

RUN_ARGS = --machine $(MACHINE) --smp $(SMP) --mem $(MEM) $(if $(MODE),--mode $(MODE))
	

host: $(HOST_PROGS:%=build/host/%)
fuzz: $(FUZZ_PROGS:%=build/host/fuzz_%)
progs: $(PROGS)
objs: $(KERNEL_OBJ)

deps:
	@scripts/deps run
deps-test:
	@scripts/deps run test
deps-gdb:
	@scripts/deps gdb

# --- kernel ---

# Rewritten only when the flags change; then all objects are made again.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(KFLAGS)' | cmp -s - $@ || echo '$(KFLAGS)' >$@

$(CONTRACT)/machine:
	@mkdir -p $(@D)
	@ln -sfn ../../arch/riscv/include/machine $@

$(O)/obj/kernel/%.o:       INC = $(I_KERNEL)
$(O)/obj/kernel/base/%.o:  INC = $(I_BASE)
$(O)/obj/mm/%.o:           INC = $(I_MM)
$(O)/obj/drivers/%.o:      INC = $(I_DRIVERS)
$(O)/obj/arch/riscv/%.o:   INC = $(I_ARCH)
$(O)/obj/test/unit/%.o:    INC = $(I_UNIT)
$(O)/obj/test/boot/%.o:    INC = $(I_BOOT)

$(O)/obj/%.c.o: %.c $(O)/flags | $(CONTRACT)/machine deps
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(KCC) $(KFLAGS) $(INC) -MMD -MP -c $< -o $@

$(O)/obj/%.S.o: %.S $(O)/flags | $(CONTRACT)/machine deps
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(KCC) $(KFLAGS) $(INC) -D__ASSEMBLER__ -MMD -MP -c $< -o $@

# Three links give the kernel a table of its own functions: the first without
# one, the second to learn where a table of that size moves things, the third
# with the right one. Nothing moves between the last two; gen-symtab --verify
# proves it.
KLD = $(KCC) $(KLDFLAGS) -T $(LDS) $(KERNEL_OBJ) $(1) -o $(2)
KAS = $(KCC) $(KARCH) -c $(1) -o $(2)

$(O)/atlas.elf: $(KERNEL_OBJ) $(LDS) scripts/gen-symtab scripts/check-elf
	@echo "  LINK    $@"
	@scripts/gen-symtab --empty $(O)/ksym0.S
	@$(call KAS,$(O)/ksym0.S,$(O)/ksym0.o)
	@$(call KLD,$(O)/ksym0.o,$(O)/atlas0.elf)
	@scripts/gen-symtab $(O)/atlas0.elf $(O)/ksym1.S
	@$(call KAS,$(O)/ksym1.S,$(O)/ksym1.o)
	@$(call KLD,$(O)/ksym1.o,$(O)/atlas1.elf)
	@scripts/gen-symtab $(O)/atlas1.elf $(O)/ksym2.S
	@$(call KAS,$(O)/ksym2.S,$(O)/ksym2.o)
	@$(call KLD,$(O)/ksym2.o -Wl$(,)-Map=$(O)/atlas.map,$(O)/atlas2.elf)
	@scripts/gen-symtab --verify $(O)/atlas2.elf $(O)/ksym2.S
	@scripts/check-elf $(O)/atlas2.elf
	@mv $(O)/atlas2.elf $@
, := ,

$(O)/atlas.img: $(O)/atlas.elf
	@$(CROSS)objcopy -O binary $< $@

# --- programs for U-mode ---

build/user/%: %.c $(PROG_DEP) | deps
	@echo "  USER    $<"
	@scripts/user-cc -O2 -Wl,-S $(UWARN) $< -o $@

build/initrd.cpio: $(PROGS) scripts/mkinitrd | deps
	@mkdir -p $(@D)
	@scripts/mkinitrd $@ $(PROGS)

build/sd.img: build/atlas.img build/initrd.cpio scripts/image | deps-test
	@scripts/image $@

# --- programs for the host ---

HINC = -Itest/host/include $(I_UNIT) -Iarch/riscv/include -Itest/host

build/host/obj/%.c.o: %.c build/host/flags | $(CONTRACT)/machine deps-test
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(HFLAGS) $(SAN) $(HINC) -MMD -MP -c $< -o $@

build/host/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(HFLAGS) $(SAN)' | cmp -s - $@ || echo '$(HFLAGS) $(SAN)' >$@

define host_prog
build/host/$(1): $$(HOST_$(1):%=build/host/obj/%.o)
	@echo "  HOSTLD  $$@"
	@$$(HOSTCC) $$(SAN) $$^ $(HOST_LIBS) -o $$@
endef
$(foreach p,$(HOST_PROGS),$(eval $(call host_prog,$(p))))

# Fuzz targets see the same library, built for coverage by clang.
build/fuzz/obj/%.c.o: %.c build/host/flags | $(CONTRACT)/machine deps-test
	@mkdir -p $(@D)
	@echo "  FUZZCC  $<"
	@$(FUZZCC) $(HFLAGS) -Wno-unknown-warning-option -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all $(HINC) -MMD -MP -c $< -o $@

build/host/fuzz_%: build/fuzz/obj/test/fuzz/%.c.o $(HOST_LIB:%=build/fuzz/obj/%.o)
	@echo "  FUZZLD  $@"
	@$(FUZZCC) -fsanitize=fuzzer,address,undefined $^ $(HOST_LIBS) -o $@

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
