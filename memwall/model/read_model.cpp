#include "memwall/model/read_model.h"

#include <algorithm>
#include <set>

#include "memwall/core/data_files.h"
#include "memwall/model/build_model.h"
#include "memwall/model/checkpoint.h"
#include "memwall/model/gguf_model.h"

namespace memwall {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = ".safetensors.index.json", kTensors = ".safetensors";

// "config.json" and "model.safetensors" say nothing: then the folder names the model.
std::string model_name(const fs::path& file) {
  const std::string stem = file.stem().string();
  const std::string folder = fs::absolute(file).parent_path().filename().string();
  const bool is_generic =
      stem == "config" || file.string().ends_with(kIndex) || file.string().ends_with(kTensors);
  return is_generic && !folder.empty() ? folder : stem;
}

Model read_config(const fs::path& file, const ModelOptions& options) {
  return model_of_config(read_config_file(file), model_name(file), options);
}

Model read_sharded(const fs::path& file, const ModelOptions& options) {
  Model model = read_config(file.parent_path() / "config.json", options);
  const SafetensorsIndex index = parse_safetensors_index(read_text_file(file), file.string());
  if (options.weight_format) {
    return model;  // the file's own formats are not the model's
  }
  check_index(index, model);
  std::set<std::string> shards;
  for (const SafetensorsIndex::Entry& entry : index.entries) {
    shards.insert(entry.shard);
  }
  std::vector<SafetensorsHeader> headers;
  for (const std::string& shard : shards) {
    if (fs::exists(file.parent_path() / shard)) {
      headers.push_back(read_safetensors_header(file.parent_path() / shard));
    }
  }
  if (headers.size() == shards.size()) {
    check_tensors(headers, model);
  }
  return model;
}

Model read_single(const fs::path& file, const ModelOptions& options) {
  Model model = read_config(file.parent_path() / "config.json", options);
  const SafetensorsHeader header = read_safetensors_header(file);
  if (!options.weight_format) {
    check_tensors({header}, model);
  }
  return model;
}

// The file of a folder that describes its model: an index, a lone weight file, or config.json.
fs::path file_of_folder(const fs::path& folder) {
  std::vector<fs::path> found[3];
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kIndex)) {
      found[0].push_back(entry.path());
    } else if (name.ends_with(kTensors) || name.ends_with(".gguf")) {
      found[1].push_back(entry.path());
    } else if (name == "config.json") {
      found[2].push_back(entry.path());
    }
  }
  for (const std::vector<fs::path>& files : found) {
    if (files.size() == 1) {
      return files.front();
    }
  }
  throw ConfigError(Location{folder.string()}, "", "a folder without one of them",
                    "config.json, one .gguf file, or one .safetensors file or index with its config.json");
}

}  // namespace

Model read_model(const std::string& name_or_path, const ModelOptions& options) {
  fs::path path = name_or_path;
  const bool is_path = name_or_path.find('/') != std::string::npos || path.extension() == ".json" ||
                       path.extension() == ".gguf" || path.extension() == kTensors;
  if (!is_path) {
    return read_config(card_file("models", name_or_path), options);
  }
  std::error_code error;
  if (fs::is_directory(path, error)) {
    path = file_of_folder(path);
  }
  const std::string name = path.filename().string();
  if (name.ends_with(kIndex)) {
    return read_sharded(path, options);
  }
  if (name.ends_with(kTensors)) {
    return read_single(path, options);
  }
  if (name.ends_with(".gguf")) {
    return model_of_gguf(read_gguf_header(path), model_name(path), options);
  }
  return read_config(path, options);
}

}  // namespace memwall
