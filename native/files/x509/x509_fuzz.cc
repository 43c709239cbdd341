// Every place of the input that may begin a certificate is read as one; seeds are whole captures, which hold some.
#include "base/ber.h"
#include "files/x509/certificate.h"

using namespace catenary;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kPlacesMax = 16;
  Cursor in(Bytes{data, size});
  for (int places = 0; places < kPlacesMax && !in.done();) {
    const Bytes here = in.peek_rest();
    in.skip(1);
    if (here[0] != ber::kSequence) continue;
    places++;
    x509::Certificate c;
    if (!x509::parse(here, c)) continue;
    x509::NameText name;
    x509::name_text(c.subject, name);
    name.clear();
    x509::name_text(c.issuer, name);
    x509::SerialText serial;
    x509::serial_text(c.serial, serial);
    x509::DecimalText exponent;
    x509::decimal_text(c.exponent, exponent);
    x509::OidText numbers;
    x509::dotted(c.key_algorithm, numbers);
    x509::matches_host(c, "www.example.test");
  }
  return 0;
}
