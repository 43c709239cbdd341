// Touch and look: hashes, the two tables, and commits.
#include "memory/memory.h"

#include <sys/random.h>

#include "base/check.h"

namespace catenary::memory {
namespace {

HashKeys random_keys() noexcept {
  HashKeys k;
  CATENARY_CHECK(::getrandom(k.words.data(), sizeof k.words, 0) == static_cast<ssize_t>(sizeof k.words));
  return k;
}

template <class Slot>
Recollection recall(const Slot* s, Micros since) noexcept {
  if (s == nullptr) return {.since = since};
  return {s->first, s->last, s->count, s->days_seen(), s->since};
}

}  // namespace

Memory::Memory(const Options& options)
    : options_(options),
      keys_(options.has_keys ? options.keys : random_keys()),
      image_{.keys = Keys(std::max(options.budget_bytes, kBudgetBytesMin) / 2, !options.dir.empty()),
             .pairs = Pairs(std::max(options.budget_bytes, kBudgetBytesMin) / 2, !options.dir.empty())} {}

std::string Memory::open() {
  if (options_.dir.empty()) return "";
  std::string error = journal_.open(options_.dir, options_.position, image_, keys_);
  if (!error.empty()) return error;
  // Cut off on purpose is a position; ending up at another one means that somebody took files away.
  if (options_.position != kNewest && image_.position != options_.position) {
    return options_.dir + ": stands at position " + std::to_string(image_.position) + ", not " +
           std::to_string(options_.position);
  }
  image_.keys.fit();
  image_.pairs.fit();
  return "";
}

// Both halves in one pass: the two chains of the hash do not wait for each other.
KeyHash Memory::key_hash(std::uint8_t space, std::string_view key) const noexcept {
  SipHasher a(keys_.first()), b(keys_.second());
  const std::uint64_t top = static_cast<std::uint64_t>(space) << 48;
  std::size_t i = 0;
  for (; i + 8 <= key.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, key.data() + i, 8);
    a.word(w);
    b.word(w);
  }
  std::uint64_t last = 0;
  for (std::size_t k = 0; i + k < key.size(); k++) {
    last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(key[i + k])) << (8 * k);
  }
  a.word(last);
  b.word(last);
  const std::uint64_t end = top | (key.size() & 0xffffffff);
  return {a.finish(end), b.finish(end)};
}

std::uint64_t Memory::host_hash(std::string_view host) const noexcept { return siphash(keys_.first(), as_bytes(host)); }

KeyHash Memory::pair_hash(KeyHash key, std::uint64_t host) const noexcept {
  SipHasher a(keys_.first()), b(keys_.second());
  for (const std::uint64_t w : {key.h0, key.h1, host}) {
    a.word(w);
    b.word(w);
  }
  return {a.finish(24), b.finish(24)};
}

void Memory::touch(std::uint8_t space, std::string_view key, Micros at) {
  begin(at);
  image_.keys.claim(key_hash(space, key), image_.start).touch(at);
}

void Memory::touch(std::uint8_t space, std::string_view key, Micros at, std::string_view host) {
  begin(at);
  const KeyHash kh = key_hash(space, key);
  image_.keys.prefetch(kh);
  const std::uint64_t hh = host_hash(host);
  const KeyHash ph = pair_hash(kh, hh);
  image_.pairs.prefetch(ph);
  KeySlot& slot = image_.keys.claim(kh, image_.start);
  slot.touch(at);
  slot.touch_host(hh, at);
  image_.pairs.claim(ph, image_.start).touch(at);
}

Recollection Memory::look(std::uint8_t space, std::string_view key) const noexcept {
  const KeyHash h = key_hash(space, key);
  return recall(image_.keys.find(h), image_.keys.since(h, image_.start));
}

Recollection Memory::look(std::uint8_t space, std::string_view key, std::string_view host) const noexcept {
  const KeyHash h = pair_hash(key_hash(space, key), host_hash(host));
  return recall(image_.pairs.find(h), image_.pairs.since(h, image_.start));
}

std::uint32_t Memory::prevalence(std::uint8_t space, std::string_view key, std::uint32_t days,
                                 Micros at) const noexcept {
  const KeySlot* s = image_.keys.find(key_hash(space, key));
  return s == nullptr ? 0 : s->prevalence(std::clamp<std::uint32_t>(days, 1, kDaysMax), at);
}

std::string Memory::commit(std::uint64_t position) {
  if (options_.dir.empty()) {
    image_.position = position;
    return "";
  }
  const std::uint64_t before = image_.position;
  if (position <= before) return options_.dir + ": position " + std::to_string(position) + " is not a new one";
  image_.position = position;
  std::string error = journal_.commit(image_, keys_);
  if (!error.empty()) {
    image_.position = before;
    return error;
  }
  image_.keys.forget_changes();
  image_.pairs.forget_changes();
  return "";
}

}  // namespace catenary::memory
