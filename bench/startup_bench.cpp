// The program as a whole process: from fork to exit, output thrown away. cpu_ms is the processor time of the
// child, which a busy machine does not stretch.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace memwall {
namespace {

// Exit status; -1 if the program could not be started.
int run_program(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MEMWALL_PROGRAM);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int error = posix_spawn(&process, MEMWALL_PROGRAM, &quiet, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  if (error != 0 || waitpid(process, &status, 0) != process || !WIFEXITED(status)) {
    return -1;
  }
  return WEXITSTATUS(status);
}

double children_cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto ms = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

void whole_process(benchmark::State& state, const std::vector<std::string>& arguments) {
  const double before = children_cpu_ms();
  for (auto iteration : state) {
    if (run_program(arguments) != 0) {
      state.SkipWithError("memwall failed");
      return;
    }
  }
  state.counters["cpu_ms"] =
      benchmark::Counter(children_cpu_ms() - before, benchmark::Counter::kAvgIterations);
}
BENCHMARK_CAPTURE(whole_process, version, {"--version"})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_process, list, {"list"})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_process, step,
                  {"step", "--model", "llama-3.1-70b", "--system", "8xh100", "--decode", "64@4096"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace memwall
