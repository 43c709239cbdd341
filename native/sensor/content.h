// Who reads what flows carry, instead of protocols: streams in order, datagrams, and when a flow is over.
#pragma once

#include "flow/reassembly.h"

namespace catenary::sensor {

class ContentListener : public flow::StreamListener {
 public:
  // The payload of a datagram, of a message of ICMP behind its header, of any other packet of IP.
  virtual void on_datagram(flow::Flow& flow, flow::Dir dir, Bytes data) = 0;
  // Last words: the flow is destroyed when this returns.
  virtual void on_end(flow::Flow& flow) = 0;
};

}  // namespace catenary::sensor
