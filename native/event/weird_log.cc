#include "event/weird_log.h"

namespace catenary::event {

void WeirdLog::write(Weird name, const WeirdSubject& subject, std::string_view addl) {
  Rate& rate = rates_[static_cast<std::size_t>(name)];
  rate.written++;
  WeirdEvent e;
  e.ts = micros(events_.now());
  e.name = weird_name(name);
  // The layer or protocol is the name's first word.
  e.source = e.name.substr(0, e.name.find('_'));
  if (!addl.empty()) e.addl = addl;
  e.count = 1 + rate.held_back;
  rate.held_back = 0;
  e.uid = subject.uid;
  e.orig_h = subject.orig_h;
  e.orig_p = subject.orig_p;
  e.resp_h = subject.resp_h;
  e.resp_p = subject.resp_p;
  e.proto = subject.proto;
  e.vlan = subject.vlan;
  events_.emit(e);
}

}  // namespace catenary::event
