#include "tests/golden/run_program.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace memwall {
namespace {

namespace fs = std::filesystem;

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

Sandbox::Sandbox() {
  std::string name = (fs::temp_directory_path() / "memwall-golden-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("no temporary folder");
  }
  root_ = name;
  fs::create_directories(root_ / "bin");
  fs::create_directories(root_ / "work");
  fs::create_symlink(MEMWALL_PROGRAM, root_ / "bin" / "memwall");
}

Sandbox::~Sandbox() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Sandbox::Result Sandbox::run(const std::string& shell_command) const {
  const std::string output = (root_ / "output").string(), errors = (root_ / "errors").string();
  const std::string command = "cd '" + (root_ / "work").string() + "' && PATH='" + (root_ / "bin").string() +
                              "':$PATH && CHIPS='" MEMWALL_SOURCE_DIR "/chips' && { " + shell_command +
                              "\n} >'" + output + "' 2>'" + errors + "'";
  Result result;
  result.status = exit_status(std::system(command.c_str()));
  result.output = content_of(output);
  result.errors = content_of(errors);
  return result;
}

Sandbox::Result Sandbox::run_on_terminal(const std::string& shell_command,
                                         const std::string& environment) const {
  const std::string command = "cd '" + (root_ / "work").string() + "' && PATH='" + (root_ / "bin").string() +
                              "':$PATH && export TERM=xterm " + environment + " && " + shell_command;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child < 0) {
    throw std::runtime_error("no terminal");
  }
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  Result result;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(terminal, buffer, sizeof buffer)) > 0;) {
    result.output.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(terminal);
  int wait_status = 0;
  ::waitpid(child, &wait_status, 0);
  result.status = exit_status(wait_status);
  return result;
}

void Sandbox::write(const std::string& name, const std::string& content) const {
  const fs::path path = root_ / "work" / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::string Sandbox::read(const std::string& name) const { return content_of(root_ / "work" / name); }

std::vector<std::string> Sandbox::files() const {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_ / "work")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Colour and progress belong on a terminal and nowhere else.

constexpr const char* kRace = "memwall race --model llama-3.1-8b --systems hgx-h100,hgx-h200";

TEST(Terminal, ColourOnATerminalOnly) {
  const Sandbox sandbox;
  EXPECT_THAT(sandbox.run_on_terminal(kRace, "NO_COLOR=").output, testing::HasSubstr("\x1b[34m\u2588"));
  const std::string plain = sandbox.run_on_terminal(kRace, "NO_COLOR=1").output;
  EXPECT_THAT(plain, testing::Not(testing::HasSubstr("\x1b[3")));
  EXPECT_THAT(plain, testing::HasSubstr("WWW"));
  EXPECT_THAT(sandbox.run_on_terminal(kRace, "TERM=dumb").output, testing::HasSubstr("WWW"));
  EXPECT_THAT(sandbox.run(kRace).output, testing::Not(testing::HasSubstr("\x1b")));
}

TEST(Terminal, ProgressOnATerminalOnly) {
  const Sandbox sandbox;
  EXPECT_THAT(sandbox.run_on_terminal(kRace, "NO_COLOR=1").output,
              testing::HasSubstr("[2/2] hgx-h200: llama-3.1-8b"));
  EXPECT_THAT(sandbox.run_on_terminal(std::string(kRace) + " --progress never", "NO_COLOR=1").output,
              testing::Not(testing::HasSubstr("[2/2]")));
  EXPECT_EQ(sandbox.run(kRace).errors, "");
  EXPECT_THAT(sandbox.run(std::string(kRace) + " --progress always").errors, testing::HasSubstr("[2/2]"));
}

TEST(Terminal, TheSameBytesOnEveryRun) {
  const Sandbox sandbox;
  const std::string race = std::string(kRace) + " --json --page page.html";
  const std::string first = sandbox.run(race).output;
  const std::string page = sandbox.read("page.html");
  EXPECT_EQ(sandbox.run(race).output, first);
  EXPECT_EQ(sandbox.read("page.html"), page);
  EXPECT_FALSE(page.empty());
}

// An output that takes no more is an error, not a truncated result that looks whole.
TEST(Terminal, FullOutputIsAnError) {
  const Sandbox sandbox;
  const Sandbox::Result result = sandbox.run("memwall list models >/dev/full");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.errors,
            "memwall: standard output: found an output that takes no more, expected room for the result\n");
}

}  // namespace memwall
