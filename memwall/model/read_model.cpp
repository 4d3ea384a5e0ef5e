#include "memwall/model/read_model.h"

#include <algorithm>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/model/architectures/architecture.h"
#include "memwall/model/weight_formats.h"

namespace memwall {
namespace {

const Architecture& find_architecture(const Fields& config, const std::string& name) {
  std::vector<std::string> known;
  for (const Architecture& architecture : architectures()) {
    if (architecture.name == name) {
      return architecture;
    }
    known.push_back(architecture.name);
  }
  config.fail("model_type", suggest_names(name, known));
}

// "config.json" says nothing: then the folder names the model.
std::string model_name(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  const std::string folder = std::filesystem::absolute(file).parent_path().filename().string();
  return stem == "config" && !folder.empty() ? folder : stem;
}

Model model_of_config(const Document& document, const std::string& name, const ModelOptions& options) {
  Fields config(document);
  config.ignore_rest();  // every release of transformers adds keys
  const std::string type = config.string("model_type");
  const Architecture& architecture = find_architecture(config, type);
  const std::unique_ptr<WeightFormats> formats = read_weight_formats(config, options.weight_format);
  Model model;
  model.name = name;
  model.architecture = type;
  model.source = document.file;
  // Models that also see or hear nest their text model.
  if (config.has("text_config")) {
    Fields text = config.mapping("text_config");
    architecture.build({text, *formats, options.kv_format}, model);
  } else {
    architecture.build({config, *formats, options.kv_format}, model);
  }
  verify(model);
  return model;
}

}  // namespace

Model read_model(const std::string& name_or_path, const ModelOptions& options) {
  const std::filesystem::path path = name_or_path;
  const bool is_path = name_or_path.find('/') != std::string::npos || path.extension() == ".json";
  const std::filesystem::path file = is_path ? path : card_file("models", name_or_path);
  return model_of_config(read_config_file(file), model_name(file), options);
}

std::vector<ArchitectureInfo> known_architectures() {
  std::vector<ArchitectureInfo> list;
  for (const Architecture& architecture : architectures()) {
    list.push_back({architecture.name, architecture.summary});
  }
  return list;
}

}  // namespace memwall
