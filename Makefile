# SPDX-License-Identifier: GPL-2.0-only

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
export PREFIX

# Kernels and tools that the tests use; selftests/vm/setup fills it.
BULKHEAD_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bulkhead
export BULKHEAD_CACHE

kernel_release = $(shell cat $(KDIR)/include/config/kernel.release)

##   all               module, controller and agent (the default)
all: module ctl guest

##   module            bulkhead.ko, for the kernel whose build folder is KDIR
module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

##   ctl               the controller, ctl/bulkhead
##   guest             the agent, guest/bulkhead-agent
ctl guest:
	$(MAKE) -C $@

##   modules_install   put the module under DESTDIR where modprobe finds it
modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(if $(DESTDIR),,depmod $(kernel_release))

##   install           put controller, agent, image builder, udev rule and podman's configuration
##                     under DESTDIR and PREFIX
install: ctl guest
	install -D -m 755 ctl/bulkhead $(DESTDIR)$(PREFIX)/bin/bulkhead
	ln -sfn bulkhead $(DESTDIR)$(PREFIX)/bin/bulkhead-process
	install -D -m 755 guest/bulkhead-agent $(DESTDIR)$(PREFIX)/lib/bulkhead/agent
	install -m 755 guest/make-image $(DESTDIR)$(PREFIX)/lib/bulkhead
	install -d $(DESTDIR)$(PREFIX)/lib/udev/rules.d
	echo 'KERNEL=="bulkhead", MODE="0660", GROUP="kvm"' \
		>$(DESTDIR)$(PREFIX)/lib/udev/rules.d/60-bulkhead.rules
	install -d $(DESTDIR)/etc/containers/containers.conf.d
	sed 's|@bin@|$(PREFIX)/bin|' ctl/runtime/containers.conf \
		>$(DESTDIR)/etc/containers/containers.conf.d/bulkhead.conf

##   check             all tests, on a test VM; installs what this takes on Debian 12
check: vm
	@selftests/check

##   check-debug       all tests of the module, on a kernel that looks for faults; takes long
check-debug: setup-debug
	@selftests/vm/build debug
	@selftests/check debug

##   check-engines     podman, containerd, crun's own tests, and the newest guest kernel; takes long
check-engines: setup-engines
	@selftests/vm/build
	@selftests/check engines

##   fuzz              what parses guest memory, with libFuzzer, for some minutes
fuzz: setup
	@$(MAKE) -s -C selftests fuzz

##   demo              a session on a test VM; installs what this takes on Debian 12
demo: vm
	@selftests/vm/boot -- selftests/vm/demo

##   bench             what I/O and containers cost, on a test VM that counts instructions
bench: vm
	@$(MAKE) -s -C bench
	@selftests/vm/boot --icount --timeout 3600 --log build/bench.log -- bench/run

##   lint              checkpatch, sparse, kernel-doc, shellcheck, generated files
lint: setup
	@selftests/lint

##   generate          the netlink policy, headers and documentation from uapi/bulkhead.yaml
generate: setup
	selftests/generate .

##   clean             remove what was built
clean:
	$(MAKE) -C ctl clean
	$(MAKE) -C guest clean
	find . kmod kmod/virtio -maxdepth 1 \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' \) -delete
	rm -rf build Module.symvers modules.order

##   help              this list
help:
	@sed -n 's/^##//p' Makefile

# What the test VM takes: tools and kernels, and the project, built for its kernel.
vm: setup
	@selftests/vm/build

setup:
	@selftests/vm/setup

setup-debug:
	@selftests/vm/setup debug

setup-engines:
	@selftests/vm/setup engines

.PHONY: all module ctl guest modules_install install check check-debug check-engines fuzz demo bench lint generate \
	clean help vm setup setup-debug setup-engines
