// Any bytes as a card: a tree whose numbers and quantities read, or a ConfigError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"

namespace {

// Asks for every key as everything it could be.
void read_all(memwall::Fields fields) {
  for (const std::string& key : fields.keys()) {
    const auto attempt = [&](auto&& call) {
      try {
        call();
      } catch (const memwall::ConfigError&) {
      }
    };
    attempt([&] { fields.integer(key); });
    attempt([&] { fields.number(key, -1, 1); });
    attempt([&] { fields.boolean_or(key, false); });
    attempt([&] { fields.quantity<memwall::BytesPerSecond>(key); });
    attempt([&] { fields.strings(key); });
    attempt([&] { read_all(fields.mapping(key)); });
  }
  fields.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const memwall::Document document = memwall::parse_yaml(text, "fuzz.yaml");
    read_all(memwall::Fields(document));
  } catch (const memwall::ConfigError&) {
  }
  return 0;
}
