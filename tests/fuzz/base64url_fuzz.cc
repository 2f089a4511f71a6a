// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "base64url.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  const std::string_view input = fuzz::text_of(data, size);
  std::string decoded;
  if (internal::decode_base64url(input, decoded)) {
    fuzz::require(internal::base64url(decoded) == input, "what decodes has one spelling");
  }
  const std::string encoded = internal::base64url(input);
  fuzz::require(internal::decode_base64url(encoded, decoded) && decoded == input, "what is encoded comes back");
  fuzz::require(!internal::decode_base64url(encoded + '=', decoded), "padding is refused");
  return 0;
}
