// SPDX-License-Identifier: Apache-2.0
// Opens packages and models alike. Takes a path and options; gives a LoadedModel.
// Keeps true: a single level is loaded, so what runs is what --target named.
#include "compiler/cli/open_any.h"

#include "compiler/cli/command.h"
#include "compiler/cli/model_io.h"
#include "compiler/package/package.h"

namespace mintor {

LoadOptions load_options(const Options& options) {
  LoadOptions load;
  load.threads = threads_of(options);
  return load;
}

std::unique_ptr<LoadedModel> open_any(CompileContext& context, const std::string& path,
                                      mt_profile profile, void* profile_data) {
  LoadOptions load = load_options(context.options);
  load.profile = profile;
  load.profile_data = profile_data;
  check_one_level(context.options);
  if (is_package_folder(path)) {
    refuse_options(context.options, {"target", "threads"},
                   "says how to compile, and a package is compiled already; give the model's file");
    const std::vector<std::string> wanted = split_list(context.options.target, ',');
    if (!wanted.empty() && wanted[0] != "native") load.level = wanted[0];
    return open_package(path, load);
  }
  std::vector<Graph> entries = load_entries(context, path);
  return jit(context, entries, levels_of(context, DefaultLevels::native), load);
}

}  // namespace mintor
