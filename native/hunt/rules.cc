#include "hunt/rules.h"

#include "hunt/hunt.h"

#ifdef CATENARY_YARA
#include <yara.h>
#endif

namespace catenary::hunt {

#ifdef CATENARY_YARA

bool has_yara() noexcept { return true; }

struct Rules::Impl {
  YR_RULES* rules = nullptr;
};

namespace {

struct Scan {
  YR_RULES* rules;
  const Rules::Found& found;
};

int on_message(YR_SCAN_CONTEXT* context, int message, void* data, void* user) {
  if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
  const auto* rule = static_cast<YR_RULE*>(data);
  // The string that ends last: with it the rule is complete.
  std::int64_t offset = 0, length = 0;
  YR_STRING* string = nullptr;
  yr_rule_strings_foreach(rule, string) {
    YR_MATCH* match = nullptr;
    yr_string_matches_foreach(context, string, match) {
      if (match->offset + match->match_length < offset + length) continue;
      offset = match->offset;
      length = match->match_length;
    }
  }
  static_cast<const Scan*>(user)->found(rule->identifier, static_cast<std::size_t>(offset),
                                        static_cast<std::size_t>(length));
  return CALLBACK_CONTINUE;
}

void on_compile_error(int level, const char*, int line, const YR_RULE*, const char* message, void* user) {
  auto& error = *static_cast<std::string*>(user);
  if (level == YARA_ERROR_LEVEL_ERROR && error.empty()) error = "line " + std::to_string(line) + ": " + message;
}

}  // namespace

Rules::Rules(const std::string& text, std::string& error) : impl_(std::make_unique<Impl>()) {
  YR_COMPILER* compiler = nullptr;
  if (yr_initialize() != ERROR_SUCCESS || yr_compiler_create(&compiler) != ERROR_SUCCESS) {
    error = "libyara does not start";
    return;
  }
  yr_compiler_set_callback(compiler, on_compile_error, &error);
  // Rules come from a person's file, and are given no way to read others.
  yr_compiler_set_include_callback(compiler, nullptr, nullptr, nullptr);
  if (yr_compiler_add_string(compiler, text.c_str(), nullptr) > 0) {
    if (error.empty()) error = "means nothing to libyara";
  } else if (yr_compiler_get_rules(compiler, &impl_->rules) != ERROR_SUCCESS) {
    error = "no memory for the rules";
  }
  yr_compiler_destroy(compiler);
}

Rules::~Rules() {
  if (impl_->rules) yr_rules_destroy(impl_->rules);
  yr_finalize();
}

bool Rules::scan(Bytes window, const Found& found) {
  Scan scan{impl_->rules, found};
  return yr_rules_scan_mem(impl_->rules, window.data(), window.size(), SCAN_FLAGS_REPORT_RULES_MATCHING, on_message,
                           &scan, kRulesSeconds) == ERROR_SUCCESS;
}

#else

bool has_yara() noexcept { return false; }

struct Rules::Impl {};

Rules::Rules(const std::string&, std::string& error) { error = "this build has no YARA: libyara-dev was not there"; }
Rules::~Rules() = default;
bool Rules::scan(Bytes, const Found&) { return false; }

#endif

}  // namespace catenary::hunt
