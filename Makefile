# make demo    race real models over every system: a table here, a page in out/race.html
# make test    build and run every test
# make check   what runs before a change lands: format, lint, tests, sanitizers, fuzzing
# make clean   forget all builds
#
# Each begins by installing what is missing from Debian's packages (as root or with sudo).

RACE := --model llama-3.1-70b --model gpt-oss-120b --prompt 4096 --output 512 --batch 8
JOBS := $(shell nproc)

.PHONY: demo test check clean setup
.SILENT:

demo: setup build/release/build.ninja
	cmake --build build/release
	mkdir -p out
	build/release/memwall race $(RACE) --page out/race.html

test: setup build/test/build.ninja
	cmake --build build/test
	ctest --test-dir build/test --output-on-failure --progress -j $(JOBS)

check:
	.ci/run

clean:
	rm -rf build out

setup:
	tools/setup.sh

build/%/build.ninja: CMakePresets.json | setup
	mkdir -p build
	cmake --preset $* >build/$*.log
	touch $@
