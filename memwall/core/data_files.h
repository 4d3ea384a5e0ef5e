// data_files.h - where the cards are: $MEMWALL_DATA, else the source tree or installation the program came
// from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace memwall {

// The folder that holds chips/, systems/, models/ and validation/.
std::filesystem::path data_root();

// Throws ConfigError if the folder does not exist. `kind` is "chips", "systems" or "models".
std::filesystem::path data_folder(const std::string& kind);

// The names of all cards of a kind (file stems), sorted.
std::vector<std::string> card_names(const std::string& kind);

// The file of a card by name; an unknown name is a ConfigError that suggests the nearest ones.
std::filesystem::path card_file(const std::string& kind, const std::string& name);

}  // namespace memwall
