# SPDX-License-Identifier: Apache-2.0
"""The warnings of PyJWT, under the same names."""


class RemovedInPyjwt3Warning(DeprecationWarning):
    """An argument that PyJWT ignores and will refuse."""


class InsecureKeyLengthWarning(UserWarning):
    """Never given here: a key below 2048 bit is an InvalidKeyError."""
