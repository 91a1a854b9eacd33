// SPDX-License-Identifier: Apache-2.0
// The texts of a package that are made from its description: header, build files, README, list of
// cases, manifest. Takes PackageContents; gives one text per function. Keeps true: names from a
// model file cannot leave the comment, table or string that they are printed in.
#pragma once

#include <map>
#include <string>

#include "compiler/package/package.h"

namespace mintor {

// "in_0_x.npy": role, position and the letters of the name that are safe in a file name.
std::string case_file(const char* role, size_t position, const std::string& name);
size_t position_of(const std::vector<PackageTensor>& tensors, const std::string& name);

std::string header_text(const PackageContents& contents);
std::string makefile_text(const PackageContents& contents);
std::string cmake_text(const PackageContents& contents);
// src/weights.cpp, which holds weights.bin.
PackageUnit weights_unit(const PackageContents& contents);
std::string readme_text(const PackageContents& contents);
std::string cases_text(const PackageContents& contents);
// A template of compiler/package/templates with name, version and number of tensors filled in.
std::string filled_template(const PackageContents& contents, const char* file);
// `files`: path -> SHA-256 of everything else in the folder.
std::string manifest_text(const PackageContents& contents,
                          const std::map<std::string, std::string>& files);
std::string npy_header(const Tensor& tensor);

}  // namespace mintor
