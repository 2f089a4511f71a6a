# SPDX-License-Identifier: Apache-2.0
# Fails when the library calls an OpenSSL function that can fail and that openssl_failure.cc does not wrap.
# Not wrapped: what frees, cleanses, compares or names something, and arithmetic that allocates nothing.
set(CANNOT_FAIL
    "(_free|_free_all)$" "^ERR_" "^OPENSSL_cleanse$" "^CRYPTO_" "^BIO_s_" "^EVP_aes_256_cbc$" "^BN_clear_free$"
    "^BN_(cmp|get_word|mod_word|num_bits)$" "^OSSL_PARAM_construct_")
execute_process(COMMAND ${NM} -u ${LIBRARY} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "cannot read ${LIBRARY}")
endif()
string(REGEX MATCHALL "U (EVP|BN|BIO|PEM|d2i|i2d|PKCS[0-9]+|OSSL|OPENSSL|CRYPTO|ERR|X509|RAND|HMAC|RSA)_[A-Za-z0-9_]+" calls "${symbols}")
list(TRANSFORM calls REPLACE "^U " "")
list(REMOVE_DUPLICATES calls)
list(LENGTH calls count)
if(count LESS 50)
  message(FATAL_ERROR "only ${count} OpenSSL calls found in ${LIBRARY}: the test is broken")
endif()
foreach(pattern ${CANNOT_FAIL})
  list(FILTER calls EXCLUDE REGEX "${pattern}")
endforeach()
list(REMOVE_ITEM calls ${WRAPS})
if(calls)
  message(FATAL_ERROR "not wrapped in openssl_failure.cc: ${calls}")
endif()
