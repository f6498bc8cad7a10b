# Makefile: builds, runs and tests Atlas. `make help` lists what it can do.
#
# One file, no recursion; everything made lands under build/. Sources are found
# by name: a new file in one of the directories below is part of the next
# build. Each directory is compiled with the include roots of its layer and no
# others, so an include that the layering forbids does not compile.
#
#	kernel           build/atlas.elf, build/atlas.img; objects in build/obj/
#	  with all checks  build/debug/atlas.elf (run it with DEBUG=1)
#	  without tests    build/lean/atlas.elf (what make bench measures)
#	programs         build/user/<name>, build/initrd.cpio
#	host programs    build/host/unit, build/host/model, build/host/fuzz_<name>, ...
#
# Missing packages are installed first, by scripts/deps, on Debian with apt.

SMP     ?= 1
MEM     ?= 1G
MODE    ?=
MACHINE ?= virt
# 1: `run` and `gdb` take the kernel with all checks.
DEBUG   ?=
# For `image`: a directory of boards/; 1: with the board's firmware on the card.
BOARD    ?=
FIRMWARE ?=

.DEFAULT_GOAL := all
MAKEFLAGS     += --no-builtin-rules --no-print-directory
# As many jobs as there are processors, unless the command line says otherwise.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS     += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
FORCE:

KERNEL := build$(if $(DEBUG),/debug)/atlas.elf

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
	-fno-delete-null-pointer-checks -ffunction-sections -fdata-sections -malign-data=natural \
	-ffile-prefix-map=$(CURDIR)/= $(WARN)
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

LEAN_SRC   := $(BASE_SRC) $(MM_SRC) $(DRV_SRC) $(ARCH_SRC) $(KERN_SRC)
KERNEL_SRC := $(LEAN_SRC) $(UNIT_SRC) $(BOOT_SRC)
LDS        := arch/riscv/kernel.lds

