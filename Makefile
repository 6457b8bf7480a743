# `make` alone lists the targets.
TOPOLOGY ?= topologies/firmware-trio.yaml
MATRIX ?= topologies/quick.matrix.yaml
FUZZTIME ?= 30s
# For what faces the network: see scripts/fuzz.sh.
FUZZTIME_SERVERS ?= 60s
# What tests may not be skipped for want of: see CONTRIBUTING.md.
PXELAB_REQUIRE ?= root,qemu,boot
GO ?= go

PXELAB := bin/pxelab
LINTER := bin/golangci-lint
ACTIONLINT := bin/actionlint
# Else each process with the race detector ends a second late.
GO_TEST := PXELAB_REQUIRE=$(PXELAB_REQUIRE) GORACE=atexit_sleep_ms=20 $(GO) test -race -count=1 -timeout 25m

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps build studio lab-up lab-down lab-status run matrix nightly doctor test test-boot lint fuzz bench bench-boots bench-tftp resilience images clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the packages a lab needs, those that are missing
	@scripts/install-deps.sh
	@scripts/fetch-kernel.sh --optional

build: ## build bin/pxelab, and the inits of the Linux it boots and of its USB stick
	@scripts/fetch-web.sh >/dev/null
	$(GO) build -o $(PXELAB) ./lab/cmd/pxelab
	CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o bin/pxelab-init ./lab/cmd/pxelab-init
	CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o bin/pxelab-stick ./lab/cmd/pxelab-stick

lab-up: deps build ## start a lab and leave it up (TOPOLOGY=file)
	$(PXELAB) up $(TOPOLOGY)

lab-down: build ## stop the lab
	$(PXELAB) down

lab-status: build ## show how the lab's guests are doing
	$(PXELAB) status

run: deps build ## boot a topology's guests, judge them, take everything down (TOPOLOGY=file)
	$(PXELAB) run $(TOPOLOGY)

studio: deps studio-deps build ## watch a boot and step through it, on a page in the browser (TOPOLOGY=file)
	$(PXELAB) studio $(if $(filter file,$(origin TOPOLOGY)),,$(TOPOLOGY))

.PHONY: studio-deps
studio-deps:
	@scripts/install-deps.sh --studio

matrix: deps build ## boot each way of booting once (MATRIX=file MATRIX_FLAGS="--filter bios")
	$(PXELAB) matrix $(MATRIX) $(MATRIX_FLAGS)

nightly: test-deps build ## boot every firmware, card and way of booting (MATRIX_FLAGS=...)
	$(PXELAB) matrix topologies/nightly.matrix.yaml $(MATRIX_FLAGS)

doctor: build ## check this host
	$(PXELAB) doctor

# What boots guests in warped time wants the cores for itself; the rest waits more than it computes, so that four packages go at once.
BOOTING := /images$$|/lab/(guest|host|labtest|payload)|/tests/(boot|cli|lessons|scaleout)$$

# The linter is built while packages are installed.
test: ## lint, and run all tests: real boots too, with the race detector
	@$(MAKE) $(LINTER) $(ACTIONLINT) & built=$$!; $(MAKE) test-deps && wait $$built
	@$(MAKE) lint
	$(GO_TEST) -p 4 $$($(GO) list ./... | grep -vE '$(BOOTING)')
	$(GO_TEST) -p 2 $$($(GO) list ./... | grep -E '$(BOOTING)' | grep -vE '/lab/labtest|/tests/boot')
	$(GO_TEST) ./lab/labtest
	$(GO_TEST) ./tests/boot

test-boot: deps ## run the boot tests alone
	$(GO_TEST) ./tests/boot/...

.PHONY: test-deps
test-deps:
	@scripts/install-deps.sh --test
	@scripts/fetch-kernel.sh
	@scripts/fetch-server.sh tftpd-hpa in.tftpd >/dev/null
	@scripts/fetch-server.sh nginx nginx >/dev/null
	@scripts/fetch-server.sh openssh-server sshd >/dev/null
	@scripts/fetch-gitlab-ci-local.sh >/dev/null
	@scripts/fetch-web.sh >/dev/null

lint: $(LINTER) $(ACTIONLINT) ## check the code's form and its import law
	$(LINTER) run
	$(ACTIONLINT) docs/ci/github-actions.yml
	shellcheck scripts/*.sh .ci/run

# The linter is a module of its own, so that its two hundred dependencies are not ours. Built once: 2 min.
$(LINTER): tools/go.mod tools/go.sum
	cd tools && $(GO) build -ldflags='-s -w' -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(ACTIONLINT): tools/actionlint/go.mod tools/actionlint/go.sum
	cd tools/actionlint && $(GO) build -ldflags='-s -w' -o ../../$@ github.com/rhysd/actionlint/cmd/actionlint

resilience: deps build ## boot every firmware under losses, delays and restarts: the table of docs/firmware-resilience.md
	$(GO) run ./tests/resilience $(RESILIENCE)

fuzz: ## fuzz every parser and server, four at a time (FUZZTIME=30s FUZZTIME_SERVERS=60s each)
	scripts/fuzz.sh $(FUZZTIME) $(FUZZTIME_SERVERS)

bench: deps build ## measure boots beside raw QEMU's (BENCH="-n 5")
	$(GO) run ./tests/bench $(BENCH)

bench-boots: deps build ## measure boots a minute: raw QEMU, the matrix in real time, under warp, from snapshots (BOOTS=40 rounds of four)
	$(GO) run ./tests/bench -boots $(or $(BOOTS),40)

bench-tftp: build ## measure our TFTP server beside tftpd-hpa and dnsmasq (BENCH_TFTP="-n 9")
	$(GO) run ./tests/tftpbench -tftpd-hpa "$$(scripts/fetch-server.sh tftpd-hpa in.tftpd)" $(BENCH_TFTP)

images: ## build the boot programs again from their sources
	scripts/build-images.sh

clean: ## remove what was built
	rm -rf bin
