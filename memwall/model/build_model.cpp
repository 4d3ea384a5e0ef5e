#include "memwall/model/build_model.h"

#include "memwall/core/names.h"
#include "memwall/model/architectures/architecture.h"

namespace memwall {
namespace {

const Architecture& find_architecture(Fields& config) {
  const std::string name = config.string("model_type");
  std::vector<std::string> known;
  for (const Architecture& architecture : architectures()) {
    if (architecture.name == name) {
      return architecture;
    }
    known.push_back(architecture.name);
  }
  config.fail("model_type", suggest_names(name, known));
}

}  // namespace

Model model_of_config(const Document& document, const WeightFormats& formats, const std::string& name,
                      const ModelOptions& options) {
  Fields config(document);
  const Architecture& architecture = find_architecture(config);
  Model model;
  model.name = name;
  model.architecture = architecture.name;
  model.source = document.file;
  // Models that also see or hear nest their text model. Keys that no builder asks for are not refused: every
  // release of transformers adds some.
  Fields text = config.has("text_config") ? config.mapping("text_config") : config;
  architecture.build({text, formats, options.kv_format}, model);
  verify(model);
  return model;
}

Model model_of_config(const Document& document, const std::string& name, const ModelOptions& options) {
  Fields config(document);
  find_architecture(config);  // an unknown one is the first thing to say
  return model_of_config(document, *read_weight_formats(config, options.weight_format), name, options);
}

std::vector<ArchitectureInfo> known_architectures() {
  std::vector<ArchitectureInfo> list;
  for (const Architecture& architecture : architectures()) {
    list.push_back({architecture.name, architecture.summary});
  }
  return list;
}

}  // namespace memwall