# On the host: the same sources of base, mm and the page-table code, above the
# rig of test/host. HOST_OMIT lists files of base that only the kernel can run.
HOST_OMIT  :=
HOST_ARCH  := $(wildcard arch/riscv/sv.c arch/riscv/pmap*.c arch/riscv/tlb.c)
HOST_DRV   := $(wildcard drivers/fdt*.c drivers/platform*.c)
HOST_SHELL := $(wildcard kernel/shell/shell_*.c)
HOST_KERN  := kernel/pager_test.c
HOST_RIG   := $(addprefix test/host/,boot.c memory.c runtime.c testing.c tlb_sim.c)
HOST_TEST  := $(filter-out $(HOST_RIG) test/host/runner.c,$(wildcard test/host/*.c))
HOST_LIB   := $(filter-out $(HOST_OMIT),$(BASE_SRC)) $(MM_SRC) $(HOST_ARCH) $(HOST_DRV) $(HOST_SHELL) $(HOST_KERN) $(HOST_RIG)

# A host program is a name and its sources; prog_<name> directories add themselves.
HOST_unit  := $(wildcard test/host/runner.c) $(UNIT_SRC) $(HOST_TEST) $(HOST_LIB)
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
PROG_DEP := $(shell find user kernel/abi -type f ! -path 'user/programs/*') $(wildcard test/grid/*.h) scripts/user-cc
vpath %.c user/programs test/user

# --- goals ---

.PHONY: FORCE all run test check seeded soak bench gdb image doctor deps deps-test deps-newer deps-gdb clean help host fuzz progs objs

all: build/atlas.elf build/atlas.img build/initrd.cpio ## build kernel and programs

run: all $(KERNEL) ## boot QEMU and show the shell (SMP= MEM= MODE= MACHINE= DEBUG=)
	@ATLAS_KERNEL=$(KERNEL) scripts/run $(RUN_ARGS)

test: all host fuzz build/debug/atlas.elf build/lean/atlas.elf | deps-newer ## run every test; the last line counts them
	@test/run

check: host build/atlas.elf | deps-test ## run the tests that need no emulator
	@test/run --host

fuzz: $(FUZZ_PROGS:%=build/host/fuzz_%) ## build the fuzzers; SEED= or TIMES= given, run them: so many times the runs of make test
	$(if $(SEED)$(TIMES),@ATLAS_SEED=$(or $(SEED),1) ATLAS_FUZZ=$(or $(TIMES),1) test/run $(FUZZ_PROGS:%=fuzz_%))

seeded: | deps-test ## plant known bugs in a copy, one by one, and see the tests of the host find them (an hour)
	@test/seeded/run

soak: build/soak/model ## compare with the model for hours, on all cores: OPS= operations (100000000), SEED=, PROCESSES=; the result also in build/soak.txt
	@mkdir -p build/test
	@build/soak/model --soak $(or $(OPS),100000000) --keep build/soak.txt $(if $(SEED),--seed $(SEED)) \
	    $(if $(PROCESSES),--processes $(PROCESSES))

bench: all build/lean/atlas.elf ## instructions per operation, as a table
	@ATLAS_KERNEL=build/lean/atlas.elf scripts/bench

gdb: all $(KERNEL) | deps-gdb ## debug: in one terminal the stopped machine, in a second one gdb
	@ATLAS_KERNEL=$(KERNEL) scripts/gdb/start $(RUN_ARGS)

image: $(if $(BOARD),build/atlas-$(BOARD).img build/atlas-$(BOARD).itb,build/sd.img) ## card image for QEMU's U-Boot; BOARD=: build/atlas-BOARD.img and .itb (FIRMWARE=1)

doctor: ## name every tool, its version, and what is wrong with it
	@scripts/doctor

clean: ## remove everything that was made
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

RUN_ARGS = --machine $(MACHINE) --smp $(SMP) --mem $(MEM) $(if $(MODE),--mode $(MODE))
	

host: $(HOST_PROGS:%=build/host/%)
progs: $(PROGS)
objs: $(KERNEL_SRC:%=build/obj/%.o)

deps:
	@scripts/deps run
# After deps: two installations at a time would fight for apt's lock.
deps-test: deps
	@scripts/deps run test
# What cannot be had is no failure: the tests that want it are skipped, and say why.
deps-newer: deps-test
	@scripts/newer-qemu || [ $$? = 77 ]
deps-gdb: deps
	@scripts/deps gdb

# --- kernel ---

$(CONTRACT)/machine:
	@mkdir -p $(@D)
	@ln -sfn ../../arch/riscv/include/machine $@

# Objects of a kernel in directory $(1), compiled with $(2) besides KFLAGS. The
# file of flags is rewritten only when they change; then all is compiled again.
define kernel_objects
$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$(KFLAGS) $(2)' | cmp -s - $$@ || echo '$(KFLAGS) $(2)' >$$@

$(1)/obj/kernel/%.o:       INC = $(I_KERNEL)
$(1)/obj/kernel/base/%.o:  INC = $(I_BASE)
$(1)/obj/mm/%.o:           INC = $(I_MM)
$(1)/obj/drivers/%.o:      INC = $(I_DRIVERS)
$(1)/obj/arch/riscv/%.o:   INC = $(I_ARCH)
$(1)/obj/test/unit/%.o:    INC = $(I_UNIT)
$(1)/obj/test/boot/%.o:    INC = $(I_BOOT)
# What is not counted in instructions is made small.
$(1)/obj/kernel/shell/%.o $(1)/obj/drivers/%.o $(1)/obj/mm/vm_check%.o $(1)/obj/mm/vm_print.o: OPT = -Os

$(1)/obj/%.o: % $(1)/flags | $(CONTRACT)/machine deps
	@mkdir -p $$(@D)
	@echo "  KCC     $$<$(if $(2), ($(2)))"
	@$$(KCC) $$(KFLAGS) $(2) $$(OPT) $$(INC) -MMD -MP -c $$< -o $$@
endef
$(eval $(call kernel_objects,build,))
$(eval $(call kernel_objects,build/debug,-DATLAS_DEBUG=1))

# Three links give the kernel a table of its own functions: the first without
# one, the second to learn where a table of that size moves things, the third
# with the right one. Nothing moves between the last two; gen-symtab --verify
# proves it.
KLD = $(KCC) $(KLDFLAGS) -T $(LDS) $(filter %.o,$^) $(@D)/ksym$(1).o -Wl$(,)-Map=$(@D)/atlas.map -o $(@D)/atlas$(1).elf
KAS = $(KCC) $(KARCH) -c $(@D)/ksym$(1).S -o $(@D)/ksym$(1).o
, := ,

# The kernel in directory $(1), of the objects $(2).
define kernel_link
$(1)/atlas.elf: $(2) $(LDS) scripts/gen-symtab scripts/check-elf
	@echo "  LINK    $$@"
	@mkdir -p $$(@D)
	@scripts/gen-symtab --empty $$(@D)/ksym0.S
	@$$(call KAS,0)
	@$$(call KLD,0)
	@scripts/gen-symtab $$(@D)/atlas0.elf $$(@D)/ksym1.S
	@$$(call KAS,1)
	@$$(call KLD,1)
	@scripts/gen-symtab $$(@D)/atlas1.elf $$(@D)/ksym2.S
	@$$(call KAS,2)
	@$$(call KLD,2)
	@scripts/gen-symtab --verify $$(@D)/atlas2.elf $$(@D)/ksym2.S
	@scripts/check-elf $$(@D)/atlas2.elf
	@mv $$(@D)/atlas2.elf $$@

$(1)/atlas.img: $(1)/atlas.elf
	@$(CROSS)objcopy -O binary $$< $$@
endef
$(eval $(call kernel_link,build,$(KERNEL_SRC:%=build/obj/%.o)))
$(eval $(call kernel_link,build/debug,$(KERNEL_SRC:%=build/debug/obj/%.o)))
$(eval $(call kernel_link,build/lean,$(LEAN_SRC:%=build/obj/%.o)))

# --- programs for U-mode ---

build/user/%: %.c $(PROG_DEP) | deps
	@echo "  USER    $<"
	@scripts/user-cc -O2 -Wl,-S $(UWARN) $< -o $@

build/initrd.cpio: $(PROGS) scripts/mkinitrd | deps
	@mkdir -p $(@D)
	@scripts/mkinitrd $@ $(PROGS)

# --- images for boards: the same kernel in each ---

IMAGE     = scripts/image --kernel build/atlas.img --initrd build/initrd.cpio
IMAGE_DEP := build/atlas.img build/initrd.cpio scripts/image $(shell find boards -type f ! -name README.md)

build/sd.img: $(IMAGE_DEP) | deps-test
	@$(IMAGE) $@

# With firmware or without, the name is the same: the last one asked for.
build/firmware/asked: FORCE
	@mkdir -p $(@D)
	@echo '$(FIRMWARE)' | cmp -s - $@ || echo '$(FIRMWARE)' >$@

build/firmware/%/version: scripts/firmware boards/%/card | deps-test
	@scripts/firmware $* $(@D)

build/atlas-%.img: $(IMAGE_DEP) build/firmware/asked $(if $(FIRMWARE),build/firmware/$(BOARD)/version) | deps-test
	@$(IMAGE) --board $* $(if $(FIRMWARE),--firmware build/firmware/$*) $@

build/atlas-%.itb: $(IMAGE_DEP) | deps-test
	@$(IMAGE) --board $* $@

# --- programs for the host ---

HINC = -Itest/host/include $(I_UNIT) -Iarch/riscv/include -Itest/host

build/host/obj/%.c.o: %.c build/host/flags | $(CONTRACT)/machine deps-test
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(HFLAGS) $(SAN) $(HINC) -MMD -MP -c $< -o $@

build/host/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(HFLAGS) $(SAN)' | cmp -s - $@ || echo '$(HFLAGS) $(SAN)' >$@

# The model again, without sanitizers: for many operations.
SOAKFLAGS := -std=gnu11 -O3 -march=native -g -fno-strict-aliasing -DATLAS_DEBUG=1 $(WARN)

build/soak/obj/%.c.o: %.c build/host/flags | $(CONTRACT)/machine deps-test
	@mkdir -p $(@D)
	@echo "  SOAKCC  $<"
	@$(HOSTCC) $(SOAKFLAGS) $(HINC) -MMD -MP -c $< -o $@

build/soak/model: $(HOST_model:%=build/soak/obj/%.o)
	@echo "  SOAKLD  $@"
	@$(HOSTCC) $^ $(HOST_LIBS) -o $@

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

# This one judges by the model.
build/host/fuzz_map: $(patsubst %,build/fuzz/obj/%.o,$(wildcard test/model/driver*.c test/model/model*.c))

build/host/fuzz_%: build/fuzz/obj/test/fuzz/%.c.o $(HOST_LIB:%=build/fuzz/obj/%.o)
	@echo "  FUZZLD  $@"
	@$(FUZZCC) -fsanitize=fuzzer,address,undefined $^ $(HOST_LIBS) -o $@

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
