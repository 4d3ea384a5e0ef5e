// registry.h - components by name. A plain object, filled explicitly by one builtin_*.cpp per kind.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {

template <class Interface>
class Registry {
 public:
  using Maker = std::function<std::unique_ptr<Interface>()>;
  struct Entry {
    std::string name, summary;
    Maker make;
  };

  explicit Registry(std::string kind) : kind_(std::move(kind)) {}  // "processor family", for messages

  // A duplicate name is a bug in the program.
  void add(std::string name, std::string summary, Maker make) {
    for (const Entry& entry : entries_) {
      if (entry.name == name) {
        throw std::logic_error("[registry] duplicate " + kind_ + " '" + name + "'");
      }
    }
    entries_.push_back({std::move(name), std::move(summary), std::move(make)});
  }

  // Throws ConfigError with the nearest known names.
  const Entry& find(const std::string& name) const {
    std::vector<std::string> known;
    for (const Entry& entry : entries_) {
      if (entry.name == name) {
        return entry;
      }
      known.push_back(entry.name);
    }
    throw ConfigError(kind_, quoted(name), suggest_names(name, known));
  }

  const std::vector<Entry>& list() const { return entries_; }

 private:
  std::string kind_;
  std::vector<Entry> entries_;
};

}  // namespace memwall
