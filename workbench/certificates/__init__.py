"""Certificates: what was tested of a strategy, signed, so that an engine believes it.

`new_certificate` and `sign` make one, `verify` believes one; `source_closure` says which files count as the strategy.
"""

from __future__ import annotations

from workbench.certificates.canonical import canonical, storable
from workbench.certificates.document import FORMAT, Certificate, new_certificate
from workbench.certificates.instruments import certified_instruments, instrument_names
from workbench.certificates.keys import KeyPair, key_id, key_pair, keys_folder, read_public_key, trusted_keys
from workbench.certificates.ordering import limits_no_looser, limits_of_strategy, limits_table
from workbench.certificates.signing import Signed, read_signed, sign, verify
from workbench.certificates.sources import PROJECT, closure_of, project_file, source_closure

__all__ = [
    "FORMAT",
    "PROJECT",
    "Certificate",
    "KeyPair",
    "Signed",
    "canonical",
    "certified_instruments",
    "closure_of",
    "instrument_names",
    "key_id",
    "key_pair",
    "keys_folder",
    "limits_no_looser",
    "limits_of_strategy",
    "limits_table",
    "new_certificate",
    "project_file",
    "read_public_key",
    "read_signed",
    "sign",
    "source_closure",
    "storable",
    "trusted_keys",
    "verify",
]
