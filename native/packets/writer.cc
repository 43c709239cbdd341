#include "packets/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"

namespace catenary::packets {
namespace {

// Eight digits, so that names sort as numbers do.
std::string number(std::uint32_t v) {
  std::string digits = std::to_string(v);
  return digits.size() < 8 ? std::string(8 - digits.size(), '0') + digits : digits;
}
std::string stem_of(const Segment& s) { return number(s.epoch) + "-" + number(s.n); }
std::string part_of(const Segment& s) { return "." + stem_of(s) + ".part"; }

std::string reason(int error) { return std::generic_category().message(error); }

bool write_all(int fd, const std::uint8_t* at, std::size_t left) {
  while (left > 0) {
    const ssize_t n = ::write(fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    left -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::string segment_name(std::uint32_t epoch, std::uint32_t n) { return number(epoch) + "-" + number(n) + ".pcapng"; }

Writer::Writer(WriterOptions options) : options_(std::move(options)), next_n_(options_.first_n) {
  options_.segment_bytes = std::clamp(options_.segment_bytes, kSegmentBytesMin, kSegmentBytesMax);
  options_.segment_time = std::max<Nanos>(options_.segment_time, 1);
  options_.index_places_max = std::max(options_.index_places_max, kFlowsPerPacketMax);
  buffer_.reserve(kBufferBytes + kBlockBytesMax);
  interfaces_.reserve(kInterfacesMax);
  dir_fd_ = ::open(options_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd_ < 0) dir_error_ = options_.dir + ": " + reason(errno);
}

Writer::~Writer() {
  finish();
  if (dir_fd_ >= 0) ::close(dir_fd_);
}

bool Writer::is_cut(std::span<const FlowShare> flows) const noexcept {
  if (options_.cutoff_bytes == 0 || flows.empty()) return false;
  for (const FlowShare& f : flows) {
    if (f.bytes_before < options_.cutoff_bytes) return false;
    if (std::binary_search(held_.begin(), held_.end(), f.uid.value)) return false;
  }
  return true;
}

bool Writer::is_over(Nanos now) const noexcept {
  const Nanos most = is_shedding_ ? std::min(options_.segment_time, kShedTime) : options_.segment_time;
  return is_open_ && now - segment_.from >= most;
}

bool Writer::hold(Uid uid) {
  const auto at = std::lower_bound(held_.begin(), held_.end(), uid.value);
  if (at != held_.end() && *at == uid.value) return true;
  if (held_.size() >= kHeldMax) return false;
  held_.insert(at, uid.value);
  return true;
}

void Writer::release(Uid uid) {
  const auto at = std::lower_bound(held_.begin(), held_.end(), uid.value);
  if (at != held_.end() && *at == uid.value) held_.erase(at);
}

void Writer::begin(const capture::RawPacket& raw) {
  segment_ = {};
  segment_.epoch = options_.epoch;
  segment_.n = next_n_++;
  segment_.from = segment_.to = raw.ts;
  is_open_ = true;
  is_shedding_ = false;
  file_bytes_ = buffered_packets_ = 0;
  buffer_.clear();
  places_.clear();
  ends_.clear();
  recent_.fill(0);
  recent_cut_.fill(0);
  interfaces_.clear();
}

bool Writer::open_file() {
  if (dir_fd_ < 0) {
    is_shedding_ = true;
    segment_.error = dir_error_;
    return false;
  }
  fd_ = ::openat(dir_fd_, part_of(segment_).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    fail("cannot be made", errno);
    return false;
  }
  append_section(buffer_, options_.application);
  return true;
}

void Writer::fail(const std::string& what, int error) {
  is_shedding_ = true;
  segment_.error = options_.dir + "/" + part_of(segment_) + ": " + what + ": " + reason(error);
}

// What the system has not taken whole is taken back: the file ends with a whole block.
bool Writer::flush() {
  if (fd_ < 0 || buffer_.empty()) return true;
  if (write_all(fd_, buffer_.data(), buffer_.size())) {
    file_bytes_ += buffer_.size();
    segment_.counters.written += buffered_packets_;
  } else {
    fail("cannot be written", errno);
    segment_.counters.not_kept += buffered_packets_;
    if (::ftruncate(fd_, static_cast<off_t>(file_bytes_)) != 0) fail("cannot be cut back", errno);
    while (!places_.empty() && places_.back().offset >= file_bytes_) places_.pop_back();
  }
  buffer_.clear();
  buffered_packets_ = 0;
  return !is_shedding_;
}

bool Writer::interface_of(int linktype, std::uint32_t& index) {
  for (std::size_t i = 0; i < interfaces_.size(); i++) {
    if (interfaces_[i] != linktype) continue;
    index = static_cast<std::uint32_t>(i);
    return true;
  }
  if (interfaces_.size() >= kInterfacesMax) return false;
  index = static_cast<std::uint32_t>(interfaces_.size());
  interfaces_.push_back(linktype);
  append_interface(buffer_, linktype, options_.snaplen, options_.interface, options_.filter);
  return true;
}

void Writer::packet(const capture::RawPacket& raw, std::span<const FlowShare> flows) {
  if (flows.size() > kFlowsPerPacketMax) flows = flows.last(kFlowsPerPacketMax);
  if (is_over(raw.ts)) end();
  if (!is_open_) begin(raw);
  const bool is_cut_off = is_cut(flows);
  std::uint32_t interface = 0;
  if (!is_cut_off && !is_shedding_) {
    const std::size_t block = packet_block_bytes(raw.data.size());
    const bool is_full = file_bytes_ + buffer_.size() + block > options_.segment_bytes ||
                         places_.size() + std::max<std::size_t>(flows.size(), 1) > options_.index_places_max;
    if (is_full && segment_.counters.written + buffered_packets_ > 0) {
      end();
      begin(raw);
    }
    if (fd_ < 0) open_file();
    if (!is_shedding_ && !interface_of(raw.linktype, interface)) {
      end();
      begin(raw);
      if (open_file()) interface_of(raw.linktype, interface);
    }
  }
  SegmentCounters& c = segment_.counters;
  c.taken++;
  c.decoded++;
  segment_.from = std::min(segment_.from, raw.ts);
  segment_.to = std::max(segment_.to, raw.ts);
  if (is_cut_off) {
    c.cutoff++;
    for (const FlowShare& f : flows) note(f, true);
  } else if (is_shedding_ || raw.data.size() > capture::kPacketBytesMax) {
    c.not_kept++;
  } else {
    write(raw, flows, interface);
  }
}

void Writer::note(const FlowShare& flow, bool is_cut) {
  std::uint64_t& recent = (is_cut ? recent_cut_ : recent_)[flow.uid.value % kRecentFlows];
  if (recent == flow.uid.value) return;
  recent = flow.uid.value;
  // Packets that are cut off take no place: of more flows than this it is said of all that they may have been.
  if (ends_.size() < 2 * options_.index_places_max)
    ends_.push_back({flow.uid.value, flow.addresses, flow.ports, is_cut});
  else if (is_cut && ends_.back().flow != 0)
    ends_.push_back({0, {}, {}, true});
}

void Writer::write(const capture::RawPacket& raw, std::span<const FlowShare> flows, std::uint32_t interface) {
  const std::size_t block = packet_block_bytes(raw.data.size());
  const auto offset = static_cast<std::uint32_t>(file_bytes_ + buffer_.size());
  const auto bytes = static_cast<std::uint32_t>(block);
  if (flows.empty()) places_.push_back({0, raw.ts, offset, bytes});
  for (const FlowShare& f : flows) {
    places_.push_back({f.uid.value, raw.ts, offset, bytes});
    note(f, false);
  }
  buffer_.resize(buffer_.size() + block);
  write_packet(&buffer_[buffer_.size() - block], interface, raw, flows.empty() ? 0 : flows.back().uid.value);
  if (segment_.first == 0 && segment_.last == 0) segment_.first = segment_.last = raw.ts;
  segment_.first = std::min(segment_.first, raw.ts);
  segment_.last = std::max(segment_.last, raw.ts);
  buffered_packets_++;
  if (buffer_.size() >= kBufferBytes) flush();
}

SegmentCounters Writer::settle() {
  SegmentCounters sum = ended_;
  if (!is_open_) return sum;
  flush();
  sum.written += segment_.counters.written;
  sum.cutoff += segment_.counters.cutoff;
  sum.not_kept += segment_.counters.not_kept;
  return sum;
}

void Writer::tick(Nanos now) {
  if (is_over(now)) end();
  collect();
}

void Writer::finish() {
  if (is_open_) end();
  if (is_closing_) {
    closing_.thread.join();
    closed_.push_back(std::move(closing_.segment));
    is_closing_ = false;
  }
}

void Writer::end() {
  flush();
  is_open_ = false;
  if (ring_) {
    const capture::SourceStats now = ring_->look();
    segment_.counters.ring_packets = now.taken + now.dropped - ring_before_.taken - ring_before_.dropped;
    segment_.counters.ring_drops = now.dropped - ring_before_.dropped;
    ring_before_ = now;
  }
  ended_.written += segment_.counters.written;
  ended_.cutoff += segment_.counters.cutoff;
  ended_.not_kept += segment_.counters.not_kept;
  if (is_closing_) {
    closing_.thread.join();
    closed_.push_back(std::move(closing_.segment));
    is_closing_ = false;
  }
  if (fd_ >= 0 && segment_.counters.written == 0) {
    ::close(fd_);
    ::unlinkat(dir_fd_, part_of(segment_).c_str(), 0);
    fd_ = -1;
  }
  if (fd_ < 0) {
    closed_.push_back(std::move(segment_));
    return;
  }
  segment_.bytes = file_bytes_;
  closing_.segment = std::move(segment_);
  closing_.fd = fd_;
  closing_.places.swap(places_);
  closing_.ends.swap(ends_);
  fd_ = -1;
  closing_.is_done.store(false, std::memory_order_relaxed);
  closing_.thread = std::thread([this] { close_segment(options_.dir, closing_, dir_fd_); });
  is_closing_ = true;
}

// In the second thread. The index is there before the segment is: whoever sees the segment finds it by flow.
void Writer::close_segment(const std::string& dir, Closing& c, int dir_fd) {
  Segment& s = c.segment;
  const std::string stem = stem_of(s), part = part_of(s);
  const auto say = [&](const std::string& name, int error) {
    if (s.error.empty()) s.error = dir + "/" + name + ": " + reason(error);
  };
  std::vector<std::uint8_t> index;
  build_index(c.places, c.ends, s.bytes, index);
  const std::string index_part = "." + stem + ".idx.part", index_name = stem + ".idx";
  const int index_fd =
      ::openat(dir_fd, index_part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (index_fd >= 0 && write_all(index_fd, index.data(), index.size()) && ::fsync(index_fd) == 0 &&
      ::renameat(dir_fd, index_part.c_str(), dir_fd, index_name.c_str()) == 0) {
    s.has_index = true;
  } else {
    say(index_name, errno);
    ::unlinkat(dir_fd, index_part.c_str(), 0);
  }
  if (index_fd >= 0) ::close(index_fd);
  if (::fsync(c.fd) != 0) say(part, errno);
  ::close(c.fd);
  c.fd = -1;
  if (::renameat(dir_fd, part.c_str(), dir_fd, (stem + ".pcapng").c_str()) == 0) {
    s.name = stem + ".pcapng";
    ::fsync(dir_fd);
  } else {
    say(part, errno);
    // Without a name nobody finds it: what is in it was not kept.
    ::unlinkat(dir_fd, part.c_str(), 0);
    ::unlinkat(dir_fd, index_name.c_str(), 0);
    s.has_index = false;
    s.counters.not_kept += s.counters.written;
    s.counters.written = 0;
  }
  c.is_done.store(true, std::memory_order_release);
}

void Writer::collect() {
  if (!is_closing_ || !closing_.is_done.load(std::memory_order_acquire)) return;
  closing_.thread.join();
  closed_.push_back(std::move(closing_.segment));
  is_closing_ = false;
}

std::vector<Segment> Writer::take_closed() {
  collect();
  std::vector<Segment> out;
  out.swap(closed_);
  return out;
}

}  // namespace catenary::packets
